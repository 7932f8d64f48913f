"""Every recorded accuracy, a figure a study, whether a chapter speaks of it or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.studies.catalogue import studies
from adainf_core.figures import Shown
from adainf_core.findings.findings import Findings


def studies_of_accuracy(root: Path = RESULTS) -> Iterator[Findings]:
    """Every study and scale with recorded linear accuracies, in the ledger's order."""
    for study in studies().values():
        for scale in study.layouts:
            found = Findings(study.name, scale, root)
            if any("linear" in record.metrics for record in found.records):
                yield found


def recorded_arms(found: Findings) -> list[str]:
    """The arms that have a linear accuracy."""
    return [arm for arm in found.study.arms if found.values(arm)]


def draw_every_run(root: Path = RESULTS) -> None:
    """Display each study's question and all of its arms, with where the numbers come from."""
    from IPython.display import Markdown, display

    for found in studies_of_accuracy(root):
        heading = f"**{found.name}**, scale {found.scale}. {found.study.question}"
        display(
            Markdown(heading), all_arms(found), found.caption("Seeds, means, 95 % t intervals.")
        )


def all_arms(found: Findings) -> Shown:
    """The dots of all arms that have been run; those of one label have their own name as well."""
    arms = recorded_arms(found)
    shared = Counter(found.label(arm) for arm in arms)
    labels = {
        arm: found.label(arm) + (f" ({arm})" if shared[found.label(arm)] > 1 else "")
        for arm in arms
    }
    return found.dots(labels, f"{found.name}, {found.scale}: linear accuracy in %")

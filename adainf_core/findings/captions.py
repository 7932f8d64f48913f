"""Captions that end with where the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.freshness import is_fresh, replay_of
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import Record
from adainf_core.figures.typesetting import typeset
from adainf_core.findings.beneath import levels_in_words
from adainf_core.findings.escaping import as_code, escaped

if TYPE_CHECKING:
    from IPython.display import Markdown

    from adainf_core.findings.findings import Findings


def caption(text: str, *sources: Findings | Sequence[Record], how: str = "Recorded") -> Markdown:
    """`text` in italics, and below it `how` and the provenance of each of `sources`.

    On a page the second stands behind a link of the caption (book/_ext/captions.py).
    A source is a study's findings, or records such as those of a live run (`how="Live"`).
    """
    from IPython.display import Markdown

    made = " ".join(source_of(source, how) for source in sources)
    return Markdown("\n\n".join(f"*{typeset(part)}*" for part in (text, made) if part))


def provenance(records: Sequence[Record]) -> str:
    """One line on where the numbers of a figure come from: runs, machine, versions, time."""
    if not records:
        raise ValueError("no records to speak of: run the study first")
    days = sorted({escaped(record.finished[:10]) for record in records})
    versions = sorted(
        {escaped(f"torch {r.versions['torch']}, Python {r.versions['python']}") for r in records}
    )
    return (
        f"{len(records)} runs of {as_code(records[0].study)} at scale {as_code(records[0].scale)}, "
        f"{days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}, "
        f"{', '.join(sorted({escaped(record.device) for record in records}))}, "
        f"{'; '.join(versions)}, "
        f"{sum(record.wall_seconds for record in records) / 60:.0f} minutes in all"
    )


def standing_of_code(study: Study, records: Iterable[Record], root: Path) -> str:
    """Whether the code as it is speaks for the records: unchanged since, replayed, or stale."""
    unchanged, stale, commits = 0, 0, dict[str, None]()
    for record in records:
        experiment = study.experiment(record.scale, record.arm, record.seed)
        if not is_fresh(record, experiment, root):
            stale += 1
        elif record.code == code_fingerprint(experiment):
            unchanged += 1
        elif found := replay_of(record, experiment, root):
            commits[escaped((found.commit or "no commit")[:7])] = None
    if stale:
        return f"**stale**: the code of {stale}, or what they read, has changed since"
    if commits:
        return f"replayed at {', '.join(commits)}"
    return "code unchanged since"


def source_of(source: Findings | Sequence[Record], how: str = "Recorded") -> str:
    """The sentence that says where the numbers of a study, or of records, come from."""
    if isinstance(source, Sequence):
        return f"{how}: {provenance(source)}." if source else "Nothing recorded yet."
    if not source.records:
        return f"Nothing recorded yet of `{source.name}`."
    finished = len(source.records) == source.planned
    share = "" if finished else f"{len(source.records)} of {source.planned} runs are in: "
    code = standing_of_code(source.study, source.records, source.root)
    sentence = f"{how}: {share}{provenance(source.records)}; {code}."
    return " ".join(filter(None, (sentence, levels_in_words(source))))

"""Captions that end with where the numbers come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adainf_core.evidence.runs.records import Record, provenance

if TYPE_CHECKING:
    from IPython.display import Markdown

    from adainf_core.findings.findings import Findings


def caption(text: str, *sources: Findings | Sequence[Record], how: str = "Recorded") -> Markdown:
    """`text` in italics, followed by `how` and the provenance of each of `sources`.

    A source is a study's findings, or records such as those of a live run (`how="Live"`).
    """
    from IPython.display import Markdown

    return Markdown(f"*{' '.join([text, *(_source(source, how) for source in sources)])}*")


def _source(source: Findings | Sequence[Record], how: str) -> str:
    if isinstance(source, Sequence):
        records, share, nothing = source, "", "Nothing recorded yet."
    else:
        records, nothing = source.records, f"Nothing recorded yet of `{source.name}`."
        finished = len(records) == source.planned
        share = "" if finished else f"{len(records)} of {source.planned} runs are in: "
    return f"{how}: {share}{provenance(list(records))}." if records else nothing

"""The ledger: every claim with its verdict, and how the verdict moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adainf_core.evidence.judging.claims import MARGIN, Claim
from adainf_core.evidence.judging.verdicts import NOT_RUN, Verdict, judge, paired_only
from adainf_core.evidence.registration import Registration, check_registered
from adainf_core.evidence.runs.records import RESULTS, Record
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import all_claims, family, named_study

#: Margins, in points, at which the ledger says how a verdict moves.
MARGINS = (0.25, 0.5, MARGIN, 2.0)


@dataclass(frozen=True)
class Line:
    """One claim in the ledger: its verdict, and what it would be otherwise.

    `by_margin` has the word at each of `MARGINS`, `paired` that of the contrast's own values alone
    (see `verdicts.paired_only`), `neighbours` the rule's with the nearest-neighbour probe in place
    of the linear one; `registration` says when the rule was fixed, None before any run.
    """

    verdict: Verdict
    by_margin: tuple[str, ...]
    paired: str
    neighbours: str
    registration: Registration | None

    @property
    def claim(self) -> Claim:
        """What is claimed."""
        return self.verdict.claim

    @property
    def published_inside(self) -> bool | None:
        """Whether our interval holds every difference that the paper gives; None without any."""
        ours = self.verdict.difference
        said = [p.difference for p in self.claim.published if p.difference is not None]
        return None if ours is None or not said else all(d in ours for d in said)


def ledger(scale: str, root: Path = RESULTS) -> list[Line]:
    """Every claim judged on the records at `scale`, in the order of the catalogue.

    Raises ValueError where a rule is younger than a record that it judges, or not registered.
    """
    lines: dict[str, Line] = {}
    for name in dict.fromkeys(claim.study for claim in all_claims()):
        study = named_study(name)
        records = study_records(study, scale, root) if scale in study.layouts else []
        lines |= _lines(name, records, root)
    return [lines[claim.key] for claim in all_claims()]


def _lines(study: str, records: Sequence[Record], root: Path) -> dict[str, Line]:
    registration = check_registered(study, records, root) if records else None
    claims = family(study)
    swapped = [
        replace(record, metrics=record.metrics | {"linear": record.metrics["knn"]})
        for record in records
    ]
    neighbours = {verdict.claim.key: verdict.word for verdict in judge(claims, swapped)}
    return {
        verdict.claim.key: Line(
            verdict,
            tuple(verdict.at_margin(margin) for margin in MARGINS),
            NOT_RUN if verdict.word == NOT_RUN else paired_only(verdict, records).word,
            neighbours[verdict.claim.key],
            registration,
        )
        for verdict in judge(claims, records)
    }

"""The ledger: every claim with its verdict, and how the verdict moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adainf_core.evidence.judging.claims import MARGIN, Claim
from adainf_core.evidence.judging.verdicts import Outcome, Verdict, judge_study, paired_only
from adainf_core.evidence.registration import Registration, standing
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import studies

#: Margins, in points, at which the ledger says how a verdict moves.
MARGINS = (0.25, 0.5, MARGIN, 2.0)


@dataclass(frozen=True)
class LedgerEntry:
    """One claim in the ledger: its verdict, and what it would be otherwise.

    `at_margins` has the outcome at each of `MARGINS`, `own_error_only` that of a contrast's own
    values alone (see `verdicts.paired_only`), `with_knn` that with the nearest-neighbour probe in
    place of the linear one; claims that read neither keep theirs. `registration` says when the rule
    was fixed, None where it was not, and `exploratory` that what is judged began earlier
    (`registration.standing`). `scale` is that of the records; of the runs `planned` there for the
    arms that the claim reads, `runs` have been done.
    """

    verdict: Verdict
    at_margins: tuple[Outcome, ...]
    own_error_only: Outcome
    with_knn: Outcome
    registration: Registration | None
    exploratory: bool
    scale: str
    runs: int
    planned: int

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


def ledger(scale: str | None = None, root: Path = RESULTS) -> list[LedgerEntry]:
    """Every claim judged on the records at `scale`, in the order of the catalogue.

    By default that is each study's own (`Study.judged_scale`): laptop, where it is laid out there.
    Raises ValueError where a registration disagrees with its study.
    """
    return [
        entry
        for study in studies().values()
        if study.claims
        for entry in _entries(study, scale or study.judged_scale, root)
    ]


def settled(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """One entry a claim: of one that was asked again, the answer of its fresh seeds, once it is in.

    The place is that of the claim that was asked first.
    """
    answered = {
        entry.claim.repeats: entry
        for entry in entries
        if entry.claim.repeats and entry.verdict.outcome != Outcome.NOT_RUN
    }
    return [answered.get(entry.claim.key, entry) for entry in entries if not entry.claim.repeats]


def _entries(study: Study, scale: str, root: Path) -> list[LedgerEntry]:
    laid_out = scale in study.layouts
    records = study_records(study, scale, root) if laid_out else []
    plan = study.plan(scale) if laid_out else []
    stands = standing(study, scale, records, root)
    with_knn = judge_study(study, scale, records, "knn")
    return [
        LedgerEntry(
            verdict,
            tuple(verdict.at_margin(margin) for margin in MARGINS),
            paired_only(verdict, records).outcome,
            neighbours.outcome,
            stands.registration,
            stands.exploratory,
            scale,
            sum(record.arm in verdict.claim.arms for record in records),
            sum(arm in verdict.claim.arms for arm, _ in plan),
        )
        for verdict, neighbours in zip(judge_study(study, scale, records), with_knn, strict=True)
    ]

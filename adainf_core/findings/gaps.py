"""Findings of the gap studies: measures of generators, each with its mirror, real against real."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.gap_experiment import MEASURES, at_least, estimate, mirrored
from adainf_core.evidence.studies.sprite_gap import JUDGED, MORE_IS_BETTER, RIGHT, true_tv
from adainf_core.findings.findings import Findings
from adainf_core.gap.estimate import GapEstimate

__all__ = ["JUDGED", "MEASURES", "MORE_IS_BETTER", "RIGHT", "GapFindings", "at_least"]


@dataclass(frozen=True)
class GapFindings(Findings):
    """Findings of "generator-gap" (photographs) or "sprite-gap", where an arm is one generator."""

    name: str = "generator-gap"

    @cached_property
    def by_arm(self) -> dict[str, Record]:
        """The record of each arm's last seed, in the order of the plan."""
        return {record.arm: record for record in self.records}

    def measured(self, arm: str, measure: str) -> GapEstimate:
        """What was measured of an arm; of the total variations `low` is the bound."""
        return estimate(self.by_arm[arm], measure)

    def mirrored(self, arm: str, measure: str) -> GapEstimate | None:
        """The same of real against real; None for "near", which has no such line."""
        return mirrored(self.by_arm[arm], measure)

    def true_tv(self, arm: str) -> float:
        """The exact total variation of an arm of "sprite-gap" from the real images."""
        return true_tv(arm)

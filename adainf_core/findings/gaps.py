"""Findings of the gap studies: measures of generators, each with its mirror, real against real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.gap_experiment import MEASURES, at_least, estimate, mirrored
from adainf_core.evidence.studies.sprite_gap import JUDGED, MORE_IS_BETTER, RIGHT, true_tv
from adainf_core.figures import GENERATED, INK, REAL, level_ticks
from adainf_core.findings.findings import Findings
from adainf_core.gap.estimate import GapEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    def measured_dial(
        self, ax: Axes, arms: Mapping[float, str], measure: str, ringed: str = ""
    ) -> None:
        """A measure along a dial: values and intervals, real against real as a band behind them.

        `arms` maps the dial's levels to arms, and the arm `ringed` has a ring; the levels' axis is
        logarithmic. The band is that of the last arm's mirror.
        """
        found = {level: self.measured(arm, measure) for level, arm in arms.items()}
        zero = self.mirrored(list(arms.values())[-1], measure)
        if zero is not None:
            ax.axhspan(zero.low, zero.high, color=REAL, alpha=0.25, lw=0)
            ax.axhline(zero.value, color=REAL, lw=1)
        lows, highs = [each.low for each in found.values()], [each.high for each in found.values()]
        values = [each.value for each in found.values()]
        ax.vlines(list(found), lows, highs, color=GENERATED, lw=3)
        ax.plot(list(found), values, "o-", color=GENERATED, lw=1.2, mec=INK, mew=0.6)
        rings = [(level, found[level].value) for level, arm in arms.items() if arm == ringed]
        for at in rings:
            ax.plot(*at, "o", ms=13, mfc="none", mec=INK, mew=1.6)
        ax.set_xscale("log")
        level_ticks(ax, found, [f"{n:g}" if n < 1000 else f"{n / 1000:g}k" for n in found])

    def true_tv(self, arm: str) -> float:
        """The exact total variation of an arm of "sprite-gap" from the real images."""
        return true_tv(arm)

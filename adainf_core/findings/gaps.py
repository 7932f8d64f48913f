"""Findings of the gap studies: measures of generators, each with its mirror, real against real."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.data.sprites import FLAWS
from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.gap_experiment import MEASURES, at_least, estimate, mirrored
from adainf_core.evidence.studies.sprite_gap import (
    JUDGED,
    MORE_IS_BETTER,
    RIGHT,
    out_of_order,
    true_tv,
)
from adainf_core.figures import (
    FAINT,
    FLAW_STYLE,
    GENERATED,
    INK,
    REAL,
    Shown,
    Table,
    draw,
    image_rows,
    is_narrow,
    level_ticks,
    note,
)
from adainf_core.findings.findings import Findings
from adainf_core.findings.telling import tell
from adainf_core.gap.estimate import GapEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["JUDGED", "MEASURES", "MORE_IS_BETTER", "RIGHT", "GapFindings", "number", "written"]
_LISTED = {
    Outcome.HOLDS: "ranks-rightly",
    Outcome.DOES_NOT_HOLD: "does-not-rank-rightly",
    Outcome.NOT_DECIDED: "not-decided",
}
_TOLD = {1: "tells them apart", 0: "does not tell them apart", -1: "calls them better than real"}


def number(found: GapEstimate, measure: str) -> float:
    """What is read of a measure: its value, of a total variation the lower bound."""
    return found.low if _is_bound(measure) else found.value


def written(found: GapEstimate, measure: str) -> str:
    """A measure for a table: value and interval, of the kernel distance in thousandths; a bound."""
    if _is_bound(measure):
        return at_least(found.low, 3)
    if measure == "kernel_distance":
        value, low, high = map(_thousandths, (found.value, found.low, found.high))
        return f"{value} [{low}, {high}]"
    return f"{found:.2f}"


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

    def zero_line(self, arm: str, measure: str) -> GapEstimate:
        """As `mirrored`; of "near" the held-out photographs in the generator's place."""
        return self.mirrored(arm, measure) or self.measured("held_out", measure)

    def excess(self, arm: str, measure: str) -> float:
        """How much worse than real against real an arm is, in the measure's own units."""
        found = number(self.measured(arm, measure), measure)
        found -= number(self.zero_line(arm, measure), measure)
        return -found if measure in MORE_IS_BETTER else found

    def told_apart(self, arm: str, measure: str) -> int:
        """Whether intervals call an arm worse than real (1), better (-1) or neither (0).

        They do where they do not overlap; a bound on total variation where it is above that of real
        against real.
        """
        found, zero = self.measured(arm, measure), self.zero_line(arm, measure)
        if _is_bound(measure):
            return int(found.low > zero.low)
        sign = int(found.low > zero.high) - int(found.high < zero.low)
        return -sign if measure in MORE_IS_BETTER else sign

    def in_words(self, arm: str, measure: str, spec: str = ".2f") -> str:
        """What was measured, beside real against real in brackets; of a bound itself alone."""
        found, zero = self.measured(arm, measure), self.zero_line(arm, measure)
        if _is_bound(measure):
            return written(found, measure)
        beside = "held-out photographs" if measure == "near" else "real against real"
        return f"{found:{spec}} ({beside} {zero:{spec}})"

    def told_in_words(self, arm: str, measure: str) -> str:
        """`told_apart` as a predicate: "tells them apart" ..."""
        return _TOLD[self.told_apart(arm, measure)]

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

    def on_dials(
        self,
        arm: str,
        dials: Mapping[str, Mapping[float, str]],
        measure: str,
        *,
        alt: str,
        ylabel: str,
        most: float,
        linear: float,
    ) -> Shown:
        """Ten pictures of an arm, and below them a measure along dials, on which it has a ring.

        `dials` maps what stands below each to its levels' arms (`measured_dial`). The measure's
        axis, `ylabel`, ends at `most` and is linear from 0 to `linear`, then logarithmic.
        """

        rows = len(dials)

        def paint(whole: Axes) -> None:
            figure, narrow = whole.figure, is_narrow(whole)
            whole.remove()
            shape, heights = (2, rows), [2, 5]
            if narrow:
                shape, heights = (rows + 1, 1), [1] + [3] * rows
            grid = figure.add_gridspec(*shape, height_ratios=heights)
            image_rows(figure.add_subplot(grid[0, :]), [("", self.pictures()[arm][:10])])
            first = None
            for place, (what, arms) in enumerate(dials.items()):
                where = grid[1 + place, 0] if narrow else grid[1, place]
                ax = figure.add_subplot(where, sharey=first)
                self.measured_dial(ax, arms, measure, ringed=arm)
                ax.set(xlabel=what, ylim=(0, most))
                ax.set_yscale("symlog", linthresh=linear)
                if first is None:
                    first = ax
                elif not narrow:
                    ax.tick_params(labelleft=False)
            assert first is not None
            powers = range(round(np.log10(linear)), int(np.log10(most)) + 1)
            level_ticks(first, [0, *(10.0**power for power in powers)], axis="y")
            first.set_ylabel(ylabel)
            levels = next(iter(dials.values()))
            zero = self.zero_line(list(levels.values())[-1], measure)
            note(first, "real against real", (min(levels), zero.value), (0, 5), fontsize=10)

        return draw(paint, alt=alt, height=3.5, narrow=0.8 + 2 * rows)

    def true_tv(self, arm: str) -> float:
        """The exact total variation of an arm of "sprite-gap" from the real images."""
        return true_tv(arm)

    def against_truth(self, ax: Axes, measure: str) -> None:
        """A measure of the flaws of "sprite-gap" over their exact total variation, a line a flaw.

        Dashed: real against real. Bars: intervals; of a bound only itself, beside the diagonal.
        """
        ax.axhline(number(self.zero_line("perfect", measure), measure), color=FAINT, ls="--", lw=1)
        for flaw in FLAWS:
            colour, marker = FLAW_STYLE[flaw]
            arms = [arm for arm in self.by_arm if arm.startswith(flaw)]
            truth = [true_tv(arm) for arm in arms]
            found = [self.measured(arm, measure) for arm in arms]
            if _is_bound(measure):
                ax.plot([0, *truth], [0, *truth], color=INK, lw=0.8, zorder=1)
            else:
                ax.vlines(truth, [f.low for f in found], [f.high for f in found], colour, lw=1)
            ax.plot(truth, [number(f, measure) for f in found], marker=marker, ms=4, lw=1.2,
                    color=colour, label=flaw.replace("_", " "))  # fmt: skip

    def panels_against_truth(self, axes: Any, measures: Sequence[str]) -> None:
        """`against_truth` of several measures, a panel each, under one legend."""
        for ax, measure in zip(axes.flat, measures, strict=True):
            self.against_truth(ax, measure)
            ax.set_title(MEASURES[measure].replace("total variation", "TV lower bound"))
            ax.set(xticks=[0, 0.1, 0.3, 0.5], xlim=(0, 0.53))
        for ax in axes[-1]:
            ax.set_xlabel("exact total variation")
        first = axes.flat[0]
        first.figure.legend(*first.get_legend_handles_labels(), loc="outside upper center",
                            ncols=2 if is_narrow(first) else 4, fontsize=9, handlelength=1.2,
                            columnspacing=1)  # fmt: skip

    def out_of_order(self, measure: str) -> dict[str, int]:
        """For each flaw of "sprite-gap", the pairs of strengths that a measure has wrong or equal.

        KeyError for a measure that is not judged.
        """
        return out_of_order(self.verdicts[measure].claim, self.records)

    @property
    def ranked(self) -> list[Any]:
        """The verdicts on whether measures rank as the exact distance does, the best first."""
        return sorted(self.verdicts.values(), key=lambda verdict: -verdict.correlation.value)

    def rank_table(self) -> Table:
        """The judged measures by their rank correlation with the truth, and their wrong pairs."""
        flaws = (f"wrong pairs, {flaw.replace('_', ' ')}" for flaw in FLAWS)
        return Table(("measure", "Spearman with the truth", *flaws, "verdict"), [
            (MEASURES[v.claim.key], f"{v.correlation:.2f}",
             *map(str, self.out_of_order(v.claim.key).values()), f"**{v.outcome}**")
            for v in self.ranked
        ])  # fmt: skip

    def tell_ranks(self, prefix: str) -> None:
        """Glue which measures rank rightly, and the correlation that one without a fault has.

        Of the first and the last measure, of "frechet" and of "tv_images" (as "tv"):
        `prefix-first-name`, `prefix-first-rho` and `prefix-first-verdict`.
        """
        from scipy.stats import spearmanr

        ranked = self.ranked
        for word, name in _LISTED.items():
            these = "; ".join(MEASURES[v.claim.key] for v in ranked if v.outcome == word)
            tell(prefix, {name: these or "none"})
        strengths = (len(self.by_arm) - 1) // len(FLAWS)  # all but the perfect generator
        unerring = np.repeat(np.arange(strengths), len(FLAWS))
        rho = spearmanr(unerring, np.arange(len(unerring))).statistic
        tell(prefix, {"perfect-rho": f"{rho:.2f}"}, right=RIGHT, judged=len(JUDGED),
             tied=len(FLAWS), pairs=strengths * (strengths - 1) // 2)  # fmt: skip
        chosen = {"first": ranked[0], "last": ranked[-1]}
        chosen |= {"frechet": self.verdicts["frechet"], "tv": self.verdicts["tv_images"]}
        for name, v in chosen.items():
            tell(f"{prefix}-{name}", name=MEASURES[v.claim.key], rho=f"{v.correlation:.2f}",
                 verdict=v.outcome)  # fmt: skip

    def tell_measured(self, prefix: str, arms: Iterable[str], measures: Iterable[str]) -> None:
        """Glue `in_words` as `prefix-arm-measure`, and `told_in_words` as the same with "-says"."""
        listed = list(measures)
        for arm in arms:
            for m in listed:
                spec = ".3f" if m in ("precision", "recall") else ".2f"
                tell(f"{prefix}-{arm}", {m: self.in_words(arm, m, spec),
                                         f"{m}-says": self.told_in_words(arm, m)})  # fmt: skip


def _is_bound(measure: str) -> bool:
    return measure.startswith("tv_")


def _thousandths(value: float) -> str:
    return f"{1000 * value:.0f}" if abs(value) >= 0.01 else f"{1000 * value:.1f}"

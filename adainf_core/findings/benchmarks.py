"""The committed records of the scripts in benchmarks/."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.figures import (
    BOUNDARY,
    INK,
    Shown,
    Table,
    compact_legend,
    curve,
    interval_curve,
    legend_below,
    level_ticks,
    panels,
)
from adainf_core.findings.telling import tell
from adainf_core.statistics.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RECORDS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def benchmark(name: str) -> dict[str, Any]:
    """The record of benchmarks/NAME.py, as it was written; ValueError where there is none."""
    path = _RECORDS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"no record of benchmark {name!r}: run benchmarks/{name}.py")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


class SweptToy:
    """The record of benchmarks/toy_sweep.py: the paper's toy over strengths, sizes and dimensions.

    strengths, sizes (numbers of points) and draws are those of the sweep, labeling_error is exact,
    one a strength. Names are "spectral_gap", "real_error", and of a best strength also "bound".
    """

    def __init__(self) -> None:
        self.record = benchmark("toy_sweep")
        self._found = self.record["findings"]
        self.strengths: list[float] = self._found["strengths"]
        self.sizes: list[int] = self._found["sizes"]
        self.draws: int = self._found["draws"]
        self.labeling_error: list[float] = self._found["labeling_error"]

    def over_strengths(self, k: int, name: str, n: int) -> list[Interval]:
        """Mean over draws at each strength, with its 95 % bootstrap interval.

        NaN where some draw leaves the encoder of k dimensions undetermined.
        """
        rows = self._found["curves"][str(k)][name][self.sizes.index(n)]
        return [self._interval(row or [math.nan] * 3) for row in rows]

    def best(self, k: int, name: str, n: int) -> Interval:
        """The strength that minimises a curve, α / λ ("bound") or an error; bootstrap as above."""
        return self._interval(self._found["best_strength"][str(k)][name][self.sizes.index(n)])

    def error_at_best(self, k: int, name: str, n: int) -> tuple[float, Interval]:
        """The strength that minimises the curve `name`, and the real error there."""
        best = self.best(k, name, n).value
        return best, self.over_strengths(k, "real_error", n)[self.strengths.index(best)]

    def over_gap(self, k: int, n: int, least: float = 1e-3) -> list[Interval]:
        """α over λ_{k+1} at each strength, as `over_strengths`; NaN where λ is at most `least`."""

        def ratio(alpha: float, gap: float) -> float:
            return alpha / gap if gap > least else math.nan

        gaps = self.over_strengths(k, "spectral_gap", n)
        return [
            Interval(ratio(alpha, gap.value), ratio(alpha, gap.high), ratio(alpha, gap.low), gap.n)
            for alpha, gap in zip(self.labeling_error, gaps, strict=True)
        ]

    def draw_curves(
        self, axes: Any, tops: Mapping[int, float], looks: Mapping[int, tuple[str, str]]
    ) -> None:
        """`over_gap` above and the real error below, a column for each k of `tops`.

        Lines are sizes, with colour and marker in `looks`, their intervals as bands, the least
        value ringed. `tops` has the end of the upper axis for each k.
        """
        for (k, top), column in zip(tops.items(), axes.T, strict=True):
            for n, look in looks.items():
                both = self.over_gap(k, n), self.over_strengths(k, "real_error", n)
                for ax, rows in zip(column, both, strict=True):
                    y, *band = np.array([(row.value, row.low, row.high) for row in rows]).T
                    curve(ax, self.strengths, y, *look, f"n = {n}", band=(band[0], band[1]),
                          least=True, ms=4, lw=1)  # fmt: skip
            column[0].set(title=f"k = {k}", ylim=(0, top))
            column[1].set(ylim=(-0.012, 0.26), xlabel="strength r")
            for ax in column:
                ax.set(xscale="log", xlim=(0.18, 4.5))
                level_ticks(ax, (0.3, 1, 3))
        for ax, name in zip(axes[:, 0], ("α / λ", "real error"), strict=True):
            ax.set_ylabel(name)
        compact_legend(axes[1, -1], "upper center")

    def draw_best(self, ax: Axes, k: int) -> None:
        """The best strength over the number of points, by α / λ (circles) and by the real error."""
        for name, colour, marker, shift, label in (
            ("bound", BOUNDARY, "o", 0.94, "smallest α / λ"),
            ("real_error", INK, "s", 1.06, "smallest real error"),
        ):
            rows = [self.best(k, name, n) for n in self.sizes]
            places = shift * np.array(self.sizes)
            interval_curve(ax, places, rows, colour, marker, label, joined=False)
        ax.set(xscale="log", yscale="log", ylim=(0.17, 4.6))
        level_ticks(ax, (30, 120, 500))
        level_ticks(ax, (0.2, 0.5, 1, 2, 4), axis="y")

    def best_panels(self, ks: Sequence[int], *, alt: str) -> Shown:
        """`draw_best`, a panel for each k, under one legend."""

        def paint(ax: Axes, k: int) -> None:
            self.draw_best(ax, k)
            if k == ks[0]:
                legend_below(ax, 2)

        return panels(paint, {f"k = {k}": k for k in ks}, xlabel="points n", height=3.1,
                      ylabel="best strength r", sharey=False, alt=alt)  # fmt: skip

    def cost_table(self, ks: Sequence[int], sizes: Sequence[int]) -> Table:
        """What following α / λ costs: `error_at_best` of it beside that of the error itself."""
        rows = {(k, n): [self.error_at_best(k, name, n) for name in ("bound", "real_error")]
                for k in ks for n in sizes}  # fmt: skip
        head = ("$k$", "$n$", "$r$ of least $\\alpha/\\lambda$", "real error there",
                "$r$ of least error", "real error there")  # fmt: skip
        return Table(head, [
            (f"{k}", f"{n:,}", *(text for r, error in row for text in (f"{r:g}", f"{error:.3f}")))
            for (k, n), row in rows.items()
        ])  # fmt: skip

    def tell(self, prefix: str, ks: Sequence[int]) -> None:
        """Glue what prose needs of the sweep at `ks`: best strengths, and what a finer grid moves.

        `prefix-b8-few` is the strength of the least α / λ at k = 8 with few points, and
        `prefix-e8-many` that of the least error with many; few is the first size above k.
        """
        tell(prefix, {"sweep-draws": self.draws, "sweep-when": self.record["finished"],
                      "sweep-where": self.record["device"]})  # fmt: skip
        for k in ks:
            few = next(n for n in self.sizes if n > k)
            for size, n in (("few", few), ("many", self.sizes[-1])):
                tell(prefix, {f"{key}{k}-{size}": f"{self.best(k, name, n):g}"
                              for key, name in (("b", "bound"), ("e", "real_error"))})  # fmt: skip
        best = [self.best(k, "real_error", n) for k in ks for n in self.sizes]
        tell(prefix, {"error-from": min(found.value for found in best),
                      "error-to": max(found.value for found in best),
                      "error-low": min(found.low for found in best),
                      "error-high": max(found.high for found in best)})  # fmt: skip
        finer = self.record["finer_grid"]
        found = [finer["real_error"][str(k)] for k in ks]
        steps = [step for row in found for step in row["steps_of_the_minimisers"]]
        moved = [row["largest_change_from_strength_1"] for row in found]
        changed = {"two": f"{moved[0]:.3f}", "rest": f"{max(moved[1:]):.3f}"}
        tell(f"{prefix}-grid", changed, most=max(finer["sizes"]), moved=steps.count(1),
             all=len(steps), step=max(steps))  # fmt: skip

    def _interval(self, ends: Sequence[float]) -> Interval:
        mean, low, high = ends
        return Interval(mean, low, high, self.draws)


@dataclass(frozen=True)
class Recovered:
    """How much of an exact total variation a flaw's bounds prove, in percent, one a sample.

    `reach` is what a detector that sees the flaw itself proves in the median, and `median` that of
    `shares`, as recorded.
    """

    flaw: str
    distance: float
    n: int
    shares: tuple[float, ...]
    reach: float
    median: float

    @property
    def name(self) -> str:
        """Flaw and distance, such as "mode drop at 0.1"."""
        return f"{self.flaw.replace('_', ' ')} at {self.distance:.1f}"


def recovered() -> list[Recovered]:
    """The flaws and distances of benchmarks/sprite_gap.py."""
    found = []
    for row in benchmark("sprite_gap")["rows"]:
        shares, reached = (
            [100 * run[bound] / row["distance"] for run in row["runs"]]
            for bound in ("lower", "no_classifier")
        )
        found.append(
            Recovered(
                row["flaw"],
                row["distance"],
                row["n"],
                tuple(shares),
                median(reached),
                100 * row["recovered"],
            )
        )
    return found


def tell_recovered(prefix: str, record: Mapping[str, Any], rows: Sequence[Recovered]) -> None:
    """Glue how many of the `rows` reach the target of benchmarks/sprite_gap.py, with its record.

    Also the lowest of them, those that miss it, and the counts of wrong bounds among repetitions.
    """
    target = 100 * record["target"]
    missed, low = [row for row in rows if row.median < target], min(rows, key=lambda r: r.median)
    tell(prefix, {"target": f"{target:.0f}%", "met": f"{len(rows) - len(missed)} of {len(rows)}",
                  "missed": "; ".join(f"{r.name} ({r.median:.1f}%)" for r in missed) or "none",
                  "low": low.name, "low-room": f"{low.reach:.0f}%", "headline-n": low.n,
                  "headline-upper": f"{record['miss_share_at_most']:.0%}"})  # fmt: skip
    tell(prefix, {f"headline-{key}": record[key] for key in ("bounds", "misses", "false_alarms")})


def coverage_rows(n: int) -> list[tuple[str, ...]]:
    """Rows of a table from benchmarks/tv_coverage.py, for samples of n scores a side.

    Kind of samples, distance, the share of misses of either method ("ks", "adaptive") in percent
    with its interval, and the median bound of each.
    """
    methods, by_case = ("ks", "adaptive"), dict[tuple[str, float], dict[str, Any]]()
    for row in benchmark("tv_coverage")["coverage"]:
        if row["n_real"] == n:
            by_case.setdefault((row["shape"], row["distance"]), {})[row["method"]] = row
    return [
        (
            shape,
            f"{distance:g}",
            *(_misses(rows[method]) for method in methods),
            *(f"{rows[method]['median_lower']:.3f}" for method in methods),
        )
        for (shape, distance), rows in by_case.items()
    ]


def _misses(row: Mapping[str, Any]) -> str:
    share, low, high = (100 * (1 - row[end]) for end in ("coverage", "high", "low"))
    none = "0 (0"
    return f"{f'{share:.1f} ({low:.1f}' if row['misses'] else none} to {high:.1f})"

"""What was simulated, drawn over what is exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.layout import level_ticks, note
from adainf_core.figures.style import BOUNDARY, INK, REAL
from adainf_core.statistics.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST = 1e-3  # where bars of intervals end on a logarithmic axis: 0 has no place there


def simulated_counts(ax: Axes, simulated: ArrayLike, exact: ArrayLike, zero: str) -> None:
    """Bars of how often the counts 0, 1, ... occurred, with dashes of their exact probabilities.

    simulated, exact (counts,): shares. The bar at 0 is in the colour of what goes wrong, and `zero`
    says to its left why.
    """
    shares, probabilities = np.asarray(simulated), np.asarray(exact)
    counts = np.arange(len(shares))
    ax.bar(counts, shares, color=REAL, alpha=0.45, width=0.75)
    ax.plot(counts, probabilities, "_", color=INK, ms=16, mew=2)
    ax.patches[0].set(color=BOUNDARY, alpha=0.6)
    note(ax, zero, (-0.5, probabilities[0] / 2), color=BOUNDARY, ha="right", va="center")
    ax.set(xticks=counts, ylabel="share of batches", xlim=(-2.6, len(counts) - 0.4))


def exact_over_levels(
    ax: Axes,
    exact: Callable[[int], float],
    levels: Sequence[int],
    colour: str,
    line: str = "-",
    *,
    found: Mapping[int, Interval] | None = None,
    marker: str = "o",
) -> None:
    """A curve through exact values at whole numbers, on logarithmic axes with ticks at `levels`.

    `found` has what was simulated at some numbers, drawn as marks with their intervals.
    """
    grid = np.geomspace(min(levels), max(levels), 30).round().astype(int)
    grid = np.unique(grid)
    ax.plot(grid, [exact(n) for n in grid.tolist()], line, color=colour)
    if found:
        lows = [max(interval.low, _LEAST) for interval in found.values()]
        highs = [interval.high for interval in found.values()]
        ax.vlines(list(found), lows, highs, colour, lw=3, alpha=0.45)
        values = [interval.value for interval in found.values()]
        ax.plot(list(found), values, marker, color=colour, ms=6)
    ax.set(xscale="log", yscale="log")
    level_ticks(ax, levels)

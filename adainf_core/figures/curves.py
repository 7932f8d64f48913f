"""Curves through computed points, and how ratios are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.style import BOUNDARY, FAINT, INK, REAL
from adainf_core.statistics.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curve(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    colour: str,
    marker: str,
    label: str = "",
    *,
    band: tuple[ArrayLike, ArrayLike] | None = None,
    least: bool = False,
    **look: Any,
) -> None:
    """A line through the points (x, y), each marked; a gap where y is not finite.

    `band` has the two edges of a shade about it; `least` circles the smallest y. `look` goes to
    `plot`.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    y = np.where(np.isfinite(y), y, np.nan)
    if band is not None:
        ax.fill_between(x, *band, color=colour, alpha=0.2, lw=0)
    drawn: dict[str, Any] = {"marker": marker, "color": colour, "ms": 5} | look
    ax.plot(x, y, label=label or None, **drawn)
    if least:
        at = int(np.nanargmin(y))
        ax.plot(x[at], y[at], "o", ms=13, mfc="none", color=colour)


def interval_curve(
    ax: Axes,
    x: ArrayLike,
    found: Iterable[Interval],
    colour: str,
    marker: str,
    label: str = "",
    *,
    joined: bool = True,
) -> None:
    """Means at the places x, each with its interval as a bar, joined by a line or not."""
    rows = list(found)
    means = [interval.mean for interval in rows]
    lows, highs = [interval.low for interval in rows], [interval.high for interval in rows]
    ax.vlines(x, lows, highs, color=colour, lw=1.6, alpha=0.6)
    ax.plot(np.asarray(x), means, marker=marker, color=colour, ms=4.5, lw=float(joined),
            label=label or None)  # fmt: skip


def quantile_strips(ax: Axes, rows: Mapping[str, Sequence[float]]) -> None:
    """How a number is spread, a line each: 5, 25, 50, 75 and 95 % quantiles, and the largest.

    The outer quantiles end a thin line, the inner ones a thick one; the median is a dot, the
    largest a tick.
    """
    for row, (low, left, middle, right, high, largest) in enumerate(rows.values()):
        ax.hlines(row, low, high, color=FAINT, lw=1.2)
        ax.hlines(row, left, right, color=REAL, lw=5)
        ax.plot(middle, row, "o", color=INK, ms=5, zorder=3)
        ax.plot(largest, row, "|", color=BOUNDARY, ms=11, mew=2)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.4, -0.6)

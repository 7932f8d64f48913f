"""Curves through computed points, and how ratios are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.layout import level_ticks, note
from adainf_core.figures.style import BOUNDARY, FAINT, GENERATED, INK, OKABE_ITO, REAL
from adainf_core.statistics.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adainf_core.gap.estimate import GapEstimate


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
    means = [interval.value for interval in rows]
    lows, highs = [interval.low for interval in rows], [interval.high for interval in rows]
    ax.vlines(x, lows, highs, color=colour, lw=1.6, alpha=0.6)
    ax.plot(np.asarray(x), means, marker=marker, color=colour, ms=4.5, lw=float(joined),
            label=label or None)  # fmt: skip


def groups_among_all(
    axes: Any,
    points: ArrayLike,
    groups: ArrayLike,
    names: Sequence[str],
    cross: ArrayLike,
    reach: float,
) -> None:
    """Points in the plane (n, 2), a panel a group: its own in blue over all in grey, and a cross.

    groups (n,): the number of each point's group; names: one a panel; cross (2,). Panels
    go as far as `reach` from the origin.
    """
    places, which = np.asarray(points), np.asarray(groups)
    for group, (ax, name) in enumerate(zip(axes.flat, names, strict=True)):
        ax.plot(*places.T, "o", color=FAINT, ms=1.8, alpha=0.35, mew=0)
        ax.plot(*places[which == group].T, "o", color=REAL, ms=3, mew=0)
        ax.plot(*np.asarray(cross), "+", color=INK, ms=9, mew=1.6)
        ax.set_title(name, pad=2)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        ax.axis("off")


def over_inverse_size(
    ax: Axes,
    sizes: Sequence[int],
    values: Sequence[float],
    limit: GapEstimate,
    colour: str,
    marker: str,
    label: str,
    *,
    aside: float = 0.0,
    up: float = 0.0,
) -> None:
    """A number over the sample sizes that it was found at, on a scale of 1/n, and its limit at ∞.

    The limit stands `aside` of the place of infinity, so that several can share it, with its
    interval as a bar; the label `up` points above the value of the first size.
    """
    places = [1000 / n for n in sizes]
    look: dict[str, Any] = {"marker": marker, "color": colour}
    look["mfc"] = "none" if colour == FAINT else colour
    ax.plot(places, values, ms=5, lw=1.2, **look)
    ax.plot([aside] * 2, [limit.low, limit.high], color=colour, lw=1.6)
    ax.plot(aside, limit.value, ms=6, **look)
    note(ax, label, (places[0], values[0]), (8, up), color=colour, fontsize=10)
    ax.axhline(0, color=FAINT, lw=0.8)
    ax.set(xlabel="sample size n, on a scale of 1/n", xlim=(-0.8, 1.24 * max(places)))
    ax.set_xticks([0, *places], ["∞", *(f"{n:,}" for n in sizes)])


def pushes(
    axes: Any, carried: Mapping[float, Sequence[float]], misled: Mapping[float, float], base: float
) -> None:
    """What negatives carry of a contrastive loss's push, at four temperatures, the smallest first.

    Left, `carried`: by the hardest of m negatives, cumulated, shares (m,) each. Right, `misled`:
    the share on negatives of one's own class, with a dotted line at their share of all, `base`.
    """
    left, right = axes
    looks = (("#CC79A7", ":", 0.88), (REAL, "-", 0.66), (OKABE_ITO["green"], "--", 0.42),
             (FAINT, "-.", 0.2))  # fmt: skip
    last = len(carried) - 1
    for row, ((t, found), (colour, line, height)) in enumerate(
        zip(carried.items(), looks, strict=True)
    ):
        shares = 100 * np.asarray(found)
        hardest = 100 * (np.arange(len(shares)) + 1) / len(shares)
        left.plot(hardest, shares, line, color=colour)
        place = hardest[np.searchsorted(shares, 100 * height)], 100 * height
        note(left, f"{t:g}", place, (5, -4) if row == last else (-4, 0),
             ha="left" if row == last else "right")  # fmt: skip
        right.barh(row, 100 * misled[t], 0.6, color=colour)
        note(right, f"{100 * misled[t]:.0f}", (100 * misled[t], row), (4, 0), va="center")
    left.set(xscale="log", xlabel="hardest negatives, %", ylabel="their share of the push, %",
             xlim=(1, 100), ylim=(0, 104))  # fmt: skip
    level_ticks(left, (1, 10, 100))
    right.axvline(100 * base, color=INK, lw=0.9, ls=":")
    level_ticks(right, range(len(misled)), [f"{t:g}" for t in misled], axis="y")
    right.set(ylabel="temperature", ylim=(last + 0.6, -0.6), xlim=(0, 115 * max(misled.values())))


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


def ladder(ax: Axes, rungs: Iterable[tuple[str, float]]) -> None:
    """Positive values on a logarithmic axis, a named row each, the first of them a diamond.

    From 1 on, where a bound on an error says nothing, stands a dotted line.
    """
    names, values = zip(*rungs, strict=True)
    places = range(len(names))
    ax.hlines(places, values[0] / 4, values, color=FAINT, lw=1)
    ax.plot(values, places, "o", color=REAL, ms=6)
    ax.plot(values[0], 0, "D", color=BOUNDARY, ms=7)
    for place, value in enumerate(values):
        note(ax, f"{value:.3f}", (value, place), (0, 6), ha="center")
    ax.axvline(1, color=INK, lw=0.6, ls=":")
    note(ax, "says nothing", (1.05, (len(names) - 1) / 2), rotation=90, va="center")
    ax.set(xscale="log", xlim=(values[0] / 2, 1.6), ylim=(len(names) - 0.6, -0.7))
    ax.set_yticks(places, names)


def densities_on_the_line(ax: Axes, x: ArrayLike, real: ArrayLike, generated: ArrayLike) -> None:
    """Two densities at the places x; shade and a bar below where the generated one is higher."""
    p, q = np.asarray(real), np.asarray(generated)
    ax.fill_between(x, p, q, where=q > p, color=GENERATED, alpha=0.35, lw=0)
    ax.fill_between(x, -0.012, -0.004, where=q > p, color=GENERATED, lw=0)
    for values, colour, line in ((p, REAL, "-"), (q, GENERATED, "--")):
        ax.plot(x, values, line, color=colour)
    ax.spines["left"].set_visible(False)


def densities_in_the_plane(
    ax: Axes, x: ArrayLike, y: ArrayLike, real: ArrayLike, generated: ArrayLike
) -> None:
    """Contours of two densities (y, x) on a grid; shaded where the generated one is higher."""
    p, q = np.asarray(real), np.asarray(generated)
    ax.contourf(x, y, q - p, levels=[0, np.inf], colors=[GENERATED], alpha=0.35)
    for values, colour, line in ((p, REAL, "-"), (q, GENERATED, "--")):
        ax.contour(x, y, values, levels=6, colors=[colour], linewidths=0.9, linestyles=line)
    ax.set(aspect="equal")


def shares_of_the_truth(
    ax: Axes,
    rows: Mapping[str, tuple[tuple[str, str], float, Sequence[float], float]],
    target: float,
) -> None:
    """Lower bounds in percent of the truth, a line each, with what could be reached at most.

    `rows` maps labels to colour and marker, the line's place, the shares found, each drawn, and the
    one that could be reached, a grey mark. Shaded: below the target. All in percent.
    """
    ax.axvspan(0, target, color=FAINT, alpha=0.12, lw=0)
    ax.axvline(100, color=INK, lw=0.8)
    for (colour, marker), y, found, reach in rows.values():
        ax.plot([reach] * 2, [y - 0.38, y + 0.38], color=FAINT, lw=2)
        ax.plot(found, y + np.linspace(-0.18, 0.18, len(found)), marker, ls="", color=colour, ms=5)
    places = [y for _, y, _, _ in rows.values()]
    least = min(min(found) for _, _, found, _ in rows.values())
    ax.set_yticks(places, list(rows))
    ax.set(ylim=(max(places) + 0.7, min(places) - 0.7), xlim=(min(75, least - 3), 101))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)

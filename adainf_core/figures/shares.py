"""What depends on the share of real draws: curves at several shares, and over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.curves import curve
from adainf_core.figures.layout import legend_below, level_ticks, note
from adainf_core.figures.style import BOUNDARY, GENERATED, INK, OKABE_ITO, REAL
from adainf_core.theory.total_variation import replication_to_beta

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colour, marker and name of curves at a share of real draws.
SHARE_STYLE: Mapping[float, tuple[str, str, str]] = {
    1: (REAL, "o", "real only"),
    1 / 3: (GENERATED, "s", "β = 1/3"),
    1 / 21: (OKABE_ITO["green"], "^", "β = 1/21"),
}
_GENERATORS = (
    (REAL, "o"),
    (OKABE_ITO["sky"], "s"),
    (OKABE_ITO["green"], "^"),
    (GENERATED, "D"),
    (BOUNDARY, "v"),
)
_SAME = 1, 2, 20  # generated images for a real one


def strength_curves(
    ax: Axes,
    strengths: Sequence[float],
    rows: Mapping[float, ArrayLike],
    *,
    least: bool = False,
) -> None:
    """A measure over the strength of augmentation, a curve for each share of `SHARE_STYLE`.

    `rows` maps shares of real draws to values, one a strength; `least` circles the smallest of
    each.
    """
    for beta, row in rows.items():
        curve(ax, strengths, row, *SHARE_STYLE[beta], least=least)
    ax.set(xticks=strengths, ylim=(0, None))


def measures_over_shares(
    axes: Any,
    shares: Mapping[str, float],
    rows: Mapping[str, np.ndarray],
    measures: Mapping[str, float],
) -> None:
    """Measures as the share of real draws falls, a panel each, a curve for each generator.

    `shares` maps what stands below the axis to the share; `rows` has up to five generators with
    their values (shares, measures), and a legend below names them; `measures` maps a panel's title
    to where its axis begins, a little below 0.
    """
    for panel, (ax, (title, below)) in enumerate(zip(axes, measures.items(), strict=True)):
        for (name, values), (colour, marker) in zip(rows.items(), _GENERATORS, strict=False):
            curve(ax, list(shares.values()), values[:, panel], colour, marker, name,
                  mfc="none" if marker in "Dv" else colour, mew=1.4)  # fmt: skip
        ax.set(title=title, xlabel="real share β", xlim=(1.04, 0), ylim=(below, None))
        level_ticks(ax, shares.values(), list(shares))
    legend_below(axes[0], 3)


def share_of_copies(ax: Axes, levels: Sequence[float], copies: float) -> None:
    """The share of real draws over the copies N of a real image, on a logarithmic axis to 50.

    A curve each for 1, 2 and 20 generated images a real one. Two dots have one share: so many
    `copies` beside twenty generated images, and one beside a tenth of these. Ticks at `levels`.
    """
    many = np.geomspace(1, 50, 80)
    looks = (
        ("#808080", "--", (1.02, 0.8), "as many: N / (N + 1)"),
        (REAL, "-.", (4.2, 0.56), "2 generated for 1 real"),
        (GENERATED, "-", (5, 0.06), "20 generated for 1 real"),
    )
    for times, (colour, line, at, name) in zip(_SAME, looks, strict=True):
        ax.plot(many, [replication_to_beta(1, times, n) for n in many], line, color=colour)
        note(ax, name, at)
    same = replication_to_beta(1, _SAME[-1], copies)
    ax.axhline(same, color=INK, lw=0.6, ls=":")
    ax.plot([1, copies], [same, same], "o", color=INK, ms=6)
    note(ax, "a tenth of the images", (1, same), (4, -15))
    note(ax, "AdaInf", (copies, same), (5, -14))
    ax.set(xscale="log", xlabel="replication N", ylabel="share β of real draws", ylim=(0, 1),
           xlim=(0.62, 52))  # fmt: skip
    level_ticks(ax, levels)


def bounds_over_share(
    ax: Axes, shares: ArrayLike, rows: Mapping[str, tuple[np.ndarray, str, str, str]]
) -> None:
    """Bounds on an error over the share of real draws, on a logarithmic axis.

    `rows` has the values of each, colour, line and the marker of its smallest value, "" for none.
    From 1 on, where a bound on an error says nothing, stands a dotted line.
    """
    grid = np.asarray(shares)
    for values, colour, line, marker in rows.values():
        ax.plot(grid, values, line, color=colour)
        if marker:
            ax.plot(grid[values.argmin()], values.min(), marker, color=colour, ms=8)
    ax.axhline(1, color=INK, lw=0.6, ls=":")
    note(ax, "above: says nothing", (0.02, 1), (0, 3))
    ax.set(yscale="log", ylim=(0.02, 3), xlim=(0, 1.03), xlabel="share β of real draws",
           ylabel="bound on the real error")  # fmt: skip
    level_ticks(ax, (0.03, 0.1, 0.3, 1, 3), axis="y")

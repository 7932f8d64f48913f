"""Grids of cells: what is better or worse, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from adainf_core.figures.style import BOUNDARY, FAINT, INK, REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What a cell of `sign_grid` bears, by its sign.
SIGNS = {1: "", 0: "=", -1: "+"}


def sign_grid(
    ax: Axes, rows: Sequence[str], columns: Mapping[str, tuple[Sequence[int], Sequence[float]]]
) -> None:
    """A grid of signs: orange where a row is worse (1), blue and "+" where better (-1), "=" at 0.

    `columns` maps each name to the signs and the amounts, one a row. The deeper the colour, the
    larger the amount, as the root of its share in the largest of its column that has a sign.
    """
    from matplotlib.patches import Rectangle

    for j, (signs, amounts) in enumerate(columns.values()):
        most = max((abs(a) for a, sign in zip(amounts, signs, strict=True) if sign), default=1.0)
        for i, (sign, amount) in enumerate(zip(signs, amounts, strict=True)):
            if sign:
                depth = 0.2 + 0.45 * math.sqrt(abs(amount) / most)
                ax.add_patch(Rectangle((j - 0.48, i - 0.46), 0.96, 0.92, lw=0, alpha=depth,
                                       color=BOUNDARY if sign > 0 else REAL))  # fmt: skip
            ax.text(j, i, SIGNS[sign], ha="center", va="center", fontsize=11,
                    color=INK if sign else FAINT)  # fmt: skip
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(range(len(columns)), list(columns), rotation=60, ha="left")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)

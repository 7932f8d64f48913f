"""Recipes of training side by side: what a batch holds, what views look like, what it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.figures.images import picture
from adainf_core.figures.style import ARM_STYLE, FAINT, GENERATED, INK, REAL, is_narrow
from adainf_core.statistics.intervals import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class RecipeRow:
    """One recipe: `batch` (n, 3, h, w), of which the first `real` are real, and two `views`.

    `key` is the arm's in `ARM_STYLE`, `values` its accuracies in percent, two or more, one a seed.
    """

    key: str
    name: str
    batch: Any
    real: int
    views: Any
    values: Sequence[float]
    bold: bool = False


def recipe_rows(ax: Axes, rows: Sequence[RecipeRow], unit: str) -> None:
    """Rows of recipes on a canvas whose unit is an inch; in a narrow figure accuracy goes below.

    Dots are seeds, the mark their mean, the bar its 95 % t interval.
    """
    narrow = is_narrow(ax)
    width, height = ax.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    side, gap = (0.36, 0.2) if narrow else (0.5, 0.28)
    many = max(len(row.batch) for row in rows)
    beside = many * side + gap
    left = 0.1 if narrow else beside + 2 * side + 0.45
    every = [value for row in rows for value in row.values]
    low, high = np.floor(min(every)) - 0.4, np.ceil(max(every)) + 0.6
    scale = (width - 0.15 - left) / (high - low)
    above, below = 0.32, 0.5
    pitch = (height - above - below) / len(rows)
    ax.set_in_layout(False)  # it fills the figure, whatever sticks out
    ax.set(xlim=(0, width), ylim=(0, height), position=(0, 0, 1, 1))
    ax.axis("off")

    def place(accuracy: float) -> float:
        return left + (accuracy - low) * scale

    for tick in np.arange(np.ceil(low), high, 2):
        ax.plot([place(tick)] * 2, [below - 0.05, height - above], color=FAINT, alpha=0.3, lw=0.7,
                zorder=0)  # fmt: skip
        ax.text(place(tick), below - 0.1, f"{tick:g}", ha="center", va="top")
    ax.text(place((low + high) / 2), 0.02, unit, ha="center", va="bottom")
    for x, words in ((0, "what a batch holds"), (beside, "two views")):
        ax.text(x, height - 0.02, words, va="top", fontsize=10)
    for x, words, colour in ((0, "photographs", REAL), (0.95, "generated", GENERATED)):
        if not narrow:
            ax.text(x, below - 0.1, words, va="top", color=colour)
    for number, row in enumerate(rows):
        top = height - above - number * pitch
        y = top - 0.2 - side / 2
        stress = "bold" if row.bold else "normal"
        ax.text(0, top - 0.02, row.name, va="top", fontsize=10.5, fontweight=stress)
        for n, image in enumerate(row.batch):
            picture(ax, image, (n + 0.5) * side, y, side - 0.03)
        for first, last, colour in ((0, row.real, REAL), (row.real, len(row.batch), GENERATED)):
            if last > first:
                ax.plot([first * side + 0.015, last * side - 0.015], [y - side / 2 - 0.015] * 2,
                        color=colour, lw=3, solid_capstyle="butt")  # fmt: skip
        for n, view in enumerate(row.views):
            picture(ax, view, beside + (n + 0.5) * side, y, side - 0.03)
        _accuracy(ax, row, [place(value) for value in row.values], scale,
                  y - side / 2 - 0.2 if narrow else y, stress)  # fmt: skip


def _accuracy(
    ax: Axes, row: RecipeRow, places: Sequence[float], scale: float, y: float, stress: str
) -> None:
    """Seeds, mean and interval of a recipe in a line; `places` are those of its seeds."""
    colour, marker = ARM_STYLE[row.key]
    found, mean = t_interval(row.values), float(np.mean(places))
    ends = [mean + (end - found.value) * scale for end in (found.low, found.high)]
    ax.plot(ends, [y] * 2, color=colour, lw=4, alpha=0.45, solid_capstyle="butt")
    ax.scatter(places, [y - 0.12] * len(places), s=9, color=colour, lw=0)
    ax.plot(mean, y, marker, ms=9, mew=1.6, color=colour,
            mfc="none" if row.key.startswith("perfect") else colour)  # fmt: skip
    ax.text(ends[1] + 0.06, y, f"{found.value:.1f}", va="center", fontsize=10.5, color=INK,
            fontweight=stress)  # fmt: skip

"""Charts of runs compared: differences with what they are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adainf_core.evidence.judging.claims import MARGIN
from adainf_core.figures.layout import named_rows
from adainf_core.figures.style import FAINT, INK, Shown, draw

_LONGEST = 300  # characters of an alt text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adainf_core.advice.run_comparison import RunComparison


def run_differences(ax: Axes, found: RunComparison) -> None:
    """A forest plot of the differences of `compare_runs`, a row each with its verdict.

    The bar is the interval that the verdict rests on, the pale one below that over test images
    alone, for these runs; in the grey band from 0 to the rule's margin a difference is too small to
    matter.
    """
    ax.axvspan(0, MARGIN, color=FAINT, alpha=0.18, lw=0)
    ax.axvline(0, color=INK, lw=0.8)
    for row, each in enumerate(found.differences):
        interval = each.difference
        ax.plot([interval.low, interval.high], [row, row], color=INK, lw=1.6)
        ax.plot(interval.value, row, "o", color=INK, ms=6)
        if each.on_images is not None and each.on_images is not interval:
            ends = [each.on_images.low, each.on_images.high]
            ax.plot(ends, [row + 0.2] * 2, color=FAINT, lw=1.6)
        ax.text(0.5, row - 0.22, str(each), ha="center", fontsize=9,
                transform=ax.get_yaxis_transform())  # fmt: skip
    named_rows(ax, (f"{each.side} less\n{each.reference}" for each in found.differences), 0.6)
    ax.set_xlabel(f"difference in {found.protocol} accuracy, points")


def comparison_figure(found: RunComparison) -> Shown:
    """`run_differences` as a figure, to show or to `save` as PNG, SVG or PDF."""
    said = "; ".join(
        f"{each.side} less {each.reference} {each.difference:+.1f}, {each}"
        for each in found.differences
    )
    alt = f"Differences in {found.protocol} accuracy, points: {said}"
    return draw(
        lambda ax: run_differences(ax, found),
        alt=alt if len(alt) <= _LONGEST else f"{alt[: _LONGEST - 3]}...",
        height=0.9 + 0.6 * len(found.differences),
    )

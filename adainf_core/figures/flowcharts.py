"""Flowcharts: boxes with text, joined by arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from adainf_core.figures.style import GENERATED, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def flowchart(
    ax: Axes, boxes: Mapping[str, tuple[float, float, str]], arrows: Sequence[tuple[str, str, str]]
) -> None:
    """Boxes on a canvas of 1 by 1, questions in the text's colour and all others in orange.

    `boxes` maps names to their centre and text, which is a question if it ends with "?". Each arrow
    has the names of two boxes and a word; beside its middle stand its number, from 1, and the word.
    """
    ax.set(xlim=(0, 1), ylim=(0, 1.03))
    ax.axis("off")
    outlines = {}
    for name, (x, y, text) in boxes.items():
        colour, width = (INK, 1.2) if text.endswith("?") else (GENERATED, 1.8)
        box = {"boxstyle": "round,pad=0.5", "fc": "none", "ec": colour, "lw": width}
        drawn = ax.text(x, y, text, ha="center", va="center", fontsize=9.5, bbox=box)
        outlines[name] = drawn.get_bbox_patch()
    for number, (start, end, word) in enumerate(arrows, 1):
        (x0, y0, _), (x1, y1, _) = boxes[start], boxes[end]
        ends = {"patchA": outlines[start], "patchB": outlines[end], "shrinkA": 1, "shrinkB": 2}
        look = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, **ends}
        ax.annotate("", (x1, y1), (x0, y0), arrowprops=look)
        aside, above, side = 0.045, 0.01, "left"
        if x0 == x1:
            aside, above = 0.02, 0.0
        elif y0 == y1:
            aside, above, side = 0.05, 0.022, "center"
        ax.text((x0 + x1) / 2 + aside, (y0 + y1) / 2 + above, f"{number}  {word}".strip(),
                fontsize=9, va="center", ha=side)  # fmt: skip

"""Sheets of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def contact_sheet(ax: Axes, rows: Sequence[tuple[str, np.ndarray]]) -> None:
    """Labelled rows of images, each uint8 (n, 3, h, w), enlarged without smoothing."""
    height, width = rows[0][1].shape[2:]
    columns = max(len(images) for _, images in rows)
    gap = max(1, height // 12)
    sheet = np.zeros((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for r, (_, images) in enumerate(rows):
        for c, image in enumerate(images):
            y, x = r * (height + gap), c * (width + gap)
            sheet[y : y + height, x : x + width, :3] = image.transpose(1, 2, 0)
            sheet[y : y + height, x : x + width, 3] = 255
    ax.imshow(sheet, interpolation="none", extent=(0, sheet.shape[1], sheet.shape[0], 0))
    centres = [r * (height + gap) + height / 2 for r in range(len(rows))]
    # the blanks leave room for the wider letters of a reader's own font
    ax.set_yticks(centres, [f"   {label}" if label else "" for label, _ in rows])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)

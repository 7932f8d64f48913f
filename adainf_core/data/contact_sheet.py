"""Contact sheets: many images of a set at one glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.notebook import picture
from adainf_core.validation import IntArray, as_count

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 64  # pixels an image has at least, where `scale` is not given
_BETWEEN = 2  # pixels
# of a preview: pixels an image has at most, images at most, and bytes of all without compression
_SMALL, _FEW, _BYTES = 32, 20, 26_000


def contact_sheet(
    images: ImageSet | np.ndarray,
    count: int = 100,
    columns: int = 10,
    *,
    scale: int | None = None,
    seed: int | None = None,
) -> Image.Image:
    """`count` images in rows of `columns`, as a PIL image in RGB on white.

    `images` is a set or uint8 (n, 3, h, w); those shown are the first, or with `seed` a random
    choice; all of them where there are fewer than `count`. They stand row by row in the set's own
    order: an archive's or a store's, and of a folder class by class, files by name. Each pixel
    becomes a square of `scale` pixels, by default so many that an image is at least 64 pixels high.
    Raises ValueError for a number below 1 and for what is no set of images.
    """
    from PIL import Image

    pixels = (images if isinstance(images, ImageSet) else ImageSet(images, None, "images")).images
    n, _, height, width = pixels.shape
    chosen = shown_places(n, count, seed)
    columns = min(as_count(columns, "columns", 1), len(chosen))
    scale = -(-_SIDE // height) if scale is None else as_count(scale, "scale", 1)
    rows = -(-len(chosen) // columns)
    step_y, step_x = height * scale + _BETWEEN, width * scale + _BETWEEN
    sheet = np.full((rows * step_y + _BETWEEN, columns * step_x + _BETWEEN, 3), 255, np.uint8)
    for place, index in enumerate(chosen):
        top, left = (place // columns) * step_y + _BETWEEN, (place % columns) * step_x + _BETWEEN
        image = pixels[index].transpose(1, 2, 0).repeat(scale, axis=0).repeat(scale, axis=1)
        sheet[top : top + height * scale, left : left + width * scale] = image
    return Image.fromarray(sheet)


def shown_places(n: int, count: int = 100, seed: int | None = None) -> IntArray:
    """Which of `n` images a sheet shows, int64 in ascending order; arguments of `contact_sheet`."""
    shown = min(as_count(count, "count", 1), n)
    if seed is None:
        return np.arange(shown)
    rng = np.random.default_rng(as_count(seed, "seed", 0))
    return np.sort(rng.choice(n, shown, replace=False))


def preview(images: ImageSet) -> str:
    """A row of images from all over a set, for a notebook: HTML with a PNG below 30 kB."""
    from PIL import Image

    n, _, height, width = images.images.shape
    down = max(1.0, max(height, width) / _SMALL)
    size = max(1, round(width / down)), max(1, round(height / down))
    count = min(n, _FEW, max(1, _BYTES // (3 * size[0] * size[1])))
    shown = [
        Image.fromarray(images.images[index].transpose(1, 2, 0)).resize(size, Image.Resampling.BOX)
        for index in np.linspace(0, n - 1, count).astype(int)
    ]
    pixels = np.stack([np.asarray(image).transpose(2, 0, 1) for image in shown])
    sheet = contact_sheet(pixels, count, count, scale=1)
    return picture(sheet, f"{count} of {n:,} images of {images.name}", _SIDE)

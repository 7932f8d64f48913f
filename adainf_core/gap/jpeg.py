"""JPEG in pixels: images that once were such files are told by their grid, and others made like it.

A JPEG file holds 8 x 8 blocks as multiples of a table's steps. Decoded, but not resized or cropped,
its blocks' cosine transforms still lie near these multiples; of other images they lie anywhere.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from adainf_core.gap.estimate import Rows
from adainf_core.validation import FloatArray, IntArray, as_count, as_images

#: Agreement of an image with a table from which it counts as saved by it. Of 500 images that never
#: were JPEG files reach it at the worst quality: photographs (CIFAR-10, CIFAR-100) and noise 0,
#: sprites 13, digits of 8 pixels 7. Of 500 photographs saved at 30, 50, 75, 85, 90, 95 or 97: 499
#: or all.
AGREEMENT = 0.3
#: Share of a set's images from which the set counts as saved so: twice the most that chance gave.
SHARE = 0.05
#: Above it the table's steps are hardly wider than the rounding of pixels.
HIGHEST = 97
_LOWEST = 20
# pixels of the images that are looked at for one quality, and for each: 1,000 of 64 pixels a side
_LOOKED_AT, _SCANNED = 2**22, 2**18
_BLOCK = 8
# Annex K of ITU-T T.81: luminance
_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


@dataclass(frozen=True)
class JpegGrid:
    """What the pixels say of having been JPEG files: `share` of `looked_at` images were saved at
    `quality`, libjpeg's, from 20 to 97; None where less than `SHARE` of them were."""

    quality: int | None
    share: float
    looked_at: int


def jpeg_grid(images: np.ndarray) -> JpegGrid:
    """The quality at which most of `images`, uint8 (n, 3, h, w), were saved as JPEG, if they were.

    Looks at up to 1,000 evenly spaced ones, fewer above 64 pixels a side. An image agrees with a
    table of steps by the mean of cos(2π c / step) over its transforms' coefficients c beyond half a
    step: 1 on the multiples, 0 anywhere. Found are the standard tables of libjpeg and of what
    builds on it (Pillow, OpenCV); not qualities above 97, images below 8 pixels, and what was
    resized or cropped off the grid.
    """
    as_images(images)
    each = int(np.prod(images.shape[2:]))
    count = min(1000, max(20, _LOOKED_AT // each))
    places = np.unique(np.linspace(0, len(images) - 1, count).astype(np.int64))
    if min(images.shape[2:]) < _BLOCK:
        return JpegGrid(None, 0.0, 0)
    found = _coefficients(images[places])
    some = found[:: -(-len(found) // max(10, _SCANNED // each))]
    means = {q: _agreement(some, q).mean() for q in range(_LOWEST, HIGHEST + 1)}
    quality = max(means, key=lambda q: means[q])
    share = float((_agreement(found, quality) >= AGREEMENT).mean())
    return JpegGrid(quality if share >= SHARE else None, share, len(places))


def saved_as_jpeg(images: np.ndarray, quality: int) -> np.ndarray:
    """Images uint8 (n, 3, h, w) as they are after saving as JPEG, by Pillow, at `quality`.

    Its colours at half the resolution, as is usual.
    """
    from PIL import Image

    as_images(images)
    as_count(quality, "quality", 1, 100)
    saved = np.empty(images.shape, np.uint8)
    for place, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(
            file, "JPEG", quality=quality, subsampling="4:2:0"
        )
        saved[place] = np.asarray(Image.open(file)).transpose(2, 0, 1)
    return saved


def grey(images: np.ndarray) -> Rows:
    """Luminance float32 (n, h, w) of images uint8 (n, 3, h, w), in 0..255."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.einsum("c,nchw->nhw", weights, images.astype(np.float32))


def _coefficients(images: np.ndarray) -> FloatArray:
    """Cosine transforms (n, blocks, 8, 8) of the blocks of images' luminance."""
    n, _, h, w = images.shape
    rows, columns = h // _BLOCK, w // _BLOCK
    whole = grey(images)[:, : rows * _BLOCK, : columns * _BLOCK]
    blocks = whole.reshape(n, rows, _BLOCK, columns, _BLOCK).transpose(0, 1, 3, 2, 4)
    found = _TRANSFORM @ blocks.reshape(n, -1, _BLOCK, _BLOCK) @ _TRANSFORM.T
    return found.astype(np.float32, copy=False)


def _agreement(coefficients: FloatArray, quality: int) -> FloatArray:
    """How near each image's coefficients lie to multiples of the steps of `quality`, (n,)."""
    steps = _steps(quality)
    told = steps >= 2  # a step of 1 is the pixels' own
    told[0, 0] = False
    values, widths = coefficients[:, :, told], steps[told].astype(np.float32)
    far = np.abs(values) > widths / 2
    near = (np.cos(values * (2 * np.pi / widths)) * far).sum((1, 2))
    return near / np.maximum(far.sum((1, 2)), 1)


def _steps(quality: int) -> IntArray:
    """libjpeg's steps of luminance at `quality`, int64 (8, 8)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_STEPS * scale + 50) // 100, 1, 255)


_PLACES = np.arange(_BLOCK)
_COSINES = np.cos(np.pi * (2 * _PLACES + 1) * _PLACES[:, None] / (2 * _BLOCK)) / 2
_COSINES[0] /= np.sqrt(2)
_TRANSFORM: Rows = _COSINES.astype(np.float32)

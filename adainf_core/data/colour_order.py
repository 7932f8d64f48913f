"""Colour order: whether a set's channels fit those of real images as they are or reversed.

Packing scripts that read files with OpenCV write BGR (the paper's own does), and nothing downstream
notices: the set is merely further from the real one. Here every image is described by features that
change sign when red and blue trade places (in the mean, in the spread, and in where they lie), a
direction is fitted that separates the real images from their own reversal, and the generated
images are scored along it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from adainf_core.data.images import ImageSet

_FEWEST = 30
_CLEAR = 4.0  # standard errors
_TELLING = 1 / 16  # squared distance of real images to colourless ones, in standard deviations


class ColourOrder(NamedTuple):
    """How the channel order of one set fits another's.

    `verdict` is "rgb", "bgr" or "undecided". `agreement` is the mean score of the generated images
    in units of the real ones' (1: alike, 0: colourless, -1: reversed) and `standard_errors` its
    distance from 0.
    """

    verdict: Literal["rgb", "bgr", "undecided"]
    agreement: float
    standard_errors: float


def fitting_order(real: ImageSet, generated: np.ndarray, sample: int = 2000) -> ColourOrder:
    """Whether `generated` uint8 (n, 3, h, w) fits `real` as it is ("rgb") or reversed ("bgr").

    Looks at up to `sample` images a side, evenly spaced. A verdict needs scores that are nearer to
    one order than to colourless images (|agreement| > 1/2) and more than four standard errors from
    0, at least 30 images a side, and real images that differ from their own reversal (sprites and
    grey digits do not): else "undecided". Between CIFAR-10's halves, and with Tiny ImageNet beside
    it, 100 images a side find the order nearly always, 200 always.
    """
    ours, theirs = (_features(_spread(images, sample)) for images in (real.images, generated))
    if min(len(ours), len(theirs)) < _FEWEST:
        return ColourOrder("undecided", 0.0, 0.0)
    mean = ours.mean(axis=0)
    direction = np.linalg.pinv(np.cov(ours.T), rcond=1e-10, hermitian=True) @ mean
    own = float(mean @ direction)
    if own < _TELLING:
        return ColourOrder("undecided", 0.0, 0.0)
    scores = theirs @ direction / own
    agreement = float(scores.mean())
    error = float(scores.std(ddof=1)) / len(scores) ** 0.5
    distance = agreement / error if error else 0.0
    if min(2 * abs(agreement), abs(distance) / _CLEAR) <= 1:
        return ColourOrder("undecided", agreement, distance)
    return ColourOrder("rgb" if agreement > 0 else "bgr", agreement, distance)


def _spread(images: np.ndarray, count: int) -> np.ndarray:
    if len(images) <= count:
        return np.asarray(images)
    return images[np.linspace(0, len(images) - 1, count).astype(np.int64)]


def _features(images: np.ndarray) -> np.ndarray:
    """Features float64 (n, 5) that change sign when the channels are reversed."""
    pixels = images.astype(np.float64)
    height, width = pixels.shape[2:]
    excess = pixels[:, 0] - pixels[:, 2]
    mean = excess.mean(axis=(1, 2))
    centred = pixels - pixels.mean(axis=(2, 3), keepdims=True)
    # var R - var B, and cov(R, G) - cov(B, G)
    spread = ((centred[:, 0] - centred[:, 2]) * (centred[:, 0] + centred[:, 2])).mean(axis=(1, 2))
    shared = ((centred[:, 0] - centred[:, 2]) * centred[:, 1]).mean(axis=(1, 2))
    # skies are above and blue, what is photographed is in the middle
    top = excess[:, : (height + 1) // 2].mean(axis=(1, 2))
    y, x = height // 4, width // 4
    middle = excess[:, y : height - y, x : width - x].mean(axis=(1, 2))
    return np.stack([mean, spread, shared, top - mean, middle - mean], axis=1)

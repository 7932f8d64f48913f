"""A classifier of real against generated images that looks at nearest neighbours and statistics."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from adainf_core.gap.estimate import Rows, as_rows
from adainf_core.gap.neighbours import neighbour_distances
from adainf_core.validation import as_seed, in_words

_RANKS = (1, 5)  # of the neighbours whose distances describe an image
_FOLDS = 5
_MOST_TREES = 60
_PIXELS = 2**17  # of the images described at a time, which stay in the processor's cache
_SIDE = 16  # neighbours are looked for among images averaged down to about this many pixels


class NeighbourClassifier(ClassifierMixin, BaseEstimator):
    """Boosted shallow trees on what a few distances and statistics say of an image.

    widths: how many columns of its rows are each of the two spaces, as `described` images have
    them; the rest are statistics. An image is judged by its distances to the nearest and the fifth
    nearest real and generated training image, in either space, and by its statistics.
    Distances of a training image are to the four folds of five that it is not in, so one far from
    all real images is seen without the trees having learnt it by heart. Made for `classifier_tv`,
    in scikit-learn's manner.
    """

    def __init__(self, widths: tuple[int, int], seed: int = 0) -> None:
        self.widths = widths
        self.seed = seed

    def fit(self, rows: ArrayLike, origin: ArrayLike) -> NeighbourClassifier:
        """Learn from `described` rows (n, d) of origin (n,) 0, real, or 1, generated; 5 of each."""
        spaces, statistics = self._parts(rows)
        origins = np.asarray(origin)
        as_seed(self.seed)
        if origins.shape != (len(statistics),):
            raise ValueError(
                f"origin is {in_words(origins)}: give one number a row, {len(statistics)}"
            )
        if not np.array_equal(np.unique(origins), [0, 1]) or np.bincount(origins).min() < _FOLDS:
            raise ValueError(
                f"origin needs at least {_FOLDS} rows of each of 0, real, and 1, generated"
            )
        self.classes_ = np.array([0, 1])
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=self.seed)
        distances = np.empty((len(statistics), len(spaces) * 4), np.float32)
        for others, fold in folds.split(statistics, origins):
            # Leaving out the image alone would thin its own side only, which tells the side.
            self._sides = _by_side([space[others] for space in spaces], origins[others])
            distances[fold] = self._distances([space[fold] for space in spaces])
        self._sides = _by_side(spaces, origins)
        self.trees_ = _boosted(np.concatenate([distances, statistics], axis=1), origins, self.seed)
        return self

    def predict_proba(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (n, 2) of `described` rows (n, d) to be real and to be generated."""
        check_is_fitted(self, "trees_")
        spaces, statistics = self._parts(rows)
        return self.trees_.predict_proba(
            np.concatenate([self._distances(spaces), statistics], axis=1)
        )

    def predict(self, rows: ArrayLike) -> NDArray[np.int64]:
        """The likelier origin (n,) of each row."""
        return self.predict_proba(rows).argmax(axis=1)

    def _parts(self, rows: ArrayLike) -> tuple[list[Rows], Rows]:
        """The two spaces and the statistics that described rows hold."""
        array, first, second = as_rows(rows, "rows", 1), *self.widths
        if array.shape[1] <= first + second:
            raise ValueError(
                f"rows have {array.shape[1]} columns, the two spaces alone {first + second}: give "
                "described(images) and its widths"
            )
        spaces = [array[:, :first], array[:, first : first + second]]
        return [np.ascontiguousarray(space) for space in spaces], array[:, first + second :]

    def _distances(self, spaces: list[Rows]) -> Rows:
        """Distances to the nearest and fifth nearest real image, and less those to generated."""
        found = []
        for space, sides in zip(spaces, self._sides, strict=True):
            to_real, to_generated = (neighbour_distances(space, rows, _RANKS) for rows in sides)
            found += [to_real, to_real - to_generated]
        return np.concatenate(found, axis=1)


class Described(NamedTuple):
    """What a `NeighbourClassifier` learns from: rows float32 (n, d), and how wide their parts are.

    Two spaces, of `widths` columns: pixels, averaged down to a side of 16 or a little more, and the
    pattern that is left of them when an image's colours and its contrast are taken away; then
    statistics of its colours and of its edges.
    """

    rows: Rows
    widths: tuple[int, int]


def described(images: np.ndarray) -> Described:
    """Images (n, 3, h, w) in 0..255 as a `NeighbourClassifier` sees them; each row is of its own
    image alone."""
    found, count = [], max(1, _PIXELS // int(np.prod(images.shape[2:])))
    for start in range(0, len(images), count):
        some = images[start : start + count].astype(np.float32)
        parts = [*_spaces(some), _statistics(some)]
        found.append(np.concatenate(parts, axis=1))
    return Described(np.concatenate(found), (parts[0].shape[1], parts[1].shape[1]))


def _boosted(rows: Rows, origins: NDArray[np.int64], seed: int) -> HistGradientBoostingClassifier:
    """Boosted trees of four leaves, as few as the log loss on rows left out can be content with.

    That is the smallest number whose loss is within a standard error (of the difference) of the
    best one's: where labels are mostly noise, each tree more learns of the noise.
    """

    def trees(count: int) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=count,
            learning_rate=0.1,
            max_leaf_nodes=4,
            min_samples_leaf=min(100, max(1, len(rows) // 20)),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )

    losses = np.empty((_MOST_TREES, len(rows)))
    for others, fold in StratifiedKFold(3, shuffle=True, random_state=seed).split(rows, origins):
        fitted = trees(_MOST_TREES).fit(rows[others], origins[others])
        for i, shares in enumerate(fitted.staged_predict_proba(rows[fold])):
            losses[i, fold] = -np.log(shares[np.arange(len(fold)), origins[fold]])
    worse = losses - losses[losses.mean(axis=1).argmin()]
    content = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(len(rows))
    return trees(int(content.argmax()) + 1).fit(rows, origins)


def _by_side(spaces: list[Rows], origins: NDArray[np.int64]) -> list[tuple[Rows, Rows]]:
    return [(space[origins == 0], space[origins == 1]) for space in spaces]


def _spaces(images: Rows) -> list[Rows]:
    """Pixels, and patterns, of images averaged down to a side of `_SIDE` or a little more."""
    factor = max(1, min(images.shape[2:]) // _SIDE)
    n, c, h, w = images.shape
    kept = images[:, :, : h // factor * factor, : w // factor * factor]
    small = kept.reshape(n, c, h // factor, factor, w // factor, factor).mean(axis=(3, 5))
    pixels = small.reshape(n, c, -1) / 255
    return [pixels.reshape(n, -1), _patterns(pixels)]


def _patterns(pixels: Rows) -> Rows:
    """Pixels (n, 3, p) along each image's own main direction of colour, at mean 0 and norm 1.

    The direction's sign is the one in which bright outliers lie, so a thing before a ground gives
    the same pattern whatever the colours of the two.
    """
    centred = pixels - pixels.mean(axis=2, keepdims=True)
    _, directions = np.linalg.eigh(centred @ centred.transpose(0, 2, 1))
    pattern = np.einsum("nc,ncp->np", directions[:, :, -1], centred)
    pattern *= np.where((pattern**3).sum(axis=1) < 0, -1, 1)[:, None]
    return pattern / np.maximum(np.linalg.norm(pattern, axis=1, keepdims=True), 1e-6)


def _statistics(images: Rows) -> Rows:
    """Colours and edges of images in 0..255, float32 (n, 101)."""
    n = len(images)
    flat = images.reshape(n, 3, -1) / np.float32(255)
    ordered = np.sort(flat, axis=2)
    places = np.round(np.array([0.05, 0.25, 0.5, 0.75, 0.95]) * (flat.shape[2] - 1)).astype(int)
    # the second difference, which a blur takes away
    across = np.abs(np.diff(images, 2, axis=3)).reshape(n, -1)
    along = np.abs(np.diff(images, 2, axis=2)).reshape(n, -1)
    edges = [f(d, axis=1)[:, None] / 255 for d in (across, along) for f in (np.mean, np.max)]
    parts: list[Any] = [
        _colour_counts(flat),
        flat.mean(axis=2),
        flat.std(axis=2),
        ordered[:, :, places].reshape(n, -1),
        _hues(flat),
        *edges,
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _colour_counts(flat: Rows) -> Rows:
    """Shares of an image's pixels in 4 x 4 x 4 boxes of colour, (n, 64)."""
    levels = np.minimum((flat * 4).astype(np.int64), 3)
    boxes = levels[:, 0] * 16 + levels[:, 1] * 4 + levels[:, 2]
    return _counts(boxes, 64) / np.float32(flat.shape[2])


def _hues(flat: Rows) -> Rows:
    """Where the colour of an image is: 12 shares of hue weighted by chroma, the most vivid tenth's
    mean colour, (n, 15)."""
    top, chroma = flat.max(axis=1), np.ptp(flat, axis=1)
    red, green, blue = flat.transpose(1, 0, 2)
    safe = np.maximum(chroma, 1e-6)
    hue = np.where(
        top == red,
        ((green - blue) / safe) % 6,
        np.where(top == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    bins = np.clip((hue * 2).astype(np.int64), 0, 11)
    shares = _counts(bins, 12, chroma) / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-6)
    vivid = np.argsort(-chroma, axis=1)[:, : max(1, flat.shape[2] // 10)]
    return np.concatenate([shares, np.take_along_axis(flat, vivid[:, None], 2).mean(2)], axis=1)


def _counts(bins: NDArray[np.int64], size: int, weights: Rows | None = None) -> Rows:
    rows = bins + size * np.arange(len(bins))[:, None]
    flat_weights = None if weights is None else weights.ravel()
    counted = np.bincount(rows.ravel(), flat_weights, minlength=size * len(bins))
    return counted.reshape(len(bins), size).astype(np.float32)

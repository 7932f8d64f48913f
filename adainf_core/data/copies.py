"""Copies among images: the same picture again, mirrored, saved anew, moved by a pixel or two.

Exact and mirrored copies are told by hashes. Near ones are searched at 32 x 32 pixels in two steps:
pairs that agree in their coarse colours (8 x 8 averages, each colour's mean removed), in either
orientation, and among them those whose detail (grey, windowed, means of rows and columns removed)
correlates where the two are laid over each other, moved by up to two pixels. Neither step sees
brightness or contrast. Where there is hardly any detail, as in a sky, the pixels have to agree.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adainf_core.progress import progress_bar
from adainf_core.validation import IntArray

KINDS = ("exact", "mirrored", "near")

_Part = TypeVar("_Part")

# On CIFAR-10, whose near-copies are known (Barz and Denzler, 2020): see benchmarks/copies.py.
COARSE_LEVEL = 0.87  # correlation of 8 x 8 averages from which a pair is looked at
DETAIL_LEVEL = 0.72  # correlation of the detail from which it is a copy
PIXEL_LEVEL = 3.0  # or root mean square difference of the pixels, of 255, up to which it is one
# Beyond so many pairs near copies are searched only on request: about a minute of one core.
MOST_PAIRS = 2_500_000_000
# So with smaller images, which hold too little to tell a picture from its likes: of CIFAR-10's test
# images at 16 pixels 447 would pass for copies of training images, and 355 of them (79 %) are found
# at 32 pixels; of 1,442 digits of 8 x 8 pixels 1,362 would.
SMALLEST_SIDE = 32

_SIDE, _COARSE, _REACH = 32, 8, 2
_CHUNK, _ROWS, _COLUMNS, _BATCH = 1024, 1024, 8192, 1 << 13


@dataclass(frozen=True, eq=False)
class Copies:
    """Which images repeat an earlier one.

    `group` int64 (n,) names the first image of the group of copies that each image belongs to (an
    image without copies is its own); `kind` int8 (n,) is 0 for the first of a group and for the
    others 1, 2 or 3: `KINDS` says how it repeats an earlier image, an exact copy before a mirrored
    one before a near one. `near_searched` says whether near copies were looked for.
    """

    group: IntArray
    kind: NDArray[np.int8]
    near_searched: bool

    def __len__(self) -> int:
        return len(self.group)

    @property
    def distinct(self) -> IntArray:
        """The first image of each group, int64 in ascending order."""
        return np.flatnonzero(self.kind == 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many images repeat an earlier one, by kind."""
        return {name: int((self.kind == place + 1).sum()) for place, name in enumerate(KINDS)}

    def __str__(self) -> str:
        """In a line: "9 of 20 images repeat an earlier one (exact 8, near 1): 11 distinct"."""
        said = ", ".join(f"{name} {count:,}" for name, count in self.counts.items() if count)
        again = len(self) - len(self.distinct)
        text = (
            f"{again:,} of {len(self):,} images repeat an earlier one ({said}): "
            f"{len(self.distinct):,} distinct"
            if again
            else f"none among {len(self):,} images"
        )
        return text if self.near_searched else f"{text}; near copies not searched"


def find_copies(
    *sets: NDArray[np.uint8], near: bool | None = None, within_first: bool = True
) -> Copies:
    """The copies within and among `sets`, each uint8 (n, 3, h, w), numbered one set after another.

    Sets may differ in size (an exact or mirrored copy has its original's size). A group holds all
    that a chain of copies joins. Near copies are searched where `near`, by default up to
    `MOST_PAIRS` pairs of distinct images of `SMALLEST_SIDE` pixels or more; the time grows with the
    pairs (50,000 against 10,000 images: about 20 seconds of one core), the memory with the images
    (about 1 kB each and 4 kB for those looked at twice). Without `within_first` no near copies are
    searched among the pairs of the first set, which saves their time. ValueError for anything that
    is not such a set.
    """
    for place, images in enumerate(sets):
        shape, dtype = np.shape(images), getattr(images, "dtype", type(images).__name__)
        if dtype != np.uint8 or len(shape) != 4 or shape[1] != 3 or not shape[0]:
            raise ValueError(
                f"set {place} is {dtype} of shape {shape}: give images, uint8 (n, 3, h, w)"
            )
    found = same_images(*map(np.concatenate, zip(*map(image_hashes, sets), strict=True)))
    apart = 0 if within_first else int(np.searchsorted(found.distinct, len(sets[0])))
    if near is None:
        side = min(min(images.shape[2:]) for images in sets)
        near = side >= SMALLEST_SIDE and len(found.distinct) <= most_images(apart)
    return with_near_copies(found, *sets, apart=apart) if near else found


def most_images(apart: int = 0) -> int:
    """How many distinct images have at most `MOST_PAIRS` pairs, those among `apart` not counted."""
    pairs = MOST_PAIRS + apart * (apart - 1) // 2
    return (1 + math.isqrt(1 + 8 * pairs)) // 2


def why_not_near(count: int, side: int) -> str:
    """Why near copies are not searched by default among `count` images of `side` pixels."""
    if side < SMALLEST_SIDE:
        return (
            f"{side} pixels hold too little to tell a picture from its likes (of those found at 16 "
            f"one in five is none; they are searched from {SMALLEST_SIDE} on)"
        )
    return f"{count:,} images have more pairs than are searched by default ({MOST_PAIRS:,})"


def same_images(own: NDArray[np.uint64], either: NDArray[np.uint64]) -> Copies:
    """The exact and mirrored copies among images with these hashes (`image_hashes`)."""
    _, first, group = np.unique(either, return_index=True, return_inverse=True)
    group = first[group]  # the first image that is the same or mirrored
    _, first_own, again = np.unique(own, return_index=True, return_inverse=True)
    kind = np.where(group == np.arange(len(group)), 0, 2).astype(np.int8)
    kind[first_own[again] != np.arange(len(own))] = 1
    return Copies(group, kind, near_searched=False)


def with_near_copies(found: Copies, *sets: NDArray[np.uint8], apart: int = 0) -> Copies:
    """`found` and the near copies, searched among all pairs but those of the first `apart` images.

    `sets` hold all the images, or the distinct ones of `found` alone; `apart` counts distinct ones.
    """
    distinct = found.distinct
    whole = sum(map(len, sets)) == len(found)
    joined = _joined(distinct if whole else np.arange(len(distinct)), apart, *sets)
    # joined: the first of each one's chain, as a place in `distinct`
    kind = found.kind.copy()
    kind[distinct[joined != np.arange(len(distinct))]] = 3
    group = distinct[joined[np.searchsorted(distinct, found.group)]]
    return Copies(group, kind, near_searched=True)


def image_hashes(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A 64-bit hash of each image, and one that its mirror image shares.

    A million images clash at all in 3e-8 of cases.
    """
    size = repr(images.shape[2:]).encode()[:16]

    def one(image: NDArray[np.uint8]) -> bytes:
        return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8, salt=size).digest()

    own = np.frombuffer(b"".join(one(image) for image in images), np.uint64)
    mirrored = np.frombuffer(b"".join(one(image[..., ::-1]) for image in images), np.uint64)
    return own, np.minimum(own, mirrored)


def _joined(distinct: IntArray, apart: int, *sets: NDArray[np.uint8]) -> IntArray:
    """For each of the `distinct` images the first that a chain of near copies joins it to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, starts = len(distinct), np.cumsum([0, *map(len, sets)])
    spectra = np.empty((n, _SIDE, _SIDE // 2 + 1), np.complex64)  # pages are had when written
    known = np.zeros(n, bool)

    def small(places: IntArray) -> NDArray[np.float32]:
        images = np.empty((len(places), 3, _SIDE, _SIDE), np.float32)
        for one, start, end in zip(sets, starts, starts[1:], strict=False):
            mine = (start <= distinct[places]) & (distinct[places] < end)
            images[mine] = at_common_size(one[distinct[places[mine]] - start])
        return images

    def detail(places: IntArray) -> NDArray[np.complex64]:
        new = np.unique(places[~known[places]])
        for some in _chunks(new, _CHUNK):
            spectra[some] = _detail(small(some))
        known[new] = True
        return spectra[places]

    def same_pixels(pairs: IntArray, mirrored: bool) -> NDArray[np.bool_]:
        """Whether pairs hardly differ: most do in their mean colours, which is seen at once."""
        same = np.abs(colours[pairs[:, 0]] - colours[pairs[:, 1]]).max(1) <= PIXEL_LEVEL
        for some in _chunks(np.flatnonzero(same), _CHUNK):
            left, right = small(pairs[some, 0]), small(pairs[some, 1])
            apart = (left[..., ::-1] if mirrored else left) - right
            same[some] = (apart**2).mean((1, 2, 3)) <= PIXEL_LEVEL**2
        return same

    coarse, colours = np.empty((n, 3 * _COARSE**2), np.float32), np.empty((n, 3), np.float32)
    joined = np.arange(n)  # the first of each one's chain so far
    blocks = sum(-(-(n - max(rows, apart)) // _COLUMNS) for rows in range(0, n, _ROWS))
    steps, about = -(-n // _CHUNK) + 2 * blocks, f"searching near copies among {n:,} images"
    with progress_bar(steps, "step", about=about) as advance:
        for some in _counted(_chunks(np.arange(n), _CHUNK), advance):
            images = small(some)
            coarse[some], colours[some] = _coarse(images), images.mean((2, 3))
        for pairs, mirrored in _counted(_alike(coarse, apart), advance):
            for some in _chunks(pairs, _BATCH):
                # among many copies of one picture nearly all pairs are in one chain already
                some = some[joined[some[:, 0]] != joined[some[:, 1]]]
                if not len(some):
                    continue
                left, right = detail(some[:, 0]), detail(some[:, 1])
                agreement = _correlation(_mirrored(left) if mirrored else left, right)
                close = agreement >= DETAIL_LEVEL
                close[~close] = same_pixels(some[~close], mirrored)
                if close.any():
                    ends = np.concatenate([np.stack([np.arange(n), joined], axis=1), some[close]])
                    graph = coo_array((np.ones(len(ends), bool), tuple(ends.T)), shape=(n, n))
                    _, labels = connected_components(graph, directed=False)
                    joined = np.unique(labels, return_index=True)[1][labels]
    return joined


def _counted(parts: Iterable[_Part], advance: Callable[[int], object]) -> Iterator[_Part]:
    for part in parts:
        yield part
        advance(1)


def _chunks(rows: IntArray, size: int) -> Iterator[IntArray]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _alike(coarse: NDArray[np.float32], apart: int) -> Iterator[tuple[IntArray, bool]]:
    """Pairs i < j (m, 2) that agree coarsely, `apart` <= j, and whether i is taken mirrored."""
    mirrored = coarse.reshape(-1, 3, _COARSE, _COARSE)[..., ::-1].reshape(coarse.shape)
    for rows in range(0, len(coarse), _ROWS):
        for columns in range(max(rows, apart), len(coarse), _COLUMNS):
            right = coarse[columns : columns + _COLUMNS].T
            for turned, left in enumerate((coarse, mirrored)):
                i, j = np.nonzero(left[rows : rows + _ROWS] @ right >= COARSE_LEVEL)
                pairs = np.stack([i + rows, j + columns], axis=1)
                yield pairs[pairs[:, 0] < pairs[:, 1]], bool(turned)


def at_common_size(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images as they are searched: averaged to 32 x 32 pixels, rounded."""
    if images.shape[2:] == (_SIDE, _SIDE):
        return images
    return np.rint(_averaged(images)).astype(np.uint8)


def _averaged(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images averaged to 32 x 32 pixels, each weighed by its share of the new one."""
    down, across = (_averaging(side) for side in images.shape[2:])
    return (down @ images.astype(np.float32)) @ across.T


def _averaging(side: int) -> NDArray[np.float32]:
    """(32, side): the share of each of `side` equal parts in each of 32."""
    edges = np.arange(_SIDE + 1) * side / _SIDE
    low = np.maximum(edges[:-1, None], np.arange(side))
    high = np.minimum(edges[1:, None], np.arange(side) + 1)
    return ((high - low).clip(0) * _SIDE / side).astype(np.float32)


def _coarse(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """8 x 8 averages of softened images, each colour's mean removed, rows (n, 192) of length 1.

    A constant image is a row of zeros, which agrees with none.
    """
    from scipy.ndimage import convolve1d

    soft = convolve1d(convolve1d(images, _SOFT, 3, mode="nearest"), _SOFT, 2, mode="nearest")
    block = _SIDE // _COARSE
    rows = soft.reshape(len(soft), 3, _COARSE, block, _COARSE, block).mean((3, 5))
    rows = (rows - rows.mean((2, 3), keepdims=True)).reshape(len(rows), -1)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)


def _detail(images: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Spectra (n, 32, 17) of windowed grey images, as signals of length 1.

    The means of rows and columns are off, since a horizon is no detail, and the magnitudes are
    raised to the power 3/4, so that the coarse does not drown the fine.
    """
    from scipy.fft import rfft2

    grey = images.mean(axis=1)
    grey -= (grey @ _EDGE)[:, :, None]
    grey -= (_EDGE @ grey)[:, None]
    spectra = rfft2(grey * _WINDOW)
    spectra *= (np.abs(spectra) + 1e-3) ** -0.25
    energy = (np.abs(spectra) ** 2 * _TWICE).sum((1, 2), keepdims=True) / _SIDE**2
    return spectra / np.maximum(np.sqrt(energy), 1e-3)


def _mirrored(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """The spectra of the mirror images."""
    turn = np.exp(2j * np.pi * np.arange(_SIDE // 2 + 1) / _SIDE).astype(np.complex64)
    return spectra[:, -np.arange(_SIDE) % _SIDE].conj() * turn


def _correlation(left: NDArray[np.complex64], right: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Highest correlation (m,) of two signals where one is moved by up to `_REACH` pixels."""
    from scipy.fft import irfft2

    found = irfft2(left * right.conj(), s=(_SIDE, _SIDE))
    near = np.arange(-_REACH, _REACH + 1)
    return found[:, near[:, None], near].max((1, 2))


_SOFT = np.array([1, 4, 6, 4, 1], np.float32) / 16
_TWICE = np.where(np.isin(np.arange(_SIDE // 2 + 1), (0, _SIDE // 2)), 1, 2).astype(np.float32)
_EDGE = np.sqrt(np.hanning(_SIDE + 2)[1:-1])
_WINDOW = np.outer(_EDGE, _EDGE).astype(np.float32)
_EDGE = (_EDGE / _EDGE.sum()).astype(np.float32)

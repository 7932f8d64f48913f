"""What is counted of generated images as they pass: constant ones, copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adainf_core.data.copies import KINDS, find_copies, image_hashes
from adainf_core.data.images import ImageSet


class Tally:
    """Counts over images that come in chunks, for sets that are never in memory as a whole.

    `count` images have passed, of which `constant` have one value everywhere; `brightest` is the
    largest value seen. `duplicates` repeat an earlier image, by kind (`KINDS`), and `memorised` an
    image of `real` (None where that is absent or of another image shape than `shape`, (3, h, w)).
    `pairs` counts the pairs of images that are copies of each other; a near copy makes one, since a
    chain of them joins images that are less alike. Exact and mirrored copies are told by 64-bit
    hashes as they pass, about 40 bytes an image; near ones, None until `search`, afterwards.
    """

    def __init__(self, shape: tuple[int, ...], real: ImageSet | None = None) -> None:
        self.count = self.constant = self.brightest = self.pairs = 0
        self._own, self._either = _Seen(), _Seen()
        self._real: ImageSet | None = None
        self.memorised: dict[str, int | None] | None = None
        if real is not None and real.images.shape[1:] == shape:
            self._real, self.memorised = real, {"exact": 0, "mirrored": 0, "near": None}
            self._real_own, self._real_either = map(np.unique, image_hashes(real.images))
        self._near: int | None = None

    @property
    def duplicates(self) -> dict[str, int | None]:
        """How many images repeat an earlier one, by kind."""
        exact = self.count - len(self._own.values)
        return {
            "exact": exact,
            "mirrored": self.count - len(self._either.values) - exact,
            "near": self._near,
        }

    def counted(self, images: np.ndarray) -> np.ndarray:
        """Count `images` uint8 (m, 3, h, w) and hand them back, C-contiguous."""
        images = np.ascontiguousarray(images)
        flat = images.reshape(len(images), -1)
        highest = flat.max(axis=1)
        self.count += len(images)
        self.constant += int((flat.min(axis=1) == highest).sum())
        self.brightest = max(self.brightest, int(highest.max()))
        own, either = image_hashes(images)
        self._own.add(own)
        self.pairs += self._either.add(either)
        if self.memorised is not None:
            same = _among(own, self._real_own)
            mirrored = _among(either, self._real_either) & ~same
            for kind, found in (("exact", same), ("mirrored", mirrored)):
                self.memorised[kind] = (self.memorised[kind] or 0) + int(found.sum())
        return images

    def search(self, images: np.ndarray, near: bool | None = None) -> None:
        """Count near copies, too, in all that has passed, `images`; `near` is `find_copies`'s."""
        found = find_copies(images, near=near)
        if found.near_searched:
            self._near = self.count - len(found.distinct) - total(self.duplicates)
            self.pairs += self._near
        if self.memorised is None or self._real is None:
            return
        found = find_copies(self._real.images, images, near=near, within_first=False)
        if found.near_searched:
            start = len(self._real)
            again = int((found.group[start:] < start).sum())
            self.memorised["near"] = again - total(self.memorised)

    def checks(self, order: str) -> dict[str, Any]:
        """The counts as a store keeps them, with the verdict on the colour `order`."""
        found = {"duplicates": self.duplicates, "memorised": self.memorised}
        return {
            "constant": self.constant,
            **{name: None if kinds is None else total(kinds) for name, kinds in found.items()},
            "order": order,
            "kinds": {name: dict(kinds) for name, kinds in found.items() if kinds is not None},
        }


def total(kinds: dict[str, int | None]) -> int:
    """The copies of all kinds; those that were not searched count for none."""
    return sum(count or 0 for count in kinds.values())


def in_words(kinds: dict[str, int | None]) -> str:
    """Copies by kind: "exact 3, near 1"."""
    return ", ".join(f"{kind} {kinds[kind]:,}" for kind in KINDS if kinds[kind])


class _Seen:
    """Values that have passed, and how often."""

    def __init__(self) -> None:
        self.values, self._times = np.empty(0, np.uint64), np.empty(0, np.int64)  # in order

    def add(self, values: NDArray[np.uint64]) -> int:
        """How many pairs of equal values these make, among themselves and with earlier ones."""
        values, times = np.unique(values, return_counts=True)
        known = _among(values, self.values)
        places = np.searchsorted(self.values, values)
        before = self._times[places[known]]
        pairs = int((times * (times - 1) // 2).sum() + (before * times[known]).sum())
        self._times[places[known]] += times[known]
        self.values = np.insert(self.values, places[~known], values[~known])
        self._times = np.insert(self._times, places[~known], times[~known])
        return pairs


def _among(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which values are in the sorted `table`."""
    if not len(table):
        return np.zeros(len(values), bool)
    places = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return table[places] == values

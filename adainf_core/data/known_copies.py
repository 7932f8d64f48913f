"""The copies of image sets, searched once and kept in the cache by the fingerprints of the sets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adainf_core.data.cache import cache_folder
from adainf_core.data.copies import (
    COARSE_LEVEL,
    DETAIL_LEVEL,
    MOST_PAIRS,
    PIXEL_LEVEL,
    SMALLEST_SIDE,
    Copies,
    at_common_size,
    find_copies,
    image_hashes,
    most_images,
    same_images,
    with_near_copies,
)
from adainf_core.data.images import ImageSet
from adainf_core.data.sources import ImageSource
from adainf_core.files import atomic_file

_METHOD = (1, COARSE_LEVEL, DETAIL_LEVEL, PIXEL_LEVEL, MOST_PAIRS, SMALLEST_SIDE)
_SEAL = 16  # bytes of the checksum that a file begins with


def known_copies(*sets: ImageSet, near: bool | None = None, within_first: bool = True) -> Copies:
    """`find_copies` of these sets, taken from the cache where they were searched before.

    What is kept is small, one row for each image that repeats another, under a checksum: a damaged
    file is made anew, and where there can be no cache the copies are searched each time.
    """
    path = _place([images._digest() for images in sets], near, within_first)
    found = _read(path, sum(map(len, sets)))
    if found is None:
        pixels = (images.images for images in sets)
        found = find_copies(*pixels, near=near, within_first=within_first)
        _keep(path, found)
    return found


class SourceCopies:
    """The copies in a source whose chunks are read anyway, never in memory as a whole.

    `watching(chunks)` hands the source's chunks on and looks at each; once all have passed,
    `copies()` is what `known_copies` would say. Nothing is looked at where that is known already,
    by the source's path and identity. 16 bytes an image are held, and 3 kB for each distinct one
    while they are few enough for near copies to be searched.
    """

    def __init__(self, source: ImageSource, near: bool | None = None) -> None:
        place = os.path.abspath(source.path)
        self._path = _place([place, repr(source.shape), source.identity()], near, True)
        self._known = _read(self._path, source.shape[0])
        self._own, self._either = list[NDArray[np.uint64]](), list[NDArray[np.uint64]]()
        self._seen = set[int]()
        self._small = list[NDArray[np.uint8]]()
        self._most = source.shape[0] if near else most_images()
        # of so many, too many are sure to be distinct, unless half of them are copies
        few = source.shape[0] <= 2 * self._most
        self._near = near or (near is None and few and min(source.shape[2:]) >= SMALLEST_SIDE)

    def watching(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The chunks, each looked at as it passes."""
        for chunk in chunks:
            if self._known is None:
                self._look(chunk)
            yield chunk

    def _look(self, chunk: np.ndarray) -> None:
        own, either = image_hashes(chunk)
        self._own.append(own)
        self._either.append(either)
        if not self._near:
            return
        new = []
        for place, value in enumerate(either.tolist()):
            if value not in self._seen:
                self._seen.add(value)
                new.append(place)
        if len(self._seen) > self._most:
            self._near = False
            self._seen.clear()
            self._small.clear()
        elif new:
            self._small.append(at_common_size(chunk[new]))

    def copies(self) -> Copies:
        """The copies among all that has passed."""
        if self._known is None:
            found = same_images(np.concatenate(self._own), np.concatenate(self._either))
            if self._near:
                found = with_near_copies(found, *self._small)
            _keep(self._path, found)
            self._known = found
        return self._known


def _folder() -> Path:
    return cache_folder() / "copies"


def _place(of: list[str], near: bool | None, within_first: bool) -> Path | None:
    """Where the copies of these are kept, None where there is no place."""
    key = hashlib.blake2b(repr((_METHOD, of, near, within_first)).encode(), digest_size=16)
    try:
        return _folder() / key.hexdigest()
    except RuntimeError:
        return None


def _read(path: Path | None, count: int) -> Copies | None:
    """The copies kept at `path` among `count` images; None where there are none or damaged ones."""
    try:
        content = b"" if path is None else path.read_bytes()
    except OSError:
        return None
    if not content or content[:_SEAL] != _seal(content[_SEAL:]):
        return None
    rows = np.frombuffer(content[_SEAL:], np.int64).reshape(-1, 3)
    held, near_searched, _ = rows[0].tolist()
    if held != count:
        return None
    group, kind = np.arange(count), np.zeros(count, np.int8)
    places, group[places], kind[places] = rows[1:].T
    return Copies(group, kind, bool(near_searched))


def _keep(path: Path | None, found: Copies) -> None:
    again = np.flatnonzero(found.kind)
    rows = np.stack([again, found.group[again], found.kind[again].astype(np.int64)], axis=1)
    head = np.array([[len(found), found.near_searched, 0]], np.int64)
    content = np.concatenate([head, rows]).tobytes()
    try:
        if path is not None:
            with atomic_file(path) as file:
                file.write(_seal(content) + content)
    except OSError:  # full, or not ours to write in: it is searched again the next time
        return


def _seal(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SEAL).digest()

"""Pairs: k variations of each real image, in a store of generated images that says of which.

The store holds them image by image, k of the first real one before those of the second, and its
origin the k and the hash of the real images. All else is that of any store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.data.folder_files import PassedOver, images_below
from adainf_core.data.generated import (
    ChannelOrder,
    GeneratedImages,
    ImportLimits,
)
from adainf_core.data.images import ImageSet, as_image_set, image_digest
from adainf_core.data.sources import ImageSource, folder_source, npz_source
from adainf_core.validation import as_count, as_path, in_words

_NUMBER = re.compile(r"(\d+)")


def pairs_of(real: ImageSet, k: int) -> dict[str, Any]:
    """What the origin of a store says of the pairs in it: k, and the hash of the real images."""
    return {"pairs": {"k": as_count(k, "k", 1), "real": as_image_set(real, "real")._digest()}}


@dataclass(frozen=True, eq=False, repr=False)
class PairedImages:
    """k variations of each real image: row i holds those of real image i.

    `images` is uint8 (n, k, 3, h, w), in memory or memory-mapped; `name` says whose they are, and
    `real_hash` is the hash of the n real images in their order (None where it is not known, and
    then only their number and size are checked). `store` is the one on disk that they are read
    from. Raises ValueError for any other array.
    """

    images: np.ndarray
    name: str
    real_hash: str | None = None
    store: GeneratedImages | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        images = self.images
        if (
            not isinstance(images, np.ndarray)
            or (images.dtype, images.ndim) != (np.uint8, 5)
            or images.shape[2] != 3
            or not images.size
        ):
            raise ValueError(
                f"{self.name}: images = {in_words(images)} must be a uint8 array (n, k, 3, h, w), "
                "k variations of each of n real images, k at least 1"
            )
        if not isinstance(self.real_hash, str | None):
            raise ValueError(
                f"{self.name}: real_hash = {in_words(self.real_hash)} must be the hash of the real "
                "images, or None"
            )

    def __len__(self) -> int:
        """Number of real images."""
        return len(self.images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}: {self.describe()})"

    def __reduce__(self) -> tuple[Any, ...]:
        # pickles carry the place, not the pixels
        if self.store is not None:
            return type(self).open, (self.store.path,)
        return type(self), (self.images, self.name, self.real_hash)

    @property
    def k(self) -> int:
        """Variations of each real image."""
        return self.images.shape[1]

    def describe(self) -> str:
        """How many variations of how many images of which size, in one line."""
        n, k, _, height, width = self.images.shape
        of = f" of {self.store.compared}" if self.store and self.store.compared else ""
        return (
            f"{k:,} variation{'s' * (k > 1)} of each of {n:,} images{of}, {height}x{width} pixels"
        )

    def check_fits(self, real: ImageSet) -> None:
        """ValueError where these are no variations of `real`, image by image."""
        as_image_set(real, "real")
        n, height, width = len(self), *self.images.shape[3:]
        if len(real) != n:
            raise ValueError(
                f"{self.name} holds variations of {n:,} images, and {real.name} has "
                f"{len(real):,}: name the real images that they were made of"
            )
        if real.images.shape[2:] != (height, width):
            raise ValueError(
                f"{self.name} holds images of {height}x{width} pixels, and {real.name} of "
                f"{'x'.join(map(str, real.images.shape[2:]))}: make pairs of one size"
            )
        if self.real_hash is not None and (found := real._digest()) != self.real_hash:
            raise ValueError(
                f"{self.name} holds variations of other images than {real.name}, or of these in "
                f"another order (fingerprint {self.real_hash}, not {found}): name the real images "
                "that they were made of, as they were"
            )

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell these pairs from others: hashes of variations and real images."""
        flat = self.images.reshape(-1, *self.images.shape[2:])
        images = image_digest(flat) if self.store is None else self.store._digest()
        return {"name": self.name, "k": self.k, "images": images, "real": self.real_hash}

    @classmethod
    def open(cls, path: str | Path) -> PairedImages:
        """The pairs in the store at `path`, memory-mapped.

        Raises the errors of `GeneratedImages.open`, and ValueError for a store without pairs and
        for one that is not finished.
        """
        store = GeneratedImages.open(path)
        pairs = (store.origin or {}).get("pairs")
        if pairs is None:
            raise ValueError(
                f"{path} holds generated images that are no pairs: make some with adainf generate "
                "vary, pair or import --pairs"
            )
        if not store.complete:
            raise ValueError(
                f"{path} holds {len(store):,} of its {store.planned:,} variations: let the command "
                "that began it go on"
            )
        images = store.images.reshape(-1, pairs["k"], *store.images.shape[1:])
        return cls(images, store.name, pairs["real"], store=store)

    @classmethod
    def imported(
        cls,
        path: str | Path,
        k: int,
        real: ImageSet,
        *,
        size: int | None = None,
        convert: bool = False,
        store: str | Path | None = None,
        channel_order: ChannelOrder = "auto",
        limits: ImportLimits | None = None,
        near_copies: bool | None = None,
    ) -> PairedImages:
        """Import k variations of each of the `real` images, made elsewhere, from a path.

        Of an archive the array is (n, k, h, w, 3), or (n k, h, w, 3) image by image, channels first
        or last. Of a folder the files in alphabetical order are taken image by image, as are those
        of n sub-folders of k files. The rest is as in `GeneratedImages.from_npz` and `from_folder`.

        Raises ValueError for another number or size of images than `real` asks for, and for files
        whose numbers are not in alphabetical order (2 after 10): they would go to other images.
        """
        place, origin = as_path(path, "path"), pairs_of(real, k)
        if place.is_dir():
            source = _in_order(folder_source(place, size), k)
        else:
            source = npz_source(place, convert=convert, needs_labels=False, pairs=k)
        if source.shape[0] != k * len(real):
            raise ValueError(
                f"{path} holds {source.shape[0]:,} images, and {k:,} for each of {len(real):,} in "
                f"{real.name} are {k * len(real):,}"
            )
        if source.shape[1:] != real.images.shape[1:]:
            sides = ("x".join(map(str, shape[2:])) for shape in (source.shape, real.images.shape))
            raise ValueError(
                f"{path} holds images of {next(sides)} pixels, and {real.name} of {next(sides)}: "
                "bring both to one size"
            )
        found = GeneratedImages._import(
            source, real, store, channel_order, limits, near_copies, [], origin
        )
        return cls.open(found.path)


def _in_order(source: ImageSource, k: int) -> ImageSource:
    """The files of a folder, where their order says which is whose; ValueError where it may not."""
    path = source.path
    if source.labels is not None and ((sizes := np.bincount(source.labels)) != k).any():
        raise ValueError(
            f"{path} holds sub-folders of {sizes[sizes != k][0]:,} images: give one for each real "
            f"image, of {k:,}"
        )
    for file, after in pairwise(images_below(path, PassedOver())):
        words = (_NUMBER.split(each.relative_to(path).as_posix()) for each in (file, after))
        differing = (both for both in zip(*words, strict=False) if both[0] != both[1])
        numbers = [int(word) for word in next(differing, ()) if word.isdecimal()]
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            raise ValueError(
                f"{file} comes before {after.name} in alphabetical order, and the order says which "
                "real image each is of: number the files with leading zeros"
            )
    return replace(source, labels=None, labelled=False, class_names=None)

"""A reader's sets without their copies: what a comparison counts, splits and measures."""

from __future__ import annotations

import numpy as np

from adainf_core.data.copies import Copies
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies
from adainf_core.validation import IntArray


def distinct(images: ImageSet) -> tuple[ImageSet, Copies]:
    """The set with the first of each group of copies, and the copies that were left out.

    ValueError for a set that holds one image again and again.
    """
    found = known_copies(images)
    if len(found.distinct) == len(images):
        return images, found
    if len(found.distinct) == 1:
        raise ValueError(
            f"{images.name}: all {len(images):,} images are copies of one: there is nothing to "
            "compare"
        )
    return images.subset(found.distinct), found


def without_copies_of(first: ImageSet, second: ImageSet) -> IntArray:
    """Indices of the images of `second` that repeat none of `first`, int64 in ascending order."""
    group = known_copies(first, second, within_first=False).group[len(first) :]
    return np.flatnonzero(group >= len(first))

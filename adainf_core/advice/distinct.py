"""A reader's sets without their copies: what a comparison counts, splits and measures."""

from __future__ import annotations

import numpy as np

from adainf_core.data.copies import Copies
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies
from adainf_core.data.labelled_pairs import labels_of, numbered_as
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


def of_two_classes(*sets: ImageSet) -> int:
    """How many images, of the last of `sets`, are copies of an earlier one under another class.

    Of two sets the classes are matched as `numbered_as` does; 0 where one has no labels.
    """
    if any(images.labels is None for images in sets):
        return 0
    first, *others = sets
    labels = np.concatenate(
        [labels_of(first), *(labels_of(numbered_as(first, other)) for other in others)]
    )
    group = known_copies(*sets, within_first=not others).group
    return int((labels != labels[group])[-len(sets[-1]) :].sum())

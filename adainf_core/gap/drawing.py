"""The images of a set that are looked at: a random draw in a random order."""

from __future__ import annotations

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.validation import IntArray


def drawn(
    images: ImageSet, n: int, rng: np.random.Generator, among: IntArray | None = None
) -> tuple[ImageSet, IntArray]:
    """At most `n` of the images, in memory, and the order, int64, that they were brought into.

    They are drawn from all, or from those at the places `among`, int64 in ascending order.
    """
    places = np.arange(len(images)) if among is None else among
    if len(places) > n:
        places = places[np.sort(rng.choice(len(places), n, replace=False))]
    # a memory-mapped set is read once, and rows in a telling order (classes in sequence) shuffled
    order = rng.permutation(len(places))
    return ImageSet(np.asarray(images.images[places])[order], None, images.name), order

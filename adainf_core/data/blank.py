"""Images that are only counted."""

import numpy as np

from adainf_core.data.images import ImageSet


def blank(count: int) -> ImageSet:
    """`count` black images of one pixel, for what depends on numbers of images alone."""
    return ImageSet(np.zeros((count, 3, 1, 1), np.uint8), None, "blank")

"""Images that are only counted."""

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.validation import as_count


def blank(count: int) -> ImageSet:
    """`count` black images of one pixel, for what depends on numbers of images alone."""
    return ImageSet(np.zeros((as_count(count, "count", 1), 3, 1, 1), np.uint8), None, "blank")

"""Small photographs for tests about copies, and one saved anew."""

import io

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images


def tiles() -> np.ndarray:
    """Disjoint tiles of two photographs, those with something to see: (n, 3, 32, 32)."""
    found = []
    for photograph in load_sample_images().images:
        for top in range(0, 384, 48):
            for left in range(0, 624, 48):
                tile = Image.fromarray(photograph[top : top + 48, left : left + 48])
                found.append(np.asarray(tile.resize((32, 32), Image.Resampling.BOX)))
    images = np.stack(found).transpose(0, 3, 1, 2)
    return images[images.std(axis=(1, 2, 3)) > 20]


def saved(image: np.ndarray, quality: int) -> np.ndarray:
    """An image (3, h, w) through JPEG."""
    held = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held)).transpose(2, 0, 1)

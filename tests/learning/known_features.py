"""Encoders and labelled images whose features are known, for the tests of features and probes."""

from dataclasses import replace

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.learning.encoders import Encoder
from adainf_core.learning.policies import AugmentationPolicy

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
FLIP = AugmentationPolicy(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), jitter_p=0, grey_p=0,
                          blur_p=0, flip_p=0.5)  # fmt: skip
STILL = replace(FLIP, flip_p=0)


class Corner(nn.Module):
    """Backbone that reads one pixel: features are known."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 0, 0]


ENCODER = Encoder(Corner(), 3)
PIXELS = nn.Flatten()


def coloured(n: int, noise: float, seed: int) -> ImageSet:
    """Three classes, each bright in its own channel, under noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    level = 100 + 60 * np.eye(3)[labels] + noise * rng.standard_normal((n, 3))
    images = np.broadcast_to(level.clip(0, 255)[:, :, None, None], (n, 3, 4, 4)).astype(np.uint8)
    return ImageSet(np.ascontiguousarray(images), labels.astype(np.int64), "coloured")


def digits() -> tuple[ImageSet, ImageSet]:
    """Handwritten digits as grey images, split in halves; some pixels are black in all of them."""
    found = load_digits()
    grey = (found.images * 15).astype(np.uint8)[:, None].repeat(3, 1)
    return tuple(
        ImageSet(grey[half::2], found.target[half::2].astype(np.int64), f"digits-{half}")
        for half in (0, 1)
    )


def labelled(labels: list[int], size: int = 4) -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 3, size, size), np.uint8)
    return ImageSet(images, np.array(labels, dtype=np.int64), f"set-of-{len(labels)}")

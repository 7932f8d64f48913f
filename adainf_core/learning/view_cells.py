"""View cells: views of images made discrete, by an encoder and the nearest of its landmarks.

No two augmented views of photographs are identical. What counts as the same view is a choice, and
this is the one made here: views with one nearest landmark. No label takes part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from adainf_core.learning.features import as_module, extract_features
from adainf_core.learning.policies import AugmentationPolicy, as_policies, as_policy
from adainf_core.validation import (
    LAST_SEED,
    IntArray,
    as_count,
    as_images,
    as_real,
    as_seed,
    freeze,
)

Features = NDArray[np.float32]
_CHUNK = 10_000  # images whose features are in memory at once


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The cells of a feature space: a view belongs to the landmark nearest to its features.

    points: float32 (m, d), finite. Distances are Euclidean, so an encoder with features of unit
    length gives cosine cells.
    """

    points: Features

    def __post_init__(self) -> None:
        points = as_real(self.points, "points").astype(np.float32)
        if points.ndim != 2 or 0 in points.shape:
            raise ValueError(f"points has shape {points.shape}, need (landmarks, features)")
        broken = np.flatnonzero(~np.isfinite(points).all(1))
        if len(broken):
            raise ValueError(f"points[{broken[0]}] is not finite: drop the landmark")
        object.__setattr__(self, "points", freeze(points))

    def __len__(self) -> int:
        return len(self.points)

    def nearest(self, features: Features) -> IntArray:
        """Index of the nearest landmark, int64 (n,), of features (n, d): exact, by brute force."""
        from sklearn.metrics import pairwise_distances_argmin

        if np.ndim(features) != 2 or features.shape[1] != self.points.shape[1]:
            raise ValueError(
                f"features have shape {np.shape(features)}, the landmarks have "
                f"{self.points.shape[1]} features each"
            )
        found = pairwise_distances_argmin(np.ascontiguousarray(features, np.float32), self.points)
        return np.asarray(found, np.int64)

    @classmethod
    def from_views(
        cls,
        images: NDArray[np.uint8],
        policies: Sequence[AugmentationPolicy],
        encoder: nn.Module,
        count: int,
        seed: int = 0,
    ) -> Landmarks:
        """`count` views as landmarks, of as many different images, in equal shares by policy.

        images: uint8 (n, 3, h, w), n ≥ count, best none that the graph is made of. Deterministic
        given `seed`. One set of landmarks should serve all graphs that are to be compared.
        """
        most = len(as_images(images))
        count = as_count(count, "count", 1, most, ": a landmark is a view of its own image")
        policies = as_policies(policies)
        rng = np.random.default_rng(as_seed(seed))
        shares = np.array_split(rng.permutation(len(images))[:count], len(policies))
        seeds = (rng.integers(2**62, size=len(policies)) & LAST_SEED).tolist()
        return cls(
            np.concatenate(
                [
                    extract_features(encoder, images[np.sort(share)], augmentation=policy, seed=own)
                    for share, policy, own in zip(shares, policies, seeds, strict=True)
                    if len(share)
                ]
            )
        )


class PixelPCA(nn.Module):
    """Whitened principal components of pixels: a feature space that has learnt nothing.

    A linear map from float images (b, 3, h, w) in [0, 1] to float32 (b, d); make one with `fit`.
    """

    mean: torch.Tensor
    axes: torch.Tensor

    def __init__(self, mean: torch.Tensor, axes: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("axes", axes)

    @classmethod
    def fit(cls, images: NDArray[np.uint8], dimension: int = 32) -> PixelPCA:
        """The `dimension` leading components of uint8 (n, 3, h, w), each to variance one."""
        pixels = torch.from_numpy(as_images(images).reshape(len(images), -1)).float() / 255
        most = min(len(pixels) - 1, pixels.shape[1])
        dimension = as_count(dimension, "dimension", 1, most, ", what the images span")
        mean = pixels.mean(0)
        centred = (pixels - mean).double()
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(pixels))
        values, vectors = values.flip(0)[:dimension], vectors.flip(1)[:, :dimension]
        if values[-1] <= 1e-9 * values[0]:
            rank = int((values > 1e-9 * values[0]).sum())
            raise ValueError(f"dimension={dimension}: these images span only {rank} components")
        return cls(mean, (vectors / values.sqrt()).float())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) - self.mean) @ self.axes


class UnitLength(nn.Module):
    """Another encoder's features scaled to length one, so that the nearest is the most aligned."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.encoder(images))


def sample_view_labels(
    images: NDArray[np.uint8],
    policy: AugmentationPolicy,
    labeler: nn.Module,
    *,
    views: int = 2,
    seed: int = 0,
) -> IntArray:
    """Classes that `labeler` gives to `views` views of each image, int64 (n, views).

    labeler: any module from float images in [0, 1] to class scores (b, classes). One `seed`, one
    set of views: those of `sample_view_graph` are the same pictures.
    """
    as_module(labeler, "labeler")
    return read_views(images, policy, labeler, lambda scores: scores.argmax(axis=1), views, seed)


def read_views(
    images: NDArray[np.uint8],
    policy: AugmentationPolicy,
    network: nn.Module,
    read: Callable[[Features], IntArray],
    views: int,
    seed: int,
) -> IntArray:
    """What `read` makes of the network's outputs (b, d) for each view: int64 (n, views).

    Memory is bounded by the outputs of 10,000 views; the first views do not depend on how many
    follow. Deterministic given `seed`.
    """
    views, seed = as_count(views, "views", 1), as_seed(seed)
    as_policy(policy)
    if len(as_images(images)) == 0:
        raise ValueError("there are no images to draw views of")
    found = np.empty((len(images), views), np.int64)
    # one seed a view and chunk: more views leave the first ones as they were
    seeds = [np.random.default_rng((seed, view)) for view in range(views)]
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        for view, rng in enumerate(seeds):
            own = int(rng.integers(2**62)) & LAST_SEED
            found[part, view] = read(
                extract_features(network, images[part], augmentation=policy, seed=own)
            )
    return found

"""Filtering: generated images left out before training, by scores that look at no label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.generators.principal_axes import PrincipalAxes
from adainf_core.validation import FloatArray, as_choice, as_count, as_number

_NEIGHBOUR = 5


@dataclass(frozen=True)
class Filter:
    """Leaves out the share `drop` of the generated images with the highest score.

    `by` "distance", the score is the distance to the fifth nearest real image, so that what is
    least like them goes; by "ambiguity" it is the distance to the nearest of `clusters` centres of
    the real images over that to the second nearest, so that what lies between two kinds goes, in
    the spirit of Zhang et al. (2026). Distances are Euclidean in the leading `principal` components
    of the real images' pixels. ValueError for a drop outside [0, 1).
    """

    drop: float = 0.2
    by: Literal["distance", "ambiguity"] = "distance"
    principal: int = 50
    clusters: int = 10

    def __post_init__(self) -> None:
        if not 0 <= as_number(self.drop, "filtered.drop") < 1:
            raise ValueError(
                f"filtered.drop={self.drop} is outside [0, 1): it has to leave some images"
            )
        as_choice(self.by, "filtered.by", ("distance", "ambiguity"))
        as_count(self.principal, "filtered.principal", 1)
        as_count(self.clusters, "filtered.clusters", 2)

    def needed(self, count: int) -> int:
        """How many images have to be made for `count` to be left."""
        return int(np.ceil(count / (1 - self.drop)))

    def scores(self, generated: ImageSet, real: ImageSet, seed: int = 0) -> FloatArray:
        """Float64 (n,): what is left out scores high; `seed` is that of the clusters."""
        axes = PrincipalAxes.fit(real, self.principal, seed)
        ours, theirs = axes.project(real.images), axes.project(generated.images)
        if self.by == "distance":
            from sklearn.neighbors import NearestNeighbors

            found = NearestNeighbors(n_neighbors=min(_NEIGHBOUR, len(ours))).fit(ours)
            return found.kneighbors(theirs)[0][:, -1]
        from sklearn.cluster import KMeans

        kinds = KMeans(self.clusters, n_init=4, random_state=seed).fit(ours)
        nearest = np.partition(kinds.transform(theirs), 1, axis=1)
        return nearest[:, 0] / np.maximum(nearest[:, 1], np.finfo(float).tiny)

    def kept(self, generated: ImageSet, real: ImageSet, seed: int = 0) -> np.ndarray:
        """Indices int64 of the images that are left, in their order."""
        left = len(generated) - int(np.floor(self.drop * len(generated)))
        order = np.argsort(self.scores(generated, real, seed), kind="stable")
        return np.sort(order[:left])

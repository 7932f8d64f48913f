"""CLID (Lu et al. 2023): clusters that can be learnt, and dimensions to tell more apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_features
from adainf_core.learning.scores.clusters import kinds
from adainf_core.validation import as_count

_SEARCHED = 5000


def learnability(
    features: ArrayLike, clusters: int = 10, neighbours: int = 5, seed: int = 0
) -> float:
    """How early a nearest-neighbour vote tells the k-means cluster of the next row, in [0, 1].

    The rows of features (n, d), at most 5,000, come one by one in a random order, and each is told
    by a vote of the nearest of those before it.
    """
    x = as_features(features)[:_SEARCHED]
    as_count(clusters, "clusters", 2, len(x) - 1, f", what {len(x)} rows of features allow")
    neighbours = as_count(neighbours, "neighbours", 1)
    x = x[np.random.default_rng(seed).permutation(len(x))]
    labels = kinds(x, clusters, seed)
    squares = (x**2).sum(1)
    right = 0
    for start in range(0, len(x), 500):
        rows = np.arange(max(start, 1), min(start + 500, len(x)))
        distances = squares[None] - 2 * x[rows] @ x.T
        distances[np.arange(len(x))[None] >= rows[:, None]] = np.inf
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
        for row, found in zip(rows, nearest, strict=True):
            votes = np.bincount(labels[found[: min(neighbours, row)]], minlength=clusters)
            right += int(votes.argmax() == labels[row])
    return right / (len(x) - 1)


def intrinsic_dimension(features: ArrayLike) -> float:
    """Dimension of features (n, d) by the ratio of two nearest distances (Facco et al. 2017).

    Its maximum likelihood, n / Σ log(r2 / r1); rows that are doubled are left out. Of at most 5,000
    rows. ValueError where fewer than three differ.
    """
    from sklearn.neighbors import NearestNeighbors

    x = np.unique(as_features(features)[:_SEARCHED], axis=0)
    if len(x) < 3:
        raise ValueError(f"features have {len(x)} different rows: two neighbours take three")
    nearest = NearestNeighbors(n_neighbors=3).fit(x).kneighbors(x)[0]
    logs = np.log(nearest[:, 2] / nearest[:, 1])
    return float(len(x) / logs.sum()) if logs.any() else float("inf")

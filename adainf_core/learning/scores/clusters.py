"""Clusters: whether k-means finds kinds in the features, and the same ones again."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_features
from adainf_core.validation import FloatArray, IntArray, as_count

_MOST = 5000  # rows of which all distances are looked at


def silhouette(features: ArrayLike, clusters: int = 10, seed: int = 0) -> float:
    """Mean silhouette of k-means `clusters` of features (n, d), in [-1, 1] (Rousseeuw 1987).

    Of at most 5,000 rows, the first. ValueError for fewer rows than clusters.
    """
    from sklearn.metrics import silhouette_score

    x = _few(features, clusters)
    return float(silhouette_score(x, kinds(x, clusters, seed)))


def stability(features: ArrayLike, clusters: int = 10, seed: int = 0) -> float:
    """Agreement of two k-means that have each seen a half of features (n, d), at most 1.

    The adjusted Rand index of what the two say of all rows: 0 by chance (von Luxburg 2010).
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    x = _few(features, 2 * as_count(clusters, "clusters", 2))
    order = np.random.default_rng(seed).permutation(len(x))
    halves = (order[::2], order[1::2])
    told = [
        KMeans(clusters, n_init=4, random_state=seed).fit(x[half]).predict(x) for half in halves
    ]
    return float(adjusted_rand_score(*told))


def kinds(x: FloatArray, clusters: int, seed: int = 0) -> IntArray:
    """The cluster of each row by k-means."""
    from sklearn.cluster import KMeans

    return KMeans(clusters, n_init=4, random_state=seed).fit_predict(x)


def _few(features: ArrayLike, clusters: int) -> FloatArray:
    x = as_features(features)[:_MOST]
    as_count(clusters, "clusters", 2, len(x) - 1, f", what {len(x)} rows of features allow")
    return x

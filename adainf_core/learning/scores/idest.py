"""IdEst (Mordacq et al. 2026): a dimension by the growth of minimum spanning trees."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_features

_SIZES, _DRAWS, _MOST = (0.25, 0.35, 0.5, 0.7, 1.0), 3, 2000


def tree_dimension(features: ArrayLike, seed: int = 0) -> float:
    """Dimension of features (n, d), from the lengths of trees over growing parts of the rows.

    The length of the Euclidean minimum spanning tree of m points grows as m^(1 - 1/dim) (Steele
    1988): a line through logarithms has that slope. Of at most 2,000 rows, each part drawn three
    times. A rank among encoders, not a measurement: it is biased down from ten dimensions on.
    ValueError for fewer than 40 rows, and inf where the slope is one or more.
    """
    x = as_features(features, 40)
    rng = np.random.default_rng(seed)
    x = x[rng.permutation(len(x))[:_MOST]]
    sizes = [round(share * len(x)) for share in _SIZES]
    lengths = [
        np.mean([tree_length(x[rng.permutation(len(x))[:size]]) for _ in range(_DRAWS)])
        for size in sizes
    ]
    slope, _ = np.polyfit(np.log(sizes), np.log(lengths), 1)
    return float(1 / (1 - slope)) if slope < 1 else float("inf")


def tree_length(points: np.ndarray) -> float:
    """Length of the Euclidean minimum spanning tree of points (m, d)."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import pdist, squareform

    # zeros would be no edges: doubled points are joined for next to nothing
    distances = squareform(np.maximum(pdist(points), np.finfo(float).tiny))
    return float(minimum_spanning_tree(distances).sum())

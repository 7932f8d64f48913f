"""The two terms of the bound, estimated without labels: λ of a graph of views, α from clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_views
from adainf_core.learning.scores.clusters import kinds
from adainf_core.validation import as_count

_MOST = 2000


def neighbour_gap(features: ArrayLike, k: int = 10, neighbours: int = 10) -> float:
    """λ_{k+1} of the normalised Laplacian of a graph of views, joined to their nearest: in [0, 2].

    `features` are (n, views, d), of which at most 2,000 views are taken; nearest is by cosine, an
    edge counts once whoever is the neighbour, and 0 says that the graph falls into more than k
    parts. ValueError for fewer views than k + 2.
    """
    from scipy.linalg import eigvalsh
    from scipy.sparse.csgraph import laplacian
    from sklearn.neighbors import kneighbors_graph

    x = as_views(features)
    flat = x[: max(2, _MOST // x.shape[1])].reshape(-1, x.shape[2])
    k = as_count(k, "k", 1, len(flat) - 2, f", what {len(flat)} views allow")
    neighbours = as_count(neighbours, "neighbours", 1, len(flat) - 1)
    joined = kneighbors_graph(flat, neighbours, metric="cosine", include_self=False)
    normed = laplacian(joined.maximum(joined.T), normed=True).toarray()
    return float(eigvalsh(normed, subset_by_index=[k, k])[0].clip(0, 2))


def cluster_error(features: ArrayLike, clusters: int = 10, seed: int = 0) -> float:
    """Share of views whose cluster is not that of most views of their image: α without labels.

    `features` are (n, views, d); clusters are of all views, by k-means.
    """
    x = as_views(features)[:_MOST]
    n, views, d = x.shape
    as_count(clusters, "clusters", 2, n - 1, f", what {n} images allow")
    found = kinds(x.reshape(-1, d), clusters, seed).reshape(n, views)
    counts = np.stack([(found == kind).sum(1) for kind in range(clusters)])
    return float(1 - counts.max(0).mean() / views)

"""Statistics of sampled views: labeling error, confusion, and intervals from resampling images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adainf_core.learning.view_graph import image_distribution
from adainf_core.validation import as_labels, as_real, in_words


def labeling_error(
    view_labels: ArrayLike, source_labels: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """α = P(label of a view ≠ label of its image), from view_labels (n, V), source_labels (n,).

    With the labeler's own labels of the unaugmented images as sources it is the theory's α for the
    labeling that the labeler defines; with true labels it holds the labeler's own errors as well.
    weights (n,): the distribution of images, by default uniform.
    """
    given = as_real(view_labels, "view_labels")
    if given.ndim != 2 or 0 in given.shape:
        raise ValueError(f"view_labels has shape {given.shape}, need (images, views)")
    views = as_labels(given.ravel(), given.size, "view_labels").reshape(given.shape)
    sources = as_labels(source_labels, len(views), "source_labels")
    distribution = image_distribution(weights, len(views))
    return float(distribution @ (views != sources[:, None]).mean(axis=1))


def augmentation_confusion(features: NDArray[np.float32]) -> float:
    """ACR: share of views whose nearest other view comes from another image; features (n, V, d).

    As in the code of Wang et al. (ICLR 2022); their ARC of a trained encoder is
    (1 − ACR trained) / (1 − ACR untrained). Euclidean: give features of unit length for cosines.
    Needs at least two images; all pairs are compared, 20,000 views take some seconds.
    """
    from sklearn.neighbors import NearestNeighbors

    if getattr(features, "ndim", 0) != 3 or len(features) < 2 or features.shape[1] < 2:
        raise ValueError(
            f"features are {in_words(features)}, need (images, views, features), "
            "two or more images and views"
        )
    n, views, size = features.shape
    flat = np.ascontiguousarray(features.reshape(n * views, size), np.float32)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat)
    nearest = search.kneighbors(return_distance=False)[:, 0]  # of each view among the others
    return float((nearest // views != np.arange(n * views) // views).mean())

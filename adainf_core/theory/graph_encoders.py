"""Encoders on the views of a graph: an optimal one at random where several are, and any other.

What a trained network makes of the views can be judged by the very functional that the theory
bounds, with the optimal encoder replaced by the network.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.similarity_graph import NO_CLASS, probe
from adainf_core.theory.spectrum import TIE_TOLERANCE, DegenerateSpectrumWarning
from adainf_core.validation import FloatArray, as_labels

_RANK = 1e-8  # directions of features below this share of the largest are rounding


def optimal_embedding(graph: AugmentationGraph, k: int, rng: np.random.Generator) -> FloatArray:
    """An optimal k-dimensional encoder on the kept views, (v, k), drawn at random if λ_k ties.

    Where λ_k = λ_{k+1}, the population spectral contrastive loss leaves open which part of the tied
    eigenspace is kept; here that part is uniform over all choices. Elsewhere this is
    `AugmentationGraph.embedding(k)`, whose arguments and errors it shares.
    """
    if not graph.is_degenerate(k):
        return graph.embedding(k)
    level, views = graph.spectral_gap(k), len(graph.views)
    count = k + 1
    while count < views and graph.eigenvalues(count)[-1] <= level + TIE_TOLERANCE:
        count = min(2 * count, views)
    values = graph.eigenvalues(count)
    tied = np.flatnonzero(np.abs(values - level) <= TIE_TOLERANCE)
    first, last = int(tied[0]), int(tied[-1]) + 1
    with warnings.catch_warnings():
        # a group at the very end of the spectrum cannot be followed by another eigenvalue
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)
        whole = graph.embedding(min(last, views - 1))
    group = whole[:, first:]
    rotation = np.linalg.qr(rng.standard_normal((group.shape[1],) * 2))[0]
    return np.hstack([whole[:, :first], group @ rotation[:, : k - first]])


def feature_probe_error(
    graph: AugmentationGraph,
    features: ArrayLike,
    view_labels: ArrayLike,
    natural_labels: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """Error on natural points of the best linear head on any encoder's features of the views.

    features (v, d): one row for each of `graph.views`. As in `AugmentationGraph.probe_error`, of
    which this is the value for `graph.embedding(k)`: the head minimises squared error to the label
    indicators under the view distribution, without a bias; a natural point takes the majority of
    its views; ties and unseen views count as wrong; weights (n,) is the distribution to average
    under, by default the graph's own.
    """
    rows = graph.checked_features(features)
    labels = as_labels(view_labels, graph.n_columns, "view_labels")
    truth = as_labels(natural_labels, graph.n_natural, "natural_labels")
    distribution = graph.distribution(weights)
    # Least squares under the view distribution is a projection on what the weighted features span.
    basis, sizes, _ = np.linalg.svd(np.sqrt(graph.degrees)[:, None] * rows, full_matrices=False)
    basis = basis[:, sizes > _RANK * max(sizes.max(initial=0.0), 1e-300)]
    predictions = np.full(graph.n_columns, NO_CLASS, dtype=np.int64)
    predictions[graph.views] = probe(basis, graph.degrees, labels[graph.views])
    return float(distribution[graph.majority_vote(predictions) != truth].sum())

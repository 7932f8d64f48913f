"""Gradient descent on the population spectral contrastive loss, and what it has learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.similarity_graph import SimilarityGraph
from adainf_core.validation import FloatArray, as_count


def gradient_descent(
    graph: SimilarityGraph, k: int, *, seeds: int, steps: int = 500
) -> tuple[FloatArray, FloatArray]:
    """Encoders of k dimensions learned from small random starts, and their losses on the way.

    Features (seeds, v, k) on the kept views after `steps` steps of F ← F + 0.2 (Ā − F Fᵀ) F, F_x =
    √w_x f(x), which is a step of 1/20 against the gradient of ‖Ā − F Fᵀ‖²; losses (steps, seeds),
    each before its step. For graphs of a few hundred views: Ā is made dense.
    """
    count, runs = as_count(k, "k", 1), as_count(seeds, "seeds", 1)
    target = graph.normalized_adjacency
    target = np.asarray(target if isinstance(target, np.ndarray) else target.toarray())
    starts = [np.random.default_rng(seed).normal(size=(len(target), count)) for seed in range(runs)]
    weighted = 0.1 * np.stack(starts)
    losses = np.empty((as_count(steps, "steps", 1), runs))
    for step in range(len(losses)):
        gram = weighted.transpose(0, 2, 1) @ weighted
        pulled = target @ weighted
        losses[step] = (gram**2).sum(axis=(1, 2)) - 2 * (weighted * pulled).sum(axis=(1, 2))
        weighted = weighted + 0.2 * (pulled - weighted @ gram)
    return weighted / np.sqrt(graph.degrees)[:, None], losses


def leading_function(graph: SimilarityGraph, features: ArrayLike) -> FloatArray:
    """What features (v, k) vary most in beside a constant: a function of the views, (v,).

    The first principal component under the distribution of views, scaled to 1 where it is largest
    in size.
    """
    rows = graph.checked_features(features)
    root = np.sqrt(graph.degrees)
    varying = root[:, None] * (rows - graph.degrees @ rows)
    function = np.linalg.svd(varying, full_matrices=False)[0][:, 0] / root
    scaled: FloatArray = function / function[np.abs(function).argmax()]
    return scaled

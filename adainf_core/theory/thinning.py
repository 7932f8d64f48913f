"""Small (dense) augmentation graphs of which a random share of edges, or of images, is left."""

from __future__ import annotations

import numpy as np

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.similarity_graph import SimilarityGraph
from adainf_core.validation import as_share


def thinned_edges(
    graph: AugmentationGraph, share: float, rng: np.random.Generator
) -> SimilarityGraph:
    """Each edge between two views stays with probability `share`; self loops all stay."""
    chosen = np.triu(rng.random(graph.adjacency.shape) < as_share(share, "share"), 1)
    chosen = chosen | chosen.T | np.eye(len(chosen), dtype=bool)
    return SimilarityGraph(np.asarray(graph.adjacency) * chosen)


def thinned_images(
    graph: AugmentationGraph, share: float, rng: np.random.Generator
) -> AugmentationGraph:
    """Each image stays with probability `share`, with all edges among its views."""
    weights = graph.weights * (rng.random(graph.n_natural) < as_share(share, "share"))
    return AugmentationGraph(graph.kernel, weights / weights.sum())

"""Graphs given by an adjacency: definitions, loops, and the kernel graph as a special case."""

import networkx as nx
import numpy as np
import pytest
from random_worlds import random_world
from scipy import sparse

from adainf_core.theory import AugmentationGraph, DegenerateSpectrumWarning
from adainf_core.theory.similarity_graph import SimilarityGraph

EXACT = 1e-12  # products and sums of at most a few hundred float64 numbers of order one
MAKERS = [np.asarray, sparse.csr_array, sparse.coo_matrix]


def random_adjacency(seed, nodes=9):
    rng = np.random.default_rng(seed)
    half = rng.exponential(size=(nodes, nodes)) * (rng.random((nodes, nodes)) < 0.4)
    return half + half.T + np.diag(0.1 * rng.random(nodes))


@pytest.mark.parametrize("make", MAKERS)
def test_matrices_and_spectrum_match_their_definitions(make):
    for seed in range(20):
        weights = random_adjacency(seed)
        graph = SimilarityGraph(make(weights))
        degrees = weights.sum(axis=1)
        normalized = weights / np.sqrt(np.outer(degrees, degrees))
        dense = [
            matrix.toarray() if sparse.issparse(matrix) else matrix
            for matrix in (graph.adjacency, graph.normalized_adjacency, graph.laplacian)
        ]
        np.testing.assert_allclose(dense[0], weights / weights.sum(), atol=EXACT)
        np.testing.assert_allclose(dense[1], normalized, atol=EXACT)
        np.testing.assert_allclose(dense[2], np.eye(len(weights)) - normalized, atol=EXACT)
        np.testing.assert_allclose(graph.degrees, degrees / degrees.sum(), atol=EXACT)
        expected = np.linalg.eigvalsh(dense[2])
        np.testing.assert_allclose(graph.eigenvalues(), expected, atol=1e-10)
        drawn = graph.to_networkx()
        table = nx.to_numpy_array(drawn)
        np.fill_diagonal(table, np.diag(dense[0]))
        np.testing.assert_allclose(table, dense[0], atol=EXACT)
        assert graph.component_count() == nx.number_connected_components(drawn)


def test_it_says_the_same_as_the_kernel_graph_of_that_adjacency():
    rng = np.random.default_rng(1)
    for _ in range(40):
        kernel_graph = random_world(rng, points=6, views=8).graph(0.5)
        views = len(kernel_graph.views)
        if views < 3:
            continue
        graph = SimilarityGraph(kernel_graph.adjacency)
        expected = kernel_graph.eigenvalues()
        np.testing.assert_allclose(graph.eigenvalues(), expected, atol=1e-9)
        features = rng.normal(size=(views, 2))
        loss = kernel_graph.spectral_contrastive_loss(features)
        assert graph.spectral_contrastive_loss(features) == pytest.approx(loss, rel=1e-9)
        labels = rng.integers(3, size=kernel_graph.n_columns)
        error = kernel_graph.pair_labeling_error(labels)
        seen = labels[kernel_graph.views]
        assert graph.pair_labeling_error(seen) == pytest.approx(error, abs=EXACT)
        if kernel_graph.is_degenerate(2):
            continue
        first, second = graph.embedding(2), kernel_graph.embedding(2)
        np.testing.assert_allclose(first @ first.T, second @ second.T, atol=1e-6)


def test_graphs_that_are_not_positive_semidefinite_reach_two_and_keep_negative_parts_out():
    graph = SimilarityGraph([[0, 1.0], [1.0, 0]])  # bipartite: Ā has eigenvalues 1 and −1
    np.testing.assert_allclose(graph.eigenvalues(), [0, 2], atol=EXACT)
    for seed in range(20):
        graph = SimilarityGraph(random_adjacency(seed) + np.eye(9)[::-1])
        gammas = np.linalg.eigvalsh(graph.normalized_adjacency)[::-1]
        k = 6
        if graph.is_degenerate(k):
            continue
        features = np.sqrt(graph.degrees)[:, None] * graph.embedding(k)
        left = ((graph.normalized_adjacency - features @ features.T) ** 2).sum()
        # No F Fᵀ comes closer to Ā than its positive part of rank k (Eckart–Young).
        kept = np.maximum(gammas[:k], 0)
        assert left == pytest.approx((gammas**2).sum() - (kept**2).sum(), abs=1e-10)


def test_two_cliques_with_a_weak_bridge_are_told_apart():
    weights = np.kron(np.eye(2), np.ones((4, 4)))
    weights[3, 4] = weights[4, 3] = 0.01
    graph = SimilarityGraph(weights)
    labels = np.repeat([0, 1], 4)
    np.testing.assert_array_equal(graph.probe_predictions(labels, 2), labels)
    assert graph.pair_labeling_error(labels) == pytest.approx(0.02 / weights.sum())
    assert graph.pair_labeling_error(np.zeros(8)) == 0


def test_a_tie_at_k_is_warned_of_at_the_caller():
    graph = SimilarityGraph(nx.to_numpy_array(nx.cycle_graph(6)))
    with pytest.warns(DegenerateSpectrumWarning) as caught:
        graph.embedding(2)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[0, 0.3], [0.1, 0]], r"adjacency\[0, 1\] = 0.3 but adjacency\[1, 0\] = 0.1"),
        ([[1, 0], [0.2, 1]], r"= 0 but .* = 0.2|= 0.2 but .* = 0:"),
        ([[1, -0.5], [-0.5, 1]], r"adjacency\[0, 1\] = -0.5"),
        ([[1, 0], [0, np.nan]], r"adjacency\[1, 1\] = nan"),
        ([[1, 0, 0], [0, 1, 0]], r"shape \(2, 3\)"),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 0]], "node 2 is isolated .* drop it"),
    ],
)
def test_bad_adjacencies_are_named(make, weights, message):
    with pytest.raises(ValueError, match=message):
        SimilarityGraph(make(np.array(weights, dtype=float)))


@pytest.mark.parametrize("make", MAKERS)
def test_a_heavy_weight_excuses_no_asymmetry_elsewhere(make):
    weights = np.ones((5, 5))
    weights[0, 0] = 1e12
    weights[2, 3] = 0.5
    with pytest.raises(ValueError, match=r"adjacency\[2, 3\] = 0.5 but adjacency\[3, 2\] = 1:"):
        SimilarityGraph(make(weights))
    # Rounding in proportion to the two nodes is forgiven.
    weights[2, 3] = 1 + 1e-12
    weights[0, 2] = 1 + 1e-3
    graph = SimilarityGraph(make(weights))
    assert graph.component_count() == 1


def test_bad_k_and_labels_are_named_and_rounding_is_forgiven():
    weights = random_adjacency(0)
    graph = SimilarityGraph((weights * (1 + 1e-7 * np.tri(9))).astype(np.float32))
    with pytest.raises(ValueError, match="k = 9"):
        graph.spectral_gap(9)
    with pytest.raises(ValueError, match=r"view_labels\[0\] = 0.5"):
        graph.probe_predictions(np.full(9, 0.5), 2)
    with pytest.raises(ValueError, match="shape"):
        SimilarityGraph(np.zeros((0, 0)))
    with pytest.raises(ValueError, match="read-only"):
        graph.adjacency[0, 0] = 1


def test_the_kernel_graph_is_a_similarity_graph():
    assert issubclass(AugmentationGraph, SimilarityGraph)

"""The augmentation graph against loops, dense eigensolvers, closed forms and networkx."""

import warnings

import networkx as nx
import numpy as np
import pytest
from random_worlds import random_world
from scipy import sparse

from adainf_core.theory import AugmentationGraph, spectrum

# Products and sums of at most a few hundred float64 numbers of order one.
EXACT = 1e-12


def worlds(count, seed=0, **most):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        sizes = {name: int(rng.integers(2, top + 1)) for name, top in most.items()}
        yield random_world(rng, **sizes), float(rng.choice([0, 0.1, 1 / 3, 0.8, 1]))


def adjacency_by_definition(kernel, weights):
    views = kernel.shape[1]
    result = np.zeros((views, views))
    for mass, row in zip(weights, kernel, strict=True):
        for x in range(views):
            for y in range(views):
                result[x, y] += mass * row[x] * row[y]
    return result


def test_matrices_match_their_definitions():
    for world, beta in worlds(40, points=6, views=7):
        graph = world.graph(beta)
        full = adjacency_by_definition(world.kernel, world.p_train(beta))
        kept = np.flatnonzero(full.sum(axis=1) > 0)
        np.testing.assert_array_equal(graph.views, kept)
        full = full[np.ix_(kept, kept)]
        degrees = full.sum(axis=1)
        normalized = full / np.sqrt(np.outer(degrees, degrees))
        np.testing.assert_allclose(graph.degrees, degrees, atol=EXACT)
        np.testing.assert_allclose(graph.adjacency, full, atol=EXACT)
        np.testing.assert_allclose(graph.normalized_adjacency, normalized, atol=EXACT)
        np.testing.assert_allclose(graph.laplacian, np.eye(len(kept)) - normalized, atol=EXACT)
        assert graph.adjacency.sum() == pytest.approx(1, abs=EXACT)


def test_eigenvalues_match_a_dense_solver_lie_in_the_unit_interval_and_have_rank_at_most_n():
    for world, beta in worlds(150, seed=1, points=9, views=12):
        graph = world.graph(beta)
        values = graph.eigenvalues()
        np.testing.assert_allclose(values, np.linalg.eigvalsh(graph.laplacian), atol=1e-10)
        assert values.min() >= 0
        assert values.max() <= 1
        assert (np.diff(values) >= 0).all()
        assert (values == 0).sum() >= graph.component_count()
        assert (values[: graph.component_count()] == 0).all()
        # rank(Ā) is at most the number of natural points that occur.
        assert (values[np.count_nonzero(world.p_train(beta)) :] == 1).all()
        for k in range(1, len(values)):
            assert graph.spectral_gap(k) == values[k]


def test_component_count_matches_networkx_and_the_multiplicity_of_zero():
    counts = []
    for world, beta in worlds(100, seed=2, points=8, views=14):
        graph = world.graph(beta)
        drawn = graph.to_networkx()
        counts.append(graph.component_count())
        assert counts[-1] == nx.number_connected_components(drawn)
        for component in nx.connected_components(drawn):
            inside = np.isin(graph.views, list(component))
            assert len(set(graph._source.components[inside])) == 1
        # Random kernels have gaps far above 1e-9 inside a component.
        assert counts[-1] == (np.linalg.eigvalsh(graph.laplacian) < 1e-9).sum()
    assert {1, 2, 3, 4} <= set(counts)


def test_sparse_kernels_give_the_same_numbers_as_dense_ones_and_stay_sparse():
    for world, beta in worlds(30, seed=3, points=7, views=9):
        dense = world.graph(beta)
        kernel = sparse.coo_matrix(world.kernel)
        graph = AugmentationGraph(kernel, world.p_train(beta))
        for name in ("adjacency", "normalized_adjacency", "laplacian"):
            matrix = getattr(graph, name)
            assert sparse.issparse(matrix)
            np.testing.assert_allclose(matrix.toarray(), getattr(dense, name), atol=EXACT)
        np.testing.assert_allclose(graph.eigenvalues(), dense.eigenvalues(), atol=EXACT)
        labels = world.natural_labels, world.view_labels
        error = dense.labeling_error(*labels)
        assert graph.labeling_error(*labels) == pytest.approx(error, abs=EXACT)
        pair_error = dense.pair_labeling_error(labels[1])
        assert graph.pair_labeling_error(labels[1]) == pytest.approx(pair_error, abs=EXACT)
        assert graph.component_count() == dense.component_count()
        assert set(graph.to_networkx().edges) == set(dense.to_networkx().edges)


def test_labeling_errors_match_brute_force_and_the_pair_form_is_at_most_twice_the_first():
    for world, beta in worlds(60, seed=4, points=6, views=6, classes=4):
        graph, distribution = world.graph(beta), world.p_train(beta)
        alpha = phi = 0.0
        for i, row in enumerate(world.kernel):
            for x, first in enumerate(row):
                alpha += distribution[i] * first * (world.view_labels[x] != world.natural_labels[i])
                for y, second in enumerate(row):
                    phi += (
                        distribution[i]
                        * first
                        * second
                        * (world.view_labels[x] != world.view_labels[y])
                    )
        error = graph.labeling_error(world.natural_labels, world.view_labels)
        assert error == pytest.approx(alpha, abs=EXACT)
        assert graph.pair_labeling_error(world.view_labels) == pytest.approx(phi, abs=EXACT)
        assert phi <= 2 * alpha + EXACT


def test_labeling_error_without_any_error_is_exactly_zero():
    kernel = np.random.default_rng(5).dirichlet(np.ones(7), size=5)
    graph = AugmentationGraph(kernel, np.full(5, 0.2))
    assert graph.labeling_error(np.zeros(5), np.zeros(7)) == 0
    assert graph.pair_labeling_error(np.zeros(7)) == 0
    assert graph.labeling_error(np.zeros(5), np.ones(7)) == pytest.approx(1)


@pytest.mark.parametrize("views", [2, 5, 9])
def test_one_source_of_uniform_views_is_a_complete_graph(views):
    graph = AugmentationGraph(np.full((1, views), 1 / views), [1.0])
    np.testing.assert_allclose(graph.normalized_adjacency, np.full((views, views), 1 / views))
    np.testing.assert_array_equal(graph.eigenvalues(), [0.0] + [1.0] * (views - 1))


@pytest.mark.parametrize("size", [4, 7])
def test_ring_of_pairs_has_the_cycle_spectrum(size):
    # Point i shows views i and i + 1: K is circulant, γ_j = (1 + cos 2πj/n) / 2.
    kernel = (np.eye(size) + np.roll(np.eye(size), 1, axis=1)) / 2
    expected = np.sort((1 - np.cos(2 * np.pi * np.arange(size) / size)) / 2)
    graph = AugmentationGraph(kernel, np.full(size, 1 / size))
    np.testing.assert_allclose(graph.eigenvalues(), expected, atol=EXACT)


def test_disjoint_augmentations_have_one_component_a_point():
    graph = AugmentationGraph(np.kron(np.eye(4), [[0.5, 0.5]]), np.full(4, 0.25))
    assert graph.component_count() == 4
    np.testing.assert_array_equal(graph.eigenvalues(), [0, 0, 0, 0, 1, 1, 1, 1])


def test_networkx_graph_carries_adjacency_and_mass():
    for world, beta in worlds(20, seed=6, points=5, views=6):
        graph = world.graph(beta)
        drawn = graph.to_networkx()
        assert nx.number_of_selfloops(drawn) == 0
        assert sorted(drawn) == graph.views.tolist()
        table = nx.to_numpy_array(drawn, nodelist=graph.views.tolist())
        np.fill_diagonal(table, np.diag(graph.adjacency))
        np.testing.assert_allclose(table, graph.adjacency, atol=EXACT)
        masses = [drawn.nodes[int(view)]["mass"] for view in graph.views]
        np.testing.assert_allclose(masses, graph.degrees)


def test_unseen_views_are_dropped_and_the_others_keep_their_numbers():
    kernel = np.array([[0.5, 0, 0.5, 0], [0, 1, 0, 0]])
    graph = AugmentationGraph(kernel, [1, 0])
    np.testing.assert_array_equal(graph.views, [0, 2])
    np.testing.assert_allclose(graph.adjacency, [[0.25, 0.25], [0.25, 0.25]])
    assert list(graph.to_networkx().edges) == [(0, 2)]


def test_the_graph_is_immutable_and_leaves_its_input_alone():
    kernel, weights = np.eye(2), np.array([0.5, 0.5])
    graph = AugmentationGraph(kernel, weights)
    kernel[:] = 7
    weights[:] = 7
    np.testing.assert_allclose(graph.adjacency, np.eye(2) / 2)
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        graph.normalized_adjacency[0, 0] = 1
    matrix = sparse.csr_array(np.eye(3))
    AugmentationGraph(matrix, np.full(3, 1 / 3)).eigenvalues()
    matrix.data[:] = 2.0


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([[1.0, 0], [0.5, 0.4]], "kernel row 1 sums to 0.9"),
        ([[1.0, 0], [0, 0]], "kernel row 1 sums to 0"),
        ([[1.5, -0.5], [0, 1]], r"kernel\[0, 1\] = -0.5"),
        ([[1.0, 0], [0, np.nan]], r"kernel\[1, 1\] = nan"),
        ([[1.0, 0], [np.inf, 0]], r"kernel\[1, 0\] = inf"),
    ],
)
def test_bad_kernels_are_named(make, kernel, message):
    with pytest.raises(ValueError, match=message):
        AugmentationGraph(make(kernel), [0.5, 0.5])


def test_bad_shapes_weights_labels_and_k_are_named():
    with pytest.raises(ValueError, match="one row per natural point"):
        AugmentationGraph([0.5, 0.5], [1])
    with pytest.raises(
        ValueError, match=r"\(0, 3\): give one row per natural point, .* at least one of each"
    ):
        AugmentationGraph(np.zeros((0, 3)), [])
    with pytest.raises(ValueError, match=r"weights has shape \(3,\), expected \(2,\)"):
        AugmentationGraph(np.eye(2), np.full(3, 1 / 3))
    with pytest.raises(ValueError, match=r"weights\[1\] = -1"):
        AugmentationGraph(np.eye(2), [2, -1])
    graph = AugmentationGraph(np.full((2, 3), 1 / 3), [0.5, 0.5])
    with pytest.raises(ValueError, match=r"view_labels\[2\] = 0.5"):
        graph.labeling_error([0, 1], [0, 1, 0.5])
    with pytest.raises(ValueError, match=r"natural_labels\[0\] = -1"):
        graph.labeling_error([-1, 1], [0, 1, 0])
    with pytest.raises(ValueError, match=r"view_labels has shape \(2,\), expected \(3,\)"):
        graph.pair_labeling_error([0, 1])
    for k in (0, 3, -1, 1.5):
        with pytest.raises(ValueError, match=f"k = {k}"):
            graph.spectral_gap(k)
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"count = {count}"):
            graph.eigenvalues(count)


def big_graph(points, views_each, seed=0, blocks=1):
    """Random sparse kernel whose points reach random views of their own block."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(points), views_each)
    columns = rng.integers(points, size=points * views_each)
    columns = columns * blocks + rows % blocks
    kernel = sparse.csr_array(
        (np.full(len(rows), 1 / views_each), (rows, columns)), shape=(points, points * blocks)
    )
    return AugmentationGraph(kernel, rng.dirichlet(np.ones(points)))


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("explicit", [True, False])
def test_iterations_match_lapack(monkeypatch, blocks, explicit):
    reference = big_graph(400, 4, blocks=blocks)
    expected = reference.eigenvalues(8)
    assert (expected == 0).sum() == reference.component_count() >= blocks
    features = reference.embedding(blocks + 4)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    monkeypatch.setattr(spectrum, "EXPLICIT_LIMIT", 1e9 if explicit else 0)
    graph = big_graph(400, 4, blocks=blocks)
    # Residuals below 1e-5 bound the eigenvalue error by their square over the gap.
    np.testing.assert_allclose(graph.eigenvalues(8), expected, atol=1e-7)
    # F Fᵀ does not depend on signs or on rotations inside tied eigenspaces.
    found = graph.embedding(blocks + 4)
    np.testing.assert_allclose(found @ found.T, features @ features.T, atol=1e-5)


def test_more_components_than_eigenvalues_asked_for_needs_no_solver(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    graph = AugmentationGraph(sparse.eye_array(100), np.full(100, 0.01))
    np.testing.assert_array_equal(graph.eigenvalues(5), np.zeros(5))


def test_a_full_spectrum_of_a_huge_graph_is_refused(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    monkeypatch.setattr(spectrum, "DENSE_CEILING", 100)
    with pytest.raises(ValueError, match="ask for at most 97"):
        big_graph(400, 4).eigenvalues()


def test_no_warning_leaves_the_spectrum():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for world, beta in worlds(20, seed=7, points=5, views=5):
            world.graph(beta).eigenvalues()

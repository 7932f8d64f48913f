"""The iterative eigensolver against closed forms and LAPACK, multiplicities and tiny gaps too."""

from functools import cache

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from adainf_core.theory import AugmentationGraph, SpectrumError, spectrum
from adainf_core.theory.similarity_graph import SimilarityGraph

CLOSE = 1e-9  # the residual asked for; errors are below it


@pytest.fixture(autouse=True)
def iterate_always(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    monkeypatch.setattr(spectrum, "DENSE_CEILING", 10)


def lazy_cycle(size):
    """Lazy random walk on a cycle: eigenvalues (1 + cos 2πj / size) / 2."""
    step = sparse.csr_array(np.roll(np.eye(size), 1, axis=1)) / 4
    return step + step.T + sparse.eye_array(size) / 2


def product(sizes):
    """Adjacency and Laplacian eigenvalues of independent lazy walks on cycles of these sizes."""
    adjacency, gammas = sparse.eye_array(1), np.ones(1)
    for size in sizes:
        adjacency = sparse.kron(adjacency, lazy_cycle(size), format="csr")
        cosines = np.cos(2 * np.pi * np.arange(size) / size)
        gammas = np.multiply.outer(gammas, (1 + cosines) / 2).ravel()
    return adjacency, np.sort(1 - gammas)


def cycle(size):
    step = sparse.eye_array(size, k=1) + sparse.eye_array(size, k=size - 1)
    return (step + step.T).tocsr()


@cache
def hypercube(dimension):
    nodes = np.arange(2**dimension)
    others = nodes[:, None] ^ (1 << np.arange(dimension))
    edges = nodes.repeat(dimension), others.ravel()
    return sparse.csr_array((np.ones(len(edges[0])), edges))


@pytest.mark.parametrize("count", [5, 13, 16])
def test_the_twelve_directions_of_a_hypercube_are_all_found(count):
    # eigsh alone returns 8 to 10 of the twelve copies of 1/6, and then goes on to 1/3.
    values = SimilarityGraph(hypercube(12)).eigenvalues(count)
    expected = np.repeat([0, 1 / 6, 1 / 3], [1, 12, 66])[:count]
    np.testing.assert_allclose(values, expected, rtol=0, atol=CLOSE)


def test_parts_of_a_multipartite_graph_all_have_eigenvalue_one():
    # Complete multipartite with 5 equal parts of 30: 0, then 1 with 145 copies, then 5/4.
    graph = SimilarityGraph(nx.to_scipy_sparse_array(nx.complete_multipartite_graph(*[30] * 5)))
    np.testing.assert_allclose(graph.eigenvalues(37), [0] + [1] * 36, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [((30, 30), 3), ((30, 30), 20), ((24, 16, 3), 11), ((8, 8, 8), 25), ((5, 5, 5, 5), 40)],
)
def test_every_copy_of_a_multiple_eigenvalue_is_found(sizes, count):
    adjacency, expected = product(sizes)
    values = SimilarityGraph(adjacency).eigenvalues(count)
    np.testing.assert_allclose(values, expected[:count], rtol=0, atol=CLOSE)


@pytest.mark.parametrize(("sizes", "count"), [((300, 300), 5), ((40, 700), 3), ((30, 50), 18)])
def test_complete_bipartite_graphs_have_one_everywhere_but_at_the_ends(sizes, count):
    # λ = 0, then 1 with sum(sizes) − 2 copies, then 2.
    across = np.ones(sizes)
    graph = SimilarityGraph(sparse.block_array([[None, across], [across.T, None]], format="csr"))
    np.testing.assert_allclose(
        graph.eigenvalues(count), [0] + [1] * (count - 1), rtol=0, atol=CLOSE
    )


@pytest.mark.parametrize(("dimension", "copies"), [(8, 3), (10, 2)])
def test_equal_hypercubes_multiply_the_copies(dimension, copies):
    # λ = 2 j / dimension with binomial(dimension, j) copies in each of them.
    parts = sparse.block_diag([hypercube(dimension)] * copies, format="csr")
    graph = SimilarityGraph(shuffled(parts))
    shells = [copies, copies * dimension]
    count = sum(shells) + 3
    expected = np.repeat([0, 2 / dimension, 4 / dimension], [*shells, 3])
    np.testing.assert_allclose(graph.eigenvalues(count), expected, rtol=0, atol=CLOSE)
    ties = [k for k in range(1, count - 1) if not graph.is_degenerate(k)]
    assert ties == np.cumsum(shells).tolist()


@pytest.mark.parametrize(("size", "count"), [(101, 12), (400, 11), (1200, 6)])
def test_cycles_have_every_eigenvalue_twice(size, count):
    values = SimilarityGraph(cycle(size)).eigenvalues(count)
    expected = np.sort(1 - np.cos(2 * np.pi * np.arange(size) / size))[:count]
    np.testing.assert_allclose(values, expected, rtol=0, atol=CLOSE)


def weakly_joined(copies, size, weight, seed):
    """A chain of equal random graphs: their eigenvalues differ by about `weight`."""
    rng = np.random.default_rng(seed)
    half = sparse.random_array((size, size), density=5 / size, rng=rng)
    base = half + half.T + 0.1 * sparse.eye_array(size)
    chain = sparse.block_diag([base] * copies).tolil()
    for copy in range(copies - 1):
        one, other = rng.integers(size, size=2) + size * np.array([copy, copy + 1])
        chain[one, other] += weight
        chain[other, one] += weight
    return chain.tocsr()


@pytest.mark.parametrize("weight", [1e-2, 1e-4, 1e-6, 3e-8, 1e-9])
def test_near_copies_are_told_apart_to_the_accuracy_promised(weight):
    for seed in range(3):
        graph = SimilarityGraph(weakly_joined(4, 80, weight, seed))
        exact = np.linalg.eigvalsh(graph.laplacian.toarray())
        for count in (4, 6, 11, 18):
            fresh = SimilarityGraph(graph.adjacency)
            np.testing.assert_allclose(fresh.eigenvalues(count), exact[:count], rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("copies", "size", "weight", "seed", "count"),
    [
        (4, 60, 6.745095589148351e-07, 579, 9),
        (3, 137, 1.631351478770933e-06, 699, 8),
        (5, 62, 2.328025252299567e-08, 34, 9),
    ],
)
def test_a_copy_a_billionth_above_the_last_kept_counts(copies, size, weight, seed, count):
    graph = SimilarityGraph(weakly_joined(copies, size, weight, seed))
    exact = np.linalg.eigvalsh(graph.laplacian.toarray())[:count]
    np.testing.assert_allclose(graph.eigenvalues(count), exact, rtol=0, atol=CLOSE)


def shuffled(adjacency, seed=0):
    order = np.random.default_rng(seed).permutation(adjacency.shape[0])
    return adjacency[order][:, order]


def test_equal_components_share_every_eigenvalue():
    adjacency, expected = product((20, 20))
    graph = SimilarityGraph(shuffled(sparse.block_diag([adjacency] * 5, format="csr")))
    values = graph.eigenvalues(27)
    assert (values[:5] == 0).all()
    np.testing.assert_allclose(values, np.repeat(expected, 5)[:27], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("limit", [10, 1_000])
def test_equal_components_tie(limit, monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", limit)
    half = nx.to_scipy_sparse_array(nx.random_regular_graph(4, 600, seed=0), dtype=float)
    graph = SimilarityGraph(shuffled(sparse.block_diag([half, half], format="csr")))
    expected = np.repeat(SimilarityGraph(half).eigenvalues(6), 2)
    np.testing.assert_allclose(graph.eigenvalues(12), expected, rtol=0, atol=CLOSE)
    exact = np.linalg.eigvalsh(SimilarityGraph(half).laplacian.toarray())[:6]
    np.testing.assert_allclose(expected[::2], exact, rtol=0, atol=CLOSE)
    assert [graph.is_degenerate(k) for k in range(2, 11)] == [False, True] * 4 + [False]


@pytest.mark.parametrize("kernel", [False, True])
def test_components_of_all_sizes_are_merged(kernel, monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 60)  # some parts iterate, some do not
    rng = np.random.default_rng(1)
    sizes = [300, 120, 90, 40, 20] + 30 * [1]
    parts = [sparse.random_array((s, s), density=min(1, 6 / s), rng=rng) for s in sizes]
    whole = sparse.block_diag([part + part.T + sparse.eye_array(part.shape[0]) for part in parts])
    matrix = shuffled(whole.tocsr())
    if kernel:
        matrix = sparse.diags_array(1 / matrix.sum(axis=1)) @ matrix
        graph = AugmentationGraph(matrix.tocsr(), np.full(sum(sizes), 1 / sum(sizes)))
    else:
        graph = SimilarityGraph(matrix)
    gammas, vectors = np.linalg.eigh(graph.normalized_adjacency.toarray())
    for count in (10, 36, 60, 100):
        np.testing.assert_allclose(
            graph.eigenvalues(count), 1 - gammas[::-1][:count], rtol=0, atol=CLOSE
        )
        assert (graph.eigenvalues(count)[: graph.component_count()] == 0).sum() >= min(count, 35)
    assert not graph.is_degenerate(60)
    features = np.sqrt(graph.degrees)[:, None] * graph.embedding(60)
    best = (vectors[:, -60:] * gammas[-60:]) @ vectors[:, -60:].T
    np.testing.assert_allclose(features @ features.T, best, atol=1e-7)


def test_components_wider_than_long_are_decomposed_on_their_shorter_side(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_CEILING", 8000)
    # One image with 40 views, 40 images with one view: every other eigenvalue is an exact one.
    kernel = sparse.block_diag([np.full((1, 40), 1 / 40), np.ones((40, 1))], format="csr")
    graph = AugmentationGraph(kernel, np.full(41, 1 / 41))
    np.testing.assert_array_equal(graph.eigenvalues(10), [0, 0] + [1] * 8)


def test_mesh_with_tiny_gaps_is_solved_to_a_share_of_each_eigenvalue():
    # ARPACK does not converge on meshes like this one, where λ_2 = 1.5e-4.
    side = 100
    cosines = np.cos(np.pi * np.arange(side) / side)
    path = sparse.diags_array([np.ones(side - 1), np.ones(side - 1)], offsets=[-1, 1])
    ends = np.zeros(side)
    ends[[0, -1]] = 1
    path = (path + sparse.diags_array(ends)) / 2  # reflecting: eigenvalues cos πj / side
    identity = sparse.eye_array(side)
    mesh = sparse.kron(path, identity) + sparse.kron(identity, path)
    expected = np.sort(1 - ((cosines[:, None] + cosines) / 2).ravel())[:11]
    values = SimilarityGraph(mesh.tocsr()).eigenvalues(11)
    np.testing.assert_allclose(values[1:], expected[1:], rtol=1e-4)


def test_tiny_eigenvalues_are_more_than_noise_at_the_tolerance():
    # λ_2 = λ_3 = 8.8e-6 lie below the residual of 1e-5 that would do for larger ones.
    nodes = 1500
    expected = np.sort(1 - np.cos(2 * np.pi * np.arange(nodes) / nodes))[:3]
    values = SimilarityGraph(cycle(nodes)).eigenvalues(3)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-15)


def random_graph(nodes, seed):
    rng = np.random.default_rng(seed)
    half = sparse.random_array((nodes, nodes), density=4 / nodes, rng=rng)
    return SimilarityGraph(half + half.T + 0.1 * sparse.eye_array(nodes))


@pytest.mark.parametrize(("nodes", "count", "seed"), [(150, 20, 0), (400, 7, 1), (600, 40, 2)])
def test_random_graphs_match_lapack(nodes, count, seed):
    graph = random_graph(nodes, seed)
    expected = np.linalg.eigvalsh(graph.laplacian.toarray())[:count]
    np.testing.assert_allclose(graph.eigenvalues(count), expected, rtol=0, atol=CLOSE)
    again = SimilarityGraph(graph.adjacency).eigenvalues(count)
    np.testing.assert_array_equal(graph.eigenvalues(count), again)


@pytest.mark.parametrize(
    "graph", [nx.star_graph(99), nx.complete_bipartite_graph(60, 40), nx.complete_graph(90)]
)
def test_few_distinct_eigenvalues_exhaust_the_krylov_space(graph):
    found = SimilarityGraph(nx.to_scipy_sparse_array(graph, dtype=float)).eigenvalues(9)
    expected = np.linalg.eigvalsh(nx.normalized_laplacian_matrix(graph).toarray())[:9]
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)


def test_eigenvectors_are_orthonormal_and_have_small_residuals():
    graph = random_graph(500, 3)
    gammas, vectors = spectrum.leading_eigenvectors(graph._source, 8)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(8), atol=1e-12)
    residuals = np.linalg.norm(graph.normalized_adjacency @ vectors - gammas * vectors, axis=0)
    assert residuals.max() <= 2 * spectrum.RESIDUAL
    exact = np.linalg.eigvalsh(graph.normalized_adjacency.toarray())[::-1][:8]
    np.testing.assert_allclose(gammas, exact, atol=1e-12)


def test_failed_convergence_is_an_error_and_never_a_number(monkeypatch):
    monkeypatch.setattr(spectrum, "BUDGET", 50)
    graph = random_graph(500, 5)
    with pytest.raises(SpectrumError, match=r"1 of 8 eigenvalues converged .* 50 products of side"):
        graph.eigenvalues(8)
    # Where LAPACK still can, it answers instead.
    monkeypatch.setattr(spectrum, "DENSE_CEILING", 500)
    expected = np.linalg.eigvalsh(graph.laplacian.toarray())[:8]
    np.testing.assert_allclose(graph.eigenvalues(8), expected, atol=1e-10)


@pytest.mark.parametrize(("nodes", "budget"), [(3_000, 1000), (20_000, 200)])
def test_a_long_cycle_is_refused_rather_than_guessed(nodes, budget, monkeypatch):
    monkeypatch.setattr(spectrum, "BUDGET", budget)
    products, multiply = [], spectrum.Normalized.factors

    class Counted:
        def __init__(self, matrix):
            self.matrix = matrix

        def __matmul__(self, other):
            products.append(1)
            return self.matrix @ other

    monkeypatch.setattr(
        spectrum.Normalized, "factors", lambda part: [Counted(each) for each in multiply(part)]
    )
    with pytest.raises(SpectrumError, match="gaps are tiny, as in a fine mesh") as caught:
        SimilarityGraph(cycle(nodes)).eigenvalues(11)
    assert len(products) <= budget + 1
    assert "\n" not in str(caught.value)


def test_dense_kernels_go_through_the_same_solver():
    kernel = np.random.default_rng(6).dirichlet(np.full(90, 0.05), size=70)
    graph = AugmentationGraph(kernel, np.full(70, 1 / 70))
    expected = np.linalg.eigvalsh(graph.laplacian)[:9]
    np.testing.assert_allclose(graph.eigenvalues(9), expected, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_a_weak_edge_is_an_edge(make):
    # 300 views in pairs, all tied to a hub that holds a millionth of the mass.
    weights = np.zeros((301, 301))
    pairs = np.arange(0, 300, 2)
    weights[pairs, pairs + 1] = weights[pairs + 1, pairs] = 1
    weights[300, :300] = weights[:300, 300] = 1e-6 * weights.sum() / 600
    graph = SimilarityGraph(make(weights))
    assert graph.component_count() == 1
    assert graph.eigenvalues(2)[1] > 0


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_a_view_of_a_millionth_of_the_mass_belongs_to_the_others(make):
    # All 300 views are paired: the gap is that of the 299 heavy ones, and one component.
    rng = np.random.default_rng(0)
    weights = rng.random((300, 300))
    weights += weights.T
    weights[0] *= 1e-6
    weights[:, 0] *= 1e-6
    graph = SimilarityGraph(make(weights))
    assert graph.degrees[0] < 1e-6
    assert graph.component_count() == 1
    roots = np.sqrt(weights.sum(axis=1))
    exact = np.linalg.eigvalsh(weights / np.outer(roots, roots))[::-1][:5]
    np.testing.assert_allclose(graph.eigenvalues(5), 1 - exact, rtol=0, atol=CLOSE)
    assert graph.spectral_gap(1) > 0.9


def test_the_weights_of_a_large_dense_graph_are_edges_however_many_share_the_mass():
    # Divided by their sum, ten thousand equal views have weights below 1e-8, scipy's "no edge";
    # these are a few of so many.
    weights = np.full((300, 300), 1 / 10_500**2)
    assert spectrum.connected_components(weights).max() == 0


def test_a_heavy_node_does_not_cut_its_neighbours_off():
    # Node 0 keeps almost all mass to itself; the others step to any of the 300 alike.
    weights = np.ones((300, 300))
    weights[0, 0] = 1e12
    graph = SimilarityGraph(weights)
    assert graph.component_count() == 1
    np.testing.assert_allclose(graph.eigenvalues(3), [0, 1 / 300, 1], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_components_of_dense_and_sparse_matrices_match_networkx(seed):
    graph = nx.gnm_random_graph(700, 400, seed=seed)
    matrix = nx.to_numpy_array(graph)
    dense = spectrum.connected_components(matrix)
    np.testing.assert_array_equal(dense, spectrum.connected_components(sparse.csr_array(matrix)))
    assert dense.max() + 1 == nx.number_connected_components(graph)
    for component in nx.connected_components(graph):
        assert len(set(dense[list(component)])) == 1

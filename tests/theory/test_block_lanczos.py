"""The iterative eigensolver against closed forms and LAPACK, multiplicities and tiny gaps too."""

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from adainf_core.theory import AugmentationGraph, SpectrumError, block_lanczos, spectrum
from adainf_core.theory.block_lanczos import largest_eigenpairs
from adainf_core.theory.similarity_graph import SimilarityGraph

# A residual of 1e-5 errs by its square over the distance to the rest, at least 1e-3 here.
CLOSE = 1e-7


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


@pytest.mark.parametrize(
    ("sizes", "count"),
    [((30, 30), 3), ((30, 30), 20), ((24, 16, 3), 11), ((8, 8, 8), 25), ((5, 5, 5, 5), 40)],
)
def test_every_copy_of_a_multiple_eigenvalue_is_found(sizes, count):
    adjacency, expected = product(sizes)
    values = SimilarityGraph(adjacency).eigenvalues(count)
    np.testing.assert_allclose(values, expected[:count], atol=CLOSE)


def test_equal_components_share_every_eigenvalue():
    adjacency, expected = product((20, 20))
    graph = SimilarityGraph(sparse.block_diag([adjacency] * 5, format="csr"))
    values = graph.eigenvalues(27)
    assert (values[:5] == 0).all()
    np.testing.assert_allclose(values, np.repeat(expected, 5)[:27], atol=CLOSE)


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
    ring = sparse.csr_array(np.roll(np.eye(nodes), 1, axis=1))
    expected = np.sort(1 - np.cos(2 * np.pi * np.arange(nodes) / nodes))[:3]
    values = SimilarityGraph(ring + ring.T).eigenvalues(3)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-15)


def random_graph(nodes, seed):
    rng = np.random.default_rng(seed)
    half = sparse.random_array((nodes, nodes), density=4 / nodes, rng=rng)
    return SimilarityGraph(half + half.T + 0.1 * sparse.eye_array(nodes))


@pytest.mark.parametrize(("nodes", "count", "seed"), [(150, 20, 0), (400, 7, 1), (600, 40, 2)])
def test_random_graphs_match_lapack(nodes, count, seed):
    graph = random_graph(nodes, seed)
    expected = np.linalg.eigvalsh(graph.laplacian.toarray())[:count]
    np.testing.assert_allclose(graph.eigenvalues(count), expected, atol=CLOSE)
    again = SimilarityGraph(graph.adjacency).eigenvalues(count)
    np.testing.assert_array_equal(graph.eigenvalues(count), again)


@pytest.mark.parametrize(
    "graph", [nx.star_graph(99), nx.complete_bipartite_graph(60, 40), nx.complete_graph(90)]
)
def test_few_distinct_eigenvalues_exhaust_the_krylov_space(graph):
    found = SimilarityGraph(nx.to_scipy_sparse_array(graph, dtype=float)).eigenvalues(9)
    expected = np.linalg.eigvalsh(nx.normalized_laplacian_matrix(graph).toarray())[:9]
    np.testing.assert_allclose(found, expected, atol=CLOSE)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-9])
def test_residuals_are_true_and_bound_the_error(tolerance):
    graph = random_graph(500, 3)
    matrix = graph.normalized_adjacency
    # The operator may only be applied to whole blocks, in the block's own precision.
    dtypes = set()

    def apply(block):
        dtypes.add(block.dtype)
        return (matrix.astype(block.dtype) @ block.T).T

    known = np.sqrt(graph.degrees)[None]
    values, vectors, residuals = largest_eigenpairs(apply, known, 8, tolerance)
    assert np.dtype(np.float32) in dtypes if tolerance == 1e-5 else dtypes == {np.dtype(float)}
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(8), atol=1e-10)
    errors = np.linalg.norm((matrix @ vectors.T).T - values[:, None] * vectors, axis=1)
    np.testing.assert_allclose(errors, residuals, atol=1e-12)
    assert residuals.max() <= 2 * tolerance
    exact = np.linalg.eigvalsh(matrix.toarray())[::-1][:8]
    assert (np.abs(values - exact) <= residuals + 1e-12).all()


def test_threads_do_not_change_a_digit(monkeypatch):
    expected = random_graph(500, 4).eigenvalues(6)
    monkeypatch.setattr(spectrum, "THREADING_LIMIT", 10)
    monkeypatch.setattr(spectrum, "_cores", lambda: 3)
    np.testing.assert_array_equal(random_graph(500, 4).eigenvalues(6), expected)


def test_failed_convergence_is_an_error_with_the_residual_and_never_a_number(monkeypatch):
    monkeypatch.setattr(block_lanczos, "BUDGET", 50)
    graph = random_graph(500, 5)
    with pytest.raises(SpectrumError, match=r"of 8 eigenvalues converged .* residuals up to 0\.0"):
        graph.eigenvalues(8)
    # Where LAPACK still can, it answers instead.
    monkeypatch.setattr(spectrum, "DENSE_CEILING", 500)
    expected = np.linalg.eigvalsh(graph.laplacian.toarray())[:8]
    np.testing.assert_allclose(graph.eigenvalues(8), expected, atol=1e-10)


def test_a_long_ring_is_refused_rather_than_guessed(monkeypatch):
    monkeypatch.setattr(block_lanczos, "BUDGET", 1000)
    ring = sparse.csr_array(np.roll(np.eye(3000), 1, axis=1))
    with pytest.raises(SpectrumError, match="gaps are tiny, as in a fine mesh"):
        SimilarityGraph(ring + ring.T).eigenvalues(11)


def test_dense_kernels_go_through_the_same_solver():
    kernel = np.random.default_rng(6).dirichlet(np.full(90, 0.05), size=70)
    graph = AugmentationGraph(kernel, np.full(70, 1 / 70))
    expected = np.linalg.eigvalsh(graph.laplacian)[:9]
    np.testing.assert_allclose(graph.eigenvalues(9), expected, atol=CLOSE)

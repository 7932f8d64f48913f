"""Each degenerate graph is called by its name, and healthy graphs are left alone."""

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from adainf_core.theory import AugmentationGraph, bridge_world, ring_world
from adainf_core.theory.diagnosis import diagnose, effective_neighbours
from adainf_core.theory.similarity_graph import SimilarityGraph


def names(graph, k):
    return diagnose(graph, k).names


def test_the_ring_alone_ties_inflated_it_is_sound():
    world = ring_world(strength=3)
    report = diagnose(world.graph(1), 2)
    assert "tie" in report.names
    assert report.spectral_gap == pytest.approx(report.last)
    assert "λ_2 to λ_3 are one value" in str(report)
    inflated = diagnose(world.graph(1 / 3), 2)
    assert inflated.findings == ()
    assert "nothing to report" in str(inflated)


def test_unseen_views_and_more_than_k_components():
    graph = AugmentationGraph(np.kron(np.eye(4), [[0.5, 0.5]]), [0.5, 0.25, 0.25, 0])
    report = diagnose(graph, 2)
    found = {finding.name: finding for finding in report.findings}
    assert found["unseen views"].value == 2
    assert found["disconnected"].value == 3
    assert report.spectral_gap == 0
    assert "k = 3 is the smallest" in str(report)
    assert "disconnected" not in names(graph, 3)


def test_memorisation():
    graph = bridge_world().graph(0.5)
    assert "memorisation" in names(graph, 3)
    assert graph.spectral_gap(3) == 1
    assert "memorisation" not in names(graph, 1)


def test_a_near_tie_carries_the_gap():
    # Two bridges of nearly the same weight between three cliques.
    weights = np.kron(np.eye(3), np.ones((5, 5)))
    weights[4, 5] = weights[5, 4] = weights[9, 10] = weights[10, 9] = 0.1
    weights[0, 14] = weights[14, 0] = 0.0999
    graph = SimilarityGraph(weights)
    report = diagnose(graph, 2)
    assert report.names == ("near tie",)
    values = np.linalg.eigvalsh(graph.laplacian)
    assert report.findings[0].value == pytest.approx(values[2] - values[1], abs=1e-10)


@pytest.mark.parametrize(
    "mesh",
    [
        nx.grid_2d_graph(40, 41),
        nx.path_graph(300),
        nx.cycle_graph(300),
        nx.circular_ladder_graph(200),
    ],
)
def test_meshes_are_recognised(mesh):
    graph = SimilarityGraph(nx.to_scipy_sparse_array(mesh, dtype=float))
    report = diagnose(graph, 4)
    assert "mesh-like" in report.names
    assert report.findings[-1].value == pytest.approx(1 / report.spectral_gap)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_and_expanders_are_no_meshes(seed):
    expander = nx.random_regular_graph(8, 600, seed=seed)
    assert "mesh-like" not in names(SimilarityGraph(nx.to_scipy_sparse_array(expander)), 5)
    # Four expanders with a handful of edges between them: λ_4 is tiny, λ_5 is not.
    parts = [nx.random_regular_graph(8, 150, seed=10 * seed + part) for part in range(4)]
    clusters = nx.disjoint_union_all(parts)
    clusters.add_edges_from([(0, 150), (151, 300), (301, 450), (2, 452)])
    graph = SimilarityGraph(nx.to_scipy_sparse_array(clusters, dtype=float))
    assert graph.spectral_gap(3) < 0.01
    assert "bottleneck" in names(graph, 3)
    assert names(graph, 4) == ()


def test_effective_neighbours_count_uniform_steps_on_either_side():
    ring = sparse.csr_array(nx.to_scipy_sparse_array(nx.circulant_graph(50, [1, 2, 3])))
    assert effective_neighbours(SimilarityGraph(ring)) == pytest.approx(6)
    # One source: every view steps to all five, and the one natural point to itself.
    assert effective_neighbours(AugmentationGraph(np.full((1, 5), 0.2), [1])) == pytest.approx(1)
    cliques = np.kron(np.eye(3), np.ones((4, 4)))
    assert effective_neighbours(SimilarityGraph(cliques)) == pytest.approx(4)


def test_bad_k_is_named():
    with pytest.raises(ValueError, match="k = 0"):
        diagnose(ring_world().graph(1), 0)

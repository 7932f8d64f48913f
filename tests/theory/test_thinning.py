"""Thinned graphs: nothing left out at 1, and what is left keeps its weights."""

import numpy as np
import pytest

from adainf_core.theory import ring_world
from adainf_core.theory.thinning import thinned_edges, thinned_images

GRAPH = ring_world(strength=2).graph(beta=1 / 3)


@pytest.mark.parametrize("thin", [thinned_edges, thinned_images])
def test_all_of_a_graph_is_the_graph(thin):
    whole = thin(GRAPH, 1, np.random.default_rng(0))
    assert np.allclose(whole.adjacency, GRAPH.adjacency)


def test_edges_stay_or_go_in_both_directions_and_loops_stay():
    left = np.asarray(thinned_edges(GRAPH, 0.5, np.random.default_rng(0)).adjacency)
    full = np.asarray(GRAPH.adjacency)
    assert np.array_equal(left, left.T) and np.diag(left).all()
    kept = left > 0
    # all that is left weighs the same more, for the weights of a graph add up to one
    assert np.allclose(left[kept] / full[kept], left[0, 0] / full[0, 0])
    assert 0.4 < kept[full > 0].mean() < 0.8


def test_images_that_stay_keep_their_odds():
    left = thinned_images(GRAPH, 0.5, np.random.default_rng(0)).weights
    stay = left > 0
    assert left.sum() == pytest.approx(1) and 0 < stay.mean() < 1
    assert np.allclose(left[stay] / left[stay][0], GRAPH.weights[stay] / GRAPH.weights[stay][0])

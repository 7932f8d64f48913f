"""Drawn worlds: their marks and edges against the numbers they stand for."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from random_worlds import random_world

from adainf_core.figures import (
    BOUNDARY,
    function_on_views,
    graph_of_views,
    image_masses,
    images_and_views,
)
from adainf_core.theory import bridge_world, ring_world
from adainf_core.theory.bound_worlds import drawn_world


@pytest.fixture
def ax():
    return Figure().subplots()


def test_areas_are_masses(ax):
    world = ring_world(boundary_share=0.3)
    image_masses(ax, world)
    for marks, masses in zip(ax.collections, (world.p_real, world.p_generated), strict=True):
        np.testing.assert_allclose(marks.get_sizes() / 700, masses[masses > 0])
        np.testing.assert_array_equal(marks.get_offsets(), world.positions[masses > 0])


@pytest.mark.parametrize("beta", [1, 1 / 3])
def test_edges_between_classes_are_red_and_marks_follow_the_training_distribution(ax, beta):
    world = ring_world(strength=3)
    graph_of_views(ax, world, beta)
    edges, *marks = ax.collections
    adjacency = world.graph(beta).adjacency
    views = world.graph(beta).views
    labels = world.view_labels[views]
    above = np.triu(adjacency > 0, 1)
    crossing = above & (labels[:, None] != labels)
    red = [to_hex(colour) == BOUNDARY.lower() for colour in edges.get_edgecolors()]
    assert (len(red), sum(red)) == (above.sum(), crossing.sum())
    drawn, real = world.p_train(beta) > 0, world.p_real > 0
    expected = [(drawn & real).sum(), (drawn & ~real).sum(), (~drawn[views]).sum()]
    assert [len(each.get_offsets()) for each in marks] == [count for count in expected if count]


def test_likelier_pairs_have_thicker_edges(ax):
    world = ring_world(strength=2)
    graph_of_views(ax, world, 1)
    widths = np.sort(ax.collections[0].get_linewidths())
    pairs = np.sort(world.graph(1).adjacency[np.triu(world.graph(1).adjacency > 0, 1)])
    assert (np.diff(widths) > 1e-9).sum() == (np.diff(pairs) > 1e-12).sum() > 0


def test_a_function_is_split_by_its_sign(ax):
    function_on_views(ax, np.arange(8).reshape(4, 2), [1, -0.5, 0.25, -1])
    above, below = ax.collections
    assert above.get_offsets().tolist() == [[0, 1], [4, 5]]
    np.testing.assert_allclose(below.get_sizes(), [4 + 18, 40])


@pytest.mark.parametrize("index", range(6))
def test_a_small_world_has_a_line_for_each_view_of_each_image_dashed_where_it_errs(ax, index):
    world, beta, _ = drawn_world(0, index)
    images_and_views(ax, world, beta)
    joint = world.p_train(beta)[:, None] * world.kernel
    wrong = (joint > 0) & (world.natural_labels[:, None] != world.view_labels)
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert len(lines) == (joint > 0).sum()
    assert sum(line.get_linestyle() == "--" for line in lines) == wrong.sum()
    letters = [text.get_text() for text in ax.texts if text.get_text() in "abc"]
    assert len(letters) == (joint.sum(axis=1) > 0).sum() + (joint.sum(axis=0) > 0).sum()


def test_a_world_without_places_says_so(ax):
    world = random_world(np.random.default_rng(0))
    with pytest.raises(ValueError, match="no positions"):
        image_masses(ax, world)
    images_and_views(ax, bridge_world(), 0.5)

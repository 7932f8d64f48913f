"""What a generator is good for: worlds in which each role wins, filters, and the search."""

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import FiniteWorld, bridge_world
from adainf_core.theory.roles import (
    ambiguity,
    drawn_role_world,
    drop_ambiguous,
    role_world,
    search_roles,
    uses,
    winner,
)

THIRD = pytest.approx(1 / 3)


@pytest.mark.parametrize("slip", [0.01, 0.05, 0.15])
@pytest.mark.parametrize(
    ("generator", "nodes", "edges", "both", "wins"),
    [
        ("partner", THIRD, 0, 0, "edges"),
        ("careless filler", 0, THIRD, THIRD, "nodes"),
        ("filler", 0, 0, 0, "alike"),
        ("border", THIRD, THIRD, THIRD, "neither"),
    ],
)
def test_each_role_wins_somewhere_by_the_exact_error(generator, nodes, edges, both, wins, slip):
    found = uses(role_world(generator, slip), k=2)  # a tied encoder would warn, and fail
    assert found["real"].error == THIRD
    assert [found[name].error for name in ("nodes", "edges", "both")] == [nodes, edges, both]
    assert winner(*(found[name].error for name in ("real", "nodes", "edges"))) == wins
    assert all(use.error <= use.bound for use in found.values())


def test_and_by_the_bound():
    for generator, wins in (("partner", "edges"), ("careless filler", "nodes")):
        found = uses(role_world(generator), k=2)
        assert winner(*(found[name].bound for name in ("real", "nodes", "edges"))) == wins
        assert found[wins].bound < 0.6
    neither = uses(role_world("border"), k=2)
    assert min(neither[name].bound for name in ("nodes", "edges")) > neither["real"].bound


def test_as_images_a_partner_changes_nothing_at_all():
    world = role_world("partner")
    nodes = world.as_images()
    assert nodes.total_variation == 0
    for beta in (1.0, 0.5, 0.0):
        np.testing.assert_allclose(
            nodes.graph(beta).adjacency, world.world.graph().adjacency, atol=1e-15
        )
    edges = world.graph(1.0, 0.5)
    assert edges.component_count() < world.world.graph().component_count() == 2


def test_a_filter_cannot_raise_the_generated_labeling_error():
    rng = np.random.default_rng(0)
    dropped = 0
    for _ in range(100):
        world = random_world(rng)
        level = float(rng.random())
        if not (world.p_generated[ambiguity(world) <= level] > 0).any():
            continue
        left, kept = drop_ambiguous(world, level)
        assert left.labeling_error(0.0) <= min(level, world.labeling_error(0.0)) + 1e-12
        gone = ambiguity(world) > level
        assert kept == pytest.approx(world.p_generated[~gone].sum())
        assert left.p_generated[gone].sum() == 0
        dropped += kept < 1
    assert dropped > 20


def test_ambiguity_is_the_share_of_mislabelled_views():
    world = random_world(np.random.default_rng(1), classes=3)
    for point, views in enumerate(world.kernel):
        wrong = sum(views[world.view_labels != world.natural_labels[point]])
        assert ambiguity(world)[point] == pytest.approx(wrong)
    assert world.p_train(0.3) @ ambiguity(world) == pytest.approx(world.labeling_error(0.3))


def two_generated(own, joining) -> FiniteWorld:
    """The three real images of `role_world`, and two generated ones of the first class."""
    kernel = [[1, 0, 0], [0, 0.95, 0.05], [0, 0, 1], own, joining]
    p_real, p_generated = [1 / 3] * 3 + [0, 0], [0, 0, 0, 0.5, 0.5]
    return FiniteWorld(kernel, p_real, p_generated, [0, 0, 1, 0, 0], [0, 0, 1])


@pytest.mark.parametrize(
    ("joining", "before", "after"),
    [
        ([0.45, 0.45, 0.1], 0, 1 / 3),  # what joins the class is a little ambiguous
        ([0, 0.5, 0.5], 1 / 3, 1 / 3),  # and here it joins the classes
    ],
)
def test_a_filter_takes_good_edges_with_the_bad(joining, before, after):
    world = two_generated([1, 0, 0], joining)
    left, kept = drop_ambiguous(world, 0.05)
    assert kept == 0.5
    errors = [each.transfer_bound(0.5, 2).real_error for each in (world, left)]
    assert errors == [pytest.approx(before), pytest.approx(after)]
    gaps = [each.graph(0.5).spectral_gap(2) for each in (world, left)]
    alphas = [each.labeling_error(0.5) for each in (world, left)]
    assert gaps[1] < gaps[0] and alphas[1] < alphas[0]


def test_a_filter_that_leaves_nothing_is_named():
    with pytest.raises(ValueError, match=r"level=0.1 drops every generated image"):
        drop_ambiguous(bridge_world(), 0.1)
    with pytest.raises(ValueError, match="generator"):
        role_world("oracle")


def test_the_search_finds_each_winner_and_its_worlds_can_be_drawn_again():
    found = search_roles(250, seed=0)
    assert found.checked == sum(found.counts.values()) == 250
    assert {"edges", "neither"} <= found.smallest.keys()
    shares = [found.share(name) for name in ("nodes", "edges", "alike", "neither")]
    assert sum(shares) == pytest.approx(1) and 0 < found.agreement < 1
    assert min(found.share("edges"), found.share("neither")) > 0
    for name, index in found.smallest.items():
        world, k = drawn_role_world(0, index)
        again = uses(world, k)
        for what in ("error", "bound"):
            three = [getattr(again[use], what) for use in ("real", "nodes", "edges")]
            assert winner(*three) == name
    assert search_roles(20, seed=1) == search_roles(20, seed=1) != search_roles(20, seed=2)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((0.5, 0.1, 0.2), "nodes"),
        ((0.5, 0.2, 0.1), "edges"),
        ((0.5, 0.2, 0.2), "alike"),
        ((0.5, 0.5, 0.6), "neither"),
        ((np.inf, np.inf, np.inf), "neither"),
        ((np.inf, 2.0, np.inf), "nodes"),
    ],
)
def test_the_winner_of_three_numbers(numbers, name):
    assert winner(*numbers) == name

"""Worlds: closed forms of the small ones, and the roles they are there to show."""

import subprocess
import sys

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import (
    FiniteWorld,
    barely_joined_world,
    bridge_world,
    isolated_cluster_world,
    ring_world,
)

EXACT = 1e-12


@pytest.mark.parametrize("beta", [1.0, 0.75, 0.5, 0.02])
def test_a_bridge_raises_connectivity(beta):
    world = bridge_world()
    assert world.graph(beta).spectral_gap(1) == pytest.approx((1 - beta) / (2 - beta), abs=EXACT)
    assert world.labeling_error(beta) == pytest.approx((1 - beta) / 2, abs=EXACT)
    assert world.total_variation == 1


def test_the_bridge_numbers_quoted_in_the_text():
    assert bridge_world().graph(1).spectral_gap(1) == 0
    assert bridge_world().graph(0.75).spectral_gap(1) == pytest.approx(0.2, abs=EXACT)


@pytest.mark.parametrize("overlap", [0.25, 0.75])
def test_an_isolated_cluster_lowers_connectivity(overlap):
    world = isolated_cluster_world(overlap)
    assert world.graph(1).spectral_gap(1) == pytest.approx(overlap, abs=EXACT)
    for beta in (0.9, 0.5, 0.1):
        graph = world.graph(beta)
        assert graph.component_count() == 2
        assert graph.spectral_gap(1) == 0
        assert graph.spectral_gap(2) == pytest.approx(overlap, abs=EXACT)
    assert world.labeling_error(0.5) == 0


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("points", [12, 24, 36])
def test_ring_total_variation_is_closed_form(points, share):
    world = ring_world(points=points, boundary_share=share)
    assert world.total_variation == pytest.approx((1 + share) / 2, abs=EXACT)
    np.testing.assert_allclose(np.linalg.norm(world.positions, axis=1), 1)
    assert (np.bincount(world.natural_labels) == points // 2).all()


@pytest.mark.parametrize("beta", [1.0, 0.8, 1 / 3, 0.05])
def test_on_the_ring_strength_raises_labeling_error_and_connectivity(beta):
    graphs = [ring_world(strength).graph(beta) for strength in range(1, 6)]
    world = ring_world()
    alphas = [graph.labeling_error(world.natural_labels, world.view_labels) for graph in graphs]
    gaps = [graph.spectral_gap(2) for graph in graphs]
    # The real clusters first meet at strength 3: below, both are 0 and stay there.
    start = 2 if beta == 1 else 0
    assert (np.diff(alphas[start:]) > 0).all()
    assert (np.diff(gaps[start:]) > 0).all()


@pytest.mark.parametrize("strength", [1, 2, 3, 4, 5])
def test_on_the_ring_inflation_raises_connectivity(strength):
    world = ring_world(strength)
    gaps = [world.graph(beta).spectral_gap(2) for beta in (1, 0.8, 1 / 3, 0.05)]
    assert (np.diff(gaps) > 0).all()


def test_on_the_ring_inflation_connects_and_moves_the_best_strength_down():
    def ratio(strength, beta):
        world = ring_world(strength)
        gap = world.graph(beta).spectral_gap(2)
        return world.labeling_error(beta) / gap if gap else np.inf

    assert ring_world(1).graph(1).component_count() == 4
    assert ring_world(1).graph(0.8).component_count() == 1
    assert ring_world(1, boundary_share=0).graph(0.8).component_count() == 2
    assert min(range(1, 7), key=lambda s: ratio(s, 1)) == 3
    assert min(range(1, 7), key=lambda s: ratio(s, 1 / 3)) == 2


def test_on_the_ring_real_data_alone_cannot_tell_the_classes_and_inflation_can():
    for strength in range(1, 5):
        world = ring_world(strength)
        assert world.graph(1).is_degenerate(2)
        inflated = world.graph(1 / 3)
        assert not inflated.is_degenerate(2)
        labels = world.view_labels, world.natural_labels
        assert inflated.probe_error(*labels, k=2, weights=world.p_real) == 0


def test_ring_numbers_by_hand():
    # Strength 3: the last real point of an arc (offset 9 of 12) has one of seven views across,
    # and so has the first cluster's (offset 2): 4 of the 8 real points err by 1/7.
    assert ring_world(3).labeling_error(1) == pytest.approx(1 / 14, abs=EXACT)
    # Strength 1: only the boundary points (mass 0.1 of the generator) err, by 1/3.
    assert ring_world(1).labeling_error(1 / 3) == pytest.approx(2 / 3 * 0.1 / 3, abs=EXACT)


def test_labeling_error_is_linear_in_beta():
    rng = np.random.default_rng(0)
    for _ in range(30):
        world = random_world(rng, points=7, views=6, classes=3)
        ends = world.labeling_error(1), world.labeling_error(0)
        beta = rng.random()
        expected = beta * ends[0] + (1 - beta) * ends[1]
        assert world.labeling_error(beta) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": 25}, "multiple of 12"),
        ({"points": 6}, "points = 6"),
        ({"strength": 12}, "strength = 12"),
        ({"strength": -1}, "strength = -1"),
        ({"strength": 0.5}, "strength = 0.5"),
        ({"boundary_share": 1.5}, "boundary_share = 1.5"),
    ],
)
def test_bad_rings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ring_world(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_real": [0.5, 0.6]}, "p_real sums to 1.1"),
        ({"p_generated": [1.0]}, "p_generated has shape"),
        ({"natural_labels": [0, 1.5]}, r"natural_labels\[1\] = 1.5"),
        ({"view_labels": [0, 1]}, "view_labels has shape"),
        ({"positions": [[0, 0]]}, "positions has shape"),
        ({"kernel": [[1.0, 0, 0], [0, 0, 0.5]]}, "kernel row 1"),
    ],
)
def test_bad_worlds_are_named(change, message):
    good = {
        "kernel": [[1.0, 0, 0], [0, 0.5, 0.5]],
        "p_real": [0.5, 0.5],
        "p_generated": [0.0, 1.0],
        "natural_labels": [0, 1],
        "view_labels": [0, 1, 1],
    }
    FiniteWorld(**good)
    with pytest.raises(ValueError, match=message):
        FiniteWorld(**{**good, **change})


def test_worlds_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        bridge_world().p_real[0] = 1
    with pytest.raises(ValueError, match="beta = 2"):
        bridge_world().graph(2)


def test_importing_the_theory_loads_none_of_the_heavy_packages():
    heavy = "{'torch', 'networkx', 'matplotlib', 'scipy'}"
    code = f"import sys, adainf_core.theory; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_barely_joined_images_are_four_with_views_of_their_own():
    alone = barely_joined_world()
    assert alone.kernel.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert np.array_equal(alone.p_generated, alone.p_real)
    joined = barely_joined_world([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]], touch=0.1, slip=0.01)
    # of the real images: what slips to the other class, whatever is generated
    wrong = joined.kernel[:, joined.view_labels == 1][joined.natural_labels == 0].sum(axis=1)
    assert wrong.tolist() == pytest.approx([0.01, 0.01, 0.0])
    assert joined.p_real.tolist() == [0.25] * 4 + [0.0] * 2
    assert joined.p_generated.tolist() == [0.0] * 4 + [0.5] * 2

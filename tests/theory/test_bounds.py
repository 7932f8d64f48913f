"""The transfer bound: its parts against their definitions, and no violation in random worlds."""

import math
import warnings

import numpy as np
import pytest

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.bounds import BoundReport, transfer_bound
from adainf_core.theory.spectrum import DegenerateSpectrumWarning
from adainf_core.theory.worlds import FiniteWorld, isolated_cluster_world, random_world, ring_world


def report(world: FiniteWorld, beta: float, k: int) -> BoundReport:
    return transfer_bound(
        world.kernel,
        world.p_real,
        world.p_generated,
        beta,
        world.natural_labels,
        world.view_labels,
        k,
    )


def test_parts_are_those_of_the_graph_and_the_laws():
    world, beta = ring_world(strength=3), 1 / 3
    ours, graph = report(world, beta, 2), world.graph(beta)
    assert ours.labeling_error == pytest.approx(world.labeling_error(beta))
    assert ours.spectral_gap == graph.spectral_gap(2)
    assert ours.total_variation == pytest.approx(0.55)
    labels = world.view_labels, world.natural_labels
    assert ours.train_error == pytest.approx(graph.probe_error(*labels, 2))
    assert ours.real_error == pytest.approx(graph.probe_error(*labels, 2, world.p_real))
    alpha, gap = ours.labeling_error, ours.spectral_gap
    assert ours.bound == pytest.approx(8 * alpha / gap + 2 * alpha + 2 / 3 * 0.55)
    assert ours.vacuous


def test_never_violated_where_dropping_the_distance_is():
    rng = np.random.default_rng(0)
    checked = without_distance = informative = 0
    for _ in range(1500):
        world, beta = random_world(rng), float(rng.random())
        k = int(rng.integers(1, 5))
        if k >= len(world.graph(beta).views):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)  # the bound covers ties
            found = report(world, beta, k)
        checked += 1
        # errors are sums of at most six masses: rounding stays below 1e-12
        assert found.real_error <= found.bound + 1e-12
        distance = (1 - beta) * found.total_variation
        assert found.real_error <= found.train_error + distance + 1e-12
        without_distance += found.real_error > found.bound - distance + 1e-9
        informative += not found.vacuous
    # the search can fail: the tempting form without the distance does, and bounds below one occur
    assert checked > 900 and without_distance > 0 and informative > 20


def test_no_gap_is_an_infinite_bound_not_a_number():
    with pytest.warns(DegenerateSpectrumWarning):
        found = report(isolated_cluster_world(), 0.5, 1)
    assert found.spectral_gap == 0 and found.bound == math.inf and found.vacuous


def test_beta_one_leaves_the_distance_out():
    world = ring_world(strength=4)
    with pytest.warns(DegenerateSpectrumWarning):
        found = report(world, 1.0, 2)
    alpha, gap = found.labeling_error, AugmentationGraph(world.kernel, world.p_real).spectral_gap(2)
    assert found.bound == pytest.approx(8 * alpha / gap + 2 * alpha)
    assert found.train_error == found.real_error


def test_bad_input_is_named():
    world = ring_world()
    with pytest.raises(ValueError, match="beta"):
        report(world, 1.5, 2)
    with pytest.raises(ValueError, match="k"):
        report(world, 0.5, 99)

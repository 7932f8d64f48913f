"""The sweep of toys: cell by cell what AugmentationGraph says, and the facts of the toy."""

import math
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from adainf_core.theory import toy_sweep as module
from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.gaussian_toy import (
    disc_kernel,
    gaussian_toy_distribution,
    gaussian_toy_labeling_error,
)
from adainf_core.theory.toy_sweep import best_strength, toy_sweep

DIMENSIONS = (1, 2, 3, 6, 40)


@pytest.mark.filterwarnings("ignore::adainf_core.theory.spectrum.DegenerateSpectrumWarning")
def test_every_cell_is_what_the_graph_says(monkeypatch):
    monkeypatch.setattr(module, "_FRESH_CELLS", (12, 8))
    strengths, sizes, n_real = (0.4, 1.1), (0, 9, 30), 14
    sweep = toy_sweep(strengths, sizes, n_real=n_real, draws=4, dimensions=DIMENSIONS, seed=5)
    fresh, masses = module._fresh_points(12, 8)
    distribution, compared = gaussian_toy_distribution(), 0
    for draw in range(4):
        real = distribution.sample(n_real, np.random.default_rng([5, draw, 0]))
        generated = distribution.sample(30, np.random.default_rng([5, draw, 1]))
        for (s, strength), (g, size) in product(enumerate(strengths), enumerate(sizes)):
            points = np.concatenate([real, generated[:size], fresh])
            weights = np.zeros(len(points))
            weights[: n_real + size] = 1 / (n_real + size)
            kernel, cells = disc_kernel(points, strength, strength / np.array([16, 6]))
            labels, view_labels = (each[:, 0] > 0 for each in (points, cells))
            graph = AugmentationGraph(kernel, weights)
            at = g, s, draw
            alpha = graph.labeling_error(labels, view_labels)
            assert sweep.labeling_error[at] == pytest.approx(alpha, abs=1e-12)
            for j, k in enumerate(DIMENSIONS):
                gap = graph.spectral_gap(k)
                assert sweep.spectral_gap[at][j] == pytest.approx(gap, abs=1e-9)
                assert (sweep.spectral_gap[at][j] == 0) == (gap < 1e-10)
                if graph.is_degenerate(k):
                    assert np.isnan(sweep.train_error[at][j])
                    assert np.isnan(sweep.real_error[at][j])
                    continue
                compared += 1
                train = graph.probe_error(view_labels, labels, k)
                assert sweep.train_error[at][j] == pytest.approx(train, abs=1e-12)
                votes = graph.majority_vote(graph.probe_predictions(view_labels, k))
                wrong = np.where(votes < 0, 0.5, votes != labels)[n_real + size :]
                assert sweep.real_error[at][j] == pytest.approx(masses @ wrong, abs=1e-9)
    assert compared > 80


def test_fresh_points_show_a_displaced_border():
    points, masses = module._fresh_points(*module._FRESH_CELLS)
    assert masses.sum() == pytest.approx(1)
    assert masses[points[:, 0] > 0].sum() == pytest.approx(0.5, abs=1e-12)
    for shift in (0.01, 0.1, 0.5):
        seen = masses[(points[:, 0] > 0) & (points[:, 0] < shift)].sum()
        first = [NormalDist(c, math.sqrt(0.7)) for c in (-1, 1)]
        exact = sum(distribution.cdf(shift) - distribution.cdf(0) for distribution in first) / 2
        assert seen == pytest.approx(exact, rel=0.12)


def test_the_grid_is_fine_enough():
    arguments = {"n_real": 30, "draws": 4, "dimensions": (2, 8, 32)}
    used = toy_sweep((1.0, 2.0), (50,), **arguments)
    finer = toy_sweep((1.0, 2.0), (50,), pitches_per_radius=(32, 12), **arguments)
    # What the docstring promises, of means over draws.
    for name, tolerance in (("spectral_gap", {"rtol": 0.01}), ("real_error", {"atol": 0.01})):
        means = (getattr(sweep, name).mean(axis=2) for sweep in (used, finer))
        np.testing.assert_allclose(*means, **{"rtol": 0, **tolerance})


def test_draws_are_nested_and_independent_of_the_processes():
    arguments = {"n_real": 10, "dimensions": (2, 4), "seed": 1}
    both = toy_sweep((0.8, 1.2), (0, 20), draws=3, processes=2, **arguments)
    alone = toy_sweep((1.2,), (20,), draws=2, **arguments)
    for name in ("labeling_error", "spectral_gap", "train_error", "real_error"):
        found, again = getattr(both, name), getattr(alone, name)
        np.testing.assert_array_equal(found[1:, 1:, :2], again)
    assert len(np.unique(both.labeling_error[1, 1])) == 3


def test_the_facts_of_the_toy():
    strengths = (0.5, 1.0, 2.0)
    sweep = toy_sweep(strengths, (0, 170), n_real=30, draws=8, dimensions=(1, 2, 8, 32))
    alpha, gap = sweep.labeling_error, sweep.spectral_gap
    # Sampled α is unbiased, its standard error over 8 draws of 200 points about 0.005.
    closed = [gaussian_toy_labeling_error(strength) for strength in strengths]
    assert alpha[1].mean(axis=-1) == pytest.approx(closed, abs=0.02)
    mean = gap.mean(axis=2)
    assert (np.diff(mean[:, :, :3], axis=1) > 0).all()  # strength raises λ
    assert (mean[1, 1, :2] > mean[0, 1, :2]).all()  # more data raises λ_2 and λ_3
    assert mean[1, 1, 2] < mean[0, 1, 2]  # and lowers λ_9
    assert (gap[0, :, :, 3] == 1).all() and (gap[1, :, :, 3] < 1).all()  # n ≤ k: memorised
    # With k = 1 the encoder is constant: it learns the larger class of the sample.
    assert sweep.real_error[1, 2, :, 0] == pytest.approx(0.5, abs=1e-9)


def test_best_strength_is_the_argmin_with_an_interval_over_draws():
    rng = np.random.default_rng(0)
    strengths = np.array([0.5, 1.0, 2.0, 4.0])
    sharp = (np.log2(strengths) - 1)[:, None] ** 2 + rng.normal(0, 0.01, (4, 30))
    assert best_strength(strengths, sharp) == (2.0, 2.0, 2.0)
    shallow = np.array([1.0, 0, 0.001, 1])[:, None] + rng.normal(0, 0.1, (4, 30))
    best, low, high = best_strength(strengths, shallow)
    assert best in (1.0, 2.0) and (low, high) == (1.0, 2.0)
    # Strengths where some draw has no value do not compete.
    sharp[2, 7] = np.nan
    assert best_strength(strengths, sharp)[0] in (1.0, 4.0)
    with pytest.raises(ValueError, match="no strength has a value in every draw"):
        best_strength(strengths, np.full((4, 30), np.nan))
    with pytest.raises(ValueError, match=r"shape \(3, 30\)"):
        best_strength(strengths, sharp[:3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strengths": (1.0, -1)}, "strength = -1"),
        ({"strengths": ()}, "strengths is empty"),
        ({"n_generated": (0.5,)}, "n_generated = 0.5"),
        ({"n_real": 0}, "n_real = 0"),
        ({"draws": 0}, "draws = 0"),
        ({"dimensions": (0,)}, "dimension = 0"),
        ({"processes": 0}, "processes = 0"),
        ({"pitches_per_radius": (0, 6)}, "pitches_per_radius = 0"),
    ],
)
def test_bad_sweeps_are_named(change, message):
    good = {"strengths": (1.0,), "n_generated": (0,), "n_real": 5, "draws": 1}
    with pytest.raises(ValueError, match=message):
        toy_sweep(**{**good, **change})

"""Total variation in closed form against brute force and quadrature."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from adainf_core.theory.total_variation import (
    gaussian_total_variation,
    mixture,
    replication_to_beta,
    total_variation,
)

# Sums of at most a few dozen float64 terms of order one: rounding stays below 1e-14.
EXACT = 1e-13


def distributions(rng, count, size):
    masses = rng.exponential(size=(count, size)) * (rng.random((count, size)) < 0.7)
    masses[:, 0] += 0.01
    return masses / masses.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_total_variation_is_the_largest_gap_over_all_events(size):
    for p, q in distributions(np.random.default_rng(size), 40, size).reshape(20, 2, size):
        events = itertools.product([False, True], repeat=size)
        best = max(abs(p[list(event)].sum() - q[list(event)].sum()) for event in events)
        assert total_variation(p, q) == pytest.approx(best, abs=EXACT)


def test_total_variation_is_a_metric_with_values_in_the_unit_interval():
    for p, q, r in distributions(np.random.default_rng(1), 300, 7).reshape(100, 3, 7):
        assert 0 <= total_variation(p, q) <= 1
        assert total_variation(p, q) == total_variation(q, p)
        assert total_variation(p, p) == 0
        assert total_variation(p, r) <= total_variation(p, q) + total_variation(q, r) + EXACT


def test_total_variation_of_disjoint_distributions_is_one_and_distributions_may_be_tables():
    assert total_variation([1, 0, 0], [0, 0.5, 0.5]) == 1.0
    p, q = distributions(np.random.default_rng(2), 2, 12)
    tables = p.reshape(3, 4), q.reshape(3, 4)
    assert total_variation(*tables) == pytest.approx(total_variation(p, q), abs=EXACT)


def test_single_precision_distributions_are_accepted():
    p, q = distributions(np.random.default_rng(3), 2, 1000)
    single = total_variation(p.astype(np.float32), q.astype(np.float32))
    # Entries are rounded to 24 bits, relative error 6e-8.
    assert single == pytest.approx(total_variation(p, q), abs=1e-6)


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.5, 0.6], [0.5, 0.5], "p sums to 1.1"),
        ([0.5, 0.5], [1.5, -0.5], r"q\[1\] = -0.5"),
        ([0.5, math.nan], [0.5, 0.5], r"p\[1\] = nan"),
        ([0.5, math.inf], [0.5, 0.5], r"p\[1\] = inf"),
        ([1.0], [0.5, 0.5], "one support"),
        ([], [], "p is empty"),
        (["a"], [1.0], "p must be an array of real numbers"),
        ([[0.5, 0.6]], [[0.5, 0.5]], "p sums to 1.1"),
    ],
)
def test_bad_distributions_are_named(p, q, message):
    with pytest.raises(ValueError, match=message):
        total_variation(p, q)


@pytest.mark.parametrize(("shift", "std"), [(0.0, 1.0), (0.1, 0.3), (1.5, 0.7), (4.0, 1.0)])
def test_gaussian_closed_form_against_quadrature(shift, std):
    def gap(x):
        return 0.5 * abs(norm.pdf(x, 0, std) - norm.pdf(x, shift, std))

    # quad is told where the integrand has its kink; its own error estimate is below 1e-9.
    numeric = quad(gap, -12, 16, points=[shift / 2, 0, shift], limit=400)[0]
    assert gaussian_total_variation(0.0, shift, std) == pytest.approx(numeric, abs=1e-8)


def test_gaussian_distance_depends_on_the_distance_of_means_alone():
    rng = np.random.default_rng(4)
    p, q = rng.normal(size=(2, 50))
    line = gaussian_total_variation(0, np.linalg.norm(p - q), 2.0)
    assert gaussian_total_variation(p, q, 2.0) == pytest.approx(line, rel=1e-12)
    assert gaussian_total_variation(p, p, 2.0) == 0
    # Tiny shifts keep their relative accuracy: TV ≈ shift / (σ √(2π)).
    tiny = gaussian_total_variation(0, 1e-12, 1.0)
    assert tiny == pytest.approx(1e-12 / math.sqrt(2 * math.pi), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [0, 0, 0], 1.0), "one space"),
        ((0.0, 1.0, 0.0), "std = 0"),
        ((0.0, math.nan, 1.0), "mean_q"),
    ],
)
def test_bad_gaussians_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gaussian_total_variation(*arguments)


def test_mixture_identity_of_theorem_3_1():
    rng = np.random.default_rng(5)
    for real, generated in distributions(rng, 400, 9).reshape(200, 2, 9):
        beta = rng.random()
        train = mixture(real, generated, beta)
        expected = (1 - beta) * total_variation(generated, real)
        assert total_variation(train, real) == pytest.approx(expected, abs=EXACT)
        assert train.sum() == pytest.approx(1, abs=EXACT)


def test_mixture_ends_at_its_parts():
    real, generated = distributions(np.random.default_rng(6), 2, 5)
    np.testing.assert_allclose(mixture(real, generated, 1), real, rtol=0, atol=EXACT)
    np.testing.assert_allclose(mixture(real, generated, 0), generated, rtol=0, atol=EXACT)
    for beta in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="beta"):
            mixture(real, generated, beta)


def test_replication_is_a_share():
    assert replication_to_beta(50_000, 1_000_000, 10) == pytest.approx(1 / 3)
    assert replication_to_beta(50_000, 1_000_000, 1) == pytest.approx(1 / 21)
    assert replication_to_beta(10, 0, 1) == 1.0
    assert replication_to_beta(10, 5, 0.5) == pytest.approx(0.5)
    # Copying is reweighting: the distribution over the pooled images is the mixture at that β.
    pooled = np.array([3.0] * 4 + [1.0] * 6)
    real, generated = np.repeat([0.25, 0], [4, 6]), np.repeat([0, 1 / 6], [4, 6])
    distribution = mixture(real, generated, replication_to_beta(4, 6, 3))
    np.testing.assert_allclose(distribution, pooled / pooled.sum(), rtol=0, atol=EXACT)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, 5, 1), "n_real"),
        ((5, -1, 1), "n_generated"),
        ((5, 5, 0), "replication"),
        ((5.5, 5, 1), "n_real"),
        ((5, 5, math.inf), "replication"),
    ],
)
def test_bad_counts_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        replication_to_beta(*arguments)

"""Lower bounds on total variation: exact tails, hand-made cases, and coverage by simulation."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.stats import ks_2samp, norm

from adainf_core.theory.total_variation import gaussian_total_variation
from adainf_core.theory.tv_estimation import (
    BetaDifference,
    _examined_ranks,
    dkw_band,
    tv_lower_bound,
)

# Sums of at most a few dozen float64 terms of order one: rounding stays below 1e-14.
EXACT = 1e-13
METHODS = ("ks", "adaptive")


def difference_cdf(v, j, m, n, shift):
    return BetaDifference.of(np.array([v]), np.array([j]), m, n).cdf(shift)[0]


def shifted(n_real, n_generated, distance, rng):
    """Scores that differ everywhere: Gaussians at total variation `distance`."""
    shift = 2 * norm.ppf((1 + distance) / 2)
    return rng.normal(size=n_real), rng.normal(shift, size=n_generated)


def witnessed(n_real, n_generated, distance, rng):
    """Scores that differ in few draws: a share `distance` of generated ones lies far out."""
    generated = rng.normal(size=n_generated)
    generated[rng.random(n_generated) < distance] += 20
    return rng.normal(size=n_real), generated


def test_point_estimate_is_the_two_sample_kolmogorov_smirnov_distance():
    rng = np.random.default_rng(7)
    for _ in range(30):
        # Rounded scores: many ties within and across samples.
        real = rng.normal(size=rng.integers(1, 60)).round(1)
        generated = rng.normal(0.5, size=rng.integers(1, 60)).round(1)
        estimate = tv_lower_bound(real, generated)
        expected = ks_2samp(real, generated, method="asymp").statistic
        assert estimate.point == pytest.approx(expected, abs=EXACT)
        assert (estimate.n_real, estimate.n_generated) == (len(real), len(generated))
        assert 0 <= estimate.lower <= estimate.point <= 1
        adaptive = tv_lower_bound(real, generated, method="adaptive")
        assert adaptive.point == estimate.point and 0 <= adaptive.lower <= adaptive.point


def test_the_sign_of_the_score_does_not_matter_and_infinite_scores_are_ordered():
    real, generated = np.array([0.1, 2.0, np.inf]), np.array([-np.inf, -1.0, 0.3])
    for method in METHODS:
        turned = tv_lower_bound(-real, -generated, method=method)
        assert tv_lower_bound(real, generated, method=method) == turned
    assert tv_lower_bound(real, generated).point == pytest.approx(2 / 3)


def test_band_is_the_best_split_of_the_error_budget():
    # Equal sizes: the even split is optimal by symmetry and convexity.
    even = 2 * math.sqrt(math.log(2 / 0.025) / (2 * 500))
    assert dkw_band(500, 500) == pytest.approx(even, rel=1e-9)
    # Unequal sizes: better than even, no better than spending all of it on the small sample.
    uneven = sum(math.sqrt(math.log(2 / 0.025) / (2 * n)) for n in (100, 100_000))
    assert math.sqrt(math.log(2 / 0.05) / 200) < dkw_band(100, 100_000) < uneven
    assert dkw_band(100, 100_000) == pytest.approx(dkw_band(100_000, 100), rel=1e-12)
    assert dkw_band(100, 100, 0.99) > dkw_band(100, 100, 0.95)


def test_lower_bound_is_worth_having():
    rng = np.random.default_rng(9)
    real, generated = rng.normal(size=5000), rng.normal(2, size=5000)
    # The truth is 0.683; the band at these sizes is 0.042 and KS errs by 0.01.
    assert 0.6 < tv_lower_bound(real, generated).lower < gaussian_total_variation(0, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [1.0]), "real_scores has shape"),
        (([1.0], [[1.0]]), "generated_scores has shape"),
        (([1.0, math.nan], [1.0]), r"real_scores\[1\] is NaN"),
        (([1.0], [1.0], 1.0), "confidence = 1"),
        (([1.0], [1.0], 95), "confidence = 95"),
    ],
)
def test_bad_scores_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        tv_lower_bound(*arguments)
    with pytest.raises(ValueError, match=message):
        tv_lower_bound(*arguments, method="adaptive")


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="method='bayes' is unknown; choose ks, adaptive"):
        tv_lower_bound([1.0], [1.0], method="bayes")


def test_difference_of_betas_against_counting():
    # At shift 0 the v-th real score comes before the j-th generated one: a share of the orders.
    m, n = 4, 5
    orders = list(itertools.combinations(range(m + n), m))
    for v, j in itertools.product(range(1, m + 1), range(1, n + 1)):
        first = sum(sum(place < v + j - 1 for place in order) >= v for order in orders)
        expected = float(Fraction(first, len(orders)))
        found = difference_cdf(v, j, m, n, 0.0)
        assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("v", "j", "m", "n", "shift"),
    [
        (40, 2, 100, 100, 0.2),
        (3, 1, 20, 1000, 0.05),
        (900, 500, 1500, 1500, 0.25),
        (95, 50_000, 100, 100_000, 0.4),
        (5, 5, 5, 5, 0.0),
        (1, 30, 5, 30, -0.5),
    ],
)
def test_difference_of_betas_against_draws(v, j, m, n, shift):
    rng = np.random.default_rng(10)
    count = 200_000
    gap = rng.beta(v, m - v + 1, count) - rng.beta(j, n - j + 1, count)
    found = difference_cdf(v, j, m, n, shift)
    # 4.5 standard errors of the simulated probability.
    error = 4.5 * math.sqrt(found * (1 - found) / count) + 1e-12
    assert np.mean(gap <= shift) == pytest.approx(found, abs=error)


def test_difference_of_betas_where_the_tail_is_tiny():
    # m = n = v, j = 1: the largest real score before the smallest generated one, 1 of C(2n, n).
    for n in (5, 10, 20):
        found = difference_cdf(n, 1, n, n, 0.0)
        # 2e-14 are added for what the quadrature leaves out.
        assert 0 <= found - 1 / math.comb(2 * n, n) < 1e-13


@pytest.mark.parametrize("sizes", [(2, 2), (20, 20), (100, 5000), (10_000, 10_000)])
def test_examined_ranks_spend_the_risk_and_are_symmetric(sizes):
    ranks, each = _examined_ranks(*sizes, 0.05)
    assert 2 * len(ranks) * each == pytest.approx(0.05)
    assert ranks.min() >= 1 and ranks.max() < sum(sizes)
    assert len(np.unique(ranks)) == len(ranks) <= 400
    # Exchanging the sides turns the order round.
    mirrored, _ = _examined_ranks(*sizes[::-1], 0.05)
    np.testing.assert_array_equal(np.sort(sum(sizes) - mirrored), ranks)


def test_adaptive_bound_of_one_rank_is_the_quantile_it_says():
    # Five a side, apart: only z = 5 can tell, once from either end, so each has risk 0.05 / 2.
    lower = tv_lower_bound(range(5), range(5, 10), method="adaptive").lower
    rng = np.random.default_rng(11)
    draws = rng.beta(5, 1, 10**6) - rng.beta(1, 5, 10**6)
    # The density of A − B near its 2.5 % quantile is about 0.3: 0.002 is 4 standard errors.
    assert lower == pytest.approx(np.quantile(draws, 0.025), abs=0.002)
    assert tv_lower_bound(range(5, 10), range(5), method="adaptive").lower == lower


def test_sides_may_be_exchanged_and_scores_transformed():
    rng = np.random.default_rng(12)
    for draw in (shifted, witnessed):
        real, generated = draw(300, 500, 0.4, rng)
        for method in METHODS:
            lower = tv_lower_bound(real, generated, method=method).lower
            assert lower > 0.1
            for other in (
                (generated, real),
                (-real, -generated),
                (np.exp(real), np.exp(generated)),
            ):
                assert tv_lower_bound(*other, method=method).lower == pytest.approx(lower, abs=1e-8)


def test_ties_never_raise_the_adaptive_bound():
    rng = np.random.default_rng(13)
    for draw in (shifted, witnessed):
        real, generated = draw(400, 400, 0.5, rng)
        fine = tv_lower_bound(real, generated, method="adaptive").lower
        for width in (0.1, 1.0, 5.0):
            coarse = [np.floor(side / width) for side in (real, generated)]
            assert tv_lower_bound(*coarse, method="adaptive").lower <= fine + 1e-9
    assert tv_lower_bound([1.0] * 50, [1.0] * 70, method="adaptive").lower == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("draw", [shifted, witnessed])
@pytest.mark.parametrize("distance", [0.0, 0.05, 0.2, 0.5, 0.9])
def test_lower_bound_covers_the_true_distance(method, draw, distance):
    rng = np.random.default_rng([int(100 * distance), len(draw.__name__)])
    misses = 0
    for sizes in [(60, 60), (150, 400)]:
        for _ in range(60):
            estimate = tv_lower_bound(*draw(*sizes, distance, rng), 0.9, method=method)
            misses += estimate.lower > distance
    # At most 10 % may fail; 24 of 120 is 3.7 standard errors above that (0 to 4 are typical).
    assert misses < 24


@pytest.mark.parametrize("method", METHODS)
def test_coverage_with_ties_and_rounded_scores(method):
    rng = np.random.default_rng(14)
    misses = 0
    for _ in range(150):
        # On six values, 0.5 (|0.15 − 0.25| + ...) of binomials is computed from their masses.
        real, generated = rng.binomial(5, 0.4, 200), rng.binomial(5, 0.5, 200)
        misses += tv_lower_bound(real, generated, 0.9, method=method).lower > BINOMIAL_DISTANCE
    assert misses < 30


BINOMIAL_DISTANCE = 0.5 * sum(
    abs(math.comb(5, k) * (0.4**k * 0.6 ** (5 - k) - 0.5**5)) for k in range(6)
)


def test_few_witnesses_are_seen_by_the_adaptive_bound_alone():
    rng = np.random.default_rng(15)
    for _ in range(10):
        scores = witnessed(1500, 1500, 0.05, rng)
        ks, adaptive = (tv_lower_bound(*scores, method=m).lower for m in METHODS)
        # The band at 1,500 a side is 0.077; 75 witnesses a side stand out at once.
        assert ks < 0.01 and 0.015 < adaptive < 0.08


def test_the_adaptive_bound_is_the_better_one_for_diffuse_differences_too():
    rng = np.random.default_rng(16)
    gains = []
    for _ in range(10):
        scores = shifted(1500, 1500, 0.2, rng)
        ks, adaptive = (tv_lower_bound(*scores, method=m).lower for m in METHODS)
        gains.append(adaptive - ks)
    # About 0.013; one pair varies by 0.005.
    assert np.mean(gains) > 0.005


@pytest.mark.parametrize("method", METHODS)
def test_one_draw_a_side_proves_nothing(method):
    estimate = tv_lower_bound([0.0], [1.0], method=method)
    assert (estimate.point, estimate.lower, estimate.method) == (1.0, 0.0, method)


@pytest.mark.parametrize("shift", [0.3, 0.9, 0.99, 0.9985])
def test_difference_of_betas_beyond_the_kink(shift):
    # where every real score lies on one side, A can reach 1 and the integrand has a kink
    n = 1500
    a, b = stats.beta(n, 1), stats.beta(1, n)
    inside = integrate.quad(
        lambda x: b.pdf(x) * a.cdf(x + shift), 0, 1 - shift, epsabs=1e-15, points=[5 / n]
    )[0]
    found = difference_cdf(n, 1, n, n, shift)
    # up to 3e-14 are added for the tails
    assert found == pytest.approx(inside + b.sf(1 - shift), rel=1e-7, abs=4e-14)

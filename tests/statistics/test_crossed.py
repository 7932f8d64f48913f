"""Intervals over seeds and images: exact where one varies alone, and right where both do."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from adainf_core.statistics.crossed import CrossedInterval, crossed_interval, images_interval

RNG = np.random.default_rng(0)


def drawn(seeds, images, deviations, rng, draws=()):
    """Normal seeds, images and rest of these deviations, (*draws, seeds, images)."""
    of_seed, of_image, rest = deviations
    return (
        of_seed * rng.normal(size=(*draws, seeds, 1))
        + of_image * rng.normal(size=(*draws, 1, images))
        + rest * rng.normal(size=(*draws, seeds, images))
    )


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_where_seeds_vary_alone_it_is_students(seeds):
    means = RNG.normal(2, 1, seeds)
    found = crossed_interval(np.repeat(means[:, None], 50, axis=1), 0.9)
    expected = ttest_1samp(means, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.image_variance == pytest.approx(0, abs=1e-12) and found.n == seeds


def test_where_images_vary_alone_it_is_that_over_images():
    row = RNG.choice([-1.0, 0.0, 1.0], 80)
    found, alone = (make(np.tile(row, (3, 1)), 0.9) for make in (crossed_interval, images_interval))
    expected = ttest_1samp(row, 0).confidence_interval(0.9)
    for interval in (found, alone):
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert found.seed_variance == pytest.approx(0, abs=1e-12) and found.images == alone.n == 80


def test_the_two_variances_are_those_of_a_bootstrap_both_ways():
    of_seed, of_image = RNG.normal(0, 1, 6), RNG.normal(0, 3, 40)
    x = of_seed[:, None] + of_image
    means = np.array(
        [x[np.ix_(RNG.integers(6, size=6), RNG.integers(40, size=40))].mean() for _ in range(5000)]
    )
    found = crossed_interval(x)
    # a bootstrap divides by n where an unbiased variance divides by n - 1
    expected = found.seed_variance * 5 / 6 + found.image_variance * 39 / 40
    assert means.var() == pytest.approx(expected, rel=0.1)


def test_the_variance_is_unbiased_where_all_three_vary():
    rng = np.random.default_rng(1)
    tables = drawn(4, 30, (0.3, 1.0, 1.5), rng, (1000,))
    found = [crossed_interval(x) for x in tables]
    estimated = np.mean([one.seed_variance + one.image_variance for one in found])
    true = 0.3**2 / 4 + 1.0**2 / 30 + 1.5**2 / 120
    assert estimated == pytest.approx(true, rel=0.05)
    assert tables.mean((1, 2)).var() == pytest.approx(true, rel=0.15)


@pytest.mark.parametrize("deviations", [(0.0, 0.5, 1.0), (0.1, 1.0, 0.5)])
@pytest.mark.parametrize(("seeds", "most"), [(2, 0.985), (4, 0.97)])
def test_it_covers_the_truth_as_often_as_it_says(seeds, most, deviations):
    rng = np.random.default_rng(2)
    tables = drawn(seeds, 200, deviations, rng, (700,))
    share = np.mean([0.0 in crossed_interval(x) for x in tables])
    # a binomial's three standard errors beside 0.94, the least with two seeds, and `most`
    assert 0.94 - 0.027 < share < most + 0.015


def test_the_detectable_difference_is_found_four_times_in_five():
    seeds, images, deviations = 4, 100, (0.2, 1.0, 1.0)
    variances = 0.2**2 / 4 + 1.0 / 400, 1.0 / 100
    truth = CrossedInterval(0, 0, 0, seeds, images, *variances).detectable()
    tables = truth + drawn(seeds, images, deviations, np.random.default_rng(3), (800,))
    assert np.mean([crossed_interval(x).low > 0 for x in tables]) == pytest.approx(0.8, abs=0.05)


def test_seeds_and_images_needed_are_the_fewest():
    found = CrossedInterval(0, 0, 0, 3, 500, 0.4, 0.01)
    seeds = found.seeds_for(1.0)
    assert found.detectable(seeds=seeds) <= 1.0 < found.detectable(seeds=seeds - 1)
    limited = CrossedInterval(0, 0, 0, 3, 500, 0.4, 0.5)
    assert limited.seeds_for(1.0) is None
    # with seeds without end a normal's 1.96 + 0.84 standard errors of the images are left
    assert limited.images_for(1.0) == np.ceil(500 * 0.5 * (1.959964 + 0.841621) ** 2)


def test_runs_that_never_differ_are_not_called_equal_for_certain():
    found, alone = (make(np.zeros((3, 400)), step=100.0)
                    for make in (crossed_interval, images_interval))  # fmt: skip
    # one more image that differs: 100 / 400 points
    assert alone.high == -alone.low == pytest.approx(0.25 * 1.966, rel=1e-3)
    assert found.high > 0.25 * 1.95 and crossed_interval(np.zeros((3, 400))).high == 0


def test_on_two_runs_it_decides_as_mcnemars_exact_test():
    compared = 0
    for better in range(0, 60, 5):
        for worse in range(0, 60, 5):
            p = binomtest(better, better + worse).pvalue if better + worse else 1.0
            if better + worse < 10 or 0.025 < p < 0.09:
                continue
            values = np.repeat([1.0, -1.0, 0.0], [better, worse, 400 - better - worse])
            found = images_interval(values[None], step=1.0)
            assert (found.low > 0 or found.high < 0) == (p < 0.05), (better, worse, p)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((1, 50)), r"shape \(1, 50\): need \(seeds, images\)"),
        (np.zeros((2, 1)), "shape"),
        (np.zeros(5), "shape"),
        (np.array([[0.0, np.nan], [0.0, 1.0]]), "finite"),
    ],
)
def test_what_is_no_table_is_refused(values, says):
    with pytest.raises(ValueError, match=says):
        crossed_interval(values)

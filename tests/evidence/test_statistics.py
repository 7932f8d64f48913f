"""Intervals against scipy, by coverage, and their pairing."""

import numpy as np
import pytest
from scipy import stats

from adainf_core.evidence.statistics import paired_difference, rank_correlation, t_interval


def test_is_scipys_t_interval():
    x = np.random.default_rng(0).normal(3, 2, 7)
    ours = t_interval(x, 0.9)
    theirs = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.mean == pytest.approx(x.mean()) and ours.n == 7


def test_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = [i.low <= 1 <= i.high for i in (t_interval(rng.normal(1, 3, 5)) for _ in range(2000))]
    # 0.95 over 2000 draws: four standard errors are 0.02
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_pairs_by_seed_and_ignores_the_rest():
    treated, reference = {0: 5.0, 2: 9.0, 1: 7.0, 9: 100.0}, {1: 6.0, 2: 6.5, 0: 4.5, 7: -50.0}
    ours = paired_difference(treated, reference)
    expected = t_interval([0.5, 1.0, 2.5])
    assert (ours.mean, ours.low, ours.n) == pytest.approx((expected.mean, expected.low, 3))


def test_formats_mean_and_interval():
    assert f"{t_interval([1.0, 3.0], 0.5):.1f}" == "2.0 [1.0, 3.0]"


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0]]])
def test_too_few_values_are_refused(values):
    with pytest.raises(ValueError, match="two seeds"):
        t_interval(values)


def test_no_common_seed_is_refused():
    with pytest.raises(ValueError, match="two common seeds"):
        paired_difference({0: 1.0, 1: 1.0}, {1: 2.0, 2: 2.0})


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, 30).astype(float)  # with ties
    y = x[:, None] + rng.standard_normal((30, 3))
    found = rank_correlation(x, y, draws=200)
    assert found.value == pytest.approx(stats.spearmanr(x, y.mean(axis=1)).statistic, abs=1e-12)
    assert found.low < found.value < found.high and found.n == 30
    assert found == rank_correlation(x, y, draws=200)
    assert rank_correlation(x, -y, draws=200).value == pytest.approx(-found.value)


def test_rank_correlation_covers_the_truth():
    # a bivariate normal law's rank correlation is 6 / π asin(ρ / 2)
    rho, rng, hits = 0.6, np.random.default_rng(1), 0
    truth = 6 / np.pi * np.arcsin(rho / 2)
    for _ in range(200):
        x, noise = rng.standard_normal((2, 36))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        found = rank_correlation(x, y[:, None], draws=300)
        hits += found.low <= truth <= found.high
    # 95 % nominal; the percentile interval of 36 pairs falls a little short, 6 sd below is 0.86
    assert 0.88 <= hits / 200 <= 0.99


def test_rank_correlation_without_variation_is_zero_and_bad_input_is_named():
    assert rank_correlation(np.ones(4), np.arange(8.0).reshape(4, 2)).value == 0
    with pytest.raises(ValueError, match="three arms"):
        rank_correlation([1, 2], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="finite"):
        rank_correlation([1, 2, np.inf], np.ones((3, 1)))

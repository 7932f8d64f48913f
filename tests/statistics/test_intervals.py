"""Intervals against scipy, by coverage, and their pairing."""

import numpy as np
import pytest
from scipy import stats

from adainf_core.statistics.intervals import (
    Interval,
    _mean_ranks,
    best_level,
    paired_difference,
    rank_correlation,
    smallest_detectable,
    standardized_difference,
    t_interval,
    t_quantile,
    wilson_interval,
)


def test_an_interval_holds_its_ends_and_nothing_beyond():
    interval = Interval(1.0, 0.5, 1.5, n=3)
    assert 0.5 in interval and 1.5 in interval and 1.1 in interval
    assert 0.49 not in interval and 1.51 not in interval


def test_is_scipys_t_interval():
    x = np.random.default_rng(0).normal(3, 2, 7)
    ours = t_interval(x, 0.9)
    theirs = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.value == pytest.approx(x.mean()) and ours.n == 7


def test_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = [i.low <= 1 <= i.high for i in (t_interval(rng.normal(1, 3, 5)) for _ in range(2000))]
    # 0.95 over 2000 draws: four standard errors are 0.02
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_pairs_by_seed_and_ignores_the_rest():
    treated, reference = {0: 5.0, 2: 9.0, 1: 7.0, 9: 100.0}, {1: 6.0, 2: 6.5, 0: 4.5, 7: -50.0}
    ours = paired_difference(treated, reference)
    expected = t_interval([0.5, 1.0, 2.5])
    assert (ours.value, ours.low, ours.n) == pytest.approx((expected.value, expected.low, 3))


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (3, 10), (950, 1000), (7, 7)])
def test_wilsons_ends_are_z_of_their_own_standard_errors_away(hits, n):
    found = wilson_interval(hits, n, 0.9)
    z = stats.norm.ppf(0.95)
    for end in (found.low, found.high):
        assert abs(hits / n - end) == pytest.approx(z * np.sqrt(end * (1 - end) / n), abs=1e-9)
    assert found.low < found.high and (found.value, found.n) == (hits / n, n)


@pytest.mark.parametrize(("hits", "n"), [(6, 5), (-1, 5), (0, 0), (1.5, 5)])
def test_a_share_of_nothing_and_more_than_all_are_refused(hits, n):
    with pytest.raises(ValueError, match="must be"):
        wilson_interval(hits, n)


def test_formats_mean_and_interval():
    assert f"{t_interval([1.0, 3.0], 0.5):.1f}" == "2.0 [1.0, 3.0]"


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0]]])
def test_too_few_values_are_refused(values):
    with pytest.raises(ValueError, match="give one value a seed, at least 2"):
        t_interval(values)


def test_no_common_seed_is_refused():
    with pytest.raises(ValueError, match="share 1 seeds: a paired interval needs 2"):
        paired_difference({0: 1.0, 1: 1.0}, {1: 2.0, 2: 2.0})


def test_values_without_seeds_and_words_are_named():
    for values in ([1.0, 2.0], np.ones(2), None):
        with pytest.raises(ValueError, match="has no seeds: map each to"):
            paired_difference(values, {0: 1.0, 1: 2.0})
    with pytest.raises(ValueError, match="predicted"):
        rank_correlation("abc", np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"values\[1\] = nan"):
        t_interval([1.0, np.nan])


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
    # a bivariate normal distribution's rank correlation is 6 / π asin(ρ / 2)
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


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 40, 1000])
def test_quantiles_are_scipys(freedom):
    levels = [0.6, 0.9, 0.975, 0.995, 1 - 0.05 / 9, 0.9999]
    found = [t_quantile(level, freedom) for level in levels]
    np.testing.assert_allclose(found, stats.t.ppf(levels, freedom), rtol=1e-12)


def test_standardized_difference_is_unbiased_and_its_interval_covers():
    rng, truth, n = np.random.default_rng(0), 0.8, 5
    found = [standardized_difference(rng.normal(truth, 1, n), 0.9) for _ in range(400)]
    # the sd of one estimate with n = 5 is near 0.6: four standard errors of 400 are 0.12, and
    # the uncorrected d is biased by 0.2; coverage 0.9: four standard errors are 0.06
    assert np.mean([i.value for i in found]) == pytest.approx(truth, abs=0.12)
    assert np.mean([i.low <= truth <= i.high for i in found]) == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("shift", [-30.0, -1.0, 0.0, 0.4, 200.0])
def test_standardized_difference_inverts_the_noncentral_t(shift):
    x = np.random.default_rng(1).standard_normal(6)
    x += shift - x.mean()
    found = standardized_difference(x, 0.95)
    for end, tail in ((found.low, 0.025), (found.high, 0.975)):
        if shift < 0:  # scipy's distribution loses its far left tail: look from the other side
            end, tail = -end, 1 - tail
        seen = abs(shift) / x.std(ddof=1) * np.sqrt(6)
        assert stats.nct.sf(seen, 5, end * np.sqrt(6)) == pytest.approx(tail, rel=1e-6)
    mirrored = standardized_difference(-x, 0.95)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    # Hedges' factor is close to 1 - 3 / (4 df - 1)
    assert found.value == pytest.approx(x.mean() / x.std(ddof=1) * (1 - 3 / 19), rel=3e-3)


@pytest.mark.parametrize(("n", "power"), [(2, 0.8), (3, 0.5), (5, 0.9), (20, 0.8)])
def test_smallest_detectable_difference_is_detected_as_often(n, power):
    rng, sd = np.random.default_rng(n), 2.5
    x = rng.normal(smallest_detectable(sd, n, 0.95, power), sd, (20_000, n))
    half = stats.t.ppf(0.975, n - 1) * x.std(axis=1, ddof=1) / np.sqrt(n)
    # four standard errors over 20,000 experiments are at most 0.0142
    assert np.mean(x.mean(axis=1) > half) == pytest.approx(power, abs=0.0142)


def test_smallest_detectable_difference_falls_with_seeds_and_scales_with_sd():
    found = [smallest_detectable(1.0, n) for n in (2, 3, 5, 10, 100)]
    assert found == sorted(found, reverse=True)
    # many seeds: (1.96 + 0.8416) / √n
    assert found[-1] == pytest.approx(2.8016 / 10, rel=0.02)
    assert smallest_detectable(3.0, 5) == pytest.approx(3 * found[2])


def test_best_level_is_pairwise_one_sided_t_tests():
    rng, levels = np.random.default_rng(0), np.array([0.8, 0.1, 0.4, 0.2])
    sizes = set()
    for _ in range(30):
        x = rng.normal(0, 3, 4) + rng.standard_normal((5, 4))
        x = x.T + rng.normal(0, 5, 5)  # what a seed shares cancels
        out = [
            any(
                stats.ttest_rel(x[i], x[j], alternative="greater").pvalue < 0.05 / 3
                for i in range(4)
                if i != j
            )
            for j in range(4)
        ]
        found = best_level(levels, x)
        assert found.plausible == tuple(sorted(levels[~np.array(out)]))
        assert found.value == levels[x.mean(axis=1).argmax()] and found.value in found.plausible
        assert (found.low, found.high) == (found.plausible[0], found.plausible[-1])
        sizes.add(len(found.plausible))
    assert {1, 2} <= sizes  # else the seeds tried nothing


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize(
    "means",
    [(0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 1.0, 0.5), (0.0, 0.3, 0.6, 0.8, 0.7, 0.2)],
)
def test_best_level_keeps_the_truly_best(means, n):
    rng, levels = np.random.default_rng(n), np.arange(len(means))
    best = int(np.argmax(means))
    spread = np.linspace(0.5, 1.5, len(means))[:, None]  # the levels' sd differ
    hits = [
        best in best_level(levels, np.array(means)[:, None] + x * spread + seed, 0.9).plausible
        for x, seed in zip(
            rng.standard_normal((1000, len(means), n)),
            rng.standard_normal((1000, 1, n)),
            strict=True,
        )
    ]
    # four standard errors over 1000 draws are 0.038; two tied levels are one test: exact
    assert np.mean(hits) >= 0.9 - 0.038
    if len(means) == 2:
        assert np.mean(hits) <= 0.9 + 0.038


def test_best_level_with_a_spread_from_elsewhere_keeps_the_truly_best():
    rng, hits = np.random.default_rng(0), 0
    for x in rng.standard_normal((1000, 2, 2)):
        others = rng.standard_normal(12)  # a residual of 12 degrees of freedom
        hits += 0 in best_level([0, 1], x, 0.9, (np.sqrt(np.mean(others**2)), 12)).plausible
    # the larger of two deviations: four standard errors of 1000 are 0.038, and only downwards
    assert hits / 1000 >= 0.9 - 0.038
    lead = np.array([[1.0, 1.1, 0.9], [0.0, 0.0, 0.0]])
    # 1 / (√2 s / √3) against the one-sided t of 40 degrees of freedom at 0.95, 1.6839
    edge = np.sqrt(3 / 2) / 1.6839
    assert best_level([0, 1], lead, 0.95, (0.999 * edge, 40)).plausible == (0.0,)
    assert best_level([0, 1], lead, 0.95, (1.001 * edge, 40)).plausible == (0.0, 1.0)


def test_best_level_shrinks_to_a_clear_winner_and_does_not_take_a_tie_for_one():
    noise = np.random.default_rng(0).normal(0, 0.1, (4, 3))
    clear = best_level([1, 2, 5, 10], np.array([0.0, 1.0, 9.0, 3.0])[:, None] + noise)
    assert (clear.value, clear.low, clear.high, clear.plausible) == (5, 5, 5, (5.0,))
    assert f"{clear:.0f}" == "5 [5, 5]"
    tied = best_level([10, 2], np.ones((2, 3)), 0.01)
    assert tied.plausible == (2.0, 10.0) and tied.n == 3
    doubtful = best_level([1, 2], noise[:2], 0.01)
    assert doubtful.value in doubtful.plausible


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: standardized_difference([1.0, 2.0]), "at least 3"),
        (lambda: standardized_difference([0.0, 0.0, 0.0]), "too little"),
        (lambda: standardized_difference([0.3 - 0.2, 0.4 - 0.3, 0.2 - 0.1]), "too little"),
        (lambda: smallest_detectable(0.0, 5), "sd = 0"),
        (lambda: smallest_detectable(1.0, 1), "n = 1"),
        (lambda: smallest_detectable(1.0, 5, power=0.02), "power=0.02"),
        (lambda: best_level([1, 2], [[1.0], [2.0]]), "two seeds"),
        (lambda: best_level([1], [[1.0, 2.0]]), "two levels"),
        (lambda: best_level([1, 2], np.ones((3, 3))), "two levels"),
        (lambda: best_level([2, 2], np.ones((2, 3))), "different"),
        (lambda: best_level([1, 2], [[1.0, 2.0], [1.0, np.nan]]), r"values\[1, 1\] = nan"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 40, 500])
def test_quantiles_of_student_t_are_scipys(freedom):
    for level in (0.5, 0.8, 0.95, 0.99, 1 - 0.05 / 62):
        ours = t_interval([-1.0] * freedom + [float(freedom)], level)
        x = np.array([-1.0] * freedom + [float(freedom)])
        half = stats.t.ppf((1 + level) / 2, freedom) * x.std(ddof=1) / np.sqrt(len(x))
        assert ours.high - ours.value == pytest.approx(half, rel=1e-12)


def test_ranks_are_scipys_ties_included():
    rng = np.random.default_rng(0)
    for n in (1, 2, 36, 127, 128, 300):
        rows = rng.integers(0, max(2, n // 3), size=(20, n)).astype(float)
        assert np.array_equal(_mean_ranks(rows), stats.rankdata(rows, axis=1))

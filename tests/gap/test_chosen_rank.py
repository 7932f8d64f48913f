"""The bound at a chosen rank: it holds, and it gains where the rank is well chosen."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from adainf_core.gap.chosen_rank import _bound_at, best_share, favoured_rank_bound
from adainf_core.theory.tv_estimation import tv_lower_bound


def two_levels(rng, n, distance, base):
    """Scores near 0 or 1: real ones are high at probability `base`, generated at + `distance`."""
    return [(rng.random(n) < share) + 0.1 * rng.random(n) for share in (base, base + distance)]


@pytest.mark.parametrize(
    ("base", "distance", "share"),
    [(0.5, 0.0, 0.5), (0.4, 0.1, 0.55), (0.0, 0.1, 0.95), (0.4, 0.1, 0.9)],
)
def test_it_holds_at_its_confidence(base, distance, share):
    rng = np.random.default_rng(0)
    runs, confidence = 200, 0.8
    misses = sum(
        favoured_rank_bound(*two_levels(rng, 150, distance, base), share, confidence).lower
        > distance
        for _ in range(runs)
    )
    # At most 20 % of 200; 57 is 3 standard deviations above.
    assert misses <= 57


@pytest.mark.parametrize(("m", "n"), [(200_000, 50), (50, 20_000), (300, 400)])
def test_it_spends_its_risk_and_no_more(m, n):
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=m), rng.normal(size=n) + 1.2
    z, risk = round(0.8 * (m + n)), 0.04
    bound = _bound_at(real, generated, z, risk)
    order = np.argsort(np.concatenate([generated, real]), kind="stable")
    v = int((order[:z] >= n).sum())
    first, second = beta(v, m - v + 1), beta(z - v + 1, n - z + v)
    low, high = first.ppf(1e-13), first.isf(1e-13)
    spent, _ = quad(
        lambda a: first.pdf(a) * second.sf(a - bound), low, high, epsabs=1e-12, limit=400,
        points=np.linspace(low, high, 40)[1:-1],
    )  # fmt: skip
    # the bound is within 1e-9 of the quantile, where the density is some tens
    assert risk - 1e-6 < spent <= risk


def test_a_good_choice_gains_and_a_bad_one_costs_little():
    rng = np.random.default_rng(1)
    gains, losses = [], []
    for _ in range(20):
        scores = two_levels(rng, 4000, 0.1, 0.4)
        search = tv_lower_bound(*scores, method="adaptive").lower
        gains.append(favoured_rank_bound(*scores, 0.55).lower - search)
        losses.append(search - favoured_rank_bound(*scores, 0.02).lower)
    # the search pays about 3.3 standard deviations of 0.011 for its ranks, one rank 1.75
    assert np.median(gains) > 0.008
    assert np.median(losses) < 0.006


def test_the_miss_share_is_not_idle():
    # At the right rank and no distance the chosen rank's own risk is nearly spent.
    rng = np.random.default_rng(2)
    alarms = sum(favoured_rank_bound(*rng.random((2, 400)), 0.5, 0.5).lower > 0 for _ in range(200))
    # its share of the risk is 0.4; 58 and 120 are 3.2 standard deviations away from 80 and 100
    assert 58 <= alarms <= 120


def test_the_best_share_is_where_the_sides_differ_most():
    scores = np.array([0.1, 0.2, 0.2, 0.3, 0.8, 0.9])
    origin = np.array([0, 0, 0, 1, 1, 1])
    assert best_share(scores, origin) == pytest.approx(3 / 6)
    # not within a run of ties
    assert best_share(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 1, 0, 1])) in (0.5, 1.0)


def test_the_result_says_how_it_was_made():
    assert favoured_rank_bound([0.0, 0.1], [0.2, 0.3], 0.5).method == "favoured"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"share = 1.5 is not in \[0, 1\]"):
        favoured_rank_bound([0.0], [0.0], 1.5)
    with pytest.raises(ValueError, match="confidence = 1 must"):
        favoured_rank_bound([0.0], [0.0], 0.5, 1.0)
    with pytest.raises(ValueError, match=r"generated_scores\[1\] is NaN"):
        favoured_rank_bound([0.0], [0.0, np.nan], 0.5)

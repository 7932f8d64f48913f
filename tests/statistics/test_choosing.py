"""Choosing by a score, against brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr

from adainf_core.statistics.choosing import grouped_rank_correlation, points_lost, taken_by
from adainf_core.statistics.intervals import t_interval

RNG = np.random.default_rng(3)
ACCURACY, SCORE = RNG.normal(60, 3, (6, 4)), RNG.normal(size=(6, 4))
MENUS = ([0, 1, 2], [0, 3, 4, 5])


def test_what_is_taken_and_lost_is_counted_seed_by_seed():
    lost = np.zeros(4)
    for menu in MENUS:
        best = max(menu, key=lambda arm: np.mean(ACCURACY[arm]))
        for seed in range(4):
            chosen = max(menu, key=lambda arm, seed=seed: SCORE[arm, seed])
            lost[seed] += (ACCURACY[best, seed] - ACCURACY[chosen, seed]) / len(MENUS)
    tables = [ACCURACY[menu] for menu in MENUS]
    taken = [taken_by(SCORE[menu], ACCURACY[menu]) for menu in MENUS]
    assert points_lost(tables, taken, 0.9) == t_interval(lost, 0.9)


def test_the_score_that_is_accuracy_loses_nothing_and_its_reverse_most():
    best = ACCURACY.mean(1, keepdims=True).repeat(4, 1)
    assert points_lost([ACCURACY], [taken_by(best, ACCURACY)]).value == 0
    worst = points_lost([ACCURACY], [taken_by(-best, ACCURACY)]).value
    assert worst == pytest.approx(np.ptp(ACCURACY.mean(1)))
    assert grouped_rank_correlation(best, ACCURACY, [range(6)]).value == pytest.approx(1)
    assert grouped_rank_correlation(-best, ACCURACY, [range(6)]).value == pytest.approx(-1)


def test_correlations_are_scipys_and_their_interval_that_of_all_draws_of_seeds():
    def correlation(draw):
        sides = [table[:, draw].mean(1) for table in (SCORE, ACCURACY)]
        return np.mean([spearmanr(*(s[menu] for s in sides)).statistic for menu in MENUS])

    found = grouped_rank_correlation(SCORE, ACCURACY, MENUS, 0.8, draws=20_000)
    assert found.value == pytest.approx(correlation([0, 1, 2, 3])) and found.n == 4
    every = np.sort([correlation(list(draw)) for draw in product(range(4), repeat=4)])
    # as many draws lie beyond either end as should, but for ties at the end itself
    for end, share in ((found.low, 0.1), (found.high, 0.9)):
        beneath, within = np.mean(every < end - 1e-9), np.mean(every < end + 1e-9)
        assert beneath - 0.01 <= share <= within + 0.01


def test_a_score_that_does_not_vary_has_no_correlation():
    assert grouped_rank_correlation(np.ones((6, 4)), ACCURACY, MENUS).value == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: taken_by(SCORE[:2], ACCURACY), "score has shape"),
        (lambda: taken_by(SCORE * np.nan, ACCURACY), "have to be finite"),
        (lambda: points_lost([], []), "0 menus and 0 choices"),
        (lambda: points_lost([ACCURACY], [ACCURACY]), "a menu has shape"),
        (
            lambda: points_lost([ACCURACY, ACCURACY[:, :3]], [ACCURACY[0], ACCURACY[0, :3]]),
            "different numbers of seeds",
        ),
        (lambda: grouped_rank_correlation(SCORE, ACCURACY, [[0]]), "of two arms or more"),
    ],
)
def test_what_cannot_be_is_one_line(call, says):
    with pytest.raises(ValueError, match=says):
        call()

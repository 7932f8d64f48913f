"""What choosing by a score is worth, on records of a share grid that are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from adainf_core.evidence.studies import share_grid
from adainf_core.findings import ChoiceFindings
from adainf_core.findings.choices import ADAINF, RANDOM, WEAK
from adainf_core.statistics.intervals import t_interval

SEEDS = range(80, 85)
STUDY = share_grid.STUDY


@pytest.fixture(scope="module")
def accuracies():
    """By arm and seed: weak augmentation is 5 points better, and the place among arms counts."""
    rng = np.random.default_rng(0)
    level = dict(zip(STUDY.arms, rng.permutation(len(STUDY.arms)) / 10, strict=True))
    return {
        (arm, seed): 50 + 5 * arm.endswith("_weak") + level[arm] + rng.normal(0, 0.05)
        for arm in STUDY.arms
        for seed in SEEDS
    }


def made_up(make_record, accuracies):
    """Records whose RankMe is the accuracy, LiDAR its reverse, and α-ReQ the strength and noise."""
    rng = np.random.default_rng(1)
    return tuple(
        replace(
            make_record(arm, seed),
            study="share-grid",
            scale="laptop",
            metrics={
                "linear": value,
                "score_rankme": value,
                "score_lidar": -value,
                "score_alpha_req": -10.0 * arm.endswith("_strong") + rng.normal(),
                "score_loss": rng.normal(),
            },
        )
        for (arm, seed), value in accuracies.items()
    )


@pytest.fixture
def found(make_record, accuracies):
    return ChoiceFindings(given=made_up(make_record, accuracies))


def lost_by(accuracies, take):
    """Points lost by brute force; `take` gives the accuracy that is taken of a menu at a seed."""
    by_seed = []
    for seed in SEEDS:
        each = []
        for menu in share_grid.MENUS:
            best = max(menu, key=lambda arm: sum(accuracies[arm, s] for s in SEEDS))
            each.append(accuracies[best, seed] - take(menu, seed))
        by_seed.append(np.mean(each))
    return t_interval(by_seed)


def test_points_lost_are_those_of_brute_force(found, accuracies):
    def best(menu, seed):
        return max(accuracies[arm, seed] for arm in menu)

    def worst(menu, seed):
        return min(accuracies[arm, seed] for arm in menu)

    same = pytest.approx
    for metric, take in (("score_rankme", best), ("score_lidar", worst)):
        expected, lost = lost_by(accuracies, take), found.worth(metric).lost
        assert (lost.value, lost.low, lost.high) == same(
            (expected.value, expected.low, expected.high)
        )
    for way, take in (
        (RANDOM, lambda menu, seed: np.mean([accuracies[arm, seed] for arm in menu])),
        (WEAK, lambda menu, seed: accuracies["none_weak", seed]),
        (ADAINF, lambda menu, seed: accuracies[
            next(arm for arm in menu if arm.endswith("_1_3_weak")), seed]),
    ):  # fmt: skip
        expected = lost_by(accuracies, take)
        assert found.lost_without(way).value == same(expected.value)
        gained = found.worth("score_rankme").gained[way].value
        assert gained == same(expected.value - found.worth("score_rankme").lost.value)


def test_correlations_are_means_over_menus_and_over_strengths(found, accuracies):
    worth = found.worth("score_alpha_req")
    by_arm = {arm: found.mean(arm) for arm in STUDY.arms}
    score = {arm: found.mean(arm, "score_alpha_req") for arm in STUDY.arms}

    def rho(arms):
        return spearmanr([by_arm[arm] for arm in arms], [score[arm] for arm in arms]).statistic

    assert worth.ranks.value == pytest.approx(np.mean([rho(menu) for menu in share_grid.MENUS]))
    halves = [[arm for arm in menu if arm.endswith(end)]
              for menu in share_grid.MENUS for end in ("_strong", "_weak")]  # fmt: skip
    assert worth.within.value == pytest.approx(np.mean([rho(half) for half in halves]))


def test_a_score_that_only_tracks_strength_is_named_as_such(found):
    assert {m for m, worth in found.worths.items() if worth.only_strength} == {"score_alpha_req"}
    rows = {row[0] for row in found.worth_table().rows}
    assert "α-ReQ (only strength)" in rows and "RankMe" in rows and "always AdaInf" in rows


def test_scores_that_earn_their_place_are_those_whose_claim_holds(found):
    assert next(iter(found.worths)) == "score_rankme"
    assert found.earned[0] == "score_rankme" and "score_lidar" not in found.earned
    figure = found.worth_forest()
    assert "RankMe" in figure.alt and "not run" not in figure.alt
    assert "always weak only" in figure.svg


def test_nothing_is_said_before_all_planned_runs_are_in(found, tmp_path):
    for early in (ChoiceFindings(root=tmp_path), ChoiceFindings(given=found.records[:-1])):
        assert early.worths == {} and early.earned == [] and early.lost_without(WEAK) is None
        assert early.worth_table().rows[0][0] == "not run yet"
        assert "not run yet" in early.worth_forest().alt

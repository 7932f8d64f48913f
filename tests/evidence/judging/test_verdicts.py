"""The rule of the ledger: at its edges, by hand, against least squares, and by simulation."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import t

from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN, BestLevel, Contrast, Term
from adainf_core.evidence.judging.verdicts import (
    NOT_RUN,
    Verdict,
    arm_difference,
    by_seed,
    judge,
    paired_only,
    verdict_word,
)
from adainf_core.statistics.intervals import Interval, PlausibleLevels, t_interval


def beats(better: str, worse: str, key: str = "k") -> Contrast:
    return Contrast(key, f"{better} beats {worse}", "trial", (Term(better, 1), Term(worse, -1)))


@pytest.fixture
def records(make_record):
    """Records of a table: values by arm, one a seed."""

    def made(table, seeds=None):
        return [
            make_record(arm=arm, seed=seed, linear=float(value))
            for arm, values in table.items()
            for seed, value in zip(seeds or range(len(values)), values, strict=True)
        ]

    return made


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.1, 2.0, "holds"),
        (0.1, 0.9, "holds, but negligible"),
        (-0.1, 2.0, "not decided"),
        (-0.5, 0.9, "does not hold"),
        (-3.0, -1.0, "does not hold"),
        (0.0, MARGIN, "not decided"),
        (np.nextafter(0, 1), MARGIN, "holds"),
        (0.0, np.nextafter(MARGIN, 0), "does not hold"),
    ],
)
def test_rule_at_its_edges(low, high, word):
    assert verdict_word(Interval((low + high) / 2, low, high, 5)) == word


def test_a_verdict_in_words():
    found = Verdict(beats("a", "b"), "holds", Interval(2.0, 1.0, 3.0, 5))
    assert found.said == "+2.00 [+1.00, +3.00] points, n = 5"
    assert str(found) == f"{found.said}: holds"
    best = PlausibleLevels(10.0, 5.0, 10.0, (5.0, 10.0), 3, 0.95)
    claim = BestLevel("n", "N is 10", "trial", ((5, "a"), (10, "b")), (10, 10))
    assert (
        Verdict(claim, "not decided", best=best).said == "highest at 10, not excluded 5, 10, n = 3"
    )
    assert str(Verdict(claim, NOT_RUN)) == "not run yet"


def test_the_margin_moves_the_word():
    verdict = Verdict(beats("a", "b"), "holds, but negligible", Interval(0.5, 0.2, 0.8, 5))
    assert verdict.at_margin(1.0) == "holds, but negligible"
    assert verdict.at_margin(0.5) == "holds"
    assert Verdict(beats("a", "b"), NOT_RUN).at_margin(0.5) == NOT_RUN


RNG = np.random.default_rng(5)
SEEDS, ARMS = 5, "abcd"
TABLE = {arm: RNG.normal(50 + i, 1, SEEDS) for i, arm in enumerate(ARMS)}


def least_squares_deviation(table) -> tuple[float, int]:
    """Residual deviation and freedom of value ~ arm + seed, by dummies and `lstsq`."""
    arms, seeds = list(table), range(len(next(iter(table.values()))))
    rows, values = [], []
    for (i, arm), seed in product(enumerate(arms), seeds):
        row = np.zeros(len(arms) + len(seeds))
        row[i] = row[len(arms) + seed] = 1
        rows.append(row)
        values.append(table[arm][seed])
    design, y = np.array(rows), np.array(values)
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    freedom = len(y) - np.linalg.matrix_rank(design)
    return float(np.sqrt(((y - fitted) ** 2).sum() / freedom)), int(freedom)


def test_contrast_by_hand(records):
    # a family of one pair has as many degrees of freedom as its own values, and their deviation
    (verdict,) = judge((beats("b", "a"),), records({arm: TABLE[arm] for arm in "ab"}))
    values = TABLE["b"] - TABLE["a"]
    half = t.ppf(0.975, SEEDS - 1) * values.std(ddof=1) / np.sqrt(SEEDS)
    found = verdict.difference
    assert (found.mean, found.n, found.confidence) == (pytest.approx(values.mean()), SEEDS, 0.95)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))
    assert verdict.agreeing == int((values > 0).sum())
    assert paired_only(verdict, records(TABLE)).difference.low == pytest.approx(found.low)


def test_the_block_lends_deviation_and_freedom(records):
    claims = (beats("b", "a", "1"), beats("c", "a", "2"), beats("d", "a", "3"))
    deviation, freedom = least_squares_deviation(TABLE)
    assert freedom == (len(ARMS) - 1) * (SEEDS - 1)
    for verdict, arm in zip(judge(claims, records(TABLE)), "bcd", strict=True):
        values = TABLE[arm] - TABLE["a"]
        wider = max(values.std(ddof=1), np.sqrt(2) * deviation)
        half = t.ppf(1 - 0.05 / 3 / 2, freedom) * wider / np.sqrt(SEEDS)
        assert verdict.difference.confidence == pytest.approx(1 - 0.05 / 3)
        assert verdict.difference.high - values.mean() == pytest.approx(half)
        # alone, its own deviation and four degrees of freedom at the same confidence
        alone = paired_only(verdict, records(TABLE)).difference
        own = t.ppf(1 - 0.05 / 3 / 2, SEEDS - 1) * values.std(ddof=1) / np.sqrt(SEEDS)
        assert alone.high - values.mean() == pytest.approx(own)


def test_a_contrast_of_four_arms_weighs_the_deviation(records):
    # d is such that the contrast is 3 at every seed: only the block knows how uncertain it is
    table = TABLE | {"d": TABLE["b"] - TABLE["a"] + TABLE["c"] - 3}
    terms = (Term("b", 1), Term("a", -1), Term("d", -1), Term("c", 1))
    both = (Contrast("k", "gains more", "trial", terms), beats("b", "a"))
    verdict, _ = judge(both, records(table))
    deviation, freedom = least_squares_deviation(table)
    half = t.ppf(1 - 0.05 / 4, freedom) * 2 * deviation / np.sqrt(SEEDS)  # root of four weights
    assert verdict.difference.mean == pytest.approx(3) and verdict.agreeing == SEEDS
    assert verdict.difference.high - 3 == pytest.approx(half)


def test_a_seed_s_luck_is_no_evidence(records):
    # seeds differ by 10 points, arms of a seed by 0.1 about their difference of 2
    luck = np.arange(4) * 10.0
    table = {"a": luck + [2.1, 1.9, 2.0, 2.1], "b": luck}
    up, down = judge((beats("a", "b"), beats("b", "a")), records(table))
    assert (up.word, down.word) == ("holds", "does not hold")
    assert (up.phrase, down.phrase) == ("holds", "does not hold, reversed")
    assert up.difference.mean == pytest.approx(2.025) == -down.difference.mean
    assert (up.agreeing, down.agreeing) == (4, 0)


def test_only_shared_seeds_count(records):
    made = records({"a": [1.0, 2.0, 3.0]}) + records({"b": [0.0, 0.0]}, seeds=[1, 2])
    (verdict,) = judge((beats("a", "b"),), made)
    assert verdict.difference.mean == 2.5 and verdict.difference.n == 2
    shuffled = [made[i] for i in (3, 0, 4, 2, 1)]
    assert judge((beats("a", "b"),), shuffled) == [verdict]


def test_a_metric_other_than_the_linear_one_is_read(make_record):
    made = [
        make_record(arm=arm, seed=seed, metrics={"linear": 1.0 * seed, "online": online + seed})
        for arm, online in (("a", 3.0), ("b", 1.0))
        for seed in range(3)
    ]
    claim = Contrast("k", "", "trial", (Term("a", 1.0, "online"), Term("b", -1.0, "online")))
    (verdict,) = judge((claim,), made)
    assert verdict.difference.mean == pytest.approx(2) and verdict.word == "holds"
    assert by_seed(made, "a", "online") == {0: 3.0, 1: 4.0, 2: 5.0}
    assert by_seed(made, "b") == {0: 0.0, 1: 1.0, 2: 2.0}


def test_too_few_seeds_are_not_run(records):
    claims = (beats("a", "b"), beats("a", "c"), beats("c", "b"))
    table = {"a": [1.0, 2.0, 3.0], "b": [0.0, 0.5, 0.1], "c": [4.0]}
    first, second, third = judge(claims, records(table))
    assert first.word != NOT_RUN and second.word == third.word == NOT_RUN
    assert second.difference is None and second.agreeing == 0
    assert paired_only(second, records(table)) == second
    # what has not been run still counts in the correction: it was asked
    assert first.difference.confidence == pytest.approx(1 - 0.05 / 3)
    assert [v.word for v in judge(claims, [])] == [NOT_RUN] * 3


def test_more_claims_widen_the_intervals(records):
    made = records({"a": [0.0, 3.0, 4.0], "c": [0.0, 6.0, 8.0]})
    (alone,), (among, *_) = judge((beats("c", "a"),), made), judge((beats("c", "a"),) * 5, made)
    assert alone.difference.confidence == pytest.approx(CONFIDENCE)
    assert among.difference.confidence == pytest.approx(0.99)
    assert among.difference.low < alone.difference.low


# ---- the best level

LEVELS = ((0.1, "a"), (0.2, "b"), (0.4, "c"))


def best(low: float, high: float) -> BestLevel:
    return BestLevel("k", "", "trial", LEVELS, (low, high))


@pytest.mark.parametrize(
    ("means", "claimed", "word"),
    [
        ((1, 9, 1), (0.2, 0.2), "holds"),
        ((1, 9, 1), (0.05, 0.3), "holds"),
        ((9, 9, 1), (0.2, 0.2), "not decided"),
        ((9, 9, 1), (0.1, 0.2), "holds"),
        ((9, 9, 1), (0.3, 0.5), "does not hold"),
        ((1, 9, 1), (0.4, 0.4), "does not hold"),
    ],
)
def test_a_best_level_holds_where_all_that_is_plausible_is_claimed(records, means, claimed, word):
    noise = np.random.default_rng(2).normal(0, 0.1, (3, 5))
    table = {arm: mean + row for (_, arm), mean, row in zip(LEVELS, means, noise, strict=True)}
    (verdict,) = judge((best(*claimed),), records(table))
    assert verdict.word == word and verdict.difference is None
    assert verdict.at_margin(9.0) == word and paired_only(verdict, []) == verdict


def test_a_best_level_uses_the_block_too(records):
    # b leads a by 3, and so steadily that alone it would be sure; d's noise is in the same block
    quiet = {"a": [6.0, 6.1, 6.0], "b": [9.0, 9.1, 9.0], "c": [1.0, 1.1, 1.0]}
    claims = (best(0.2, 0.2), beats("b", "d"))
    steady, _ = judge(claims, records(quiet | {"d": [1.0, 1.1, 1.0]}))
    noisy, _ = judge(claims, records(quiet | {"d": [-9.0, 11.0, 0.0]}))
    assert steady.word == "holds" and steady.best.plausible == (0.2,)
    assert noisy.word == "not decided" and set(noisy.best.plausible) > {0.2}
    (missing,) = judge((best(0.2, 0.2),), records({"a": [1.0, 2.0]}))
    assert missing.word == NOT_RUN and missing.best is None


# ---- how often the rule errs

DRAWS = 800
_OFF = 3 * (0.05 * 0.95 / DRAWS) ** 0.5  # three sigma of a rate of 5 %


def family_wise_misses(make_record, deviations, seeds: int) -> float:
    """How often some interval of a family, each arm against the first, misses its difference."""
    arms = [f"arm{i}" for i in range(len(deviations))]
    claims = tuple(beats(arm, arms[0], arm) for arm in arms[1:])
    rng, misses = np.random.default_rng(0), 0
    # records are made once: the judge reads nothing but their values
    made = [(make_record(arm=arm, seed=seed), i, seed) for i, arm in enumerate(arms)
            for seed in range(seeds)]  # fmt: skip
    for _ in range(DRAWS):
        luck = rng.normal(0, 3, seeds)  # of a seed, shared by its arms
        values = luck + rng.normal(size=(len(arms), seeds)) * np.reshape(deviations, (-1, 1))
        for record, i, seed in made:
            record.metrics["linear"] = values[i, seed]
        verdicts = judge(claims, [record for record, _, _ in made])
        misses += any(not v.difference.low <= 0 <= v.difference.high for v in verdicts)
    return misses / DRAWS


def test_of_equal_arms_one_family_in_twenty_errs_at_most(make_record):
    # fewer, for each standard error is the larger of two and the differences share an arm
    assert 0.005 < family_wise_misses(make_record, [1.0] * 6, 3) < 0.05 + _OFF


def test_one_unruly_arm_on_three_seeds_costs_coverage(make_record):
    # What the rule pays for lending freedom: where one arm of six has four times the deviation, the
    # block's is too small for it, and its own, of three values, is read with the block's freedom.
    # 2,000 draws gave 6.8 % (an arm that is compared) and 13.0 % (the one all are compared with),
    # not 5 %; with five seeds 5.5 % (compared).
    compared = family_wise_misses(make_record, [1.0] * 5 + [4.0], 3)
    reference = family_wise_misses(make_record, [4.0] + [1.0] * 5, 3)
    assert 0.03 < compared < 0.10 and 0.09 < reference < 0.17


def test_an_arm_less_another_is_paired_by_seed(records):
    found = arm_difference(records({"a": [3.0, 5.0, 4.0], "b": [1.0, 2.0, 3.0]}), "a", "b")
    assert found == t_interval([2.0, 3.0, 1.0])
    with pytest.raises(ValueError, match="two common seeds"):
        arm_difference(records({"a": [3.0], "b": [1.0]}), "a", "b")

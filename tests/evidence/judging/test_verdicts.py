"""The rule of the ledger: at its edges, by hand, against least squares, and by simulation."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import t

from adainf_core.evidence.judging.claims import (
    CONFIDENCE,
    MARGIN,
    BestLevel,
    Bracketed,
    Chosen,
    Contrast,
    Known,
    LeastRatio,
    Ranking,
    Term,
)
from adainf_core.evidence.judging.verdicts import (
    Outcome,
    Verdict,
    by_seed,
    judge,
    judge_study,
    outcome_of,
    paired_only,
)
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.statistics.intervals import (
    Interval,
    PlausibleLevels,
    paired_difference,
    t_interval,
)


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
    assert outcome_of(Interval((low + high) / 2, low, high, 5)) == word


def test_a_strict_interval_is_the_wider_of_the_block_s_and_its_own(records):
    quiet, loud = beats("a", "b", "quiet"), beats("a", "c", "loud")
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(10, 0.1, 4), "b": rng.normal(8, 0.1, 4), "c": rng.normal(8, 2.0, 4)}
    plain = judge([quiet, loud], records(table))
    strict = judge([quiet, loud], records(table), strict=True)
    level = 1 - (1 - CONFIDENCE) / 2
    own = [paired_difference(*(dict(enumerate(table[arm])) for arm in pair), level)
           for pair in ("ab", "ac")]  # fmt: skip
    # the block lends the loud arm's noise to the quiet one, and its freedom to the loud one
    assert plain[0].difference.high > own[0].high and plain[1].difference.high < own[1].high
    assert strict[0].difference == plain[0].difference
    assert [strict[1].difference.low, strict[1].difference.high] == pytest.approx(
        [own[1].low, own[1].high]
    )


def test_a_strict_study_is_judged_once_all_that_a_claim_reads_is_there(records):
    claims = (beats("a", "b", "first"), beats("a", "c", "second"))
    arms = {arm: Arm(arm) for arm in "abc"}
    study = Study("trial", "?", arms, {"quick": Layout(None, seeds=(3, 3))}, claims, strict=True)
    table = {"a": [3.0, 3.1, 3.2], "b": [1.0, 1.2, 1.1], "c": [1.0, 1.1, 1.3]}
    half = [r for r in records(table) if (r.arm, r.seed) != ("c", 2)]
    words = [[v.outcome for v in judge_study(s, "quick", half)]
             for s in (study, replace(study, strict=False))]  # fmt: skip
    assert words == [["holds", Outcome.NOT_RUN], ["holds", "holds"]]
    assert judge_study(study, "quick", records(table)) == judge(claims, records(table), strict=True)


def test_a_verdict_in_words():
    found = Verdict(beats("a", "b"), "holds", Interval(2.0, 1.0, 3.0, 5))
    assert found.summary == "+2.00 [+1.00, +3.00] points, n = 5"
    assert str(found) == f"{found.summary}: holds"
    best = PlausibleLevels(10.0, 5.0, 10.0, 3, (5.0, 10.0))
    claim = BestLevel("n", "N is 10", "trial", ((5, "a"), (10, "b")), (10, 10))
    assert (
        Verdict(claim, "not decided", best=best).summary
        == "highest at 10 (cannot be excluded as the best: 5, 10), n = 3"
    )
    assert str(Verdict(claim, Outcome.NOT_RUN)) == "not run yet"


def test_an_outcome_is_its_string():
    words = {"holds", "does not hold", "holds, but negligible", "not decided", "not run"}
    assert set(Outcome) == words and {repr(o) for o in Outcome} == {repr(w) for w in words}
    assert f"{Outcome.HOLDS:8}|{Outcome.HOLDS}" == "holds   |holds"


def test_the_margin_moves_the_word():
    verdict = Verdict(beats("a", "b"), "holds, but negligible", Interval(0.5, 0.2, 0.8, 5))
    assert verdict.at_margin(1.0) == "holds, but negligible"
    assert verdict.at_margin(0.5) == "holds"
    assert Verdict(beats("a", "b"), Outcome.NOT_RUN).at_margin(0.5) == Outcome.NOT_RUN


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
    assert (found.value, found.n, found.confidence) == (pytest.approx(values.mean()), SEEDS, 0.95)
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
    assert verdict.difference.value == pytest.approx(3) and verdict.agreeing == SEEDS
    assert verdict.difference.high - 3 == pytest.approx(half)


def test_a_seed_s_luck_is_no_evidence(records):
    # seeds differ by 10 points, arms of a seed by 0.1 about their difference of 2
    luck = np.arange(4) * 10.0
    table = {"a": luck + [2.1, 1.9, 2.0, 2.1], "b": luck}
    up, down = judge((beats("a", "b"), beats("b", "a")), records(table))
    assert (up.outcome, down.outcome) == ("holds", "does not hold")
    assert (up.words, down.words) == ("holds", "costs accuracy")
    assert up.difference.value == pytest.approx(2.025) == -down.difference.value
    assert (up.agreeing, down.agreeing) == (4, 0)


def test_only_shared_seeds_count(records):
    made = records({"a": [1.0, 2.0, 3.0]}) + records({"b": [0.0, 0.0]}, seeds=[1, 2])
    (verdict,) = judge((beats("a", "b"),), made)
    assert verdict.difference.value == 2.5 and verdict.difference.n == 2
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
    assert verdict.difference.value == pytest.approx(2) and verdict.outcome == "holds"
    assert by_seed(made, "a", "online") == {0: 3.0, 1: 4.0, 2: 5.0}
    assert by_seed(made, "b") == {0: 0.0, 1: 1.0, 2: 2.0}


def test_too_few_seeds_are_not_run(records):
    claims = (beats("a", "b"), beats("a", "c"), beats("c", "b"))
    table = {"a": [1.0, 2.0, 3.0], "b": [0.0, 0.5, 0.1], "c": [4.0]}
    first, second, third = judge(claims, records(table))
    assert first.outcome != Outcome.NOT_RUN and second.outcome == third.outcome == Outcome.NOT_RUN
    assert second.difference is None and second.agreeing == 0
    assert paired_only(second, records(table)) == second
    # what has not been run still counts in the correction: it was asked
    assert first.difference.confidence == pytest.approx(1 - 0.05 / 3)
    assert [v.outcome for v in judge(claims, [])] == [Outcome.NOT_RUN] * 3


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
    assert verdict.outcome == word and verdict.difference is None
    assert verdict.at_margin(9.0) == word and paired_only(verdict, []) == verdict


def test_a_best_level_uses_the_block_too(records):
    # b leads a by 3, and so steadily that alone it would be sure; d's noise is in the same block
    quiet = {"a": [6.0, 6.1, 6.0], "b": [9.0, 9.1, 9.0], "c": [1.0, 1.1, 1.0]}
    claims = (best(0.2, 0.2), beats("b", "d"))
    steady, _ = judge(claims, records(quiet | {"d": [1.0, 1.1, 1.0]}))
    noisy, _ = judge(claims, records(quiet | {"d": [-9.0, 11.0, 0.0]}))
    assert steady.outcome == "holds" and steady.best.plausible == (0.2,)
    assert noisy.outcome == "not decided" and set(noisy.best.plausible) > {0.2}
    (missing,) = judge((best(0.2, 0.2),), records({"a": [1.0, 2.0]}))
    assert missing.outcome == Outcome.NOT_RUN and missing.best is None


# ---- known between two sides


def bracketed(key, low, high, margin=1.0, **other):
    pairs = ((Known("a", low, high), Known("b", low, high)),)
    return Bracketed(key, "a exceeds b", "trial", pairs, margin, **other)


@pytest.fixture
def sided(make_record):
    """Five seeds of two arms, known within `width`: a exceeds b by `lead`, give or take 0.01."""

    def made(lead, width):
        noise = np.random.default_rng(3).normal(0, 0.01, (2, 5))
        return [
            make_record(arm, seed, metrics={"low": value, "high": value + width})
            for row, (arm, mean) in enumerate((("a", 10 + lead), ("b", 10.0)))
            for seed, value in enumerate(mean + noise[row])
        ]

    return made


@pytest.mark.parametrize(
    ("lead", "width", "outcome"),
    [
        (3.0, 0.5, "holds"),
        (0.7, 0.1, "holds, but negligible"),
        (3.0, 4.0, "not decided"),
        (0.1, 0.5, "does not hold"),
        (-3.0, 0.5, "does not hold, reversed"),
    ],
)
def test_a_bracket_is_judged_by_both_its_ends(sided, lead, width, outcome):
    made = sided(lead, width)
    (verdict,) = judge((bracketed("k", "low", "high"),), made)
    low, high = ({arm: by_seed(made, arm, side) for arm in "ab"} for side in ("low", "high"))
    (bracket,) = verdict.brackets
    assert bracket.least == paired_difference(low["a"], high["b"])
    assert bracket.greatest == paired_difference(high["a"], low["b"])
    assert verdict.words == outcome
    assert (verdict.decisive.low, verdict.decisive.high) == (
        bracket.least.low,
        bracket.greatest.high,
    )


def test_the_weakest_comparison_decides_and_all_are_corrected_for(sided):
    made = sided(3.0, 0.5)
    both = bracketed("k", "low", "high").comparisons * 2
    turned = both[0][::-1]  # b exceeds a: refuted
    claims = (
        Bracketed("one", "", "trial", (*both, turned), 1.0),
        Bracketed("two", "", "trial", both, 1.0),
    )
    one, two = judge(claims, made)
    assert (one.outcome, two.outcome) == ("does not hold", "holds")
    assert not one.reversed  # at some comparison, not at all
    assert {b.least.confidence for b in one.brackets} == {1 - (1 - CONFIDENCE) / 5}


def test_the_place_of_a_least_ratio(make_record):
    place = LeastRatio((("x", "p"), ("x", "q"), ("x", "zero")))
    made = [
        make_record(arm, seed, metrics={"x": 1.0, "p": p, "q": 2.0, "zero": 0.0})
        for arm, ps in (("a", (1.0, 1.0, 1.0)), ("b", (3.0, 3.0, 1.0)))
        for seed, p in enumerate(ps)
    ]
    # nothing over zero is the least: a has places 1, 1, 1 and b 0, 0, 1
    (verdict,) = judge((bracketed("k", place, place, 0.5, same_side=True),), made)
    assert verdict.brackets[0].least == t_interval([1.0, 1.0, 0.0])


def test_the_same_side_is_read_twice(make_record):
    made = [
        make_record(arm, seed, metrics={"low": low + 0.1 * seed * (arm == "a"), "high": high})
        for arm, low, high in (("a", 5.0, 9.0), ("b", 1.0, 6.0))
        for seed in range(3)
    ]
    (verdict,) = judge((bracketed("k", "low", "high", same_side=True),), made)
    (bracket,) = verdict.brackets  # 4.1 read low, 3 read high: the lower one is the least
    assert (bracket.least.value, bracket.greatest.value) == (3.0, pytest.approx(4.1))


def test_brackets_without_two_shared_seeds_are_not_run(sided):
    claim = bracketed("k", "low", "high")
    made = sided(3.0, 0.5)
    for records in ([], made[:6], [r for r in made if r.arm == "a"]):
        (verdict,) = judge((claim,), records)
        assert verdict == Verdict(claim, Outcome.NOT_RUN)
    assert judge((claim,), made[:7])[0].outcome == "holds"


# ---- rankings

TRUTH = tuple(float(place) for place in range(12))
RANKED = tuple(f"r{place}" for place in range(12))


def ranking(key="k", **other):
    return Ranking(
        key, "m ranks", "trial", **{"measure": "m", "truth": TRUTH, "ranked": RANKED} | other
    )


@pytest.fixture
def ranked(make_record):
    """A record an arm and seed: m is `measure(place, seed)`, found the place and a little."""

    def made(measure, seeds=2):
        return [
            make_record(arm, seed, metrics={"m": measure(place, seed), "found": place + 0.1 * seed})
            for place, arm in enumerate(RANKED)
            for seed in range(seeds)
        ]

    return made


@pytest.mark.parametrize("truth", [TRUTH, "found"])
@pytest.mark.parametrize(
    ("sign", "threshold", "outcome"),
    [
        (1, 0.0, "holds"),
        (1, 0.8, "holds"),
        (-1, 0.0, "does not hold, reversed"),
        (-1, 0.8, "does not hold, reversed"),
    ],
)
def test_a_ranking_is_held_against_its_threshold(ranked, truth, sign, threshold, outcome):
    claim = ranking(truth=truth, sign=sign, threshold=threshold)
    (verdict,) = judge((claim,), ranked(lambda place, seed: place**3.0))
    assert verdict.words == outcome and verdict.correlation.value == sign
    assert verdict.summary == f"rank correlation {verdict.correlation:+.2f}, n = 12"


def test_a_loose_ranking_is_between_two_thresholds(ranked):
    noise = np.random.default_rng(0).normal(0, 3, 12)
    made = ranked(lambda place, seed: place + noise[place])
    (above, below) = judge((ranking("p", primary=True), ranking(threshold=0.8)), made)
    assert (above.outcome, below.outcome) == ("holds", "not decided")
    (inverse,) = judge((ranking(threshold=0.8),), ranked(lambda place, seed: noise[place]))
    assert inverse.outcome == "does not hold" and not inverse.reversed


def test_the_primary_ranking_has_the_whole_confidence(ranked):
    claims = (ranking("p", primary=True), *(ranking(str(i)) for i in range(5)))
    verdicts = judge(claims, ranked(lambda place, seed: place))
    assert [v.correlation.confidence for v in verdicts] == pytest.approx([0.95] + [0.99] * 5)


def test_a_ranking_waits_for_all_its_arms(ranked):
    made = ranked(lambda place, seed: place)
    for truth in (TRUTH, "found"):
        claim = ranking(truth=truth)
        assert judge((claim,), made[2:]) == [Verdict(claim, Outcome.NOT_RUN)]
        assert judge((claim,), []) == [Verdict(claim, Outcome.NOT_RUN)]
        shuffled = [made[i] for i in np.random.default_rng(0).permutation(len(made))]
        assert judge((claim,), shuffled) == judge((claim,), made)


# ---- families


def test_kinds_do_not_correct_each_other(records, sided):
    made = [*records(TABLE), *sided(3.0, 0.5)]
    for record in made:  # the same arms have both kinds of metrics
        record.metrics.setdefault("linear", 1.0)
    contrasts = (beats("c", "d", "1"), beats("d", "c", "2"))
    claims = (contrasts[0], bracketed("k", "low", "high"), contrasts[1])
    first, bracket, second = judge(claims, made)
    assert [first, second] == judge(contrasts, made)
    assert [bracket] == judge(claims[1:2], made)


def test_another_metric_stands_for_the_linear_one(make_record):
    made = [
        make_record(arm, seed, metrics={"linear": a + seed, "knn": b - 2.0 * seed, "online": 3.0})
        for arm, a, b in (("a", 3.0, 1.0), ("b", 1.0, 9.0), ("c", 0.0, 3.0))
        for seed in range(4)
    ]
    online = Contrast("o", "", "trial", (Term("a", 1.0, "online"), Term("b", -1.0)))
    claims = (beats("a", "b"), best(0.1, 0.1), online)
    forged = [replace(r, metrics=r.metrics | {"linear": r.metrics["knn"]}) for r in made]
    assert judge(claims, made, "knn") == judge(claims, forged) != judge(claims, made)
    assert {v.outcome for v in judge(claims, made, "absent")} == {Outcome.NOT_RUN}


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


# ---- choices


def chosen(score, menus, rival="", sign=1):
    return Chosen(f"by {score}", "pays", "trial", score, menus, rival, sign)


@pytest.fixture
def scored(make_record):
    """Three arms on three seeds: accuracies and a score, by arm."""
    table = {
        "a": ([40.0, 41.0, 42.0], [1.0, 5.0, 1.0]),
        "b": ([44.0, 43.0, 45.0], [2.0, 2.0, 3.0]),
        "c": ([42.0, 42.0, 42.0], [0.0, 0.0, 9.0]),
    }
    return [
        make_record(arm=arm, seed=seed, linear=accuracy,
                    metrics={"linear": accuracy, "score_x": score})
        for arm, (accuracies, scores) in table.items()
        for seed, (accuracy, score) in enumerate(zip(accuracies, scores, strict=True))
    ]  # fmt: skip


def test_a_choice_is_the_arm_with_the_best_score_seed_by_seed(scored):
    menus = (("a", "b"), ("b", "c"))
    most, least, random = judge(
        [
            chosen("score_x", menus, "c"),
            chosen("score_x", menus, "c", -1),
            chosen("score_x", menus),
        ],
        scored,
    )
    # of the first menu b, a, b are taken, of the second b, b, c
    values = np.array([[44 - 42, 41 - 42, 45 - 42], [44 - 42, 43 - 42, 42 - 42.0]])
    level = 1 - (1 - CONFIDENCE) / 3
    # menus of one seed share their runs: three observations, not six
    found, expected = most.difference, t_interval(values.mean(0), level)
    assert found.n == 3 and [found.value, found.low, found.high] == pytest.approx(
        [expected.value, expected.low, expected.high]
    )
    assert least.difference.value == pytest.approx(np.mean([-2, 1, 0, 0, 0, 3]))
    means = np.array([[42, 42, 43.5], [43, 42.5, 43.5]])
    assert random.difference.value == pytest.approx((values + 42 - means).mean())
    assert most.agreeing == 2


def test_a_choice_without_its_scores_is_not_run(scored, records):
    plain = records({"a": [1, 2.0], "b": [2, 3.0], "c": [1, 2.0]})
    claims = [chosen("score_x", (("a", "b"),), "c")]
    assert judge(claims, plain)[0].outcome == Outcome.NOT_RUN
    assert judge(claims, scored)[0].words in ("holds", "not decided")
    assert set(claims[0].arms) == {"a", "b", "c"}

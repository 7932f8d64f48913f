"""The gap a classifier sees: bounds that hold, a mirrored run that warns, bad input named."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from adainf_core.data.sprites import SpriteWorld
from adainf_core.gap.classifier_tv import MirrorWarning, _auc, classifier_tv
from adainf_core.theory.total_variation import gaussian_total_variation


class FirstColumn(BaseEstimator):
    """Scores rows by their first column; remembers nothing."""

    def fit(self, rows, origin):
        return self

    def predict_proba(self, rows):
        return np.stack([-rows[:, 0], rows[:, 0]], axis=1)


class Memory(BaseEstimator):
    """Knows the rows of side 1 that it was trained on, and nothing else."""

    def fit(self, rows, origin):
        self.known_ = {row.tobytes() for row in rows[origin == 1]}
        return self

    def predict_proba(self, rows):
        known = np.array([row.tobytes() in self.known_ for row in rows], dtype=float)
        return np.stack([1 - known, known], axis=1)


def test_copies_on_both_sides_fall_on_one_side_of_the_split():
    """A classifier that knows what it was trained on sees nothing of it among the others."""
    rows = np.random.default_rng(4).normal(size=(200, 3))
    rows[:, 1] = np.arange(200)  # a mark of the row
    plain = classifier_tv(rows, rows[::-1], classifier=Memory())
    assert plain.estimate.point == pytest.approx(0.5, abs=0.15)  # half of it was on the other side
    groups = [np.arange(200), np.arange(200)[::-1]]
    grouped = classifier_tv(rows, rows[::-1], classifier=Memory(), groups=groups)
    assert grouped.estimate.point == 0 and grouped.estimate.n_real == grouped.estimate.n_generated
    apart = [np.arange(200), np.arange(200, 400)]
    assert classifier_tv(rows, rows[::-1], classifier=Memory(), groups=apart).estimate.point > 0.3


def test_groups_that_do_not_fit_are_named():
    rows = np.random.default_rng(5).normal(size=(40, 2))
    for groups in ([np.arange(40)], [np.arange(40), np.arange(39)], [np.arange(40.0)] * 2):
        with pytest.raises(ValueError, match=r"groups = .*\(40,\), \(40,\)"):
            classifier_tv(rows, rows, groups=groups)
    with pytest.raises(ValueError, match="1 and 1 different rows, too few"):
        classifier_tv(rows, rows, groups=[np.zeros(40, int)] * 2)


def test_shifted_features_are_told_apart_and_the_bound_holds():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(2, 1200, 12))
    generated[:, :4] += 1.0
    result = classifier_tv(real, generated)
    # The shift is 2 standard deviations: 0.683. 600 held-out rows a side cost about 0.1.
    truth = gaussian_total_variation(0, 2, 1)
    assert truth - 0.16 < result.lower < truth
    assert result.sound and result.mirrored.lower == 0
    assert result.classifier == "LogisticRegression"  # the best possible detective is linear
    assert (result.estimate.n_real, result.estimate.n_generated) == (600, 600)
    assert (result.mirrored.n_real, result.mirrored.n_generated) == (300, 300)
    assert "real against real (300 + 300 held-out rows): 0" in str(result)


def test_raw_images_are_told_apart_where_no_line_would_do():
    world, rng = SpriteWorld(), np.random.default_rng(1)
    distributions = world.real_distribution(), world.flaw_distribution("blur")
    real, blurred = (
        world.sample(distribution, 500, rng).images.reshape(500, -1)
        for distribution in distributions
    )
    result = classifier_tv(real, blurred)
    # At distance 1; about 0.8 from 250 held-out images a side.
    assert 0.6 < result.lower < 1 and result.sound
    assert result.classifier == "ExtraTreesClassifier"


def test_equal_distributions_raise_no_alarm():
    rng = np.random.default_rng(2)
    alarms = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MirrorWarning)
        for seed in range(100):
            real, generated = rng.normal(size=(2, 200, 1))
            result = classifier_tv(real, generated, classifier=FirstColumn(), seed=seed)
            alarms += (result.lower > 0) + (not result.sound)
    # At most 5 % of 200; 25 is 4.8 standard errors above that.
    assert alarms < 25


def test_no_row_is_both_learnt_from_and_scored():
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=(2, 300, 3))
    assert classifier_tv(real, generated, classifier=Memory()).estimate.point == 0.0
    # Copies that reach both halves are what it must not be given; a half of each pair is known.
    copied = classifier_tv(real, np.repeat(generated, 2, axis=0), classifier=Memory())
    assert copied.lower > 0.2


def test_rows_in_a_telling_order_raise_the_alarm():
    rng = np.random.default_rng(4)
    real, generated = rng.normal(size=(2, 400, 2))
    ordered = real[np.argsort(real[:, 0])]
    with pytest.warns(MirrorWarning, match=r"real against real .* telling order"):
        result = classifier_tv(ordered, generated, classifier=LogisticRegression())
    assert not result.sound and result.mirrored.lower > 0.5
    assert "WARNING" in str(result)


def test_neighbouring_copies_raise_the_alarm():
    # Sixty films of ten frames each, next to each other; every film has a place of its own.
    rng = np.random.default_rng(5)
    films = np.repeat(rng.normal(size=(60, 30)), 10, axis=0) + 0.01 * rng.normal(size=(600, 30))
    with pytest.warns(MirrorWarning, match="frames of one film"):
        classifier_tv(films, rng.normal(size=(600, 30)), classifier=LogisticRegression())


def test_a_second_real_source_prepared_differently_raises_the_alarm():
    rng = np.random.default_rng(6)
    real, generated, again = rng.normal(size=(3, 400, 5))
    model = LogisticRegression()
    clean = classifier_tv(real, generated, real_again=again[:300], classifier=model)
    assert clean.sound
    assert (clean.mirrored.n_real, clean.mirrored.n_generated) == (150, 150)
    with pytest.warns(MirrorWarning, match="prepared differently"):
        classifier_tv(real, generated, real_again=again + 0.5, classifier=model)


def test_the_seed_decides_and_the_classifier_is_left_alone():
    rng = np.random.default_rng(7)
    real, generated = rng.normal(size=(2, 300, 4))
    model = LogisticRegression()
    runs = [classifier_tv(real, generated + 1, classifier=model, seed=s) for s in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert not hasattr(model, "coef_")


def test_method_and_confidence_are_passed_on():
    rng = np.random.default_rng(8)
    real, generated = rng.normal(size=(2, 400, 1))
    results = [
        classifier_tv(real, generated + 1, classifier=FirstColumn(), method=m, confidence=0.9)
        for m in ("ks", "adaptive")
    ]
    assert [r.estimate.method for r in results] == ["ks", "adaptive"]
    assert all(r.estimate.confidence == r.mirrored.confidence == 0.9 for r in results)
    assert results[0].estimate.point == results[1].estimate.point


ROWS = np.zeros((20, 3))
HOLE = np.where(np.arange(60).reshape(20, 3) == 37, np.nan, 0.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros((20, 3, 4, 4)), ROWS), {}, r"real has shape \(20, 3, 4, 4\): .*reshape"),
        ((ROWS, ROWS[:, :2]), {}, "generated has 2 columns and real 3"),
        ((ROWS, ROWS), {"real_again": ROWS[:, :1]}, "real_again has 1 columns"),
        ((ROWS[:7], ROWS), {}, "real has 7 rows: at least 8"),
        ((ROWS, ROWS[:3]), {}, "generated has 3 rows: at least 4"),
        ((ROWS, HOLE), {}, r"generated\[12\] is not finite"),
        ((ROWS.astype(str), ROWS), {}, "real has dtype"),
        ((ROWS, ROWS), {"confidence": 95}, "confidence = 95"),
        ((ROWS, ROWS), {"method": "bayes"}, "method='bayes'"),
        ((ROWS, ROWS), {"classifier": object()}, "needs the methods fit and predict_proba"),
    ],
)
def test_bad_input_is_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        classifier_tv(*arguments, **options)


def test_importing_the_gap_does_not_load_scikit_learn():
    code = (
        "import sys, adainf_core.gap.classifier_tv; "
        "assert not {'sklearn', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_accuracy_and_area_are_those_of_the_held_out_rows():
    rng = np.random.default_rng(9)
    real, generated = rng.normal(size=(2, 1000, 1))
    result = classifier_tv(real, generated + 1, classifier=LogisticRegression())
    # two unit Gaussians one apart: Φ(1/2) and Φ(1/√2); 0.016 is a standard error of 1,000 answers
    assert result.accuracy.value == pytest.approx(0.6915, abs=0.05)
    assert result.auc.value == pytest.approx(0.7602, abs=0.05)
    for found in (result.accuracy, result.auc):
        assert found.low < found.value < found.high and found.high - found.low < 0.08
        assert (found.n_real, found.n_generated) == (500, 500)
    assert result.mirrored_auc.low < 0.5 < result.mirrored_auc.high
    assert result.mirrored_accuracy.low < 0.5 < result.mirrored_accuracy.high


def test_their_intervals_cover():
    # A score that is known: the first column; its area and accuracy are exact.
    rng = np.random.default_rng(10)
    area = accuracy = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MirrorWarning)
        for _ in range(150):
            real, generated = rng.normal(size=(2, 120, 1))
            found = classifier_tv(real - 0.5, generated + 0.5, classifier=Sign(), method="ks")
            area += found.auc.low <= 0.76025 <= found.auc.high
            accuracy += found.accuracy.low <= 0.69146 <= found.accuracy.high
    # 95 % of 150 are 142.5; 133 is 3.5 standard deviations below
    assert min(area, accuracy) >= 133


@pytest.mark.parametrize("sign", [1, -1])
def test_the_area_of_rows_in_perfect_order_has_an_interval(sign):
    # generated scores lie beyond the real ones, but for a share of 1 - truth
    n, truth, runs = 40, 0.93, 200
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(runs):
        real, generated = rng.random(n), np.where(rng.random(n) < truth, 2.0, -1.0)
        found = _auc(sign * real, sign * generated, 0.95)
        assert found.high > found.low
        covered += found.low <= (truth if sign > 0 else 1 - truth) <= found.high
    # 95 % of 200 are 190; 180 is 3.2 standard deviations below. Rows in perfect order (5 % of the
    # runs) have an interval of no width without the limit of separate pairs.
    assert covered >= 180
    perfect = _auc(np.zeros(50), np.ones(20), 0.9)
    assert (perfect.low, perfect.high) == (pytest.approx(0.05 ** (1 / 20)), 1.0)


class Sign(FirstColumn):
    """The first column, as a probability."""

    def predict_proba(self, rows):
        high = 1 / (1 + np.exp(-rows[:, 0]))
        return np.stack([1 - high, high], axis=1)


def test_the_training_share_is_what_is_learnt_from():
    rng = np.random.default_rng(11)
    real, generated = rng.normal(size=(2, 400, 2))
    found = classifier_tv(real, generated + 1, classifier=FirstColumn(), training_share=0.25)
    assert (found.estimate.n_real, found.mirrored.n_real) == (300, 150)
    favoured = classifier_tv(
        real, generated + 2, classifier=LogisticRegression(), method="favoured"
    )
    assert 0 < favoured.lower < gaussian_total_variation(0, 8**0.5, 1)
    with pytest.raises(ValueError, match="training_share = 1 must"):
        classifier_tv(real, generated, training_share=1)


def test_classifiers_are_fitted_on_one_thread_and_the_pools_given_back():
    threads = []

    class Watched(LogisticRegression):
        def fit(self, *rows):
            threads.extend(pool["num_threads"] for pool in threadpool_info())
            return super().fit(*rows)

    with threadpool_limits(2):
        before = [pool["num_threads"] for pool in threadpool_info()]
        rows = np.random.default_rng(0).normal(size=(2, 40, 3))
        classifier_tv(*rows, classifier=Watched())
        assert [pool["num_threads"] for pool in threadpool_info()] == before
    assert set(threads) == {1} and 2 in before

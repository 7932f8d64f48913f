"""The studies of the gap: what is measured, and the rule that judges rankings."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.records import load_records
from adainf_core.evidence.runs.running import run_study
from adainf_core.evidence.studies.gap_experiment import MEASURES, FlawedSprites, GapExperiment
from adainf_core.evidence.studies.generator_gap import (
    GENERATOR_GAP,
    JUDGED,
    MORE_IS_BETTER,
    SPRITE_GAP,
    at_least,
    estimate,
    judge_rankings,
    mirrored,
    true_tv,
)
from adainf_core.statistics.intervals import rank_correlation
from adainf_core.theory.total_variation import total_variation


class Found:
    """As much of a record as the judge looks at."""

    def __init__(self, arm, metrics):
        self.arm, self.metrics, self.seed, self.config = arm, metrics, 0, {"n": 100}


def test_a_bound_in_few_digits_is_still_a_bound():
    for bound in np.random.default_rng(0).random(200):
        for digits in (2, 3):
            said = float(at_least(bound, digits))
            assert bound - 10.0**-digits < said <= bound


def records(value):
    """A record for every sprite arm; `value(measure, arm)` is what it found."""
    return [
        Found(arm, {m + end: value(m, arm) for m in MEASURES for end in ("", "_low", "_high")})
        for arm in SPRITE_GAP.arms
    ]


def sign(measure):
    return -1 if measure in MORE_IS_BETTER else 1


def test_arms_have_the_total_variation_they_say():
    world = SpriteWorld()
    for arm in SPRITE_GAP.arms:
        made = SPRITE_GAP.experiment("laptop", arm, 0).generator
        law = world.generated_distribution(made.flaw, made.tau)
        assert total_variation(world.real_distribution(), law) == pytest.approx(
            true_tv(SPRITE_GAP, arm)
        )
    with pytest.raises(ValueError, match="held_out"):
        true_tv(GENERATOR_GAP, "held_out")


def test_a_measure_that_is_the_truth_ranks_rightly_and_its_reverse_does_not():
    right = judge_rankings(records(lambda m, arm: sign(m) * true_tv(SPRITE_GAP, arm)))
    wrong = judge_rankings(records(lambda m, arm: -sign(m) * true_tv(SPRITE_GAP, arm)))
    assert [row.measure for row in right] == list(JUDGED)
    for good, bad in zip(right, wrong, strict=True):
        assert good.verdict == "ranks rightly" and set(good.out_of_order.values()) == {0}
        assert bad.verdict == "does not rank rightly"
        assert set(bad.out_of_order.values()) == {bad.pairs} == {10}


def test_noise_is_not_called_right():
    rng = np.random.default_rng(0)
    assert {row.verdict for row in judge_rankings(records(lambda m, arm: rng.normal()))} <= {
        "does not rank rightly",
        "not decided",
    }


def test_intervals_are_corrected_for_the_number_of_measures():
    rng = np.random.default_rng(1)
    noise = {arm: true_tv(SPRITE_GAP, arm) + 0.1 * rng.normal() for arm in SPRITE_GAP.arms}
    row = judge_rankings(records(lambda m, arm: sign(m) * noise[arm]))[0]
    flawed = [arm for arm in noise if arm != "perfect"]
    alone = rank_correlation(
        [true_tv(SPRITE_GAP, arm) for arm in flawed], [[noise[arm]] for arm in flawed]
    )
    assert row.correlation.value == alone.value and row.correlation.low < alone.low


def test_a_missing_record_is_named():
    with pytest.raises(ValueError, match="chimera_05"):
        judge_rankings([r for r in records(lambda m, arm: 0.0) if r.arm != "chimera_05"])


def test_an_unknown_flaw_is_refused():
    with pytest.raises(ValueError, match="sneeze"):
        FlawedSprites("sneeze", 0.1)


def test_sprite_sides_are_paired_and_apart():
    sides = {tau: GapExperiment(FlawedSprites("blur", tau), n=200).sides() for tau in (0.1, 0.5)}
    for index, equal in ((0, True), (1, False), (2, True)):
        pair = [side[index].images for side in sides.values()]
        assert np.array_equal(*pair) == equal
    real, generated, again = sides[0.1]
    assert generated.labels is None
    assert not np.array_equal(real.images, again.images)


@pytest.mark.slow
def test_a_record_holds_every_measure(tmp_path):
    arms = {name: SPRITE_GAP.arms[name] for name in ("perfect", "blur_50")}
    study = replace(SPRITE_GAP, arms=arms, layouts={"quick": (200, 1)})
    run_study(study, "quick", store=tmp_path)
    found = {record.arm: record for record in load_records("sprite-gap", "quick", tmp_path)}
    for record in found.values():
        for measure in MEASURES:
            value = estimate(record, measure)
            # an extrapolated distance can fall below 0, where its interval is cut
            shown = max(value.value, 0) if measure == "frechet" else value.value
            assert value.low <= shown <= value.high and value.n_real == 200
            assert (mirrored(record, measure) is None) == (measure == "near")
    assert estimate(found["blur_50"], "tv_images").low > 0

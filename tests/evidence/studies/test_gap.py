"""The studies of the gap: what is measured, and the rule that judges rankings."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.sprites import FLAWS, SpriteWorld
from adainf_core.evidence.judging.verdicts import judge
from adainf_core.evidence.runs.grid import Layout
from adainf_core.evidence.runs.one_run import run_one
from adainf_core.evidence.runs.records import load_records, write_record
from adainf_core.evidence.studies.gap_experiment import (
    MEASURES,
    GapExperiment,
    at_least,
    estimate,
    mirrored,
)
from adainf_core.evidence.studies.sprite_gap import (
    ARMS,
    CLAIMS,
    JUDGED,
    MORE_IS_BETTER,
    STUDY,
    out_of_order,
    true_tv,
)
from adainf_core.generators.flawed_sprites import FlawedSprites
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
        for arm in ARMS
    ]


def sign(measure):
    return -1 if measure in MORE_IS_BETTER else 1


def test_arms_have_the_total_variation_they_say():
    world = SpriteWorld()
    for arm in ARMS:
        made = STUDY.experiment("laptop", arm, 0).generator
        law = world.generated_distribution(made.flaw, made.tau)
        assert total_variation(world.real_distribution(), law) == pytest.approx(true_tv(arm))


def judged(value):
    return judge(CLAIMS, records(value))


def test_a_measure_that_is_the_truth_ranks_rightly_and_its_reverse_does_not():
    right = judged(lambda m, arm: sign(m) * true_tv(arm))
    wrong = judged(lambda m, arm: -sign(m) * true_tv(arm))
    assert [verdict.claim.key for verdict in right] == list(JUDGED)
    assert {verdict.outcome for verdict in right} == {"holds"}
    assert {verdict.words for verdict in wrong} == {"does not hold, reversed"}


def test_pairs_out_of_order_are_counted_within_flaws():
    mine, reverse, constant = (
        records(lambda m, arm, times=times: times * sign(m) * true_tv(arm)) for times in (1, -1, 0)
    )
    for claim in CLAIMS:
        assert set(out_of_order(claim, mine).values()) == {0}
        # five strengths make ten pairs; equal ones count
        for made in (reverse, constant):
            assert out_of_order(claim, made) == dict.fromkeys(FLAWS, 10)


def test_noise_is_not_called_right():
    rng = np.random.default_rng(0)
    found = {verdict.outcome for verdict in judged(lambda m, arm: rng.normal())}
    assert found <= {"does not hold", "not decided"}


def test_intervals_are_corrected_for_the_number_of_measures():
    rng = np.random.default_rng(1)
    noise = {arm: true_tv(arm) + 0.1 * rng.normal() for arm in ARMS}
    found = judged(lambda m, arm: sign(m) * noise[arm])[0].correlation
    flawed = [arm for arm in noise if arm != "perfect"]
    alone = rank_correlation([true_tv(arm) for arm in flawed], [[noise[arm]] for arm in flawed])
    assert found.value == alone.value and found.low < alone.low
    assert found.confidence == pytest.approx(1 - 0.05 / len(JUDGED))


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
def test_a_record_holds_every_measure(tmp_path, monkeypatch):
    monkeypatch.setattr("adainf_core.gap.neighbour_classifier._MOST_TREES", 8)
    arms = {name: ARMS[name] for name in ("perfect", "blur_50")}
    study = replace(
        STUDY,
        arms=arms,
        layouts={"quick": Layout(replace(STUDY.layout("laptop").base, n=200), (1, 1))},
    )
    for key in study.plan("quick"):
        write_record(run_one(study, "quick", *key), tmp_path)
    found = {record.arm: record for record in load_records("sprite-gap", "quick", tmp_path)}
    for record in found.values():
        for measure in MEASURES:
            value = estimate(record, measure)
            # an extrapolated distance can fall below 0, where its interval is cut
            shown = max(value.value, 0) if measure == "frechet" else value.value
            assert value.low <= shown <= value.high and value.n_real == 200
            assert (mirrored(record, measure) is None) == (measure == "near")
    assert estimate(found["blur_50"], "tv_images").low > 0

"""The study of theory against training: its grid, its exact side, and one tiny run."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.evidence.judging.verdicts import judge
from adainf_core.evidence.runs.records import load_records
from adainf_core.evidence.studies.latent_worlds import (
    ARMS,
    CLAIMS,
    STUDY,
    crop_strength,
    predictor_correlation,
)
from adainf_core.theory import transfer_bound


def test_the_grid_is_whole_and_paired():
    assert len(ARMS) == 4 + 2 * 2 * 2 * 4
    one, other = (
        STUDY.experiment("laptop", arm, 1) for arm in ("real-s1", "chimera-t0.9-b0.11-s1")
    )
    assert one.pretrain == other.pretrain and one.augmentation == other.augmentation
    assert (one.beta, one.flaw, other.beta, other.tau) == (1.0, None, 1 / 9, 0.9)
    weak = STUDY.experiment("laptop", "real-s0.25", 1).augmentation
    assert weak.close_up == one.augmentation.close_up / 4 and weak.hue == one.augmentation.hue


def test_exact_numbers_are_those_of_the_bound():
    e = STUDY.experiment("laptop", "real-s0.5", 0)
    found, world = e.theory(), e.pictured.world
    report = transfer_bound(
        world.kernel, world.p_real, world.p_generated, 1.0, world.natural_labels,
        world.view_labels, k=8,
    )  # fmt: skip
    assert found["alpha"] == pytest.approx(report.labeling_error)
    assert found["gap"] == pytest.approx(report.spectral_gap)
    assert found["exact_vote"] == pytest.approx(100 * report.real_error)
    assert found["tv"] == 0 and found == e.theory()
    inflated = STUDY.experiment("laptop", "background-t0.45-b0.33-s0.5", 0)
    assert (1 - inflated.beta) * inflated.pictured.world.total_variation == pytest.approx(0.3)


def test_without_ties_between_kinds_classes_are_kept():
    e = STUDY.experiment("laptop", "real-s0.25", 0)
    found = e.theory()
    # weak crops: the eight least eigenvalues are the constant and the seven class contrasts
    assert found["exact"] == 0 and found["exact_vote"] == 0


@pytest.mark.slow
def test_a_tiny_run_repeats_itself():
    e = STUDY.experiment("quick", "real-s0.5", 0)
    e = replace(e, draws=5, pretrain=replace(e.pretrain, steps=20, batch_size=32, warmup=2))
    first, second = e.run(), e.run()
    assert first == second
    assert set(first.protocols) == set(first.metrics)
    assert all(np.isfinite(value) for value in first.metrics.values())
    assert 0 <= first.metrics["trained"] <= 100


def test_committed_records_are_whole():
    found = {(r.arm, r.seed) for r in load_records("theory-predicts", "laptop")}
    assert found == {(arm, seed) for arm in ARMS for seed in range(2)}


def test_unknown_arms_and_scales_are_named():
    with pytest.raises(ValueError, match="no arm 'x'"):
        STUDY.experiment("laptop", "x", 0)
    with pytest.raises(ValueError, match="scale 'gpu'"):
        STUDY.experiment("gpu", "real-s1", 0)


def test_predictors_are_judged_by_the_rule():
    records = load_records("theory-predicts", "laptop")
    order = {arm: float(place) for place, arm in enumerate(ARMS)}

    def planted(change):
        return [replace(r, metrics=r.metrics | change(order[r.arm], r.seed)) for r in records]

    # the error is the place, the exact error agrees, the distance opposes, alpha is alike for all
    known = planted(
        lambda place, seed: {
            "trained": place + 0.1 * seed, "exact": 2 * place, "tv": -place, "alpha": 1.0,
        }
    )  # fmt: skip
    verdicts = judge(CLAIMS, known)
    words = {v.claim.key: (v.words, v.correlation.value) for v in verdicts}
    assert words["exact"] == ("holds", pytest.approx(1))
    assert words["tv"] == ("does not hold, reversed", pytest.approx(-1))
    assert words["alpha"] == ("not decided", 0)
    assert [v.correlation.confidence for v in verdicts] == [0.95] + [0.99] * 5
    assert judge(CLAIMS, known[::-1]) == verdicts  # the order of the records does not matter


def test_a_claim_reads_what_the_predictor_s_correlation_does():
    records = load_records("theory-predicts", "laptop")
    for verdict in judge(CLAIMS, records):
        level = verdict.correlation.confidence
        found = predictor_correlation(records, verdict.claim.key, confidence=level)
        assert verdict.correlation == found


def test_crop_strength_is_the_predictor_without_theory():
    records = load_records("theory-predicts", "laptop")
    planted = [replace(r, metrics=r.metrics | {"trained": crop_strength(r.arm)}) for r in records]
    assert predictor_correlation(planted, "strength").value == pytest.approx(1)
    within = predictor_correlation(planted, "strength", (1.0,))
    assert within.n == 9 and within.value == 0
    with pytest.raises(ValueError, match="predictor='luck'"):
        predictor_correlation(records, "luck")
    with pytest.raises(ValueError, match="different numbers of seeds"):
        predictor_correlation(records[1:], "exact")

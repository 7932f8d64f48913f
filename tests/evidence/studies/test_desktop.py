"""Desktop: its numbers are those that it claims to have."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from adainf_core.evidence.studies.desktop import STUDY
from adainf_core.generators.published import PublishedSetting
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.recipes import recipe
from adainf_core.theory.total_variation import replication_to_beta

ARMS = {arm: STUDY.experiment("desktop", arm, 20) for arm in STUDY.arms}


def test_passes_and_labels_are_the_papers():
    for arm, run in ARMS.items():
        seen = run.pretrain.steps * run.pretrain.batch_size
        assert (run.n_real, run.n_labelled, run.n_test) == (5000, 50_000, 10_000), arm
        assert seen == 1024 * run.n_real
        shared = replace(run.pretrain, policy=None, seed=0)
        assert shared == replace(recipe(scale="desktop").pretrain, policy=None)


def test_shares_of_real_draws_are_exact():
    found = {}
    for arm, run in ARMS.items():
        if run.generator is None:
            assert run.n_generated == 0
            continue
        assert run.n_generated == 45_000
        plain = replication_to_beta(run.n_real, run.n_generated, run.replication)
        found[arm] = plain if run.beta is None else run.beta
    assert {arm: 1 / share for arm, share in found.items()} == pytest.approx(
        {
            "perfect_weak": 10,
            "cifake_adainf": 3,
            "perfect_vanilla": 10,
            "cifake_vanilla": 10,
            "cifake_vanilla_weak": 10,
            "cifake_adainf_jpeg": 3,
        }
    )


def test_arms_differ_in_what_their_names_say():
    strong, weak = POLICIES["symmetric"], POLICIES["symmetric_adainf"]
    policies = {arm: run.pretrain.policy for arm, run in ARMS.items()}
    for arm, policy in policies.items():
        if arm in ("jitter_0.5", "crop_0.2"):
            continue
        gentle = "weak" in arm or "adainf" in arm
        assert policy == (weak if gentle else strong).for_image_size(32), arm
    assert policies["crop_0.2"].crop_scale == (0.2, 1.0)
    assert policies["jitter_0.5"].brightness == policies["none"].brightness / 2
    plain, jpeg = ARMS["cifake_adainf"], ARMS["cifake_adainf_jpeg"]
    assert replace(plain, real_jpeg=75) == jpeg and plain.generator == PublishedSetting("cifake")


def test_the_first_four_arms_are_whole_before_any_other():
    plan = STUDY.plan("desktop")
    assert Counter(plan[:16]) == Counter(
        (arm, seed)
        for arm in ("none", "weak", "perfect_weak", "cifake_adainf")
        for seed in range(20, 24)
    )
    assert {arm for arm, _ in plan[-8:]} == {"jitter_0.5", "crop_0.2"} and len(plan) == 40
    assert {arm for claim in STUDY.claims for arm in claim.arms} == {
        "none", "weak", "perfect_weak", "perfect_vanilla",
    }  # fmt: skip

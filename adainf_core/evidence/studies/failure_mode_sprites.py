"""The failure mode on sprites: the same question live, within minutes."""

from __future__ import annotations

from dataclasses import replace

from adainf_core.evidence.runs.grid import Layout, Study, Times
from adainf_core.evidence.studies import failure_mode
from adainf_core.evidence.studies.paper_model import PERFECT
from adainf_core.evidence.studies.training import SPRITES, TrainingExperiment
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig

NAME = "failure-mode-sprites"
# a sprite is gone from a crop of 8 % and shapeless under blur: strong means less here
_POLICIES = {
    "strong": replace(POLICIES["symmetric"], crop_scale=(0.25, 1.0), blur_p=0.0),
    "weak": replace(POLICIES["symmetric_adainf"], crop_scale=(0.5, 1.0), blur_p=0.0),
}
_BASE = TrainingExperiment(
    SPRITES, size=16, n_real=1000, n_test=4000,
    pretrain=PretrainConfig(
        policy=_POLICIES["strong"], method=SimCLR(hidden=128), steps=300, batch_size=128, width=8,
        warmup=20, device="cpu",
    ),
)  # fmt: skip
_FLAWED = FlawedSprites("background", 0.9)
_WORDS = {"pretrain.policy": _POLICIES}
_TIMES, _N = Times(10.0, of="n_real"), 5.0  # of weight, 1 : 2 as well

ARMS = {
    key: failure_mode.ARMS[key].changing(
        {}
        if generator is None
        else {
            "generator": generator,
            "n_generated": _TIMES,
            **({"replication": _N} if "replication" in failure_mode.ARMS[key].changes else {}),
        }
    )
    for key, generator in (
        ("none", None), ("weak", None), ("vanilla", _FLAWED), ("adainf", _FLAWED),
        ("perfect_vanilla", PERFECT), ("perfect_adainf", PERFECT),
    )
}  # fmt: skip

STUDY = Study(
    NAME,
    failure_mode.STUDY.question,
    ARMS,
    {
        "quick": Layout(_BASE, seeds=(4, 4), words=_WORDS),
        "laptop": Layout(
            replace(_BASE, pretrain=replace(_BASE.pretrain, steps=3000)),
            seeds=(8, 8),
            words=_WORDS,
        ),
    },
)

"""Long training: sixteen times the standard steps, in the four arms that the longest runs raise.

The first study after `training_length`, whose records show a lead of gentle augmentation that
shrinks with every fourfold training, and a perfect generator's images that begin to pay.
"""

from __future__ import annotations

from adainf_core.evidence.judging.claims import gains_more
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Study, Times
from adainf_core.evidence.studies.paper_model import (
    LAYOUTS,
    NONE,
    PERFECT_VANILLA,
    PERFECT_WEAK,
    WEAK,
)

NAME = "long-training"
ARMS = {
    f"{arm}_sixteenfold": standard.changing(
        {"pretrain.steps": Times(16), "pretrain.warmup": Times(16)}, headline=True
    )
    for arm, standard in {
        "none": NONE,
        "weak": WEAK,
        "perfect_vanilla": PERFECT_VANILLA,
        "perfect_weak": PERFECT_WEAK,
    }.items()
}

CLAIMS = (
    control(
        "long_weak", "After sixteen times the steps weak augmentation alone still gains",
        NAME, "weak_sixteenfold", "none_sixteenfold", short="weak > none, 16 x steps",
    ),
    control(
        "long_perfect", "After sixteen times the steps a perfect generator's images pay under "
        "weak augmentation",
        NAME, "perfect_weak_sixteenfold", "weak_sixteenfold",
        short="perfect weak > weak, 16 x steps",
    ),
    gains_more(
        "long_shift", "After sixteen times the steps gentler views gain more with a perfect "
        "generator's images than without",
        NAME, ("perfect_weak_sixteenfold", "perfect_vanilla_sixteenfold"),
        ("weak_sixteenfold", "none_sixteenfold"),
        asked_by="control", short="shift, 16 x steps",
    ),
)  # fmt: skip

STUDY = Study(
    NAME,
    "Does gentle augmentation alone still lead when training lasts sixteen times as long?",
    ARMS,
    {"laptop": LAYOUTS["laptop"]},
    CLAIMS,
)

"""Training length: a quarter of the steps, all, and four times as many."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published, gains_more
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Study, Times
from adainf_core.evidence.studies.paper_model import (
    LAYOUTS,
    MAIN,
    PERFECT_VANILLA,
    PERFECT_WEAK,
    VANILLA_WEAK,
)

NAME = "training-length"
ARMS = {
    f"{arm}{suffix}": standard.changing(
        {"pretrain.steps": Times(steps), "pretrain.warmup": Times(steps)},
        headline=standard.headline and steps == 1,
    )
    for suffix, steps in (("_quarter", 0.25), ("", 1.0), ("_fourfold", 4.0))
    for arm, standard in (
        MAIN
        | {
            "vanilla_weak": VANILLA_WEAK,
            "perfect_vanilla": PERFECT_VANILLA,
            "perfect_weak": PERFECT_WEAK,
        }
    ).items()
}

CLAIMS = (
    gains_more(
        "harm_fades", "What vanilla inflation costs shrinks with training", NAME,
        ("none_quarter", "vanilla_quarter"), ("none_fourfold", "vanilla_fourfold"),
        (Published("Figure 6, as a reviewer saw it: vanilla helps or ties", None, "H"),),
        asked_by="control", short="harm shrinks with steps",
    ),
    gains_more(
        "help_grows", "What a perfect generator's images give grows with training",
        NAME, ("perfect_vanilla_fourfold", "none_fourfold"),
        ("perfect_vanilla", "none"), asked_by="control", short="help grows with steps",
    ),
    control(
        "long_beyond_weak", "After four times the steps AdaInf beats weak augmentation alone",
        NAME, "adainf_fourfold", "weak_fourfold", short="AdaInf > weak, 4 x steps",
    ),
)  # fmt: skip

STUDY = Study(
    NAME,
    "Does inflation pay once the real images have been seen often enough?",
    ARMS,
    {"laptop": LAYOUTS["laptop"]},
    CLAIMS,
)

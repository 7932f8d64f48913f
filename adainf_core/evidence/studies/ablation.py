"""The ablation: generated images, their weight and weak augmentation, one at a time."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published, gains_more
from adainf_core.evidence.published import control, paper
from adainf_core.evidence.studies.paper_model import (
    ADAINF,
    NONE,
    PERFECT_ADAINF,
    PERFECT_REWEIGHTED,
    PERFECT_VANILLA,
    PERFECT_WEAK,
    REWEIGHTED,
    VANILLA,
    VANILLA_WEAK,
    WEAK,
    paper_study,
)

NAME = "ablation"
ARMS = {
    "none": NONE,
    "weak": WEAK,
    "vanilla": VANILLA,
    "vanilla_weak": VANILLA_WEAK,
    "reweighted": REWEIGHTED,
    "adainf": ADAINF,
    "perfect_vanilla": PERFECT_VANILLA,
    "perfect_weak": PERFECT_WEAK,
    "perfect_reweighted": PERFECT_REWEIGHTED,
    "perfect_adainf": PERFECT_ADAINF,
}

CLAIMS = (
    paper(
        "weight_helps", "Reweighting alone improves on vanilla inflation", NAME, "reweighted",
        "vanilla", Published("Table 3a, against which row is unclear", 0.54),
        short="weight, if strong",
    ),
    paper(
        "weak_helps", "Vanilla inflation improves with weak augmentation", NAME, "vanilla_weak",
        "vanilla", short="weak, if vanilla",
    ),
    paper(
        "weak_helps_more", "Weak augmentation does more than reweighting", NAME, "vanilla_weak",
        "reweighted", Published("Table 3a, if reweighting's +0.54 is over vanilla", 1.32, "D"),
        short="weak > weight",
    ),
    paper(
        "weight_adds", "Reweighting adds to weak augmentation", NAME, "adainf", "vanilla_weak",
        short="weight, if weak",
    ),
    gains_more(
        "complementary", "Weak augmentation gains more with inflation than without", NAME,
        ("vanilla_weak", "vanilla"), ("weak", "none"),
        (Published("section 4, in words"),), short="weak gains more\nwith inflation",
    ),
    gains_more(
        "complementary_perfect",
        "Weak augmentation gains more with a perfect generator's images than without", NAME,
        ("perfect_weak", "perfect_vanilla"), ("weak", "none"), asked_by="control",
        short="the same, perfect",
    ),
    control(
        "perfect_unweighted", "A perfect generator is better not weighed down: N = 1 beats N = 10",
        NAME, "perfect_vanilla", "perfect_reweighted", short="perfect: N = 1 > 10",
    ),
    control(
        "perfect_weak_pays", "Under weak augmentation a perfect generator's images help", NAME,
        "perfect_weak", "weak", short="weak: perfect > none",
    ),
    control(
        "mixture_weak_pays", "Under weak augmentation the mixture's images help", NAME,
        "vanilla_weak", "weak", short="weak: mixture > none",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME,
    "What do generated images, their weight and weak augmentation each contribute?",
    ARMS,
    CLAIMS,
)

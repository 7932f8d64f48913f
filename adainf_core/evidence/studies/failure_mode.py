"""The failure mode: vanilla inflation harms, AdaInf cures; and the controls that this needs."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published
from adainf_core.evidence.published import control, paper
from adainf_core.evidence.studies.paper_model import (
    ADAINF,
    MIXTURE,
    NONE,
    PERFECT_ADAINF,
    PERFECT_VANILLA,
    REWEIGHTED,
    VANILLA,
    WEAK,
    inflated,
    paper_study,
)

NAME = "failure-mode"
ARMS = {
    "none": NONE,
    "weak": WEAK,
    "vanilla": VANILLA,
    "adainf": ADAINF,
    "perfect_vanilla": PERFECT_VANILLA,
    "perfect_adainf": PERFECT_ADAINF,
    "reweighted": REWEIGHTED,
    "generated_only": inflated("generated only", MIXTURE, beta=0.0, headline=True),
}

CLAIMS = (
    paper(
        "harm", "No inflation beats vanilla inflation", NAME, "none", "vanilla",
        short="none > vanilla",
    ),
    paper(
        "cure", "Adaptive inflation beats no inflation", NAME, "adainf", "none",
        short="AdaInf > none",
    ),
    paper(
        "rescue", "Adaptive inflation beats vanilla inflation", NAME, "adainf", "vanilla",
        short="AdaInf > vanilla",
    ),
    paper(
        "weak_harms", "Without inflation, strong augmentation beats weak", NAME, "none", "weak",
        Published("Figure 3(a), crop only"), short="none > weak only",
    ),
    control(
        "beyond_weak", "Adaptive inflation beats weak augmentation on real images alone", NAME,
        "adainf", "weak", short="AdaInf > weak only",
    ),
    control(
        "perfect_helps", "A perfect generator's images help under strong augmentation", NAME,
        "perfect_vanilla", "none", short="vanilla perfect > none",
    ),
    control(
        "perfect_beyond_weak",
        "With a perfect generator, adaptive inflation beats weak augmentation alone", NAME,
        "perfect_adainf", "weak", short="AdaInf perfect > weak",
    ),
    control(
        "quality_matters", "Under vanilla inflation a perfect generator beats the mixture", NAME,
        "perfect_vanilla", "vanilla", short="vanilla: perfect > mixture",
    ),
    control(
        "real_needed", "Vanilla inflation beats the generated images alone", NAME, "vanilla",
        "generated_only", short="vanilla > generated only",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME,
    "Does inflation hurt, does AdaInf cure it, and does it need the generated images?",
    ARMS,
    CLAIMS,
)

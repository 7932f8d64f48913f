"""Diffusion: a trained diffusion model's images in the mixture's place."""

from __future__ import annotations

from dataclasses import replace

from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.studies.paper_model import LAYOUTS, MIXTURE, NONE, WEAK, inflated
from adainf_core.generators import dial

NAME = "diffusion"
_TWO_FOR_ONE = 2.0  # at N = 1 the β of AdaInf, and few enough to sample on a laptop
ARMS = {
    "none": NONE,
    "weak": WEAK,
    **{
        f"{name}{suffix}": inflated(f"{label}, {policy}", generator, times=_TWO_FOR_ONE).changing(
            {"pretrain.policy": policy}
        )
        for name, label, generator in (
            ("diffusion", "diffusion", dial.Diffusion()),
            ("mixture", "mixture", MIXTURE),
        )
        for suffix, policy in (("", "strong"), ("_weak", "weak"))
    },
}

CLAIMS = (
    control(
        "diffusion_helps", "Under strong augmentation a diffusion model's images help",
        NAME, "diffusion", "none", short="strong: diffusion > none",
    ),
    control(
        "diffusion_weak_pays", "Under weak augmentation a diffusion model's images help",
        NAME, "diffusion_weak", "weak", short="weak: diffusion > none",
    ),
    control(
        "diffusion_beats_mixture", "A diffusion model's images beat as many of the mixture's",
        NAME, "diffusion", "mixture", short="diffusion > mixture",
    ),
)  # fmt: skip

# Rules are fixed before the runs that they judge, and arms of the other studies had been run: this
# one, which joined later, has seeds of its own.
STUDY = Study(
    NAME,
    "Is it the poor generator's fault: do a diffusion model's images help?",
    ARMS,
    {"laptop": replace(LAYOUTS["laptop"], seeds=(4, 4), first_seed=40)},
    CLAIMS,
)

"""The gap of photographs: generators from one Gaussian to held-out images under every measure."""

from __future__ import annotations

from dataclasses import replace

from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.studies.gap_experiment import GapExperiment, TrainedDiffusion
from adainf_core.generators import dial
from adainf_core.generators.diffusion_config import Sampler


def _arm(label: str, generator: dial.Setting | TrainedDiffusion) -> Arm:
    return Arm(label, {"generator": generator})


_LONGEST = TrainedDiffusion(8000)
ARMS = {
    "held_out": _arm("held-out photographs", dial.HeldOutSetting()),
    "held_out_blur_half": _arm("blurred by half a pixel", dial.Blur(0.5)),
    "held_out_blur": _arm("blurred by a pixel", dial.Blur(1.0)),
    "held_out_colour_swap": _arm("red and blue swapped", dial.ColourSwap()),
    "held_out_mode_drop": _arm("half of the classes", dial.ModeDrop()),
    "held_out_chimeras": _arm("chimeras", dial.Chimeras()),
    "diluted_10": _arm("held-out, τ = 0.1 Gaussian", dial.DilutedSetting(0.1)),
    "diluted_30": _arm("held-out, τ = 0.3 Gaussian", dial.DilutedSetting(0.3)),
    "pca_gaussian": _arm("Gaussian", dial.PCAGaussian()),
    "gaussian_mixture": _arm("Gaussian mixture", dial.GaussianMixtureSetting()),
    "copula": _arm("Gaussian copula", dial.Copula()),
    "kernel_density": _arm("kernel density", dial.KernelDensitySetting()),
    "bootstrap_noise": _arm("training images and noise", dial.BootstrapNoise()),
    "memorised": _arm("training images", dial.Memorised()),
    **{
        f"diffusion_{steps}": _arm(f"diffusion, {steps:,} steps", TrainedDiffusion(steps))
        for steps in (500, 1000, 2000, 4000, 8000)
    },
    **{
        f"diffusion_8000_s{steps}": _arm(
            f"diffusion, {steps} sampler steps", replace(_LONGEST, sampler=Sampler(steps=steps))
        )
        for steps in (3, 5, 10)
    },
    "diffusion_8000_ddim10": _arm(
        "diffusion, 10 steps of DDIM", replace(_LONGEST, sampler=Sampler("ddim", 10))
    ),
}

STUDY = Study(
    "generator-gap",
    "How far from real images is each generator, by every measure?",
    ARMS,
    {"laptop": Layout(GapExperiment(dial.HeldOutSetting(), n=3000), seeds=(1, 1))},
)

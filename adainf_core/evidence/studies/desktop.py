"""Desktop: the main arms at a scale that a sceptic accepts, on CIFAR-10 as it is.

5,000 real images, the paper's own scarce setting, beside 45,000 generated ones: the other
photographs, a perfect generator's, or CIFAKE's, which Stable Diffusion made. 20,000 steps of 256
are 1,024 passes through the real images where there are no others, as in the paper. Weights are
exact shares: β = 1/10 where images count alike, 1/3 as in AdaInf. The recipe is the desktop's, with
views that grow; probes learn from all 50,000 labels, and encoders are kept.

CIFAKE's images are JPEG files, CIFAR-10's are not. One arm has all photographs in the same format:
those that are trained on, and those that probes see.

Arms come in waves, each on all its seeds before the next: if time runs out, the first are whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adainf_core.data.inflation import PAPER_BETA
from adainf_core.evidence.judging.claims import gains_more
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.studies.paper_model import NONE, PERFECT, WEAK, WEAKER, policies
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.generators.published import PublishedSetting
from adainf_core.learning.recipes import recipe

NAME = "desktop"
_RECIPE = recipe("cifar10", scale="desktop").pretrain
_POLICIES = policies(32)
BASE = TrainingExperiment(
    "cifar10", size=32, n_real=5000, n_test=10_000, n_labelled=50_000,
    pretrain=replace(_RECIPE, policy=_POLICIES["strong"]),
)  # fmt: skip
_GENERATED = 45_000
CIFAKE = PublishedSetting("cifake")


def _inflated(label: str, generator: Any, *, headline: bool = False, **changes: Any) -> Arm:
    made = {"generator": generator, "n_generated": _GENERATED}
    return Arm(label, made | changes, headline)


_CIFAKE_ADAINF = _inflated("AdaInf, CIFAKE", CIFAKE, beta=PAPER_BETA, headline=True).changing(
    WEAKER
)
ARMS = {
    "none": NONE,
    "weak": WEAK,
    "perfect_weak": _inflated("vanilla weak, perfect", PERFECT, headline=True).changing(WEAKER),
    "cifake_adainf": _CIFAKE_ADAINF,
    "perfect_vanilla": _inflated("vanilla, perfect", PERFECT),
    "cifake_vanilla": _inflated("vanilla, CIFAKE", CIFAKE),
    "cifake_vanilla_weak": _inflated("vanilla weak, CIFAKE", CIFAKE).changing(WEAKER),
    "cifake_adainf_jpeg": _CIFAKE_ADAINF.changing(
        {"real_jpeg": 75}, "AdaInf, CIFAKE, JPEG on both sides", headline=False
    ),
    "jitter_0.5": Arm("jitter halved", {"pretrain.policy": "jitter_0.5"}),
    "crop_0.2": Arm("crops from 0.2", {"pretrain.policy": "crop_0.2"}),
}

CLAIMS = (
    control(
        "desktop_weak", "On 5,000 images, for 1,024 passes, weak augmentation alone gains",
        NAME, "weak", "none", short="weak > none, desktop",
    ),
    control(
        "desktop_perfect", "There a perfect generator's images pay under weak augmentation",
        NAME, "perfect_weak", "weak", short="perfect weak > weak, desktop",
    ),
    gains_more(
        "desktop_shift", "There gentler views gain more with a perfect generator's images than "
        "without",
        NAME, ("perfect_weak", "perfect_vanilla"), ("weak", "none"),
        asked_by="control", short="shift, desktop",
    ),
)  # fmt: skip

STUDY = Study(
    NAME,
    "Do gentle views lead, and do generated images pay, in the paper's own scarce setting?",
    ARMS,
    {
        NAME: Layout(
            BASE, seeds=(4, 4), first_seed=20, words={"pretrain.policy": _POLICIES},
            waves=(4, 4), keep_encoders=True,
        )
    },
    CLAIMS,
    strict=True,
)  # fmt: skip

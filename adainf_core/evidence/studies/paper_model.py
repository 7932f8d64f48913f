"""The scale model of the paper that studies of training share: layouts and standard arms.

All on photographs share one layout a scale, so that an arm of one study that is also an arm of
another is run once (`running.study_records`). Images, weights of either side and passes are a scale
model of the paper's 50,000 real and 1,000,000 generated images in 100,000 steps of 512: one real
image to 20, so that N = 1 and N = 10 are its β = 1/21 and β = 1/3.

- **laptop**: CIFAR-10 averaged down to 16 x 16, 2,000 real images and 40,000 generated ones; a
  small residual network, 1,000 steps of 256, 128 passes through the real images where there are no
  others (the paper: 1,024).
- **gpu**: CIFAR-10 as it is, 2,250 real images and 45,000 generated ones, ResNet-18 under the
  official hyper-parameters, 4,500 steps of 512: 1,024 passes, as in the paper.
- **paper**: all 50,000 real images and 1,000,000 generated ones, 100,000 steps of 512. No images
  are left for a perfect generator: its arms are left out.

The model is not to scale in everything: among few images, a batch and a queue hold more copies of
one image, and copies are negatives of each other. "code-traps" has arms that leave them out.

The generator is a Gaussian mixture in the pixels' principal components, fitted to the run's own
real images without their labels: the poor end of the dial, by intention; "quality" turns the dial.
The perfect generator hands out other photographs. "diffusion" has a trained model in the mixture's
place, two of its images for every real one, which at N = 1 is AdaInf's β. The model was trained
once, on all training photographs, which are more than a run has.

Seeds start from 20, those of "diffusion" from 40: runs on seeds 0 to 4 went into this layout and
into the wording of the claims, those on seeds 10 to 12 into the linear probe's cross-validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from adainf_core.data.inflation import PAPER_INFLATION, PAPER_REPLICATION
from adainf_core.evidence.judging.claims import Claim, Contrast
from adainf_core.evidence.published import control, paper
from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.generators import dial
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES, SWEEPS, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.recipes import OFFICIAL_ONLINE_RATES, recipe

#: The paper's replication, and its generated images for every real one.
N, INFLATION = float(PAPER_REPLICATION), float(PAPER_INFLATION)


def policies(size: int) -> dict[str, AugmentationPolicy]:
    """The official policies by the names that arms use, for images of `size` pixels."""
    named = {
        "strong": POLICIES["symmetric"],
        "weak": POLICIES["symmetric_adainf"],
        "asymmetric": POLICIES["asymmetric"],
        "asymmetric_weak": POLICIES["asymmetric_adainf"],
        **{f"crop_{low:g}": policy for low, policy in SWEEPS["crop"].items()},
        "crop_0.6": replace(POLICIES["symmetric"], crop_scale=(0.6, 1.0)),
        **{f"jitter_{factor:g}": policy for factor, policy in SWEEPS["jitter"].items()},
    }
    return {name: policy.for_image_size(size) for name, policy in named.items()}


def _words(size: int, online: float) -> dict[str, dict[str, Any]]:
    """What arms call an augmentation, and the online probe's learning rate."""
    return {
        "pretrain.policy": policies(size),
        "pretrain.online_learning_rate": {"official": online},
    }


_OFFICIAL = replace(recipe().pretrain, policy=policies(32)["strong"])
_ONLINE = OFFICIAL_ONLINE_RATES["simclr"]
LAYOUTS = {
    "laptop": Layout(
        TrainingExperiment(
            "cifar10", size=16, n_real=2000, n_test=10_000,
            pretrain=PretrainConfig(
                policy=policies(16)["strong"], steps=1000, width=16, precision="bf16",
                device="cpu",
            ),
        ),
        seeds=(5, 3), first_seed=20, words=_words(16, online=2e-3),
    ),
    "gpu": Layout(
        TrainingExperiment(
            "cifar10", size=32, n_real=2250, n_test=10_000,
            pretrain=replace(_OFFICIAL, steps=4500, warmup=45),
        ),
        seeds=(3, 1), first_seed=20, words=_words(32, _ONLINE),
    ),
    "paper": Layout(
        TrainingExperiment("cifar10", size=32, n_real=50_000, n_test=10_000, pretrain=_OFFICIAL),
        seeds=(3, 1), first_seed=20, words=_words(32, _ONLINE),
    ),
}  # fmt: skip


def paper_study(
    name: str, question: str, arms: Mapping[str, Arm], claims: tuple[Claim, ...] = ()
) -> Study:
    """A study at all three scales; the paper's own has no photographs left to hand out."""
    without = tuple(
        key
        for key, arm in arms.items()
        if (generator := arm.changes.get("generator")) and generator.needs_held_out
    )
    layouts = LAYOUTS | {"paper": replace(LAYOUTS["paper"], without=without)}
    return Study(name, question, arms, layouts, claims)


MIXTURE, PERFECT = dial.GaussianMixtureSetting(), dial.HeldOutSetting()


def inflated(
    label: str,
    generator: dial.Setting,
    *,
    times: float = INFLATION,
    headline: bool = False,
    **changes: Any,
) -> Arm:
    """An arm with `times` images of `generator` for every real one, and further changes."""
    made = {"generator": generator, "n_generated": Times(times, of="n_real")}
    return Arm(label, made | changes, headline)


WEAKER = {"pretrain.policy": "weak"}
MASKED = {"pretrain.method": SimCLR(mask_copies=True)}

NONE = Arm("no inflation", headline=True)
WEAK = Arm("weak only", WEAKER, headline=True)
VANILLA = inflated("vanilla", MIXTURE, headline=True)
REWEIGHTED = inflated("reweighted", MIXTURE, replication=N, headline=True)
VANILLA_WEAK = VANILLA.changing(WEAKER, "vanilla, weak")
ADAINF = REWEIGHTED.changing(WEAKER, "AdaInf")
PERFECT_VANILLA = inflated("vanilla, perfect", PERFECT, headline=True)
PERFECT_REWEIGHTED = inflated("reweighted, perfect", PERFECT, replication=N)
PERFECT_WEAK = PERFECT_VANILLA.changing(WEAKER, "vanilla weak, perfect", headline=False)
PERFECT_ADAINF = PERFECT_REWEIGHTED.changing(WEAKER, "AdaInf, perfect", headline=True)

#: The four arms that every comparison is about.
MAIN = {"none": NONE, "weak": WEAK, "vanilla": VANILLA, "adainf": ADAINF}


def sweep(names: Mapping[str, str]) -> dict[str, Arm]:
    """Each policy (label by name) on real images alone, and under both generators."""
    arms = {}
    for name, label in names.items():
        policy = {"pretrain.policy": name}
        arms[f"none_{name}"] = Arm(label, policy)
        arms[f"vanilla_{name}"] = inflated(f"{label}, mixture", MIXTURE).changing(policy)
        arms[f"perfect_{name}"] = inflated(f"{label}, held-out", PERFECT).changing(policy)
    return arms


def main_claims(
    study: str, suffix: str, name: str, harm: Callable[..., Contrast]
) -> tuple[Contrast, ...]:
    """The three main questions about other methods or images, whose arms end in `suffix`."""
    none, weak, vanilla, adainf = (f"{arm}_{suffix}" for arm in MAIN)
    return (
        harm(
            f"harm_{suffix}", f"{name}: no inflation beats vanilla inflation", study, none, vanilla,
            short=f"none > vanilla, {name}",
        ),
        paper(
            f"cure_{suffix}", f"{name}: adaptive inflation beats no inflation", study, adainf, none,
            short=f"AdaInf > none, {name}",
        ),
        control(
            f"beyond_weak_{suffix}", f"{name}: adaptive inflation beats weak augmentation alone",
            study, adainf, weak, short=f"AdaInf > weak, {name}",
        ),
    )  # fmt: skip

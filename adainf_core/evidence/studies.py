"""Studies: named grids of experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from adainf_core.evidence.experiments import Experiment, experiment_data
from adainf_core.evidence.gap_study import GENERATOR_GAP, SPRITE_GAP
from adainf_core.evidence.graph_study import CIFAR_GRAPH, CIFAR_GRAPH_CHOICES
from adainf_core.evidence.latent_study import LATENT_STUDY
from adainf_core.evidence.running import AnyStudy, entry
from adainf_core.evidence.scales import largest_within
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.pretraining import PretrainConfig


@dataclass(frozen=True)
class Arm:
    """One treatment: which generator, whether real images weigh N times, which policy, a label.

    `inflated` is None, "flawed" (the study's imperfect generator) or "perfect"; `reweighted` uses
    the study's N, else N = 1; `policy` is "strong" or "weak", one of the study's two.
    """

    label: str
    inflated: str | None
    reweighted: bool
    policy: str


#: The paper's three arms, and the controls it lacks.
FAILURE_MODE_ARMS = {
    "none": Arm("no inflation", None, False, "strong"),
    "weak": Arm("weak only", None, False, "weak"),
    "vanilla": Arm("vanilla", "flawed", False, "strong"),
    "adainf": Arm("AdaInf", "flawed", True, "weak"),
    "perfect_vanilla": Arm("vanilla, perfect", "perfect", False, "strong"),
    "perfect_adainf": Arm("AdaInf, perfect", "perfect", True, "weak"),
}


@dataclass(frozen=True)
class Layout:
    """A study's numbers at one scale.

    `base` is the experiment without inflation; inflated arms add `n_generated` images and, where
    reweighted, count each real one `replication` times; every arm runs on `seeds` seeds.
    """

    base: Experiment
    n_generated: int
    replication: float
    seeds: int


@dataclass(frozen=True)
class Study:
    """A grid of arms over seeds, laid out at one or more scales.

    `flawed` is the imperfect generator's name and its `tau`; `policies` are the "strong" and the
    "weak" augmentation; `layouts` maps scales to their numbers; `code` lists the source files that
    decide a run.
    """

    name: str
    arms: dict[str, Arm]
    flawed: tuple[str, float]
    policies: dict[str, AugmentationPolicy]
    layouts: dict[str, Layout]
    code: tuple[str, ...]

    def layout(self, scale: str) -> Layout:
        """The study's numbers at `scale`; ValueError where it is not laid out."""
        return entry(self.name, "scale", self.layouts, scale)

    def seeds(self, scale: str) -> int:
        """How many seeds each arm runs on at `scale`."""
        return self.layout(scale).seeds

    def largest_scale(self, wanted: str) -> str:
        """The largest laid-out scale that is not above `wanted`; ValueError where all are."""
        return largest_within(self.name, self.layouts, wanted)

    def experiment(self, scale: str, arm: str, seed: int) -> Experiment:
        """The experiment of one arm and seed; arms of one seed share real images and weights."""
        layout, treatment = self.layout(scale), entry(self.name, "arm", self.arms, arm)
        policy = self.policies[treatment.policy]
        pretrain = replace(layout.base.pretrain, policy=policy, seed=seed)
        experiment = replace(layout.base, seed=seed, pretrain=pretrain)
        if treatment.inflated is None:
            return experiment
        generator, tau = self.flawed if treatment.inflated == "flawed" else ("perfect", 0.0)
        return replace(
            experiment,
            generator=generator,
            tau=tau,
            n_generated=layout.n_generated,
            replication=layout.replication if treatment.reweighted else 1.0,
        )


def study_pictures(study: Study, scale: str, count: int = 12) -> dict[str, np.ndarray]:
    """The first `count` real images of seed 0, and of what each generator makes of them."""
    real, flawed, _ = experiment_data(study.experiment(scale, "vanilla", 0))
    _, perfect, _ = experiment_data(study.experiment(scale, "perfect_vanilla", 0))
    assert flawed is not None and perfect is not None  # both arms are inflated
    sides = {"real": real, "flawed": flawed, "perfect": perfect}
    return {name: side.images[:count] for name, side in sides.items()}


_LEARNING = tuple(f"learning/{m}.py" for m in (
    "augmentation", "encoders", "features", "feeding", "methods", "objectives", "optimizers",
    "policies", "pretraining", "probing", "softmax_regression"))  # fmt: skip
_COMMON = (
    "evidence/experiments.py",
    "data/images.py",
    "data/inflation.py",
    "data/named_sets.py",
    "data/sources.py",
    *_LEARNING,
)

FAILURE_MODE = Study(
    name="failure-mode",
    arms=FAILURE_MODE_ARMS,
    flawed=("gaussian_mixture", 0.0),
    policies={
        "strong": POLICIES["symmetric"].for_image_size(16),
        "weak": POLICIES["symmetric_adainf"].for_image_size(16),
    },
    layouts={
        "laptop": Layout(
            Experiment(
                "cifar10", size=16, n_real=5000, n_test=10_000,
                pretrain=PretrainConfig(steps=1000, width=16, precision="bf16", device="cpu"),
            ),
            # N = 4 gives the paper's beta = 1/3
            n_generated=40_000, replication=4.0, seeds=5,
        ),
    },
    code=(*_COMMON, "generators/gaussian_mixture.py"),
)  # fmt: skip

_SPRITES = Experiment(
    "sprites", size=16, n_real=1000, n_test=4000,
    pretrain=PretrainConfig(
        method=SimCLR(hidden=128), steps=300, batch_size=128, width=8, warmup=20, device="cpu"
    ),
)  # fmt: skip
# a sprite is gone from a crop of 8 % and shapeless under blur: strong means less here
_SPRITE_POLICIES = {
    "strong": replace(POLICIES["symmetric"], crop_scale=(0.25, 1.0), blur_p=0.0),
    "weak": replace(POLICIES["symmetric_adainf"], crop_scale=(0.5, 1.0), blur_p=0.0),
}

FAILURE_MODE_SPRITES = Study(
    name="failure-mode-sprites",
    arms=FAILURE_MODE_ARMS,
    flawed=("background", 0.9),
    policies=_SPRITE_POLICIES,
    layouts={
        "quick": Layout(_SPRITES, n_generated=10_000, replication=5.0, seeds=4),
        "laptop": Layout(
            replace(_SPRITES, pretrain=replace(_SPRITES.pretrain, steps=3000)),
            n_generated=10_000, replication=5.0, seeds=5,
        ),
    },
    code=(*_COMMON, "data/sprites.py"),
)  # fmt: skip

#: Every study, by its name on the command line.
STUDIES: dict[str, AnyStudy] = {
    study.name: study
    for study in (
        FAILURE_MODE,
        FAILURE_MODE_SPRITES,
        LATENT_STUDY,
        CIFAR_GRAPH,
        CIFAR_GRAPH_CHOICES,
        GENERATOR_GAP,
        SPRITE_GAP,
    )
}

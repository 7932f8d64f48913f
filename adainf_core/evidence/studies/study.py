"""What a study of training is: treatments, and a layout of them at each scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from adainf_core.evidence.runs.running import entry, seed_by_seed
from adainf_core.evidence.runs.scales import largest_within
from adainf_core.evidence.studies.training import SPRITES, Experiment, experiment_data
from adainf_core.generators.dial import Setting
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.learning.methods import MethodConfig
from adainf_core.learning.policies import AugmentationPolicy


@dataclass(frozen=True)
class Treatment:
    """What one arm does to a layout's base experiment; the defaults leave it as it is.

    `generator` makes `inflation` images for every real one, whose weight is `replication` (the
    paper's N) or `beta`; `swapped` is as in `Experiment`. `policy` is a name in the layout's
    policies. `method` replaces the base's, `world` its images; `steps` and `real` are factors on
    its number of steps, with its warm-up, and of real images; `n_test` replaces the number of test
    images. `online` adds the official code's online probe. Arms
    with `headline` run on more seeds.
    """

    label: str
    generator: Setting | FlawedSprites | None = None
    inflation: float = 20.0
    replication: float = 1.0
    beta: float | None = None
    swapped: bool = False
    policy: str = "strong"
    method: MethodConfig | None = None
    world: str | None = None
    steps: float = 1.0
    real: float = 1.0
    n_test: int | None = None
    online: bool = False
    headline: bool = False


@dataclass(frozen=True)
class Layout:
    """A study's numbers at one scale.

    `base` is the experiment without inflation; `policies` has "strong", the base's own, and what
    else treatments name; `seeds` is how many seeds a headline arm and any other arm run on,
    counted from `first_seed`. `without` names arms that this scale leaves out.
    `online_learning_rate` is that of treatments with `online`.
    """

    base: Experiment
    policies: Mapping[str, AugmentationPolicy]
    seeds: tuple[int, int]
    first_seed: int = 0
    without: tuple[str, ...] = ()
    online_learning_rate: float = 0.1


@dataclass(frozen=True)
class Study:
    """A grid of treatments over seeds, laid out at one or more scales, that asks one `question`."""

    name: str
    question: str
    arms: Mapping[str, Treatment]
    layouts: Mapping[str, Layout]

    @property
    def code(self) -> tuple[str, ...]:
        """Source files that decide a run."""
        made = {type(arm.generator).__name__ for arm in self.arms.values() if arm.generator}
        found = {path for kind in made for path in _GENERATOR_CODE.get(kind, _OTHER_GENERATORS)}
        # a setting of the dial is a class of its own there: others may join without a run's notice
        found |= {f"generators/dial.py:{kind}" for kind in made - {FlawedSprites.__name__}}
        if any(layout.base.world == SPRITES for layout in self.layouts.values()):
            found.add("data/sprites.py")
        if any(arm.swapped for arm in self.arms.values()):
            found.add("generators/corruptions.py")
        return (*_COMMON, *sorted(found))

    def layout(self, scale: str) -> Layout:
        """The study's numbers at `scale`; ValueError where it is not laid out."""
        return entry(self.name, "scale", self.layouts, scale)

    def plan(self, scale: str, seeds: int | None = None) -> list[tuple[str, int]]:
        """Runs as (arm, seed): seed by seed through all arms; `seeds` replaces their number."""
        layout = self.layout(scale)
        headline, other = layout.seeds
        counts = {
            key: (headline if arm.headline else other) if seeds is None else seeds
            for key, arm in self.arms.items()
            if key not in layout.without
        }
        return seed_by_seed(counts, layout.first_seed)

    def largest_scale(self, wanted: str) -> str:
        """The largest laid-out scale that is not above `wanted`; ValueError where all are."""
        return largest_within(self.name, self.layouts, wanted)

    def experiment(self, scale: str, arm: str, seed: int) -> Experiment:
        """The experiment of one arm and seed; arms of one seed share real images and weights."""
        layout, treatment = self.layout(scale), entry(self.name, "arm", self.arms, arm)
        base, pretrain = layout.base, layout.base.pretrain
        pretrain = replace(
            pretrain,
            policy=entry(self.name, "policy", layout.policies, treatment.policy),
            method=treatment.method or pretrain.method,
            steps=round(treatment.steps * pretrain.steps),
            warmup=round(treatment.steps * pretrain.warmup),
            online_learning_rate=layout.online_learning_rate if treatment.online else None,
            seed=seed,
        )
        n_real = round(treatment.real * base.n_real)
        experiment = replace(
            base,
            world=treatment.world or base.world,
            n_real=n_real,
            n_test=treatment.n_test or base.n_test,
            pretrain=pretrain,
            seed=seed,
        )
        if treatment.generator is None:
            return experiment
        return replace(
            experiment,
            generator=treatment.generator,
            n_generated=round(treatment.inflation * n_real),
            replication=treatment.replication,
            beta=treatment.beta,
            swapped=treatment.swapped,
        )

    def pictures(self, scale: str, count: int = 12) -> dict[str, np.ndarray]:
        """The first `count` real images of the first seed, and of what each generator makes."""
        layout, seen = self.layout(scale), []
        shown: dict[str, np.ndarray] = {}
        for key, arm in self.arms.items():
            made = (arm.generator, arm.swapped)
            if arm.generator is None or made in seen or key in layout.without:
                continue
            real, generated, _ = experiment_data(self.experiment(scale, key, layout.first_seed))
            assert generated is not None  # the arm has a generator
            shown.setdefault("real", real.images[:count])
            shown[key] = generated.images[:count]
            seen.append(made)
        return shown


_COMMON = (
    "evidence/experiments.py",
    "data/images.py",
    "data/inflation.py",
    "data/named_sets.py",
    "data/sources.py",
    *(f"learning/{module}.py" for module in (
        "augmentation", "encoders", "features", "feeding", "methods", "objectives", "optimizers",
        "policies", "pretraining", "probing", "softmax_regression")),
)  # fmt: skip
_FITTED = ("generators/generator.py",)
_SHARED = (*_FITTED, "generators/principal_axes.py")
_HELD_OUT = ("generators/classical.py", *_SHARED)
_OTHER_GENERATORS = ("generators/classical.py", "generators/corruptions.py", *_SHARED)
_GENERATOR_CODE = {
    "FlawedSprites": ("generators/flawed_sprites.py", *_FITTED),
    "GaussianMixtureSetting": ("generators/gaussian_mixture.py", *_FITTED),
    "PCAGaussian": ("generators/gaussian_mixture.py", *_FITTED),
    "HeldOutSetting": _HELD_OUT,
    "Memorised": _HELD_OUT,
    "Copula": _HELD_OUT,
    "KernelDensitySetting": _HELD_OUT,
    "DilutedSetting": (
        "generators/dilution.py",
        "generators/gaussian_mixture.py",
        *_OTHER_GENERATORS,
    ),
    "Diffusion": (
        "generators/diffusion.py",
        "generators/group_norm.py",
        "generators/shipped/cifar10-16/scheduler/scheduler_config.json",
        "generators/shipped/cifar10-16/unet/diffusion_pytorch_model.safetensors",
        *_FITTED,
    ),
}

"""One generator of the quality dial, measured: images drawn, and every gap measure of them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.grid import Outcome, Study
from adainf_core.evidence.runs.quantities import Quantity
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.training import small_images
from adainf_core.gap.estimate import GapEstimate
from adainf_core.gap.extractors import random_convolution
from adainf_core.gap.report import gap_report
from adainf_core.generators.dial import Setting, make_generator
from adainf_core.generators.diffusion_config import DiffusionConfig, Sampler
from adainf_core.generators.flawed_sprites import FlawedSprites

#: Short names of the report's measures, as records use them.
MEASURES = {
    "frechet": "Fréchet, extrapolated",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "tv_images": "total variation, images",
    "auc_images": "AUC, images",
    "accuracy_images": "accuracy, images",
    "tv_features": "total variation, features",
    "auc_features": "AUC, features",
    "accuracy_features": "accuracy, features",
    "near": "nearer than chance",
}
#: Of the intervals of the report.
CONFIDENCE = 0.95


_SMALL = 300
_SHARE = Quantity(0.0, 1.0, apart=0.02)
# with a processor's wide instructions switched off: up to 0.03, of a fit to some hundred images
_CLASSIFIED = Quantity(0.0, 1.0, apart=0.06)
#: Of each measure, and, by the same name after "mirrored_", of real against real.
_QUANTITIES = (
    dict.fromkeys(MEASURES, _SHARE)
    | dict.fromkeys(
        ("tv_images", "accuracy_images", "tv_features", "accuracy_features"), _CLASSIFIED
    )
    | {
        "frechet": Quantity(apart=0.005, share=0.01),
        "kernel_distance": Quantity(apart=0.0005, share=0.01),
        "density": Quantity(0.0, apart=0.02, share=0.02),
    }
)


@dataclass(frozen=True)
class TrainedDiffusion:
    """A diffusion model trained for `steps` steps on all of CIFAR-10's training images.

    It is kept under the folder named by ADAINF_GENERATORS, where that is set, and found there.
    """

    steps: int
    sampler: Sampler = field(default_factory=Sampler)
    training: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(attention=(False, False, True), batch_size=64)
    )
    name: Literal["trained_diffusion"] = "trained_diffusion"


@dataclass(frozen=True)
class GapExperiment:
    """What is measured: `n` images of a generator against `n` real ones, `size` pixels a side.

    Photographs, of the named set `dataset`: the real images are the first n of a permutation of the
    training images (`seed`); generators of the dial are fitted to those, and hand out the other
    training images where they hand out held-out ones. Sprites: both sides are drawn. "Real against
    real" takes n images of the test set, or n more sprites.
    """

    generator: Setting | TrainedDiffusion | FlawedSprites
    size: int = 16
    n: int = 5000
    seed: int = 0
    dataset: str = "cifar10"

    kind: ClassVar[str] = "gap"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[Mapping[str, Quantity]] = {
        f"{side}{measure}{end}": quantity
        for measure, quantity in _QUANTITIES.items()
        for side in ("", "mirrored_")
        for end in ("", "_low", "_high")
    }
    protocol: ClassVar[Mapping[str, Any]] = {
        "measures": MEASURES,
        "extractor": "random_convolution",
        "confidence": CONFIDENCE,
    }

    @property
    def device(self) -> str | None:
        """Everything is measured on the processor."""
        return "cpu"

    def sides(self, count: int | None = None) -> tuple[ImageSet, ImageSet, ImageSet]:
        """The real images, `count` generated ones (default n), and those of "real against real"."""
        count = self.n if count is None else count
        if isinstance(self.generator, FlawedSprites):
            return _sprites(self, self.generator, count)
        train, test = (small_images(self.dataset, split, self.size) for split in ("train", "test"))
        order = np.random.default_rng(self.seed).permutation(len(train))
        real, rest = (
            train.subset(np.sort(chosen), name)
            for chosen, name in (
                (order[: self.n], f"{self.dataset}-real"),
                (order[self.n :], f"{self.dataset}-rest"),
            )
        )
        if isinstance(self.generator, TrainedDiffusion):
            from adainf_core.generators.diffusion_training import cached_diffusion

            cache = os.environ.get("ADAINF_GENERATORS")
            made = cached_diffusion(
                train,
                self.generator.training,
                self.generator.steps,
                None if cache is None else Path(cache),
            )
            generated = made.using(**asdict(self.generator.sampler)).sample(count, self.seed)
        else:
            generator = make_generator(self.generator, real, rest, self.seed)
            generated = generator.sample(count, self.seed)
        return real, generated, test.subset(np.arange(self.n))

    def run(self) -> Outcome:
        """Draw the images and measure them."""
        real, generated, held_out = self.sides()
        extractor = random_convolution()
        report = gap_report(
            real,
            generated,
            extractor,
            held_out=held_out,
            n=self.n,
            seed=self.seed,
            keep_copies=True,  # draws of worlds and generators that may repeat themselves
        )
        metrics: dict[str, float] = {}
        protocols: dict[str, str] = {}
        for short, name in MEASURES.items():
            row = report.row(name)
            for kind, estimate in (("", row.found), ("mirrored_", row.mirrored)):
                if estimate is not None:
                    metrics |= _numbers(kind + short, estimate)
            protocols[short] = (
                f"{name}, features: {row.features}; {row.found.n_real} + {row.found.n_generated} "
                f"rows, {100 * row.found.confidence:g} % interval"
            )
        return Outcome(metrics, protocols, beta=0.0, history=[])

    def small(self) -> GapExperiment:
        """The same on a few hundred images, a diffusion model after two steps."""
        generator = self.generator
        if isinstance(generator, TrainedDiffusion):
            generator = replace(generator, steps=2)
        return replace(self, generator=generator, n=_SMALL)


def _numbers(name: str, estimate: GapEstimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _sprites(
    experiment: GapExperiment, generator: FlawedSprites, count: int
) -> tuple[ImageSet, ImageSet, ImageSet]:
    world, n = SpriteWorld(size=experiment.size), experiment.n
    rngs = np.random.default_rng(experiment.seed).spawn(3)
    distribution = world.real_distribution()
    distributions = (
        distribution,
        world.generated_distribution(generator.flaw, generator.tau),
        distribution,
    )
    names = ("sprites-real", f"sprites-{generator.flaw}-{generator.tau:g}", "sprites-again")
    real, generated, again = (
        world.sample(distribution, number, rng, name)
        for distribution, number, rng, name in zip(
            distributions, (n, count, n), rngs, names, strict=True
        )
    )
    return real, generated.unlabelled(), again


def pictures(study: Study, scale: str, count: int = 24) -> dict[str, np.ndarray]:
    """The first `count` real images of seed 0, and of each generator."""
    shown: dict[str, np.ndarray] = {}
    for arm in study.arms:
        real, generated, _ = study.experiment(scale, arm, 0).sides(count)
        shown.setdefault("real", real.images[:count])
        shown[arm] = generated.images
    return shown


def estimate(record: Record, measure: str) -> GapEstimate:
    """What a record holds of a measure (`MEASURES`), with its interval; KeyError for others.

    Of the two total variations the value is what the sample shows, `low` is the bound.
    """
    value, low, high = (record.metrics[measure + end] for end in ("", "_low", "_high"))
    n = record.config["n"]
    return GapEstimate(value, low, high, n, n, confidence=CONFIDENCE)


def at_least(bound: float, digits: int = 2) -> str:
    """A lower bound in `digits` decimals, rounded down, so that what is said is still proven."""
    return f"{math.floor(bound * 10**digits) / 10**digits:.{digits}f}"


def mirrored(record: Record, measure: str) -> GapEstimate | None:
    """The same of real against real; None for "near", which has no such line."""
    return None if measure == "near" else estimate(record, f"mirrored_{measure}")

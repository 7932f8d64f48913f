"""Generator features: what a diffusion model's own features reach, beside what its images buy.

An unconditional diffusion model has learnt from images alone, as a contrastive encoder has. Before
its images are fed to an encoder it can be one itself, and training with generated images and
without this control cannot say what the images were good for. The images and labels are those that
the training studies' runs of the same seed are probed with. Nothing is claimed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import LOADERS
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.studies import paper_model
from adainf_core.evidence.studies.gap_experiment import TrainedDiffusion
from adainf_core.evidence.studies.levels import images_to_probe
from adainf_core.evidence.studies.training import TrainingExperiment, small_images
from adainf_core.generators.dial import Diffusion
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.validation import as_choice, as_count

if TYPE_CHECKING:
    from adainf_core.generators.diffusion import DiffusionGenerator

NAME = "generator-features"


@dataclass(frozen=True)
class GeneratorFeatures:
    """The probes of a diffusion model's features, on the images of a training run of this seed.

    `model` is one that is shipped, or one that is trained first: on all training images of the
    named set `world`, or, with `own_images` of them, on those that the training runs of this seed
    learn from. Block and noise of the features are chosen among three each in cross-validation
    (`probing.held_out_accuracy`). `n_labelled` images, averaged down to `size` pixels, are
    learnt from, by the linear probe under `augmentation` if there is one, and `n_test` tell.
    """

    model: Diffusion | TrainedDiffusion
    world: str
    size: int
    n_labelled: int
    n_test: int
    own_images: int | None = None
    augmentation: AugmentationPolicy | None = None
    seed: int = 0

    kind: ClassVar[str] = "generator features"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[Mapping[str, Quantity]] = dict.fromkeys(("linear", "knn"), PERCENT)
    protocol: ClassVar[Mapping[str, Any]] = TrainingExperiment.protocol

    def __post_init__(self) -> None:
        as_choice(self.world, "world", LOADERS)
        if self.own_images is not None:
            as_count(self.own_images, "own_images", 1)
            if isinstance(self.model, Diffusion):
                raise ValueError(
                    f"own_images={self.own_images}: {self.model.model} is trained already, on "
                    "images of its own; give a model that is to be trained"
                )

    @property
    def device(self) -> str | None:
        """Everything is computed on the processor."""
        return "cpu"

    def run(self) -> Outcome:
        """Load or train the model, choose its features and probe them."""
        from adainf_core.generators.unet_features import NOISES, UNetFeatures, depths_of
        from adainf_core.learning.probing import held_out_accuracy, knn_probe, linear_probe

        generator = self.generator()
        choices = [UNetFeatures(generator, *each) for each in product(depths_of(generator), NOISES)]
        labelled, test = self.probed()
        encoder = max(choices, key=lambda choice: held_out_accuracy(choice, labelled))
        probes = {
            "linear": linear_probe(encoder, labelled, test, augmentation=self.augmentation),
            "knn": knn_probe(encoder, labelled, test),
        }
        chosen = {"block": encoder.block, "noise": encoder.noise}
        return Outcome(
            metrics={name: 100 * probe.accuracy for name, probe in probes.items()},
            protocols={
                name: f"{probe.account}; block {encoder.block} at noise {encoder.noise:g}"
                for name, probe in probes.items()
            },
            beta=1.0,
            history=[],
            probes={name: probe.details | chosen for name, probe in probes.items()},
        )

    def generator(self) -> DiffusionGenerator:
        """The model; one that is trained is kept in the folder that ADAINF_GENERATORS names."""
        from adainf_core.generators.diffusion import DiffusionGenerator
        from adainf_core.generators.diffusion_training import cached_diffusion

        if isinstance(self.model, Diffusion):
            return DiffusionGenerator.load(self.model.model)
        images = (
            small_images(self.world, "train", self.size)
            if self.own_images is None
            else images_to_probe(self.world, self.size, self.own_images, 1, self.seed)[0]
        )
        cache = os.environ.get("ADAINF_GENERATORS")
        return cached_diffusion(
            images,
            self.model.training,
            self.model.steps,
            None if cache is None else Path(cache),
        )

    def probed(self) -> tuple[ImageSet, ImageSet]:
        """The labelled and the test images."""
        return images_to_probe(self.world, self.size, self.n_labelled, self.n_test, self.seed)

    def small(self) -> GeneratorFeatures:
        """The same on a few hundred images, a model that is trained after two steps."""
        model = self.model
        return replace(
            self,
            model=replace(model, steps=2) if isinstance(model, TrainedDiffusion) else model,
            n_labelled=min(self.n_labelled, 512),
            n_test=min(self.n_test, 256),
        )


_RUNS = paper_model.LAYOUTS["laptop"].base
#: Steps on all training images: the models of study "generator-gap".
_STEPS = (500, 1000, 2000, 4000, 8000)
ARMS = {
    "shipped": Arm("the shipped model", {"model": Diffusion()}),
    "untrained": Arm("untrained U-Net", {"model": TrainedDiffusion(0)}),
    **{
        f"diffusion_{steps}": Arm(f"{steps:,} steps", {"model": TrainedDiffusion(steps)})
        for steps in _STEPS
    },
    "own": Arm(
        "the run's own images, 4,000 steps",
        {"model": TrainedDiffusion(4000), "own_images": _RUNS.n_real},
    ),
}

STUDY = Study(
    NAME,
    "How good an encoder is the generator itself?",
    ARMS,
    {
        "laptop": Layout(
            GeneratorFeatures(
                Diffusion(), _RUNS.world, _RUNS.size, _RUNS.n_labelled or _RUNS.n_real,
                _RUNS.n_test,
            ),
            seeds=(5, 5), first_seed=20,
        ),
    },
)  # fmt: skip

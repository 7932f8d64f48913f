"""Levels: what probes reach without any pre-training, beside which every accuracy is read.

An untrained network, the pixels themselves and the colours alone, on the images and labels that the
training studies' runs of the same seed are probed with. A method that ends near one of them has
learnt little; nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import LOADERS
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study, Times
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.studies import desktop, paper_model
from adainf_core.evidence.studies.training import TrainingExperiment, small_images
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import as_choice, as_count

if TYPE_CHECKING:
    from torch import nn

NAME = "levels"
Features = Literal["untrained", "pixels", "colours"]


@dataclass(frozen=True)
class LevelExperiment:
    """What is probed: `features` of the images that a training run of this seed is probed with.

    "untrained" is the encoder that a run of `pretrain` begins with, "pixels" are the images, and
    "colours" how many pixels have each of 64 colours, four steps a channel. `n_labelled` training
    images of the named set `world`, averaged down to `size` pixels, are learnt from, `n_test` tell.
    """

    features: Features
    world: str
    size: int
    n_labelled: int
    n_test: int
    pretrain: PretrainConfig
    seed: int = 0

    kind: ClassVar[str] = "level"
    seeded: ClassVar[tuple[str, ...]] = TrainingExperiment.seeded
    quantities: ClassVar[Mapping[str, Quantity]] = dict.fromkeys(("linear", "knn"), PERCENT)
    protocol: ClassVar[Mapping[str, Any]] = TrainingExperiment.protocol

    def __post_init__(self) -> None:
        as_choice(self.features, "features", get_args(Features))
        as_choice(self.world, "world", LOADERS)

    @property
    def device(self) -> str | None:
        """Everything is computed on the processor."""
        return "cpu"

    def run(self) -> Outcome:
        """Probe the features."""
        from adainf_core.learning.probing import knn_probe, linear_probe

        labelled, test = self.probed()
        encoder = self._encoder().eval()
        probes = {
            "linear": linear_probe(encoder, labelled, test),
            "knn": knn_probe(encoder, labelled, test),
        }
        return Outcome(
            metrics={name: 100 * probe.accuracy for name, probe in probes.items()},
            protocols={name: probe.account for name, probe in probes.items()},
            beta=1.0,
            history=[],
            probes={name: probe.details for name, probe in probes.items() if probe.details},
        )

    def probed(self) -> tuple[ImageSet, ImageSet]:
        """The labelled and the test images of training runs of this seed (`probed_data`)."""
        return images_to_probe(self.world, self.size, self.n_labelled, self.n_test, self.seed)

    def _encoder(self) -> nn.Module:
        from torch import nn

        from adainf_core.learning.encoders import ColourShares
        from adainf_core.learning.pretraining import untrained_encoder

        if self.features == "untrained":
            return untrained_encoder(self.pretrain)
        return nn.Flatten() if self.features == "pixels" else ColourShares()

    def small(self) -> LevelExperiment:
        """The same on a few hundred images."""
        n_labelled = min(self.n_labelled, max(256, min(self.n_labelled // 4, 2560)))
        return replace(self, n_labelled=n_labelled, n_test=min(self.n_test, 512))


def images_to_probe(
    world: str, size: int, n_labelled: int, n_test: int, seed: int
) -> tuple[ImageSet, ImageSet]:
    """The labelled and the test images that training runs of `seed` on `world` are probed with.

    ValueError where the set has fewer.
    """
    train, test = (small_images(world, split, size) for split in ("train", "test"))
    as_count(n_labelled, "n_labelled", 1, len(train), f", the images of {world}")
    as_count(n_test, "n_test", 1, len(test), f", the test images of {world}")
    order = np.random.default_rng(seed).permutation(len(train))[:n_labelled]
    return train.subset(order, f"{world}-real"), test.subset(np.arange(n_test))


_WORDS: dict[Features, str] = {
    "untrained": "untrained network",
    "pixels": "pixels",
    "colours": "colours alone",
}
#: Sets by name, with how many times the labels of CIFAR-10's runs they have, as in "datasets".
_WORLDS = {"cifar10": 1.0, "cifar100": 2.0, "tinyimagenet32": 5.0}
ARMS = {
    f"{features}_{world}": Arm(
        f"{world}: {words}",
        {"features": features, "world": world, "n_labelled": Times(times)},
        headline=features == "untrained",
    )
    for world, times in _WORLDS.items()
    for features, words in _WORDS.items()
}


def _base(runs: TrainingExperiment) -> LevelExperiment:
    labelled = runs.n_labelled or runs.n_real
    return LevelExperiment("untrained", runs.world, runs.size, labelled, runs.n_test, runs.pretrain)


STUDY = Study(
    NAME,
    "What do probes reach where nothing was learnt?",
    ARMS,
    {
        "laptop": Layout(_base(paper_model.LAYOUTS["laptop"].base), seeds=(5, 5), first_seed=20),
        # with all labels only the network's weights differ between seeds
        "desktop": Layout(
            _base(desktop.BASE), seeds=(4, 1), first_seed=20,
            without=tuple(arm for arm in ARMS if not arm.endswith("_cifar10")),
        ),
    },
)  # fmt: skip

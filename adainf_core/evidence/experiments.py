"""One experiment: real images, a generator, their mixture, pre-training and probes, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from adainf_core.configuration import to_plain
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import FLAWS, SpriteWorld
from adainf_core.evidence.running import Outcome
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.learning.pretraining import PretrainConfig, pretrain
from adainf_core.learning.probing import knn_probe, linear_probe


@dataclass(frozen=True)
class Experiment:
    """What one run does, from data to probe; `seed` decides the images, `pretrain.seed` the rest.

    `world` is "sprites" or "cifar10" (averaged down to `size` pixels). `generator` is None (no
    inflation), "perfect" (fresh draws from the real law, TV = 0; on the sprites' finite grid some
    coincide with test images), for sprites one of the flaws at total variation `tau`, for CIFAR-10
    "gaussian_mixture" (fitted to the same real images). `replication` is the paper's N.
    Runs that differ only in generator, replication or `pretrain.policy` share their real images,
    test images and initialisation: they are paired.
    """

    world: str
    size: int
    n_real: int
    n_test: int
    pretrain: PretrainConfig
    generator: str | None = None
    tau: float = 0.0
    n_generated: int = 0
    replication: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        known = {"sprites": ("perfect", *FLAWS), "cifar10": ("perfect", "gaussian_mixture")}
        if self.world not in known:
            raise ValueError(f"world={self.world!r} is unknown; choose {', '.join(known)}")
        if self.generator is not None and self.generator not in known[self.world]:
            raise ValueError(
                f"generator={self.generator!r} is unknown in {self.world}; "
                f"choose None, {', '.join(known[self.world])}"
            )
        if (self.generator is None) != (self.n_generated == 0):
            raise ValueError(
                f"generator={self.generator!r} with n_generated={self.n_generated}: "
                "give both or neither"
            )

    def config(self) -> dict:
        """The experiment as plain JSON values."""
        return to_plain(self)

    @property
    def device(self) -> str | None:
        """Where it computes, as in `PretrainConfig`."""
        return self.pretrain.device

    def run(self) -> Outcome:
        """Carry it out, from data to probe."""
        real, generated, test = experiment_data(self)
        data = Inflation(
            real, generated, replication=None if generated is None else self.replication
        )
        trained = pretrain(self.pretrain, data)
        linear = linear_probe(trained.encoder, real, test)
        knn = knn_probe(trained.encoder, real, test)
        return Outcome(
            metrics={"linear": 100 * linear.accuracy, "knn": 100 * knn.accuracy},
            protocols={"linear": linear.protocol, "knn": knn.protocol},
            beta=data.beta or 0.0,
            history=trained.history,
        )


def experiment_data(experiment: Experiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    """The real training images, the generated ones (None without a generator), the test images."""
    make = _sprites if experiment.world == "sprites" else _cifar10
    return make(experiment)


def _sprites(experiment: Experiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    world = SpriteWorld(size=experiment.size)
    # one stream a purpose: more generated images must not change the real ones
    real_rng, generated_rng = np.random.default_rng(experiment.seed).spawn(2)
    law = world.real_law()
    real = world.sample(law, experiment.n_real, real_rng, "sprites-real")
    test = world.sample(law, experiment.n_test, np.random.default_rng(2**31), "sprites-test")
    if experiment.generator is None:
        return real, None, test
    if experiment.generator != "perfect":
        law = world.generated_law(experiment.generator, experiment.tau)
    name = f"sprites-{experiment.generator}"
    generated = world.sample(law, experiment.n_generated, generated_rng, name)
    return real, generated.unlabelled(), test


def _cifar10(experiment: Experiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    train, test = (_small_cifar10(split, experiment.size) for split in ("train", "test"))
    needed = experiment.n_real + (
        experiment.n_generated if experiment.generator == "perfect" else 0
    )
    if needed > len(train):
        raise ValueError(
            f"the experiment needs {needed} of CIFAR-10's {len(train)} training images"
        )
    if experiment.n_test > len(test):
        raise ValueError(f"n_test={experiment.n_test} is more than CIFAR-10's {len(test)}")
    order = np.random.default_rng(experiment.seed).permutation(len(train))
    real = train.subset(order[: experiment.n_real], "cifar10-real")
    test = test.subset(np.arange(experiment.n_test))
    if experiment.generator is None:
        return real, None, test
    if experiment.generator == "perfect":
        held_out = order[experiment.n_real : needed]
        return real, train.subset(held_out, "cifar10-held-out").unlabelled(), test
    fitted = GaussianMixtureGenerator.fit(real, seed=experiment.seed)
    return real, fitted.sample(experiment.n_generated, seed=experiment.seed), test


@lru_cache(maxsize=4)
def _small_cifar10(split: str, size: int) -> ImageSet:
    return load_images("cifar10", split=split, download=False).downsampled(size)

"""One experiment: real images, a generator, their mixture, pre-training and probes, once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import LOADERS, load_images
from adainf_core.data.paired import PairedImages
from adainf_core.data.phases import Phases
from adainf_core.data.sprites import SpriteWorld
from adainf_core.data.varied import Varied
from adainf_core.evidence.runs.grid import Outcome, Study
from adainf_core.evidence.runs.quantities import PERCENT, SCORE, Quantity
from adainf_core.gap.jpeg import saved_as_jpeg
from adainf_core.generators.corruptions import colour_swap
from adainf_core.generators.dial import Setting
from adainf_core.generators.filtering import Filter
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.generators.published import PublishedSetting
from adainf_core.generators.variation_settings import VariationSetting
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import as_choice, as_count, as_number

if TYPE_CHECKING:
    from adainf_core.learning.feeding import Source
    from adainf_core.learning.pretraining import Pretrained
    from adainf_core.learning.probing import ProbeResult

SPRITES = "sprites"
_CHECKPOINT_SECONDS = 60.0
_SMALL, _SMALL_STEPS = 256, 10


@dataclass(frozen=True)
class TrainingExperiment:
    """What one run does, from data to probe; `seed` decides the images, `pretrain.seed` the rest.

    `world` is "sprites" or a named image set (`load_images`), averaged down to `size` pixels; the
    run's real images are `n_real` of its training images. `generator` makes `n_generated` images
    after them: a setting of the dial, fitted to the same real images, or handing out others of
    the training images (its perfect end, TV = 0; fresh draws among sprites, of which some coincide
    with test images, their grid being finite). None means no inflation. `replication` is the
    paper's N; `beta`, where given, is the share of real draws instead. `swapped` exchanges red and
    blue in the generated images, as a packing script that mistakes BGR for RGB does.

    Probes learn from the run's own real images, or from `n_labelled` training images, those first:
    how good the features are, whatever labels cost. With `real_jpeg`, a quality, all of the set's
    images have been JPEG files (`gap.jpeg.saved_as_jpeg`, at the size in which it is published):
    those that are trained on, handed out as perfect ones, and probed, test images included, so that
    no step sees a format that another does not. Such a run has another test set than one without.

    With `variations` the real images have variations, for `pretrain.generated_role`; those that are
    nearest among the generated images need a generator, and `beta` = 1 where they are nothing else.
    `filtered` leaves some of the generated images out, of so many more that `n_generated` are left.
    With `scored` it is also measured by scores that read no label (`learning.scores`): of the run's
    real images under its own augmentation, as "score_rankme", and under the official strong one, as
    "strong_score_rankme"; "score_loss" is the loss at the end.
    `schedule` has the share of real draws by the part of the steps, ((part, beta), ...), the last
    part being 1.

    Runs that differ only in generator, weights or `pretrain` share their real and test images;
    those with the same encoder share their initial weights: they are paired.
    """

    kind: ClassVar[str] = "training"
    seeded: ClassVar[tuple[str, ...]] = ("seed", "pretrain.seed")
    quantities: ClassVar[Mapping[str, Quantity]] = {
        **dict.fromkeys(("linear", "knn", "online"), PERCENT),
        **dict.fromkeys(("score_*", "strong_score_*"), SCORE),
    }
    protocol: ClassVar[Mapping[str, Any]] = {
        "linear": {
            "penalties": (1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6),
            "folds": 5,
            "augmentation": None,
        },
        "knn": {"k": 10, "temperature": None},
    }

    world: str
    size: int
    n_real: int
    n_test: int
    pretrain: PretrainConfig
    generator: Setting | FlawedSprites | PublishedSetting | None = None
    n_generated: int = 0
    replication: float = 1.0
    beta: float | None = None
    swapped: bool = False
    n_labelled: int | None = None
    real_jpeg: int | None = None
    variations: VariationSetting | None = None
    filtered: Filter | None = None
    schedule: tuple[tuple[float, float], ...] = ()
    scored: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        as_choice(self.world, "world", (SPRITES, *LOADERS))
        if isinstance(self.generator, FlawedSprites) and self.world != SPRITES:
            raise ValueError(f"generator={self.generator.name!r} makes no images of {self.world}")
        if (self.generator is None) != (self.n_generated == 0):
            raise ValueError(
                f"generator={self.generator!r} with n_generated={self.n_generated}: "
                "give both or neither"
            )
        if self.generator is None and (self.replication, self.beta) != (1.0, None):
            raise ValueError(
                f"replication={self.replication} and beta={self.beta} weigh real images against "
                "generated ones: name a generator"
            )
        if self.generator is None and self.swapped:
            raise ValueError("swapped=True exchanges colours of generated images: name a generator")
        if self.beta is not None and self.replication != 1:
            raise ValueError(f"replication={self.replication} and beta={self.beta}: give one")
        if self.generator is None and (self.filtered is not None or self.schedule):
            raise ValueError(
                f"filtered={self.filtered} and schedule={self.schedule} are about generated "
                "images: name a generator"
            )
        role = self.pretrain.generated_role
        if (self.variations is not None) != (role is not None and role.varies):
            raise ValueError(
                f"variations={self.variations} with pretrain.generated_role={role}: give both, or "
                "neither"
            )
        if self.schedule and self.variations is not None:
            raise ValueError(
                f"schedule={self.schedule} and variations={self.variations}: give one of them"
            )
        if self.schedule and (self.replication, self.beta) != (1.0, None):
            raise ValueError(f"schedule={self.schedule} has the weights: drop replication and beta")
        parts = [as_number(part, "schedule") for part, _ in self.schedule]
        if parts and (parts != sorted(set(parts)) or parts[0] <= 0 or parts[-1] != 1):
            raise ValueError(f"schedule={self.schedule}: its parts have to rise from above 0 to 1")
        if self.n_labelled is not None:
            as_count(self.n_labelled, "n_labelled", 1)
        if self.real_jpeg is not None:
            as_count(self.real_jpeg, "real_jpeg", 1, 100)
        if self.world == SPRITES and (self.n_labelled, self.real_jpeg) != (None, None):
            raise ValueError(
                f"n_labelled={self.n_labelled} and real_jpeg={self.real_jpeg} are for named image "
                "sets: sprites are drawn, and no file holds them"
            )

    @property
    def device(self) -> str | None:
        """Where it computes, as in `PretrainConfig`."""
        return self.pretrain.device

    def run(self) -> Outcome:
        """Carry it out, from data to probe."""
        outcome = self.resume(None)
        assert outcome is not None  # it was given all the time it takes
        return outcome

    def resume(self, checkpoint: Path | None, max_seconds: float = math.inf) -> Outcome | None:
        """Carry it out, going on from `checkpoint` where that exists, for at most `max_seconds`.

        None where the time, or a SIGTERM, ended it before its last step; the checkpoint is there.
        """
        from adainf_core.learning.pretraining import pretrain

        weighed, test = self._inflation()
        real, data = weighed.real, self._source(weighed)
        trained = pretrain(
            self.pretrain,
            data,
            checkpoint=checkpoint,
            checkpoint_seconds=_CHECKPOINT_SECONDS,
            max_seconds=max_seconds,
        )
        if not trained.finished:
            return None
        labelled = real if self.n_labelled is None else probed_data(self)[0]
        probes = _probes(trained, labelled, test)
        return Outcome(
            metrics={name: 100 * probe.accuracy for name, probe in probes.items()}
            | (self._scores(trained, real) if self.scored else {}),
            protocols={name: probe.account for name, probe in probes.items()},
            beta=weighed.beta or 0.0,
            history=trained.history,
            probes={name: probe.details for name, probe in probes.items() if probe.details},
            encoder=trained.encoder,
        )

    def _scores(self, trained: Pretrained, real: ImageSet) -> dict[str, float]:
        """The panels under both augmentations, and the loss at the end."""
        from adainf_core.learning.scores.of_encoder import panel_of

        strong = POLICIES["symmetric"].for_image_size(self.size)
        policies = {"score": self.pretrain.policy or strong, "strong_score": strong}
        found = {
            f"{prefix}_{name}": value
            for prefix, policy in policies.items()
            for name, value in panel_of(
                trained.encoder, real, policy, seed=self.pretrain.seed
            ).items()
        }
        return found | {"score_loss": trained.history[-1]["loss"]}

    def _inflation(self) -> tuple[Inflation, ImageSet]:
        """The weighed images, those of the first part of a schedule, and the test images."""
        real, generated, test = experiment_data(self)
        beta = self.schedule[0][1] if self.schedule else self.beta
        weight = None if generated is None or beta is not None else self.replication
        return Inflation(real, generated, replication=weight, beta=beta), test

    def _source(self, weighed: Inflation) -> Source:
        """What batches are drawn from: the weighed images, with their schedule or variations."""
        if self.schedule:
            steps, phases = self.pretrain.steps, list[tuple[int, Inflation]]()
            for part, beta in self.schedule:
                phase = replace(weighed, beta=beta, replication=None)
                phases.append((max(1, round(part * steps)), phase))
            return Phases(tuple(phases))
        if self.variations is None:
            return weighed
        made = self.variations.vary(weighed.real, weighed.generated, self.seed)
        return Varied(weighed, PairedImages(made, self.variations.name))

    def first_stretch(self, steps: int) -> list[dict[str, float]]:
        """The loss curve of the first `steps` steps, as `Outcome.history` has it."""
        from adainf_core.learning.pretraining import Run

        run = Run(self.pretrain, self._source(self._inflation()[0]))
        run.advance(steps)
        return run.history

    def small(self) -> TrainingExperiment:
        """The same on a few hundred images and in a few steps, from data to probe."""
        # a quarter of them, for a probe needs images of every class
        n_real = min(self.n_real, max(_SMALL, min(self.n_real // 4, 10 * _SMALL)))
        return replace(
            self,
            n_real=n_real,
            n_test=min(self.n_test, 2 * _SMALL),
            n_generated=min(self.n_generated, 2 * _SMALL),
            n_labelled=None if self.n_labelled is None else min(self.n_labelled, n_real),
            pretrain=replace(
                self.pretrain,
                steps=_SMALL_STEPS,
                warmup=min(self.pretrain.warmup, 2),
                batch_size=min(self.pretrain.batch_size, _SMALL // 4),
            ),
        )


def _probes(trained: Pretrained, labelled: ImageSet, test: ImageSet) -> dict[str, ProbeResult]:
    from adainf_core.learning.probing import knn_probe, linear_probe, online_probe

    probes = {
        "linear": linear_probe(trained.encoder, labelled, test),
        "knn": knn_probe(trained.encoder, labelled, test),
    }
    if trained.online_classifier is not None:
        probes["online"] = online_probe(
            trained.encoder, trained.online_classifier, test, trained.mixture
        )
    return probes


def experiment_data(experiment: TrainingExperiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    """The real training images, the generated ones (None without a generator), the test images."""
    real, held_out, test = _DRAWN.get(experiment.world, _photographs)(experiment)
    if experiment.generator is None:
        return real, None, test
    generator = experiment.generator.make(real, held_out, experiment.seed)
    chosen, count = experiment.filtered, experiment.n_generated
    if chosen is None:
        generated = generator.sample(count, experiment.seed)
    else:
        made = generator.sample(chosen.needed(count), experiment.seed)
        kept = chosen.kept(made, real, experiment.seed)[:count]
        generated = made.subset(kept, f"{made.name}, {chosen.drop:.0%} left out by {chosen.by}")
    return real, colour_swap(generated) if experiment.swapped else generated, test


def probed_data(experiment: TrainingExperiment) -> tuple[ImageSet, ImageSet]:
    """The labelled images that probes learn from, and the test images."""
    alone = replace(
        experiment,
        n_real=experiment.n_labelled or experiment.n_real,
        generator=None,
        n_generated=0,
        replication=1.0,
        beta=None,
        swapped=False,
        variations=None,
        filtered=None,
        schedule=(),
        scored=False,
    )
    labelled, _, test = experiment_data(alone)
    return labelled, test


def _sprites(experiment: TrainingExperiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    world = SpriteWorld(size=experiment.size)
    # one stream a purpose: more held-out images must not change the real ones
    real_rng, held_out_rng = np.random.default_rng(experiment.seed).spawn(2)
    distribution = world.real_distribution()
    real = world.sample(distribution, experiment.n_real, real_rng, "sprites-real")
    test = world.sample(
        distribution, experiment.n_test, np.random.default_rng(2**31), "sprites-test"
    )
    if experiment.generator is None or not experiment.generator.needs_held_out:
        return real, None, test
    return (
        real,
        world.sample(distribution, experiment.n_generated, held_out_rng, "sprites-held-out"),
        test,
    )


def _photographs(experiment: TrainingExperiment) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    name, n_real = experiment.world, experiment.n_real
    train, test = (
        small_images(name, split, experiment.size, experiment.real_jpeg)
        for split in ("train", "test")
    )
    for what, asked, there in (
        ("n_real", n_real, len(train)),
        ("n_labelled", experiment.n_labelled or 0, len(train)),
        ("n_test", experiment.n_test, len(test)),
    ):
        if asked > there:
            raise ValueError(f"{what}={asked} is more than the {there} images of {name}")
    order = np.random.default_rng(experiment.seed).permutation(len(train))
    wanted = experiment.generator is not None and experiment.generator.needs_held_out
    return (
        train.subset(order[:n_real], f"{name}-real"),
        train.subset(order[n_real:], f"{name}-held-out") if wanted else None,
        test.subset(np.arange(experiment.n_test)),
    )


#: Worlds that are no named set of photographs.
_DRAWN = {"sprites": _sprites}


@lru_cache(maxsize=4)
def small_images(name: str, split: str, size: int, jpeg: int | None = None) -> ImageSet:
    """A named image set that is on this machine, averaged down to `size` pixels.

    With `jpeg` its images are saved as JPEG of that quality first.
    """
    images = load_images(name, split=split, download=False)
    if jpeg is not None:
        saved = saved_as_jpeg(images.images, jpeg)
        images = replace(images, images=saved, name=f"{images.name}, JPEG of quality {jpeg}")
    return images.downsampled(size)


def pictures(study: Study, scale: str, count: int = 12) -> dict[str, np.ndarray]:
    """The first `count` real images of the first seed, and of what each generator makes."""
    layout, seen = study.layout(scale), list[tuple]()
    shown: dict[str, np.ndarray] = {}
    for key in study.arms:
        if key in layout.without:
            continue
        experiment: TrainingExperiment = study.experiment(scale, key, layout.first_seed)
        made = (experiment.generator, experiment.swapped)
        if experiment.generator is None or made in seen:
            continue
        real, generated, _ = experiment_data(experiment)
        assert generated is not None  # the arm has a generator
        shown.setdefault("real", real.images[:count])
        shown[key] = generated.images[:count]
        seen.append(made)
    return shown

"""Transfer on sprites: what recipes leave of place, hue and size, which no label speaks of.

The arms of "failure-mode-sprites", each trained, then probed for the shape, which is what they are
compared by, and for the other factors of the same sprites. Views that change a factor teach to
disregard it: recipes that are alike in shape may differ in hue.

Seeds start from 20: a look at seed 0 settled the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.judging.claims import Contrast, Term
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study, Times
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.studies import failure_mode_sprites as sprites
from adainf_core.evidence.studies.training import SPRITES, TrainingExperiment, probed_data
from adainf_core.validation import as_choice

NAME = "sprite-transfer"
UNTRAINED = "untrained"


@dataclass(frozen=True)
class SpriteTransferExperiment:
    """A `training` run on sprites, and then how much its encoder tells of the other factors.

    `linear` and `knn` are the run's own probes, of the shape. `place`, `hue` and `size` are R² in
    percent (`sprite_probes.sprite_regressions`), learnt from `n_labelled` sprites of the real
    distribution and measured on `n_test` others, none of them twice, by `training.seed`. Where it
    is not `trained`, all that is of the network that the run begins with.
    """

    training: TrainingExperiment
    n_labelled: int = 2000
    n_test: int = 4000
    trained: bool = True

    kind: ClassVar[str] = "sprite_transfer"
    seeded: ClassVar[tuple[str, ...]] = tuple(f"training.{s}" for s in TrainingExperiment.seeded)
    # R² has no lower end
    quantities: ClassVar[Mapping[str, Quantity]] = {
        **TrainingExperiment.quantities,
        **dict.fromkeys(("place", "hue", "size"), replace(PERCENT, low=-math.inf)),
    }
    protocol: ClassVar[Mapping[str, Any]] = TrainingExperiment.protocol

    def __post_init__(self) -> None:
        as_choice(self.training.world, "training.world", (SPRITES,))

    @property
    def device(self) -> str | None:
        """Where it computes, as in `PretrainConfig`."""
        return self.training.device

    def run(self) -> Outcome:
        """Carry it out, from data to the last probe."""
        outcome = self.resume(None)
        assert outcome is not None  # it was given all the time it takes
        return outcome

    def resume(self, checkpoint: Path | None, max_seconds: float = math.inf) -> Outcome | None:
        """As `TrainingExperiment.resume`."""
        if self.trained:
            outcome = self.training.resume(checkpoint, max_seconds)
        else:
            outcome = self._untrained()
        return None if outcome is None else self._with_factors(outcome)

    def first_stretch(self, steps: int) -> list[dict[str, float]]:
        """The loss curve of the first `steps` steps, as `Outcome.history` has it."""
        return self.training.first_stretch(steps)

    def _untrained(self) -> Outcome:
        """The run's probes of the network that it begins with."""
        from adainf_core.learning.pretraining import untrained_encoder
        from adainf_core.learning.probing import knn_probe, linear_probe

        encoder, sides = untrained_encoder(self.training.pretrain), probed_data(self.training)
        probes = {"linear": linear_probe(encoder, *sides), "knn": knn_probe(encoder, *sides)}
        return Outcome(
            metrics={name: 100 * probe.accuracy for name, probe in probes.items()},
            protocols={name: probe.account for name, probe in probes.items()},
            beta=1.0,
            history=[],
            probes={name: probe.details for name, probe in probes.items() if probe.details},
            encoder=encoder,
        )

    def _with_factors(self, outcome: Outcome) -> Outcome:
        from adainf_core.learning.sprite_probes import sprite_regressions

        world = SpriteWorld(size=self.training.size)
        real = np.flatnonzero(world.real_distribution())
        order = np.random.default_rng(self.training.seed).permutation(real)
        learnt, other = order[: self.n_labelled], order[-self.n_test :]
        with TemporaryDirectory() as cache:  # features are computed once for all factors
            found = sprite_regressions(outcome.encoder, world, learnt, other, cache)
        return replace(
            outcome,
            metrics=outcome.metrics | {name: 100 * fit.r2 for name, fit in found.items()},
            protocols=outcome.protocols | {name: fit.protocol for name, fit in found.items()},
            probes=outcome.probes | {name: fit.details for name, fit in found.items()},
        )

    def small(self) -> SpriteTransferExperiment:
        """The same on a few hundred images and in a few steps."""
        return replace(self, training=self.training.small(), n_labelled=500, n_test=500)


def _of_training(changes: Mapping[str, Any]) -> dict[str, Any]:
    """An arm's changes of a run as changes of a run's transfer."""
    return {
        f"training.{key}": replace(value, of=f"training.{value.of}")
        if isinstance(value, Times) and value.of
        else value
        for key, value in changes.items()
    }


_QUICK = sprites.STUDY.layout("quick")
_BASE = SpriteTransferExperiment(_QUICK.base)
_LAYOUT = Layout(_BASE, seeds=(4, 4), first_seed=20, words=_of_training(_QUICK.words))
_LONGER = replace(_BASE.training.pretrain, steps=1000)

#: What is probed, by the metric's name, in words.
TASKS = {"place": "a sprite's place", "hue": "a sprite's hue", "size": "a sprite's size"}
ARMS = {UNTRAINED: Arm("untrained network", {"trained": False})} | {
    name: replace(arm, changes=_of_training(arm.changes)) for name, arm in sprites.ARMS.items()
}
CLAIMS = tuple(
    Contrast(
        f"sprite_{factor}", f"Weak augmentation leaves more of {words} in the features", NAME,
        (Term("weak", 1.0, factor), Term("none", -1.0, factor)), asked_by="control",
        short=f"weak > none, {factor}",
    )
    for factor, words in TASKS.items()
)  # fmt: skip
STUDY = Study(
    NAME,
    "Does the ranking of recipes by shape survive for place, hue and size?",
    ARMS,
    {
        "quick": _LAYOUT,
        "laptop": replace(
            _LAYOUT,
            base=replace(_BASE, training=replace(_BASE.training, pretrain=_LONGER)),
            seeds=(5, 5),
        ),
    },
    CLAIMS,
    strict=True,
)

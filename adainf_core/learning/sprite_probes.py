"""What an encoder tells of a sprite: its shape and its hue, by neighbours and by a linear probe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from adainf_core.data.sprites import SpriteWorld
from adainf_core.learning.probing import knn_probe, linear_probe
from adainf_core.statistics.intervals import Interval, wilson_interval


def sprite_probes(
    encoder: nn.Module,
    world: SpriteWorld,
    train: np.ndarray,
    test: np.ndarray,
    penalties: Sequence[float] = (1e-2,),
) -> dict[str, Interval]:
    """Shares of held-out sprites read off right, by "shape, neighbours", "shape, linear", "hue, ...

    train, test: latents of `world`, those that the probes learn from and those that count; each
    share has its 95 % Wilson interval over the latter. The encoder is probed as in evaluation.
    """
    found, training = {}, encoder.training
    encoder.eval()
    for factor in ("shape", "hue"):
        sides = (
            world.labelled(train, factor),
            world.labelled(test, factor, "held-out sprites"),
        )
        neighbours = knn_probe(encoder, *sides)
        linear = linear_probe(encoder, *sides, penalties=penalties)
        for how, probe in (("neighbours", neighbours), ("linear", linear)):
            hits = round(probe.accuracy * probe.n_test)
            found[f"{factor}, {how}"] = wilson_interval(hits, probe.n_test)
    encoder.train(training)
    return found

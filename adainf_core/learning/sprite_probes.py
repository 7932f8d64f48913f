"""What an encoder tells of a sprite: shape and hue as classes; place, hue and size as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from adainf_core.data.sprites import SpriteWorld
from adainf_core.learning.probing import knn_probe, linear_probe
from adainf_core.learning.ridge_probe import RidgeResult, ridge_probe
from adainf_core.statistics.intervals import Interval, wilson_interval
from adainf_core.validation import FloatArray

_RADII = np.array((0.6, 0.8, 0.7))  # of `SpriteWorld`'s sizes, in their order there


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


def sprite_targets(world: SpriteWorld, latents: np.ndarray) -> dict[str, FloatArray]:
    """Factors of sprites as numbers, float64 (n, t) for flat latent indices int (n,) of `world`.

    "place" is row and column, "hue" the cosine and sine of its angle on the colour wheel, on which
    the last hue is next to the first, and "size" the radius.
    """
    _, _, hue, row, column, scale, *_ = np.unravel_index(latents, world.shape)
    angle = 2 * np.pi * hue / world.hues
    return {
        "place": np.stack([row, column], 1).astype(float),
        "hue": np.stack([np.cos(angle), np.sin(angle)], 1),
        "size": _RADII[scale][:, None],
    }


def sprite_regressions(
    encoder: nn.Module,
    world: SpriteWorld,
    train: np.ndarray,
    test: np.ndarray,
    cache: str | Path | None = None,
) -> dict[str, RidgeResult]:
    """How much of "place", "hue" and "size" an encoder's features tell, by ridge regression.

    train, test: latents of `world`, those that the probe learns from and those that count.
    """
    sides = [(world.render(latents), sprite_targets(world, latents)) for latents in (train, test)]
    (images, targets), (test_images, test_targets) = sides
    return {
        name: ridge_probe(
            encoder, images, targets[name], test_images, test_targets[name], cache=cache
        )
        for name in targets
    }

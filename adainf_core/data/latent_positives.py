"""A positive generator on the latents of sprites: variations of a sprite, and their exact effect.

The generator of `latent_sprites` adds images; this one is shown a sprite and makes the same one in
another colour or place, now and then another shape. Views of the two are a positive pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from adainf_core.data.latent_sprites import SMALL_SPRITES, LatentAugmentation, latent_sprites
from adainf_core.data.sprites import SHAPES, SpriteWorld
from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.graph_encoders import feature_probe_error, optimal_embedding
from adainf_core.theory.positive_pairs import PositiveWorld


@dataclass(frozen=True)
class LatentVariation:
    """How a variation's latents differ from the sprite's; all numbers are probabilities.

    hue, place, shape: that the hue, the row and the column, or the shape is redrawn uniformly, each
    on its own. A redrawn shape is the generator's error: the variation may be of another class. (Of
    a chimera both halves turn to the shapes as many places further on.)
    """

    hue: float = 0.0
    place: float = 0.0
    shape: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value} is no probability: choose from 0 to 1")


def positive_sprites(
    augmentation: LatentAugmentation,
    variation: LatentVariation,
    flaw: str | None = None,
    tau: float = 0.0,
    sprites: SpriteWorld = SMALL_SPRITES,
) -> PositiveWorld:
    """The world of `latent_sprites`, same arguments, with variations of each of its images.

    Scale, tilt, background and blur are kept, so a variation is a sprite of the same world. Sparse;
    exact.
    """
    real = sprites.real_distribution()
    generated = real if flaw is None else sprites.generated_distribution(flaw, tau)
    latents = np.flatnonzero(real + generated)
    left, right, hue, row, column, *kept = np.unravel_index(latents, sprites.shape)
    weights = (
        _shifts(len(SHAPES), variation.shape),
        _shifts(sprites.hues, variation.hue),
        *(_shifts(sprites.places, variation.place),) * 2,
    )
    rows, goals, masses = [], [], []
    for steps in product(*(np.flatnonzero(each) for each in weights)):
        turned, recoloured, lower, further = steps
        moved = (
            (left + turned) % len(SHAPES),
            (right + turned) % len(SHAPES),
            (hue + recoloured) % sprites.hues,
            (row + lower) % sprites.places,
            (column + further) % sprites.places,
        )
        goal = np.ravel_multi_index((*moved, *kept), sprites.shape)
        rows.append(np.arange(len(latents)))
        goals.append(np.searchsorted(latents, goal))
        mass = np.prod([each[step] for each, step in zip(weights, steps, strict=True)])
        masses.append(np.full(len(latents), mass))
    from scipy.sparse import coo_array

    positives = coo_array(
        (np.concatenate(masses), (np.concatenate(rows), np.concatenate(goals))),
        shape=(len(latents), len(latents)),
    )
    world = latent_sprites(augmentation, flaw, tau, sprites).world
    return PositiveWorld(world, positives.tocsr())


def _shifts(size: int, redrawn: float) -> np.ndarray:
    """Probability (size,) of each step around a ring, where the place on it is redrawn or kept."""
    return np.eye(size)[0] * (1 - redrawn) + redrawn / size


@dataclass(frozen=True)
class PositiveDial:
    """Where the dial of variations stands, and what is exact there.

    share: p. labeling_error: α of a view in a pair, the label of a variation's view against the
    image's. spectral_gap: λ_{k+1} of the graph of pairs. error: on real images, by majority over
    their own views, averaged over optimal encoders where several are.
    """

    share: float
    labeling_error: float
    spectral_gap: float
    error: float


def positive_dial(
    world: PositiveWorld,
    shares: Sequence[float],
    k: int,
    beta: float = 1.0,
    *,
    draws: int = 20,
    seed: int = 0,
) -> list[PositiveDial]:
    """α, λ_{k+1} and the exact error at each of the `shares` of variations, on both sides of pairs.

    k dimensions, training distribution P_t at share `beta` of real draws. Where λ_k = λ_{k+1} the
    error is the mean over `draws` optimal encoders.
    """
    base, rng = world.world, np.random.default_rng(seed)
    sources, labels = base.natural_labels, base.view_labels
    found = []
    for share in shares:
        graph = _votes_and_pairs(world, share, beta)
        twice = np.tile(sources, 2)
        judged = np.concatenate([base.p_real, np.zeros(len(sources))])
        errors = [
            feature_probe_error(graph, optimal_embedding(graph, k, rng), labels, twice, judged)
            for _ in range(draws if graph.is_degenerate(k) else 1)
        ]
        found.append(
            PositiveDial(
                float(share),
                graph.labeling_error(twice, labels),
                graph.spectral_gap(k),
                float(np.mean(errors)),
            )
        )
    return found


def _votes_and_pairs(world: PositiveWorld, share: float, beta: float) -> AugmentationGraph:
    """Every point twice: with its own views, which vote, and with those that make pairs.

    Only the latter have mass, so the graph is theirs.
    """
    from scipy.sparse import csr_array, vstack

    kernels = (csr_array(kernel) for kernel in (world.world.kernel, world.kernel(share)))
    train = world.world.p_train(beta)
    return AugmentationGraph(vstack(list(kernels)), np.concatenate([np.zeros_like(train), train]))

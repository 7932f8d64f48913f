"""Augmentation on the latents of sprites: a world whose views are images and whose theory is exact.

A view is rendered from latents that have moved, so augmentation is a Markov kernel on a finite grid
and the augmentation graph of the very images that a network trains on is known in full.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adainf_core.data.sprites import SHOWN, SpriteWorld
from adainf_core.theory.worlds import FiniteWorld

#: A grid small enough for exact spectra in a second: 192 real sprites in 8 classes before one
#: background; a second one is there for the flaw "background", and 1,344 chimeras.
SMALL_SPRITES = SpriteWorld(
    size=16, hues=3, places=2, scales=2, tilts=1, backgrounds=1, unseen_backgrounds=1
)


@dataclass(frozen=True)
class LatentAugmentation:
    """How a view's latents move away from its source's; all numbers are probabilities.

    shift: row and column each take a step of one place, to either side alike (a step out of the
    grid stays). hue: a step around the ring of hues, to either side alike. scale: the size is
    redrawn uniformly. Then a crop: `half` shows the left or right half, `miss` the background only,
    `close_up` the sprite's colour only; their sum is at most 1.
    """

    shift: float = 0.5
    hue: float = 0.5
    scale: float = 0.5
    half: float = 0.2
    miss: float = 0.1
    close_up: float = 0.2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value} is no probability: choose from 0 to 1")
        if self.whole < 0:
            raise ValueError(
                f"half={self.half}, miss={self.miss} and close_up={self.close_up} exceed 1 together"
            )

    @property
    def whole(self) -> float:
        """Probability that a view shows the whole sprite."""
        return 1 - self.half - self.miss - self.close_up

    def cropping(self, strength: float) -> LatentAugmentation:
        """`half`, `miss` and `close_up` times `strength` ≥ 0, the rest as it is.

        The dial of the paper's sweep of crop sizes. ValueError where the crops exceed 1 together.
        """
        if not strength >= 0:
            raise ValueError(f"strength={strength} has to be 0 or more")
        crops = ("half", "miss", "close_up")
        return replace(self, **{name: strength * getattr(self, name) for name in crops})


@dataclass(frozen=True, eq=False)
class PicturedWorld:
    """A finite world whose points and views are images.

    natural_images uint8 (n, 3, h, w), view_images uint8 (m, 3, h, w): all different. unmoved (n,):
    the view, a column of the kernel, that is each natural image as it is.
    """

    world: FiniteWorld
    natural_images: np.ndarray
    view_images: np.ndarray
    unmoved: np.ndarray


def latent_sprites(
    augmentation: LatentAugmentation,
    flaw: str | None = None,
    tau: float = 0.0,
    sprites: SpriteWorld = SMALL_SPRITES,
) -> PicturedWorld:
    """The world of `sprites` under `augmentation`, with a generator at total variation `tau`.

    The generator errs by `flaw` (see `SpriteWorld.generated_distribution`); without one it is
    perfect, P_g = P_d. Natural points are the latents with mass under either distribution. Views
    with the same pixels are one view; its label is the class of the shape that it shows, of the
    left half where both are there, and 0 where none is (any choice is equally wrong). Shape, tilt
    and background do not move, so a class is never left. Sparse kernel; exact.
    """
    real = sprites.real_distribution()
    generated = real if flaw is None else sprites.generated_distribution(flaw, tau)
    latents = np.flatnonzero(real + generated)
    rows, probability, moved, shows = _moves(latents, augmentation, sprites)
    # render each kind of view once, then make one of all that look alike
    codes, index = np.unique(moved * len(SHOWN) + shows, return_inverse=True)
    latent, shown = np.divmod(codes, len(SHOWN))
    images = sprites.render(latent, shown)
    _, first, alike = np.unique(_bytes(images), return_index=True, return_inverse=True)
    labels = np.where(shown[first] < 3, sprites.classes(latent[first]), 0)
    from scipy.sparse import coo_array

    kernel = coo_array(
        (probability, (rows, alike.ravel()[index.ravel()])), shape=(len(latents), len(first))
    )
    world = FiniteWorld(
        kernel=kernel.tocsr(),
        p_real=real[latents],
        p_generated=generated[latents],
        natural_labels=sprites.classes(latents),
        view_labels=labels,
    )
    natural_images = sprites.render(latents)
    columns = {view: column for column, view in enumerate(_bytes(images[first]).tolist())}
    unmoved = np.array([columns.get(image, -1) for image in _bytes(natural_images).tolist()])
    if (unmoved < 0).any():
        raise ValueError(f"{augmentation} never shows an image as it is: lower a probability of 1")
    return PicturedWorld(world, natural_images, images[first], unmoved)


def _moves(
    latents: np.ndarray, augmentation: LatentAugmentation, sprites: SpriteWorld
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source row, probability, latent moved to and what is shown of it (`SHOWN`), of every move."""
    a, shape = augmentation, sprites.shape
    left, right, hue, row, column, scale, tilt, background, blur = np.unravel_index(latents, shape)
    walks = (
        _walk(shape[2], a.hue, ring=True),
        _walk(shape[3], a.shift, ring=False),
        _walk(shape[4], a.shift, ring=False),
        _redraw(shape[5], a.scale),
    )
    nuisance = np.ones((1, 1))
    for walk in walks:
        nuisance = np.kron(nuisance, walk)
    start = np.ravel_multi_index((hue, row, column, scale), shape[2:6])
    rows, goals = np.nonzero(nuisance[start])
    probability = nuisance[start[rows], goals]
    pose = np.unravel_index(goals, shape[2:6])
    nothing = np.zeros(len(rows), dtype=np.int64)
    first, second = left[rows], right[rows]
    place, ground = (tilt[rows],), (background[rows], blur[rows])
    # what is not seen is set to one value for all: a hidden half to the shape of the other
    seen = (
        (a.whole, (first, second, *pose, *place)),
        (a.half / 2, (second, second, *pose, *place)),
        (a.half / 2, (first, first, *pose, *place)),
        (a.miss, (nothing,) * 7),
        (a.close_up, (nothing, nothing, pose[0], *(nothing,) * 4)),
    )
    parts = [
        (
            rows,
            share * probability,
            np.ravel_multi_index((*what, *ground), shape),
            np.full(len(rows), shows),
        )
        for shows, (share, what) in enumerate(seen)
        if share > 0
    ]
    rows, probability, moved, shows = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, probability, moved, shows


def _walk(size: int, probability: float, ring: bool) -> np.ndarray:
    """Kernel (size, size) of a step to either side with `probability` in all; symmetric."""
    kernel = np.eye(size) * (1 - probability)
    for step in (-1, 1):
        goal = np.arange(size) + step
        goal = goal % size if ring else np.clip(goal, 0, size - 1)
        np.add.at(kernel, (np.arange(size), goal), probability / 2)
    return kernel


def _redraw(size: int, probability: float) -> np.ndarray:
    """Kernel (size, size) of a uniform draw with `probability`."""
    return np.eye(size) * (1 - probability) + probability / size


def _bytes(images: np.ndarray) -> np.ndarray:
    """Each image as one opaque value, so that numpy can sort and compare them."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    return flat.view(f"V{flat.shape[1]}").ravel()


class PopulationViews:
    """Pairs of views for training, from a pictured world's distribution: no sample in between.

    A source is drawn from P_t = beta P_d + (1 - beta) P_g, then two views of it independently from
    its row of the kernel. A `feeding.Source` of views: `pretrain(config with policy=None, views)`.
    """

    images: Sequence[np.ndarray] = ()  # none that a policy has to augment
    labels = None

    def __init__(self, pictured: PicturedWorld, beta: float) -> None:
        self.pictured, self.beta = pictured, float(beta)
        distribution = pictured.world.p_train(beta)
        self._sources = np.cumsum(distribution / distribution.sum())
        kernel = pictured.world.kernel
        if not hasattr(kernel, "tocsr"):
            from scipy.sparse import csr_array

            kernel = csr_array(kernel)
        self._columns = kernel.indices
        # row i of the kernel is the stretch from i to i + 1: one search draws for all rows
        self._mass = np.cumsum(kernel.data)
        self._last = kernel.indptr[1:] - 1
        self._first = kernel.indptr[:-1]

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Sources int64 (count,) and their pairs of views int64 (2, count), as columns."""
        sources = np.searchsorted(self._sources, rng.random(count) * self._sources[-1], "right")
        places = np.searchsorted(self._mass, sources + rng.random((2, count)), "right")
        # rounding in the long sum may miss a row by one
        places = np.clip(places, self._first[sources], self._last[sources])
        return sources.astype(np.int64), self._columns[places].astype(np.int64)

    def batch(
        self, step: int, batch_size: int, seed: int, rows: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The `rows` of a batch: sources (n,) as ids, first and second views uint8 (n, 3, h, w)."""
        rng = np.random.default_rng(np.random.SeedSequence((seed, step, 2)))
        sources, views = self.draw(batch_size, rng)
        first, second = (self.pictured.view_images[column[rows]] for column in views)
        return sources[rows], first, second

    def fingerprint(self) -> dict[str, Any]:
        """What tells this distribution of views from another."""
        world, images = self.pictured.world, self.pictured.view_images
        digest = hashlib.sha256(images.tobytes())
        for part in (self._sources, self._columns, self._mass):
            digest.update(np.ascontiguousarray(part).tobytes())
        natural, views = world.kernel.shape
        return {
            "shape": list(images.shape[1:]),
            "hash": digest.hexdigest()[:16],
            "mixture": f"a world of {natural:,} images and {views:,} views, "
            f"beta = {self.beta:.4f}, fresh draws",
        }

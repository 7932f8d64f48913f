"""A generator of sprites whose distance from the real distribution is known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.sprites import FLAWS, SpriteWorld
from adainf_core.generators.generator import Generator, stream
from adainf_core.validation import as_choice


@dataclass(frozen=True)
class FlawedSprites:
    """Sprites that err by `flaw` at total variation exactly `tau` from the real distribution (0:
    perfect).

    A setting of the dial (`dial.Setting`) that is not fitted: of the real images only their size
    is looked at. Raises ValueError for an unknown flaw.
    """

    flaw: str = "background"
    tau: float = 0.9
    name: Literal["flawed_sprites"] = "flawed_sprites"
    needs_held_out = False

    def __post_init__(self) -> None:
        as_choice(self.flaw, "flaw", FLAWS)

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        """The generator of sprites as large as `real`'s; see `dial.make_generator`."""
        world = SpriteWorld(size=real.image_size)
        distribution = (
            world.generated_distribution(self.flaw, self.tau)
            if self.tau
            else world.real_distribution()
        )
        return SpriteGenerator(world, distribution, f"sprites-{self.flaw}-{self.tau:g}")


@dataclass(frozen=True, eq=False)
class SpriteGenerator:
    """Draws of a sprite `distribution` as a generator: unlabelled."""

    world: SpriteWorld
    distribution: np.ndarray
    name: str

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled sprites, deterministic given `seed`."""
        drawn = self.world.sample(self.distribution, count, stream(seed, "sprites"), self.name)
        return drawn.unlabelled()

"""What a generator is, and how one draws many images in little memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.theory.validation import as_count

#: Images drawn at a time. Part of what a seed means: every block has a stream of its own.
BLOCK = 500


class Generator(Protocol):
    """Anything that makes images: unlabelled, and the same ones for the same seed."""

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images, deterministic given `seed`."""


def stream(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """Random numbers for one purpose, independent of those for any other purpose or number.

    Raises ValueError for a seed that is not an integer of at least 0.
    """
    key = (zlib.crc32(purpose.encode()), number)
    return np.random.default_rng(np.random.SeedSequence(as_count(seed, "seed", 0), spawn_key=key))


def sample_in_blocks(
    draw: Callable[[np.random.Generator], np.ndarray], count: int, seed: int, name: str
) -> ImageSet:
    """`count` ≥ 1 unlabelled images from `draw(rng)`, which makes `BLOCK` of them, uint8.

    Image i depends on `seed` and i alone: asking for more images changes none of the first, and
    beyond the images themselves memory for one block is needed.
    """
    count = as_count(count, "count", 1)
    for number, start in enumerate(range(0, count, BLOCK)):
        # the last block is drawn whole as well, or its images would depend on the count
        block = draw(stream(seed, "block", number))
        if start == 0:
            images = np.empty((count, *block.shape[1:]), np.uint8)
        images[start : start + BLOCK] = block[: count - start]
    return ImageSet(images, None, name)


@dataclass(frozen=True, eq=False)
class InBlocks:
    """Another `generator`, asked for one block at a time: little memory, and stable prefixes.

    Its images are not those that the bare generator makes of the same seed. `name` is theirs.
    """

    generator: Generator
    name: str

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images, deterministic given `seed`."""
        return sample_in_blocks(self._block, count, seed, self.name)

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        return self.generator.sample(BLOCK, seed=int(rng.integers(2**32))).images

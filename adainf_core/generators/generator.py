"""What a generator is, and how one draws many images in little memory."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.validation import as_count

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


class Blockwise:
    """A generator whose image i depends on the seed and i alone: blocks with streams of their own.

    Asking for more images changes none of the first, and an image can be made without those before
    its block.
    """

    name: str  # what the images are called

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        """`BLOCK` images, uint8 (BLOCK, 3, h, w)."""
        raise NotImplementedError

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images, deterministic given `seed`.

        Beyond the images themselves memory for one block is needed.
        """
        count = as_count(count, "count", 1)
        for start in range(0, count, BLOCK):
            block = self.draw(start, min(start + BLOCK, count), seed)
            if start == 0:
                images = np.empty((count, *block.shape[1:]), np.uint8)
            images[start : start + BLOCK] = block
        return ImageSet(images, None, self.name)

    def draw(self, start: int, stop: int, seed: int = 0) -> np.ndarray:
        """Images number `start` to `stop` of the endless sample that `seed` names, uint8."""
        first, last = start // BLOCK, -(-stop // BLOCK)
        # blocks are drawn whole, or images would depend on how many are asked for
        blocks = [self._block(stream(seed, "block", number)) for number in range(first, last)]
        return np.concatenate(blocks)[start - first * BLOCK : stop - first * BLOCK]


@dataclass(frozen=True, eq=False)
class InBlocks(Blockwise):
    """Another `generator`, asked for one block at a time: little memory, and stable prefixes.

    Its images are not those that the bare generator makes of the same seed. `name` is theirs.
    """

    generator: Generator
    name: str

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        return self.generator.sample(BLOCK, seed=int(rng.integers(2**32))).images

"""Rendering of sprites: sharp ones and blurred ones, at 16 and 32 pixels a side.

    python benchmarks/sprites.py

Images per second on one thread, drawn uniformly from all latents with or without blur, in batches
as `SpriteWorld.sample` renders them. The world's tables, made once, are not counted. The target is
20,000 images a second for each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common import paired, report

from adainf_core.data.sprites import SpriteWorld

COUNT = 5000
TARGET = 20_000


def rendering(size: int, blurred: bool) -> Callable[[], int]:
    world = SpriteWorld(size=size)
    sharp = 2 * np.random.default_rng(0).integers(0, world.count // 2, COUNT)
    latents = sharp + blurred  # blur is the last factor

    def work() -> int:
        return len(world.render(latents))

    return work


def main() -> None:
    figures = paired(
        {
            f"{'blurred' if blurred else 'sharp'}, {size} pixels": rendering(size, blurred)
            for size in (16, 32)
            for blurred in (False, True)
        }
    )
    report(
        "sprites",
        figures,
        "images per second, one thread",
        batch=COUNT,
        target=TARGET,
        targets_met={name: rate["median"] >= TARGET for name, rate in figures.items()},
    )


if __name__ == "__main__":
    main()

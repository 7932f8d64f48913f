"""Put a trained diffusion model into the package, with a card that says what it is.

    python tools/ship_generator.py MODEL NAME --data cifar10 --size 16 --checkpoint RUN.pt

MODEL is a folder made by `adainf generate train`; --data is what it was trained on, "sprites" or a
named image set with a test split. The card's numbers are measured here, on --n images a side, with
fresh real images (the test split, other sprites) as the zero line. An older model of that name is
replaced.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.records import machine
from adainf_core.gap.report import gap_report
from adainf_core.generators.diffusion import SHIPPED, DiffusionGenerator
from adainf_core.tensor_files import read_tensors

CARD = """\
# {name}

An unconditional diffusion model of {size}×{size} images, trained for this project's book: small
enough for a processor, good enough to be looked at. It is a diffusers pipeline (UNet2DModel and a
training schedule), {parameters:,} parameters in half precision, digest `{digest}`.

    from adainf_core import DiffusionGenerator
    images = DiffusionGenerator.load("{name}").sample(100)

| | |
| --- | --- |
| trained on | {data} |
| not looked at | labels |
| steps | {steps:,} of {batch} images ({passes:.1f} passes), seed {seed}, averaged weights |
| trained by | `adainf generate train`, settings {settings} |
| trained and measured on | {device}; torch {torch} |
| sampled by | DPM-Solver++, {sampler_steps} steps, unless told otherwise |

## How far from its training images

Measured on {n:,} images a side, when the model was put here, with 95 % intervals.

```text
{table}
```

Use it to study what flawed images do to a learner, not for its images' sake.
"""


def sprites(size: int, count: int, seed: int) -> ImageSet:
    world = SpriteWorld(size=size)
    return world.sample(world.real_law(), count, np.random.default_rng(seed), f"sprites-{size}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("name")
    parser.add_argument("--data", required=True)
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of the run that made it")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--n", type=int, default=3000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = replace(DiffusionGenerator.load(options.model, "cpu"), name=options.name)
    if options.data == "sprites":
        real, fresh = (sprites(options.size, options.n, seed) for seed in (0, 1))
        data = "50,000 sprites drawn from the real law of `SpriteWorld(size=16)`"
        seen = 50_000
    else:
        train, fresh = (
            load_images(options.data, split=split, download=False).downsampled(options.size)
            for split in ("train", "test")
        )
        chosen = np.random.default_rng(0).permutation(len(train))[: options.n]
        real, seen = train.subset(np.sort(chosen)), len(train)
        fresh = fresh.subset(np.arange(options.n))
        data = f"all {seen:,} training images of {options.data}, averaged to {options.size} pixels"
    report = gap_report(real, generator.sample(options.n), held_out=fresh, n=options.n)
    config = read_tensors(options.checkpoint)["config"]
    versions, device = machine("cpu")
    target = SHIPPED / options.name
    shutil.rmtree(target, ignore_errors=True)
    card = CARD.format(
        name=options.name,
        size=options.size,
        parameters=generator.parameters,
        digest=generator.digest(),
        data=data,
        steps=options.steps,
        batch=config["batch_size"],
        passes=options.steps * config["batch_size"] / seen,
        seed=config["seed"],
        settings=" ".join(
            f"`{key}={config[key]}`" for key in ("widths", "attention", "batch_size")
        ),
        device=device,
        torch=versions["torch"],
        sampler_steps=generator.sampler.steps,
        n=options.n,
        table=report.table(),
    )
    generator.save(target, card, half=True)
    print(card)


if __name__ == "__main__":
    main()

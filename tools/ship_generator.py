"""Put a trained diffusion model into the package, with a card that says what it is.

    python tools/ship_generator.py MODEL NAME --data cifar10 --checkpoint RUN.pt

MODEL is a folder made by `adainf generate train`, RUN.pt the checkpoint of that run, from which its
steps, settings and numbers of images are read; --data is what it was trained on, "sprites" or a
named image set with a test split. The card's numbers are measured here, in the half precision that
is shipped, on --n images a side, with fresh real images (the test split, other sprites) as the zero
line. An older model of that name is replaced once the new one is whole.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.records import machine
from adainf_core.gap.report import gap_report
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.pipelines import SHIPPED
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
    return world.sample(
        world.real_distribution(), count, np.random.default_rng(seed), f"sprites-{size}"
    )


def compared(data: str, size: int, n: int, seen: int) -> tuple[ImageSet, ImageSet, str]:
    """`n` images such as the model was trained on, `n` fresh ones, and what to call them."""
    if data == "sprites":
        real, fresh = (sprites(size, n, seed) for seed in (0, 1))
        source = f"the real distribution of `SpriteWorld(size={size})`"
        return real, fresh, f"{seen:,} sprites drawn from {source}"
    train, test = (
        load_images(data, split=split, download=False).downsampled(size)
        for split in ("train", "test")
    )
    if len(train) != seen:
        raise ValueError(f"{data} has {len(train)} training images, the run saw {seen}")
    chosen = np.random.default_rng(0).permutation(len(train))[:n]
    where = f"all {seen:,} training images of {data}, averaged to {size} pixels"
    return train.subset(np.sort(chosen)), test.subset(np.arange(min(n, len(test)))), where


def halved(model: Path, run: dict[str, Any]) -> DiffusionGenerator:
    """The model in half precision, as it will be read; ValueError where the run made another."""
    with TemporaryDirectory() as passing:
        folder = DiffusionGenerator.load(model, "cpu").save(Path(passing) / "half", half=True)
        generator = DiffusionGenerator.load(folder, "cpu")
    averaged = [tensor.half().float() for tensor in run["average"]["shadow_params"]]
    made = list(generator.unet.parameters())
    if [w.shape for w in made] != [w.shape for w in averaged] or not all(
        map(torch.equal, made, averaged)
    ):
        raise ValueError(f"{model} does not hold the weights of the checkpoint: name its own")
    return generator


def installed(generator: DiffusionGenerator, target: Path, card: str) -> None:
    """Put the model at `target` in place of an older one, which stays until this one is whole."""
    with TemporaryDirectory(dir=target.parent) as passing:
        new = generator.save(Path(passing) / target.name, card, half=True)
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("name")
    parser.add_argument("--data", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of the run that made it")
    parser.add_argument("--n", type=int, default=3000)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    run = read_tensors(options.checkpoint)
    config, (seen, _, _, size) = run["config"], run["images"]["shape"]
    generator = replace(halved(options.model, run), name=options.name)
    real, fresh, data = compared(options.data, size, options.n, seen)
    report = gap_report(real, generator.sample(options.n), held_out=fresh, n=options.n)
    versions, device = machine("cpu")
    card = CARD.format(
        name=options.name,
        size=size,
        parameters=generator.parameters,
        digest=generator.digest(),
        data=data,
        steps=run["step"],
        batch=config["batch_size"],
        passes=run["step"] * config["batch_size"] / seen,
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
    installed(generator, SHIPPED / options.name, card)
    print(card)


if __name__ == "__main__":
    main()

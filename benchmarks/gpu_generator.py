"""A generator on a GPU: train a 32-pixel diffusion model for some minutes, sample, measure.

    python benchmarks/gpu_generator.py --out DIR [--minutes 8] [--run run.pt]
    python benchmarks/gpu_generator.py --out DIR --device cpu --tiny     # does it run at all?

The model (under ten million parameters, so that its weights in half precision stay below 20 MB)
trains in bfloat16, compiled, on CIFAR-10 from ADAINF_DATA or, where there is none, on noise, until
the minutes are used but for those that sampling needs. A run file that is there is continued, so
that another call goes on. The first thousand images are sampled to know the rate, then as many as
the time left allows, at most --count, into --store, made anew (too large to carry home: the
studies that need it run on the same machine). DIR gets model/ (a diffusers pipeline), sheet.png,
and generator.json with the rates, the loss curve and the Fréchet and kernel distances of 10,000
images on features of a random convolution. The target: 200,000 images in five minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch

from adainf_core.data.contact_sheet import contact_sheet
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.evidence.runs.records import machine, source_commit
from adainf_core.files import atomic_file
from adainf_core.gap.extractors import random_convolution
from adainf_core.gap.frechet import frechet_estimate
from adainf_core.gap.kernel_distance import kernel_distance
from adainf_core.generators.diffusion import sample_to_store
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.diffusion_training import train_diffusion

TARGET = 200_000 / 300  # images a second


def images(tiny: bool) -> ImageSet:
    try:
        found = load_images("cifar10", download=False).unlabelled()
    except FileNotFoundError:
        noise = np.random.default_rng(0).integers(0, 256, (2000, 3, 32, 32), np.uint8)
        found = ImageSet(noise, None, "noise")
    return found.subset(np.arange(1000)).downsampled(8) if tiny else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--run", type=Path, default=Path("_build/gpu-generator.pt"))
    parser.add_argument("--store", type=Path, default=Path("_build/gpu-generated"))
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--device", choices=("cpu", "cuda"), default=None)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    deadline = began + 60 * options.minutes
    real = images(options.tiny)
    config = DiffusionConfig(
        widths=(16, 32) if options.tiny else (96, 160, 192),
        attention=(False, True) if options.tiny else (False, True, True),
        batch_size=16 if options.tiny else 512,
        compile=not options.tiny,
        device=options.device,
    )
    training = 0.6 * 60 * options.minutes
    options.run.parent.mkdir(parents=True, exist_ok=True)
    trained = train_diffusion(
        real, config, 10**6, checkpoint=options.run, max_seconds=training, progress=True
    )
    trained_at = time.monotonic()
    generator = trained.generator.using(batch_size=16 if options.tiny else 2000)
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(options.out / "model", ignore_errors=True)
    generator.save(options.out / "model", half=True)

    first = 32 if options.tiny else 2000
    generator.draw(0, first)  # a first call is slow
    rated = time.monotonic()
    for _ in range(2):
        generator.draw(0, first)
    rate = 2 * first / (time.monotonic() - rated)
    shutil.rmtree(options.store, ignore_errors=True)  # of an earlier state of the model
    left = max(20.0, deadline - time.monotonic() - 40)
    store = sample_to_store(generator, options.store, options.count, max_seconds=left)
    sampled = store.first(min(10_000, len(store)))
    with atomic_file(options.out / "sheet.png") as file:
        contact_sheet(sampled, 200, 20, scale=2).save(file, format="PNG")

    rows = [random_convolution()(side.images[: len(sampled)]) for side in (real, sampled)]
    frechet = frechet_estimate(*rows).extrapolated
    kernel = kernel_distance(*rows)
    versions, device = machine(options.device)
    found = {
        "images": real.name,
        "parameters": generator.parameters,
        "steps": trained.steps,
        "history": trained.history,
        "training_seconds": round(trained_at - began, 1),
        "images_per_second": rate,
        "target": TARGET,
        "target_met": rate >= TARGET,
        "sampled": len(store),
        "frechet": [frechet.value, frechet.low, frechet.high],
        "kernel_distance": [kernel.value, kernel.low, kernel.high],
        "features": "random convolution (width 64, seed 0)",
        "n": len(sampled),
        "device": device,
        "versions": versions,
        "commit": source_commit()[0],
    }
    with atomic_file(options.out / "generator.json") as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    print(json.dumps({key: value for key, value in found.items() if key != "history"}, indent=1))


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()

"""Sampling the shipped 16-pixel diffusion model on a processor: 20 steps of DPM-Solver++.

    python benchmarks/diffusion.py [--cores 2]

Images per second with our group normalisation and with torch's own (what diffusers' modules use),
in bfloat16 and float32, batches of 250 at once. The target is 50 images a second on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from common import paired, report
from diffusers import UNet2DModel

from adainf_core.generators.diffusion import DiffusionGenerator

TARGET = 50


def sampling(generator: DiffusionGenerator) -> Callable[[], int]:
    def work() -> int:
        return len(generator.draw(0, generator.sampler.batch_size))

    return work


def with_torchs_norms(generator: DiffusionGenerator) -> DiffusionGenerator:
    unet = UNet2DModel.from_config(generator.unet.config)
    unet.load_state_dict(generator.unet.state_dict())
    unet = unet.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return DiffusionGenerator(unet, generator.schedule, generator.name, generator.sampler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.cores)
    ours = DiffusionGenerator.load("cifar10-16", device="cpu")
    sides = {"ours": ours, "torch's": with_torchs_norms(ours)}
    figures = paired(
        {
            f"{name} group norm, {precision}": sampling(side.using(precision=precision))
            for name, side in sides.items()
            for precision in ("bf16", "fp32")
        },
        rounds=options.rounds,
    )
    best = figures["ours group norm, bf16"]["median"]
    report(
        "diffusion",
        figures,
        f"images per second, {options.cores} core(s)",
        cores=options.cores,
        steps=ours.sampler.steps,
        batch=ours.sampler.batch_size,
        parameters=ours.parameters,
        target=TARGET,
        target_met=best >= TARGET,
    )


if __name__ == "__main__":
    main()

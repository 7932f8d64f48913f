"""Estimates: what a run will cost, from a step or two of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch

from adainf_core.devices import chosen_device
from adainf_core.learning.encoders import multiply_adds
from adainf_core.learning.feeding import Source
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run

_CPU_BATCH = 64  # enough to be in proportion, short enough to wait for


@dataclass(frozen=True)
class Estimate:
    """Seconds a step and in all, and bytes on the device: weights, activations, images.

    `parameters` and `multiply_adds` (of one image, forward) are the encoder's alone.
    `weights` covers parameters, gradients, optimiser state and buffers; `activations` what one
    step keeps for its backward pass; `images` those resident there (on CPU none are copied).
    """

    seconds_per_step: float
    seconds: float
    weights: int
    activations: int
    images: int
    parameters: int
    multiply_adds: int

    @property
    def memory(self) -> int:
        """Bytes in all."""
        return self.weights + self.activations + self.images


def estimate(config: PretrainConfig, data: Source) -> Estimate:
    """Time and memory of `pretrain(config, data)`, measured on this machine.

    Takes three steps of each size of views, on CPU of a smaller batch and scaled up in proportion;
    compilation is left out. Rough by nature: within a third on an idle machine.
    """
    stretches = [_one_size(config, data, scale) for scale in config.view_scales]
    largest = stretches[config.view_scales.index(max(config.view_scales))]
    seconds = sum(stretch.seconds_per_step for stretch in stretches) / len(stretches)
    return replace(largest, seconds_per_step=seconds, seconds=seconds * config.steps)


def _one_size(config: PretrainConfig, data: Source, scale: float) -> Estimate:
    """The estimate if all views had `scale` times their size."""
    if chosen_device(config.device).type == "cpu":
        size = min(config.batch_size, _CPU_BATCH, sum(map(len, data.images)))
    else:
        size = config.batch_size
    more = config.batch_size / size
    steps = max(3, config.steps)
    short = replace(config, batch_size=size, steps=steps, view_scales=(scale,), compile=False)
    run = Run(short, data)
    stored: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        stored[storage.data_ptr()] = storage.nbytes()
        return tensor

    # the first step also allocates; what it keeps is counted, the two after it are timed
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run.advance(1)
    started = time.monotonic()
    run.advance(2)
    seconds = (time.monotonic() - started) / 2 * more
    own = {p.untyped_storage().data_ptr() for p in run.trainee.parameters()}
    activations = sum(size for pointer, size in stored.items() if pointer not in own)
    state = [v for s in run.optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    trained = [p for p in run.trainee.parameters() if p.requires_grad]
    tensors = [*run.trainee.parameters(), *run.trainee.buffers(), *state, *trained]
    resident, encoder = run.feed.resident, run.trainee.method.encoder
    return Estimate(
        seconds_per_step=seconds,
        seconds=seconds * config.steps,
        weights=sum(t.nbytes for t in tensors),
        activations=round(activations * more),
        images=0 if resident is None else resident.nbytes,
        parameters=sum(p.numel() for p in encoder.parameters()),
        multiply_adds=multiply_adds(encoder, data.images[0].shape[-1]),
    )

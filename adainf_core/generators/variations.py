"""Variations of real images by a diffusion model: noised and denoised, or mixed into a sample.

Variation j of real image i is a function of model, sampler, image, seed and its number i k + j
alone, up to rounding as a sample is. Both ways end in the sample of the same seed and number where
nothing of the image is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from adainf_core.configuration import to_plain
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import Draw, grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.paired import pairs_of
from adainf_core.generators.ddim import DDIM
from adainf_core.generators.diffusion import DiffusionGenerator, image_noise
from adainf_core.generators.diffusion_config import LAST_SEED, Sampler, training_schedule
from adainf_core.validation import as_count, as_share


@dataclass(frozen=True)
class SDEdit:
    """Noise the image, denoise it by DDIM (Meng et al. 2022, without noise on the way back).

    `strength` is how far up the model's noise levels it is brought, as a share of them: 0 gives
    back the image, 1 starts from noise alone. That share of the sampler's steps is made, each an
    evaluation of the network.
    """

    strength: float = 0.5
    name: Literal["sdedit"] = "sdedit"

    def __post_init__(self) -> None:
        as_share(self.strength, "strength")


@dataclass(frozen=True)
class Mix:
    """Draw a sample whose middle block's state is mixed, at every step, with that of the image.

    The image is brought to the step's noise level by fresh noise; h(x_t) becomes (1 - `weight`)
    h(x_t) + `weight` h(image_t), and the skip connections stay those of x_t (CLSP, weight 0.9).
    A step costs an evaluation of the network, and one as far as its middle block: a third more in
    the shipped ones. Where skip connections carry what an image shows, as in so small a network,
    next to nothing of the image is left, whatever the weight.
    """

    weight: float = 0.9
    name: Literal["mix"] = "mix"

    def __post_init__(self) -> None:
        as_share(self.weight, "weight")


#: The ways to vary an image by their names, each at its defaults.
WAYS: dict[str, SDEdit | Mix] = {"sdedit": SDEdit(), "mix": Mix()}


def vary_to_store(
    generator: DiffusionGenerator,
    real: ImageSet,
    path: str | Path,
    k: int = 8,
    way: SDEdit | Mix = WAYS["sdedit"],
    seed: int = 0,
    *,
    progress: bool = False,
    max_seconds: float = math.inf,
) -> GeneratedImages:
    """k variations of each of the `real` images in the store at `path`, those it lacks made first.

    `PairedImages.open` reads it once it is `complete`. See `grown_store`: it can be killed at any
    moment and called again, and refuses a store of another model, sampler, way, seed, k, or of
    other real images. The errors are also those of `variations`.
    """
    draw = variations(generator, real, k, way, seed)
    origin = generator.origin(seed) | {"way": to_plain(way)} | pairs_of(real, k)
    return grown_store(
        path,
        draw,
        len(real) * k,
        generator.image_shape,
        origin=origin,
        block=generator.sampler.batch_size,
        real=real,
        progress=progress,
        max_seconds=max_seconds,
    )


def check_sampler(sampler: Sampler) -> None:
    """ValueError for a sampler that images are not varied by."""
    if sampler.kind != "ddim":
        raise ValueError(
            f"kind={sampler.kind}: images are varied by DDIM: give kind=ddim, in Python "
            "generator.using(kind='ddim')"
        )


def variations(
    generator: DiffusionGenerator,
    real: ImageSet,
    k: int,
    way: SDEdit | Mix = WAYS["sdedit"],
    seed: int = 0,
) -> Draw:
    """A function that gives variations number `start` to `stop`, uint8: k of each image in turn.

    All that one call asks for go through the network together. Raises ValueError for a sampler
    other than DDIM, for images of another size than the model's, for a model without a middle block
    where that is mixed, and where k or seed cannot be.
    """
    seed = as_count(seed, "seed", 0, LAST_SEED)
    as_count(k, "k", 1)
    check_sampler(generator.sampler)
    if real.images.shape[1:] != generator.image_shape:
        own, made = ("x".join(map(str, s[-2:])) for s in (real.images.shape, generator.image_shape))
        raise ValueError(
            f"{real.name} has images of {own} pixels, and {generator.name} makes {made}: bring the "
            f"images to that size (--size {generator.image_shape[1]})"
        )
    if isinstance(way, Mix) and generator.unet.mid_block is None:
        raise ValueError(f"{generator.name} has no middle block to mix in: vary by sdedit")
    generator.check(len(real) * k)

    def draw(start: int, stop: int) -> np.ndarray:
        images = real.images[np.arange(start, stop) // k]
        if isinstance(way, Mix):
            return _mixed(generator, images, way.weight, start, seed)
        return _edited(generator, images, way.strength, start, seed)

    return draw


def _edited(
    generator: DiffusionGenerator, images: np.ndarray, strength: float, start: int, seed: int
) -> np.ndarray:
    if strength == 0:
        return images
    squares = training_schedule(generator.schedule).alphas_cumprod
    levels = max(1, round(strength * len(squares)))
    steps = min(levels, max(1, round(strength * generator.sampler.steps)))
    # noise alone at the end of the chain, where a little signal may be left in the last level
    signal = float(squares[levels - 1]) if strength < 1 else 0.0
    noise = image_noise(start, start + len(images), seed, generator.image_shape)
    return generator.denoised(
        _noised(images, noise, signal),
        DDIM(squares[:levels], generator.schedule["prediction_type"], steps),
    )


def _mixed(
    generator: DiffusionGenerator, images: np.ndarray, weight: float, start: int, seed: int
) -> np.ndarray:
    squares = training_schedule(generator.schedule).alphas_cumprod
    span, shape = (start, start + len(images), seed), generator.image_shape

    def network(state: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        level = int(time)
        fresh = image_noise(*span, shape, part=level + 1)  # part 0 is what the sample starts from
        anchor = torch.from_numpy(_noised(images, fresh, float(squares[level]))).to(state)
        middle = _middle(generator, anchor.contiguous(memory_format=torch.channels_last), time)
        mixing = generator.unet.mid_block.register_forward_hook(
            lambda _module, _inputs, own: torch.lerp(own, middle, weight)
        )
        with mixing:
            return generator.prediction(state, time)

    return generator.denoised(
        image_noise(*span, shape), generator.sampler.scheduler(generator.schedule), network
    )


class _Reached(Exception):
    """The state of the middle block: no error, but the end of a pass that is to give it."""


def _middle(generator: DiffusionGenerator, state: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """The middle block's state for noisy images; what follows it in the network is spared."""

    def stop(_module: Any, _inputs: Any, own: torch.Tensor) -> None:
        raise _Reached(own)

    with generator.unet.mid_block.register_forward_hook(stop):
        try:
            generator.prediction(state, time)
        except _Reached as reached:
            return reached.args[0]
    raise ValueError(f"{generator.name} has a middle block that it does not use: vary by sdedit")


def _noised(images: np.ndarray, noise: np.ndarray, signal: float) -> np.ndarray:
    """uint8 images (n, 3, h, w) with a share `signal` of their variance beside `noise`, float32."""
    clean = images.astype(np.float32) / np.float32(127.5) - 1
    return signal**0.5 * clean + (1 - signal) ** 0.5 * noise

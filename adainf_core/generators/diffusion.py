"""Diffusion models through diffusers: a U-Net, a noise schedule, and images drawn from the two.

On disk a model is what diffusers calls a pipeline, a folder of safetensors and JSON, so that any
tool which reads those reads it, and published pipelines are read the same way.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from adainf_core.configuration import to_plain
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import Draw, grown_store
from adainf_core.data.images import ImageSet
from adainf_core.devices import check_memory, chosen_device
from adainf_core.files import atomic_folder
from adainf_core.generators.diffusion_config import LAST_SEED, MOST_LEVELS, Sampler
from adainf_core.generators.group_norm import channels_last
from adainf_core.generators.pipelines import (
    UNVERIFIED,
    checked_digest,
    model_place,
    plain,
    shipped_generators,
    unfit,
    unknown_keys,
    write_digests,
)
from adainf_core.progress import progress_bar
from adainf_core.validation import as_count

#: A prediction (n, 3, h, w) of noisy images (n, 3, h, w) at a noise level.
Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class UnverifiedModelWarning(UserWarning):
    """A model's files carry no digest that they could be held against."""


@dataclass(frozen=True, eq=False)
class DiffusionGenerator:
    """A trained diffusion model as a generator.

    `unet` maps noisy images and time steps to `schedule`'s prediction (diffusers' configuration of
    the training schedule); `name` says whose images these are, and `files` is the digest of those
    that it was read from ("" where it was not). An image is a function of weights, sampler, seed
    and its index; on one machine, thread count and batch size it is the same to the bit, elsewhere
    up to rounding.
    """

    unet: Any
    schedule: dict[str, Any]
    name: str
    sampler: Sampler = field(default_factory=Sampler)
    files: str = ""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (3, h, w) of an image."""
        size = self.unet.config.sample_size
        height, width = size if isinstance(size, list | tuple) else (size, size)
        return 3, height, width

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(parameter.numel() for parameter in self.unet.parameters())

    def using(self, **sampler: Any) -> DiffusionGenerator:
        """The same model under a changed sampler, such as `using(steps=5)`."""
        return replace(self, sampler=replace(self.sampler, **sampler))

    def sample(self, count: int, seed: int = 0, *, progress: bool = False) -> ImageSet:
        """`count` unlabelled images; `progress` shows a bar with the time left in a terminal."""
        count, size = as_count(count, "count", 1), self.sampler.batch_size
        self.check(count)
        images = np.empty((count, *self.image_shape), np.uint8)
        with progress_bar(count, "image", shown=progress) as advance:
            for start in range(0, count, size):
                stop = min(start + size, count)
                images[start:stop] = self.draw(start, stop, seed)
                advance(stop - start)
        return ImageSet(images, None, self.name)

    def check(self, count: int) -> None:
        """Raise ValueError where the sampler does not suit the model, or `count` images no memory.

        Nothing is drawn for that.
        """
        self.sampler.scheduler(self.schedule)
        _, height, width = self.image_shape
        batch = min(count, self.sampler.batch_size)
        # the first feature maps are kept until the last; noise, prediction and state are 32 bits
        channels = getattr(self.unet.config, "block_out_channels", (0,))[0]
        half = 2 if self.sampler.precision == "bf16" else 4
        check_memory(
            batch * height * width * (channels * half + 3 * 3 * 4),
            f"a batch of {batch:,} images of {height}x{width}",
            next(self.unet.parameters()).device,
        )

    def draw(self, start: int, stop: int, seed: int = 0) -> np.ndarray:
        """Images number `start` to `stop` of the endless sample that `seed` names, uint8.

        All of them go through the network together. Raises ValueError for a seed outside
        0..`LAST_SEED`, FloatingPointError where the network's weights make nothing finite.
        """
        seed = as_count(seed, "seed", 0, LAST_SEED)
        noise = image_noise(start, stop, seed, self.image_shape)
        return self.denoised(noise, self.sampler.scheduler(self.schedule))

    def denoised(
        self, noisy: np.ndarray, scheduler: Any, network: Network | None = None
    ) -> np.ndarray:
        """What the steps of `scheduler` make of `noisy` float32 (n, 3, h, w), as uint8 images.

        All of them go through the network together; `network(state, time)` stands for the model's
        own prediction. Raises FloatingPointError where nothing finite comes of it.
        """
        device = next(self.unet.parameters()).device
        state = torch.from_numpy(noisy).to(device).contiguous(memory_format=torch.channels_last)
        half = torch.autocast(device.type, torch.bfloat16, enabled=self.sampler.precision == "bf16")
        with torch.inference_mode():
            for time in scheduler.timesteps:
                with half:
                    prediction = (network or self.prediction)(state, time)
                state = scheduler.step(prediction.float(), time, state, return_dict=False)[0]
            if not bool(torch.isfinite(state).all()):
                raise FloatingPointError(
                    f"{self.name} makes images that are not finite numbers: its weights or its "
                    "schedule are broken"
                )
            pixels = (127.5 * (state + 1)).clamp(0, 255).round().to(torch.uint8)
        return pixels.cpu().contiguous().numpy()

    def prediction(self, state: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """What the network makes of `state` (n, 3, h, w), noisy images at the level `time`."""
        return self.unet(state, time.to(state.device), return_dict=False)[0]

    def origin(self, seed: int = 0) -> dict[str, Any]:
        """What decides the images of `seed`, as plain values (`grown_store` keeps them).

        Raises ValueError for a seed outside 0..`LAST_SEED`.
        """
        seed = as_count(seed, "seed", 0, LAST_SEED)
        origin = {"model": self.digest(), "sampler": to_plain(self.sampler), "seed": seed}
        return origin | ({"files": self.files} if self.files else {})

    def digest(self) -> str:
        """A hash of the weights and of the schedule."""
        schedule = sorted(plain(self.schedule).items())
        digest = hashlib.sha256(repr(schedule).encode())
        for name, tensor in sorted(self.unet.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
        return digest.hexdigest()[:16]

    def to(self, device: str | torch.device) -> DiffusionGenerator:
        """The same generator on another device."""
        self.unet.to(device)
        return self

    def save(self, folder: str | Path, card: str = "", half: bool = False) -> Path:
        """Write the model as a diffusers pipeline, whole or not at all; `half` halves its size.

        `card` becomes its README.md, and sha256.json holds a hash of every file. Raises
        FileExistsError where `folder` is taken.
        """
        from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

        unet = UNet2DModel.from_config(plain(self.unet.config))
        unet.load_state_dict(self.unet.state_dict())
        pipeline: Any = DDPMPipeline(
            unet.half() if half else unet, DDPMScheduler.from_config(plain(self.schedule))
        )
        with atomic_folder(Path(folder)) as place:
            with _quiet():
                pipeline.save_pretrained(place, safe_serialization=True)
            if card:
                (place / "README.md").write_text(card, encoding="utf-8")
            write_digests(place)
        return Path(folder)

    @classmethod
    def load(cls, name: str | Path, device: str | None = None) -> DiffusionGenerator:
        """A shipped model by its name, a folder written by `save`, or a pipeline on the hub.

        Hub names look like "google/ddpm-cifar10-32" and need a network once; after that they are
        read from the hub's cache. Weights are read from safetensors where a pipeline has them; the
        .bin files of an older one are unpickled, by torch with `weights_only`, which builds nothing
        but tensors and plain containers. `device` is "cuda" where there is one, unless named.

        A folder is held against its sha256.json; where it has none, made elsewhere, and on the hub
        an `UnverifiedModelWarning` says that damage would not be noticed.

        Raises ValueError in one line for what is none of these, damaged, or does something else
        than to turn noise into RGB images of its own size without further input; for a key in its
        configuration that diffusers does not know, and would pass over; for a shipped model's name
        where a model lies in a folder of that name too (a `Path`, or "./name", is always the
        folder); and for "cuda" where there is none.
        """
        from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

        place, shipped = model_place(name), shipped_generators()
        target = chosen_device(device)
        files = checked_digest(Path(place))
        with _quiet():
            try:
                parts = set(plain(DDPMPipeline.load_config(str(place))))
                # what diffusers would set out to make, however large
                for kind, part, key, most in (
                    (DDPMScheduler, "scheduler", "num_train_timesteps", MOST_LEVELS),
                    (UNet2DModel, "unet", "layers_per_block", 100),
                ):
                    settings: Any = kind.load_config(str(place), subfolder=part)
                    as_count(settings.get(key, 1), key, 1, most)
                pipeline = DDPMPipeline.from_pretrained(str(place))
            except Exception as error:  # the hub's errors have no common type
                reason = " ".join(str(error).split())[:200]
                raise ValueError(
                    f"no diffusion model can be read from {str(name)!r} ({reason}): name a shipped "
                    f"one ({', '.join(shipped) or 'there are none'}), a folder written by adainf "
                    "generate train, or a public pipeline on the hub while there is a network"
                ) from None
            unknown = unknown_keys(pipeline)
        schedule = plain(pipeline.scheduler.config)
        fault = unfit(pipeline.unet, schedule)
        if parts != {"unet", "scheduler"}:
            fault = f"consists of {', '.join(sorted(parts))}, not of unet and scheduler"
        if unknown:
            fault = f"sets {unknown}, which diffusers does not know"
        if fault:
            raise ValueError(f"{name} {fault}: name an unconditional diffusion model of RGB images")
        if files == UNVERIFIED:
            warnings.warn(
                f"{name} carries no digest of its files (sha256.json, which save() writes): damage "
                "to them would not be noticed",
                UnverifiedModelWarning,
                stacklevel=2,
            )
        unet = prepared(pipeline.unet.float(), target).eval().requires_grad_(False)
        return cls(unet, schedule, Path(name).name, files=files)


def sample_to_store(
    generator: DiffusionGenerator,
    path: str | Path,
    count: int,
    seed: int = 0,
    *,
    draw: Draw | None = None,
    real: ImageSet | None = None,
    progress: bool = False,
    max_seconds: float = math.inf,
) -> GeneratedImages:
    """`count` images of `seed` in the store at `path`, those it lacks sampled first.

    `draw(start, stop)` gives them where it is not `generator.draw` in this process.

    See `grown_store`: it can be killed at any moment and called again, and refuses a store of
    another model, sampler or seed. No store is begun for what `DiffusionGenerator.check` refuses.
    """
    generator.check(as_count(count, "count", 1))
    return grown_store(
        path,
        draw or partial(generator.draw, seed=seed),
        count,
        generator.image_shape,
        origin=generator.origin(seed),
        block=generator.sampler.batch_size,
        real=real,
        progress=progress,
        max_seconds=max_seconds,
    )


def prepared(unet: nn.Module, device: torch.device) -> nn.Module:
    """`unet` on `device`, laid out for speed there."""
    unet = unet.to(device)
    if device.type == "cpu":
        return channels_last(unet)
    return unet.to(memory_format=torch.channels_last)


def image_noise(
    start: int, stop: int, seed: int, shape: tuple[int, ...], part: int = 0
) -> np.ndarray:
    """Standard normal float32, stop - start images of `shape`: a stream of its own for every image.

    The streams of one image that differ in `part`, below 2**64, share no numbers.
    """
    noise = np.empty((stop - start, *shape), np.float32)
    for index in range(start, stop):
        key = np.array([seed, index], np.uint64)
        counter = np.array([0, 0, 0, part], np.uint64)
        stream = np.random.Generator(np.random.Philox(key=key, counter=counter))
        stream.standard_normal(dtype=np.float32, out=noise[index - start])
    return noise


@contextmanager
def _quiet() -> Iterator[None]:
    """diffusers writes bars and hints to the terminal; errors are raised anyway."""
    from diffusers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()

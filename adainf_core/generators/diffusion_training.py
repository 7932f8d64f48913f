"""Training an unconditional diffusion model on any image set, in parts if need be."""

from __future__ import annotations

import hashlib
import json
import math
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from adainf_core.configuration import differences, to_plain
from adainf_core.data.images import ImageSet
from adainf_core.devices import check_memory, chosen_device
from adainf_core.eager_optimizers import eager
from adainf_core.files import claim_output
from adainf_core.generators.diffusion import DiffusionGenerator, prepared
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.pipelines import plain
from adainf_core.progress import progress_range
from adainf_core.stopping import StopRequest, stop_requests
from adainf_core.tensor_files import (
    is_history,
    is_pending,
    is_step,
    naming_misfits,
    read_tensors,
    restore_optimizer,
    write_tensors,
)
from adainf_core.validation import as_count

FORMAT = 1
_HISTORY = 100  # steps between entries of the loss curve
_LOOK = 0.5  # seconds between two looks at whether another process has made the model
_FREE = ("device", "compile")  # may change between the parts of a run


def train_diffusion(
    images: ImageSet,
    config: DiffusionConfig,
    steps: int,
    *,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 300.0,
    max_seconds: float = math.inf,
    progress: bool = False,
) -> DiffusionResult:
    """A diffusion model after `steps` steps on `images` (square; labels are not looked at).

    Batches, noise and times are functions of `config.seed` and the step. With `checkpoint`, a file,
    the run goes on from there if it exists, writes it every `checkpoint_seconds` and at the end,
    and stops there after `max_seconds`; asking for more steps later continues it, on a processor to
    the same bits as in one piece. With it, Ctrl-C and SIGTERM too take effect when the step in hand
    is done and kept: SIGTERM like `max_seconds`, Ctrl-C as a KeyboardInterrupt that says how to go
    on.

    Raises ValueError before any training for images that do not fit, a network or batch that
    memory cannot hold, or a checkpoint of another run or beyond `steps`, FloatingPointError when
    the loss or a weight stops being finite (the checkpoint then is from before, and no model is
    returned).
    """
    run = _Run(images, config)
    steps = as_count(steps, "steps", 0)
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.is_file():
        run.restore(path)
    if run.step > steps:
        raise ValueError(f"{path} is at step {run.step} already, beyond steps={steps}")
    saved = started = time.monotonic()
    with nullcontext(StopRequest()) if path is None else stop_requests() as stop:
        for _ in progress_range(run.step, steps, "step", shown=progress):
            run.advance()
            now = time.monotonic()
            if now - started >= max_seconds or stop:
                break
            if path is not None and now - saved >= checkpoint_seconds:
                run.save(path)
                saved = now
        if path is None:
            run.check_finite()
        else:
            run.save(path)
    stop.raise_interrupt(
        f"stopped after {run.step} of {steps} steps, kept in {path}: the same call goes on"
    )
    return DiffusionResult(run.generator(), run.history, run.step, run.step == steps)


def cached_diffusion(
    images: ImageSet, config: DiffusionConfig, steps: int, cache: Path | None = None
) -> DiffusionGenerator:
    """The generator that `train_diffusion` makes, read from the folder `cache` if it is there.

    With `cache` a new one is kept there, and its run goes on where it was interrupted; while
    another process makes it, this one waits. Weights are rounded to half precision on the way, with
    and without a cache.
    """
    if cache is None:
        with TemporaryDirectory() as passing:
            return cached_diffusion(images, config, steps, Path(passing))
    decided = {**to_plain(config), **dict.fromkeys(_FREE), "images": _fingerprint(images)}
    key = hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:12]
    folder, checkpoint = cache / f"{key}-{steps}", cache / f"{key}-{steps}.pt"
    while not folder.exists():
        with ExitStack() as claim:
            try:
                claim.enter_context(claim_output(folder, "new folder"))
            except FileExistsError:  # made since we looked
                break
            except BlockingIOError:
                time.sleep(_LOOK)
                continue
            trained = train_diffusion(images, config, steps, checkpoint=checkpoint)
            if not trained.finished:
                raise InterruptedError(
                    f"terminated after {trained.steps} of {steps} steps, kept in {checkpoint}: "
                    "the same call goes on"
                )
            trained.generator.save(folder, half=True)
    if checkpoint.exists():  # of the run that is over, here or in a process that was killed then
        checkpoint.unlink(missing_ok=True)
    return DiffusionGenerator.load(folder, config.device)


@dataclass(frozen=True, eq=False)
class DiffusionResult:
    """A trained diffusion model and how it came about.

    `history` is a list of {"step", "loss"}, the mean loss since the entry before; `steps` were
    taken, all that were asked for if `finished`.
    """

    generator: DiffusionGenerator
    history: list[dict[str, float]]
    steps: int
    finished: bool


class _Run:
    """A run between two of its steps."""

    def __init__(self, images: ImageSet, config: DiffusionConfig) -> None:
        from diffusers.training_utils import EMAModel

        height, width = images.images.shape[2:]
        if height != width:
            raise ValueError(f"{images.name}: images are {height}x{width}, need square ones")
        self.images, self.config = images, config
        self.device = chosen_device(config.device)
        check_memory(
            config.training_bytes(height),
            f"training with widths={config.widths} blocks={config.blocks} "
            f"batch_size={config.batch_size} on images of {height}x{width}",
            self.device,
        )
        self.unet = prepared(config.unet(height), self.device)
        self.model = torch.compile(self.unet) if config.compile else self.unet
        self.scheduler = config.scheduler()
        self.optimizer = eager(torch.optim.Adam)(
            self.unet.parameters(), config.learning_rate, betas=(0.9, 0.99), foreach=True
        )
        # a memory of about a tenth of the run so far
        self.average = EMAModel(
            self.unet.parameters(), 0.9999, use_ema_warmup=True, inv_gamma=1.0, power=2 / 3,
            foreach=True,
        )  # fmt: skip
        self.random = torch.Generator(self.device)
        self.described = {"config": to_plain(config), "images": _fingerprint(images)}
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.total, self.since = torch.zeros((), device=self.device), 0

    def advance(self) -> None:
        """Take one step."""
        config = self.config
        clean, levels, noise = self._batch()
        noisy = self.scheduler.add_noise(clean, noise, levels)
        target = noise
        if config.prediction == "v_prediction":
            target = self.scheduler.get_velocity(clean, noise, levels)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            prediction = self.model(noisy, levels, return_dict=False)[0]
        loss = torch.nn.functional.mse_loss(prediction.float(), target)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1, (self.step + 1) / max(1, config.warmup))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.average.step(self.unet.parameters())
        self.step += 1
        self.total, self.since = self.total + loss.detach(), self.since + 1
        if self.since == _HISTORY:
            self.history.append({"step": self.step, "loss": self._finite_total() / self.since})
            self.total, self.since = torch.zeros_like(self.total), 0

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images float in [-1, 1], noise levels int64 and noise of the step to come."""
        size = self.config.batch_size
        sequence = np.random.SeedSequence((self.config.seed, self.step))
        chosen = np.random.default_rng(sequence).integers(len(self.images), size=size)
        batch = torch.from_numpy(self.images.images[chosen]).to(self.device, non_blocking=True)
        clean = (batch.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        self.random.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
        # evenly spread levels under one random shift: less noise in the loss than free ones
        spread = torch.arange(size, device=self.device) / size
        spread = (spread + torch.rand(1, generator=self.random, device=self.device)) % 1
        levels = (spread * self.config.noise_levels).long().clamp(max=self.config.noise_levels - 1)
        noise = torch.randn(clean.shape, generator=self.random, device=self.device)
        return clean, levels, noise.contiguous(memory_format=torch.channels_last)

    def _finite_total(self) -> float:
        total = float(self.total)
        if not math.isfinite(total):
            raise FloatingPointError(
                f"the loss became {total} by step {self.step}: lower learning_rate="
                f"{self.config.learning_rate}"
            )
        return total

    def check_finite(self) -> None:
        """FloatingPointError where the loss or a weight is not finite any more."""
        self._finite_total()
        for weights in (self.unet.parameters(), self.average.shadow_params):
            if not all(bool(torch.isfinite(tensor).all()) for tensor in weights):
                raise FloatingPointError(
                    f"weights stopped being finite by step {self.step}: lower learning_rate="
                    f"{self.config.learning_rate}"
                )

    def save(self, path: Path) -> None:
        """Write a checkpoint, unless something in it is not finite."""
        self.check_finite()
        content = self.described | {
            "format": FORMAT,
            "step": self.step,
            "unet": self.unet.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "pending": (self._finite_total(), self.since),
        }
        write_tensors(content, path)

    def restore(self, path: Path) -> None:
        found = read_tensors(path)
        if not isinstance(found, dict) or found.get("format") != FORMAT or "average" not in found:
            raise ValueError(f"{path} is no checkpoint of a diffusion model: choose another path")
        with naming_misfits(path):
            kept, now = (
                {**side["config"], **dict.fromkeys(_FREE), "images": side["images"]}
                for side in (found, self.described)
            )
        differing = differences(kept, now)
        if differing:
            raise ValueError(
                f"{path} is a checkpoint of another run: {differing[0]} now; choose another path "
                "or delete it"
            )
        with naming_misfits(path):
            for name, fits in (("step", is_step), ("history", is_history), ("pending", is_pending)):
                if not fits(found[name]):
                    raise ValueError(f"{name} = {found[name]!r:.60}")
            self.unet.load_state_dict(found["unet"])
            self._restore_average(found["average"])
            restore_optimizer(self.optimizer, found["optimizer"])
        self.step, self.history = found["step"], list(found["history"])
        self.total = torch.tensor(found["pending"][0], device=self.device)
        self.since = found["pending"][1]

    def _restore_average(self, found: dict[str, Any]) -> None:
        ours = self.average.state_dict()
        for key, value in ours.items():
            if type(found[key]) is not type(value):
                raise ValueError(f"the average's {key} is {found[key]!r:.60}")
        shapes = [[tensor.shape for tensor in side["shadow_params"]] for side in (ours, found)]
        if shapes[0] != shapes[1]:
            raise ValueError("the average's weights are of other shapes")
        self.average.load_state_dict(found)
        self.average.to(self.device)

    def generator(self) -> DiffusionGenerator:
        """The average of the weights so far, as a generator."""
        unet = self.config.unet(self.images.image_size)
        unet.load_state_dict(self.unet.state_dict())
        if self.step:
            self.average.copy_to(unet.parameters())
        unet = prepared(unet, self.device).eval().requires_grad_(False)
        name = f"{self.images.name}-diffusion-{self.step}"
        return DiffusionGenerator(unet, plain(self.scheduler.config), name)


def _fingerprint(images: ImageSet) -> dict[str, Any]:
    return {"shape": list(images.images.shape), "hash": images._digest()}

"""Contrastive pre-training on an inflated set."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import nn

from adainf_core.data.inflation import Inflation
from adainf_core.learning.augmentation import POLICIES, AugmentationPolicy, augment
from adainf_core.learning.encoders import Encoder, build_encoder, projection_head
from adainf_core.learning.objectives import nt_xent


@dataclass(frozen=True)
class PretrainConfig:
    """Everything that decides a SimCLR run except its data.

    `encoder` and `width` go to `build_encoder`; `hidden` and `out` are the projector's sizes;
    `steps` batches of `batch_size` images (two views each) under AdamW with linear warm-up over
    `warmup` steps and a cosine to zero; `precision` is "fp32" or "bf16" (autocast). `device` is
    "cpu", "cuda" or None for whichever is there. Raises ValueError for a value out of range.
    """

    policy: AugmentationPolicy = field(default_factory=lambda: POLICIES["symmetric"])
    encoder: str = "small_cnn"
    width: int = 16
    hidden: int = 256
    out: int = 64
    temperature: float = 0.2
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup: int = 50
    precision: str = "fp32"
    seed: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in ("steps", "batch_size", "width", "hidden", "out") and value < 1:
                raise ValueError(f"{entry.name}={value} has to be at least 1")
            if entry.name in ("temperature", "learning_rate") and not value > 0:
                raise ValueError(f"{entry.name}={value} has to be positive")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision={self.precision!r}; choose 'fp32' or 'bf16'")
        if not 0 <= self.warmup <= self.steps:
            raise ValueError(f"warmup={self.warmup} is outside 0..steps={self.steps}")


@dataclass(frozen=True)
class Pretrained:
    """A trained encoder (in eval mode, on the CPU) and the loss along the way.

    `history` is a list of {"step", "loss"}: the mean loss since the entry before.
    """

    encoder: Encoder
    history: list[dict[str, float]]


def pretrain(config: PretrainConfig, data: Inflation, progress: bool = False) -> Pretrained:
    """Train a SimCLR encoder on draws from `data`.

    The images live on the device as one uint8 tensor; each step gathers a batch, augments it twice
    and descends `nt_xent`. Deterministic given `config.seed` on one machine and thread count. With
    `progress` a bar runs in the terminal. Raises ValueError for a batch larger than the data and
    FloatingPointError when the loss stops being finite.
    """
    available = sum(len(side) for side in data.images)
    if config.batch_size > available:
        raise ValueError(
            f"batch_size={config.batch_size} is larger than the {available} images there are"
        )
    device = torch.device(config.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.manual_seed(config.seed)
    encoder = build_encoder(config.encoder, config.width)
    model = nn.Sequential(encoder, projection_head(encoder.feature_dim, config.hidden, config.out))
    model = model.to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: warmup_cosine(t, config))
    images = torch.cat([torch.from_numpy(side) for side in data.images]).to(device)
    batches = np.random.default_rng(config.seed)
    views = torch.Generator(device).manual_seed(config.seed)
    bf16 = config.precision == "bf16"

    history: list[dict[str, float]] = []
    every = max(1, config.steps // 50)
    total, since = torch.zeros((), device=device), 0
    model.train()
    for step in _steps(config.steps, progress):
        indices, _ = data.draw_indices(config.batch_size, batches)
        batch = images[torch.from_numpy(indices).to(device)]
        both = torch.cat([augment(batch, config.policy, views, view) for view in (0, 1)])
        both = both.to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            z1, z2 = model(both).chunk(2)
        loss = nt_xent(z1, z2, config.temperature)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        total, since = total + loss.detach(), since + 1
        if since == every or step == config.steps - 1:
            mean = float(total) / since
            if not math.isfinite(mean):
                raise FloatingPointError(
                    f"the loss became {mean} by step {step + 1}: lower learning_rate="
                    f"{config.learning_rate} or raise temperature={config.temperature}"
                )
            history.append({"step": step + 1, "loss": mean})
            total, since = torch.zeros((), device=device), 0
    return Pretrained(encoder.eval().to("cpu"), history)


def warmup_cosine(step: int, config: PretrainConfig) -> float:
    """The factor on the learning rate at `step`: linear warm-up, then half a cosine to zero."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))


def _steps(count: int, progress: bool) -> Iterable[int]:
    if not progress:
        return range(count)
    from tqdm import tqdm

    return tqdm(range(count), unit="step")

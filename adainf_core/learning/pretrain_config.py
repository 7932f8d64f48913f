"""What decides a pre-training run, except its data, as plain values; loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adainf_core.learning.methods import MethodConfig, SimCLR
from adainf_core.learning.policies import POLICIES, AugmentationPolicy

#: The encoders and optimisers by name; `encoders` and `optimizers` build them.
ENCODERS = ("small_cnn", "resnet18", "resnet34", "resnet50")
OPTIMIZERS = ("adamw", "sgd", "lars")


@dataclass(frozen=True)
class PretrainConfig:
    """Everything that decides a run except its data.

    `policy` augments the images; it is None for data that comes as views (a `feeding.ViewSource`).
    `method` is one of the configurations in `methods`; `encoder`, `width` and `stem_padding` go to
    `build_encoder`, `pixel_mean` and `pixel_std` to its normalisation. `steps` global batches of
    `batch_size` images (two views each) under `optimizer` ("adamw", "sgd", "lars") with linear
    warm-up of `learning_rate` over `warmup` steps and a cosine to zero; `momentum` is SGD's and
    LARS's. `precision` is "fp32" or "bf16" (autocast); `compile` hands the model to
    torch.compile, and on accelerators the augmentation. With `online_learning_rate` a linear
    classifier learns along, on detached features of the real labelled images in the batch: the
    official code's probe, an extra to compare with. `device` is "cpu", "cuda" or None for whichever
    is there. Raises ValueError for a value out of range.
    """

    policy: AugmentationPolicy | None = field(default_factory=lambda: POLICIES["symmetric"])
    method: MethodConfig = field(default_factory=SimCLR)
    encoder: str = "small_cnn"
    width: int = 16
    stem_padding: int = 1
    pixel_mean: tuple[float, ...] = (0.5,)
    pixel_std: tuple[float, ...] = (0.25,)
    steps: int = 1000
    batch_size: int = 256
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    warmup: int = 50
    precision: str = "fp32"
    compile: bool = False
    online_learning_rate: float | None = None
    seed: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("width", 1), ("warmup", 0), ("seed", 0)):
            value = getattr(self, name)
            if not _whole(value, least):
                raise ValueError(f"{name}={value} has to be a whole number, at least {least}")
        for name in ("learning_rate", "online_learning_rate"):
            value = getattr(self, name)
            if not (value is None or 0 < value < math.inf):
                raise ValueError(f"{name}={value} has to be positive and finite")
        for name, known in (
            ("encoder", ENCODERS),
            ("optimizer", OPTIMIZERS),
            ("precision", ("fp32", "bf16")),
            ("device", ("cpu", "cuda", None)),
        ):
            if getattr(self, name) not in known:
                choices = ", ".join(map(str, known))
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; choose {choices}")
        if not _whole(self.batch_size, 2):
            raise ValueError(
                f"batch_size={self.batch_size}: need a whole number, and contrast at least 2 images"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay={self.weight_decay} is outside [0, inf)")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum={self.momentum} is outside [0, 1)")
        if not 0 <= self.warmup <= self.steps:
            raise ValueError(f"warmup={self.warmup} is outside 0..steps={self.steps}")
        if self.stem_padding not in (1, 2):
            raise ValueError(f"stem_padding={self.stem_padding}: choose 1 or 2")
        for name in ("pixel_mean", "pixel_std"):
            values = getattr(self, name)
            if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
                raise ValueError(f"{name}={values}: give one finite value or three")
        if min(self.pixel_std) <= 0:
            raise ValueError(f"pixel_std={self.pixel_std} has to be positive")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int | np.integer) and least <= int(value) < 2**63


def warmup_cosine(step: int, config: PretrainConfig) -> float:
    """The factor on the learning rate at `step`: linear warm-up, then half a cosine to zero."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))

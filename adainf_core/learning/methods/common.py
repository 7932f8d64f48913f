"""What the files of the methods share: ranges, precision of losses, and the form of settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Official:
    """A method's published settings; `learning_rate` is for the whole batch of `batch_size`.

    `policies` are the names of the method's own policy and of AdaInf's; `tiny_imagenet` holds the
    fields that differ on Tiny ImageNet.
    """

    method: Any
    optimizer: str
    learning_rate: float
    online_learning_rate: float
    weight_decay: float
    policies: tuple[str, str]
    batch_size: int = 512
    tiny_imagenet: Mapping[str, Any] = field(default_factory=dict)

    def on(self, dataset: str) -> Official:
        """The settings on the data set called so."""
        return replace(self, **self.tiny_imagenet) if dataset == "tinyimagenet" else self


def check_at_least_one(method: Any, *names: str) -> None:
    """ValueError for a field of `method` among `names` that is below 1."""
    for name in names:
        if (value := getattr(method, name)) < 1:
            raise ValueError(f"method.{name}={value} has to be at least 1")


def check_positive(method: Any, *names: str) -> None:
    """ValueError for a field of `method` among `names` that is not positive and finite."""
    for name in names:
        if not 0 < (value := getattr(method, name)) < math.inf:
            raise ValueError(f"method.{name}={value} has to be positive and finite")


def check_momentum(momentum: tuple[float, float]) -> None:
    """ValueError where the momentum does not rise within [0, 1]."""
    if not 0 <= momentum[0] <= momentum[1] <= 1:
        raise ValueError(f"method.momentum={momentum}: need 0 <= start <= end <= 1")


def check_temperature(temperature: float) -> None:
    """ValueError for a temperature that is not positive."""
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} has to be positive")


def in_float32(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A loss of two views' embeddings (n, d), row i of both from one image, in float32.

    Whatever the input: bf16 keeps eight bits, and similarities divided by a small temperature need
    more. Raises ValueError for shapes that differ and for n < 2.
    """

    @wraps(loss)
    def exact(z1: torch.Tensor, z2: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        import torch

        if z1.ndim != 2 or z1.shape != z2.shape or len(z1) < 2:
            raise ValueError(
                f"views have shapes {tuple(z1.shape)} and {tuple(z2.shape)}: need two equal "
                "(n, d) with n >= 2"
            )
        with torch.autocast(z1.device.type, enabled=False):
            return loss(z1.float(), z2.float(), *rest, **options)

    return exact

"""Methods: an objective with the networks it needs around the encoder.

A method has two halves: a frozen dataclass with its hyper-parameters (`SimCLR`, `MoCo`, `BYOL`,
`BarlowTwins`, `Spectral`), which is part of a configuration, and the module that `build_method`
makes from it, which is trained. Defaults are sized for a laptop; the official sizes are in
`presets`.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from adainf_core.learning.distributed import gather
from adainf_core.learning.encoders import Encoder, mlp
from adainf_core.learning.objectives import (
    barlow_twins,
    byol,
    info_nce,
    nt_xent,
    spectral_contrastive,
)


class _Checked:
    """Ranges common to all hyper-parameters."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name in ("hidden", "out", "queue") and value < 1:
                raise ValueError(f"method.{field.name}={value} has to be at least 1")
            if field.name in ("temperature", "scale", "redundancy", "mu") and not (
                value is None or 0 < value < math.inf
            ):
                raise ValueError(f"method.{field.name}={value} has to be positive and finite")
            if field.name == "momentum" and not 0 <= value[0] <= value[1] <= 1:
                raise ValueError(f"method.momentum={value}: need 0 <= start <= end <= 1")


@dataclass(frozen=True)
class SimCLR(_Checked):
    """`nt_xent` on a two-layer projector (Chen et al. 2020).

    `hidden` and `out` are the projector's sizes. `mask_copies` leaves copies of an image out of
    its negatives, a control the paper lacks.
    """

    hidden: int = 256
    out: int = 64
    temperature: float = 0.2
    mask_copies: bool = False
    name: Literal["simclr"] = "simclr"


@dataclass(frozen=True)
class MoCo(_Checked):
    """MoCo v2+ (Chen and He 2021): symmetric `info_nce` against a `queue` of momentum keys.

    `momentum` rises from its first to its second value along a cosine.
    """

    hidden: int = 256
    out: int = 64
    temperature: float = 0.2
    queue: int = 4096
    momentum: tuple[float, float] = (0.99, 0.999)
    name: Literal["moco"] = "moco"


@dataclass(frozen=True)
class BYOL(_Checked):
    """BYOL (Grill et al. 2020): predict the other view's momentum projection; no negatives."""

    hidden: int = 256
    out: int = 64
    momentum: tuple[float, float] = (0.99, 1.0)
    name: Literal["byol"] = "byol"


@dataclass(frozen=True)
class BarlowTwins(_Checked):
    """Barlow Twins (Zbontar et al. 2021) on a three-layer projector with batch norm."""

    hidden: int = 256
    out: int = 256
    redundancy: float = 0.0051
    scale: float = 0.1
    name: Literal["barlow"] = "barlow"


@dataclass(frozen=True)
class Spectral(_Checked):
    """The spectral contrastive loss (HaoChen et al. 2021) on a two-layer projector.

    `mu` bounds the embeddings' squared length; None leaves the loss as the theory has it.
    """

    hidden: int = 256
    out: int = 64
    mu: float | None = 10.0
    name: Literal["spectral"] = "spectral"


MethodConfig = SimCLR | MoCo | BYOL | BarlowTwins | Spectral


class Method(nn.Module):
    """An encoder, a projector, and the loss of a batch of two views.

    Called on views (2n, 3, h, w), the first views then the second, and the images' ids (n,), it
    returns the scalar loss of the global batch and this process's detached features (2n, d).
    """

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector

    def after_step(self, progress: float) -> None:
        """What follows an optimiser step; `progress` is the share of the run that is done."""

    def _project(self, views: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Global embeddings of the first and the second views, and local detached features."""
        features = self.encoder(views)
        return *_gather_views(self.projector(features)), features.detach()


class _SimCLR(Method):
    def __init__(self, config: SimCLR, encoder: Encoder) -> None:
        super().__init__(encoder, mlp(encoder.feature_dim, config.hidden, config.out))
        self.config = config

    def forward(self, views: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z1, z2, features = self._project(views)
        known = gather(ids) if self.config.mask_copies else None
        return nt_xent(z1, z2, self.config.temperature, known), features


class _BarlowTwins(Method):
    def __init__(self, config: BarlowTwins, encoder: Encoder) -> None:
        sizes = (encoder.feature_dim, config.hidden, config.hidden, config.out)
        super().__init__(encoder, mlp(*sizes, batch_norm=True))
        self.config = config

    def forward(self, views: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z1, z2, features = self._project(views)
        return barlow_twins(z1, z2, self.config.redundancy, self.config.scale), features


class _Spectral(Method):
    def __init__(self, config: Spectral, encoder: Encoder) -> None:
        super().__init__(encoder, mlp(encoder.feature_dim, config.hidden, config.out))
        self.config = config

    def forward(self, views: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z1, z2, features = self._project(views)
        return spectral_contrastive(z1, z2, self.config.mu), features


class _MomentumMethod(Method):
    """A method with a slowly following copy of its encoder and projector."""

    def __init__(
        self, encoder: Encoder, projector: nn.Module, momentum: tuple[float, float]
    ) -> None:
        super().__init__(encoder, projector)
        self.momentum = momentum
        self.target = nn.Sequential(copy.deepcopy(encoder), copy.deepcopy(projector))
        self.target.requires_grad_(False)

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        start, end = self.momentum
        keep = end - (end - start) * 0.5 * (1 + math.cos(math.pi * progress))
        online: list[torch.Tensor] = [*self.encoder.parameters(), *self.projector.parameters()]
        torch._foreach_lerp_(list(self.target.parameters()), online, 1 - keep)

    @torch.no_grad()
    def _targets(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return _gather_views(self.target(views))


class _MoCo(_MomentumMethod):
    queue: torch.Tensor
    cursor: torch.Tensor

    def __init__(self, config: MoCo, encoder: Encoder) -> None:
        projector = mlp(encoder.feature_dim, config.hidden, config.out)
        super().__init__(encoder, projector, config.momentum)
        self.config = config
        # one queue a view, since the views of an asymmetric policy follow two laws
        self.register_buffer("queue", F.normalize(torch.randn(2, config.queue, config.out), dim=2))
        self.register_buffer("cursor", torch.zeros((), dtype=torch.long))

    def forward(self, views: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        q1, q2, features = self._project(views)
        k1, k2 = self._targets(views)
        queue = self.queue.clone()  # what the backward pass will need, before it moves on
        first = info_nce(q1, k2, queue[1], self.config.temperature)
        second = info_nce(q2, k1, queue[0], self.config.temperature)
        self._enqueue(torch.stack([k1, k2]))
        return (first + second) / 2, features

    @torch.no_grad()
    def _enqueue(self, keys: torch.Tensor) -> None:
        """Replace the oldest keys by the batch's, (2, n, out); a ring, whatever its size."""
        size = self.config.queue
        keys = F.normalize(keys.float(), dim=2)[:, -size:]
        places = (self.cursor + torch.arange(keys.shape[1], device=keys.device)) % size
        self.queue[:, places] = keys
        self.cursor.add_(keys.shape[1]).remainder_(size)


class _BYOL(_MomentumMethod):
    def __init__(self, config: BYOL, encoder: Encoder) -> None:
        projector = mlp(encoder.feature_dim, config.hidden, config.out, batch_norm=True)
        super().__init__(encoder, projector, config.momentum)
        self.predictor = mlp(config.out, config.hidden, config.out, batch_norm=True)

    def forward(self, views: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.encoder(views)
        p1, p2 = _gather_views(self.predictor(self.projector(features)))
        t1, t2 = self._targets(views)
        return byol(p1, t2) + byol(p2, t1), features.detach()


def build_method(config: MethodConfig, encoder: Encoder) -> Method:
    """The module that trains `encoder` by the method that `config` is the configuration of."""
    modules: dict[type, Any] = {
        SimCLR: _SimCLR, MoCo: _MoCo, BYOL: _BYOL, BarlowTwins: _BarlowTwins, Spectral: _Spectral
    }  # fmt: skip
    return modules[type(config)](config, encoder)


def _gather_views(both: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (2n, d) of two stacked views, gathered from all processes view by view."""
    first, second = both.chunk(2)
    return gather(first), gather(second)

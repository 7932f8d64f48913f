"""Networks around an encoder: what the methods train, and what follows it slowly.

A method's file in `methods` puts them together; here is what several of them may need.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from adainf_core.learning.distributed import gather
from adainf_core.learning.encoders import Encoder
from adainf_core.learning.roles import Role, loss_of_roles, views_of

Loss = Callable[..., torch.Tensor]


class Method(nn.Module):
    """An encoder, a projector, and the loss of a batch of two views.

    Called on views (2n, 3, h, w), the first views then the second, then those that its `role` asks
    for besides, and on the images' ids (n,) and which of them are real, bool (n,), it returns the
    scalar loss of the global batch and this process's detached features of the two, (2n, d).
    """

    role: Role | None = None

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector

    def after_step(self, progress: float) -> None:
        """What follows an optimiser step; `progress` is the share of the run that is done."""


class TwoViewMethod(Method):
    """The `loss` of the two views' embeddings (n, d) each, of all processes, and the ids (n,).

    With `by_side` the loss also takes which images are real. `temperature` is that of a role's own
    contrast.
    """

    def __init__(
        self,
        encoder: Encoder,
        projector: nn.Module,
        loss: Loss,
        by_side: bool = False,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(encoder, projector)
        self.loss, self.by_side, self.temperature = loss, by_side, temperature

    def forward(
        self, views: torch.Tensor, ids: torch.Tensor, real: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.encoder(views)
        embeddings = _gather_views(self.projector(features), views_of(self.role))
        about = (ids, real) if self.by_side else (ids,)
        loss = loss_of_roles(
            self.role, lambda z1, z2: self.loss(z1, z2, *about), embeddings, self.temperature
        )
        return loss, features[: 2 * len(ids)].detach()


class MomentumMethod(Method):
    """A method with a slowly following copy of its encoder and projector.

    `momentum`, the share of itself that the copy keeps in a step, rises from its first to its
    second value along a cosine.
    """

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
    def _targets(self, views: torch.Tensor) -> list[torch.Tensor]:
        return _gather_views(self.target(views), 2)


class PredictorMethod(MomentumMethod):
    """The `loss` of each view's prediction and the other view's target, added up."""

    def __init__(
        self,
        encoder: Encoder,
        projector: nn.Module,
        momentum: tuple[float, float],
        predictor: nn.Module,
        loss: Loss,
    ) -> None:
        super().__init__(encoder, projector, momentum)
        self.predictor, self.loss = predictor, loss

    def forward(
        self, views: torch.Tensor, ids: torch.Tensor, real: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.encoder(views)
        p1, p2 = _gather_views(self.predictor(self.projector(features)), 2)
        t1, t2 = self._targets(views)
        return self.loss(p1, t2) + self.loss(p2, t1), features.detach()


class QueueMethod(MomentumMethod):
    """The mean `loss` of each view's embeddings, the other view's targets, and earlier targets.

    `size` is how many of them a queue holds, and their length d. There is one queue a view, since
    the views of an asymmetric policy follow two distributions; it begins with random directions.
    """

    queue: torch.Tensor
    cursor: torch.Tensor

    def __init__(
        self,
        encoder: Encoder,
        projector: nn.Module,
        momentum: tuple[float, float],
        loss: Loss,
        size: tuple[int, int],
    ) -> None:
        super().__init__(encoder, projector, momentum)
        self.loss = loss
        queue = torch.randn(2, *size)
        if not queue.is_meta:  # there, where sizes alone count, it would load torch's compiler
            queue = F.normalize(queue, dim=2)
        self.register_buffer("queue", queue)
        self.register_buffer("cursor", torch.zeros((), dtype=torch.long))

    def forward(
        self, views: torch.Tensor, ids: torch.Tensor, real: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features, two = self.encoder(views), 2 * len(ids)
        queries = _gather_views(self.projector(features), views_of(self.role))
        k1, k2 = self._targets(views[:two])
        queue = self.queue.clone()  # what the backward pass will need, before it moves on

        def both(q1: torch.Tensor, q2: torch.Tensor) -> torch.Tensor:
            return (self.loss(q1, k2, queue[1]) + self.loss(q2, k1, queue[0])) / 2

        self._enqueue(torch.stack([k1, k2]))
        return loss_of_roles(self.role, both, queries), features[:two].detach()

    @torch.no_grad()
    def _enqueue(self, keys: torch.Tensor) -> None:
        """Replace the oldest keys by the batch's, (2, n, d); a ring, whatever its size."""
        size = self.queue.shape[1]
        keys = F.normalize(keys.float(), dim=2)[:, -size:]
        places = (self.cursor + torch.arange(keys.shape[1], device=keys.device)) % size
        self.queue[:, places] = keys
        self.cursor.add_(keys.shape[1]).remainder_(size)


def mlp(*sizes: int, batch_norm: bool = False) -> nn.Sequential:
    """Linear layers of these sizes with ReLU (and batch norm before it) between them.

    The projectors and predictors of all methods; they are thrown away after training.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes[:-1]):
        layers.append(nn.Linear(inputs, outputs))
        if batch_norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def _gather_views(stacked: torch.Tensor, number: int) -> list[torch.Tensor]:
    """Embeddings of so many stacked views, gathered from all processes view by view."""
    return [gather(view) for view in stacked.chunk(number)]

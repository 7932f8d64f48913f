"""Optimisers: torch's fused AdamW and SGD, and LARS, which torch lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from adainf_core.eager_optimizers import eager
from adainf_core.learning.pretrain_config import OPTIMIZERS
from adainf_core.validation import in_words


class LARS(eager(torch.optim.Optimizer)):  # type: ignore[misc]
    """SGD whose step on each tensor is scaled to the tensor's norm (You et al. 2017).

    A weight w with gradient g moves with momentum along lr r (g + weight_decay w), where
    r = eta |w| / (|g| + weight_decay |w|); with `clip` the product lr r becomes min(lr, r).
    One-dimensional tensors (biases, norms) take a plain step without decay. The defaults are the
    official code's. All tensors of a group go through a few batched kernels.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 0.02,
        clip: bool = True,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"eta": eta, "clip": clip})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            matrices = [p for p in weights if p.ndim > 1]
            updates = {p: p.grad for p in weights if p.ndim <= 1}
            if matrices:
                updates |= dict(zip(matrices, self._scaled(matrices, group), strict=True))
            self._descend(weights, [updates[p] for p in weights], group)

    @staticmethod
    def _scaled(weights: list[torch.Tensor], group: dict[str, Any]) -> list[torch.Tensor]:
        """Decayed gradients times their trust ratios."""
        gradients: list[Any] = [p.grad for p in weights]
        weight_norm = torch.stack(torch._foreach_norm(weights))
        gradient_norm = torch.stack(torch._foreach_norm(gradients))
        decay = group["weight_decay"]
        ratio = group["eta"] * weight_norm / (gradient_norm + decay * weight_norm + 1e-8)
        if group["clip"]:
            # a ratio of zero steps would be zero over zero
            ratio = (ratio / max(group["lr"], 1e-12)).clamp(max=1)
        ratio = torch.where(weight_norm == 0, 1.0, ratio)  # the first step away from zero
        ratio = torch.where(gradient_norm == 0, 0.0, ratio)  # no gradient, no step, no decay
        decayed = torch._foreach_add(gradients, weights, alpha=decay)
        torch._foreach_mul_(decayed, list(ratio.unbind()))
        return list(decayed)

    def _descend(
        self, weights: list[torch.Tensor], updates: list[Any], group: dict[str, Any]
    ) -> None:
        for p in weights:
            if "momentum_buffer" not in self.state[p]:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
        buffers = [self.state[p]["momentum_buffer"] for p in weights]
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, updates)
        torch._foreach_add_(weights, buffers, alpha=-group["lr"])


def build_optimizer(
    name: str, groups: list[dict[str, Any]], weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """The optimiser called `name` ("adamw", "sgd", "lars") over groups with `params` and `lr`.

    A group's own `weight_decay` goes before the common one; AdamW has no `momentum`.
    """
    if name == "adamw":
        return eager(torch.optim.AdamW)(groups, weight_decay=weight_decay, fused=True)
    if name == "sgd":
        sgd = eager(torch.optim.SGD)
        return sgd(groups, momentum=momentum, weight_decay=weight_decay, fused=True)
    if name == "lars":
        return LARS(groups, lr=0.0, momentum=momentum, weight_decay=weight_decay)
    raise ValueError(f"optimizer={in_words(name)} is unknown; choose {', '.join(OPTIMIZERS)}")

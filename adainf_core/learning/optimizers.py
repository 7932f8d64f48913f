"""Optimisers: torch's fused AdamW and SGD, and LARS and Muon, which it lacks for whole networks."""

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


class Muon(eager(torch.optim.Optimizer)):  # type: ignore[misc]
    """Momentum whose step on each matrix is made orthogonal (Jordan et al. 2024).

    A convolution counts as the matrix (outputs, inputs x area). The gradient's Nesterov momentum
    becomes, by five Newton-Schulz iterations in bfloat16, a matrix with nearly equal singular
    values, times sqrt(outputs / inputs) where there are more outputs: torch.optim.Muon, which
    refuses convolutions and one-dimensional tensors. Those (biases, norms) count as diagonal
    matrices, whose nearest orthogonal ones are their signs, take `vector_rate` times the rate and
    no decay. Decay is AdamW's, lr * `weight_decay` of the weight a step.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        vector_rate: float = 0.1,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"vector_rate": vector_rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(p)
                momentum = state["momentum_buffer"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(momentum, group["momentum"])
                if p.ndim < 2:
                    p.sub_(update.sign(), alpha=group["lr"] * group["vector_rate"])
                    continue
                outputs, inputs = p.flatten(1).shape
                rate = group["lr"] * max(1.0, outputs / inputs) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(_orthogonal(update.flatten(1)).view_as(p), alpha=rate)


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix (m, n) with its singular values brought to between 0.7 and 1.2.

    Coefficients and steps are those of torch.optim.Muon.
    """
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    x = wide.bfloat16()
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
    return (x if wide is matrix else x.T).to(matrix.dtype)


def build_optimizer(
    name: str, groups: list[dict[str, Any]], weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """The optimiser called `name`, of `OPTIMIZERS`, over groups with `params` and `lr`.

    A group's own `weight_decay` goes before the common one; AdamW has no `momentum`.
    """
    if name == "adamw":
        return eager(torch.optim.AdamW)(groups, weight_decay=weight_decay, fused=True)
    if name == "sgd":
        sgd = eager(torch.optim.SGD)
        return sgd(groups, momentum=momentum, weight_decay=weight_decay, fused=True)
    if name == "lars":
        return LARS(groups, lr=0.0, momentum=momentum, weight_decay=weight_decay)
    if name == "muon":
        return Muon(groups, lr=0.0, momentum=momentum, weight_decay=weight_decay)
    raise ValueError(f"optimizer={in_words(name)} is unknown; choose {', '.join(OPTIMIZERS)}")

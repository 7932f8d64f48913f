"""Several processes as one: the same loss, gradients and batch statistics as a single process.

Every rank computes the whole global loss from gathered embeddings. Outside a process group all of
this is the identity.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from adainf_core.devices import chosen_device


def world_size() -> int:
    """Number of processes, 1 outside a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number, 0 outside a process group."""
    return dist.get_rank() if world_size() > 1 else 0


@contextmanager
def process_group(device: str | None = None) -> Iterator[None]:
    """The process group that `torchrun` announces in the environment, for as long as the block.

    `device` is where the run computes, as in `chosen_device`. Without `torchrun` (WORLD_SIZE unset
    or 1) nothing happens.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    on_gpu = chosen_device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def first_rank_first() -> Iterator[None]:
    """A block that rank 0 has done before the others begin: it downloads, they find."""
    if world_size() > 1 and rank() > 0:
        dist.barrier()
    yield
    if world_size() > 1 and rank() == 0:
        dist.barrier()


def rank_rows(batch_size: int) -> slice:
    """The rows of a global batch of `batch_size` that are this rank's; ValueError if uneven."""
    ranks = world_size()
    if batch_size % ranks:
        raise ValueError(f"batch_size={batch_size} does not divide among {ranks} processes")
    each = batch_size // ranks
    return slice(rank() * each, (rank() + 1) * each)


def gather(local: torch.Tensor) -> torch.Tensor:
    """Rows of all ranks in order, (ranks * n, ...) from (n, ...), with gradients to this rank's."""
    return _Gather.apply(local) if world_size() > 1 else local


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(local) for _ in range(world_size())]
        dist.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        # all ranks hold the same loss, and their parameters' gradients are averaged: the sum is
        # wanted, so each contributes its own share times their number
        mine = rank_rows(len(gradient))
        return gradient[mine] * world_size()


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: torch.Tensor) -> torch.Tensor:
        total = local.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def all_reduce_sum(local: torch.Tensor) -> torch.Tensor:
    """The sum of `local` over all ranks, without gradients."""
    if world_size() == 1:
        return local
    summed = local.detach().clone()
    dist.all_reduce(summed)
    return summed


def any_rank(flag: bool, device: torch.device) -> bool:
    """Whether `flag` is true on some rank: all of them stop together or not at all."""
    return bool(all_reduce_sum(torch.tensor(float(flag), device=device)))


def wrap(model: nn.Module, device: torch.device) -> nn.Module:
    """`model` with averaged gradients and shared batch statistics; as it is for one process."""
    if world_size() == 1:
        return model
    model = synchronize_batch_norm(model, device)
    parallel = nn.parallel.DistributedDataParallel
    # buffers are equal on all ranks by construction: broadcasting them would only cost time
    known = inspect.signature(parallel).parameters
    option = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    options: dict[str, Any] = {option: False}
    return parallel(model, device_ids=[device] if device.type == "cuda" else None, **options)


def synchronize_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """Batch norms that see the global batch: torch's own on accelerators, ours on CPU."""
    if device.type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for name, child in model.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            synced = CPUSyncBatchNorm(child.num_features, child.eps, child.momentum, child.affine)
            # the very parameters and buffers: frozen ones stay frozen
            synced._parameters, synced._buffers = child._parameters, child._buffers
            setattr(model, name, synced.train(child.training))
        else:
            synchronize_batch_norm(child, device)
    return model


class CPUSyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over all ranks' rows on CPU, where `torch.nn.SyncBatchNorm` does not run."""

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected a batch of features, got shape {tuple(input.shape)}")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or world_size() == 1:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        shape = [1, -1] + [1] * (input.ndim - 2)
        x = input.float()
        count = x.numel() // x.shape[1] * world_size()
        mean = _Sum.apply(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(axes)) / count
        assert self.running_mean is not None and self.running_var is not None
        assert self.momentum is not None and self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        out = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

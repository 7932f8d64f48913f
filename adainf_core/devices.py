"""Devices: where a computation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def chosen_device(name: str | None) -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1"), or for None whichever is there.

    "cuda" without a number is this process's own GPU. Raises ValueError for a GPU that torch does
    not see.
    """
    import torch

    there = torch.cuda.is_available()
    device = torch.device(name or ("cuda" if there else "cpu"))
    if device.type != "cuda":
        return device
    if not there:
        raise ValueError(f"device={name!r}, but no GPU is visible; choose device='cpu' or None")
    return torch.device("cuda", torch.cuda.current_device()) if device.index is None else device

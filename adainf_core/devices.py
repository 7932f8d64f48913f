"""Devices: where a computation runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def total_memory() -> int:
    """Bytes of memory in this machine; as many as there can be where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has none
        return 2**63


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

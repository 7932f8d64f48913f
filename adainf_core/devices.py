"""Devices: where a computation runs, and the memory that is there."""

from __future__ import annotations

import os
from pathlib import Path
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


def check_memory(needed: float, what: str, device: torch.device | None = None) -> None:
    """Raise ValueError where `what`, which takes at least `needed` bytes, cannot fit at all.

    It is held against all the memory of `device`, by default that of this machine, free or not: to
    be told at once what would end in swapping or a kill.
    """
    there = _memory(device)
    if needed > there:
        raise ValueError(
            f"{what} would take {needed / 1e9:,.1f} GB of memory or more, and there are "
            f"{there / 1e9:,.1f} GB: ask for less"
        )


def machine_memory() -> float:
    """All the memory of this machine that its container may use, in bytes; infinite if unknown."""
    return _memory(None)


def _memory(device: torch.device | None) -> float:
    """All the memory of a device, in bytes; of this machine, what its container may use."""
    if device is not None and device.type == "cuda":
        import torch

        return torch.cuda.get_device_properties(device).total_memory
    try:
        there: float = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return float("inf")
    try:
        allowed = Path("/sys/fs/cgroup/memory.max").read_text()
    except OSError:
        allowed = "max"
    return min(there, float("inf") if allowed.strip() == "max" else float(allowed))

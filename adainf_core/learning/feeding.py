"""Feeding: batches on the device, of an inflated set (which lives there if it fits) or of views."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from adainf_core.data.inflation import Inflation
from adainf_core.learning.distributed import share

_CHUNK = 8192


@runtime_checkable
class ViewSource(Protocol):
    """Data that comes as pairs of views, such as a world whose augmentation acts on latents."""

    def two_views(self, step: int, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids int64 (n,) of the sources drawn, uint8 (2n, 3, h, w): first views, then second ones.

        A function of its arguments alone.
        """
        ...

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell this data from other, "shape" of the views (3, h, w) and
        "mixture", a description, among them."""
        ...


class ViewFeed:
    """This process's rows of every global batch of a `ViewSource`, made on the processor."""

    resident = None

    def __init__(self, data: ViewSource, batch_size: int, seed: int, device: torch.device) -> None:
        self.data, self.batch_size, self.seed, self.device = data, batch_size, seed, device
        self.rows = share(batch_size)

    def batches(self, start: int, stop: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """Ids int64 (rows,) and views float (2 rows, 3, h, w) in [0, 1] of each step."""
        for step in range(start, stop):
            ids, views = self.data.two_views(step, self.batch_size, self.seed)
            both = views.reshape(2, self.batch_size, *views.shape[1:])[:, self.rows]
            mine = torch.from_numpy(both.reshape(-1, *views.shape[1:])).to(self.device)
            yield ids[self.rows], mine.float() / 255


class Feed:
    """This process's rows of every global batch, in the order of the steps.

    Batch `step` is a function of the data, `batch_size` and `seed` alone; ranks take their rows of
    it. On an accelerator the images stay there as one uint8 tensor where that leaves half of its
    free memory; otherwise (and always on CPU) they are gathered from where they lie, memory-mapped
    or not, and on an accelerator one step ahead.
    """

    def __init__(self, data: Inflation, batch_size: int, seed: int, device: torch.device) -> None:
        self.data, self.batch_size, self.seed, self.device = data, batch_size, seed, device
        self.rows = share(batch_size)
        self.resident = self._load() if self._fits() else None

    def batches(self, start: int, stop: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """Indices int64 (rows,) and images uint8 (rows, 3, h, w) of steps start, ..., stop - 1."""
        if self.resident is not None or self.device.type == "cpu":
            for step in range(start, stop):
                yield self._batch(step)
            return
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._batch, start)
            for step in range(start, stop):
                batch = coming.result()
                if step + 1 < stop:
                    coming = ahead.submit(self._batch, step + 1)
                yield batch

    def _batch(self, step: int) -> tuple[np.ndarray, torch.Tensor]:
        indices = self.data.batch_indices(step, self.batch_size, self.seed)[self.rows]
        if self.resident is not None:
            places = torch.from_numpy(indices).to(self.device, non_blocking=True)
            return indices, self.resident[places]
        images = torch.from_numpy(self.data.gather(indices))
        if self.device.type == "cpu":
            return indices, images
        return indices, images.pin_memory().to(self.device, non_blocking=True)

    def _fits(self) -> bool:
        if self.device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(self.device)
        return sum(side.nbytes for side in self.data.images) <= free / 2

    def _load(self) -> torch.Tensor:
        sides = self.data.images
        shape = (sum(map(len, sides)), *sides[0].shape[1:])
        resident = torch.empty(shape, dtype=torch.uint8, device=self.device)
        place = 0
        for side in sides:
            for start in range(0, len(side), _CHUNK):
                chunk = torch.from_numpy(np.array(side[start : start + _CHUNK]))
                resident[place : place + len(chunk)] = chunk.to(self.device)
                place += len(chunk)
        return resident

"""Feeding: batches of an inflated set on the device, where the images live if they fit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from adainf_core.data.inflation import Inflation
from adainf_core.learning.distributed import share

_CHUNK = 8192


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

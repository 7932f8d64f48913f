"""Feeding: batches on the device, of images (which live there if they fit) or of views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch

from adainf_core.data.inflation import Inflation
from adainf_core.learning.distributed import rank_rows
from adainf_core.learning.roles import Role, images_of_roles, views_of

_CHUNK = 8192

Batch = tuple[np.ndarray, list[torch.Tensor]]


class Source(Protocol):
    """What a run draws its batches from: images to be augmented, such as an `Inflation`, or views.

    A world whose augmentation acts on latents gives views. It has no `images` to be augmented, and
    batches of any size; images are uint8 (n, 3, h, w), one array a side. `labels` int64 are those
    of the ids 0, 1, ..., None where there are none.
    """

    @property
    def images(self) -> Sequence[np.ndarray]: ...

    @property
    def labels(self) -> np.ndarray | None: ...

    def batch(
        self, step: int, batch_size: int, seed: int, rows: slice
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The `rows` of a global batch: ids int64 (n,), first and second uint8 (n, 3, h, w).

        A function of its arguments alone. Row i of first and second is a positive pair, with the
        same id for the same source; they are one array where both views come from one image.
        """
        ...

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell this data from other, "shape" (3, h, w) and "mixture", a
        description, among them."""
        ...


class Feed:
    """This process's rows of every global batch, in the order of the steps.

    Batch `step` is a function of the data, `batch_size` and `seed` alone; ranks take their rows of
    it. On an accelerator the images of an `Inflation` stay there as one uint8 tensor where that
    leaves half of its free memory; otherwise (and always on CPU) batches are gathered from where
    they lie, memory-mapped or not, and on an accelerator one step ahead.
    """

    def __init__(
        self,
        data: Source,
        batch_size: int,
        seed: int,
        device: torch.device,
        role: Role | None = None,
    ) -> None:
        self.data, self.batch_size, self.seed, self.device = data, batch_size, seed, device
        self.role = role
        self.rows = rank_rows(batch_size)
        self.resident = self._load() if self._fits() else None

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """Ids int64 (rows,), and the images uint8 (rows, 3, h, w) of all views of each step.

        Of steps start, ..., stop - 1. Images of a pair are one tensor where the data has them so;
        after them come those that the role asks for.
        """
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

    def _batch(self, step: int) -> Batch:
        if self.resident is not None and isinstance(self.data, Inflation):
            ids = self.data.batch_indices(step, self.batch_size, self.seed)[self.rows]
            images = self.resident[torch.from_numpy(ids).to(self.device, non_blocking=True)]
            return ids, [images] * views_of(self.role)
        batch = self.data.batch(step, self.batch_size, self.seed, self.rows)
        ids, *arrays = batch
        if self.role is not None:
            where = (step, self.batch_size, self.seed, self.rows)
            arrays = list(images_of_roles(self.role, self.data, batch, *where))
        sent = {id(array): self._sent(array) for array in arrays}
        return ids, [sent[id(array)] for array in arrays]

    def _sent(self, images: np.ndarray) -> torch.Tensor:
        sent = torch.from_numpy(images)
        if self.device.type == "cpu":
            return sent
        return sent.pin_memory().to(self.device, non_blocking=True)

    def _fits(self) -> bool:
        if self.device.type != "cuda" or not isinstance(self.data, Inflation):
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

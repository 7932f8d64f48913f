"""A batch sampler for any two data sets: a fixed share of each in every batch."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from adainf_core.data.blank import blank
from adainf_core.data.inflation import Inflation
from adainf_core.validation import as_count, as_seed


class ShareSampler(Sampler[list[int]]):
    """Batches of indices into `ConcatDataset([real, generated])` with an exact share of each.

    `n_real` and `n_generated` are the lengths of the two, `beta` the share of the first. Every one
    of `batches` batches of `batch_size` holds it up to a whole image, and the rounding is carried
    over, so that the number of real images drawn so far is never off by one; within its side an
    image is drawn uniformly. Neither set is copied or loaded. Batch i is a function of `seed` and
    `first + i` alone, so a resumed run asks from its `first` batch on:

        DataLoader(ConcatDataset([real, generated]), batch_sampler=ShareSampler(...))

    Raises ValueError for a share outside [0, 1] and for numbers below 1.
    """

    def __init__(
        self,
        n_real: int,
        n_generated: int,
        beta: float,
        batch_size: int,
        batches: int,
        *,
        seed: int = 0,
        first: int = 0,
    ) -> None:
        sides = blank(as_count(n_real, "n_real", 1)), blank(as_count(n_generated, "n_generated", 1))
        self._mixture = Inflation(*sides, beta=beta, stratified=True)
        self.batch_size = as_count(batch_size, "batch_size", 1)
        self.batches, self.first = as_count(batches, "batches", 1), as_count(first, "first", 0)
        self.seed = as_seed(seed)

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(self.first, self.first + self.batches):
            yield self._mixture.batch_indices(number, self.batch_size, self.seed).tolist()

    def __len__(self) -> int:
        return self.batches

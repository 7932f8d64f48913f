"""The batch sampler in PyTorch's own loader: exact shares, uniform draws, resumable."""

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

from adainf_core.learning.share_sampler import ShareSampler


def test_every_batch_has_the_share_and_all_together_exactly():
    sides = [TensorDataset(torch.full((n,), side)) for side, n in enumerate((30, 200))]
    sampler = ShareSampler(30, 200, beta=1 / 3, batch_size=8, batches=300)
    loader = DataLoader(ConcatDataset(sides), batch_sampler=sampler)
    reals = np.array([int((side == 0).sum()) for (side,) in loader])
    assert len(loader) == len(reals) == 300 and set(reals) == {2, 3}
    drawn = np.arange(1, 301) * 8 / 3
    assert (np.abs(reals.cumsum() - drawn) < 1).all()


def test_within_a_side_draws_are_uniform():
    counts = np.bincount(np.ravel(list(ShareSampler(4, 10, 0.5, 100, 400))), minlength=14)
    expected = np.repeat([5000, 2000], [4, 10])
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_a_resumed_sampler_goes_on():
    whole = list(ShareSampler(9, 9, 0.3, 5, 10, seed=2))
    assert whole[6:] == list(ShareSampler(9, 9, 0.3, 5, 4, seed=2, first=6))
    assert whole != list(ShareSampler(9, 9, 0.3, 5, 10, seed=3))


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"beta=1\.5 is outside"):
        ShareSampler(3, 3, 1.5, 4, 1)
    with pytest.raises(ValueError, match="n_real = 0"):
        ShareSampler(0, 3, 0.5, 4, 1)

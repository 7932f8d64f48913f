"""Phases draw as the mixture of the moment does, and refuse what does not fit together."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.phases import Phases


def images(n, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 3, 4, 4), dtype=np.uint8)
    return ImageSet(pixels, None, f"set {seed}")


@pytest.fixture
def first():
    return Inflation(images(8, 0), images(16, 1), beta=0.0)


def test_each_step_is_drawn_from_its_own_mixture(first):
    second = replace(first, beta=1.0, replication=None)
    data = Phases(((3, first), (5, second)))
    for step, mixture in enumerate([first] * 3 + [second] * 4):  # the last one goes on
        ids, one, two = data.batch(step, 6, seed=4)
        expected = mixture.batch(step, 6, seed=4)
        assert np.array_equal(ids, expected[0]) and np.array_equal(one, expected[1])
        assert one is two and mixture.is_real(ids).all() == (mixture is second)
    assert data.fingerprint()["phases"] == [[3, 0.0], [5, 1.0]]
    assert data.fingerprint() != Phases(((4, first), (5, second))).fingerprint()


def test_what_does_not_fit_together_is_refused(first):
    with pytest.raises(ValueError, match=r"end at steps \[3, 3\]"):
        Phases(((3, first), (3, first)))
    with pytest.raises(ValueError, match="of other images"):
        Phases(((3, first), (4, Inflation(images(8, 0), images(16, 2)))))

"""Gradient descent on the spectral contrastive loss, against the eigenvectors it should find."""

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import ring_world
from adainf_core.theory.descent import gradient_descent, leading_function

RING = ring_world(strength=3).graph(1 / 3)


def test_it_reaches_the_optimum_and_the_losses_are_the_loss():
    features, losses = gradient_descent(RING, 2, seeds=3, steps=800)
    least = RING.spectral_contrastive_loss(RING.embedding(2))
    assert losses.shape == (800, 3)
    for f, course in zip(features, losses.T, strict=True):
        # the last loss is that before the last step, which no longer changes it
        assert course[-1] == pytest.approx(RING.spectral_contrastive_loss(f), abs=1e-8)
        assert course[-1] == pytest.approx(least, abs=1e-8)
        optimum = RING.embedding(2)
        np.testing.assert_allclose(f @ f.T, optimum @ optimum.T, atol=1e-3)


def test_one_step_goes_against_the_gradient():
    (start,), _ = gradient_descent(RING, 2, seeds=1, steps=1)
    (after,), losses = gradient_descent(RING, 2, seeds=1, steps=2)
    assert losses[1, 0] == pytest.approx(RING.spectral_contrastive_loss(start))
    root = np.sqrt(RING.degrees)[:, None]
    moved = root * (after - start)
    for at in [(0, 0), (7, 1)]:
        shifted = []
        for h in (-1e-5, 1e-5):
            other = (root * start).copy()
            other[at] += h
            shifted.append(RING.spectral_contrastive_loss(other / root))
        assert moved[at] == pytest.approx(-(shifted[1] - shifted[0]) / 2e-5 / 20, abs=1e-6)


def test_seeds_are_repeated_and_differ():
    many, _ = gradient_descent(RING, 2, seeds=2, steps=5)
    one, _ = gradient_descent(RING, 2, seeds=1, steps=5)
    np.testing.assert_allclose(many[0], one[0])
    assert not np.allclose(many[0], many[1])


def test_sparse_graphs_learn_the_same():
    from scipy.sparse import csr_array

    from adainf_core import AugmentationGraph

    world = random_world(np.random.default_rng(0))
    sparse = AugmentationGraph(csr_array(world.kernel), world.p_train(0.5))
    for a, b in zip(
        gradient_descent(sparse, 2, seeds=2, steps=20),
        gradient_descent(world.graph(0.5), 2, seeds=2, steps=20),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_the_leading_function_of_the_optimum_is_its_second_feature():
    optimum = RING.embedding(2)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((2, 2)))[0]
    found = leading_function(RING, optimum @ rotation + 3.0)  # neither coordinates nor a constant
    assert np.abs(found).max() == found.max() == pytest.approx(1)
    assert RING.degrees @ found == pytest.approx(0, abs=1e-9)
    assert abs(np.corrcoef(found, optimum[:, 1])[0, 1]) == pytest.approx(1)
    with pytest.raises(ValueError, match="one row a view"):
        leading_function(RING, optimum[1:])

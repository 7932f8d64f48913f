"""Alignment and uniformity, beside closed forms."""

import numpy as np
import pytest

from adainf_core.learning.hypersphere import alignment, most_uniform, uniformity


def on_the_sphere(n, d, seed=0):
    z = np.random.default_rng(seed).normal(size=(n, d))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_alignment_runs_from_equal_to_opposite():
    z = on_the_sphere(50, 8)
    assert alignment(z, z) == 0
    assert alignment(z, -z) == pytest.approx(4)
    cosines = (z * np.roll(z, 1, axis=0)).sum(axis=1)
    assert alignment(z, np.roll(z, 1, axis=0)) == pytest.approx(np.mean(2 - 2 * cosines))


def test_uniformity_of_few_points_by_hand():
    assert uniformity(np.ones((5, 1))) == 0
    poles = [[1.0, 0.0], [-1.0, 0.0]]
    assert uniformity(poles, t=0.5) == pytest.approx(-0.5 * 4)


def test_most_uniform_on_the_circle_is_a_bessel_function():
    assert most_uniform(2) == pytest.approx(np.log(np.i0(4)) - 4)
    # evenly spaced points: all pairs of different ones, less the n of a point with itself
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert np.exp(uniformity(ring)) == pytest.approx(
        (400 * np.exp(most_uniform(2)) - 1) / 399, rel=1e-9
    )


@pytest.mark.parametrize(("d", "t"), [(3, 2.0), (8, 1.0), (32, 2.0)])
def test_most_uniform_is_the_mean_over_the_law_of_a_cosine(d, t):
    cosine = np.linspace(-1, 1, 200_001)
    density = (1 - cosine**2) ** ((d - 3) / 2)
    mean = (density * np.exp(-2 * t * (1 - cosine))).sum() / density.sum()
    assert most_uniform(d, t) == pytest.approx(np.log(mean), rel=1e-4)


def test_uniform_draws_come_near_it_and_a_cap_does_not():
    z = on_the_sphere(2000, 4)
    cap = z[z[:, 0] > 0.5]
    assert uniformity(z) == pytest.approx(most_uniform(4), abs=0.01)
    assert uniformity(cap) > most_uniform(4) + 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alignment(np.ones((2, 3)), np.ones((3, 3))), "two views of each image"),
        (lambda: alignment(np.ones(3), np.ones(3)), r"one embedding a row"),
        (lambda: uniformity(np.ones((1, 3))), "two or more"),
        (lambda: most_uniform(1), "d = 1 must be"),
    ],
)
def test_a_bad_value_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

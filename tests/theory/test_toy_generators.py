"""The toy's generators: each at the distance it was asked for, and doing what its name says."""

import numpy as np
import pytest

from adainf_core.theory.gaussian_toy import gaussian_toy_distribution, gaussian_toy_labeling_error
from adainf_core.theory.toy_generators import (
    TOY_GENERATORS,
    dropped_mode,
    isolated_cluster,
    mean_shift,
    spurious_bridge,
    variance_shrink,
)


@pytest.mark.parametrize("tau", [0.05, 0.3])
@pytest.mark.parametrize("name", TOY_GENERATORS)
def test_each_generator_is_at_the_distance_asked_for(name, tau):
    real, generated = gaussian_toy_distribution(), TOY_GENERATORS[name](tau)
    measured = real.total_variation(generated, tolerance=1e-6)
    assert measured.value == pytest.approx(tau, abs=1e-6)
    # And by brute force on a grid of side 0.05, whose error is of the order of its square.
    x, y = np.arange(-6, 6, 0.05) + 0.02, np.arange(-6, 15, 0.05) + 0.02
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    difference = np.abs(real.density(points) - generated.density(points))
    assert 0.5 * 0.05**2 * difference.sum() == pytest.approx(tau, abs=1e-3)


@pytest.mark.parametrize("generator", [mean_shift, variance_shrink, isolated_cluster])
def test_large_distances(generator):
    value = gaussian_toy_distribution().total_variation(generator(0.9), tolerance=1e-6).value
    assert value == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize("name", TOY_GENERATORS)
def test_at_distance_zero_each_is_the_real_distribution(name):
    distribution = TOY_GENERATORS[name](0)
    assert gaussian_toy_distribution().total_variation(distribution).value == pytest.approx(
        0, abs=1e-12
    )


def test_what_each_does_to_the_labeling_error():
    real = gaussian_toy_labeling_error(0.7)
    alpha = {
        name: gaussian_toy_labeling_error(0.7, generator(0.3))
        for name, generator in TOY_GENERATORS.items()
    }
    # A shift along the border, and another balance of mirror images, leave it as it is.
    assert alpha["mean shift"] == pytest.approx(real, abs=1e-12)
    assert alpha["mode drop"] == pytest.approx(real, abs=1e-12)
    assert alpha["variance shrink"] < alpha["isolated cluster"] < real < alpha["spurious bridge"]


def test_mode_drop_ends_where_a_class_is_missing():
    distribution = dropped_mode(0.3838)
    assert 0 < distribution.weights.min() < 0.001
    with pytest.raises(ValueError, match=r"tau = 0.39 must lie in \[0, 0.38"):
        dropped_mode(0.39)


@pytest.mark.parametrize("tau", [-0.1, 1.0, np.nan])
def test_impossible_distances_are_named(tau):
    for generator in (mean_shift, variance_shrink, dropped_mode, spurious_bridge, isolated_cluster):
        if generator is isolated_cluster and tau == 1.0:
            continue  # its distance is 1 but for 1e-20, which a float cannot tell
        with pytest.raises(ValueError, match="tau = "):
            generator(tau)

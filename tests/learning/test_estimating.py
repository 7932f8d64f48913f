"""Estimates against sums that can be done by hand."""

from dataclasses import replace

import pytest

from adainf_core.learning.estimating import estimate
from adainf_core.learning.pretraining import Run


def test_weights_are_counted_exactly(config, data):
    found = estimate(config, data)
    run = Run(config, data)
    trained = sum(p.nbytes for p in run.trainee.parameters())
    buffers = sum(b.nbytes for b in run.trainee.buffers())
    counters = 4 * len(list(run.trainee.parameters()))  # Adam's step numbers
    # parameter, gradient and Adam's two moments
    assert found.weights == 4 * trained + buffers + counters
    assert found.images == 0 and found.memory == found.weights + found.activations


def test_activations_grow_with_the_batch_and_time_with_the_steps(config, data):
    small, large = (estimate(replace(config, batch_size=b), data) for b in (16, 32))
    assert large.activations == pytest.approx(2 * small.activations, rel=0.1)
    long = estimate(replace(config, steps=10_000), data)
    assert long.seconds == pytest.approx(10_000 * long.seconds_per_step)


def test_large_batches_are_scaled_up_from_small_ones(config, data):
    whole = estimate(replace(config, batch_size=64), data)
    scaled = estimate(replace(config, batch_size=192), data)
    assert scaled.activations == pytest.approx(3 * whole.activations, rel=0.02)


def test_a_run_of_one_step_has_an_estimate_too(config, data):
    assert estimate(replace(config, steps=1, warmup=0), data).seconds > 0


def test_growing_views_are_measured_size_by_size(config, data):
    grown = estimate(replace(config, view_scales=(0.5, 1.0)), data)
    sizes = [estimate(replace(config, view_scales=(scale,)), data) for scale in (0.5, 1.0)]
    assert grown.activations == sizes[1].activations > sizes[0].activations
    assert grown.multiply_adds == sizes[1].multiply_adds

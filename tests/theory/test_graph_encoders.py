"""Encoders on a graph: the optimal one, one of many where they tie, and any other."""

import warnings

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import ring_world
from adainf_core.theory.graph_encoders import feature_probe_error, optimal_embedding
from adainf_core.theory.spectrum import DegenerateSpectrumWarning


def test_without_a_tie_it_is_the_embedding():
    graph = ring_world().graph(1 / 3)
    np.testing.assert_array_equal(
        optimal_embedding(graph, 2, np.random.default_rng(0)), graph.embedding(2)
    )


@pytest.mark.parametrize("strength", [1, 3])
def test_at_a_tie_every_draw_reaches_the_least_loss_and_draws_differ(strength):
    graph, rng = ring_world(strength).graph(1.0), np.random.default_rng(0)
    assert graph.is_degenerate(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)
        least = graph.spectral_contrastive_loss(graph.embedding(2))
    draws = [optimal_embedding(graph, 2, rng) for _ in range(5)]
    for f in draws:
        assert f.shape == (len(graph.views), 2)
        # the loss is a sum of products of numbers of order one
        assert graph.spectral_contrastive_loss(f) == pytest.approx(least, abs=1e-10)
    kernels = [f @ f.T for f in draws]
    assert not np.allclose(kernels[0], kernels[1], atol=1e-3)
    # the mean over draws tends to the projection on the whole tied space: no direction is preferred
    many = np.mean([(f @ f.T) for f in (optimal_embedding(graph, 2, rng) for _ in range(1000))], 0)
    first = int(np.flatnonzero(np.abs(graph.eigenvalues() - graph.spectral_gap(2)) < 1e-8)[0])
    last = int(np.flatnonzero(np.abs(graph.eigenvalues() - graph.spectral_gap(2)) < 1e-8)[-1]) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)
        whole = graph.embedding(last)
    kept, group = whole[:, :first], whole[:, first:]
    expected = kept @ kept.T + (2 - first) / (last - first) * group @ group.T
    # 1,000 draws of entries below 2: five standard errors are at most 0.32
    np.testing.assert_allclose(many, expected, atol=0.32)


def test_on_the_optimal_encoder_it_is_the_theorys_error_and_it_ignores_coordinates():
    rng, compared = np.random.default_rng(1), 0
    for _ in range(200):
        world = random_world(rng, points=7, views=9, classes=3)
        graph, k = world.graph(0.5), 3
        if len(graph.views) <= k or graph.is_degenerate(k):
            continue
        labels = world.view_labels, world.natural_labels
        f = graph.embedding(k)
        rotated = f @ rng.standard_normal((k, k))
        expected = graph.probe_error(*labels, k, world.p_real)
        for features in (f, rotated, np.hstack([f, f])):
            error = feature_probe_error(graph, features, *labels, world.p_real)
            assert error == pytest.approx(expected, abs=1e-12)
        compared += 1
    assert compared > 100


def test_labels_as_features_leave_the_labelling_error_of_the_vote_and_nothing_leaves_all():
    world = ring_world(1)
    graph = world.graph(1 / 3)
    labels = world.view_labels, world.natural_labels
    assert feature_probe_error(graph, np.eye(2)[world.view_labels[graph.views]], *labels) == 0
    assert feature_probe_error(graph, np.zeros((len(graph.views), 1)), *labels) == 1


def test_bad_features_are_named():
    world = ring_world()
    graph, labels = world.graph(), (world.view_labels, world.natural_labels)
    with pytest.raises(ValueError, match=r"features has shape \(3, 2\)"):
        feature_probe_error(graph, np.ones((3, 2)), *labels)
    broken = np.ones((len(graph.views), 2))
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"features\[4\] is not finite"):
        feature_probe_error(graph, broken, *labels)

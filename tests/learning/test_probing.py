"""Probes against scikit-learn on the same features, and on features with a known answer."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.learning.encoders import PIXEL_MEAN, PIXEL_STD, Encoder, small_cnn
from adainf_core.learning.probing import extract_features, knn_probe, linear_probe


class Corner(nn.Module):
    """Backbone that reads one pixel: features are known."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 0, 0]


def coloured(n: int, noise: float, seed: int) -> ImageSet:
    """Three classes, each bright in its own channel, under noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    level = 100 + 60 * np.eye(3)[labels] + noise * rng.standard_normal((n, 3))
    images = np.broadcast_to(level.clip(0, 255)[:, :, None, None], (n, 3, 4, 4)).astype(np.uint8)
    return ImageSet(np.ascontiguousarray(images), labels.astype(np.int64), "coloured")


ENCODER = Encoder(Corner(), 3)
ENCODER.register_parameter("unused", nn.Parameter(torch.zeros(1)))


def test_features_are_the_normalised_pixels():
    images = coloured(10, 5, 0)
    expected = (images.images[:, :, 0, 0] / 255 - PIXEL_MEAN) / PIXEL_STD
    np.testing.assert_allclose(extract_features(ENCODER, images.images), expected, atol=1e-6)


def test_features_do_not_depend_on_the_batch():
    encoder, images = small_cnn(4).train(), coloured(7, 20, 0).images
    one, many = (extract_features(encoder, images, b) for b in (1, 7))
    np.testing.assert_allclose(one, many, atol=1e-5)


def test_linear_probe_agrees_with_scikit_learn():
    train, test = coloured(600, 40, 1), coloured(2000, 40, 2)
    ours = linear_probe(ENCODER, train, test)
    pixels, test_pixels = (s.images[:, :, 0, 0].astype(float) for s in (train, test))
    theirs = LogisticRegression(max_iter=1000).fit(pixels, train.labels)
    # another penalty on another scale: three features leave it little to decide
    assert ours.accuracy == pytest.approx(theirs.score(test_pixels, test.labels), abs=0.01)
    assert 0.5 < ours.accuracy < 0.95 and ours.n_train == 600 and ours.n_test == 2000
    assert "600 real training images" in ours.protocol


def test_probes_separate_what_is_separable():
    train, test = coloured(60, 0, 1), coloured(60, 0, 2)
    assert linear_probe(ENCODER, train, test).accuracy == 1
    assert knn_probe(ENCODER, train, test, k=5).accuracy == 1


def test_unlabelled_images_are_refused():
    with pytest.raises(ValueError, match="has no labels"):
        linear_probe(ENCODER, coloured(9, 0, 0), coloured(9, 0, 0).unlabelled())


def test_more_neighbours_than_images_are_refused():
    with pytest.raises(ValueError, match=r"k=10 is outside 1\.\.9"):
        knn_probe(ENCODER, coloured(9, 0, 0), coloured(9, 0, 0))

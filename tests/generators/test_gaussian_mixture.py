"""The Gaussian-mixture generator: the moments it promises, and determinism."""

import numpy as np
import pytest

from adainf_core.data.sprites import SpriteWorld
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator

WORLD = SpriteWorld()
REAL = WORLD.sample(WORLD.real_distribution(), 800, np.random.default_rng(0)).unlabelled()


def fit(**options) -> GaussianMixtureGenerator:
    return GaussianMixtureGenerator.fit(REAL, **({"components": 3, "principal": 20} | options))


def test_samples_have_the_real_mean():
    sampled = fit().sample(4000, seed=1).images.reshape(4000, -1).astype(float)
    pixels = REAL.images.reshape(len(REAL), -1).astype(float)
    # EM keeps the mean exactly; sampling adds s.d. / 63 and clipping to 0..255 a few levels
    assert np.abs(sampled.mean(0) - pixels.mean(0)).mean() < 4


def test_samples_before_rounding_follow_the_fitted_mixture():
    from sklearn.mixture import GaussianMixture

    generator = fit(components=1)
    mixture: GaussianMixture = generator._mixture
    sampled = generator.sample(6000, seed=2).images.reshape(6000, -1) / 255
    inside = generator._pca.transform(sampled.astype(np.float32))[:, :3]
    expected = mixture.covariances_[0][:3, :3]
    # clipping shrinks the spread a little: a tenth is allowed
    assert np.allclose(np.cov(inside.T), expected, rtol=0.1, atol=0.05 * expected.max())


def test_deterministic_given_the_seed():
    one, two, other = (fit().sample(5, seed=s).images for s in (3, 3, 4))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_more_components_than_images_are_refused():
    with pytest.raises(ValueError, match="components = 801"):
        fit(components=801)

"""The mixture's variations against its distribution and closed forms; nearest by brute force."""

import numpy as np
import pytest
from scipy import stats

from adainf_core.data.images import ImageSet
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.generators.principal_axes import PrincipalAxes
from adainf_core.generators.variation_settings import (
    DiffusionVariations,
    MixtureVariations,
    NearestGenerated,
)
from adainf_core.generators.variations import SDEdit, variations

RNG = np.random.default_rng(1)
REAL = ImageSet(
    np.clip(
        RNG.choice([70, 180], 400)[:, None, None, None] + 20 * RNG.standard_normal((400, 3, 4, 4)),
        0,
        255,
    ).astype(np.uint8),
    None,
    "two greys",
)


@pytest.fixture(scope="module")
def fitted():
    return GaussianMixtureGenerator.fit(REAL, components=2, principal=6)


def test_the_posterior_of_one_gaussian_is_the_textbook_s():
    one = GaussianMixtureGenerator.fit(REAL, components=1, principal=3)
    own, mean = one._mixture.covariances_[0], one._mixture.means_[0]
    start = np.tile(mean + [30.0, -2.0, 1.0], (200_000, 1)) / 1.0
    std = 0.8
    drawn = one._denoised(start, std, np.random.default_rng(0))
    gain = own @ np.linalg.inv(own + std**2 * np.eye(3))
    expected = mean + gain @ (start[0] - mean)
    covariance = own - gain @ own + gain @ gain.T * std**2  # of the posterior, and of the noise
    error = np.sqrt(np.diag(covariance) / len(drawn))
    assert (np.abs(drawn.mean(0) - expected) < 5 * error).all()
    assert np.allclose(np.cov(drawn.T), covariance, rtol=0.05, atol=0.02 * covariance.max())


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_draws_of_the_mixture_have_variations_of_the_mixture(fitted, noise):
    mixture = fitted._mixture
    clean, _ = mixture.sample(4000)
    rng = np.random.default_rng(2)
    varied = fitted._denoised(clean, noise, rng)
    again, _ = mixture.sample(4000)
    for axis in range(3):
        assert stats.ks_2samp(varied[:, axis], again[:, axis]).pvalue > 1e-4
    assert not np.allclose(varied, clean)


def test_noise_is_the_dial_from_the_image_to_any_image(fitted):
    none, some, much = (
        fitted.vary(REAL, noise, 3, seed=4).astype(float) for noise in (0, 0.3, 100.0)
    )
    kept = fitted._pca.inverse_transform(
        fitted._pca.transform(REAL.images.reshape(400, -1).astype(np.float32) / 255)
    )
    assert np.abs(none[:, 0].reshape(400, -1) / 255 - kept.clip(0, 1)).max() < 0.003
    assert np.array_equal(none[:, 0], none[:, 2])
    level, others = REAL.images.mean((1, 2, 3)), [v.mean((2, 3, 4)) for v in (some, much)]
    near, far = (np.corrcoef(level, other[:, 0])[0, 1] for other in others)
    assert near > 0.9 and abs(far) < 0.3
    assert not np.array_equal(some[:, 0], some[:, 1])


def test_the_setting_is_the_fitted_mixture_s_and_deterministic():
    setting = MixtureVariations(0.4, k=2, components=2, principal=6)
    found = setting.vary(REAL, None, 7)
    assert found.shape == (400, 2, 3, 4, 4) and found.dtype == np.uint8
    fitted = GaussianMixtureGenerator.fit(REAL, components=2, principal=6, seed=7)
    assert np.array_equal(found, fitted.vary(REAL, 0.4, 2, 7))
    assert not np.array_equal(found, setting.vary(REAL, None, 8))


def test_the_diffusion_setting_is_the_store_s_draw():
    images = ImageSet(RNG.integers(0, 256, (5, 3, 16, 16), dtype=np.uint8), None, "five")
    found = DiffusionVariations(strength=0.2, k=3, steps=5).vary(images, None, 4)
    generator = DiffusionGenerator.load("cifar10-16").using(steps=5, kind="ddim")
    expected = variations(generator, images, 3, SDEdit(0.2), 4)(0, 15)
    assert np.array_equal(found, expected.reshape(5, 3, 3, 16, 16))
    still = DiffusionVariations(strength=0.0, k=2).vary(images, None, 0)
    assert np.array_equal(still, np.repeat(images.images[:, None], 2, 1))


def test_nearest_are_the_nearest():
    pool = ImageSet(RNG.integers(0, 256, (60, 3, 4, 4), dtype=np.uint8), None, "pool")
    found = NearestGenerated(3, principal=5).vary(REAL, pool, 0)
    axes = PrincipalAxes.fit(REAL, 5, 0)
    ours, theirs = axes.project(REAL.images), axes.project(pool.images)
    order = np.argsort(np.linalg.norm(ours[:, None] - theirs[None], axis=2), axis=1)[:, :3]
    assert np.array_equal(found, pool.images[order])


def test_what_makes_no_variations_is_refused():
    with pytest.raises(ValueError, match=r"variations\.k = 0"):
        MixtureVariations(k=0)
    with pytest.raises(ValueError, match=r"variations\.noise=-1"):
        MixtureVariations(noise=-1)
    for pool in (None, REAL.subset(np.arange(2))):
        with pytest.raises(ValueError, match="give a generator"):
            NearestGenerated(3).vary(REAL, pool, 0)

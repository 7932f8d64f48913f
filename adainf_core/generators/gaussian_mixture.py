"""Generators fitted to real images: the classical end of the quality dial."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.validation import as_count, as_seed


@dataclass(frozen=True)
class GaussianMixtureGenerator:
    """A Gaussian mixture in the leading principal components of the pixels.

    Blurry where diffusion is sharp, but label-free, fitted in seconds on a laptop and plainly wrong
    about the real distribution: the low end of the book's quality dial. Make one with `fit`.
    """

    components: int
    principal: int
    image_shape: tuple[int, ...]
    _pca: Any
    _mixture: Any

    @classmethod
    def fit(
        cls, real: ImageSet, *, components: int = 30, principal: int = 80, seed: int = 0
    ) -> GaussianMixtureGenerator:
        """Fit to `real` (labels are not looked at).

        `components` full-covariance Gaussians live in the first `principal` principal components;
        neither may exceed the number of images or of pixel values, else ValueError. Deterministic
        given `seed`.
        """
        from sklearn.decomposition import PCA
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        as_image_set(real, "real")
        seed = as_seed(seed)
        most = min(len(real), int(np.prod(real.images.shape[1:])))
        for name, value in (("components", components), ("principal", principal)):
            as_count(value, name, 1, most, f", what {real.name} can carry")
        pixels = real.images.reshape(len(real), -1).astype(np.float32) / 255
        pca = PCA(principal, random_state=seed).fit(pixels)
        mixture = GaussianMixture(components, reg_covar=1e-3, max_iter=30, random_state=seed)
        with warnings.catch_warnings():
            # thirty EM steps are the definition here, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(pca.transform(pixels))
        return cls(components, principal, real.images.shape[1:], pca, mixture)

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images, deterministic given `seed`."""
        rng = np.random.default_rng(as_count(seed, "seed", 0))
        mixture = self._mixture
        # sklearn samples component by component; shuffled, any prefix is a sample too
        which = rng.choice(self.components, count, p=mixture.weights_ / mixture.weights_.sum())
        noise = rng.standard_normal((count, self.principal))
        latent = np.empty_like(noise)
        for component in range(self.components):
            chosen = which == component
            factor = np.linalg.cholesky(mixture.covariances_[component])
            latent[chosen] = mixture.means_[component] + noise[chosen] @ factor.T
        pixels = self._pca.inverse_transform(latent).clip(0, 1)
        images = (255 * pixels).round().astype(np.uint8).reshape(count, *self.image_shape)
        return ImageSet(images, None, f"gaussian-mixture-{self.components}")

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

    def vary(self, images: ImageSet, noise: float, k: int, seed: int = 0) -> np.ndarray:
        """k variations of each image, uint8 (n, k, 3, h, w), deterministic given `seed`.

        Noise of `noise` standard deviations (the root mean variance of the fitted coordinates) is
        added to an image's coordinates, and a clean point drawn from its posterior under the
        mixture, which is a mixture again. An image from the mixture's distribution has variations
        of that distribution; noise 0 gives back what the mixture's coordinates keep of it.
        """
        rng = np.random.default_rng(as_count(seed, "seed", 0))
        pixels = images.images.reshape(len(images), -1).astype(np.float32) / 255
        clean = np.repeat(self._pca.transform(pixels).astype(np.float64), k, axis=0)
        if noise > 0:
            clean = self._denoised(clean, noise * float(np.sqrt(self._variance().mean())), rng)
        drawn = (255 * self._pca.inverse_transform(clean).clip(0, 1)).round().astype(np.uint8)
        return drawn.reshape(len(images), k, *self.image_shape)

    def _variance(self) -> np.ndarray:
        """The mixture's variance along each coordinate."""
        weights = self._mixture.weights_ / self._mixture.weights_.sum()
        mean = weights @ self._mixture.means_
        spread = (self._mixture.means_ - mean) ** 2 + np.diagonal(
            self._mixture.covariances_, axis1=1, axis2=2
        )
        return weights @ spread

    def _denoised(self, clean: np.ndarray, std: float, rng: np.random.Generator) -> np.ndarray:
        """A draw for each point (n, d) of what it was, had it been seen through noise of `std`."""
        from scipy.special import log_softmax

        seen = clean + std * rng.standard_normal(clean.shape)
        mixture, eye = self._mixture, np.eye(self.principal)
        evidence = np.empty((len(seen), self.components))
        for component in range(self.components):
            covariance = mixture.covariances_[component] + std**2 * eye
            factor = np.linalg.cholesky(covariance)
            z = np.linalg.solve(factor, (seen - mixture.means_[component]).T)
            evidence[:, component] = -0.5 * (z**2).sum(0) - np.log(np.diag(factor)).sum()
        logs = log_softmax(evidence + np.log(mixture.weights_), axis=1)
        which = (logs + rng.gumbel(size=logs.shape)).argmax(1)
        noise, drawn = rng.standard_normal(seen.shape), np.empty_like(seen)
        for component in range(self.components):
            chosen = which == component
            own, mean = mixture.covariances_[component], mixture.means_[component]
            gain = np.linalg.solve(own + std**2 * eye, own).T
            factor = np.linalg.cholesky(own - gain @ own)
            drawn[chosen] = mean + (seen[chosen] - mean) @ gain.T + noise[chosen] @ factor.T
        return drawn

"""Classical generators: a copula, a kernel density, the bootstrap, and held-out real images.

With the Gaussian mixture they are what a laptop can fit in seconds. None looks at labels. Those in
principal components are smooth where diffusion is sharp; the bootstrap without noise has learned
its training images by heart; held-out images are the perfect generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.generators.generator import BLOCK, Blockwise, stream
from adainf_core.generators.principal_axes import PrincipalAxes, as_pixels
from adainf_core.validation import as_count, as_number

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianCopula(Blockwise):
    """A Gaussian copula in the leading principal components of the pixels.

    Every coordinate has its training values' own distribution, interpolated between them, and
    coordinates depend on each other as those of a Gaussian do whose correlation is that of the
    normal scores. `quantiles` (n, k) holds each coordinate's training values in order, `factor` (k,
    k) is the symmetric root of the correlation. Make one with `fit`.
    """

    axes: PrincipalAxes
    quantiles: Rows
    factor: Rows
    name = "gaussian-copula"

    @classmethod
    def fit(cls, real: ImageSet, *, principal: int = 80, seed: int = 0) -> GaussianCopula:
        """Fit to `real` in its first `principal` components; see `PrincipalAxes.fit`."""
        from scipy.special import ndtri
        from scipy.stats import rankdata

        axes = PrincipalAxes.fit(real, principal, seed)
        coordinates = axes.project(real.images)
        scores = ndtri((rankdata(coordinates, axis=0) - 0.5) / len(real))
        correlation = np.corrcoef(scores.T).reshape(principal, principal)
        values, vectors = np.linalg.eigh(correlation)
        factor = vectors * np.sqrt(values.clip(0)) @ vectors.T
        return cls(axes, np.sort(coordinates, axis=0), factor)

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        return self.axes.images(self.coordinates(rng))

    def coordinates(self, rng: np.random.Generator) -> Rows:
        """A block of draws (BLOCK, k) before they become pixels."""
        from scipy.special import ndtr

        n, principal = self.quantiles.shape
        uniform = ndtr(rng.standard_normal((BLOCK, principal)) @ self.factor)
        place = (uniform * n - 0.5).clip(0, n - 1)
        below = np.minimum(place.astype(np.int64), n - 2)
        low, high = (np.take_along_axis(self.quantiles, b, 0) for b in (below, below + 1))
        return low + (place - below) * (high - low)


@dataclass(frozen=True, eq=False)
class KernelDensity(Blockwise):
    """A Gaussian kernel density in the leading principal components of the pixels.

    A training image at random, moved along each component by a Gaussian of `bandwidth` times that
    component's standard deviation (the factor of `scipy.stats.gaussian_kde`). At 0 it is the
    bootstrap of the projected images; from about 1 on it is nearly one wide Gaussian, and Scott's
    rule, n^(-1/(k+4)), gives 0.9 for 5,000 images in 80 components. `coordinates` is (n, k),
    `deviations` (k,). Make one with `fit`.
    """

    axes: PrincipalAxes
    coordinates: Rows
    deviations: NDArray[np.float64]
    bandwidth: float

    @classmethod
    def fit(
        cls, real: ImageSet, *, bandwidth: float = 0.3, principal: int = 80, seed: int = 0
    ) -> KernelDensity:
        """Fit to `real` in its first `principal` components; see `PrincipalAxes.fit`.

        Raises ValueError for a `bandwidth` below 0.
        """
        _check_width(bandwidth, "bandwidth")
        axes = PrincipalAxes.fit(real, principal, seed)
        coordinates = axes.project(real.images)
        return cls(axes, coordinates, coordinates.std(axis=0), bandwidth)

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"kernel-density-{self.bandwidth:g}"

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        picked = self.coordinates[rng.integers(0, len(self.coordinates), BLOCK)]
        steps = rng.standard_normal(picked.shape) * (self.bandwidth * self.deviations)
        return self.axes.images(picked + steps)


@dataclass(frozen=True, eq=False)
class Bootstrap(Blockwise):
    """Training images drawn with replacement, each pixel value moved by Gaussian noise.

    `noise` is the standard deviation in grey levels, before clipping to 0..255 and rounding; at 0
    the images are copies: the generator that memorises. One seed picks the same training images at
    every noise, and in a kernel density. Make one with `fit`.
    """

    real: ImageSet
    noise: float

    @classmethod
    def fit(cls, real: ImageSet, *, noise: float = 0.0, seed: int = 0) -> Bootstrap:
        """Keep `real`; nothing is estimated, and `seed` is there for the other generators' sake.

        Raises ValueError for a `noise` below 0.
        """
        as_image_set(real, "real")
        as_count(seed, "seed", 0)
        _check_width(noise, "noise")
        return cls(real.unlabelled(), noise)

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"bootstrap-{self.noise:g}"

    def _block(self, rng: np.random.Generator) -> np.ndarray:
        picked = self.real.images[rng.integers(0, len(self.real), BLOCK)]
        if self.noise == 0:
            return picked
        values = rng.standard_normal(picked.shape, dtype=np.float32)
        values *= np.float32(self.noise)
        values += picked
        return as_pixels(values)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The perfect generator: real images that nobody trained on, each handed out at most once.

    Where `pool` is an i.i.d. sample of P_d, so is what is drawn from it. Given the pool, draws are
    exchangeable, each uniform on the pool; under two seeds they overlap.
    """

    pool: ImageSet

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images without replacement, deterministic given `seed`.

        Raises ValueError where the pool has fewer.
        """
        why = f", the held-out images of {self.pool.name}: ask for fewer or hold out more"
        count = as_count(count, "count", 1, len(self.pool), why)
        order = stream(seed, "held-out order").permutation(len(self.pool))
        return self.pool.unlabelled().subset(order[:count])


def _check_width(value: float, name: str) -> None:
    if not 0 <= as_number(value, name) < np.inf:
        raise ValueError(f"{name}={value}: a width is finite and not negative")

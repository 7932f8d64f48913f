"""Principal components of images: the coordinates in which classical generators are fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.validation import as_count, as_seed

_CHUNK = 2000
_LEAST = 0.01  # grey levels: pixels are whole numbers, so what varies less is rounding


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """The leading principal components of the pixels, in grey levels 0..255.

    `mean` is (d,), `axes` (k, d) with orthonormal rows by falling variance, both float64 with
    d = 3 h w pixel values; `image_shape` is (3, h, w). Make one with `fit`.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    image_shape: tuple[int, ...]

    @classmethod
    def fit(cls, real: ImageSet, principal: int, seed: int = 0) -> PrincipalAxes:
        """The first `principal` components of `real`, by a randomised SVD where that is quicker.

        Raises ValueError where `principal` is below 1 or above the number of directions in which
        the images vary (at most n - 1). Deterministic given `seed`.
        """
        from sklearn.decomposition import PCA

        as_image_set(real, "real")
        seed = as_seed(seed)
        n, values = len(real), int(np.prod(real.images.shape[1:]))
        most = min(n - 1, values)
        as_count(principal, "principal", 1, most, f", what {n} images of {real.name} can carry")
        pixels = real.images.reshape(n, -1).astype(np.float32)
        if 3 * principal > most:
            pca = PCA(principal, svd_solver="full", copy=False)
        else:
            # as many axes again to spare: the last variances of CIFAR-10 are then right to 1e-4,
            # with the customary ten to a twentieth
            spare = principal + 10
            pca = PCA(principal, svd_solver="randomized", n_oversamples=spare, copy=False)
        with np.errstate(invalid="ignore"):  # shares of no variance at all are refused below
            pca.set_params(random_state=seed).fit(pixels)
        varying = int((pca.explained_variance_ > _LEAST**2).sum())
        if varying < principal:
            raise ValueError(
                f"principal = {principal}, but {real.name} varies in {varying} directions only: "
                f"choose at most {varying}"
            )
        mean, axes = (np.asarray(a, np.float64) for a in (pca.mean_, pca.components_))
        return cls(mean, axes, real.images.shape[1:])

    def project(self, images: np.ndarray) -> NDArray[np.float64]:
        """Coordinates float64 (n, k) of images uint8 (n, 3, h, w)."""
        rows = [
            (images[start : start + _CHUNK].reshape(-1, len(self.mean)) - self.mean) @ self.axes.T
            for start in range(0, len(images), _CHUNK)
        ]
        return np.concatenate(rows)

    def images(self, coordinates: NDArray[np.float64]) -> np.ndarray:
        """Images uint8 (n, 3, h, w) at `coordinates` (n, k), clipped to 0..255 and rounded."""
        pixels = coordinates @ self.axes
        pixels += self.mean
        return as_pixels(pixels).reshape(-1, *self.image_shape)


def as_pixels(values: np.ndarray) -> np.ndarray:
    """Real numbers in grey levels as uint8: clipped to 0..255, rounded to even; overwrites them."""
    np.clip(values, 0, 255, out=values)
    return np.rint(values, out=values).astype(np.uint8)

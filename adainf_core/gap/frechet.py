"""The Fréchet distance between Gaussians fitted to features, and its limit of many rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adainf_core.gap.estimate import GapEstimate, as_sides
from adainf_core.validation import as_confidence, as_count

_PARTS = (1, 2, 3)  # the sizes n, n/2 and n/3 that the extrapolation sees
_BLOCKS = 10


@dataclass(frozen=True)
class FrechetDistance:
    """The distance of the samples, and its extrapolation to infinitely many rows.

    `plain` is what is usually quoted; it is too large by about `slope` / n. `extrapolated` has that
    taken out and carries the interval; near equality either may reach below zero, where no distance
    is. Only with
    Inception-v3 features may either be called an FID.
    """

    plain: float
    extrapolated: GapEstimate
    slope: float


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½) of features (n₁, d) and (n₂, d), d at will.

    Double precision; means and covariances (divisor n − 1) are the samples'. The trace of the root
    is the sum of the singular values of X₁ X₂ᵀ (centred, scaled rows), from the eigenvalues of
    whichever symmetric matrix is smallest, so rows may be fewer than columns. It is the squared
    2-Wasserstein distance of the fitted Gaussians (Dowson and Landau, 1982; Heusel et al., 2017).
    """
    first, second = as_sides(real, generated)
    return _distance(first.astype(np.float64), second.astype(np.float64))


def frechet_estimate(
    real: ArrayLike, generated: ArrayLike, *, confidence: float = 0.95, seed: int = 0
) -> FrechetDistance:
    """The distance at n rows and extrapolated to infinitely many, with an interval.

    real (n_r, d), generated (n_g, d), at least 60 rows a side. The bias of the plain distance is
    linear in 1/n to first order (Chong and Forsyth, 2020), so a line through the distances of all
    rows and the mean distances of disjoint halves and thirds (random, from `seed`) is read off at
    1/n = 0. Where n / 3 does not exceed d by far, the next order is not small and some bias stays.

    The interval is Student's, from the spread of the distances of ten disjoint blocks of either
    side, scaled by 1/√10, and covers the sampling of both sides. It errs on the wide side: blocks
    of n/10 rows vary by more than the first order unless n/10 is far above d, and where the
    distributions agree the distance varies as 1/n and not as 1/√n. tests/gap/test_frechet.py
    measures how often it covers a known truth.
    """
    from scipy.stats import t

    level = as_confidence(confidence)
    sides = [rows.astype(np.float64) for rows in as_sides(real, generated, 6 * _BLOCKS)]
    rng = np.random.default_rng(as_count(seed, "seed", 0))
    sides = [rows[rng.permutation(len(rows))] for rows in sides]
    found = [float(np.mean(_distances(sides, parts))) for parts in _PARTS]
    slope, limit = np.polyfit(_PARTS, found, 1, w=1 / np.sqrt(_PARTS))
    blocks = _distances(sides, _BLOCKS)
    half = t.ppf((1 + level) / 2, _BLOCKS - 1) * np.std(blocks, ddof=1) / np.sqrt(_BLOCKS)
    sizes = (len(sides[0]), len(sides[1]))
    extrapolated = GapEstimate(
        float(limit), float(limit - half), float(limit + half), *sizes, confidence=level
    )
    return FrechetDistance(float(found[0]), extrapolated, float(slope * min(sizes)))


def _distances(sides: list[NDArray[np.float64]], parts: int) -> list[float]:
    """Distances of disjoint parts of either side, paired."""
    pairs = zip(*(np.array_split(rows, parts) for rows in sides), strict=True)
    return [_distance(first, second) for first, second in pairs]


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    means = first.mean(axis=0), second.mean(axis=0)
    # Rows whose Gram matrix is the covariance: traces and singular values are read off them.
    scaled = [
        (rows - mean) / np.sqrt(len(rows) - 1)
        for rows, mean in zip((first, second), means, strict=True)
    ]
    shift = means[0] - means[1]
    traces = sum(float(np.einsum("ij,ij->", rows, rows)) for rows in scaled)
    return float(shift @ shift + traces - 2 * _trace_of_root(*scaled))


def _trace_of_root(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """tr (Σ₁^½ Σ₂ Σ₁^½)^½ for Σ = XᵀX: the sum of the singular values of X₁ X₂ᵀ."""
    small, large = sorted((first, second), key=len)
    if len(small) <= small.shape[1]:
        product = small @ large.T
        spectrum = np.linalg.eigvalsh(product @ product.T)
    else:
        values, vectors = np.linalg.eigh(first.T @ first)
        root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        spectrum = np.linalg.eigvalsh(root @ (second.T @ second) @ root)
    return float(np.sqrt(np.maximum(spectrum, 0)).sum())

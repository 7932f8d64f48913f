"""The kernel distance: unbiased squared MMD with the polynomial kernel of the KID."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.gap.estimate import GapEstimate, Rows, as_sides, normal_quantile
from adainf_core.gap.neighbours import slices
from adainf_core.validation import FloatArray

_BLOCK = 500


def kernel_distance(
    real: ArrayLike, generated: ArrayLike, *, confidence: float = 0.95
) -> GapEstimate:
    """Squared MMD of the distributions of the features, estimated without bias from all rows.

    real (m, d), generated (n, d), at least 2 rows a side. The kernel is (x·y / d + 1)³ (Bińkowski
    et al., 2018); with Inception-v3 features the value is the KID. It may be below zero where the
    distributions agree. Kernels are computed in blocks: memory for 500 rows of them is needed.

    The interval is normal, with the variance of the U-statistic's first-order projection, the
    jackknife's: 4 Var(a)/m + 4 Var(b)/n, a and b each row's mean kernel with its own side less
    that with the other. The noise of the rows' own means makes it too large, by a factor 2 where
    the distributions agree and the first order vanishes; it covers the sampling of both sides.
    """
    z = normal_quantile(confidence)
    first, second = as_sides(real, generated)
    m, n = len(first), len(second)
    own_first, own_second = _row_sums(first, first), _row_sums(second, second)
    cross = _row_sums(first, second)
    # a row's kernel with itself is no part of the unbiased estimate
    own_first = (own_first - _kernel_of_itself(first)) / (m - 1)
    own_second = (own_second - _kernel_of_itself(second)) / (n - 1)
    to_second, to_first = cross / n, _row_sums(second, first) / m
    value = own_first.mean() + own_second.mean() - 2 * to_second.mean()
    spread = 2 * np.sqrt(
        np.var(own_first - to_second, ddof=1) / m + np.var(own_second - to_first, ddof=1) / n
    )
    low, high = value - z * spread, value + z * spread
    return GapEstimate(float(value), float(low), float(high), m, n, confidence=float(confidence))


def _row_sums(rows: Rows, others: Rows) -> FloatArray:
    """Σ_j k(x_i, y_j) for each row, float64 (n,): products in single precision, sums in double."""
    sums = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] @ others.T
        for some in slices(block):
            products = block[some]
            products /= rows.shape[1]
            products += 1
            cubes = products * products
            cubes *= products
            sums[start + some.start : start + some.stop] = cubes.sum(axis=1, dtype=float)
    return sums


def _kernel_of_itself(rows: Rows) -> FloatArray:
    norms = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return (norms / rows.shape[1] + 1) ** 3

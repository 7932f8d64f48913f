"""α-ReQ (Agrawal et al. 2022): how fast the spectrum of the features falls."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_features

_TINY = 1e-12


def spectrum_decay(features: ArrayLike) -> float:
    """α of eigenvalues j^-α of the covariance of features (n, d), by least squares in logarithms.

    Eigenvalue j has weight 1 / j, as its logarithm has of all the decades. Its authors found the
    best encoders near 1 (`alpha_req`). ValueError for fewer than three directions.
    """
    x = as_features(features)
    values = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
    values = values[values > _TINY * values[0]]
    if len(values) < 3:
        raise ValueError(
            f"features vary in {len(values)} directions: a power law takes three or more"
        )
    j = np.arange(1, len(values) + 1)
    slope, _ = np.polyfit(np.log(j), np.log(values), 1, w=j**-0.5)
    return float(-slope)


def alpha_req(features: ArrayLike) -> float:
    """Minus the distance of `spectrum_decay` from 1: the greater the better, 0 at best."""
    return -abs(spectrum_decay(features) - 1)

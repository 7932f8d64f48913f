"""LiDAR (Thilak et al. 2024): how many directions tell images apart across their views."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_views, entropy_rank

_RIDGE = 1e-4


def lidar(features: ArrayLike, ridge: float = _RIDGE) -> float:
    """exp of the entropy of the eigenvalues of linear discriminant analysis, each image a class.

    `features` are (n, views, d), of two or more views of each image; `ridge` is added to the
    covariance within images, which views of one image alone would leave without some directions.
    """
    x = as_views(features)
    n, views, d = x.shape
    means = x.mean(1)
    apart = (x - means[:, None]).reshape(-1, d)
    within = apart.T @ apart / (n * (views - 1)) + ridge * np.eye(d)
    centred = means - means.mean(0)
    between = centred.T @ centred / (n - 1)
    factor = np.linalg.cholesky(within)
    half = np.linalg.solve(factor, between)
    values = np.linalg.eigvalsh(np.linalg.solve(factor, half.T))
    return entropy_rank(np.clip(values, 0, None))

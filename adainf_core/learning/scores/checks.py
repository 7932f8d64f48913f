"""What all scores ask of features: finite numbers, enough rows, more than one direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import FloatArray, as_real, in_words


def as_features(features: ArrayLike, least: int = 3) -> FloatArray:
    """Features (n, d) as float64; ValueError for fewer than `least` rows, nan, or one point."""
    x = as_real(features, "features")
    if x.ndim != 2 or len(x) < least:
        raise ValueError(
            f"features have shape {x.shape}: give one row an image, (n, d), of {least} or more"
        )
    return _sound(x)


def as_views(features: ArrayLike, least: int = 2) -> FloatArray:
    """Features of views (n, views, d) as float64; ValueError as above, or for too few views."""
    x = as_real(features, "features")
    if x.ndim != 3 or len(x) < 2 or x.shape[1] < least:
        raise ValueError(
            f"features have shape {x.shape}: give (images, views, d), two or more images and "
            f"{least} or more views of each"
        )
    return _sound(x)


def _sound(x: FloatArray) -> FloatArray:
    rows = x.reshape(-1, x.shape[-1])
    broken = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(broken):
        raise ValueError(f"features of row {broken[0]} are not finite: its training has diverged")
    if not np.ptp(rows, axis=0).any():
        raise ValueError(
            f"features are one point, {in_words(rows[0])}: the encoder has collapsed, and no score "
            "can rank it"
        )
    return x


def entropy_rank(weights: FloatArray) -> float:
    """exp of the entropy of nonnegative `weights`, brought to sum one: how many count."""
    shares = weights / weights.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))

"""Alignment and uniformity (Wang and Isola 2020): what a contrastive loss does on the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import FloatArray, as_count, as_positive, as_real


def alignment(first: ArrayLike, second: ArrayLike) -> float:
    """Mean squared distance of the rows of `first` from those of `second`, both (n, d).

    Rows are embeddings of unit length, of two views of one image: 0 where they agree, at most 4.
    """
    x, y = _rows(first, "first"), _rows(second, "second")
    if x.shape != y.shape:
        raise ValueError(f"first is {x.shape} and second {y.shape}: give two views of each image")
    return float(((x - y) ** 2).sum(axis=1).mean())


def uniformity(embeddings: ArrayLike, t: float = 2.0) -> float:
    """Logarithm of the mean of exp(-t |z - z'|²) over pairs of different rows of unit length.

    `embeddings` is (n, d), n >= 2. It is 0 where all rows are one point, and the less the more
    evenly they lie on the sphere (`most_uniform`).
    """
    from scipy.spatial.distance import pdist

    z = _rows(embeddings, "embeddings")
    if len(z) < 2:
        raise ValueError("embeddings has one row: uniformity is about pairs, give two or more")
    t = as_positive(t, "t")
    return float(np.log(np.exp(-t * pdist(z, "sqeuclidean")).mean()))


def most_uniform(d: int, t: float = 2.0) -> float:
    """The same of the uniform distribution on the unit sphere in `d` >= 2 dimensions, the least.

    The mean of exp(2 t cos) over the sphere is 0F1(; d / 2; t²), and |z - z'|² = 2 - 2 cos.
    """
    from scipy.special import hyp0f1

    d, t = as_count(d, "d", 2), as_positive(t, "t")
    return float(np.log(hyp0f1(d / 2, t**2)) - 2 * t)


def _rows(values: ArrayLike, name: str) -> FloatArray:
    x = as_real(values, name)
    if x.ndim != 2:
        raise ValueError(f"{name} has shape {x.shape}: give one embedding a row, (n, d)")
    broken = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if len(broken):
        raise ValueError(f"{name}[{broken[0]}] is not finite: drop the row")
    return x

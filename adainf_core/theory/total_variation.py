"""Total variation of distributions in closed form, and the inflation mixture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import (
    FloatArray,
    as_count,
    as_distribution,
    as_positive,
    as_real,
    as_share,
)


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Total variation distance of two distributions on one finite support, ½ Σ |p − q|, in [0, 1].

    p, q: arrays of one shape, nonnegative, each summing to one. Equals max over events S of |p(S) −
    q(S)|. ValueError on negative, non-finite or unnormalised mass and on different shapes.
    """
    p, q = _pair(p, q, "p", "q")
    return min(1.0, 0.5 * float(np.abs(p - q).sum()))


def gaussian_total_variation(mean_p: ArrayLike, mean_q: ArrayLike, std: float) -> float:
    """Total variation of two Gaussians of one isotropic covariance, N(μ_p, σ² I) and N(μ_q, σ² I).

    Equals 2 Φ(‖μ_p − μ_q‖ / 2σ) − 1.

    mean_p, mean_q: scalars or (d,), same shape; std > 0, shared. The best event is the half-space
    between the means, so the dimension does not matter.
    """
    p, q = as_real(mean_p, "mean_p"), as_real(mean_q, "mean_q")
    if p.shape != q.shape:
        raise ValueError(f"mean_p has shape {p.shape} and mean_q {q.shape}: give both in one space")
    for name, mean in (("mean_p", p), ("mean_q", q)):
        if not np.isfinite(mean).all():
            raise ValueError(f"{name} = {mean.tolist()} must be finite")
    distance = float(np.linalg.norm((p - q).ravel()))
    # 2 Φ(x) − 1 = erf(x / √2), which keeps its relative accuracy for near-equal means.
    return math.erf(distance / (2 * math.sqrt(2) * as_positive(std, "std")))


def mixture(p_real: ArrayLike, p_generated: ArrayLike, beta: float) -> FloatArray:
    """Training distribution P_t = β P_d + (1 − β) P_g of inflated data.

    p_real, p_generated: distributions of one shape; beta: share of real draws, in [0, 1]. Its
    distance to the real distribution is exactly (1 − β) D_TV(P_g, P_d) (AdaInf, Theorem 3.1).
    """
    real, generated = _pair(p_real, p_generated, "p_real", "p_generated")
    share = as_share(beta, "beta")
    return share * real + (1 - share) * generated


def replication_to_beta(n_real: int, n_generated: int, replication: float) -> float:
    """Share of real draws β = N n_d / (N n_d + n_g) when each real image is present N times.

    n_real ≥ 1 and n_generated ≥ 0 images; replication N > 0, not necessarily whole. AdaInf's
    CIFAR-10 setting, 50,000 real images 10 times beside 1,000,000 generated, is β = 1/3.
    """
    real = as_count(n_real, "n_real", 1)
    generated = as_count(n_generated, "n_generated", 0)
    mass = as_positive(replication, "replication") * real
    return mass / (mass + generated)


def _pair(p: ArrayLike, q: ArrayLike, name_p: str, name_q: str) -> tuple[FloatArray, FloatArray]:
    first, second = as_distribution(p, name_p), as_distribution(q, name_q)
    if first.shape != second.shape:
        raise ValueError(
            f"{name_p} has shape {first.shape} and {name_q} {second.shape}: "
            "put both distributions on one support"
        )
    return first, second

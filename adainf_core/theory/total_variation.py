"""Total variation of laws, the inflation mixture, and a finite-sample lower bound from scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.validation import (
    FloatArray,
    as_count,
    as_law,
    as_positive,
    as_real,
    as_share,
)


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Total variation distance of two laws on one finite support, ½ Σ |p − q|, in [0, 1].

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
    """Training law P_t = β P_d + (1 − β) P_g of inflated data.

    p_real, p_generated: laws of one shape; beta: share of real draws, in [0, 1]. Its distance to
    the real law is exactly (1 − β) D_TV(P_g, P_d) (AdaInf, Theorem 3.1).
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


@dataclass(frozen=True)
class TVEstimate:
    """Total variation seen through one score: `lower` ≤ D_TV at probability ≥ `confidence`.

    `point` is the empirical Kolmogorov–Smirnov distance: it estimates the distance of the *score*
    laws (itself at most D_TV) and is biased upwards, by about 0.87 √(1/n_real + 1/n_generated)
    where the laws agree. Report `lower`.
    """

    point: float
    lower: float
    confidence: float
    n_real: int
    n_generated: int


def dkw_band(n_real: int, n_generated: int, confidence: float = 0.95) -> float:
    """Half-width ε of the confidence band of a two-sample Kolmogorov–Smirnov distance.

    |KS of the samples − KS of the laws| ≤ ε at probability ≥ `confidence`, at any sample size.

    The Dvoretzky–Kiefer–Wolfowitz inequality with Massart's constant, P(sup |F_n − F| > e) ≤ 2
    exp(−2 n e²), is spent on each sample, δ_real + δ_generated = 1 − confidence by the union bound;
    the triangle inequality adds the two widths, ε = √(ln(2/δ_real) / 2 n_real) +
    √(ln(2/δ_generated) / 2 n_generated). The split of δ minimises ε; it depends on the sample sizes
    alone, so the guarantee stands. No continuity of the laws is needed.
    """
    sizes = as_count(n_real, "n_real", 1), as_count(n_generated, "n_generated", 1)
    level = float(confidence)
    if not 0 < level < 1:
        raise ValueError(f"confidence = {level:g} must lie strictly between 0 and 1")
    # Any split is valid; this grid treats both samples alike and is fine enough to lose nothing
    # visible against the best one.
    odds = np.exp(np.linspace(-14, 14, 1401))
    shares = odds / (1 + odds)
    first, second = (
        np.sqrt(np.log(2 / ((1 - level) * share)) / (2 * size))
        for share, size in zip((shares, 1 - shares), sizes, strict=True)
    )
    return float((first + second).min())


def tv_lower_bound(
    real_scores: ArrayLike, generated_scores: ArrayLike, confidence: float = 0.95
) -> TVEstimate:
    """Lower bound on D_TV(P_d, P_g) from one-dimensional scores of independent draws of each law.

    real_scores (n_real,), generated_scores (n_generated,): any score, typically a classifier's
    logit (±inf allowed, NaN not). The score must be fixed before these draws are seen: train it on
    a disjoint split. Its sign does not matter. A threshold on a score is an event, so D_TV ≥ KS of
    the score laws ≥ KS of the samples − `dkw_band`, and lower = max(0, KS − band). Valid at finite
    samples; a weak score only makes it smaller. ValueError on NaN or no draws.
    """
    real = _scores(real_scores, "real_scores")
    generated = _scores(generated_scores, "generated_scores")
    thresholds = np.concatenate([real, generated])
    # Right-continuous distribution functions at every jump count ties correctly.
    cdf_real = np.searchsorted(real, thresholds, side="right") / len(real)
    cdf_generated = np.searchsorted(generated, thresholds, side="right") / len(generated)
    point = float(np.abs(cdf_real - cdf_generated).max())
    band = dkw_band(len(real), len(generated), confidence)
    return TVEstimate(point, max(0.0, point - band), float(confidence), len(real), len(generated))


def _scores(values: ArrayLike, name: str) -> FloatArray:
    scores = as_real(values, name)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError(
            f"{name} has shape {scores.shape}: give one score per draw, at least one draw"
        )
    bad = np.flatnonzero(np.isnan(scores))
    if len(bad):
        raise ValueError(f"{name}[{bad[0]}] is NaN: drop the draw or repair the score")
    return np.sort(scores)


def _pair(p: ArrayLike, q: ArrayLike, name_p: str, name_q: str) -> tuple[FloatArray, FloatArray]:
    first, second = as_law(p, name_p), as_law(q, name_q)
    if first.shape != second.shape:
        raise ValueError(
            f"{name_p} has shape {first.shape} and {name_q} {second.shape}: "
            "put both laws on one support"
        )
    return first, second

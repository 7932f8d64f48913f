"""Lower bounds on total variation from one-dimensional scores, valid at finite samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adainf_core.validation import (
    FloatArray,
    IntArray,
    as_choice,
    as_confidence,
    as_count,
    as_real,
    freeze,
)

BoundMethod = Literal["ks", "adaptive"]

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(64)
_TAIL = 1e-14  # of a Beta distribution left out at either end, and added to its probabilities


@dataclass(frozen=True)
class TVEstimate:
    """Total variation seen through one score: `lower` ≤ D_TV at probability ≥ `confidence`.

    `point` is the empirical Kolmogorov–Smirnov distance: it estimates the distance of the *score*
    distributions (itself at most D_TV) and is biased upwards, by about 0.87 √(1/n_real +
    1/n_generated) where the distributions agree. Report `lower`. `method` is the bound's
    construction.
    """

    point: float
    lower: float
    confidence: float
    n_real: int
    n_generated: int
    method: BoundMethod = "ks"


def dkw_band(n_real: int, n_generated: int, confidence: float = 0.95) -> float:
    """Half-width ε of the confidence band of a two-sample Kolmogorov–Smirnov distance.

    |KS of the samples − KS of the distributions| ≤ ε at probability ≥ `confidence`, at any sample
    size.

    The Dvoretzky–Kiefer–Wolfowitz inequality with Massart's constant, P(sup |F_n − F| > e) ≤ 2
    exp(−2 n e²), is spent on each sample, δ_real + δ_generated = 1 − confidence by the union bound;
    the triangle inequality adds the two widths, ε = √(ln(2/δ_real) / 2 n_real) +
    √(ln(2/δ_generated) / 2 n_generated). The split of δ minimises ε; it depends on the sample sizes
    alone, so the guarantee stands. No continuity of the distributions is needed.
    """
    sizes = as_count(n_real, "n_real", 1), as_count(n_generated, "n_generated", 1)
    level = as_confidence(confidence)
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
    real_scores: ArrayLike,
    generated_scores: ArrayLike,
    confidence: float = 0.95,
    *,
    method: BoundMethod = "ks",
) -> TVEstimate:
    """Lower bound on D_TV(P_d, P_g) from one-dimensional scores of independent draws of either.

    real_scores (n_real,), generated_scores (n_generated,): any score, typically a classifier's
    logit (±inf allowed, NaN not). The score must be fixed before these draws are seen: train it on
    a disjoint split. Its sign does not matter, and ties cost nothing but power. A threshold on a
    score is an event, so D_TV ≥ KS of the score distributions; a weak score only makes the bound
    smaller. Both methods hold at every sample size and for all distributions.

    "ks": lower = max(0, KS of the samples − `dkw_band`). One width at every threshold.

    "adaptive": a width that fits each threshold, narrow where few draws lie beyond it: far better
    when a difference is concentrated in few draws. As Michel, Naef and Meinshausen (2020, arXiv
    2005.06006), but without asymptotics, it looks at the number V_z of real draws among the z
    lowest scores. If V_z ≥ v, the v-th lowest real score lies below the j-th lowest generated one,
    j = z − v + 1. Their distribution functions there are A and B, independent Beta(v, n_real − v +
    1) and Beta(j, n_generated − j + 1), and A ≤ B + D_TV (ties count against us); hence P(V_z ≥ v)
    ≤ P(A − B ≤ D_TV), and the ε-quantile of A − B at the observed v is a lower bound of confidence
    1 − ε. The largest is taken over ranks z that the sample sizes and the confidence alone fix,
    from either end of the scores; the union bound pays for all of them.

    ValueError on NaN, on no draws, and on an unknown method.
    """
    as_choice(method, "method", get_args(BoundMethod))
    level = as_confidence(confidence)
    real = _scores(real_scores, "real_scores")
    generated = _scores(generated_scores, "generated_scores")
    thresholds = np.concatenate([real, generated])
    # Right-continuous distribution functions at every jump count ties correctly.
    cdf_real = np.searchsorted(real, thresholds, side="right") / len(real)
    cdf_generated = np.searchsorted(generated, thresholds, side="right") / len(generated)
    point = float(np.abs(cdf_real - cdf_generated).max())
    if method == "ks":
        lower = max(0.0, point - dkw_band(len(real), len(generated), level))
    else:
        lower = _adaptive(real, generated, 1 - level)
    return TVEstimate(point, lower, level, len(real), len(generated), method)


def _adaptive(real: FloatArray, generated: FloatArray, risk: float) -> float:
    m, n = len(real), len(generated)
    ranks, risk_each = _examined_ranks(m, n, risk)
    counts = []
    for sign in (1, -1):
        # Generated draws go first among equals: that order is the least telling, hence valid.
        order = np.argsort(sign * np.concatenate([generated, real]), kind="stable")
        counts.append(np.cumsum(order >= n)[ranks - 1])
    v: IntArray = np.concatenate(counts)
    j: IntArray = np.tile(ranks, 2) - v + 1
    told = (v > 0) & (j <= n)
    distribution = BetaDifference.of(v[told], j[told], m, n)
    low, high = 0.0, 1.0
    rejected = distribution.cdf(0.0) <= risk_each
    if not rejected.any():
        return 0.0
    distribution = distribution[rejected]
    while high - low > 1e-8:
        middle = (low + high) / 2
        rejected = distribution.cdf(middle) <= risk_each
        if rejected.any():
            # Only a rank that rejects here can hold the largest bound.
            low, distribution = middle, distribution[rejected]
        else:
            high = middle
    return low


@lru_cache(maxsize=64)
def _examined_ranks(m: int, n: int, risk: float) -> tuple[IntArray, float]:
    """Ranks z at which the two sides are compared, and each one's share of the risk.

    Fixed by the sizes alone. Ranks that could prove nothing even if every real draw came first
    are left out, so that they cost nothing.
    """
    total = m + n
    upper = [total / 2]
    while (z := upper[-1]) < total - 1:
        # Even steps in logits see a difference that starts at any rank, however close to an end;
        # V_z itself is uncertain by up to √total / 4.
        upper.append(z + max(1.0, min(z * (total - z) / total / 4, 1.5 * total**0.5)))
    half = np.array(upper)
    spaced = np.concatenate([half, total - half, [m]]).round().astype(np.int64)
    ranks = np.unique(spaced[(spaced > 0) & (spaced < total)])
    v = np.minimum(ranks, m)
    best = BetaDifference.of(v, ranks - v + 1, m, n).cdf(0.0)
    counts = np.arange(1, len(ranks) + 1)
    useful = np.flatnonzero(np.sort(best) <= risk / (2 * counts))
    kept = int(useful[-1]) + 1 if len(useful) else 1
    chosen = ranks[np.sort(np.argsort(best, kind="stable")[:kept])]
    return freeze(chosen), risk / (2 * kept)


@dataclass(frozen=True)
class BetaDifference:
    """A − B for independent A ~ Beta(v, m − v + 1) and B ~ Beta(j, n − j + 1), k pairs at a time.

    Quadrature over the narrower of the two, where the other's distribution function is smooth:
    A − B and (1 − B) − (1 − A) are one. Shapes (2, k, 1), ends of B (k, 1).
    """

    a: FloatArray
    b: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, v: IntArray, j: IntArray, m: int, n: int) -> BetaDifference:
        from scipy.special import betainccinv, betaincinv

        a, b = np.stack([v, m - v + 1]).astype(float), np.stack([j, n - j + 1]).astype(float)
        swap = _beta_variance(a) < _beta_variance(b)
        a, b = np.where(swap, b[::-1], a)[:, :, None], np.where(swap, a[::-1], b)[:, :, None]
        return cls(a, b, betaincinv(*b, _TAIL), betainccinv(*b, _TAIL))

    def cdf(self, shift: float) -> FloatArray:
        """P(A − B ≤ shift) for each pair (k,), rounded up by the tails left out."""
        from scipy.special import betainc, betaincc, betaln, xlog1py, xlogy

        # Where B > 1 − shift the event is certain, where B < −shift impossible: two kinks.
        bottom, top = (np.clip(kink, self.low, self.high) for kink in (-shift, 1 - shift))
        half = (top - bottom) / 2
        nodes = bottom + half * (1 + _NODES)
        log_density = xlogy(self.b[0] - 1, nodes) + xlog1py(self.b[1] - 1, -nodes) - betaln(*self.b)
        masses = np.exp(log_density) * half * _NODE_WEIGHTS
        below = betainc(*self.a, np.clip(nodes + shift, 0, 1))
        beyond = betaincc(*self.b, top)[:, 0]
        return np.asarray((masses * below).sum(axis=1) + beyond + 2 * _TAIL)

    def __getitem__(self, rows: NDArray[np.bool_]) -> BetaDifference:
        return BetaDifference(self.a[:, rows], self.b[:, rows], self.low[rows], self.high[rows])


def _beta_variance(shape: FloatArray) -> FloatArray:
    total = shape.sum(axis=0)
    return shape.prod(axis=0) / (total**2 * (total + 1))


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

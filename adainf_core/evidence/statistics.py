"""Intervals over seeds: of a mean, and of a difference paired by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided Student t interval at `confidence`, over `n` seeds."""

    mean: float
    low: float
    high: float
    n: int
    confidence: float = 0.95

    def __format__(self, spec: str) -> str:
        """The mean and its interval, each in `spec`: f"{x:.1f}" gives "48.1 [47.2, 49.0]"."""
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Student t interval of the mean of `values` (n,), n >= 2; assumes roughly normal seeds."""
    from scipy.stats import t

    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"an interval needs at least two seeds in a row, got shape {x.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence} is outside (0, 1)")
    half = t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    mean = float(x.mean())
    return Interval(mean, mean - float(half), mean + float(half), len(x), confidence)


def paired_difference(
    treated: Mapping[int, float], reference: Mapping[int, float], confidence: float = 0.95
) -> Interval:
    """Interval of treated - reference over the seeds both have; both map seed -> value."""
    seeds = sorted(treated.keys() & reference.keys())
    if len(seeds) < 2:
        raise ValueError(f"a paired interval needs two common seeds, got {seeds}")
    return t_interval([treated[seed] - reference[seed] for seed in seeds], confidence)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation over `n` arms, with a percentile bootstrap interval."""

    value: float
    low: float
    high: float
    n: int
    confidence: float

    def __format__(self, spec: str) -> str:
        """The value and its interval, each in `spec`."""
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def rank_correlation(
    predicted: ArrayLike, found: ArrayLike, confidence: float = 0.95, draws: int = 10_000
) -> RankCorrelation:
    """Spearman's correlation of `predicted` (arms,) with `found` (arms, seeds) averaged over seeds.

    The interval is the percentile interval of `draws` bootstrap samples of arms and, within each
    arm drawn, of seeds; ties take their mean rank, and a sample in which one side does not vary
    counts as 0. Deterministic. ValueError for fewer than three arms or values that are not finite.
    """
    from scipy.stats import rankdata

    x, y = np.asarray(predicted, dtype=float), np.asarray(found, dtype=float)
    if x.ndim != 1 or y.ndim != 2 or len(x) != len(y) or len(x) < 3:
        raise ValueError(
            f"predicted has shape {x.shape} and found {y.shape}: need (arms,) and (arms, seeds), "
            "three arms or more"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("predicted and found have to be finite")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence} is outside (0, 1)")

    def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = (rankdata(side, axis=1) for side in (a, b))
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        return np.divide((a * b).sum(axis=1), spread, out=np.zeros(len(a)), where=spread > 0)

    rng = np.random.default_rng(0)
    arms = rng.integers(len(x), size=(draws, len(x)))
    seeds = rng.integers(y.shape[1], size=(draws, len(x), y.shape[1]))
    sampled = spearman(x[arms], y[arms[:, :, None], seeds].mean(axis=2))
    low, high = np.quantile(sampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    value = spearman(x[None], y.mean(axis=1)[None])[0]
    return RankCorrelation(float(value), float(low), float(high), len(x), confidence)

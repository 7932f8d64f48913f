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

"""What seeds can say: intervals, tests and effect sizes paired by seed, and the best of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.statistics.estimate import Estimate
from adainf_core.validation import (
    FloatArray,
    as_confidence,
    as_count,
    as_number,
    as_positive,
    as_real,
    in_words,
)


@dataclass(frozen=True)
class Interval(Estimate):
    """An estimate over `n` seeds: a mean with Student's two-sided t interval.

    Where the function that made it says otherwise, another statistic or another interval.
    """

    n: int


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Student t interval of the mean of `values` (n,), n >= 2; assumes roughly normal seeds."""
    x = _seeds(values, "values", least=2)
    confidence = as_confidence(confidence)
    half = t_quantile((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    mean = float(x.mean())
    return Interval(mean, mean - float(half), mean + float(half), len(x), confidence=confidence)


def t_quantile(level: float, freedom: float) -> float:
    """The `level` quantile of Student's t distribution with `freedom` degrees of freedom."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(freedom, level))


def paired_difference(
    treated: Mapping[int, float], reference: Mapping[int, float], confidence: float = 0.95
) -> Interval:
    """Interval of treated - reference over the seeds both have; both map seed -> value."""
    for name, side in (("treated", treated), ("reference", reference)):
        if not isinstance(side, Mapping):
            raise ValueError(
                f"{name} = {in_words(side)} has no seeds: map each to its value, as {{0: 41.2}}"
            )
    seeds = sorted(treated.keys() & reference.keys())
    if len(seeds) < 2:
        raise ValueError(
            f"treated and reference share {len(seeds)} seeds: a paired interval needs 2"
        )
    return t_interval([treated[seed] - reference[seed] for seed in seeds], confidence)


def wilson_interval(hits: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share, `hits` of `n` independent trials; `.value` is hits / n.

    The shares p that are within z standard errors, by p's own binomial variance, of what was found.
    """
    from scipy.stats import binomtest

    n = as_count(n, "n", 1)
    hits = as_count(hits, "hits", 0, n, f", the trials there are ({n})")
    confidence = as_confidence(confidence)
    low, high = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    share = hits / n
    # an end that is the share itself is it exactly, whatever rounding says
    low, high = min(float(low), share), max(float(high), share)
    return Interval(share, low, high, n, confidence=confidence)


def standardized_difference(differences: ArrayLike, confidence: float = 0.95) -> Interval:
    """Paired effect size, the mean over the sd of `differences` (n,), n >= 3.

    `.value` is Cohen's d of the differences with Hedges' exact small-sample correction, unbiased
    for normal differences; the interval is of the true mean / sd, exact for normal differences, by
    inverting the noncentral t distribution. ValueError where the differences (almost) do not vary.
    """
    from scipy.optimize import brentq
    from scipy.special import gammaln
    from scipy.stats import nct

    x = _seeds(differences, "differences", least=3)
    confidence = as_confidence(confidence)
    n, mean, sd = len(x), float(x.mean()), float(x.std(ddof=1))
    if sd <= 1e-3 * abs(mean) or sd == 0:
        raise ValueError(
            f"differences vary by {sd:.3g} about {mean:.3g}, too little for an effect size: "
            "report the difference itself"
        )
    df, t, tail = n - 1, abs(mean) / sd * np.sqrt(n), (1 - confidence) / 2
    hedges = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    lowest, highest = -_beyond(0, df, tail), _beyond(t, df, tail)
    ends = [
        np.sign(mean or 1)
        / np.sqrt(n)
        * brentq(lambda nc, level=level: nct.cdf(t, df, nc) - level, lowest, highest)
        for level in (1 - tail, tail)
    ]
    return Interval(
        float(hedges * mean / sd), float(min(ends)), float(max(ends)), n, confidence=confidence
    )


def smallest_detectable(sd: float, n: int, confidence: float = 0.95, power: float = 0.8) -> float:
    """The true paired difference that `n` seeds find with probability `power`, in units of `sd`'s.

    `sd` is the standard deviation over seeds of the paired differences, taken as known and normal;
    "find" is a `paired_difference` interval at `confidence` wholly on the true side of zero
    (noncentral t). ValueError for n < 2 or a power that the test has without any difference.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct

    sd, n = as_positive(sd, "sd"), as_count(n, "n", 2)
    confidence = as_confidence(confidence)
    if not (1 - confidence) / 2 < as_number(power, "power") < 1:
        raise ValueError(f"power={power} is outside ({(1 - confidence) / 2:g}, 1)")
    critical = t_quantile((1 + confidence) / 2, n - 1)
    shift = brentq(
        lambda nc: nct.sf(critical, n - 1, nc) - power, 0.0, _beyond(critical, n - 1, 1 - power)
    )
    return float(shift * sd / np.sqrt(n))


@dataclass(frozen=True)
class PlausibleLevels(Interval):
    """The level of the best mean, and those that `n` seeds cannot exclude as the best.

    `value` has the highest mean; `plausible` holds, in ascending order, the levels not excluded at
    `confidence`, `value` among them; `low` and `high` are its ends, and levels between them may be
    excluded.
    """

    plausible: tuple[float, ...]


def best_level(
    levels: ArrayLike,
    values: ArrayLike,
    confidence: float = 0.95,
    spread: tuple[float, int] | None = None,
) -> PlausibleLevels:
    """The best of `levels` (k,) by the highest mean of `values` (k, seeds), and its rivals.

    A column of `values` is one seed at each level. A level is excluded if some other beats it in a
    one-sided paired t test at (1 - confidence) / (k - 1): the truly best level, or any one of
    several that tie, is then excluded with probability at most 1 - confidence, for differences
    normal over seeds, whatever the levels' variances and correlation (Bonferroni; multiple
    comparisons with the best, Hsu 1984). Differences that do not vary at all count as certain.
    With `spread`, the residual deviation of one value in a larger block design and its degrees of
    freedom, the deviation of a difference is at least root two times that, with its freedom; the
    levels' variances are then assumed equal.
    ValueError for fewer than two levels or seeds, for repeated levels, and for missing values.
    """
    names, x = as_real(levels, "levels"), as_real(values, "values")
    if names.ndim != 1 or x.ndim != 2 or len(names) != len(x) or len(names) < 2:
        raise ValueError(
            f"levels has shape {names.shape} and values {x.shape}: need (levels,) and "
            "(levels, seeds), two levels or more"
        )
    k, n = x.shape
    if n < 2:
        raise ValueError(f"values has {n} seed(s) a level: a paired test needs at least two seeds")
    if not np.isfinite(names).all() or len(np.unique(names)) < k:
        raise ValueError(f"levels {names.tolist()} have to be finite and different")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        level, seed = bad[0]
        raise ValueError(
            f"values[{level}, {seed}] = {x[level, seed]:g}: keep the seeds that each level has"
        )
    confidence = as_confidence(confidence)
    lead = x[:, None] - x  # of level i over level j, seed by seed
    mean, deviation, freedom = lead.mean(axis=2), lead.std(axis=2, ddof=1), n - 1
    if spread is not None:
        deviation = np.maximum(deviation, np.sqrt(2) * spread[0])
        freedom = max(freedom, spread[1])
    error = deviation / np.sqrt(n)
    critical = t_quantile(1 - (1 - confidence) / (k - 1), freedom)
    beaten = ((mean > critical * error) & (mean > 0)).any(axis=0)
    plausible = np.sort(names[~beaten]).tolist()
    best = float(names[np.argmax(x.mean(axis=1))])
    return PlausibleLevels(
        best, plausible[0], plausible[-1], n, tuple(plausible), confidence=confidence
    )


def rank_correlation(
    predicted: ArrayLike, found: ArrayLike, confidence: float = 0.95, draws: int = 10_000
) -> Interval:
    """Spearman's correlation of `predicted` (arms,) with `found` (arms, seeds) averaged over seeds.

    `n` counts the arms. The interval is the percentile interval of `draws` bootstrap samples of
    arms and, within each arm drawn, of seeds; ties take their mean rank, and a sample in which one
    side does not vary counts as 0. Deterministic. ValueError for fewer than three arms or values
    that are not finite.
    """
    x, y = as_real(predicted, "predicted"), as_real(found, "found")
    if x.ndim != 1 or y.ndim != 2 or len(x) != len(y) or len(x) < 3:
        raise ValueError(
            f"predicted has shape {x.shape} and found {y.shape}: need (arms,) and (arms, seeds), "
            "three arms or more"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("predicted and found have to be finite")
    confidence = as_confidence(confidence)

    def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = _mean_ranks(a), _mean_ranks(b)
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        return np.divide((a * b).sum(axis=1), spread, out=np.zeros(len(a)), where=spread > 0)

    rng = np.random.default_rng(0)
    arms = rng.integers(len(x), size=(draws, len(x)))
    seeds = rng.integers(y.shape[1], size=(draws, len(x), y.shape[1]))
    drawn = sum(y[arms, seeds[:, :, seed]] for seed in range(y.shape[1])) / y.shape[1]
    sampled = spearman(x[arms], drawn)
    low, high = np.quantile(sampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    value = spearman(x[None], y.mean(axis=1)[None])[0]
    return Interval(float(value), float(low), float(high), len(x), confidence=confidence)


def _mean_ranks(rows: np.ndarray) -> np.ndarray:
    """Ranks from 1 within each of `rows` (rows, n), ties at their mean rank; for small n."""
    columns = np.ascontiguousarray(rows.T)
    twice = np.ones(columns.shape, dtype=np.min_scalar_type(2 * len(columns) + 1))
    for column in columns:
        twice += column < columns
        twice += column <= columns
    return np.ascontiguousarray(twice.T) / 2


def _seeds(values: ArrayLike, name: str, least: int) -> FloatArray:
    """`values` as a finite float64 copy (n,), n >= `least`."""
    x = as_real(values, name)
    if x.ndim != 1 or len(x) < least:
        raise ValueError(f"{name} has shape {x.shape}: give one value a seed, at least {least}")
    bad = np.flatnonzero(~np.isfinite(x))
    if len(bad):
        raise ValueError(f"{name}[{bad[0]}] = {x[bad[0]]:g}: values have to be finite")
    return x


def _beyond(t: float, df: int, tail: float) -> float:
    """A noncentrality past which a noncentral t variable is below `t` >= 0 at most at `tail`.

    T = (Z + nc) / S falls below t only if S > s or Z < t s - nc, at `tail` / 2 each.
    """
    from scipy.stats import chi2, norm

    return float(t * np.sqrt(chi2.isf(tail / 2, df) / df) + norm.isf(tail / 2))

"""Response curves: a smooth curve through (arm, seed) points, and where it is highest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.statistics.intervals import Interval
from adainf_core.validation import FloatArray, as_real, freeze

LENGTH_SCALES = np.geomspace(0.1, 2.0, 6)  # of the range of x
CONFIDENCE = 0.95
DRAWS = 2000


@dataclass(frozen=True, eq=False)
class ResponseCurve:
    """A curve at the places `at` (m,), with its pointwise band and the place of its maximum.

    `mean`, `low`, `high` are (m,) float64 in the units of y: the curve, not a new observation.
    `peak` is the place of the highest mean, with the interval of the place of the true curve's
    maximum among `at`, from `peak.n` observations; `noise` is the sd of one observation about the
    curve. Band and interval are at `CONFIDENCE`.
    """

    at: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    peak: Interval
    noise: float


def response_curve(x: ArrayLike, y: ArrayLike, at: ArrayLike, log_x: bool = False) -> ResponseCurve:
    """The curve behind the points (`x`, `y`), (n,) each, at `at` (m,), by a Gaussian process.

    An unknown level plus a squared exponential kernel plus white noise of one size (scikit-learn;
    Rasmussen and Williams 2006, chapter 2), x or log x scaled to [0, 1], y to unit variance.
    Amplitude and noise maximise the marginal likelihood at each of six length scales from 0.1 to
    2, and the six fits are averaged by that likelihood: the best one alone is too sure of itself.
    The interval of the maximum comes from `DRAWS` curves of the posterior, over the places `at`,
    the same at each call.

    The points count as independent: where a seed shifts all its arms alike, subtract each seed's
    mean first. Where the curve hardly rises above the noise, the band covers somewhat less often
    than `CONFIDENCE`. Constant y give a flat curve of no width whose maximum may be anywhere.
    Needs three different x or more, all finite (above 0 with `log_x`), and places in their range.
    """
    from scipy.stats import norm

    x, y, at = (as_real(v, name) for v, name in ((x, "x"), (y, "y"), (at, "at")))
    level, scale = y.mean(), y.std()
    if scale <= 1e-12 * np.abs(y).max():
        flat = freeze(np.full(len(at), level))
        ends = float(at.min()), float(at.max())
        anywhere = Interval(float(at[0]), *ends, len(x), confidence=CONFIDENCE)
        return ResponseCurve(freeze(at), flat, flat, flat, anywhere, 0.0)

    rows, places = (np.log(v) if log_x else v for v in (x, at))
    start, span = rows.min(), np.ptp(rows)
    rows, places = ((v[:, None] - start) / span for v in (rows, places))
    fits = [_fit(rows, (y - level) / scale, places, length) for length in LENGTH_SCALES]
    evidence = np.array([fit.evidence for fit in fits])
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    means = np.array([fit.mean for fit in fits])
    mean = weights @ means
    variances = np.array([(fit.root**2).sum(axis=1) for fit in fits]) + (means - mean) ** 2
    half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(weights @ variances)

    rng = np.random.default_rng(0)
    counts = rng.multinomial(DRAWS, weights)
    curves = [
        fit.mean + rng.standard_normal((count, len(at))) @ fit.root.T
        for fit, count in zip(fits, counts, strict=True)
    ]
    peaks = at[np.concatenate(curves).argmax(axis=1)]
    best = float(at[mean.argmax()])
    return ResponseCurve(
        at=freeze(at),
        mean=freeze(level + scale * mean),
        low=freeze(level + scale * (mean - half)),
        high=freeze(level + scale * (mean + half)),
        peak=Interval(
            best,
            min(best, float(np.quantile(peaks, (1 - CONFIDENCE) / 2, method="lower"))),
            max(best, float(np.quantile(peaks, (1 + CONFIDENCE) / 2, method="higher"))),
            len(x),
            confidence=CONFIDENCE,
        ),
        noise=float(scale * np.sqrt(weights @ [fit.noise for fit in fits])),
    )


def sweep_curve(
    levels: Mapping[float, Mapping[int, float]], log_x: bool = True
) -> ResponseCurve | None:
    """The curve through a sweep, `levels` mapping a level to its values by seed.

    Only seeds that every level has count, and each seed's mean is taken off and the common one put
    back: arms of a seed share what makes it lucky. So the band is of the curve's shape, not of its
    height. The curve stands at 50 places. None for fewer than three levels or two seeds.
    """
    table = complete_seeds(levels)
    if table.shape[0] < 3 or table.shape[1] < 2:
        return None
    places = np.array(list(levels), dtype=float)
    spaced = np.geomspace if log_x else np.linspace
    at = spaced(places.min(), places.max(), 50).clip(places.min(), places.max())
    values = table - table.mean(axis=0) + table.mean()
    return response_curve(places.repeat(table.shape[1]), values.ravel(), at, log_x)


def complete_seeds(levels: Mapping[float, Mapping[int, float]]) -> FloatArray:
    """Values (levels, seeds) of the seeds that every level has, in the order of the seeds."""
    tables = list(levels.values())
    seeds = sorted(set.intersection(*map(set, tables))) if tables else []
    return np.array([[table[seed] for seed in seeds] for table in tables]).reshape(
        len(tables), len(seeds)
    )


class _Fit(NamedTuple):
    """A Gaussian process at one length scale; the curve's mean (m,), root (m, m) of covariance."""

    evidence: float
    noise: float
    mean: FloatArray
    root: FloatArray


def _fit(rows: FloatArray, y: FloatArray, places: FloatArray, length: float) -> _Fit:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    # the level's own wide kernel: without it a weak curve would have the sample mean for certain
    kernel = (
        ConstantKernel(10.0, "fixed")
        + ConstantKernel(1.0, (0.1, 100.0)) * RBF(length, "fixed")
        + WhiteKernel(0.1, (1e-6, 10.0))
    )
    process = GaussianProcessRegressor(kernel, alpha=0.0, random_state=0)
    with warnings.catch_warnings():
        # an optimum at a bound is a curve as weak, or points as noiseless, as the bounds allow
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(rows, y)
    mean, covariance = process.predict(places, return_cov=True)
    # scikit-learn's covariance is of new observations: take their own noise off again
    noise = process.kernel_.k2.noise_level
    covariance[np.diag_indices_from(covariance)] -= noise
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0))
    return _Fit(process.log_marginal_likelihood_value_, noise, mean, root)

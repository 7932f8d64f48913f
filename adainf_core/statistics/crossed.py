"""Intervals of a mean over seeds and test images, where both are a sample and cross each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.statistics.intervals import Interval, t_quantile
from adainf_core.validation import FloatArray, as_confidence, as_positive, as_real

_MOST_SEEDS = 200
_POWER = 0.8
_BETWEEN = 1.5  # see `crossed_interval`


@dataclass(frozen=True)
class CrossedInterval(Interval):
    """A mean over `n` seeds and `images` test images, and its interval where both may be others.

    `seed_variance` and `image_variance` are the parts of the mean's variance that shrink with more
    seeds and with more images alone.
    """

    images: int
    seed_variance: float
    image_variance: float

    def detectable(self, seeds: int | None = None) -> float:
        """The true difference that as many seeds and images find with probability 0.8.

        By the variances as they were estimated, with `seeds` in place of the seeds there are.
        "Find" is an interval wholly on the true side of zero (noncentral t).
        """
        from scipy.optimize import brentq
        from scipy.stats import nct

        n = self.n if seeds is None else seeds
        of_seeds = self.seed_variance * self.n / n
        whole = of_seeds + self.image_variance
        if not whole:
            return 0.0
        share = of_seeds / whole
        factor = _factor(share, n, self.images, self.confidence)
        freedom = min((n - 1) / max(share**2, 1e-6), 1e5)
        highest = 4 * factor + 10
        shift = brentq(lambda nc: nct.sf(factor, freedom, nc) - _POWER, 0.0, highest)
        return float(shift * math.sqrt(whole))

    def seeds_for(self, difference: float) -> int | None:
        """The fewest seeds that find `difference` on these images; None where 200 do not."""
        difference = as_positive(difference, "difference")
        low, high = 2, _MOST_SEEDS
        if self.detectable(high) > difference:
            return None
        while low < high:
            middle = (low + high) // 2
            if self.detectable(middle) <= difference:
                high = middle
            else:
                low = middle + 1
        return low

    def images_for(self, difference: float) -> int:
        """Test images that find `difference` with seeds without end: fewer never do."""
        from scipy.stats import norm

        z = norm.ppf((1 + self.confidence) / 2) + norm.ppf(_POWER)
        error = as_positive(difference, "difference") / z
        return math.ceil(self.images * self.image_variance / error**2)


def crossed_interval(
    values: ArrayLike, confidence: float = 0.95, step: float = 0.0
) -> CrossedInterval:
    """Interval of the mean of `values` (seeds, images), two or more each, both drawn at random.

    A value is, for example, the difference of two runs of one seed on one test image. The model is
    that of crossed random effects: a part of each seed, a part of each image, and a rest. The
    variance of the mean is the unbiased one from mean squares,
    (MS_seeds + max(MS_images - MS_rest, 0)) / (seeds images), which readers and cases have in
    radiology (Obuchowski and Rockette 1995, Hillis 2007). Two seeds tell their share w of it with
    one degree of freedom, hence the factor q with q^2 = z^2 + w^1.5 (t^2 - z^2), t and z being
    Student's quantiles for the seeds and for the images: exact where one of the two varies alone.
    The exponent lies between 1, which never covers too rarely (Graybill and Wang 1980; Zou and
    Donner 2008), and 2 (Satterthwaite 1946), which does with two seeds. At 95 % the coverage is
    within two points of that, and with two seeds errs to the safe side by up to half a point more
    (simulated in `benchmarks/compare_coverage.py`).

    `step` is the least that a value can change by: one more image that differs by it is counted in
    the variance, lest a sample in which nothing differs be called certain (as Agresti and Min 2005
    do for pairs). ValueError for values that are not finite, or fewer than two either way.
    """
    x = _table(values, least=2)
    confidence = as_confidence(confidence)
    s, n = x.shape
    mean, of_seed, of_image = float(x.mean()), x.mean(1), x.mean(0)
    rest = x - of_seed[:, None] - of_image + mean
    square_seeds = n * float(of_seed.var(ddof=1))
    square_images = s * float(of_image.var(ddof=1))
    square_rest = float((rest**2).sum()) / ((s - 1) * (n - 1))
    seed_variance = square_seeds / (s * n)
    image_variance = max(square_images - square_rest, 0.0) / (s * n) + (step / n) ** 2
    whole = seed_variance + image_variance
    share = seed_variance / whole if whole else 0.0
    half = _factor(share, s, n, confidence) * math.sqrt(whole)
    return CrossedInterval(
        mean, mean - half, mean + half, s, n, seed_variance, image_variance, confidence=confidence
    )


def images_interval(values: ArrayLike, confidence: float = 0.95, step: float = 0.0) -> Interval:
    """Interval of the mean of `values` (seeds, images) over images alone: these seeds and no other.

    Student's t of the images' means over seeds, of which there may be one; `step` as in
    `crossed_interval`. `n` counts images.
    """
    x = _table(values, least=1).mean(0)
    confidence = as_confidence(confidence)
    n, mean = len(x), float(x.mean())
    error = math.sqrt(float(x.var(ddof=1)) / n + (step / n) ** 2)
    half = t_quantile((1 + confidence) / 2, n - 1) * error
    return Interval(mean, mean - half, mean + half, n, confidence=confidence)


def _factor(share: float, seeds: int, images: int, confidence: float) -> float:
    """What the standard error is multiplied by, where the seeds have this share of the variance."""
    t, z = (t_quantile((1 + confidence) / 2, count - 1) for count in (seeds, images))
    return math.sqrt(z**2 + share**_BETWEEN * (t**2 - z**2))


def _table(values: ArrayLike, least: int) -> FloatArray:
    x = as_real(values, "values")
    if x.ndim != 2 or x.shape[0] < least or x.shape[1] < 2:
        raise ValueError(f"values has shape {x.shape}: need (seeds, images), at least ({least}, 2)")
    if not np.isfinite(x).all():
        raise ValueError("values have to be finite")
    return x

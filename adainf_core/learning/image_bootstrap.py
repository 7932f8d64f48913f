"""Intervals for statistics of a view graph, by resampling its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.view_graph import image_distribution
from adainf_core.validation import FloatArray, as_confidence, as_count, as_labels


@dataclass(frozen=True)
class BracketedInterval:
    """Two estimates that err to opposite sides, and an interval around both.

    `below` and `above` are the estimates on the images at hand, `low` and `high` the interval at
    `confidence`, from `resamples` resamples of the images.
    """

    below: float
    above: float
    low: float
    high: float
    confidence: float
    resamples: int

    def __format__(self, spec: str) -> str:
        """The interval, its ends in `spec`: f"{x:.2f}" gives "[0.71, 0.83]"."""
        return f"[{self.low:{spec}}, {self.high:{spec}}]"


def image_bootstrap(
    below: Callable[[FloatArray], float],
    weights: ArrayLike,
    above: Callable[[FloatArray], float] | None = None,
    *,
    strata: ArrayLike | None = None,
    resamples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> BracketedInterval:
    """Bootstrap over images of a statistic, a function of the images' distribution.

    Whole images are drawn with replacement, with all their views: `weights` (n,), their masses,
    is multiplied by multinomial counts. Within `strata` (n,), as 0 for real and 1 for generated
    images, numbers of draws and total mass stay what they were, so β does too. The interval is from
    the lower quantile of `below` to the upper one of `above` (by default the same function).

    Eigenvalues are biased by sampling and resampling doubles the bias: the plain percentile
    interval of `ViewGraph.spectral_gap` can miss λ nearly always where cells are many for the views
    at hand. With `ViewGraph.held_out_gap` as `above` the bias is inside the interval, which then
    covers at least at its confidence in the worlds it is tested in, often by far.
    """
    distribution = image_distribution(weights, len(np.asarray(weights)))
    resamples = as_count(resamples, "resamples", 2)
    confidence = as_confidence(confidence)
    groups = (
        np.zeros(len(distribution), np.int64)
        if strata is None
        else as_labels(strata, len(distribution), "strata")
    )
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    upper = below if above is None else above
    rng = np.random.default_rng(as_count(seed, "seed", 0))
    lows, highs = np.empty(resamples), np.empty(resamples)
    for draw in range(resamples):
        drawn = np.zeros(len(distribution))
        for own in members:
            total, alike = distribution[own].sum(), np.full(len(own), 1 / len(own))
            mass = distribution[own] * rng.multinomial(len(own), alike)
            # images without mass may be all that is drawn: a stratum that has some keeps it
            while mass.sum() == 0 < total:
                mass = distribution[own] * rng.multinomial(len(own), alike)
            if total > 0:
                drawn[own] = mass * (total / mass.sum())
        drawn /= drawn.sum()
        lows[draw] = below(drawn)
        highs[draw] = lows[draw] if above is None else upper(drawn)
    tail = (1 - confidence) / 2
    return BracketedInterval(
        below=float(below(distribution)),
        above=float(upper(distribution)),
        low=float(np.quantile(lows, tail)),
        high=float(np.quantile(highs, 1 - tail)),
        confidence=confidence,
        resamples=resamples,
    )

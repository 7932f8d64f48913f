"""Memorisation: generated images nearer to the training images than other real ones are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.gap.estimate import GapEstimate, as_rows, as_sides, same_columns
from adainf_core.gap.neighbours import nearest
from adainf_core.statistics.intervals import wilson_interval
from adainf_core.validation import FloatArray, IntArray, as_number


@dataclass(frozen=True, eq=False)
class Memorisation:
    """Distances to the nearest training row: of generated rows, and of real rows as the reference.

    `near` is the share of generated rows nearer than the `quantile` of the reference distances,
    which is about `quantile` where nothing is memorised; its interval covers the sampling of the
    generated rows, the threshold given. `z` is Mann and Whitney's statistic in standard deviations
    (the test of Meehan, Chaudhuri and Dasgupta, 2020, in one cell): below about −2 generated rows
    lie nearer to the training rows than real ones do, above 2 farther (as blurred or foreign ones
    do). `copies` counts generated rows that equal a training row. `distances`, `nearest_real` (n,):
    each generated row's distance to its nearest training row, and which one that is. `reference`
    names whose distances set the threshold.
    """

    near: GapEstimate
    quantile: float
    threshold: float
    z: float
    copies: int
    distances: FloatArray
    nearest_real: IntArray
    reference: str

    def closest(self, count: int) -> IntArray:
        """Indices of the `count` generated rows nearest to a training row, nearest first."""
        return np.argsort(self.distances, kind="stable")[:count].astype(np.int64)


def memorisation(
    real: ArrayLike,
    generated: ArrayLike,
    held_out: ArrayLike | None = None,
    *,
    quantile: float = 0.01,
    confidence: float = 0.95,
) -> Memorisation:
    """How near generated rows (n, d) come to training rows `real` (m, d), beside other real rows.

    held_out (h, d): real rows the generator was not trained on. Without them each training row's
    distance to the nearest other one is the reference, and duplicates among the training rows then
    hide memorisation. ValueError on a quantile outside (0, 1) or too few rows to read it from.
    """
    train, made = as_sides(real, generated)
    quantile = as_number(quantile, "quantile")
    if not 0 < quantile < 1:
        raise ValueError(f"quantile = {quantile:g} must lie strictly between 0 and 1")
    if held_out is None:
        reference, name = nearest(train, train, own=True)[0][:, 0], "other training rows"
    else:
        others = as_rows(held_out, "held_out")
        same_columns(train, others, "held_out")
        reference, name = nearest(others, train)[0][:, 0], "held-out real rows"
    if len(reference) * quantile < 1:
        raise ValueError(
            f"quantile = {quantile:g} of {len(reference)} {name} is less than one row: "
            f"give at least {int(np.ceil(1 / quantile))} of them or a larger quantile"
        )
    distances, indices = nearest(made, train)
    threshold = float(np.quantile(reference, quantile))
    near = distances[:, 0] < threshold
    found = wilson_interval(int(near.sum()), len(near), confidence)
    share = GapEstimate(
        found.value, found.low, found.high, len(train), len(made), confidence=found.confidence
    )
    # zero has two signs, which are equal
    known = {row.tobytes() for row in train + np.float32(0)}
    copies = sum(row.tobytes() in known for row in made + np.float32(0))
    z = _mann_whitney(distances[:, 0], reference)
    return Memorisation(share, quantile, threshold, z, copies, distances[:, 0], indices[:, 0], name)


def _mann_whitney(distances: FloatArray, reference: FloatArray) -> float:
    """U of `distances` over `reference`, less its mean and over its deviation under equality."""
    from scipy.stats import rankdata

    n, h = len(distances), len(reference)
    ranks = rankdata(np.concatenate([distances, reference]))
    u = ranks[:n].sum() - n * (n + 1) / 2
    _, ties = np.unique(ranks, return_counts=True)
    total = n + h
    variance = n * h / 12 * (total + 1 - ((ties**3 - ties).sum() / (total * (total - 1))))
    return float((u - n * h / 2) / np.sqrt(variance)) if variance > 0 else 0.0

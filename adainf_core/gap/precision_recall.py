"""Precision, recall, density and coverage: whether samples lie where the other side's do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.gap.estimate import GapEstimate, as_sides, normal_quantile
from adainf_core.gap.neighbours import exact_blocks, nearest
from adainf_core.statistics.intervals import wilson_interval
from adainf_core.validation import as_count


@dataclass(frozen=True)
class PrecisionRecall:
    """Four measures on balls around rows that reach to their k-th neighbour on their own side.

    `precision`: share of generated rows inside some real ball. `recall`: share of real rows inside
    some generated ball (Kynkäänniemi et al., 2019). `density`: real balls a generated row lies in,
    over k, on average. `coverage`: share of real balls that hold a generated row (Naeem et al.,
    2020). None is 1 for equal distributions, density apart (1 on average); precision and recall can
    be far below it and depend on n and d, so compare them at equal n, and with real against real.

    Each interval covers the sampling of the rows that are counted, generated ones for precision
    and density, real ones for recall and coverage, with the other side's sample (for coverage: the
    radii too) as it is. It does not cover the dependence on n.
    """

    precision: GapEstimate
    recall: GapEstimate
    density: GapEstimate
    coverage: GapEstimate
    k: int


def precision_recall(
    real: ArrayLike, generated: ArrayLike, *, k: int = 5, confidence: float = 0.95
) -> PrecisionRecall:
    """The four measures of features real (m, d) and generated (n, d), at least k + 1 rows a side.

    Distances are Euclidean, in double precision, and computed in blocks. A point on a ball's edge
    is outside, as in the authors' code, and so is one that rounding cannot tell from it: a set
    against itself has density 1. Copies on one side make radii of zero, in which nothing lies:
    remove them (`data.copies.find_copies`). ValueError where that is so of more than half a side.
    """
    z = normal_quantile(confidence)
    k = as_count(k, "k", 1)
    first, second = as_sides(real, generated, k + 1)
    m, n = len(first), len(second)
    # the edge of each ball, as a squared distance
    edge_real, edge_generated = (
        nearest(side, side, k, own=True)[0][:, -1] ** 2 for side in (first, second)
    )
    for name, edges in (("real", edge_real), ("generated", edge_generated)):
        empty = int((edges == 0).sum())
        if 2 * empty > len(edges):
            raise ValueError(
                f"{empty:,} of {len(edges):,} {name} rows have {k} exact copies or more on their "
                "own side: measure distinct rows (adainf_core.data.copies.find_copies)"
            )
    balls = np.zeros(n, np.int64)  # real balls around each generated row
    recalled, covered = np.zeros(m, bool), np.zeros(m, bool)
    for block, squared, rounding in exact_blocks(first, second):
        squared += rounding
        inside = squared < edge_real[block, None]
        balls += inside.sum(axis=0)
        covered[block] = inside.any(axis=1)
        recalled[block] = (squared < edge_generated).any(axis=1)

    def share(hits: np.ndarray) -> GapEstimate:
        found = wilson_interval(int(hits.sum()), len(hits), confidence)
        return GapEstimate(found.value, found.low, found.high, m, n, confidence=confidence)

    mean, half = balls.mean() / k, z * balls.std(ddof=1) / k / np.sqrt(n)
    density = GapEstimate(
        float(mean), max(0.0, float(mean - half)), float(mean + half), m, n, confidence=confidence
    )
    return PrecisionRecall(share(balls > 0), share(recalled), density, share(covered), k)

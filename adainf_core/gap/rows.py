"""A row of the gap report, and how its numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from adainf_core.gap.estimate import GapEstimate


@dataclass(frozen=True)
class GapRow:
    """One measure: of generated against real images, and of real against real as its zero line.

    `features` names what it was measured on; `sees` and `misses` say in a few words what it is
    good for. `mirrored` has its own numbers of rows, which may be smaller: measures that depend on
    n are to be compared with that in mind.
    """

    measure: str
    features: str
    found: GapEstimate
    mirrored: GapEstimate | None
    sees: str
    misses: str


def rounded_down(bound: float) -> str:
    """A lower bound in three decimals, rounded down, so that what is said is still proven."""
    return f"{math.floor(1000 * bound) / 1000:.3f}"


def shown(row: GapRow, estimate: GapEstimate) -> str:
    """A measure's value and interval in words, a lower bound as a lower bound."""
    if row.measure.startswith("total variation"):
        return f"≥ {rounded_down(estimate.low)} (apparent {estimate.value:.3f})"
    size = max(abs(estimate.low), abs(estimate.high), abs(estimate.value))
    if size >= 100:
        return f"{estimate:.0f}"
    return f"{estimate:.3f}" if size >= 0.01 else f"{estimate:.1e}"

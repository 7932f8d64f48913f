"""Findings of the full sweep of the two-Gaussian toy: the record of its benchmark, read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adainf_core.findings.benchmarks import benchmark
from adainf_core.statistics.intervals import Interval


@dataclass(frozen=True)
class ToySweepFindings:
    """What the sweep found at each k, by `quantity`: "spectral_gap", "real_error" or "bound".

    The bound is α / λ_{k+1}; `n` counts points. Intervals are 95 % bootstrap intervals over draws.
    """

    record: dict[str, Any] = field(default_factory=lambda: benchmark("toy_sweep"), repr=False)

    @property
    def sizes(self) -> list[int]:
        """The numbers of points."""
        return list(self.record["findings"]["sizes"])

    @property
    def strengths(self) -> list[float]:
        """The strengths."""
        return list(self.record["findings"]["strengths"])

    @property
    def draws(self) -> int:
        """How many draws a mean is over."""
        return int(self.record["findings"]["draws"])

    def ratio(self, k: int, n: int) -> list[Interval]:
        """α / λ_{k+1} at each strength, by the closed form of α; NaN where λ is below 0.001."""
        found = []
        alphas = self.record["findings"]["labeling_error"]
        for alpha, gap in zip(alphas, self.curve(k, "spectral_gap", n), strict=True):
            mean, low, high = (
                alpha / each if each > 1e-3 else np.nan for each in (gap.mean, gap.high, gap.low)
            )
            found.append(Interval(mean, low, high, gap.n))
        return found

    def curve(self, k: int, quantity: str, n: int) -> list[Interval]:
        """The mean at each strength; NaN where in some draw the encoder is not determined."""
        rows = self.record["findings"]["curves"][str(k)][quantity][self.sizes.index(n)]
        return [self._interval(row or [np.nan] * 3) for row in rows]

    def best(self, k: int, quantity: str, n: int) -> Interval:
        """The strength of the smallest mean, and how far it moves over resamples of the draws."""
        found = self.record["findings"]["best_strength"][str(k)][quantity]
        return self._interval(found[self.sizes.index(n)])

    def error_at_best(self, k: int, quantity: str, n: int) -> Interval:
        """The real error at the strength that is best by `quantity`."""
        place = self.strengths.index(self.best(k, quantity, n).mean)
        return self.curve(k, "real_error", n)[place]

    def finer_grid(self, k: int) -> dict[str, Any]:
        """What a finer grid of views changes of the real error, as recorded."""
        return dict(self.record["finer_grid"]["real_error"][str(k)])

    def _interval(self, row: list[float]) -> Interval:
        mean, low, high = row
        return Interval(mean, low, high, self.draws)

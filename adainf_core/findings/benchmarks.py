"""The committed records of the scripts in benchmarks/."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from adainf_core.statistics.intervals import Interval

_RECORDS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def benchmark(name: str) -> dict[str, Any]:
    """The record of benchmarks/NAME.py, as it was written; ValueError where there is none."""
    path = _RECORDS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"no record of benchmark {name!r}: run benchmarks/{name}.py")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


class SweptToy:
    """The record of benchmarks/toy_sweep.py: the paper's toy over strengths, sizes and dimensions.

    strengths, sizes (numbers of points) and draws are those of the sweep, labeling_error is exact,
    one a strength. Names are "spectral_gap", "real_error", and of a best strength also "bound".
    """

    def __init__(self) -> None:
        self.record = benchmark("toy_sweep")
        self._found = self.record["findings"]
        self.strengths: list[float] = self._found["strengths"]
        self.sizes: list[int] = self._found["sizes"]
        self.draws: int = self._found["draws"]
        self.labeling_error: list[float] = self._found["labeling_error"]

    def over_strengths(self, k: int, name: str, n: int) -> list[Interval]:
        """Mean over draws at each strength, with its 95 % bootstrap interval.

        NaN where some draw leaves the encoder of k dimensions undetermined.
        """
        rows = self._found["curves"][str(k)][name][self.sizes.index(n)]
        return [self._interval(row or [math.nan] * 3) for row in rows]

    def best(self, k: int, name: str, n: int) -> Interval:
        """The strength that minimises a curve, α / λ ("bound") or an error; bootstrap as above."""
        return self._interval(self._found["best_strength"][str(k)][name][self.sizes.index(n)])

    def error_at_best(self, k: int, name: str, n: int) -> tuple[float, Interval]:
        """The strength that minimises the curve `name`, and the real error there."""
        best = self.best(k, name, n).mean
        return best, self.over_strengths(k, "real_error", n)[self.strengths.index(best)]

    def over_gap(self, k: int, n: int, least: float = 1e-3) -> list[Interval]:
        """α over λ_{k+1} at each strength, as `over_strengths`; NaN where λ is at most `least`."""

        def ratio(alpha: float, gap: float) -> float:
            return alpha / gap if gap > least else math.nan

        gaps = self.over_strengths(k, "spectral_gap", n)
        return [
            Interval(ratio(alpha, gap.mean), ratio(alpha, gap.high), ratio(alpha, gap.low), gap.n)
            for alpha, gap in zip(self.labeling_error, gaps, strict=True)
        ]

    def _interval(self, row: list[float]) -> Interval:
        value, low, high = row
        return Interval(value, low, high, self.draws)

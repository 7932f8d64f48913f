"""Findings of the graph of CIFAR-10, whose connectivity is known from two sides only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adainf_core.evidence.studies.cifar_graph import JUDGED
from adainf_core.evidence.studies.graph_experiment import DIAL, STRENGTHS
from adainf_core.figures import Table, coloured
from adainf_core.findings.findings import Findings

__all__ = ["DIAL", "STRENGTHS", "GraphFindings"]


@dataclass(frozen=True)
class GraphFindings(Findings):
    """Findings of "cifar-graph" or "cifar-graph-choices"; λ is that of one dimension a class."""

    name: str = "cifar-graph"

    def at(self, arm: str, quantity: str, strength: str) -> float:
        """The mean of a quantity at a strength of the dial."""
        return self.mean(arm, f"{quantity}@{strength}")

    def gap(self, arm: str, strength: str) -> tuple[float, float]:
        """λ as it errs low and as it errs high, means over seeds."""
        low, high = (self.at(arm, f"gap_{side}_{JUDGED}", strength) for side in ("low", "high"))
        return low, high

    def change(self, arm: str, other: str, strength: str) -> tuple[float, float]:
        """The least and the greatest difference of λ that these allow, of an arm less another."""
        (low, high), (other_low, other_high) = self.gap(arm, strength), self.gap(other, strength)
        return low - other_high, high - other_low

    def ratios(self, arm: str, side: str = "low", alpha: str = "alpha") -> np.ndarray:
        """α / λ by seed and strength, (seeds, `STRENGTHS`), with λ from `side`, "low" or "high"."""
        error, gap = (
            np.array([self.values(arm, f"{quantity}@{strength}") for strength in STRENGTHS]).T
            for quantity in (alpha, f"gap_{side}_{JUDGED}")
        )
        return np.divide(error, gap, out=np.full_like(gap, np.inf), where=gap > 0)

    def table(self, *keys: str) -> Table:
        """Claims with their differences from either side, each with the interval that decides."""
        rows = []
        for verdict in self.chosen(*keys):
            least = min((b.least for b in verdict.brackets), key=lambda found: found.low)
            greatest = min((b.greatest for b in verdict.brackets), key=lambda found: found.high)
            claim, outcome = verdict.claim, coloured(verdict.words)
            row = (claim.statement, f"{least:+.3f}", f"{greatest:+.3f}", f"{claim.margin:g}")
            rows.append((*row, outcome))
        head = (
            "claim",
            "least difference, where its interval begins lowest",
            "greatest difference, where its interval ends lowest",
            "margin",
            "verdict",
        )
        return Table(head, rows)

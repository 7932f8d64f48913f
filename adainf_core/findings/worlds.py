"""Findings of theory against training on sprites whose augmentation graph is known in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adainf_core.evidence.studies.latent_worlds import (
    BETAS,
    PREDICTORS,
    STRENGTHS,
    TAUS,
    crop_strength,
    predictor_correlation,
)
from adainf_core.findings.findings import Findings
from adainf_core.statistics.intervals import Interval

__all__ = ["BETAS", "FLAWS", "PREDICTORS", "STRENGTHS", "TAUS", "WorldFindings"]

#: What the generator does in the worlds: nothing (real images alone), or how it errs.
FLAWS = (None, "background", "chimera")


@dataclass(frozen=True)
class WorldFindings(Findings):
    """Findings of "theory-predicts", where an arm is one world; errors are in percent."""

    name: str = "theory-predicts"

    def worlds(
        self, strengths: Sequence[float] = STRENGTHS, flaws: Sequence[str | None] = FLAWS
    ) -> list[str]:
        """The arms with these crops and generators; those of two strengths are in one order."""
        return [
            key
            for key, arm in self.study.arms.items()
            if crop_strength(key) in strengths and arm.changes["flaw"] in flaws
        ]

    def means_of(self, metric: str, worlds: Sequence[str]) -> np.ndarray:
        """The mean over seeds of a metric, one a world."""
        return np.array([self.mean(world, metric) for world in worlds])

    def ranked(self, predictor: str, strengths: Sequence[float] = STRENGTHS) -> Interval:
        """Rank correlation of a predictor (or "strength") with the trained error: exploratory."""
        return predictor_correlation(self.records, predictor, strengths)

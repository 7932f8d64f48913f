"""What the latent study's records say about each predictor, by the rule in `latent_study`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.latent_worlds import STRENGTHS, crop_strength
from adainf_core.statistics.intervals import RankCorrelation, rank_correlation

#: What may predict the trained error, and in words; all are expected to rise with it. "exact" is
#: the one in question.
PREDICTORS = {
    "exact": "exact error, same probe",
    "exact_vote": "exact error, majority vote",
    "ratio": "α / λ, the bound's first term",
    "alpha": "labeling error α",
    "tv": "distance of the training law",
    "no_gap": "1 − λ",
}


@dataclass(frozen=True)
class RankVerdict:
    """How a predictor ranks the arms, and the word the rule gives it."""

    predictor: str
    correlation: RankCorrelation
    word: str


def predictor_correlation(
    records: Sequence[Record],
    predictor: str,
    strengths: Sequence[float] = STRENGTHS,
    found: str = "trained",
    confidence: float = 0.95,
) -> RankCorrelation:
    """Rank correlation of a predictor with the metric `found` over arms at some crop strengths.

    predictor: one of `PREDICTORS`, or "strength", the crops' own, which takes no theory. Raises
    ValueError for another one, and where arms have different numbers of seeds.
    """
    known = (*PREDICTORS, "strength")
    if predictor not in known:
        raise ValueError(f"predictor={predictor!r} is unknown; choose {', '.join(known)}")
    by_arm: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda run: (run.arm, run.seed)):
        if crop_strength(record.arm) in strengths:
            by_arm.setdefault(record.arm, []).append(record)
    if len({len(runs) for runs in by_arm.values()}) != 1:
        raise ValueError("arms have different numbers of seeds: run the study to its end")
    # exact numbers differ between seeds by the choice among tied encoders only
    values = [np.mean([_value(run, predictor) for run in runs]) for runs in by_arm.values()]
    errors = [[run.metrics[found] for run in runs] for runs in by_arm.values()]
    return rank_correlation(values, errors, confidence)


def judge_predictors(records: Sequence[Record], found: str = "trained") -> list[RankVerdict]:
    """Each of `PREDICTORS` against the metric `found` of the study's records, by its rule."""
    verdicts = []
    for name in PREDICTORS:
        level = 0.95 if name == "exact" else 1 - 0.05 / (len(PREDICTORS) - 1)
        correlation = predictor_correlation(records, name, found=found, confidence=level)
        word = "not decided"
        if correlation.low > 0:
            word = "ranks the arms"
        elif correlation.high < 0:
            word = "ranks them the wrong way"
        verdicts.append(RankVerdict(name, correlation, word))
    return verdicts


def _value(record: Record, predictor: str) -> float:
    if predictor == "strength":
        return crop_strength(record.arm)
    return 1 - record.metrics["gap"] if predictor == "no_gap" else record.metrics[predictor]

"""What the study of theory against training claims: that a predictor ranks its worlds.

The predictor in question is the exact error of the same probe ("exact"); the others are shown
beside it, each at 1 − 0.05 / their number (`claims.Ranking`). The pilot that set the grid and the
number of steps ran on seed 100, which no record uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adainf_core.evidence.judging.claims import Ranking
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.latent_worlds import LATENT_ARMS, LATENT_STUDY, STRENGTHS
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


#: That each of `PREDICTORS` ranks the worlds by the trained error; keys are theirs.
CLAIMS = tuple(
    Ranking(
        name,
        f"Over worlds, the trained error rises with: {words}",
        LATENT_STUDY.name,
        measure="gap" if name == "no_gap" else name,
        truth="trained",
        ranked=tuple(sorted(LATENT_ARMS)),
        sign=-1 if name == "no_gap" else 1,
        primary=name == "exact",
        asked_by="control",
        short=words,
    )
    for name, words in PREDICTORS.items()
)


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
        if LATENT_ARMS[record.arm].strength in strengths:
            by_arm.setdefault(record.arm, []).append(record)
    if len({len(runs) for runs in by_arm.values()}) != 1:
        raise ValueError("arms have different numbers of seeds: run the study to its end")
    # exact numbers differ between seeds by the choice among tied encoders only
    values = [np.mean([_value(run, predictor) for run in runs]) for runs in by_arm.values()]
    errors = [[run.metrics[found] for run in runs] for runs in by_arm.values()]
    return rank_correlation(values, errors, confidence)


def _value(record: Record, predictor: str) -> float:
    if predictor == "strength":
        return LATENT_ARMS[record.arm].strength
    return 1 - record.metrics["gap"] if predictor == "no_gap" else record.metrics[predictor]

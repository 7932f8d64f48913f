"""Theory against training on sprites whose augmentation graph is known in full.

Every arm is a world: how hard crops are, how the generator errs and how far it is from the real
distribution, and the share of real draws.

What is claimed: that a number of the theory ranks the worlds by the trained error (`PREDICTORS`).
The pilot that set the grid and the number of steps ran
on seed 100, which no record uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from adainf_core.data.latent_sprites import LatentAugmentation
from adainf_core.evidence.judging.claims import Ranking
from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.latent_experiment import LatentExperiment
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.statistics.intervals import Interval, rank_correlation

NAME = "theory-predicts"
STRENGTHS = (0.25, 0.5, 1.0, 1.5)
TAUS = (0.45, 0.9)
BETAS = (1 / 3, 1 / 9)
CROPS = ("half", "miss", "close_up")


def _arm(strength: float, flaw: str | None = None, tau: float = 0.0, beta: float = 1.0) -> Arm:
    """A world of the grid: crop strength, flaw (None: real images alone), tau and beta."""
    what = "real images alone" if flaw is None else f"{flaw}, τ = {tau:g}, β = {beta:.2f}"
    return Arm(
        f"{what}, crops x {strength:g}",
        {
            **{f"augmentation.{crop}": Times(strength) for crop in CROPS},
            "flaw": flaw,
            "tau": tau,
            "beta": beta,
        },
    )


ARMS = {
    **{f"real-s{strength:g}": _arm(strength) for strength in STRENGTHS},
    **{
        f"{flaw}-t{tau:g}-b{beta:.2f}-s{strength:g}": _arm(strength, flaw, tau, beta)
        for flaw in ("background", "chimera")
        for tau in TAUS
        for beta in BETAS
        for strength in STRENGTHS
    },
}


def crop_strength(arm: str) -> float:
    """How hard an arm crops, as a factor on the base's crops."""
    times: Times = ARMS[arm].changes["augmentation.half"]
    return times.factor


#: What may predict the trained error, and in words; all are expected to rise with it. "exact" is
#: the one in question.
PREDICTORS = {
    "exact": "exact error, same probe",
    "exact_vote": "exact error, majority vote",
    "ratio": "α / λ, the bound's first term",
    "alpha": "labeling error α",
    "tv": "distance of the training distribution",
    "no_gap": "1 − λ",
}

#: That each of `PREDICTORS` ranks the worlds by the trained error; keys are theirs.
CLAIMS = tuple(
    Ranking(
        name,
        f"Over worlds, the trained error rises with: {words}",
        NAME,
        measure="gap" if name == "no_gap" else name,
        truth="trained",
        ranked=tuple(sorted(ARMS)),
        sign=-1 if name == "no_gap" else 1,
        primary=name == "exact",
        asked_by="control",
        short=words,
    )
    for name, words in PREDICTORS.items()
)

_BASE = LatentExperiment(
    # jitter is weak on purpose: a hard crop then leaves colour the easier thing to go by
    augmentation=LatentAugmentation(hue=0.05),
    flaw=None,
    tau=0.0,
    beta=1.0,
    pretrain=PretrainConfig(
        policy=None,
        method=SimCLR(hidden=128, out=8),
        steps=500,
        batch_size=256,
        width=8,
        warmup=20,
        device="cpu",
    ),
)

STUDY = Study(
    NAME,
    "Does the exact theory of a world predict what a network trained on it learns?",
    ARMS,
    {
        "quick": Layout(replace(_BASE, pretrain=replace(_BASE.pretrain, steps=100)), seeds=(1, 1)),
        "laptop": Layout(_BASE, seeds=(2, 2)),
    },
    CLAIMS,
)


def predictor_correlation(
    records: Sequence[Record],
    predictor: str,
    strengths: Sequence[float] = STRENGTHS,
    confidence: float = 0.95,
) -> Interval:
    """Rank correlation of a predictor with the trained error over arms at some crop strengths.

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
    errors = [[run.metrics["trained"] for run in runs] for runs in by_arm.values()]
    return rank_correlation(values, errors, confidence)


def _value(record: Record, predictor: str) -> float:
    if predictor == "strength":
        return crop_strength(record.arm)
    return 1 - record.metrics["gap"] if predictor == "no_gap" else record.metrics[predictor]

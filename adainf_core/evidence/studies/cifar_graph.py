"""The study of the graph of CIFAR-10, its claims, and the rule that decides them.

**What is judged** (`CLAIMS`), by this rule, fixed before the runs on which it decides. A claim
makes one comparison for each step or point of the dial, paired by seed, with Student t intervals at
family-wise 95 % over all comparisons of all claims (Bonferroni). λ is known only between a value
that errs low and one that errs high, so a difference of λ is given its least value (low of the side
that is claimed larger minus high of the other) and its greatest one.

- *holds*: at every comparison the interval of the least difference lies above 0.
- *does not hold*: at some comparison the interval of the greatest one lies below the claim's
  `margin`, the smallest effect worth the name.
- *not decided*: anything else. Where both are true, *holds, but negligible*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adainf_core.evidence.judging.claims import CONFIDENCE
from adainf_core.evidence.judging.verdicts import by_seed, verdict_word
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.graph_experiment import DIAL, STRENGTHS, GraphExperiment
from adainf_core.statistics.intervals import Interval, paired_difference

#: Encoder dimension k of the λ_{k+1} that claims are about: one per class.
JUDGED = 10


#: Generated images in a mixture.
N_GENERATED = 8000


def mixed(label: str, generator: str, replication: int = 1, **changes: Any) -> Arm:
    """The arm of a mixture in which each real image counts `replication` times."""
    real = replication * GraphExperiment.n_real
    made = {
        "generator": generator,
        "n_generated": N_GENERATED,
        "beta": real / (real + N_GENERATED),
    }
    return Arm(label, made | changes)


ARMS = {
    "none": Arm("real alone"),
    "vanilla": mixed("mixture, β = 1/9", "gaussian_mixture"),
    "reweighted": mixed("mixture, β = 1/3", "gaussian_mixture", 4),
    "perfect_vanilla": mixed("held-out, β = 1/9", "perfect"),
    "perfect_reweighted": mixed("held-out, β = 1/3", "perfect", 4),
}


# ---- claims


@dataclass(frozen=True)
class GraphClaim:
    """`larger` exceeds `smaller` at every comparison: pairs of ((arm, strength), (arm, strength)).

    `quantity` is "alpha", "gap" or "best" (the place on the dial, from 0, of the least α / λ; its
    strengths are not looked at).
    """

    key: str
    statement: str
    quantity: str
    comparisons: tuple[tuple[tuple[str, str], tuple[str, str]], ...]
    margin: float


@dataclass(frozen=True)
class GraphVerdict:
    """The rule's word, and for each comparison the least and the greatest difference."""

    claim: GraphClaim
    word: str
    least: tuple[Interval, ...]
    greatest: tuple[Interval, ...]


_STEPS = tuple(
    (("none", after), ("none", before))
    for before, after in zip(tuple(DIAL)[:-1], STRENGTHS, strict=True)
)
_INFLATED = tuple(arm for arm in ARMS if arm != "none")

CLAIMS = (
    GraphClaim("alpha_rises", "Stronger augmentation raises α, at every step of the dial",
               "alpha", _STEPS, 0.01),
    GraphClaim("gap_rises", "Stronger augmentation raises λ₁₁, at every step of the dial",
               "gap", _STEPS, 0.01),
    *(GraphClaim(f"gap_{arm}", f"Inflation ({ARMS[arm].label}) raises λ₁₁ at every "
                 "strength", "gap", tuple(((arm, s), ("none", s)) for s in STRENGTHS), 0.01)
      for arm in _INFLATED),
    *(GraphClaim(f"best_{arm}", "The strength with the least α / λ₁₁ is lower with inflation "
                 f"({ARMS[arm].label})",
                 "best", ((("none", ""), (arm, "")),), 0.5)
      for arm in _INFLATED),
)  # fmt: skip


def judge_graph(
    records: list[Record], claims: tuple[GraphClaim, ...] = CLAIMS
) -> list[GraphVerdict]:
    """Apply the rule of this module to each claim on the records of one scale."""
    confidence = 1 - (1 - CONFIDENCE) / sum(len(claim.comparisons) for claim in claims)
    verdicts = []
    for claim in claims:
        least, greatest = [], []
        for larger, smaller in claim.comparisons:
            low, high = _ends(records, claim.quantity, *larger)
            other_low, other_high = _ends(records, claim.quantity, *smaller)
            if claim.quantity == "best":  # both laws are read from the same side
                sides = [
                    paired_difference(a, b, confidence)
                    for a, b in ((low, other_low), (high, other_high))
                ]
                sides.sort(key=lambda interval: interval.mean)
            else:
                sides = [
                    paired_difference(low, other_high, confidence),
                    paired_difference(high, other_low, confidence),
                ]
            least.append(sides[0])
            greatest.append(sides[1])
        weakest = min(least, key=lambda interval: interval.low)
        refuted = min(greatest, key=lambda interval: interval.high)
        span = Interval(weakest.mean, weakest.low, refuted.high, weakest.n, confidence)
        word = verdict_word(span, claim.margin)
        verdicts.append(GraphVerdict(claim, word, tuple(least), tuple(greatest)))
    return verdicts


def ratio(record: Record, side: str, strength: str) -> float:
    """α / λ_{k+1} at the judged k with λ from `side`, "low" or "high"."""
    gap = record.metrics[f"gap_{side}_{JUDGED}@{strength}"]
    return record.metrics[f"alpha@{strength}"] / gap if gap > 0 else float("inf")


def _ends(
    records: list[Record], quantity: str, arm: str, strength: str
) -> tuple[dict[int, float], dict[int, float]]:
    """A quantity by seed, from below and from above."""
    if quantity == "alpha":
        values = by_seed(records, arm, f"alpha@{strength}")
        return values, values
    if quantity == "gap":
        low, high = (
            by_seed(records, arm, f"gap_{side}_{JUDGED}@{strength}") for side in ("low", "high")
        )
        return low, high
    low, high = (
        {
            record.seed: float(np.argmin([ratio(record, side, s) for s in STRENGTHS]))
            for record in records
            if record.arm == arm
        }
        for side in ("low", "high")
    )
    return low, high


STUDY = Study(
    "cifar-graph",
    "Do augmentation and inflation move connectivity and labeling error on photographs?",
    ARMS,
    {"laptop": Layout(GraphExperiment(), seeds=(5, 5))},
)

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

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adainf_core.evidence.judging.claims import CONFIDENCE
from adainf_core.evidence.judging.verdicts import by_seed, verdict_word
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import entry, seed_by_seed
from adainf_core.evidence.studies.graph_experiment import DIAL, STRENGTHS, GraphExperiment
from adainf_core.statistics.intervals import Interval, paired_difference

#: Encoder dimension k of the λ_{k+1} that claims are about: one per class.
JUDGED = 10


@dataclass(frozen=True)
class LawArm:
    """One training law: label, generator, and β as the number of times a real image counts.

    `changes` are fields of the experiment that differ from the layout's.
    """

    label: str
    generator: str | None = None
    replication: float = 1.0
    changes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class GraphLayout:
    """A study's numbers at one scale: the experiment without generator, images to add, seeds."""

    base: GraphExperiment
    n_generated: int
    seeds: int


@dataclass(frozen=True)
class GraphStudy:
    """A grid of laws over seeds; each run covers the whole dial."""

    name: str
    arms: dict[str, LawArm]
    layouts: dict[str, GraphLayout]
    code: tuple[str, ...]

    def layout(self, scale: str) -> GraphLayout:
        """The study's numbers at `scale`; ValueError where it is not laid out."""
        return entry(self.name, "scale", self.layouts, scale)

    def plan(self, scale: str, seeds: int | None = None) -> list[tuple[str, int]]:
        """Runs as (arm, seed), seed by seed through all arms; `seeds` replaces their number."""
        count = self.layout(scale).seeds if seeds is None else seeds
        return seed_by_seed(dict.fromkeys(self.arms, count))

    def experiment(self, scale: str, arm: str, seed: int) -> GraphExperiment:
        """The experiment of one arm and seed."""
        layout, law = self.layout(scale), entry(self.name, "arm", self.arms, arm)
        base = replace(layout.base, seed=seed, **dict(law.changes))
        if law.generator is None:
            return base
        real = law.replication * base.n_real
        return replace(
            base,
            generator=law.generator,
            n_generated=layout.n_generated,
            beta=real / (real + layout.n_generated),
        )


CIFAR_GRAPH = GraphStudy(
    name="cifar-graph",
    arms={
        "none": LawArm("real alone"),
        "vanilla": LawArm("mixture, β = 1/9", "gaussian_mixture"),
        "reweighted": LawArm("mixture, β = 1/3", "gaussian_mixture", 4),
        "perfect_vanilla": LawArm("held-out, β = 1/9", "perfect"),
        "perfect_reweighted": LawArm("held-out, β = 1/3", "perfect", 4),
    },
    layouts={"laptop": GraphLayout(GraphExperiment(), n_generated=8000, seeds=5)},
    # theory is left out: eigenvalues are exact to 1e-9 however they are computed
    code=(
        "evidence/graph_experiment.py", "generators/gaussian_mixture.py", "data/images.py",
        "data/inflation.py", "data/named_sets.py", *(f"learning/{m}.py" for m in (
            "augmentation", "encoders", "features", "feeding", "labeler", "methods/common",
            "methods/simclr", "networks", "optimizers", "policies", "pretrain_config",
            "pretraining", "view_cells", "view_graph", "view_statistics")),
    ),
)  # fmt: skip


#: The choices behind the numbers, one at a time, with the arms of `CIFAR_GRAPH` to compare with.
CIFAR_GRAPH_CHOICES = replace(
    CIFAR_GRAPH,
    name="cifar-graph-choices",
    arms={
        "cells_32": LawArm("32 cells", changes=(("cells", 32),)),
        "cells_512": LawArm("512 cells", changes=(("cells", 512),)),
        "views_16": LawArm("16 views", changes=(("views_alone", 16),)),
        "images_250": LawArm("250 images", changes=(("n_real", 250),)),
        "images_4000": LawArm("4,000 images", changes=(("n_real", 4000), ("views_alone", 16))),
        "pixels": LawArm("pixel space", changes=(("space", "pixels"),)),
        "pixels_vanilla": LawArm(
            "pixel space, mixture", "gaussian_mixture", changes=(("space", "pixels"),)
        ),
        "pixels_perfect": LawArm(
            "pixel space, held-out", "perfect", changes=(("space", "pixels"),)
        ),
    },
    layouts={
        "laptop": GraphLayout(GraphExperiment(dimensions=(1, JUDGED)), n_generated=8000, seeds=2)
    },
)


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
_INFLATED = tuple(arm for arm in CIFAR_GRAPH.arms if arm != "none")

CLAIMS = (
    GraphClaim("alpha_rises", "Stronger augmentation raises α, at every step of the dial",
               "alpha", _STEPS, 0.01),
    GraphClaim("gap_rises", "Stronger augmentation raises λ₁₁, at every step of the dial",
               "gap", _STEPS, 0.01),
    *(GraphClaim(f"gap_{arm}", f"Inflation ({CIFAR_GRAPH.arms[arm].label}) raises λ₁₁ at every "
                 "strength", "gap", tuple(((arm, s), ("none", s)) for s in STRENGTHS), 0.01)
      for arm in _INFLATED),
    *(GraphClaim(f"best_{arm}", "The strength with the least α / λ₁₁ is lower with inflation "
                 f"({CIFAR_GRAPH.arms[arm].label})",
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

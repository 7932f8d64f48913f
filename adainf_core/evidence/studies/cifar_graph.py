"""The study of the graph of CIFAR-10, and its claims.

λ is known only between a value that errs low and one that errs high, so its claims are `Bracketed`;
each makes one comparison for each step or strength of the dial.
"""

from __future__ import annotations

from typing import Any

from adainf_core.evidence.judging.claims import Bracketed, Known, LeastRatio, Published
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.graph_experiment import DIAL, STRENGTHS, GraphExperiment

NAME = "cifar-graph"
#: Encoder dimension k of the λ_{k+1} that claims are about: one per class.
JUDGED = 10
#: Generated images in a mixture.
N_GENERATED = 8000


def mixed(label: str, generator: str, replication: int = 1, **changes: Any) -> Arm:
    """The arm of a mixture in which each real image counts `replication` times."""
    real = replication * GraphExperiment.n_real
    made = {"generator": generator, "n_generated": N_GENERATED, "beta": real / (real + N_GENERATED)}
    return Arm(label, made | changes)


ARMS = {
    "none": Arm("real alone"),
    "vanilla": mixed("mixture, β = 1/9", "gaussian_mixture"),
    "reweighted": mixed("mixture, β = 1/3", "gaussian_mixture", 4),
    "perfect_vanilla": mixed("held-out, β = 1/9", "perfect"),
    "perfect_reweighted": mixed("held-out, β = 1/3", "perfect", 4),
}


def _alpha(arm: str, strength: str) -> Known:
    return Known(arm, f"alpha@{strength}", f"alpha@{strength}")


def _gap(arm: str, strength: str) -> Known:
    return Known(arm, *(f"gap_{side}_{JUDGED}@{strength}" for side in ("low", "high")))


def _best(arm: str) -> Known:
    """The place among `STRENGTHS` of the least α / λ."""
    return Known(arm, *(
        LeastRatio(tuple((f"alpha@{s}", f"gap_{side}_{JUDGED}@{s}") for s in STRENGTHS))
        for side in ("low", "high")
    ))  # fmt: skip


_STEPS = tuple(zip(STRENGTHS, tuple(DIAL)[:-1], strict=True))  # each with the one before
_INFLATED = tuple(arm for arm in ARMS if arm != "none")
_ASKED = {arm: "control" if arm.startswith("perfect") else "paper" for arm in _INFLATED}


def _said(arm: str, source: str) -> tuple[Published, ...]:
    """Where the paper says it; of a perfect generator it says nothing."""
    return (Published(source),) if _ASKED[arm] == "paper" else ()


CLAIMS = (
    Bracketed("alpha_rises", "Stronger augmentation raises α, at every step of the dial",
              NAME, tuple((_alpha("none", a), _alpha("none", b)) for a, b in _STEPS),
              0.01, published=(Published("Figure 5(b), of a toy, in words"),),
              short="strength raises α"),
    Bracketed("gap_rises", "Stronger augmentation raises λ₁₁, at every step of the dial",
              NAME, tuple((_gap("none", a), _gap("none", b)) for a, b in _STEPS),
              0.01, published=(Published("Figure 5(c), of a toy, in words"),),
              short="strength raises λ₁₁"),
    *(Bracketed(f"gap_{arm}", f"Inflation ({ARMS[arm].label}) raises λ₁₁ at every "
                "strength", NAME,
                tuple((_gap(arm, s), _gap("none", s)) for s in STRENGTHS), 0.01,
                published=_said(arm, "Figure 5(a), of a toy, in words"),
                asked_by=_ASKED[arm], short=f"{ARMS[arm].label} raises λ₁₁")
      for arm in _INFLATED),
    *(Bracketed(f"best_{arm}", "The strength with the least α / λ₁₁ is lower with inflation "
                f"({ARMS[arm].label})", NAME,
                ((_best("none"), _best(arm)),), 0.5, same_side=True,
                published=_said(arm, "Figure 3, of accuracy, in words"),
                asked_by=_ASKED[arm], short=f"{ARMS[arm].label} lowers the best")
      for arm in _INFLATED),
)  # fmt: skip

STUDY = Study(
    NAME,
    "Do augmentation and inflation move connectivity and labeling error on photographs?",
    ARMS,
    {"laptop": Layout(GraphExperiment(), seeds=(5, 5))},
    CLAIMS,
)


def ratio(record: Record, side: str, strength: str) -> float:
    """α / λ_{k+1} at the judged k with λ from `side`, "low" or "high"."""
    gap = record.metrics[f"gap_{side}_{JUDGED}@{strength}"]
    return record.metrics[f"alpha@{strength}"] / gap if gap > 0 else float("inf")

"""The study of the graph of CIFAR-10, and its claims.

λ is known only between a value that errs low and one that errs high, so its claims are `Bracketed`;
each makes one comparison for each step or strength of the dial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from adainf_core.evidence.judging.claims import Bracketed, Known, LeastRatio
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import entry, seed_by_seed
from adainf_core.evidence.studies.graph_experiment import DIAL, STRENGTHS, GraphExperiment

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
            "augmentation", "encoders", "features", "feeding", "labeler", "methods", "objectives",
            "optimizers", "policies", "pretraining", "view_cells", "view_graph",
            "view_statistics")),
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
_INFLATED = tuple(arm for arm in CIFAR_GRAPH.arms if arm != "none")
_ASKED = {arm: "control" if arm.startswith("perfect") else "paper" for arm in _INFLATED}

CLAIMS = (
    Bracketed("alpha_rises", "Stronger augmentation raises α, at every step of the dial",
              CIFAR_GRAPH.name, tuple((_alpha("none", a), _alpha("none", b)) for a, b in _STEPS),
              0.01, short="strength raises α"),
    Bracketed("gap_rises", "Stronger augmentation raises λ₁₁, at every step of the dial",
              CIFAR_GRAPH.name, tuple((_gap("none", a), _gap("none", b)) for a, b in _STEPS),
              0.01, short="strength raises λ₁₁"),
    *(Bracketed(f"gap_{arm}", f"Inflation ({CIFAR_GRAPH.arms[arm].label}) raises λ₁₁ at every "
                "strength", CIFAR_GRAPH.name,
                tuple((_gap(arm, s), _gap("none", s)) for s in STRENGTHS), 0.01,
                asked_by=_ASKED[arm], short=f"{CIFAR_GRAPH.arms[arm].label} raises λ₁₁")
      for arm in _INFLATED),
    *(Bracketed(f"best_{arm}", "The strength with the least α / λ₁₁ is lower with inflation "
                f"({CIFAR_GRAPH.arms[arm].label})", CIFAR_GRAPH.name,
                ((_best("none"), _best(arm)),), 0.5, same_side=True,
                asked_by=_ASKED[arm], short=f"{CIFAR_GRAPH.arms[arm].label} lowers the best")
      for arm in _INFLATED),
)  # fmt: skip


def ratio(record: Record, side: str, strength: str) -> float:
    """α / λ_{k+1} at the judged k with λ from `side`, "low" or "high"."""
    gap = record.metrics[f"gap_{side}_{JUDGED}@{strength}"]
    return record.metrics[f"alpha@{strength}"] / gap if gap > 0 else float("inf")

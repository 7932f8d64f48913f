"""Which recipe, without labels: a small grid on a reader's own images, and what scores pick of it.

The grid has the real images alone, under weak and under strong augmentation, and generated images
beside them at a few shares, under weak augmentation. Each run is scored by all of
`learning.scores` and by its loss at the end; where images are labelled, it is also probed, so that
both answers stand side by side. No score sees a label. Whether choosing by any of them pays is
for the study "share-grid" to say, not for this grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from torch import nn

from adainf_core.advice.own_images import OwnImages, as_text, own_images
from adainf_core.advice.own_study import SCALE, OwnExperiment, largest_batch
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.quantities import SCORE, Quantity
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import run_study
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Pretrained
from adainf_core.learning.scores import PANEL
from adainf_core.learning.scores.of_encoder import IMAGES, VIEWS, panel_of
from adainf_core.statistics.intervals import Interval, best_level, paired_difference, t_interval
from adainf_core.validation import as_count

#: Real images that scores take at least (`learning.scores.of_encoder`).
LEAST = 40
#: Every score by its metric: what it is called, and 1 where more is meant to be better.
SCORES: Mapping[str, tuple[str, int]] = {
    **{f"score_{name}": (score.label, int(score.better)) for name, score in PANEL.items()},
    "score_loss": ("the loss at the end", -1),
}
_NAME = "own-recipes"
_UNSCORED = "unscored"


@dataclass(frozen=True)
class RecipeExperiment(OwnExperiment):
    """One run of the grid: `beta` is the share of real draws, None without generated images.

    Labels of the real images are not looked at; those of `labelled` are, where it is given.
    """

    beta: float | None = None

    kind: ClassVar[str] = "own-recipe"
    quantities: ClassVar[Mapping[str, Quantity]] = {**OwnExperiment.quantities, "score_*": SCORE}

    def images(self) -> OwnImages:
        """The images at its paths, without labels but for the `labelled` ones."""
        return own_images(
            self.real, self.generated, self.labelled, self.test, self.root, real_labels=False
        )

    def data(self, own: OwnImages) -> Inflation:
        """What it trains on, of these images."""
        return Inflation(own.real, None if self.beta is None else own.generated, beta=self.beta)

    def scores(self, encoder: nn.Module, own: OwnImages) -> dict[str, float]:
        """The panel of the encoder on the real images, under its own augmentation."""
        policy = self.pretrain.policy or POLICIES["symmetric"]
        found = panel_of(encoder, own.real, policy, seed=self.pretrain.seed)
        return {f"score_{name}": value for name, value in found.items()}

    def probed(self, trained: Pretrained, data: Inflation, own: OwnImages) -> Outcome:
        """Scores and, where there are labels, probes; of a collapsed encoder the loss alone."""
        outcome = super().probed(trained, data, own)
        found = {"score_loss": trained.history[-1]["loss"]}
        seen = min(IMAGES, len(own.real))
        said = {"scores": f"{seen:,} real images, {VIEWS} views of each under its own augmentation"}
        try:
            found |= self.scores(trained.encoder, own)
        except ValueError as error:  # one run that says nothing ends no comparison
            said[_UNSCORED] = str(error)
        return replace(outcome, metrics=outcome.metrics | found, protocols=outcome.protocols | said)


#: The grid, the most wanted arm first: label, augmentation, share of real draws.
_GRID: Mapping[str, tuple[str, str, float | None]] = {
    "weak": ("real images alone, weak", "weak", None),
    "none": ("real images alone, strong", "strong", None),
    "beta_1_3": ("real share 1/3, weak", "weak", 1 / 3),
    "beta_2_3": ("real share 2/3, weak", "weak", 2 / 3),
    "beta_1_6": ("real share 1/6, weak", "weak", 1 / 6),
}
#: What the arms are called: what they train on, and how strong their augmentation is.
LABELS = {arm: label for arm, (label, _, _) in _GRID.items()}
#: The share of real draws of the arms under weak augmentation.
SHARES = {arm: beta or 1.0 for arm, (_, policy, beta) in _GRID.items() if policy == "weak"}
#: The recipe that takes no choosing.
DEFAULT = "weak"


def recipes_study(
    real: str | Path,
    generated: str | Path,
    labelled: str | Path | None = None,
    test: str | Path | None = None,
    *,
    pretrain: PretrainConfig | None = None,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None = None,
    seeds: int = 3,
    arms: int = len(_GRID),
    probe: Literal["linear", "knn"] = "linear",
    root: str | Path | None = None,
) -> Study:
    """The grid on these images (paths and names as in `own_images`), its first `arms` arms.

    `pretrain` is what all arms share, `policies` are strong and weak, both as in `own_study`.
    ValueError, before anything is trained, for images that cannot be scored (`check_scorable`).
    """
    named = as_text(real, generated, labelled, test, root)
    own = own_images(**named, real_labels=False)
    check_scorable(own)
    as_count(seeds, "seeds", 2)
    as_count(arms, "arms", 2, len(_GRID))
    if pretrain is None:
        pretrain = PretrainConfig(batch_size=largest_batch(len(own.real)))
    as_count(pretrain.batch_size, "batch_size", 2, len(own.real), ", the real images")
    base = RecipeExperiment(
        **named, digest=own.digest, replication=None, pretrain=pretrain, probe=probe
    )
    return _study(base, own, policies, seeds, arms)


def recipes_of_own(
    own: OwnImages,
    pretrain: PretrainConfig,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None = None,
    probe: Literal["linear", "knn"] = "linear",
) -> dict[str, OwnExperiment]:
    """The first runs of all arms on these images, to be timed and not carried out."""
    base = RecipeExperiment("", "", None, None, own.digest, None, pretrain, probe)
    study = _study(base, own, policies, 2, len(_GRID))
    return {arm: study.experiment(SCALE, arm, 0) for arm in study.arms}


def check_scorable(own: OwnImages) -> None:
    """ValueError, with what to do, for images that no grid can be made of or scored on."""
    if len(own.real) < LEAST:
        one = "image is" if len(own.real) == 1 else "images are"
        raise ValueError(
            f"{own.real.name}: {len(own.real)} different real {one} left, and scores want {LEAST} "
            "or more: give more real images"
        )
    if not len(own.new):
        raise ValueError(
            f"{own.generated.name}: all {len(own.generated):,} generated images are copies of real "
            "ones, so that none are left to choose a share of: give others, or train on the real "
            "images alone"
        )


def _study(
    base: RecipeExperiment,
    own: OwnImages,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None,
    seeds: int,
    arms: int,
) -> Study:
    strong, weak = policies or (
        POLICIES[name].for_image_size(own.real.image_size)
        for name in ("symmetric", "symmetric_adainf")
    )
    base = replace(base, pretrain=replace(base.pretrain, policy=strong))
    words = {"pretrain.policy": {"strong": strong, "weak": weak}}
    grid = {
        arm: Arm(label, {"pretrain.policy": policy, "beta": beta})
        for arm, (label, policy, beta) in list(_GRID.items())[:arms]
    }
    layout = Layout(base, seeds=(seeds, seeds), words=words)
    return Study(_NAME, "Which recipe, on these images?", grid, {SCALE: layout})


# ---- what is picked


@dataclass(frozen=True)
class Pick:
    """What one number says of the recipes that have two seeds of it, over the `seeds` all share.

    `values` are its means by arm with their 95 % t intervals; `arm` has the best one, leads the
    next by `lead` (paired by seed, in the number's own unit and above 0 where it is better), and is
    itself the best in `first` of the seeds. `alike` are the arms that cannot be excluded as the
    best at 95 % together (`best_level`), that one among them.
    """

    label: str
    sign: int
    arm: str
    values: Mapping[str, Interval]
    lead: Interval
    alike: tuple[str, ...]
    first: int
    seeds: int


@dataclass(frozen=True)
class RecipeChoice:
    """What each score picks of the grid, and what labels do, where there are some.

    `picks` has a `Pick` for each of `SCORES` by its metric, where two seeds of two arms have it.
    `by_labels` is that of the probe's accuracy, and `lost` its points less those of each score's
    pick. `unscored` are arms that were left out, with why.
    """

    records: tuple[Record, ...]
    picks: Mapping[str, Pick]
    by_labels: Pick | None
    lost: Mapping[str, Interval]
    unscored: Mapping[str, str]


def score_recipes(
    study: Study,
    *,
    store: Path | None = None,
    processes: int | None = 1,
    budget: float = float("inf"),
    wanted: Callable[[str, int], bool] | None = None,
    told: Callable[[Record], object] | None = None,
) -> RecipeChoice:
    """Run the grid of `recipes_study` and see what is picked; arguments are those of `run_study`.

    With `store` (a folder for records) a grid that was stopped goes on where it was.
    """
    return chosen_recipes(
        run_study(
            study, SCALE, store=store, processes=processes, budget=budget, wanted=wanted, told=told
        )
    )


def chosen_recipes(records: Sequence[Record]) -> RecipeChoice:
    """What these records of a grid say: see `RecipeChoice`."""
    unscored = {r.arm: r.protocols[_UNSCORED] for r in records if _UNSCORED in r.protocols}
    compared = [record for record in records if record.arm not in unscored]
    found = {metric: _pick(compared, metric, *named) for metric, named in SCORES.items()}
    picks = {metric: pick for metric, pick in found.items() if pick is not None}
    metric = "linear" if all("linear" in r.metrics for r in records) else "knn"
    by_labels = _pick(records, metric, f"{metric} accuracy, %", 1)
    lost: dict[str, Interval] = {}
    if by_labels is not None:
        best = _column(records, metric, by_labels.arm)
        lost = {
            name: paired_difference(best, _column(records, metric, pick.arm))
            for name, pick in picks.items()
        }
    return RecipeChoice(tuple(records), picks, by_labels, lost, unscored)


def _pick(records: Sequence[Record], metric: str, label: str, sign: int) -> Pick | None:
    found = {arm: _column(records, metric, arm) for arm in _GRID}
    columns = {arm: column for arm, column in found.items() if len(column) > 1}
    seeds = sorted(set.intersection(*map(set, columns.values()))) if columns else []
    if len(columns) < 2 or len(seeds) < 2:
        return None
    arms = list(columns)
    table = sign * np.array([[columns[arm][seed] for seed in seeds] for arm in arms])
    order = np.argsort(-table.mean(1), kind="stable")
    best, second = int(order[0]), int(order[1])
    alike = {arms[int(place)] for place in best_level(range(len(arms)), table).plausible}
    return Pick(
        label,
        sign,
        arms[best],
        {arm: t_interval(sign * row) for arm, row in zip(arms, table, strict=True)},
        t_interval(table[best] - table[second]),
        tuple(arm for arm in arms if arm in alike or arm == arms[best]),
        int((table.argmax(0) == best).sum()),
        len(seeds),
    )


def _column(records: Sequence[Record], metric: str, arm: str) -> dict[int, float]:
    return {r.seed: r.metrics[metric] for r in records if r.arm == arm and metric in r.metrics}

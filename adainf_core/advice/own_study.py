"""The comparison on a reader's own images: the four arms that decide, run and judged as the book's.

It is a study of the arms *none*, *weak*, *vanilla* and *adainf* on images at paths, judged by the
rule of `claims` on those claims of the failure mode that need no other arm (`planning.QUESTIONS`).
What it will take is in `planning`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from torch import nn

from adainf_core.advice.amounts import amount_claims, arms_of
from adainf_core.advice.own_images import OwnImages, as_text, own_images
from adainf_core.advice.planning import ARMS, QUESTIONS, paired_noise
from adainf_core.data.inflation import Inflation, paper_replication
from adainf_core.evidence.judging.verdicts import Verdict, judge
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import run_study
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Pretrained, pretrain
from adainf_core.learning.probing import ProbeResult, knn_probe, linear_probe
from adainf_core.notebook import card, table
from adainf_core.validation import as_choice, as_count, as_number, as_path, in_words

#: The scale under which records of such a comparison are kept.
SCALE = "own"


@dataclass(frozen=True)
class OwnExperiment:
    """One run on the images at these paths; `digest` is theirs, `root` holds the named sets.

    `replication` is None for an arm without generated images; `amount` is how many of them it has,
    the same of all seeds and among those of a larger one, None for all. `probe` is "linear", with
    the nearest neighbours beside it, or "knn" alone.
    """

    real: str
    generated: str
    labelled: str | None
    test: str | None
    digest: str
    replication: float | None
    pretrain: PretrainConfig
    probe: Literal["linear", "knn"] = "linear"
    root: str | None = field(default=None, compare=False)
    amount: int | None = None

    kind: ClassVar[str] = "own"
    seeded: ClassVar[tuple[str, ...]] = ("pretrain.seed",)
    quantities: ClassVar[Mapping[str, Quantity]] = dict.fromkeys(("linear", "knn"), PERCENT)

    @property
    def device(self) -> str | None:
        """Where it computes, as in `PretrainConfig`."""
        return self.pretrain.device

    def run(self) -> Outcome:
        """Carry it out, from data to probe."""
        outcome = self.resume(None)
        assert outcome is not None  # it was given all the time it takes
        return outcome

    def resume(self, checkpoint: Path | None, max_seconds: float = float("inf")) -> Outcome | None:
        """Carry it out from `checkpoint` where that exists; None where the time has ended it."""
        own = self.images()
        if own.digest != self.digest:
            raise ValueError(f"{self.real} or {self.generated} has changed since the plan")
        data = self.data(own)
        trained = pretrain(self.pretrain, data, checkpoint=checkpoint, max_seconds=max_seconds)
        return self.probed(trained, data, own) if trained.finished else None

    def images(self) -> OwnImages:
        """The images at its paths; ValueError where nothing is labelled."""
        own = own_images(self.real, self.generated, self.labelled, self.test, self.root)
        if own.labelled is None:
            raise ValueError("nothing is labelled: name labelled images")
        return own

    def probed(self, trained: Pretrained, data: Inflation, own: OwnImages) -> Outcome:
        """What probes say of a run that has ended; without labels its loss curve alone."""
        probes: dict[str, ProbeResult] = {}
        if own.labelled is not None and own.test is not None:
            if self.probe == "linear":
                probes["linear"] = linear_probe(trained.encoder, own.labelled, own.test)
            probes["knn"] = knn_probe(trained.encoder, own.labelled, own.test)
        return Outcome(
            {name: 100 * probe.accuracy for name, probe in probes.items()},
            {name: probe.account for name, probe in probes.items()},
            data.beta or 0.0,
            trained.history,
            {name: probe.details for name, probe in probes.items() if probe.details},
        )

    def scores(self, encoder: nn.Module, own: OwnImages) -> dict[str, float]:
        """What a run measures of its encoder without labels, by name: here nothing."""
        return {}

    def data(self, own: OwnImages) -> Inflation:
        """What it trains on, of these images."""
        generated = None if self.replication is None else own.generated
        if generated is not None and self.amount is not None:
            order = np.random.default_rng(0).permutation(len(generated))
            generated = generated.subset(np.sort(order[: self.amount]))
        return Inflation(own.real, generated, replication=self.replication, sampling="epoch")

    def small(self) -> OwnExperiment:
        """The same in a few steps."""
        warmup = min(self.pretrain.warmup, 2)
        return replace(self, pretrain=replace(self.pretrain, steps=10, warmup=warmup))


def own_study(
    real: str | Path,
    generated: str | Path,
    labelled: str | Path | None = None,
    test: str | Path | None = None,
    *,
    pretrain: PretrainConfig | None = None,
    replication: int | None = None,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None = None,
    seeds: int = 5,
    probe: Literal["linear", "knn"] = "linear",
    amounts: Sequence[float] = (),
    root: str | Path | None = None,
) -> Study:
    """The comparison of the four arms on these images (paths and names as in `own_images`).

    `pretrain` is the training that all arms share; its policy and seed are not looked at. It is
    by default that of `adainf plan --run` without a budget: `PretrainConfig`'s, 1000 steps, in
    batches of 256 images or of the largest power of two among the real ones. The policies, strong
    and weak, are by default the paper's for SimCLR at this size, and N the one whose beta is
    nearest to the paper's. `amounts` adds arms of AdaInf with fewer generated images,
    so many for every real one (`amounts.arms_of`). ValueError, before anything is trained, for
    images without labels, fewer than two seeds, or a batch larger than the real images.
    """
    if pretrain is not None and not isinstance(pretrain, PretrainConfig):
        raise ValueError(f"pretrain = {in_words(pretrain)} must be a PretrainConfig")
    as_choice(probe, "probe", ("linear", "knn"))
    if policies is not None:
        kinds = [AugmentationPolicy] * 2
        if not isinstance(policies, tuple) or list(map(type, policies)) != kinds:
            raise ValueError(f"policies = {in_words(policies)} must be two: strong and weak")
    named = as_text(real, generated, labelled, test, root)
    own = own_images(**named)
    if own.labelled is None:
        raise ValueError(f"{real} has no labels to decide by: label some images, and name them")
    as_count(seeds, "seeds", 2)
    if pretrain is None:
        pretrain = PretrainConfig(batch_size=largest_batch(len(own.real)))
    as_count(pretrain.batch_size, "batch_size", 2, len(own.real), ", the real images")
    base = OwnExperiment(
        **named, digest=own.digest, replication=None, pretrain=pretrain, probe=probe
    )
    return _study(base, own, replication, policies, seeds, amounts)


def largest_batch(n_real: int, most: int = 256) -> int:
    """The batch of `most` images, or of the largest power of two among `n_real`."""
    return min(most, 1 << (n_real.bit_length() - 1))


def arms_of_own(
    own: OwnImages,
    pretrain: PretrainConfig,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None = None,
    probe: Literal["linear", "knn"] = "linear",
) -> dict[str, OwnExperiment]:
    """The four arms' first runs on these images, labelled or not, to be timed and not carried out.

    They name no images, and train on what `OwnExperiment.data` is given.
    """
    base = OwnExperiment("", "", None, None, own.digest, None, pretrain, probe)
    study = _study(base, own, None, policies, 2, ())
    return {arm: study.experiment(SCALE, arm, 0) for arm in study.arms}


def _study(
    base: OwnExperiment,
    own: OwnImages,
    replication: int | None,
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None,
    seeds: int,
    amounts: Sequence[float],
) -> Study:
    n_real, n_generated = len(own.real), len(own.generated)
    if replication is None:
        replication = paper_replication(n_real, n_generated)
    as_count(replication, "replication", 1)
    strong, weak = policies or (
        POLICIES[name].for_image_size(own.real.image_size)
        for name in ("symmetric", "symmetric_adainf")
    )
    base = replace(base, pretrain=replace(base.pretrain, policy=strong))
    weights: dict[str, dict[str, float]] = {
        "vanilla": {"replication": 1.0},
        "adainf": {"replication": float(replication)},
    }
    arms = {
        key: Arm(
            arm.label,
            weights.get(key, {})
            | {"pretrain.policy": arm.changes.get("pretrain.policy", "strong")},
        )
        for key, arm in ARMS.items()
    }
    words = {"pretrain.policy": {"strong": strong, "weak": weak}}
    layout = Layout(base, seeds=(seeds, seeds), words=words)
    question = "Which of the arms, on these images?"
    return Study(
        "own-images", question, arms | arms_of(amounts, n_real, n_generated), {SCALE: layout}
    )


@dataclass(frozen=True)
class Comparison:
    """What the arms gave: a record a run, and the verdict on each of `planning.QUESTIONS`.

    `amounts` are the verdicts on each pair of amounts of generated images, none and all among them
    (`amounts.amount_claims`), a family of their own. `noise` is the pooled standard deviation over
    seeds of the paired differences asked about, in points: what `planning.seeds_needed` takes for
    the next comparison.
    """

    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    noise: float | None
    amounts: tuple[Verdict, ...] = ()

    def _repr_html_(self) -> str:
        rows = [(v.claim.statement, v.summary, v.words) for v in self.verdicts]
        verdicts = table(("claim", "found", "verdict"), rows)
        return card("Comparison", [f"{len(self.records)} runs"], verdicts)


def compare(
    study: Study,
    *,
    store: str | Path | None = None,
    processes: int | None = 1,
    budget: float = float("inf"),
    progress: bool = False,
    wanted: Callable[[str, int], bool] | None = None,
    told: Callable[[Record], object] | None = None,
) -> Comparison:
    """Run the arms of `own_study` and judge them; the arguments are those of `running.run_study`.

    With `store` (a folder for records) a comparison that was stopped goes on where it was.
    """
    if not isinstance(study, Study):
        raise ValueError(f"study = {in_words(study)} must be a Study: make it with own_study(...)")
    if not as_number(budget, "budget") >= 0:
        raise ValueError(f"budget = {budget} is no time: give seconds, 0 or more")
    records = run_study(
        study,
        SCALE,
        store=None if store is None else as_path(store, "store"),
        processes=None if processes is None else as_count(processes, "processes", 1),
        budget=budget,
        progress=progress,
        wanted=wanted,
        told=told,
    )
    return compared(records)


def compared(records: Sequence[Record]) -> Comparison:
    """`QUESTIONS` answered from these records by the book's rule.

    On nearest neighbours where no linear probe ran; "not run" where arms share fewer than two
    seeds.
    """
    metric = "linear" if all("linear" in record.metrics for record in records) else "knn"
    return Comparison(
        tuple(records),
        tuple(judge(QUESTIONS, records, metric)),
        paired_noise(records, metric),
        tuple(judge(amount_claims(record.arm for record in records), records, metric)),
    )

"""A reader's own images: the four arms that decide, run and judged as the book's are.

The comparison is a study of the arms *none*, *weak*, *vanilla* and *adainf* on images at paths,
judged by the rule of `claims` on those claims of the failure mode that need no other arm
(`planning.QUESTIONS`). What it will take is in `planning`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from adainf_core.advice.amounts import amount_claims, arms_of
from adainf_core.advice.distinct import distinct, of_two_classes, without_copies_of
from adainf_core.advice.planning import ARMS, QUESTIONS, paired_noise
from adainf_core.data.copies import Copies
from adainf_core.data.generated import GeneratedImages, generated_images
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation, paper_replication
from adainf_core.data.labelled_pairs import class_of, paired_labels
from adainf_core.data.named_sets import LOADERS, named_or_own
from adainf_core.data.sources import ARCHIVES
from adainf_core.evidence.judging.verdicts import Verdict, judge
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import run_study
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.probing import knn_probe, linear_probe
from adainf_core.notebook import card, table
from adainf_core.validation import (
    IntArray,
    as_choice,
    as_count,
    as_number,
    as_path,
    in_words,
)

#: The scale under which records of such a comparison are kept.
SCALE = "own"
_HELD_OUT = 4  # one labelled image in four, where no test images are named


# ---- the images


@dataclass(frozen=True, eq=False)
class OwnImages:
    """Images to decide about, all of one size: `real` ones to train on and `generated` ones.

    `labelled` and `test` are what probes learn from and are tested on, None where nothing is
    labelled; `test_kept` says that `test` was held out of the labelled images, and of `real` where
    they are the same. All but `test` are distinct: `copies` says of "real", "generated" and
    "labelled" images, where these are others, which were copies and left out, and `test_copied` how
    many test images were left out since they repeat labelled ones. `two_classes` counts by the same
    words, "test" among them, the images that are copies of one of another class. `new` are the
    places of the generated images that repeat no real one. `digest` names the pixels of all.
    """

    real: ImageSet
    generated: ImageSet
    labelled: ImageSet | None
    test: ImageSet | None
    test_kept: bool
    copies: dict[str, Copies]
    test_copied: int
    two_classes: dict[str, int]
    new: IntArray
    digest: str

    def _repr_html_(self) -> str:
        sides = {"real": self.real, "generated": self.generated, "labelled": self.labelled,
                 "test": self.test}  # fmt: skip
        shown = {name: side._repr_html_() for name, side in sides.items() if side is not None}
        return card("Images to decide about", [", ".join(shown)], *shown.values())


def own_images(
    real: str | Path,
    generated: str | Path,
    labelled: str | Path | None = None,
    test: str | Path | None = None,
    root: str | Path | None = None,
) -> OwnImages:
    """The images of a comparison, read and checked.

    `real`, `labelled` and `test` are names or paths as `named_or_own` takes them, `generated` a
    store, an npz archive or a folder. All come to the generated images' size. Probes learn from
    `labelled`, or else from `real` where that has labels. Without `test` a named set's test images
    are taken, else a quarter of each class of the labelled ones, the same every time, is held out.
    Copies are left out first, so that none is on both sides, and test images that repeat labelled
    ones. The last two sets that were asked for are kept in memory. Raises ValueError for real
    images that would be enlarged, colours that fit in reversed order, labels that a probe cannot
    learn from or be tested on (classes are matched by name where both sides name them,
    `labelled_pairs`), a set of nothing but copies of one image, and test images that all repeat
    labelled ones.
    """
    return _read(**_as_text(real, generated, labelled, test, root))


def _as_text(*given: Any) -> dict[str, Any]:
    """The arguments of `own_images` as strings, by name."""
    named = dict(zip(("real", "generated", "labelled", "test", "root"), given, strict=True))
    return {
        name: value
        if isinstance(value, str) or (value is None and name not in ("real", "generated"))
        else str(as_path(value, name))
        for name, value in named.items()
    }


@lru_cache(maxsize=2)
def _read(
    real: str, generated: str, labelled: str | None, test: str | None, root: str | None
) -> OwnImages:
    made = _generated(generated)
    height, width = made.images.shape[2:]
    if height != width:
        raise ValueError(f"{generated}: images are {height}x{width}, not square: import them anew")
    trained = _sized(real, "train", height, root)
    _check_colours(made, trained)
    copies: dict[str, Copies] = {}
    two_classes = {"real": of_two_classes(trained)}
    trained, copies["real"] = distinct(trained)
    made, copies["generated"] = distinct(made)
    new = without_copies_of(trained, made)
    known = trained if trained.labels is not None else None
    if labelled is not None:
        known = _sized(labelled, "train", height, root)
        if known.labels is None:
            raise ValueError(f"{labelled} has no labels: a folder has one sub-folder a class")
        two_classes["labelled"] = of_two_classes(known)
        known, copies["labelled"] = distinct(known)
    named = labelled if labelled is not None else real
    held, kept, copied = None, False, 0
    if test is not None:
        held = _sized(test, "test", height, root)
    elif known is not None and named in LOADERS:
        held = _sized(named, "test", height, root)
    elif known is not None:
        rest, chosen = _held_out(known)
        held, kept = known.subset(chosen, f"{known.name}-held-out"), True
        if known is trained:
            trained = trained.subset(rest)
        known = known.subset(rest)
    if held is not None:
        _check_labels(known, held)
        assert known is not None
        if not kept:
            two_classes["test"] = of_two_classes(known, held)
            others = without_copies_of(known, held)
            if not len(others):
                raise ValueError(
                    f"{held.name}: all {len(held):,} images are copies of images of {known.name}: "
                    "name others to test on"
                )
            copied = len(held) - len(others)
            held = held.subset(others) if copied else held
    sets = [part for part in (trained, made, known, held) if part is not None]
    digest = "-".join(part._digest()[:12] for part in sets)
    return OwnImages(trained, made, known, held, kept, copies, copied, two_classes, new, digest)


def _generated(path: str) -> ImageSet:
    if Path(path).is_file() and Path(path).suffix not in ARCHIVES:
        raise ValueError(f"{path} is no store of generated images, npz archive or folder")
    return generated_images(path)


def _sized(name: str, split: str, size: int, root: str | None) -> ImageSet:
    """The images at `size` pixels a side, never enlarged."""
    try:
        images = named_or_own(name, split, None, root)
    except ValueError:
        if not Path(name).is_dir():
            raise
        return named_or_own(name, split, size, root)  # files of several sizes
    smallest = min(images.images.shape[2:])
    if smallest < size:
        raise ValueError(
            f"{name}: images of {smallest} pixels would be enlarged to the generated ones' {size}: "
            f"import the generated ones at --size {smallest}"
        )
    return images.resized(size)


def _check_colours(generated: ImageSet, real: ImageSet) -> None:
    from adainf_core.data.colour_order import fitting_order

    if isinstance(generated, GeneratedImages):
        generated.check_against(real)
    elif fitting_order(real, generated.images).verdict == "bgr":
        raise ValueError(
            f"{generated.name}: the colours fit {real.name} with red and blue swapped: import with "
            "adainf generate import --channel-order bgr"
        )


def _held_out(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the images that stay and of those held out, a quarter of each class."""
    assert images.labels is not None
    rng = np.random.default_rng(0)
    chosen = []
    for label in np.unique(images.labels):
        rows = rng.permutation(np.flatnonzero(images.labels == label))
        if len(rows) < 3:
            raise ValueError(
                f"{images.name}: {class_of(images, label)} has {len(rows)} images: a probe "
                "needs two to learn from beside one to be tested on; label more or name --test "
                "images"
            )
        chosen.append(rows[: max(1, len(rows) // _HELD_OUT)])
    held = np.sort(np.concatenate(chosen))
    return np.setdiff1d(np.arange(len(images)), held), held


def _check_labels(known: ImageSet | None, held: ImageSet) -> None:
    """ValueError, before anything is trained, for what a probe would refuse."""
    if known is None or known.labels is None:
        raise ValueError(f"{held.name} is to be tested on, but nothing is labelled to learn from")
    if held.labels is None:
        raise ValueError(f"{held.name} has no labels: there is nothing to test")
    counts = np.bincount(paired_labels(known, held)[0])
    if counts.min() < 2:
        label = np.unique(known.labels)[counts.argmin()]
        raise ValueError(
            f"{known.name}: {class_of(known, label)} has a single image: a probe needs two or more"
        )


# ---- the comparison


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
        own = own_images(self.real, self.generated, self.labelled, self.test, self.root)
        if own.digest != self.digest:
            raise ValueError(f"{self.real} or {self.generated} has changed since the plan")
        if own.labelled is None or own.test is None:
            raise ValueError("nothing is labelled: name labelled images")
        data = self.data(own)
        trained = pretrain(self.pretrain, data, checkpoint=checkpoint, max_seconds=max_seconds)
        if not trained.finished:
            return None
        probes = {"knn": knn_probe(trained.encoder, own.labelled, own.test)}
        if self.probe == "linear":
            probes = {"linear": linear_probe(trained.encoder, own.labelled, own.test)} | probes
        return Outcome(
            {name: 100 * probe.accuracy for name, probe in probes.items()},
            {name: probe.account for name, probe in probes.items()},
            data.beta or 0.0,
            trained.history,
            {name: probe.details for name, probe in probes.items() if probe.details},
        )

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
    named = _as_text(real, generated, labelled, test, root)
    own = _read(**named)
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
        rows = [(v.claim.statement, v.summary, v.outcome_and_sign) for v in self.verdicts]
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

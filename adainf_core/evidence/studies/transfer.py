"""Transfer: does the ranking of recipes survive another task? The kept encoders, probed anew.

Nothing is trained. The encoders that study "desktop" keeps, and the network that its runs begin
with, are probed on images and labels that their training knew nothing of. Arms are those of
"desktop", in its waves; the arm "untrained" is the floor of each task, and takes part in no
ranking: that any training beats none would lend any two tasks a correlation.

All encoders see the same images, as they are published: also those of the arm whose photographs had
been JPEG files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.labelled_pairs import numbered_as
from adainf_core.data.named_sets import LOADERS, load_images
from adainf_core.evidence.judging.claims import Claim, Contrast, Ranking, Term
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.kept_encoders import encoder_path, kept_encoder, weights_digest
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.runs.records import read_record, record_path
from adainf_core.evidence.studies import desktop
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.validation import as_choice, as_count

if TYPE_CHECKING:
    from torch import nn

    from adainf_core.learning.probing import ProbeResult

NAME = "transfer"
_NEIGHBOURS = 10
_SMALL, _SMALL_DRAWS = 1500, 2


@dataclass(frozen=True)
class TransferExperiment:
    """The probes of one kept encoder on every task.

    The encoder is that of the run of `arm` and `seed` of a `study` at a `scale`; `arm` None is the
    network that the study's runs of this seed begin with. Probes are offline, linear and by
    neighbours, as in training studies, on images of `size` pixels, and learn from all labels:

    - `linear`, `knn`: those of the named set `world`, as in runs that learn from all labels;
    - `SHIFTED_linear`, `SHIFTED_knn`: the same two probes on all images of the set `shifted`, of
      the same classes, of which none is learnt from;
    - `SET_linear`, `SET_knn` for each of `others`: those of that set. "digits" has 8 x 8 pixels of
      grey: three equal channels, resized (bicubic);
    - `few_N_linear`, `few_N_knn` for each N in `few`: N labels a class of `world`, the mean over
      `draws` choices of the labelled images (`few_labels.nested_draws` by `seed`: each arm has the
      same). By min(N, 10) neighbours; linear from N = 2 on, for one image a class leaves nothing to
      choose the penalty by.

    With `most`, at most so many images of each set and split are used.
    """

    study: str
    scale: str
    arm: str | None
    world: str = "cifar10"
    shifted: str = "cinic10_imagenet"
    others: tuple[str, ...] = ("cifar100", "imagenette32", "digits")
    size: int = 32
    few: tuple[int, ...] = (1, 10, 100)
    draws: int = 10
    most: int | None = None
    seed: int = 0
    #: What the encoder was trained by, its weights, and what a record says: read by `with_inputs`.
    given: Any = field(default=None, compare=False, repr=False)

    kind: ClassVar[str] = "transfer"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[Mapping[str, Quantity]] = dict.fromkeys(
        ("linear", "knn", "*_linear", "*_knn"), PERCENT
    )
    protocol: ClassVar[Mapping[str, Any]] = TrainingExperiment.protocol

    def __post_init__(self) -> None:
        for name in (self.world, self.shifted, *self.others):
            as_choice(name, "world, shifted and others", LOADERS)
        as_count(self.draws, "draws", 1)
        for number in self.few:
            as_count(number, "few", 1)

    @property
    def device(self) -> str | None:
        """Everything is computed on the processor."""
        return "cpu"

    # ---- the encoder

    def waits_for(self, root: Path) -> str:
        """The command that has to run first; nothing where the encoder is kept in `root`."""
        if self.arm is None or encoder_path(*self._place(), root).is_file():
            return ""
        return f"adainf study run {self.study} --scale {self.scale}"

    def with_inputs(self, root: Path) -> TransferExperiment:
        """The experiment with its encoder; `kept_encoder` says what is refused."""
        from adainf_core.evidence.studies.catalogue import named_study
        from adainf_core.learning.pretraining import untrained_encoder

        study = named_study(self.study)
        arm = next(iter(study.arms)) if self.arm is None else self.arm
        pretrain = study.experiment(self.scale, arm, self.seed).pretrain
        said: str | None
        if self.arm is None:
            encoder = untrained_encoder(pretrain)
            said = f"untrained, as {self.study} begins, SHA-256 {weights_digest(encoder)}"
        else:
            encoder = kept_encoder(study, *self._place()[1:], root=root)
            said = self.inputs_said(root)
        return replace(self, given=(pretrain, encoder.state_dict(), said))

    def inputs_said(self, root: Path) -> str | None:
        """What the record of the encoder's run says of it; None where `root` has none."""
        if self.arm is None or not (path := record_path(*self._place(), root)).is_file():
            return None
        return read_record(path).protocols.get("encoder")

    def _place(self) -> tuple[str, str, str, int]:
        assert self.arm is not None
        return self.study, self.scale, self.arm, self.seed

    # ---- the probes

    def run(self) -> Outcome:
        """Probe the encoder on every task; ValueError where it has not been read."""
        from adainf_core.learning.encoders import encoder_of

        if self.given is None:
            raise ValueError(f"the encoder of {self.study!r} was not read: take with_inputs(root)")
        pretrain, weights, said = self.given
        # built here, where the fingerprint of this run covers the code
        encoder = encoder_of(pretrain)
        encoder.load_state_dict(weights)
        labelled, test = self._sides(self.world)
        # two sets to be tested on share the probes that learn from `world`
        tested, own = joined(test, self._images(self.shifted)), np.arange(len(test))
        shifted = np.arange(len(test), len(tested))
        with TemporaryDirectory() as cache:  # features are computed once for all probes
            both = _probes(encoder, labelled, tested, cache)
            probes = {how: probe.on(own) for how, probe in both.items()}
            probes |= {f"{self.shifted}_{how}": probe.on(shifted) for how, probe in both.items()}
            for name in self.others:
                found = _probes(encoder, *self._sides(name), cache)
                probes |= {f"{name}_{how}": probe for how, probe in found.items()}
            few = self._few(encoder, labelled, tested, own, cache)
        facts = {name: probe.details for name, probe in probes.items() if probe.details}
        return Outcome(
            metrics={name: 100 * probe.accuracy for name, probe in probes.items()}
            | {name: float(np.mean(values)) for name, values in few.items()},
            protocols={name: probe.account for name, probe in probes.items()}
            | {name: self._few_account(name) for name in few}
            | {"encoder": said},
            beta=1.0,
            history=[],
            probes=facts | {name: _spread(values) for name, values in few.items()},
        )

    def _few(
        self, encoder: nn.Module, labelled: ImageSet, tested: ImageSet, own: np.ndarray, cache: str
    ) -> dict[str, list[float]]:
        """Accuracies in % with few labels, one a draw, by the metric's name."""
        from adainf_core.learning.few_labels import nested_draws
        from adainf_core.learning.probing import knn_probe, linear_probe

        assert labelled.labels is not None  # `_probes` has learnt from them
        found: dict[str, list[float]] = {}
        rng = np.random.default_rng(self.seed)
        for draw in nested_draws(labelled.labels, self.few, self.draws, rng):
            for number, places in draw.items():
                few = labelled.subset(places)
                k = min(number, _NEIGHBOURS)
                probes = {"knn": knn_probe(encoder, few, tested, k, cache=cache)}
                if number > 1:
                    probes["linear"] = linear_probe(encoder, few, tested, cache=cache)
                for how, probe in probes.items():
                    accuracy = 100 * probe.on(own).accuracy
                    found.setdefault(f"few_{number}_{how}", []).append(accuracy)
        return found

    def _few_account(self, name: str) -> str:
        _, number, how = name.split("_")
        probe = f"{min(int(number), _NEIGHBOURS)}-nearest-neighbour" if how == "knn" else "linear"
        return (
            f"mean over {self.draws} draws of {number} labelled images a class (those with fewer "
            f"are part of those with more): offline {probe} probe, as with all labels"
        )

    def _sides(self, name: str) -> tuple[ImageSet, ImageSet]:
        return self._images(name), self._images(name, "test")

    def _images(self, name: str, split: str = "train") -> ImageSet:
        images = load_images(name, split=split, download=False)
        # the order in which a training run of this seed has them, on which the folds depend
        order = np.random.default_rng(self.seed).permutation(len(images))[: self.most]
        return images.subset(order).resized(self.size)

    def small(self) -> TransferExperiment:
        """The same encoder on some hundred images of each set."""
        return replace(self, most=min(self.most or _SMALL, _SMALL), draws=_SMALL_DRAWS)


def joined(one: ImageSet, other: ImageSet) -> ImageSet:
    """The images of `one`, then those of `other`, whose classes get the numbers of the former."""
    other = numbered_as(one, other)
    assert one.labels is not None and other.labels is not None  # `numbered_as` has seen to it
    return ImageSet(
        np.concatenate([one.images, other.images]),
        np.concatenate([one.labels, other.labels]),
        f"{one.name} and {other.name}",
        class_names=one.class_names,
    )


def _probes(
    encoder: nn.Module, labelled: ImageSet, test: ImageSet, cache: str
) -> dict[str, ProbeResult]:
    from adainf_core.learning.probing import knn_probe, linear_probe

    return {
        "linear": linear_probe(encoder, labelled, test, cache=cache),
        "knn": knn_probe(encoder, labelled, test, cache=cache),
    }


def _spread(values: list[float]) -> dict[str, float]:
    """What a record keeps of the draws beside their mean, in %; no deviation of a single one."""
    found = {"draws": float(len(values)), "lowest": min(values), "highest": max(values)}
    return found | ({"deviation": float(np.std(values, ddof=1))} if len(values) > 1 else {})


# ---- the study

#: Tasks by the metric that is judged, in words.
TASKS = {
    "cifar100_linear": "CIFAR-100",
    "cinic10_imagenet_linear": "CINIC's tiles",
    "imagenette32_linear": "Imagenette",
    "digits_linear": "digits",
    "few_10_linear": "10 labels a class",
}
#: The arms that are ranked: the first two waves, so that no later one is waited for.
RANKED = tuple(desktop.ARMS)[: sum(desktop.STUDY.layout(desktop.NAME).waves)]
UNTRAINED = "untrained"
ARMS = {UNTRAINED: Arm("untrained network", {"arm": None}, headline=True)} | {
    name: Arm(arm.label, {"arm": name}, arm.headline) for name, arm in desktop.ARMS.items()
}


def _claims(metric: str, task: str) -> tuple[Claim, ...]:
    key = metric.removesuffix("_linear")
    return (
        Contrast(
            f"transfer_weak_{key}", f"Weak augmentation alone gains on another task, too: {task}",
            NAME, (Term("weak", 1.0, metric), Term("none", -1.0, metric)), asked_by="control",
            short=f"weak > none, {task}",
        ),
        Ranking(
            f"transfer_rank_{key}", "Recipes with better features for CIFAR-10 have better ones "
            f"for another task: {task}",
            NAME, measure="linear", truth=metric, ranked=RANKED, asked_by="control",
            short=f"ranking, {task}",
        ),
    )  # fmt: skip


CLAIMS = tuple(claim for metric, task in TASKS.items() for claim in _claims(metric, task))
_LAYOUT = desktop.STUDY.layout(desktop.NAME)
STUDY = Study(
    NAME,
    "Does the ranking of recipes survive another task?",
    ARMS,
    {
        desktop.NAME: Layout(
            TransferExperiment(desktop.NAME, desktop.NAME, None),
            seeds=_LAYOUT.seeds, first_seed=_LAYOUT.first_seed,
            waves=(1 + _LAYOUT.waves[0], *_LAYOUT.waves[1:]),
        )
    },
    CLAIMS,
    strict=True,
)  # fmt: skip

"""Predictions: what a probe told each test image, kept in a file that `compare_runs` reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from adainf_core.configuration import from_plain, to_plain
from adainf_core.data.copies import KINDS, Copies
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies
from adainf_core.data.labelled_pairs import labels_of, numbered_as, paired_labels
from adainf_core.data.npz_members import array_names, naming_damage, stored_array
from adainf_core.files import atomic_file
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Pretrained
from adainf_core.learning.probing import (
    PROBE_AUGMENTATION,
    ProbeResult,
    knn_probe,
    linear_probe,
    online_probe,
)
from adainf_core.tensor_files import naming_misfits
from adainf_core.validation import IntArray, as_choice

#: The protocols by their names on the command line.
PROTOCOLS = ("linear", "linear-augmented", "knn", "knn-weighted", "online")
#: What the files' names end in.
SUFFIX = ".predictions.npz"
_FORMAT = 1
_NEIGHBOURS = {"knn": (10, None), "knn-weighted": (200, 0.1)}  # k, temperature
_REMEDY = "make it anew by adainf probe"


@dataclass(frozen=True)
class Trained:
    """Which run a checkpoint or a file of predictions is of.

    `config` and `data` are the plain values that the checkpoint has, `encoder` a hash of the
    encoder's weights; `image_size` is in pixels, and `made_of` says by which names the command
    found the data (None where a script did).
    """

    config: dict[str, Any]
    data: dict[str, Any]
    encoder: str
    steps: int
    image_size: int
    made_of: dict[str, Any] | None = None

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.config["seed"])

    @property
    def finished(self) -> bool:
        """Whether it took all its steps."""
        return self.steps == self.config["steps"]


@dataclass(frozen=True)
class LabelledSet:
    """Name, size and fingerprint (pixels, labels, names of classes) of a set that a probe saw."""

    name: str
    images: int
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Predictions:
    """What probes of one run told each image of a test set.

    `labels` int64 (n,) are those of the test images and `predicted` int64 (n,) what each protocol
    told, both in the numbering of the training images, whose `class_names` may be None. `counted`
    bool (n,) marks the test images that repeat no training image nor an earlier test image.
    `protocols` maps the names of protocols, with the k of neighbours, to their description.
    """

    run: Trained
    train: LabelledSet
    test: LabelledSet
    class_names: tuple[str, ...] | None
    labels: IntArray
    counted: NDArray[np.bool_]
    predicted: dict[str, IntArray] = field(default_factory=dict)
    protocols: dict[str, str] = field(default_factory=dict)

    def right(self, protocol: str) -> NDArray[np.bool_]:
        """Which of the counted test images were told right, bool (counted images,)."""
        return (self.predicted[protocol] == self.labels)[self.counted]

    def with_result(self, name: str, result: ProbeResult) -> Predictions:
        """These and what one more probe told."""
        assert result.predicted is not None
        return replace(
            self,
            predicted=self.predicted | {name: np.asarray(result.predicted, np.int64)},
            protocols=self.protocols | {name: result.protocol},
        )

    def is_of_same(self, other: Predictions) -> bool:
        """Whether these and `other` are of one run on the same images: they can be joined."""
        mine, theirs = ((one.run.encoder, one.train, one.test) for one in (self, other))
        return mine == theirs

    def joined(self, earlier: Predictions) -> Predictions:
        """These, and of protocols that they lack those of `earlier`, where it `is_of_same`."""
        if not self.is_of_same(earlier):
            return self
        return replace(
            self,
            predicted=earlier.predicted | self.predicted,
            protocols=earlier.protocols | self.protocols,
        )


# ---- probing


def trained_run(path: Path) -> Trained:
    """Which run the checkpoint at `path` is of.

    Raises FileNotFoundError, or ValueError where it is damaged or of no run that this version has.
    """
    found = read_checkpoint(path)
    with naming_misfits(path):
        # a setting that is younger than the checkpoint had its default
        config = to_plain(from_plain(PretrainConfig, found.config))
        digest = hashlib.blake2b(digest_size=16)
        for name, value in sorted(found.model.items()):
            # the encoder of every method, and of none its head or its slow copy
            if name.startswith("encoder."):
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
                digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        size = int(found.data["shape"][-1])
        return Trained(config, found.data, digest.hexdigest(), found.step, size, found.made_of)


def no_predictions(
    run: Trained, train: ImageSet, test: ImageSet, copies: Copies | None = None
) -> Predictions:
    """Where predictions of `run` on `test` go: the two sets are checked, and nothing is told yet.

    `copies` are those of both sets, by default searched. Raises ValueError for sets that a probe
    would refuse (`paired_labels`), and where every test image repeats a training image.
    """
    paired_labels(train, test)
    numbered = numbered_as(train, test)
    if copies is None:
        copies = known_copies(train, test, within_first=False)
    kinds = copies.kind[len(train) :]
    counted = kinds == 0
    if not counted.any():
        said = ", ".join(
            f"{name} {count:,}"
            for place, name in enumerate(KINDS, 1)
            if (count := int((kinds == place).sum()))
        )
        raise ValueError(
            f"{test.name}: all {len(test):,} images are copies of images of {train.name} ({said}): "
            "a probe is tested on others than it learns from"
        )
    return Predictions(
        run, _labelled(train), _labelled(numbered), train.class_names, labels_of(numbered), counted
    )


def protocol_name(protocol: str, k: int | None = None) -> str:
    """The name of a protocol with what it is set to: "linear", "knn, k = 10".

    `k` is by default 10 of "knn" and 200 of "knn-weighted". ValueError for an unknown one.
    """
    as_choice(protocol, "protocol", PROTOCOLS)
    if protocol not in _NEIGHBOURS:
        return protocol
    return f"{protocol}, k = {_NEIGHBOURS[protocol][0] if k is None else k}"


def probed(
    protocol: str,
    trained: Pretrained,
    train: ImageSet,
    test: ImageSet,
    *,
    k: int | None = None,
    cache: str | Path | None = None,
    groups: IntArray | None = None,
) -> ProbeResult:
    """The probe of that name (`PROTOCOLS`) on a run, on the device where its encoder is.

    `test` is numbered as `train` (`numbered_as`); `groups` are those of copies within `train` that
    a linear probe holds out together. ValueError as the probes have it, and for
    "online" where the run carried no classifier.
    """
    as_choice(protocol, "protocol", PROTOCOLS)
    if protocol == "online":
        if trained.online_classifier is None:
            raise ValueError(
                "--protocol online: the run carried no online probe; train it with "
                "pretrain.online_learning_rate=0.1"
            )
        device = next(trained.encoder.parameters()).device
        classifier = trained.online_classifier.to(device)
        return online_probe(trained.encoder, classifier, test, trained_on=trained.mixture)
    if protocol in _NEIGHBOURS:
        default, temperature = _NEIGHBOURS[protocol]
        k = default if k is None else k
        return knn_probe(trained.encoder, train, test, k=k, temperature=temperature, cache=cache)
    augmentation = PROBE_AUGMENTATION if protocol == "linear-augmented" else None
    return linear_probe(
        trained.encoder, train, test, augmentation=augmentation, cache=cache, groups=groups
    )


def _labelled(images: ImageSet) -> LabelledSet:
    digest = hashlib.blake2b(images._digest().encode(), digest_size=16)
    digest.update(labels_of(images).tobytes() + repr(images.class_names).encode())
    return LabelledSet(images.name, len(images), digest.hexdigest())


# ---- files


def predictions_file(checkpoint: Path) -> Path:
    """Where the predictions of a run are kept: "run.predictions.npz" beside "run.pt"."""
    return checkpoint.with_name(f"{checkpoint.stem}{SUFFIX}")


def write_predictions(found: Predictions, path: Path) -> None:
    """Put `found` at `path`, whole or not at all: an npz archive, every array under a checksum."""
    about = {
        "format": _FORMAT,
        "run": vars(found.run),
        "train": vars(found.train),
        "test": vars(found.test),
        "class_names": found.class_names,
        "protocols": found.protocols,
    }
    arrays: dict[str, np.ndarray] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "labels": found.labels,
        "counted": found.counted,
    }
    for number, name in enumerate(found.protocols):
        arrays[f"predicted_{number}"] = found.predicted[name]
    with atomic_file(path) as file:
        _savez(file, arrays)


def _savez(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    np.savez_compressed(file, **arrays)


def read_predictions(path: Path) -> Predictions:
    """What `write_predictions` put at `path`; nothing is unpickled.

    Raises FileNotFoundError, or ValueError naming the file where it is damaged or holds none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no predictions at {path}: {_REMEDY}")
    try:
        return _read(path)
    except ValueError as error:
        if _REMEDY in str(error):
            raise
        # an archive's own remedy is to copy it again, which serves images alone
        raise ValueError(f"{path} is damaged or holds no predictions: {_REMEDY}") from None


def _read(path: Path) -> Predictions:
    members = array_names(path)
    if "about" not in members:
        raise ValueError(f"{path} holds no predictions: {_REMEDY}")
    about = _json(path, _array(path, members["about"], "u", 1))
    if about.get("format") != _FORMAT:
        raise ValueError(
            f"{path}: predictions of format {about.get('format')!r:.20}, this version reads "
            f"{_FORMAT}: {_REMEDY}"
        )
    try:
        run = Trained(**about["run"])
        train, test = (LabelledSet(**about[side]) for side in ("train", "test"))
        names, protocols = about["class_names"], dict(about["protocols"])
        labels = _array(path, members["labels"], "i", 8)
        counted = _array(path, members["counted"], "b", 1)
        predicted = {
            name: _array(path, members[f"predicted_{number}"], "i", 8)
            for number, name in enumerate(protocols)
        }
        seed, steps = run.seed, run.config["steps"]  # that they are there
        fits = {len(part) for part in (labels, counted, *predicted.values())} == {test.images}
        sound = fits and counted.any() and isinstance(seed, int) and isinstance(steps, int)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no whole predictions ({error}): {_REMEDY}") from None
    if not sound:
        raise ValueError(f"{path} holds predictions of other lengths than its labels: {_REMEDY}")
    named = None if names is None else tuple(names)
    return Predictions(run, train, test, named, labels, counted, predicted, protocols)


def _array(path: Path, member: str, kind: str, size: int) -> np.ndarray:
    array = stored_array(path, member)
    if (array.dtype.kind, array.dtype.itemsize, len(array.shape)) != (kind, size, 1):
        raise ValueError(
            f"{path}: {member} is {array.dtype} of shape {array.shape}, no part of predictions: "
            f"{_REMEDY}"
        )
    with naming_damage(path):
        return array.read()


def _json(path: Path, content: np.ndarray) -> dict[str, Any]:
    try:
        found = json.loads(content.tobytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds no predictions ({error}): {_REMEDY}") from None
    return found if isinstance(found, dict) else {}

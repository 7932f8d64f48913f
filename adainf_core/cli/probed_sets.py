"""The images that `adainf probe` and `adainf compare` probe by, and what they say while they do."""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adainf_core.cli.common import DATASET, count
from adainf_core.cli.image_sets import check_named
from adainf_core.data.folder_files import split_names

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.learning.predictions import Trained

_PATIENCE = (2.0, 30.0, 60.0, 120.0, 300.0)  # seconds after which a step is spoken of; then each


class ProbedSets(NamedTuple):
    """Labelled images to learn from and others to test on; `named`: they are a set's own parts."""

    train: ImageSet
    test: ImageSet
    named: bool


def add_sets(parser: argparse.ArgumentParser) -> None:
    """The options `--dataset`, `--test` and `--k`."""
    parser.add_argument(
        "--dataset",
        help=f"labelled images to learn from: {DATASET}; default: those that the run learnt from; "
        "online reads the classes that the run learnt as numbered here",
    )
    parser.add_argument(
        "--test",
        help="other images to test on; default: the set's own test images, where it has a name or "
        "a folder test; classes are matched by name, or by number where neither side has names",
    )
    parser.add_argument(
        "--k", type=count(), help="neighbours that vote; default: 10 (knn), 200 (knn-weighted)"
    )


def check_sets(options: argparse.Namespace) -> None:
    """ValueError, before anything is read, for sets that cannot be and a `--k` that nobody asks."""
    asked = options.protocol or "knn"  # probe's list, or compare's word; without it knn may be one
    if options.k is not None and "knn" not in " ".join(
        [asked] if isinstance(asked, str) else asked
    ):
        raise ValueError(f"--k {options.k}: only knn and knn-weighted have neighbours that vote")
    check_named(dataset=options.dataset, test=options.test)
    if options.dataset is not None and options.test is None and asked != ["label-free"]:
        _test_part(options.dataset, f"--dataset {options.dataset} is a path")


def probed_sets(run: Trained, name: str, options: argparse.Namespace) -> ProbedSets:
    """The sets of `options`, or else those of the run called `name`, at its image size.

    ValueError where the run's own are not known, are gone or have changed.
    """
    from adainf_core.data.named_sets import LOADERS, named_or_own

    dataset, split, root = options.dataset, "train", options.root
    if dataset is None:
        dataset, split, home = _own(run, name)
        root = root or home
    labelled = split if Path(dataset).exists() else "train"  # stl10 has labels there alone
    test, part = options.test, "test"
    if test is None:
        test, part = dataset, _test_part(dataset, f"{name} learnt from {dataset}, a path")
    train = named_or_own(dataset, labelled, run.image_size, root)
    if options.dataset is None and labelled == split:
        _check_own(run, name, dataset, train)
    tested = named_or_own(test, part, run.image_size, root)
    return ProbedSets(train, tested, options.test is None and dataset in LOADERS)


def own_images(run: Trained, name: str, options: argparse.Namespace) -> ImageSet:
    """The images of `--dataset`, labelled or not, or else those that the run called `name` saw."""
    from adainf_core.data.named_sets import named_or_own

    dataset, split, root = options.dataset, "train", options.root
    if dataset is not None:
        return named_or_own(dataset, split, run.image_size, root)
    dataset, split, home = _own(run, name)
    found = named_or_own(dataset, split, run.image_size, root or home)
    _check_own(run, name, dataset, found)
    return found


def _test_part(dataset: str, what: str) -> str:
    """The part of a set that holds its test images; ValueError for a path that has none."""
    path = Path(dataset)
    part = _held_part(path) if path.exists() else "test"
    if part is None:
        raise ValueError(f"{what}: name the --test images too")
    return part


def has_test_part(path: Path) -> bool:
    """Whether a probe finds images to test on beside those to learn from at `path`."""
    return _held_part(path) is not None


def _held_part(path: Path) -> str | None:
    parts = {part.lower() for part in split_names(path)} if path.is_dir() else set()
    known = ("test", "testing", "val", "valid", "validation", "dev")
    return next((part for part in known if part in parts), None)


def _own(run: Trained, name: str) -> tuple[str, str, str | None]:
    """Data set, split and root of the run itself."""
    from adainf_core.data.named_sets import LOADERS

    if run.made_of is not None:
        dataset, split, root = (run.made_of.get(key) for key in ("dataset", "split", "root"))
        if isinstance(dataset, str) and isinstance(split, str):
            if dataset not in LOADERS and not Path(dataset).exists():
                raise ValueError(
                    f"{name} learnt from {dataset}, which is gone: name the --dataset, labelled "
                    "images to learn from, and --test"
                )
            return dataset, split, root
    # of earlier versions and of scripts the name of the set is known alone
    known = re.match(r"(\w+)-(train|test|unlabeled)(@\d+)?: ", str(run.data.get("mixture")))
    if known is None or known[1] not in LOADERS:
        raise ValueError(
            f"{name} does not say where its images are: name the --dataset, labelled images to "
            "learn from, and --test"
        )
    return known[1], known[2], None


def _check_own(run: Trained, name: str, dataset: str, train: ImageSet) -> None:
    """ValueError where `dataset` holds other images than those that the run learnt from."""
    from adainf_core.data.inflation import Inflation

    found, kept = Inflation(train).fingerprint()["real"], run.data.get("real")
    if found != kept:
        raise ValueError(
            f"{name} learnt from other images than {dataset} holds now: name the --dataset, "
            "labelled images to learn from, and --test"
        )


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Say on stderr, in plain lines, that `what` goes on: after two seconds, and now and then."""
    over, begun = threading.Event(), time.monotonic()

    def speak() -> None:
        at = 0
        while True:
            due = _PATIENCE[at] if at < len(_PATIENCE) else (at - 3) * _PATIENCE[-1]
            if over.wait(begun + due - time.monotonic()):
                return
            passed = "" if at == 0 else f", {due:.0f} seconds so far"
            print(f"{what}{passed}", file=sys.stderr, flush=True)
            at += 1

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        over.set()
        speaker.join()

"""The runs that are compared: checkpoints, predictions or records, read and checked beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adainf_core.configuration import differences
from adainf_core.evidence.runs.records import Record, read_record
from adainf_core.learning.predictions import (
    SUFFIX,
    Predictions,
    Trained,
    read_predictions,
    trained_run,
)
from adainf_core.validation import as_path, in_words

#: Where a side's runs may differ from each other.
_FREE = ("seed", "device", "compile")


@dataclass(frozen=True, eq=False)
class RunFile:
    """A run as `open_runs` found it: a checkpoint, predictions of one, or a record.

    `name` is what messages call it. A checkpoint's predictions are None until it is probed.
    """

    name: str
    path: Path | None
    run: Trained | None = None
    predictions: Predictions | None = None
    record: Record | None = None

    @property
    def trained(self) -> Trained:
        """The run itself, of what is no record."""
        assert self.run is not None
        return self.run

    @property
    def told(self) -> Predictions:
        """The predictions, of a run that has them."""
        assert self.predictions is not None
        return self.predictions

    @property
    def recorded(self) -> Record:
        """The record, where it is one."""
        assert self.record is not None
        return self.record

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.trained.seed if self.record is None else self.record.seed

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the run but for its seed, as plain values."""
        if self.record is not None:
            return _without_seeds(self.record.config)
        config, data = self.trained.config, self.trained.data
        kept = {key: value for key, value in config.items() if key not in _FREE}
        sides = {side: data.get(side) for side in ("real", "generated")}
        images = {side: None if of is None else of.get("hash") for side, of in sides.items()}
        return kept | {"data": {"mixture": data.get("mixture")} | images}


Over = Literal["both", "images"]
Side = Sequence[str | Path | Predictions | RunFile]


def sides_of(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by the name of their side: what stands before the number at the end of their name.

    "runs/weak-0.pt" and "weak-1.predictions.npz" are of "weak"; a file that has the number alone
    for a name, as "weak/0.pt", is of its folder's name; one without a number is a side itself.
    """
    sides: dict[str, list[Path]] = {}
    for path in files:
        name = path.name
        stem = name[: -len(SUFFIX)] if name.endswith(SUFFIX) else path.stem
        side = stem.rstrip("0123456789").rstrip("-_. ") if stem[-1:].isdigit() else stem
        side = side or path.absolute().parent.name or stem
        sides.setdefault(side, []).append(path)
    return sides


def open_runs(sides: Mapping[str, Side], over: Over = "both") -> dict[str, tuple[RunFile, ...]]:
    """The runs of each side, read and checked as far as that goes before any is probed.

    A run is the path of a checkpoint, of predictions or of a record, or predictions themselves.
    Raises FileNotFoundError, or ValueError in one line: for fewer than two sides, one run twice
    (the same file, or a copy of it under another name), an unfinished one, records beside others,
    images of several sizes, other test or training images, a side of which two runs have one seed
    or differ in more than their seed, and sides that share too few seeds for what is asked: two,
    or one where `over` is "images".
    """
    given: object = sides
    if not isinstance(given, Mapping):
        raise ValueError(
            f"sides = {in_words(sides)}: map each side's name to a list of its runs' files"
        )
    if len(sides) < 2:
        one = next(iter(sides), None)
        only = "there is none" if one is None else f"{one} is the only one"
        raise ValueError(f"a comparison takes two sides, and {only}: name runs of another recipe")
    for name, files in sides.items():
        if not isinstance(files, list | tuple) or not files:
            raise ValueError(f"side {name}: {in_words(files)}: give a list of runs")
    _refuse_twice(sides)
    opened = {
        name: tuple(_opened(file, f"{name}[{place}]") for place, file in enumerate(files))
        for name, files in sides.items()
    }
    runs = [run for files in opened.values() for run in files]
    _refuse_mixed(runs)
    for name, files in opened.items():
        _check_side(name, files)
    shared_seeds(opened, over)
    return opened


def shared_seeds(opened: Mapping[str, Sequence[RunFile]], over: Over) -> dict[str, tuple[int, ...]]:
    """The seeds that each side shares with the first, in ascending order.

    ValueError where there are none, or one and `over` is "both".
    """
    first, *others = opened
    ours = {run.seed for run in opened[first]}
    shared = {}
    for side in others:
        seeds = tuple(sorted(ours & {run.seed for run in opened[side]}))
        if not seeds:
            theirs = {run.seed for run in opened[side]}
            raise ValueError(
                f"{first} has the seeds {numbers_of(ours)}, {side} {numbers_of(theirs)}: runs are "
                "paired by seed, and none is on both sides: train one side with the other's"
            )
        if len(seeds) < 2 and over == "both":
            raise ValueError(
                f"{first} and {side} share one seed, {seeds[0]}: a difference between two runs "
                "says nothing of their recipes: train another seed of both (pretrain.seed=...), or "
                "ask about these runs alone, over test images (--images-alone)"
            )
        shared[side] = seeds
    return shared


def _opened(file: str | Path | Predictions | RunFile, name: str) -> RunFile:
    if isinstance(file, RunFile):
        return file
    if isinstance(file, Predictions):
        return RunFile(name, None, file.run, file)
    path = as_path(file, name)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name the files of its runs, as {path}/weak-*.pt")
    if not path.exists():
        raise FileNotFoundError(
            f"no run at {path}: name a checkpoint of adainf pretrain, predictions by adainf probe, "
            "or a record (.json)"
        )
    if path.suffix == ".json":
        return RunFile(str(path), path, record=read_record(path))
    if path.suffix == ".npz":
        found = read_predictions(path)
        return RunFile(str(path), path, found.run, found)
    return RunFile(str(path), path, trained_run(path))


def _refuse_twice(sides: Mapping[str, Side]) -> None:
    taken: dict[Path, str] = {}
    for name, files in sides.items():
        for file in files:
            path = file.path if isinstance(file, RunFile) else file
            if isinstance(path, Predictions) or path is None:
                continue
            place = as_path(path, name).resolve()
            if place in taken:
                where = f"{taken[place]} and {name}" if taken[place] != name else f"{name} twice"
                raise ValueError(f"{path} is in {where}: name each run once")
            taken[place] = name


def _refuse_mixed(runs: Sequence[RunFile]) -> None:
    recorded = [run for run in runs if run.record is not None]
    others = [run for run in runs if run.record is None]
    if recorded and others:
        raise ValueError(
            f"{recorded[0].name} is a record, {others[0].name} is none: compare records with "
            "records, or checkpoints and predictions with their like"
        )
    seen: dict[str, RunFile] = {}
    for run in runs:
        if run.run is not None and not run.run.finished:
            raise ValueError(
                f"{run.name} has stopped after {run.run.steps} of {run.run.config['steps']} steps: "
                "the same adainf pretrain command goes on"
            )
        twin = seen.setdefault(_identity(run), run)
        if twin is not run:
            raise ValueError(
                f"{twin.name} and {run.name} are one run, or copies of one: name each run once"
            )
    sizes = [run.run.image_size if run.run is not None else 0 for run in runs]
    for run, size in zip(runs, sizes, strict=True):
        if size != sizes[0]:
            raise ValueError(
                f"{runs[0].name} learnt from images of {sizes[0]} pixels, {run.name} from {size}: "
                "runs are compared on images of one size"
            )
    check_same_sets([run for run in others if run.predictions is not None])


def _identity(run: RunFile) -> str:
    """What a run shares with its copies alone: its weights, or a record's whole configuration."""
    if run.run is not None:
        return run.run.encoder
    return json.dumps([run.recorded.kind, run.recorded.config], sort_keys=True)


def check_same_sets(runs: Sequence[RunFile]) -> None:
    """ValueError where the predictions of two runs are of other test or training images."""
    for side, what in (("test", "tested on"), ("train", "probed by the labels of")):
        for run in runs:
            mine, theirs = (getattr(part.told, side) for part in (run, runs[0]))
            if mine.fingerprint != theirs.fingerprint:
                raise ValueError(
                    f"{runs[0].name} is {what} {theirs.name} ({theirs.images:,} images), "
                    f"{run.name} {what} {mine.name} ({mine.images:,}), and these are other images "
                    "or labels: probe them alike (adainf probe --dataset ... --test ...)"
                )


def _check_side(name: str, files: Sequence[RunFile]) -> None:
    by_seed: dict[int, RunFile] = {}
    for run in files:
        twin = by_seed.setdefault(run.seed, run)
        if twin is not run:
            raise ValueError(
                f"{twin.name} and {run.name} both have seed {run.seed}, and are both of {name}: "
                "name one of them"
            )
        differing = differences(files[0].settings, run.settings)
        if differing:
            raise ValueError(
                f"{files[0].name} and {run.name} are both of {name}, but differ in "
                f"{differing[0]:.200}: a side is one recipe over seeds; give each a name of its own"
            )


def _without_seeds(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_seeds(value) if isinstance(value, Mapping) else value
        for key, value in plain.items()
        if key not in _FREE and not key.endswith("_seed")
    }


def numbers_of(values: Iterable[int]) -> str:
    """Numbers in ascending order, for a sentence."""
    return ", ".join(map(str, sorted(values)))

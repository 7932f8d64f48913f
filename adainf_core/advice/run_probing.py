"""Predictions of the runs that are compared: those that are kept, or told now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from adainf_core.advice.run_files import RunFile, check_same_sets
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies
from adainf_core.data.labelled_pairs import numbered_as
from adainf_core.learning.predictions import (
    Predictions,
    no_predictions,
    predictions_file,
    probed,
    protocol_name,
    read_predictions,
    write_predictions,
)
from adainf_core.validation import IntArray


def with_predictions(
    opened: Mapping[str, Sequence[RunFile]],
    name: str,
    train: ImageSet | None,
    test: ImageSet | None,
    k: int | None,
    cache: str | Path | None,
    keep: bool,
    tell: Callable[[str], object] | None,
    by_copies: bool = False,
) -> dict[str, tuple[RunFile, ...]]:
    """The runs with predictions by the protocol `name`, probed where they have none."""
    sets, groups = None, None
    if train is not None and test is not None:
        numbered = numbered_as(train, test)
        sets = train, numbered, known_copies(train, test, within_first=False)
        groups = known_copies(train).group if by_copies else None
    empty: Predictions | None = None  # of no run in particular
    found: dict[str, list[RunFile]] = {side: [] for side in opened}
    waiting: list[tuple[str, int, RunFile, Predictions]] = []
    for side, files in opened.items():
        for run in files:
            if sets is not None and empty is None:
                empty = no_predictions(run.trained, *sets)
            kept = _kept(run, name, empty)
            if kept is None:
                _refuse_untold(run, name, empty)
                assert empty is not None
                waiting.append((side, len(found[side]), run, replace(empty, run=run.trained)))
            found[side].append(run if kept is None else replace(run, predictions=kept))
    for number, (side, place, run, empty) in enumerate(waiting, 1):
        said = tell or (lambda line: None)
        said(f"probing {run.name} ({number} of {len(waiting)})")
        assert sets is not None
        told = _probed(run, name, empty, sets[0], sets[1], k, cache, groups)
        if keep:
            told = _kept_beside(run, told, said)
        found[side][place] = replace(run, predictions=told)
    check_same_sets([run for files in found.values() for run in files])
    return {side: tuple(files) for side, files in found.items()}


def has_predictions(run: RunFile, protocol: str | None, k: int | None = None) -> bool:
    """Whether a run's predictions are there already: its own, or those beside its checkpoint.

    By `protocol`; where that is None by any of predictions, and by "linear" of a checkpoint.
    """
    if run.predictions is not None:
        return True
    return _kept(run, protocol_name(protocol or "linear", k), None) is not None


def _kept(run: RunFile, name: str, wanted: Predictions | None) -> Predictions | None:
    """The predictions of a run by this protocol: its own, or those beside it of the same sets."""
    found = run.predictions
    if found is None:
        assert run.path is not None
        beside = predictions_file(run.path)
        found = read_predictions(beside) if beside.is_file() else None
        if found is not None and found.run.encoder != run.trained.encoder:
            found = None  # of an earlier state of the run
    if found is None or name not in found.protocols:
        return None
    if wanted is not None and (found.train.fingerprint, found.test.fingerprint) != (
        wanted.train.fingerprint,
        wanted.test.fingerprint,
    ):
        return None
    return found


def _refuse_untold(run: RunFile, name: str, wanted: Predictions | None) -> None:
    """ValueError for a run that has no predictions and cannot be probed here."""
    protocol = name.partition(",")[0]
    if run.predictions is not None:
        if name not in run.predictions.protocols:
            has = "; ".join(run.predictions.protocols)
            raise ValueError(
                f"{run.name} has no predictions by {name}, but by {has}: run adainf probe on its "
                f"checkpoint with --protocol {protocol}"
            )
        assert wanted is not None
        raise ValueError(
            f"{run.name} is of {run.predictions.test.name} told from "
            f"{run.predictions.train.name}, not of {wanted.test.name} told from "
            f"{wanted.train.name}: run adainf probe on its checkpoint with these"
        )
    if wanted is None:
        raise ValueError(
            f"{run.name} has no predictions by {name} beside it: name --test images to probe it "
            f"on, or run adainf probe {run.name} --protocol {protocol}"
        )


def _probed(
    run: RunFile,
    name: str,
    empty: Predictions,
    train: ImageSet,
    test: ImageSet,
    k: int | None,
    cache: str | Path | None,
    groups: IntArray | None,
) -> Predictions:
    from adainf_core.devices import chosen_device
    from adainf_core.learning.pretraining import load_pretrained

    assert run.path is not None
    trained = load_pretrained(run.path)
    trained.encoder.to(chosen_device(None))
    result = probed(name.partition(",")[0], trained, train, test, k=k, cache=cache, groups=groups)
    return empty.with_result(name, result)


def _kept_beside(run: RunFile, found: Predictions, tell: Callable[[str], object]) -> Predictions:
    """Put predictions beside the run's checkpoint, and tell which others they replace."""
    assert run.path is not None
    place = predictions_file(run.path)
    if place.is_file():
        earlier = read_predictions(place)
        if not found.is_of_same(earlier):
            tell(f"replaced {place}: {replaced(found, earlier)}")
        found = found.joined(earlier)
    write_predictions(found, place)
    return found


def replaced(found: Predictions, earlier: Predictions) -> str:
    """What predictions that `found` replaces were of, in words."""
    if found.run.encoder != earlier.run.encoder:
        return "it was of another run"
    sets = f"{earlier.test.name} told from {earlier.train.name}"
    now = f"{found.test.name} told from {found.train.name}"
    return f"it was of {sets}" + (", other images of these names" if sets == now else "")

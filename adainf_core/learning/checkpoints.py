"""Checkpoints: one file a run, whole or not there, read without running what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from adainf_core.configuration import differences, from_plain, to_plain
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.tensor_files import (
    is_history,
    is_pending,
    is_step,
    naming_misfits,
    read_tensors,
    write_tensors,
)

FORMAT = 2
# where and how fast a run computes may change between its parts
_FREE = ("device", "compile")


@dataclass(frozen=True)
class Checkpoint:
    """A run after `step` steps.

    `config` and `data` are plain values that say which run it is; `model` and `optimizer` are state
    dicts, `history` the loss curve so far and `pending` the sum and number of losses not in it yet.
    Random numbers need no state: they are functions of the seed and the step. `made_of` says by
    which names the command found the data, None where a script did: see `pretrain`.
    """

    config: dict[str, Any]
    data: dict[str, Any]
    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    history: list[dict[str, float]]
    pending: tuple[float, int]
    classifier: dict[str, Any] | None = None
    format: int = FORMAT
    made_of: dict[str, Any] | None = None


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Put `checkpoint` at `path`, replacing an older one only when the new one is whole.

    Raises OSError in one line where it cannot be written (a full disk); the older one stays. What a
    killed process left of an earlier attempt is removed.
    """
    write_tensors(
        {field.name: getattr(checkpoint, field.name) for field in fields(Checkpoint)}, path
    )


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at `path`; ValueError in one line where it is damaged or none."""
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}: name a file that adainf pretrain wrote")
    content = read_tensors(path)
    names = {field.name for field in fields(Checkpoint)}
    if not isinstance(content, dict) or "format" not in content:
        raise ValueError(f"{path} holds tensors, but no run: name a file that pretrain wrote")
    found = content["format"]
    if found != FORMAT:
        newer = type(found) is int and found > FORMAT
        remedy = (
            "update adainf_core" if newer else "train anew, or go on with the version that wrote it"
        )
        raise ValueError(
            f"{path}: checkpoint format {found!r:.60}, this version reads {FORMAT}: {remedy}"
        )
    content.setdefault("made_of", None)  # which is younger than the format
    if content.keys() != names:
        odd = sorted(map(str, content.keys() ^ names))[0]
        raise ValueError(
            f"{path} is no checkpoint (field {odd!r} missing or unknown): delete it to start afresh"
        )
    for name, fits in _FITS.items():
        if not fits(content[name]):
            wrong = f"{name} = {content[name]!r:.60}"
            raise ValueError(f"{path} is no checkpoint ({wrong}): delete it to start afresh")
    return Checkpoint(**content)


def check_same_run(
    checkpoint: Checkpoint, config: Mapping[str, Any], data: Mapping[str, Any], path: Path
) -> None:
    """Raise ValueError naming what differs where `checkpoint` is of another run.

    A setting that is younger than the checkpoint had its default.
    """
    with naming_misfits(path):
        whole = to_plain(from_plain(PretrainConfig, checkpoint.config))
    kept, now = (
        {key: value for key, value in side.items() if key not in _FREE} for side in (whole, config)
    )
    differing = differences(kept, now) or differences(checkpoint.data, data)
    if differing:
        raise ValueError(
            f"{path} is a checkpoint of another run: {differing[0]} now; choose another path or "
            "delete it"
        )


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


_FITS: dict[str, Callable[[Any], bool]] = {
    "config": _is_dict,
    "data": _is_dict,
    "step": is_step,
    "model": _is_dict,
    "optimizer": _is_dict,
    "history": is_history,
    "pending": is_pending,
    "classifier": lambda value: value is None or _is_dict(value),
    "made_of": lambda value: value is None or _is_dict(value),
}

"""Checkpoints: one file a run, whole or not there, read without running what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.configuration import differences
from adainf_core.data.inflation import Inflation
from adainf_core.tensor_files import read_tensors, write_tensors

FORMAT = 2
# where and how fast a run computes may change between its parts
_FREE = ("device", "compile")


@dataclass(frozen=True)
class Checkpoint:
    """A run after `step` steps.

    `config` and `data` are plain values that say which run it is; `model` and `optimizer` are state
    dicts, `history` the loss curve so far and `pending` the sum and number of losses not in it yet.
    Random numbers need no state: they are functions of the seed and the step.
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
    content = read_tensors(path)
    names = {field.name for field in fields(Checkpoint)}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise ValueError(f"{path}: checkpoint format {found!r}, this version reads {FORMAT}")
    if content.keys() != names:
        odd = sorted(content.keys() ^ names)[0]
        raise ValueError(f"{path} is no checkpoint: field {odd!r} is missing or unknown")
    return Checkpoint(**content)


def check_same_run(
    checkpoint: Checkpoint, config: Mapping[str, Any], data: Mapping[str, Any], path: Path
) -> None:
    """Raise ValueError naming what differs where `checkpoint` is of another run."""
    kept, now = (
        {key: value for key, value in side.items() if key not in _FREE}
        for side in (checkpoint.config, config)
    )
    differing = differences(kept, now) or differences(checkpoint.data, data)
    if differing:
        raise ValueError(
            f"{path} is a checkpoint of another run: {differing[0]} now; choose another path or "
            "delete it"
        )


def fingerprint(data: Inflation, labels: np.ndarray | None = None) -> dict[str, Any]:
    """What tells one training set from another: its mixture, and a hash of some images.

    `labels` are those that the run learns from, if it does.
    """
    sides: dict[str, Any] = {}
    for name, images in zip(("real", "generated"), data.images, strict=False):
        # evenly spaced: neighbours in a file are often alike, and all would take too long
        some = images[np.linspace(0, len(images) - 1, min(256, len(images))).astype(int)]
        digest = hashlib.sha256(some.tobytes()).hexdigest()[:16]
        sides[name] = {"shape": list(images.shape), "hash": digest}
    if labels is not None:
        sides["labels"] = hashlib.sha256(labels.tobytes()).hexdigest()[:16]
    mixture = f"{data.real.name}: {data.describe()}"
    return sides | {
        "shape": list(data.real.images.shape[1:]),
        "beta": data.beta,
        "mixture": mixture,
    }

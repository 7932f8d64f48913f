"""Freshness: whether a record still speaks for the code as it is, by its text or by a replay.

`results/replays.json` holds what has been replayed (`replay`): pairs of fingerprints under which
recorded runs came out the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.grid import Reading
from adainf_core.evidence.runs.records import Record
from adainf_core.files import atomic_file


@dataclass(frozen=True)
class Replay:
    """That recorded runs of code `then` came out the same under code `now`.

    `runs` of the study's `of` records of that code were repeated, in part: `compared` numbers
    agreed, `exact` of them to the last digit, the others within the tolerance of another machine
    (`replay`). `commit` is that of the source tree, `clean` as in a record, `date` a UTC day.
    """

    study: str
    scale: str
    then: str
    now: str
    runs: tuple[str, ...]
    of: int
    compared: int
    exact: int
    commit: str | None
    clean: bool | None
    date: str
    device: str


def replays(root: Path) -> list[Replay]:
    """What has been replayed; ValueError naming the file where it is not sound."""
    path = root / "replays.json"
    if not path.is_file():
        return []
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> list[Replay]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [Replay(**{**entry, "runs": tuple(entry["runs"])}) for entry in content]
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: not a list of replays ({error}); delete it and run adainf study verify"
        ) from None


def write_replays(
    new: Iterable[Replay], root: Path, study: str, scale: str, codes: Iterable[tuple[str, str]]
) -> Path:
    """Add replays of a study to the file, and leave out those of its past codes.

    `codes` are the fingerprints (then, now) of its records and of today.
    """
    today = set(codes)
    kept = {
        (entry.study, entry.scale, entry.then, entry.now): entry
        for entry in (*replays(root), *new)
        if (entry.study, entry.scale) != (study, scale) or (entry.then, entry.now) in today
    }
    path = root / "replays.json"
    with atomic_file(path) as file:
        entries = [asdict(entry) for _, entry in sorted(kept.items())]
        file.write((json.dumps(entries, indent=1) + "\n").encode())
    return path


def replay_of(record: Record, experiment: Any, root: Path) -> Replay | None:
    """The replay that joins the record's code to the code that `experiment` reaches now."""
    now = code_fingerprint(experiment)
    for entry in replays(root):
        speaks = entry.study in (record.study, record.home) and entry.scale == record.scale
        if speaks and (entry.then, entry.now) == (record.code, now):
            return entry
    return None


def is_fresh(record: Record, experiment: Any, root: Path) -> bool:
    """Whether the record is of the code that `experiment` reaches now, or was replayed under it.

    And of what it reads in `root` as that is now, where `root` tells.
    """
    if isinstance(experiment, Reading):
        said = experiment.inputs_said(root)
        if said is not None and record.protocols.get("encoder") != said:
            return False
    return record.code == code_fingerprint(experiment) or (
        replay_of(record, experiment, root) is not None
    )

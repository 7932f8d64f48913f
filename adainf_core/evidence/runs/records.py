"""Records: one JSON file a run, with everything needed to trust it or to run it again."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Hashable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.configuration import differences, from_plain
from adainf_core.data.npz_members import array_names, stored_array
from adainf_core.evidence.code.source import PACKAGE
from adainf_core.evidence.runs.quantities import misplaced
from adainf_core.evidence.runs.record_checks import fault
from adainf_core.files import atomic_file

RESULTS = PACKAGE.parent / "results"
SCHEMA = 3
_RARE = "first_began"  # is written where there is one
_CPU = (("family", "cpu family"), ("model", "model"))
_VERSIONED = ("torch", "torchvision", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class Record:
    """One finished run.

    `kind` names the experiment's class and `config` holds its plain values. `commit` is that of the
    source tree that made it and `clean` says that nothing in it differed from the commit (both None
    where there is no repository); `code` is the fingerprint of the definitions that the run
    reaches (`fingerprints`). `metrics` are named and explained by `protocols`; `history` is the
    loss curve; `probes` are facts of the probes by their names, such as the penalty chosen;
    `rehearsal` the metrics of the experiment's small version under the same code and
    versions on the device `rehearsed_on`, which `replay` compares with. `wall_seconds` covers data
    to probe, in the process that finished it; `finished` is a UTC time (early records have its date
    alone); `first_began` is when the first run of the configuration began, where this one repeats
    it. `schema` numbers the layout; a file ends with a checksum of all of it.
    """

    study: str
    scale: str
    arm: str
    seed: int
    kind: str
    config: dict
    commit: str | None
    clean: bool | None
    code: str
    versions: dict[str, str]
    device: str
    wall_seconds: float
    finished: str
    beta: float
    metrics: dict[str, float]
    protocols: dict[str, str]
    history: list[dict[str, float]]
    rehearsal: dict[str, float] = field(default_factory=dict)
    rehearsed_on: str = ""
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    first_began: str = ""
    schema: int = SCHEMA
    #: The study whose folder holds it, where it counts for another one.
    home: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """Arm and seed, as its file is called."""
        return f"{self.arm}-{self.seed}"


def began(record: Record) -> str:
    """When the first run of the record's configuration began, UTC in ISO 8601.

    Of a time that is known by its day alone, or of a run that was continued, the earliest.
    """
    if record.first_began:
        return record.first_began
    ended = datetime.fromisoformat(record.finished)
    if ended.tzinfo is None:
        ended = ended.replace(tzinfo=UTC)
    return f"{ended - timedelta(seconds=record.wall_seconds):%Y-%m-%dT%H:%M:%SZ}"


def record_path(study: str, scale: str, arm: str, seed: int, root: Path = RESULTS) -> Path:
    """Where the record of a run lives: root/study/scale/arm-seed.json."""
    return root / study / scale / f"{arm}-{seed}.json"


def path_of(record: Record, root: Path = RESULTS) -> Path:
    """The place of `record`: see `record_path`."""
    return record_path(record.study, record.scale, record.arm, record.seed, root)


def write_record(record: Record, root: Path = RESULTS) -> Path:
    """Write `record` to its place, whole or not at all, with its checksum, and return the path.

    Raises ValueError for what `read_record` would refuse.
    """
    path = path_of(record, root)
    content = {name: value for name, value in asdict(record).items() if name != "home"}
    content["schema"] = SCHEMA
    if not content[_RARE]:
        del content[_RARE]
    if said := fault(content):
        raise ValueError(f"{path} is not written: {said}")
    content["checksum"] = _checksum(content)
    with atomic_file(path) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())
    return path


def write_pictures(
    study: str, scale: str, pictures: dict[str, np.ndarray], root: Path = RESULTS
) -> Path:
    """Keep sample images beside a study's records: uint8 (n, 3, h, w) by name, in one npz."""
    path = root / study / scale / "pictures.npz"
    arrays: dict[str, Any] = dict(pictures)
    with atomic_file(path) as file:
        np.savez_compressed(file, **arrays)
    return path


def read_pictures(study: str, scale: str, root: Path = RESULTS) -> dict[str, np.ndarray]:
    """The sample images of a study, in the order they were written.

    Raises FileNotFoundError, or ValueError naming the file where it is damaged.
    """
    path = root / study / scale / "pictures.npz"
    members = array_names(path).items()
    return {name: stored_array(path, member).read() for name, member in members}


def read_record(path: Path) -> Record:
    """The record in `path`; ValueError naming the file and field where it is not sound.

    Not sound is what its checksum does not fit, and a value that no run could have written. A file
    that has not changed is read once in a process.
    """
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8192)
def _read(path: Path, changed: int, size: int) -> Record:
    again = "delete it and run the study again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error}); {again}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds no record; {again}")
    schema = content.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        newer = type(schema) is int and schema > SCHEMA
        remedy = "update adainf_core" if newer else again
        raise ValueError(f"{path}: schema {schema!r}, this version reads {SCHEMA}; {remedy}")
    names = {part.name for part in fields(Record)} - {"home"} | {"checksum"}
    for what, odd in (
        ("lacks", names - {_RARE} - content.keys()),
        ("has unknown", content.keys() - names),
    ):
        if odd:
            raise ValueError(f"{path}: {what} field {sorted(odd)[0]!r}; {again}")
    if content.pop("checksum") != _checksum(content):
        raise ValueError(f"{path}: damaged: its checksum is of another content; {again}")
    content.setdefault(_RARE, "")
    if said := fault(content):
        raise ValueError(f"{path}: {said}; {again}")
    record = Record(**content)
    if path.stem != record.name:
        raise ValueError(
            f"{path}: holds arm {record.arm!r}, seed {record.seed}; its name has to say the same"
        )
    return record


def _checksum(content: dict[str, Any]) -> str:
    """Of a record's fields, whatever their order and spacing: 32 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def load_records(study: str, scale: str, root: Path = RESULTS) -> list[Record]:
    """All records of a study at a scale, sorted by arm and seed (empty where there are none).

    Those in its own folder; `running.study_records` also finds what other studies have run.
    """
    found = [read_record(path) for path in (root / study / scale).glob("*.json")]
    return sorted(found, key=lambda record: (record.arm, record.seed))


def recorded(kind: type, scale: str, root: Path = RESULTS) -> dict[Hashable, list[Record]]:
    """The records of each experiment of class `kind` that any study has run at `scale`.

    Two configurations are the same where they are equal as objects: a field that joined since the
    run has its default. Raises ValueError naming the file and field where a record's configuration
    is none of `kind`'s any more, or a number is none that it can have found.
    """
    found: dict[Hashable, list[Record]] = {}
    for path in sorted(root.glob(f"*/{scale}/*.json")):
        record = read_record(path)
        if record.kind == kind.kind:  # type: ignore[attr-defined]
            state = path.stat()
            experiment = _experiment(kind, path, state.st_mtime_ns, state.st_size)
            found.setdefault(experiment, []).append(record)
    return found


@lru_cache(maxsize=8192)
def _experiment(kind: type, path: Path, changed: int, size: int) -> Any:
    record = _read(path, changed, size)
    for name in ("metrics", "rehearsal"):
        for metric, value in getattr(record, name).items():
            if said := misplaced(kind, metric, value):
                raise ValueError(f"{path}: {name}.{said}; delete it and run the study again")
    try:
        return from_plain(kind, record.config)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: its configuration is no {record.kind!r} experiment now ({error}); give a "
            "field that was renamed its old name, or delete the record and run it again"
        ) from None


def check_agreement(one: Record, other: Record, first: Path, second: Path) -> None:
    """Raise ValueError where two records of one configuration have different metrics."""
    differing = differences(one.metrics, other.metrics)
    if differing:
        raise ValueError(
            f"{first} and {second} are runs of one configuration, and disagree: metrics."
            f"{differing[0]}; keep one"
        )


def machine(device: str | None) -> tuple[dict[str, str], str]:
    """Versions of what computes, and in words the device that `PretrainConfig.device` leads to."""
    import torch

    versions = {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED}
    if device == "cuda" or (device is None and torch.cuda.is_available()):
        return versions, torch.cuda.get_device_name()
    return versions, f"cpu ({_cpu_name()}), {torch.get_num_threads()} thread(s)"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    # a name such as "AMD EPYC" is that of many, whose last digits differ
    which = [f"{word} {told[key]}" for word, key in _CPU if key in told]
    return ", ".join([told.get("model name", platform.machine()), *which])


def source_commit() -> tuple[str | None, bool | None]:
    """The commit of the source tree, and whether the package is as it was committed there.

    (None, None) where the package lies in no repository of its own.
    """
    commit = _git("rev-parse", "HEAD")
    tracked = _git("ls-files", "--", "__init__.py")
    if not commit or not tracked:
        return None, None
    return commit, not _git("status", "--porcelain", "--", ".")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PACKAGE), *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

"""Records: one JSON file a run, with everything needed to trust it or to run it again."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.configuration import differences
from adainf_core.files import atomic_file

PACKAGE = Path(__file__).resolve().parents[2]
RESULTS = PACKAGE.parent / "results"
SCHEMA = 1
_VERSIONED = ("torch", "torchvision", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class Record:
    """One finished run.

    `config` is the experiment as plain values and `config_hash` its hash; `code` maps each source
    file that decided the run to its hash at the time; `metrics` are accuracies in percent, named
    and explained by `protocols`; `history` is the loss curve; `wall_seconds` covers data to probe,
    in the process that finished it; `finished` is a UTC time (early records have its date alone).
    `schema` numbers this layout.
    """

    study: str
    scale: str
    arm: str
    seed: int
    config: dict
    config_hash: str
    code: dict[str, str]
    versions: dict[str, str]
    device: str
    wall_seconds: float
    finished: str
    beta: float
    metrics: dict[str, float]
    protocols: dict[str, str]
    history: list[dict[str, float]]
    schema: int = SCHEMA

    @property
    def stale(self) -> list[str]:
        """Source files that have changed since the run, comments and docstrings apart."""
        return [path for path, then in self.code.items() if _source_hash(path) != then]


def record_path(study: str, scale: str, arm: str, seed: int, root: Path = RESULTS) -> Path:
    """Where the record of a run lives: root/study/scale/arm-seed.json."""
    return root / study / scale / f"{arm}-{seed}.json"


def path_of(record: Record, root: Path = RESULTS) -> Path:
    """The place of `record`: see `record_path`."""
    return record_path(record.study, record.scale, record.arm, record.seed, root)


def write_record(record: Record, root: Path = RESULTS) -> Path:
    """Write `record` to its place, whole or not at all, and return the path."""
    path = path_of(record, root)
    with atomic_file(path) as file:
        file.write((json.dumps(asdict(record), indent=1) + "\n").encode())
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
    """The sample images of a study, in the order they were written."""
    with np.load(root / study / scale / "pictures.npz", allow_pickle=False) as pictures:
        return dict(pictures)


def read_record(path: Path) -> Record:
    """The record in `path`; ValueError naming the file and field where it is not sound."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON ({error}); delete it and run the study again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds no record; delete it and run the study again")
    schema = content.get("schema")
    if schema != SCHEMA:
        raise ValueError(
            f"{path}: schema {schema!r}, this version reads {SCHEMA}; update adainf_core"
        )
    names = {field.name for field in fields(Record)}
    for what, odd in (("lacks", names - content.keys()), ("has unknown", content.keys() - names)):
        if odd:
            raise ValueError(f"{path}: {what} field {sorted(odd)[0]!r}; run the study again")
    record = Record(**content)
    _check_types(path, record)
    if config_hash(record.config) != record.config_hash:
        raise ValueError(f"{path}: config does not match config_hash; it was edited by hand")
    return record


def _check_types(path: Path, record: Record) -> None:
    """Raise ValueError, naming file and field, for a value that no run could have written."""
    for name, kind in (
        ("study", str), ("scale", str), ("arm", str), ("seed", int), ("config", dict),
        ("code", dict), ("versions", dict), ("device", str), ("wall_seconds", (int, float)),
        ("finished", str), ("beta", (int, float)), ("metrics", dict), ("protocols", dict),
        ("history", list),
    ):  # fmt: skip
        value = getattr(record, name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{path}: {name}={value!r} is of the wrong type; run the study again")
    for name, number in record.metrics.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
            raise ValueError(f"{path}: metrics.{name}={number!r} is no number; run it again")
    if path.stem != f"{record.arm}-{record.seed}":
        raise ValueError(
            f"{path}: holds arm {record.arm!r}, seed {record.seed}; its name has to say the same"
        )


def load_records(study: str, scale: str, root: Path = RESULTS) -> list[Record]:
    """All records of a study at a scale, sorted by arm and seed (empty where there are none).

    Those in its own folder; `running.study_records` also finds what other studies have run.
    """
    found = [read_record(path) for path in (root / study / scale).glob("*.json")]
    return sorted(found, key=lambda record: (record.arm, record.seed))


def records_by_config(scale: str, root: Path = RESULTS) -> dict[str, Record]:
    """The record of each configuration that any study has run at `scale`, by `config_hash`.

    Of runs under different code, one of the code as it is now. Raises ValueError where two records
    of one configuration and code disagree, naming both.
    """
    found: dict[str, tuple[Path, Record]] = {}
    for path in sorted(root.glob(f"*/{scale}/*.json")):
        record = read_record(path)
        first, known = found.setdefault(record.config_hash, (path, record))
        if all(record.code.get(file, then) == then for file, then in known.code.items()):
            check_agreement(known, record, first, path)
        if known.stale and not record.stale:
            found[record.config_hash] = path, record
    return {digest: record for digest, (_, record) in found.items()}


def check_agreement(one: Record, other: Record, first: Path, second: Path) -> None:
    """Raise ValueError where two records of one configuration have different metrics."""
    differing = differences(one.metrics, other.metrics)
    if differing:
        raise ValueError(
            f"{first} and {second} are runs of one configuration, and disagree: metrics."
            f"{differing[0]}; keep one"
        )


def provenance(records: list[Record]) -> str:
    """One line on where the numbers of a figure come from: runs, machine, versions, freshness."""
    if not records:
        raise ValueError("no records to speak of: run the study first")
    days = sorted({record.finished[:10] for record in records})
    stale = sorted({path for record in records for path in record.stale})
    versions = sorted(
        {f"torch {r.versions['torch']}, Python {r.versions['python']}" for r in records}
    )
    return (
        f"{len(records)} runs of `{records[0].study}` at scale `{records[0].scale}`, "
        f"{days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}, "
        f"{', '.join(sorted({record.device for record in records}))}, "
        f"{'; '.join(versions)}, "
        f"{sum(record.wall_seconds for record in records) / 60:.0f} minutes in all; "
        + (f"**stale**: {', '.join(stale)} changed since" if stale else "code unchanged since")
    )


def config_hash(config: dict) -> str:
    """Hash of a configuration's plain values, whatever the order of its keys."""
    return _digest(json.dumps(config, sort_keys=True))


def code_hashes(paths: tuple[str, ...]) -> dict[str, str]:
    """Hash of each file (path relative to the package); of Python without comments and docstrings.

    "file.py:Name" is the class or function called so in it, alone. Other files, such as weights,
    count byte by byte.
    """
    return {path: _source_hash(path) for path in paths}


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
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@lru_cache
def _source_hash(path: str) -> str:
    file, _, name = path.partition(":")
    if not (PACKAGE / file).is_file():
        return "absent"
    if not file.endswith(".py"):
        return hashlib.sha256((PACKAGE / file).read_bytes()).hexdigest()[:16]
    tree: ast.AST = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    if name:
        found = [node for node in ast.iter_child_nodes(tree) if getattr(node, "name", "") == name]
        if not found:
            return "absent"
        tree = found[0]
    return _digest(_bones(tree))


def _bones(node: object) -> str:
    """The syntax tree in words, docstrings left out, alike in every Python version."""
    if isinstance(node, list):
        return "[" + ",".join(map(_bones, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(value, list) and value and _is_docstring(value[0]):
            value = value[1:]
        if value not in (None, []) and name not in ("kind", "type_comment"):
            parts.append(f"{name}={_bones(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

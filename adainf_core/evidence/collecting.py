"""Runs made on another machine: packed there, merged here."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from adainf_core.configuration import differences, to_plain
from adainf_core.evidence.registration import registrations
from adainf_core.evidence.runs.freshness import is_fresh, replays
from adainf_core.evidence.runs.kept_encoders import check_kept, is_kept
from adainf_core.evidence.runs.one_run import UNFINISHED
from adainf_core.evidence.runs.records import (
    RESULTS,
    Record,
    check_agreement,
    path_of,
    read_record,
    recorded,
    write_record,
)
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.files import atomic_file

#: Bytes of a piece of a checkpoint or encoder: what most ways of carrying files let through.
PIECE = 15 * 2**20
_RECORDS = "[!.]*/*/*.json"
_CHECKPOINTS, _ENCODERS = f"{UNFINISHED}/*/*/*.pt", "[!.]*/*/*.safetensors"


@dataclass(frozen=True)
class Collected:
    """How many records were new or here already, and the checkpoints and encoders put in place."""

    new: int
    known: int
    unfinished: int
    encoders: int = 0


def pack(folder: Path, root: Path = RESULTS) -> list[Path]:
    """Copy what `root` holds into `folder`, checkpoints and encoders in pieces; the files written.

    Records keep their places; no file is larger than `PIECE`, and each is written whole or not at
    all. Raises ValueError, before anything is written, for a damaged one, and OSError with path and
    remedy on a full disk.
    """
    written, records = [], sorted(root.glob(_RECORDS))
    for path in records:
        read_record(path)
    waiting = sorted((root / UNFINISHED).rglob("*.pt"))
    for path in waiting:
        _check_whole(path, path.read_bytes())
    # one without a record is of a run that ends just now
    kept = [path for path in sorted(root.glob(_ENCODERS)) if path.with_suffix(".json").is_file()]
    for path in kept:
        check_kept(path, path.read_bytes())
    lists = (("registrations.json", registrations), ("replays.json", replays))
    listed = [root / name for name, read in lists if read(root)]
    for path in (*records, *listed):
        target = folder / path.relative_to(root)
        with atomic_file(target) as file:
            file.write(path.read_bytes())
        written.append(target)
    for kind in (_CHECKPOINTS, _ENCODERS):
        for old in folder.glob(f"{kind}.*"):  # of a longer one, perhaps
            old.unlink()
    for path in (*waiting, *kept):
        pieces = -(-path.stat().st_size // PIECE)
        with path.open("rb") as source:
            for number, piece in enumerate(iter(lambda: source.read(PIECE), b""), 1):
                target = folder / path.relative_to(root)
                target = target.with_name(f"{target.name}.{number:03d}-of-{pieces:03d}")
                with atomic_file(target) as file:
                    file.write(piece)
                written.append(target)
    return written


def collect(folder: Path, root: Path = RESULTS) -> Collected:
    """Merge what was packed in `folder` into `root`; twice is as good as once.

    Raises ValueError, before anything is written, for a checkpoint or encoder that is damaged, and
    for a record that is, or out of its place, of an unknown study or of another configuration than
    the study has now, or that disagrees with one of the same configuration that is here, under
    whichever study; FileNotFoundError where there is nothing to collect. A checkpoint that is here
    already, or lacks a piece, is left alone, and so is an encoder of which no record here speaks.
    """
    found = sorted(folder.glob(_RECORDS))
    pieces, encoders = (
        sorted(folder.glob(f"{kind}.001-of-*")) for kind in (_CHECKPOINTS, _ENCODERS)
    )
    if not found and not pieces:
        raise FileNotFoundError(f"{folder}: no records (STUDY/SCALE/ARM-SEED.json) to collect")
    for first in pieces:
        if content := _joined(first):
            _check_whole(first, content)
    for first in encoders:
        if content := _joined(first):
            check_kept(first.with_suffix(""), content)
    new, known = [], 0
    for path in found:
        record, experiment = _checked(path, folder)
        for same in recorded(type(experiment), record.scale, root).get(experiment, []):
            if same.code == record.code:
                check_agreement(same, record, path_of(same, root), path)
        kept = path_of(record, root)
        # a fresh run takes the place of one whose code has changed since
        if kept.is_file() and (
            not is_fresh(record, experiment, folder)
            or is_fresh(read_record(kept), experiment, root)
        ):
            known += 1
        else:
            new.append(record)
    for record in new:
        write_record(record, root)
    unfinished = sum(_join(first, folder, root) for first in pieces)
    joined = sum(_join_encoder(first, folder, root) for first in encoders)
    return Collected(len(new), known, unfinished, joined)


def _checked(path: Path, folder: Path) -> tuple[Record, Any]:
    record = read_record(path)
    if path != path_of(record, folder):
        raise ValueError(
            f"{path}: says it is {record.name} of {record.study} at {record.scale}; "
            "its place has to say the same"
        )
    try:
        now = named_study(record.study).experiment(record.scale, record.arm, record.seed)
    except ValueError as error:  # a study, scale or arm that there is not
        raise ValueError(f"{path}: {error}") from None
    if now not in recorded(type(now), record.scale, folder):
        differing = differences(record.config, to_plain(now))
        raise ValueError(
            f"{path}: ran under another configuration than the study has now "
            f"({', '.join(differing[:2])}): it is of another version of the study"
        )
    return record, now


def _check_whole(path: Path, content: bytes) -> None:
    """ValueError where the checkpoint at `path` cannot be read."""
    from adainf_core.tensor_files import tensors_in

    tensors_in(BytesIO(content), path)


def _joined(first: Path) -> bytes:
    """What begins with the piece `first`; nothing where a piece lacks."""
    count = int(first.suffix[-3:])
    parts = [first.with_suffix(f".{number:03d}-of-{count:03d}") for number in range(1, count + 1)]
    return b"".join(map(Path.read_bytes, parts)) if all(map(Path.is_file, parts)) else b""


def _join(first: Path, folder: Path, root: Path) -> bool:
    """Put a checkpoint together; False where a piece lacks or there is one here already."""
    target = root / first.relative_to(folder).with_suffix("")
    if target.exists() or not (content := _joined(first)):
        return False
    with atomic_file(target) as file:
        file.write(content)
    return True


def _join_encoder(first: Path, folder: Path, root: Path) -> bool:
    """Put an encoder together; False where no record here speaks of it, or it is here already."""
    target, content = root / first.relative_to(folder).with_suffix(""), _joined(first)
    if not is_kept(target, content) or (target.is_file() and target.read_bytes() == content):
        return False
    with atomic_file(target) as file:
        file.write(content)
    return True

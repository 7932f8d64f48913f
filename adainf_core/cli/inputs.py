"""What a command is given to read, looked at before it begins.

A path that is not there, is empty, closed to us or of another sort, and a file of ours that another
command takes, each is one line that says so and names what may stand there.
"""

from __future__ import annotations

import argparse
import json
import os
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from adainf_core.cli.image_sets import check_named
from adainf_core.data.sources import ARCHIVES


class Kind(NamedTuple):
    """A kind of file or folder that the commands write, and in words what takes it."""

    what: str
    taken: str


class Accepted(NamedTuple):
    """What an argument takes: in words, as a `named` remedy, and the kinds of ours among it."""

    what: str
    named: str
    kinds: tuple[Kind, ...] = ()
    file: bool = True  # an own file of no kind that is known here
    folder: bool = True
    to_be: bool = False  # it may be missing or empty: the command makes it


CHECKPOINT = Kind("a checkpoint of adainf pretrain", "adainf probe and adainf compare take it")
TRAINING = Kind(
    "a checkpoint of adainf generate train",
    "the same adainf generate train goes on with it, and adainf generate sample takes its model",
)
PREDICTIONS = Kind("a file of predictions by adainf probe", "adainf compare takes it")
RECORD = Kind("a record of a run", "adainf compare takes it")
DESIGN = Kind(
    "the design of adainf plan",
    "its records are the .json files in the folders beside it, which adainf compare takes",
)
REGISTRATION = Kind("the registration of claims", "adainf claims show --results takes its folder")
REPLAYS = Kind("the list of replayed runs", "adainf study status --results takes its folder")
COMPARISON = Kind("a report of adainf compare", "no command reads it")
GAP = Kind("a report of adainf gap", "no command reads it")
PLAN = Kind("a report of adainf plan", "no command reads it")
PAGE = Kind("a page of adainf gap or adainf plan", "a browser shows it")
TABLE = Kind("a table of adainf compare", "no command reads it")
META = Kind("a part of a store of generated images", "name its folder")
STORE = Kind(
    "a store of generated images",
    "adainf gap and adainf plan take it as GENERATED, adainf pretrain as --generated",
)
MODEL = Kind(
    "a diffusion model", "adainf generate sample and vary take it, and adainf probe its features"
)
RECORDS = Kind(
    "a folder of records",
    "adainf study and adainf claims take it as --results, adainf compare the files in it",
)

_IMAGES = "an npz archive, an npy file or a folder of images"
SET = Accepted("set of images", f"{_IMAGES}, or a set by name (adainf data list)")
SHOWN = SET._replace(kinds=(STORE,))
GENERATED = Accepted("set of generated images", f"a store of generated images, {_IMAGES}", (STORE,))
SOURCE = GENERATED._replace(named=_IMAGES)
STORED = Accepted(
    "store of generated images", "a folder made by adainf generate import", (STORE,), file=False
)
SAMPLED = Accepted("diffusion model", "a folder made by adainf generate train", (MODEL,))
TRAINED = Accepted("run to probe", "a checkpoint of adainf pretrain", (CHECKPOINT,), folder=False)
PROBED = TRAINED._replace(
    named="a checkpoint of adainf pretrain, or the folder of a diffusion model",
    kinds=(CHECKPOINT, MODEL),
)
COMPARED = Accepted(
    "run",
    "a checkpoint of adainf pretrain, predictions by adainf probe or a record",
    (CHECKPOINT, PREDICTIONS, RECORD),
)
KEPT = TRAINED._replace(to_be=True)
RESULTS = Accepted("folder of records", "a folder of records", (RECORDS,), file=False, to_be=True)

#: What the arguments of each command take, by their names.
READ: dict[str, dict[str, Accepted]] = {
    "data": {"name": SHOWN},
    "generate": {"dataset": SET, "real": SET, "name": SHOWN, "source": SOURCE,
                 "generator": SAMPLED, "model": SAMPLED, "generated": GENERATED},
    "gap": {"real": SET, "generated": GENERATED, "held_out": SET, "extractor": TRAINED},
    "pretrain": {"dataset": SET, "generated": STORED, "pairs": STORED, "checkpoint": KEPT},
    "probe": {"checkpoint": PROBED, "dataset": SET, "test": SET},
    "compare": {"files": COMPARED, "against": COMPARED, "dataset": SET, "test": SET},
    "plan": {"real": SET, "generated": GENERATED, "labels": SET, "test": SET, "records": RESULTS},
    "study": {"folder": RESULTS, "results": RESULTS},
    "claims": {"results": RESULTS},
}  # fmt: skip
# what stands there without a dash before it, where another command has an option of the name; an
# action of a command may say its own
_ARGUMENTS = {"data": "name", "generate": "dataset name source generator", "gap": "real generated",
              "probe": "checkpoint", "compare": "files", "plan": "real generated",
              "study": "folder"}  # fmt: skip
_EXTRACTOR = "ssl_encoder:"
_MOST_JSON = 2**26  # bytes of a file that is parsed to see what it is
_FEW = 8  # entries of a folder that are looked at


def check_inputs(options: argparse.Namespace) -> None:
    """ValueError or OSError in one line for what an option or argument cannot read."""
    for name, accepted in READ.get(options.command, {}).items():
        given: Any = getattr(options, name, None)
        if name == "extractor":
            given = given.removeprefix(_EXTRACTOR) if given.startswith(_EXTRACTOR) else None
        shown = name.upper()
        if name not in getattr(options, "arguments", _ARGUMENTS.get(options.command, "")).split():
            shown = f"--{name.replace('_', '-')}"
        for one in given if isinstance(given, list) else [given]:
            if one is not None:
                _check(Path(one), shown, accepted)


def _check(path: Path, shown: str, accepted: Accepted) -> None:
    if not path.exists():
        _check_missing(path, shown, accepted)
        return
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise PermissionError(f"{shown}: {path} is closed to you: its owner has to let you read it")
    kind = kind_of(path)
    if kind in accepted.kinds:
        return
    if kind is not None:
        raise ValueError(f"{shown}: {path} is {kind.what}, no {accepted.what}: {kind.taken}")
    if path.is_dir():
        if not accepted.folder:
            raise ValueError(f"{shown}: {path} is a folder: name {accepted.named}")
    elif not accepted.file:
        raise ValueError(f"{shown}: {path} is a file: name {accepted.named}")
    elif not path.stat().st_size and path.is_file() and not accepted.to_be:
        raise ValueError(f"{shown}: {path} is empty: name {accepted.named}")
    elif _IMAGES in accepted.named and path.suffix not in ARCHIVES:
        raise ValueError(
            f"{shown}: {path} is a file, and no npz archive or npy file: name {accepted.named}"
        )


def _check_missing(path: Path, shown: str, accepted: Accepted) -> None:
    """Of runs the commands say it themselves; what is sampled may be shipped, or on the hub."""
    if accepted in (SET, SHOWN):
        check_named(**{shown.lstrip("-"): str(path)})
    elif accepted in (GENERATED, SOURCE):
        raise FileNotFoundError(
            f"{shown}: there is no file or folder {path}: name {accepted.named}"
        )


# ---- what there is


def kind_of(path: Path) -> Kind | None:
    """Which of the kinds of files that the commands write is at `path`, None for any other.

    It is told by names, the members of an archive and the fields of JSON; nothing is unpickled.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        return None
    if zipfile.is_zipfile(path):
        return _of_archive(path)
    ending = path.suffix.lower()
    if ending == ".json" and path.stat().st_size <= _MOST_JSON:
        return _of_json(path)
    if ending in (".html", ".csv"):
        with path.open("rb") as file:
            start = file.read(2**10)
        if ending == ".html":
            return PAGE if b"color-scheme: light dark" in start else None
        return TABLE if start.startswith(b"side,reference,protocol,") else None
    return None


def _of_folder(path: Path) -> Kind | None:
    if (path / "meta.json").is_file():
        return STORE
    if (path / "model_index.json").is_file():
        return MODEL
    studies = (folder for folder in _entries(path) if folder.is_dir())
    scales = (scale for study in studies for scale in _entries(study) if scale.is_dir())
    files = (file for scale in scales for file in _entries(scale) if file.suffix == ".json")
    return RECORDS if any(_of_json(file) is RECORD for file in islice(files, _FEW)) else None


def _entries(folder: Path) -> Iterator[Path]:
    """A few of what is in a folder; nothing where it is closed to us."""
    try:
        with os.scandir(folder) as entries:
            yield from map(Path, islice(entries, _FEW))
    except OSError:
        return


def _of_archive(path: Path) -> Kind | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if {"about.npy", "counted.npy"} <= set(names):
                return PREDICTIONS
            pickled = next((name for name in names if name.endswith("/data.pkl")), None)
            if pickled is None:
                return None
            content = archive.read(pickled)  # names and shapes: the tensors lie beside it
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError):
        return None  # damaged: reading it will say how
    if b"unet" in content and b"average" in content:
        return TRAINING
    return CHECKPOINT if all(word in content for word in (b"optimizer", b"classifier")) else None


def _of_json(path: Path) -> Kind | None:
    named = {"design.json": DESIGN, "registrations.json": REGISTRATION, "replays.json": REPLAYS}
    if path.name in named:
        return named[path.name]
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    for fields, kind in (
        ("study scale arm seed metrics", RECORD),
        ("protocol sides differences", COMPARISON),
        ("extractor sentences checks rows", GAP),
        ("recipe earned scores", PLAN),
        ("schema shape crc32", META),
    ):
        if set(fields.split()) <= content.keys():
            return kind
    return None

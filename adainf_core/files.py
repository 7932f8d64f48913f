"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears at `path` when the block ends well, and not at all otherwise.

    It is on the disk before it takes the name, so that a crash leaves the old file or the new one.
    Folders above it are made. On a full disk OSError names the path and the remedy.
    """
    partial = _partial(path)
    with _full_disk_names(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _flush(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that appears at `path` when the block ends well, and not at all otherwise.

    Raises FileExistsError where `path` is taken, even by an empty folder, before the block and (by
    another process) after it. On a full disk OSError names the path and the remedy.
    """
    _refuse_taken(path)
    partial = _partial(path)
    with _full_disk_names(path):
        try:
            partial.mkdir(parents=True)
            yield partial
            for content in partial.iterdir():
                _flush(content)
            _refuse_taken(path)  # rename would replace an empty folder
            try:
                partial.rename(path)
            except OSError:
                _refuse_taken(path)
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _flush(path.parent)


def remove_partials(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; for files that have one writer."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        partial.unlink(missing_ok=True)


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} is there already: delete it or choose another place")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _full_disk_names(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise OSError(
            error.errno,
            f"could not write {path} ({os.strerror(error.errno)}), and left nothing behind: "
            "free some space or choose another place",
        ) from None

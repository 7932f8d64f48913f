"""Files and folders that appear whole or not at all, and have one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

#: What an output may be: a file; a folder that is made whole; one that others write to as well.
Kind = Literal["file", "new folder", "shared folder"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_mine = threading.local()  # what this thread has claimed


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears at `path` when the block ends well, and not at all otherwise.

    It is on the disk before it takes the name, so that a crash leaves the old file or the new one.
    Folders above it are made, and what killed writers of `path` left is removed. On a full disk
    OSError names the path and the remedy.
    """
    partial = _partial(path)
    with _errors_name(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_partials(path)
        try:
            with open(_begun(partial), "wb") as file:
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
    another process) after it. What killed writers of `path` left is removed. On a full disk OSError
    names the path and the remedy.
    """
    _refuse_taken(path)
    partial = _partial(path)
    with _errors_name(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_partials(path)
        handle = _begun(partial, folder=True)
        try:
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
            os.close(handle)
        _flush(path.parent)


@contextmanager
def claim_output(path: Path, kind: Kind) -> Iterator[None]:
    """Hold `path` as a place to write to while the block runs, tried out before it begins.

    A "file" may be there, to be replaced or gone on with, a "new folder" may not; either has this
    thread for its only writer, and what killed writers left of it is removed. A "shared folder" is
    tried out alone. Folders above are made, and taken back where the block leaves them empty. A
    claim within a claim of the same thread is granted; one that a dead process held is free.

    Raises OSError in one line that begins with the path: of the wrong kind, not to be written, or
    (BlockingIOError) being written by another, which is named.
    """
    with _unwritable_names(path):
        _refuse_wrong_kind(path, kind)
    place = path if kind == "shared folder" else path.parent
    name = str(path.parent.resolve() / path.name)
    claimed: set[str] = _mine.__dict__.setdefault("claimed", set())
    if name in claimed:
        yield
        return
    made = [folder for folder in (place, *place.parents) if not folder.exists()]
    lock: int | None = None
    try:
        with _unwritable_names(path):
            place.mkdir(parents=True, exist_ok=True)
            _try_writing(place / path.name)
            if kind != "shared folder":
                lock = _locked_by_us(path)
        if lock is not None:
            claimed.add(name)
            remove_partials(path)
        yield
    finally:
        claimed.discard(name)
        if lock is not None:
            _lock_file(path).unlink(missing_ok=True)
            os.close(lock)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def remove_partials(path: Path) -> None:
    """Remove what killed writers of `path` left beside it, and nothing of one that is alive."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with suppress(OSError):
            handle = _locked(partial, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if handle is None:
                continue
            try:
                if partial.is_dir():
                    shutil.rmtree(partial)
                else:
                    partial.unlink()
            finally:
                os.close(handle)


def _refuse_wrong_kind(path: Path, kind: Kind) -> None:
    above = next((part for part in path.parents if os.path.lexists(part)), Path())
    if not above.is_dir():
        raise NotADirectoryError(
            f"{path} cannot be made, for {above} is a file: name another place"
        )
    if kind == "new folder":
        _refuse_taken(path)
    elif kind == "shared folder" and path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file: name a folder")
    elif kind == "file" and path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file")
    elif kind == "file" and path.exists() and not path.is_file():
        raise OSError(f"{path} is no plain file, and would be replaced: name another")


def _try_writing(path: Path) -> None:
    """OSError where no file can be made beside `path`; the longest name that it needs is tried."""
    trial = _partial(path)
    os.close(_begun(trial))
    trial.unlink(missing_ok=True)


def _locked_by_us(path: Path) -> int | None:
    """The handle that holds the lock of `path`, None where the file system has no locks."""
    place = _lock_file(path)
    try:
        lock = _locked(place, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return None
    if lock is None:
        owner = place.read_text(errors="replace") if place.is_file() else ""
        raise BlockingIOError(
            f"{path} is being written by {owner or 'another process'}: wait until it has ended, "
            "or name another place"
        )
    with suppress(OSError):  # on a full disk the lock holds without a name
        os.truncate(lock, 0)
        os.write(lock, f"process {os.getpid()} on {socket.gethostname()}".encode())
    return lock


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _locked(path: Path, flags: int) -> int | None:
    """A handle of the file or folder at `path` under an exclusive lock, None where another has it.

    The lock ends with the handle, or with the process. A file that was removed between opening and
    locking guards nothing: what is there now is taken.
    """
    while True:
        handle = os.open(path, flags, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_ino == os.stat(path).st_ino:
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _begun(partial: Path, folder: bool = False) -> int:
    """A handle of a new file or folder, locked for as long as its writer lives."""
    flags = os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT | os.O_EXCL
    while True:
        if folder:
            partial.mkdir()
        try:
            handle = os.open(partial, flags, 0o666)
        except FileNotFoundError:
            if not (folder and partial.parent.is_dir()):
                raise
            continue  # taken for a dead writer's before it was opened
        with suppress(OSError):  # a file system without locks, where nothing is removed either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if partial.exists():
            return handle
        os.close(handle)  # or before it was locked


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
def _unwritable_names(path: Path) -> Iterator[None]:
    """Errors of the system name `path`, not what is tried beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(f"{path} cannot be written ({error.strerror}): name another place") from None


@contextmanager
def _errors_name(path: Path, partial: Path) -> Iterator[None]:
    """Errors of the disk, and those of the system about `partial`, name `path`."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno or 0)
        if error.errno in _FULL:
            raise OSError(
                error.errno,
                f"could not write {path} ({why}), and left nothing behind: free some space or "
                "choose another place",
            ) from None
        if error.errno is None or str(error.filename) != str(partial):
            raise
        raise OSError(
            error.errno, f"could not write {path} ({why}): choose another place"
        ) from None

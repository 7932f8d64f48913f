"""The file of a store that grows: one writer at a time, and room before anything is written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adainf_core.files import remove_partials

LOCK = ".lock"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def locked_images(folder: Path) -> Iterator[BinaryIO]:
    """Open images.npy in `folder` under an exclusive lock, held until block or process ends.

    Folder and file are made where they are not there yet. Raises BlockingIOError while another
    process holds the lock, FileExistsError for a folder without a description that holds anything
    else, OSError naming the folder where it cannot be written.
    """
    from filelock import FileLock, Timeout

    if not (folder / "meta.json").is_file() and folder.exists():
        others = [
            content.name
            for content in (folder.iterdir() if folder.is_dir() else [folder])
            if content.name not in ("images.npy", LOCK) and not content.name.endswith(".partial")
        ]
        if others:
            raise FileExistsError(
                f"{folder} is no store of images ({others[0]} is there): choose another place"
            )
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BlockingIOError(
            errno.EAGAIN,
            f"{folder} is being filled by another process: wait, or choose another place",
        ) from None
    except OSError as error:  # it names the lock, which nobody asked for
        raise OSError(
            error.errno,
            f"could not write {folder} ({os.strerror(error.errno or 0)}): choose another place",
        ) from None
    try:
        handle = os.open(folder / "images.npy", os.O_RDWR | os.O_CREAT, 0o666)
        with open(handle, "r+b") as file:
            remove_partials(folder / "meta.json")
            yield file
    finally:
        lock.release()


def lengthen(folder: Path, file: BinaryIO, had: int, needed: int) -> None:
    """Reserve `needed` bytes for a file in `folder` that has `had`; OSError if there is no room."""
    if needed <= had:
        return
    # asked first, for reserving what is not there would fill the disk before it fails
    if needed - had > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    try:
        os.posix_fallocate(file.fileno(), had, needed - had)
    except (AttributeError, OSError) as error:
        if getattr(error, "errno", None) in FULL:
            raise
        file.truncate(needed)  # a system that cannot reserve: at least the length

"""Arrays in npz archives and npy files, read piece by piece and never unpickled."""

from __future__ import annotations

import errno
import lzma
import math
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from adainf_core.data.folder_files import SUFFIXES, few

_CHUNK_BYTES = 2**23
_FEW = 100  # members of an archive of arrays; a zip of files may have a million
_NPY = b"\x93NUMPY"


@dataclass(frozen=True)
class StoredArray:
    """An array of `shape` and `dtype` in an archive or an npy file, not read yet.

    `member` is its name in the archive, None in an npy file. `identity` changes with its values.
    """

    path: Path
    member: str | None
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    identity: str

    def blocks(self) -> Iterator[np.ndarray]:
        """The array a few megabytes at a time, cut along its first axis, in C order.

        Raises ValueError naming the file where it is damaged.
        """
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, _CHUNK_BYTES // max(1, row))
        with naming_damage(self.path), _opened(self.path, self.member) as file:
            read_header(self.path, file)
            if self.fortran:
                yield from self._gathered(file, step)
            else:
                for start in range(0, self.shape[0], step):
                    count = min(step, self.shape[0] - start)
                    values = np.frombuffer(read_exactly(file, count * row), self.dtype)
                    yield values.reshape(count, *self.shape[1:])
            file.read(1)  # the end of the member, where its checksum is compared

    def _gathered(self, file: IO[bytes], step: int) -> Iterator[np.ndarray]:
        """What lies in Fortran order, by way of a temporary file."""
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(file, spool, _CHUNK_BYTES)
            spool.flush()
            array = np.memmap(spool, self.dtype, "r", shape=self.shape, order="F")
            for start in range(0, self.shape[0], step):
                yield np.ascontiguousarray(array[start : start + step])

    def read(self) -> np.ndarray:
        """The whole array, in memory."""
        blocks = list(self.blocks())
        return np.concatenate(blocks) if blocks else np.empty(self.shape, self.dtype)


def is_npy(path: Path) -> bool:
    """Whether `path` is a single array (np.save) and no archive of them (np.savez)."""
    with path.open("rb") as file:
        return file.read(len(_NPY)) == _NPY


def array_names(path: Path) -> dict[str, str]:
    """The members of an archive by the name of their array, which may lack the ending .npy."""
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        members = archive.namelist()
        for info in archive.infolist()[:_FEW]:
            archive.open(info).close()  # where its name is compared with the member's own
    pictures = [name for name in members if Path(name).suffix.lower() in SUFFIXES]
    if pictures:
        raise ValueError(
            f"{path} is a zip of image files ({few(pictures)}): unpack it and name the folder"
        )
    return {name.removesuffix(".npy"): name for name in members}


def stored_array(path: Path, member: str | None = None) -> StoredArray:
    """The array `member` of an archive, or that of an npy file; ValueError where it is damaged."""
    if member is None:
        status = path.stat()
        size, identity = status.st_size, f"npy, {status.st_size} bytes, time {status.st_mtime_ns}"
    else:
        with naming_damage(path), zipfile.ZipFile(path) as archive:
            info = archive.getinfo(member)
        size = info.file_size
        identity = f"{member}, {size} bytes, CRC-32 {info.CRC:08x}"
    with naming_damage(path), _opened(path, member) as file:
        shape, fortran, dtype = read_header(path, file)
        if min(shape, default=0) < 0:
            raise ValueError(f"{path} holds no readable array (shape {shape}): save it again")
        surplus = size - file.tell() - math.prod(shape) * dtype.itemsize
        if surplus and not dtype.hasobject:
            raise EOFError(f"{abs(surplus)} bytes {'short' if surplus < 0 else 'too many'}")
    return StoredArray(path, member, shape, fortran, dtype, identity)


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    if member is None:
        with path.open("rb") as file:
            yield file
    else:
        with zipfile.ZipFile(path) as archive, archive.open(member) as inside:
            yield inside


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Context manager: what a damaged archive raises becomes a ValueError naming `path`."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,
        OSError,
    ) as error:
        # RuntimeError: a member under a password, or packed in a way that is not known; OSError: a
        # place before the file, or what bz2 cannot unpack
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        kind = "npy file" if path.suffix == ".npy" else "npz archive"
        raise ValueError(
            f"{path} is truncated or no {kind} ({error}): copy or download it again"
        ) from None


def read_header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and dtype of the array in an open member."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        return read(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
    except (ValueError, tokenize.TokenError) as error:
        raise ValueError(f"{path} holds no readable array ({error}): save it again") from None


def read_exactly(file: IO[bytes], count: int) -> bytes:
    """The next `count` bytes; EOFError where there are fewer."""
    content = file.read(count)
    if len(content) < count:
        raise EOFError(f"{count - len(content)} bytes short")
    return content

"""Arrays in .npy files, memory-mapped, and checked against a checksum when first used.

A CRC-32 tells damage (a failing disk, a copy that was cut short), not malice. It stands where the
file is described, or in a line after the values of a file that stands alone, where numpy passes
over it.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import DTypeLike

from adainf_core.data.folder_files import ReadingWarning
from adainf_core.files import atomic_file

#: The remedy for what can be computed again.
REMAKE = "delete it to have it made anew"

_SEAL = b"\nCRC-32 %08x\n"
_SEALED = re.compile(rb"\nCRC-32 ([0-9a-f]{8})\n")
_SEAL_BYTES = len(_SEAL % 0)
_BLOCK_BYTES = 2**20  # stays in a processor's cache between reading and summing
# what this process has checked or spoken of already: files as they were then
_known: set[tuple[object, ...]] = set()


# ---- writing


def npy_header(shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> bytes:
    """What precedes the values of an array of `shape` in an .npy file."""
    buffer = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    layout = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, layout)
    return buffer.getvalue()


def write_npy(
    file: IO[bytes],
    shape: tuple[int, ...],
    chunks: Iterable[np.ndarray],
    dtype: DTypeLike = np.uint8,
) -> int:
    """Write `chunks` of an array of `shape` in numpy's npy format; returns their checksum."""
    file.write(npy_header(shape, dtype))
    total = 0
    for chunk in chunks:
        values = np.ascontiguousarray(chunk, dtype).data
        total = zlib.crc32(values, total)
        file.write(values)
    return total


def write_sealed(
    path: Path,
    shape: tuple[int, ...],
    chunks: Iterable[np.ndarray],
    dtype: DTypeLike = np.uint8,
) -> None:
    """Put an .npy file with its checksum at `path`, whole or not at all (`atomic_file`)."""
    with atomic_file(path) as file:
        total = write_npy(file, shape, chunks, dtype)
        file.write(_SEAL % total)
    take_as_checked(path, memory_map(path, shape, dtype), total)


def checksum(values: np.ndarray, before: int = 0) -> int:
    """CRC-32 of C-contiguous `values`, going on from the checksum of those before them."""
    return zlib.crc32(values.data, before)


# ---- reading


def memory_map(
    path: Path,
    shape: tuple[int | None, ...],
    dtype: DTypeLike = np.uint8,
    *,
    longer: bool = False,
    remedy: str = REMAKE,
) -> np.memmap:
    """Memory-map the array in an .npy file, its values unchecked.

    A side of `shape` that is None may be any. Where the file's array may be `longer`, the beginning
    of it. Raises FileNotFoundError, or ValueError for damage and for another dtype or shape, with
    the `remedy`.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: {remedy}") from None
    except (ValueError, EOFError, OverflowError, tokenize.TokenError) as error:
        raise ValueError(f"{path} is damaged ({error}): {remedy}") from None
    wanted, first = np.dtype(dtype), shape[0]
    fits = (
        array.dtype == wanted
        and array.ndim == len(shape)
        and array.flags.c_contiguous
        and all(
            side in (None, found) for side, found in zip(shape[1:], array.shape[1:], strict=True)
        )
        and (first in (None, len(array)) or (longer and first < len(array)))
    )
    if not fits:
        sides = str(shape).replace("None", "any")
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}, not {wanted} of shape {sides}: "
            f"{remedy}"
        )
    return cast(np.memmap, array[:first])


def sealed(path: Path, shape: tuple[int | None, ...], dtype: DTypeLike = np.uint8) -> np.memmap:
    """What `write_sealed` put at `path`, memory-mapped and checked (`check`).

    Raises the errors of `memory_map`. A file of an earlier version, which carries no checksum, is
    taken with a `ReadingWarning`.
    """
    array = memory_map(path, shape, dtype)
    with path.open("rb") as file:
        file.seek(array.offset + array.nbytes)
        rest = file.read(_SEAL_BYTES + 1)
    if not rest:
        warn_unchecked(path, REMAKE)
        return array
    seal = _SEALED.fullmatch(rest)
    if seal is None:
        raise ValueError(f"{path} is damaged (no checksum after its values): {REMAKE}")
    check(path, array, int(seal[1], 16), REMAKE)
    return array


def check(path: Path, array: np.memmap, expected: int, remedy: str) -> None:
    """ValueError with the `remedy` where a mapped `array` does not have the `expected` checksum.

    Each process looks once at a file, and again when it was written since. The values are read, not
    mapped, so that memory does not fill with them.
    """
    if _use(path, array, expected) in _known:
        return
    found = 0
    for block in _blocks(path, array.offset, array.nbytes):
        found = zlib.crc32(block, found)
    if found != expected:
        raise ValueError(f"{path} is damaged (checksum {found:08x}, not {expected:08x}): {remedy}")
    _known.add(_use(path, array, expected))


def take_as_checked(path: Path, array: np.memmap, checksum: int) -> None:
    """Spare `check` the values that this process has just written and summed."""
    _known.add(_use(path, array, checksum))


def warn_unchecked(path: Path, remedy: str) -> None:
    """Say once a process that a file carries no checksum (`ReadingWarning`)."""
    seen = _state(path)
    if seen not in _known:
        _known.add(seen)
        warnings.warn(
            f"{path} carries no checksum, as an earlier version wrote it: damage would go "
            f"unnoticed; to have one, {remedy}",
            ReadingWarning,
            stacklevel=3,
        )


def _use(path: Path, array: np.memmap, checksum: int) -> tuple[object, ...]:
    return *_state(path), array.offset, array.nbytes, checksum


def _state(path: Path) -> tuple[object, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _blocks(path: Path, start: int, count: int) -> Iterator[memoryview]:
    """The `count` bytes from `start` on, each block to be used before the next is asked for."""
    block = memoryview(bytearray(min(count, _BLOCK_BYTES)))
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while count and (read := file.readinto(block[: min(count, len(block))])):
            yield block[:read]
            count -= read

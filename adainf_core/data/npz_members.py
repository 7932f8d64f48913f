"""Arrays in npz archives, read piece by piece and never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Context manager: what a damaged archive raises becomes a ValueError naming `path`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(
            f"{path} is truncated or no npz archive ({error}): copy or download it again"
        ) from None


def read_header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and dtype of the array in an open member."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        return read(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise ValueError(f"{path} holds no readable array ({error}): save it again") from None


def read_exactly(file: IO[bytes], count: int) -> bytes:
    """The next `count` bytes; EOFError where there are fewer."""
    content = file.read(count)
    if len(content) < count:
        raise EOFError(f"{count - len(content)} bytes short")
    return content


def refuse_dtype(path: Path, file: IO[bytes], dtype: np.dtype) -> None:
    """Say what the first values are, and how to turn them into uint8."""
    if dtype.kind not in "iufb":
        raise ValueError(f"{path}: images are {dtype}, need uint8 in 0..255")
    first = np.frombuffer(file.read(dtype.itemsize * 2**16), dtype).astype(np.float64)
    low, high = (float(first.min()), float(first.max())) if len(first) else (0.0, 0.0)
    if dtype.kind in "iu":
        remedy = "x.astype('uint8')" if 0 <= low <= high <= 255 else "rescaling to 0..255"
    elif low < 0:
        remedy = "(127.5 * (x + 1)).round().astype('uint8')"
    else:
        remedy = f"({'' if high > 1 else '255 * '}x).round().astype('uint8')"
    raise ValueError(
        f"{path}: images are {dtype} from {low:g} to {high:g}, need uint8 in 0..255; convert with "
        f"{remedy}"
    )

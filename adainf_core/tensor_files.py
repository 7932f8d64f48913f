"""Tensors on disk: one file, whole or not there, read without running what it holds."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from adainf_core.files import atomic_file


def write_tensors(content: dict[str, Any], path: Path) -> None:
    """Put `content` (tensors, numbers, strings, lists, dicts) at `path`, whole or not at all.

    An older file is replaced only when the new one is whole. Raises OSError in one line where it
    cannot be written (a full disk); the older stays.
    """
    # through memory: torch's zip writer would turn a full disk into an error of its own
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_file(path) as file:
        file.write(buffer.getbuffer())


def read_tensors(path: Path, kind: str = "checkpoint") -> Any:
    """What `write_tensors` put at `path`, on the CPU.

    Raises FileNotFoundError, or ValueError in one line where the file is damaged or no `kind`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch does not look at checksums
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} fails its checksum")
        return torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        EOFError,
        ValueError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{path} is damaged or no {kind} ({first}): delete it to start afresh"
        ) from None

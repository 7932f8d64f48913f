"""Damage to files, and files as earlier versions wrote them, for the tests of what is noticed."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from adainf_core.data import npy_files

T = TypeVar("T")


def damaged(path: Path, rng: np.random.Generator) -> str:
    """Flip a bit of the file, or zero or invert a stretch of it; says what was done."""
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    before, kind = content.copy(), rng.choice(["flip", "zero", "invert"])
    while (content == before).all():
        start = int(rng.integers(len(content)))
        length = int(rng.integers(1, max(2, len(content) // 4)))
        if kind == "flip":
            content[start] ^= 1 << int(rng.integers(8))
        elif kind == "zero":
            content[start : start + length] = 0
        else:
            content[start : start + length] ^= 255
    path.write_bytes(content)
    npy_files._known.clear()  # a clock may be too coarse for a file that is written again at once
    return f"{kind} at {start}"


def as_written_earlier(folder: Path, images: np.ndarray) -> None:
    """Turn the store of `images` into one without checksums, of 0.8 and before."""
    meta = json.loads((folder / "meta.json").read_text())
    for key in ("crc32", "images_crc32"):
        del meta[key]
    chosen = np.linspace(0, len(images) - 1, min(64, len(images))).astype(np.int64)
    sample = hashlib.blake2b(images[chosen].tobytes(), digest_size=16).hexdigest()
    meta |= {"schema": meta["schema"] - 2, "sample": sample if len(images) else ""}
    (folder / "meta.json").write_text(json.dumps(meta))
    npy_files._known.clear()


def without_seal(path: Path) -> None:
    """Take the checksum from the end of a cached array."""
    path.write_bytes(path.read_bytes()[: -npy_files._SEAL_BYTES])


def outcome(read: Callable[[], T]) -> tuple[T | None, str]:
    """What `read` returns, or the ValueError that it raises."""
    try:
        return read(), ""
    except ValueError as error:
        return None, str(error)

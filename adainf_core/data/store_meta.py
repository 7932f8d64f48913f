"""What meta.json says of a store of generated images: written whole, read and checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

IMPORTED, GROWING = 1, 2  # schemas; the file of a growing store may hold room for more images


def read_meta(folder: Path) -> dict[str, Any]:
    """What meta.json says of the store in `folder`; the errors of `GeneratedImages.open`."""
    described = folder / "meta.json"
    if not described.is_file():
        raise FileNotFoundError(
            f"{folder} holds no generated set (no meta.json): make one with from_npz or from_folder"
        )
    try:
        meta = json.loads(described.read_text(encoding="utf-8"))
        schema = meta["schema"]
        for key in ("name", "shape", "sample", "checks", "channel_order", "real"):
            meta[key]
        for key in ("planned", "origin", "block") if schema == GROWING else ():
            meta[key]
        tuple(meta["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{described} is damaged ({error!r}): delete {folder}") from None
    if schema not in (IMPORTED, GROWING):
        raise ValueError(
            f"{described}: schema {schema!r}, this version reads {IMPORTED} and {GROWING}; update "
            "adainf_core"
        )
    return meta


def as_json(meta: dict[str, Any]) -> bytes:
    """The content of meta.json."""
    return (json.dumps(meta, indent=1) + "\n").encode()


def sample_digest(images: np.ndarray) -> str:
    """Hash of 64 images evenly spaced, the first and the last among them."""
    chosen = np.linspace(0, len(images) - 1, min(64, len(images))).astype(np.int64)
    return hashlib.blake2b(images[chosen].tobytes(), digest_size=16).hexdigest()

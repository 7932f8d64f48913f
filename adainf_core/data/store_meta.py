"""What meta.json says of a store of generated images: written whole, read and checked."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.data import npy_files

#: Schemas; the file of a growing store may hold room for more images.
IMPORTED, GROWING = 3, 4
# those of versions that kept a hash of 64 images in place of checksums
_WITHOUT_CHECKSUMS = {1: IMPORTED, 2: GROWING}


def read_meta(folder: Path) -> dict[str, Any]:
    """What meta.json says of the store in `folder`; the errors of `GeneratedImages.open`."""
    described = folder / "meta.json"
    if not described.is_file():
        raise FileNotFoundError(
            f"{folder} holds no generated set (no meta.json): make one with adainf generate "
            "import, in Python from_npz or from_folder"
        )
    try:
        meta = json.loads(described.read_text(encoding="utf-8"))
        schema = meta["schema"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{described} is damaged ({error!r:.80}): {remake(folder)}") from None
    if type(schema) is not int or not 1 <= schema <= GROWING:
        raise ValueError(
            f"{described}: schema {schema!r:.60}, this version reads 1 to {GROWING}; update "
            f"adainf_core, or, if the file is damaged, {remake(folder)}"
        )
    older = schema in _WITHOUT_CHECKSUMS
    kind = _WITHOUT_CHECKSUMS.get(schema, schema)
    why = _misfit(meta, kind, older)
    if not why and not older and meta.pop("crc32") != _own_checksum(meta):
        why = "it fails its checksum"
    if why:
        raise ValueError(f"{described} is damaged ({why}): {remake(folder)}")
    return meta | {"schema": kind}


def as_json(meta: dict[str, Any]) -> bytes:
    """The content of meta.json, its own checksum added."""
    return (json.dumps(meta | {"crc32": _own_checksum(meta)}, indent=1) + "\n").encode()


def checksum_text(checksum: int) -> str:
    """A CRC-32 as meta.json has it."""
    return f"{checksum:08x}"


def check_images(folder: Path, images: np.memmap, meta: dict[str, Any]) -> None:
    """ValueError where `images` are not those that `meta` was written with, all of them compared.

    Of a store that carries no checksum 64 images are, and a `ReadingWarning` says so.
    """
    path = folder / "images.npy"
    if "images_crc32" in meta:
        npy_files.check(path, images, int(meta["images_crc32"], 16), remake(folder))
        return
    if _sample_digest(images) != meta["sample"]:
        raise ValueError(f"{path} was altered: {remake(folder)}")
    npy_files.warn_unchecked(path, remake(folder))


def with_checksum(meta: dict[str, Any], images: np.ndarray) -> None:
    """Give what an earlier version wrote of `images` their checksum, and its schema no hash."""
    if meta.pop("sample", None) is not None:
        meta["images_crc32"] = checksum_text(npy_files.checksum(images))


def remake(folder: Path) -> str:
    """The remedy for a damaged store, whose files belong together."""
    return f"delete the folder {folder} and make it anew"


def _misfit(meta: dict[str, Any], kind: int, older: bool) -> str:
    """What is missing or of a wrong type, "" where nothing is."""
    required = _REQUIRED + (_OF_GROWING if kind == GROWING else ())
    required += ("sample",) if older else ("images_crc32", "crc32")
    for key in required:
        if key not in meta:
            return f"it lacks {key!r}"
    for key, (fits, needed) in _KEYS.items():
        if key in meta and not fits(meta[key]):
            return f"{key} = {meta[key]!r:.60}, need {needed}"
    finished = meta["shape"][0]
    if meta.get("planned", finished) < finished:
        return f"planned = {meta['planned']} of {finished} images"
    return ""


def _own_checksum(meta: dict[str, Any]) -> str:
    """Of all else that is said, however it is set out."""
    rest = {key: value for key, value in meta.items() if key != "crc32"}
    return checksum_text(zlib.crc32(json.dumps(rest, sort_keys=True).encode()))


def _sample_digest(images: np.ndarray) -> str:
    """Hash of 64 images evenly spaced, the first and the last among them."""
    chosen = np.linspace(0, len(images) - 1, min(64, len(images))).astype(np.int64)
    return hashlib.blake2b(images[chosen].tobytes(), digest_size=16).hexdigest()


# ---- what stands there


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least


def _is_shape(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(map(_is_count, value))
        and value[1] == 3
        and min(value[2:]) > 0
    )


def _is_checks(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_kinds(each) if name == "kinds" else each is None or isinstance(each, int | float | str)
        for name, each in value.items()
    )


def _is_kinds(value: Any) -> bool:
    """Counts by kind of copy, None for a kind that was not searched, of each sort of copies."""
    return isinstance(value, dict) and all(
        isinstance(kinds, dict) and all(each is None or _is_count(each) for each in kinds.values())
        for kinds in value.values()
    )


def _is_hexadecimal(digits: int) -> Callable[[Any], bool]:
    allowed = set("0123456789abcdef")
    return lambda value: _is_text(value) and len(value) == digits and set(value) <= allowed


_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a string"),
    "shape": (_is_shape, "[images, 3, height, width]"),
    "source": (_is_text, "a string"),
    "identity": (_is_text, "a string"),
    "channel_order": (lambda value: value in ("auto", "bgr", "as_is"), "auto, bgr or as_is"),
    "real": (lambda value: value is None or _is_text(value), "a string or null"),
    "checks": (_is_checks, "counts by their names"),
    "caveats": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "strings"),
    "skipped": (_is_count, "a count"),
    "planned": (_is_count, "a count"),
    "block": (lambda value: _is_count(value, 1), "a count"),
    "origin": (lambda value: isinstance(value, dict), "an object"),
    "sample": (_is_text, "a string"),
    "images_crc32": (_is_hexadecimal(8), "eight hexadecimal digits"),
    "crc32": (_is_hexadecimal(8), "eight hexadecimal digits"),
    "digest": (_is_hexadecimal(32), "32 hexadecimal digits"),
}
_REQUIRED = ("name", "shape", "checks", "channel_order", "real")
_OF_GROWING = ("planned", "origin", "block")

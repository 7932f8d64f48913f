"""Folders of images: what they are called, and which hold a set of classes."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from adainf_core.data.folder_files import SUFFIXES

_LOOKED_AT = 10_000  # files below a folder, which may be a whole disk


def title(path: Path) -> str:
    """What `path` is called: a folder by its whole name, a file without its ending.

    A name may hold a dot, and "." or "x/.." is called by the folder's own name.
    """
    whole = Path(os.path.abspath(path))
    return whole.name if whole.is_dir() else whole.stem


def is_class_tree(path: Path) -> bool:
    """Whether `path` reads as two classes or more: sub-folders that all hold images, none loose."""
    seen = [child for child in path.iterdir() if not child.name.startswith(".")]
    classes = [child for child in seen if child.is_dir() and not (child / "meta.json").is_file()]
    return (
        len(classes) > 1
        and not any(_is_image(child) for child in seen)
        and all(any(map(_is_image, islice(folder.rglob("*"), _LOOKED_AT))) for folder in classes)
    )


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()

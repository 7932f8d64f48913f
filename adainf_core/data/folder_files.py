"""Which files of a folder are images, which are passed over, and what its sub-folders are."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
# names of the parts of a set, the one that `split` asks for first
_SPLITS = (
    ("train", "training"),
    ("test", "testing"),
    ("val", "valid", "validation", "dev"),
    ("unlabeled", "unlabelled"),
)
_SPLIT_OF = {name: names[0] for names in _SPLITS for name in names}


class ReadingWarning(UserWarning):
    """Something was passed over or assumed as images were read."""


class PassedOver:
    """Files that are no images of a set, counted by why."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def notes(self) -> tuple[str, ...]:
        """At most one line on what was passed over, the most frequent kinds first."""
        if not self.counts.total():
            return ()
        kinds = few(f"{kind} {count:,}" for kind, count in self.counts.most_common())
        total = self.counts.total()
        return (f"passed over: {total:,} file{'s' * (total > 1)} ({kinds})",)


def few(names: Iterable[str], shown: int = 5) -> str:
    """Names as a list of at most `shown`, each cut where it is long, and how many more there are.

    What is not printable is escaped.
    """
    listed = list(names)
    cut = [
        each if len(each) <= 60 else f"{each[:57]}..."
        for each in (name if name.isprintable() else repr(name)[1:-1] for name in listed[:shown])
    ]
    more = len(listed) - shown
    return ", ".join(cut) + (f" and {more:,} more" if more > 0 else "")


def sub_folders(path: Path, passed: PassedOver | None = None) -> list[Path]:
    """The sub-folders of `path` in the order of their names, but for hidden ones and stores."""
    found = sorted(c for c in path.iterdir() if c.is_dir() and not c.name.startswith("."))
    classes = [child for child in found if not (child / "meta.json").is_file()]
    if passed is not None and len(classes) < len(found):
        passed.counts["stores of generated images"] += len(found) - len(classes)
    return classes


def loose_images(path: Path, passed: PassedOver) -> list[Path]:
    """The image files directly in `path` in order; other files there are counted."""
    found, _ = _sorted(path, passed)
    return sorted(found)


def images_below(path: Path, passed: PassedOver) -> list[Path]:
    """The image files in `path` and the folders below it in order; other files are counted.

    Links are followed, but no folder is read twice, nor one that holds `path`.
    """
    images: list[Path] = []
    seen = {_identity(folder) for folder in path.absolute().parents}
    seen |= {_identity(folder) for folder in path.resolve().parents}
    folders: list[Path] = [path]
    links: list[Path] = []
    while folders or links:  # links last: what is reached in two ways is read where it lies
        folder = folders.pop() if folders else links.pop(0)
        if _identity(folder) in seen:
            passed.counts["links to folders read already"] += 1
            continue
        seen.add(_identity(folder))
        found, below = _sorted(folder, passed)
        images += found
        for child in below:
            (links if child.is_symlink() else folders).append(child)
    return sorted(images)


def _sorted(folder: Path, passed: PassedOver) -> tuple[list[Path], list[Path]]:
    """The images and the sub-folders directly in `folder`; the rest is counted."""
    images, below = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path, ending = Path(entry.path), Path(entry.name).suffix.lower()
            if entry.name.startswith("."):
                whole = entry.is_dir() and not entry.is_symlink()
                passed.counts["hidden"] += sum(len(f) for *_, f in os.walk(path)) if whole else 1
            elif entry.is_dir():
                below.append(path)
            elif entry.is_file() and ending in SUFFIXES:
                images.append(path)
            else:
                lost = entry.is_symlink() and not path.exists()
                passed.counts["dead links" if lost else ending or "no ending"] += 1
    return images, below


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


# ---- parts of a set


def split_names(path: Path) -> list[str]:
    """The names of the sub-folders of `path` where they are parts of a set, not classes."""
    names = [folder.name for folder in sub_folders(path)]
    parts = [name for name in names if name.lower() in _SPLIT_OF]
    kinds = {_SPLIT_OF[name.lower()] for name in parts}
    whole = len(parts) == len(names) or ("train" in kinds and not kinds.isdisjoint({"test", "val"}))
    return parts if whole else []


def split_folder(path: Path, split: str) -> Path:
    """The part `split` of a folder that holds train, val and the like, else the folder itself.

    "training", "testing", "valid", "validation" and "dev" are understood. ValueError naming the
    parts that are there where `split` is none of them.
    """
    names = split_names(path)
    wanted = _SPLIT_OF.get(split.lower(), split)
    for name in names:
        if name == split or _SPLIT_OF[name.lower()] == wanted:
            others = [folder.name for folder in sub_folders(path) if folder.name not in names]
            if others:
                said = f"{path}: passed over, as no parts of the set: {few(others)}"
                warnings.warn(said, ReadingWarning, stacklevel=2)
            return path / name
    if names:
        raise ValueError(
            f"{path} holds the parts {few(names)}, and no {split!r}: name one, such as "
            f"{path / names[0]}"
        )
    return path


def refuse_splits(path: Path) -> None:
    """ValueError where the sub-folders of `path` are parts of a set: they would pass as classes."""
    names = split_names(path)
    if names:
        raise ValueError(
            f"{path} holds {few(names)}, which are parts of a set and no classes: name one, such "
            f"as {path / names[0]}"
        )

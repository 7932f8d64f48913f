"""What the commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet

DATASET = "a name (adainf data list), or an npz archive or a folder of images"


def add_action(actions: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """A command among `actions` that calls `run` with its options."""
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", default=None, help="folder of the data sets (else ADAINF_DATA)")


def shown_set(name: str, split: str, root: str | None) -> ImageSet:
    """The set of that name, or the store, npz archive or folder there; what is in it is printed."""
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.named_sets import named_or_own

    is_store = (Path(name) / "meta.json").is_file()
    images = GeneratedImages.open(name) if is_store else named_or_own(name, split, root=root)
    describe(images)
    return images


def sized_set(name: str, size: int | None, root: str | None, split: str = "train") -> ImageSet:
    """The images of that name or at that path, `size` pixels a side where given: see `at_size`."""
    from adainf_core.data.named_sets import named_or_own

    if size is None or Path(name).is_dir():
        return named_or_own(name, split, size, root)
    return at_size(named_or_own(name, split, root=root), size)


def at_size(images: ImageSet, size: int) -> ImageSet:
    """The images at `size` pixels a side: averaged exactly to a whole fraction, else resized.

    Every command sizes images in this way, so that those which a generator learns from and those
    which it is compared with differ in nothing else.
    """
    height, width = images.images.shape[2:]
    whole = size > 0 and height == width and height % size == 0
    return images.downsampled(size) if whole else images.resized(size)


def describe(images: ImageSet) -> None:
    """Print size and colours of a set, and of a generated one what was found and is known."""
    from adainf_core.data.generated import GeneratedImages

    n, _, height, width = images.images.shape
    classes = "unlabelled" if images.classes is None else f"{images.classes} classes"
    # a few thousand tell the colours; a set may be larger than memory
    some = images.images[:: max(1, n // 4000)] / 255
    print(f"{images.name}: {n:,} images of {height}x{width}, {classes}")
    for moment, values in (("mean", some.mean((0, 2, 3))), ("std", some.std((0, 2, 3)))):
        print(f"{'RGB ' + moment:12} {', '.join(f'{value:.4f}' for value in values)}")
    if not isinstance(images, GeneratedImages):
        return
    for check, found in images.checks.items():
        print(f"{check:12} {found}")
    if not images.complete:
        print(f"{'planned':12} {images.planned:,}; the same command goes on")
    for key, value in flat(images.origin or {}):
        print(f"{'origin':12} {key} = {value}")
    for caveat in images.caveats:
        print(f"{'note':12} {caveat}")


def flat(plain: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The values of nested dicts with their dotted keys."""
    rows: list[tuple[str, Any]] = []
    for name, value in plain.items():
        key = prefix + name
        rows += flat(value, f"{key}.") if isinstance(value, dict) else [(key, value)]
    return rows


def duration(seconds: float) -> str:
    """Seconds in words."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.1f} {unit}"
    return f"about {seconds:.0f} seconds"

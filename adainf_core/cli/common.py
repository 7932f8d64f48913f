"""What the commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet

DATASET = "a name (adainf data list), or an npz archive or a folder of images"


def add_action(actions: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", default=None, help="folder of the data sets (else ADAINF_DATA)")


def describe(images: ImageSet) -> None:
    n, _, height, width = images.images.shape
    classes = "unlabelled" if images.classes is None else f"{images.classes} classes"
    # a few thousand tell the colours; a set may be larger than memory
    some = images.images[:: max(1, n // 4000)] / 255
    print(f"{images.name}: {n:,} images of {height}x{width}, {classes}")
    for moment, values in (("mean", some.mean((0, 2, 3))), ("std", some.std((0, 2, 3)))):
        print(f"{'RGB ' + moment:12} {', '.join(f'{value:.4f}' for value in values)}")


def duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.1f} {unit}"
    return f"about {seconds:.0f} seconds"

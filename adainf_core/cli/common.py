"""What the commands share."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.data.folder_files import ReadingWarning

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.data.copies import Copies
    from adainf_core.data.images import ImageSet
    from adainf_core.data.sources import ImageSource

DATASET = "a name (adainf data list), or an npz archive or a folder of images"
_BLOCK_BYTES = 2**23


def add_action(actions: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """A command among `actions` that calls `run` with its options."""
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", default=None, help="folder of the data sets (else ADAINF_DATA)")


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Context manager: what was passed over or assumed as images are read, a line each, once."""
    said: set[str] = set()
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, ReadingWarning):
                others(message, category, *place)
            elif str(message) not in said:
                said.add(str(message))
                print(message, file=sys.stderr)

        warnings.simplefilter("always", ReadingWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


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
    from adainf_core.data.tally import in_words

    # a few thousand tell the colours; a set may be larger than memory
    some = images.images[:: _step(len(images))]
    rows = max(1, _BLOCK_BYTES // some[0].size)
    _summary(images, (some[start : start + rows] for start in range(0, len(some), rows)))
    if not isinstance(images, GeneratedImages):
        return
    kinds = images.checks.get("kinds", {})  # which earlier stores lack
    for check, found in images.checks.items():
        if check == "kinds":
            continue
        said = [in_words(kinds[check])] if found and check in kinds else []
        said += ["near ones not searched"] * (check in kinds and kinds[check]["near"] is None)
        more = f" ({', '.join(said)})" if said else ""
        print(f"{check:12} {found}{more}")
    if not images.complete:
        print(f"{'planned':12} {images.planned:,}; the same command goes on")
    for key, value in flat(images.origin or {}):
        print(f"{'origin':12} {key} = {value}")
    for caveat in images.caveats:
        print(f"{'note':12} {caveat}")


def describe_source(source: ImageSource, near_copies: bool | None = None) -> None:
    """Print the same of images that are read once, and never in memory as a whole; their copies."""
    import numpy as np

    from adainf_core.data.folders import title
    from adainf_core.data.images import ImageSet
    from adainf_core.data.known_copies import SourceCopies

    source.told()
    copies = SourceCopies(source, near_copies)
    pixels = np.broadcast_to(np.uint8(0), source.shape)
    name, names = title(source.path), source.class_names
    outline = ImageSet(pixels, source.labels, name, class_names=names)

    def some() -> Iterator[np.ndarray]:
        at, step = 0, _step(len(outline))
        for chunk in copies.watching(source.chunks()):
            yield chunk[-at % step :: step]
            at += len(chunk)

    _summary(outline, some())
    show_copies(copies.copies())


def show_copies(found: Copies) -> None:
    """Print how many images repeat an earlier one, and how near copies are asked for."""
    more = "" if found.near_searched else " (--near-copies searches them)"
    print(f"{'copies':12} {found}{more}")


def _step(count: int) -> int:
    return max(1, count // 4000)


def _summary(images: ImageSet, blocks: Iterable[np.ndarray]) -> None:
    """Size and labels of `images`, and the colours of those in `blocks`, uint8 (m, 3, h, w)."""
    import numpy as np

    n, _, height, width = images.images.shape
    classes = "unlabelled" if images.classes is None else f"{images.classes} classes"
    total = squares = np.zeros(3)  # of whole numbers: exact
    count = 0
    for block in blocks:
        count += block.size // 3
        total = total + block.sum((0, 2, 3), dtype=np.uint64)
        squares = squares + np.square(block, dtype=np.uint16).sum((0, 2, 3), dtype=np.uint64)
    mean = total / count
    std = np.sqrt(squares / count - mean**2)
    print(f"{images.name}: {n:,} images of {height}x{width}, {classes}")
    for moment, values in (("mean", mean / 255), ("std", std / 255)):
        print(f"{'RGB ' + moment:12} {', '.join(f'{value:.4f}' for value in values)}")


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

"""Sets of images on the command line: checked before they are read, sized, described."""

from __future__ import annotations

import math
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli.common import flat
from adainf_core.data.folder_files import ReadingWarning, split_names
from adainf_core.devices import machine_memory
from adainf_core.progress import RetryWarning

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.data.copies import Copies
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.images import ImageSet
    from adainf_core.data.sources import ImageSource

_BLOCK_BYTES = 2**23


def check_split(name: str, split: str, option: str = "--split", default: str = "train") -> None:
    """ValueError for a split of a path that has none."""
    path = Path(name)
    if split == default or not path.exists():
        return
    if not (path.is_dir() and split_names(path)):
        raise ValueError(f"{option} {split}: {name} is a path without such parts")


def check_named(**sets: str | None) -> None:
    """ValueError, before any is read, for a set that has no name and is not there.

    Of an option, or in capitals of an argument.
    """
    from adainf_core.data.named_sets import LOADERS

    for option, name in sets.items():
        if name is not None and name not in LOADERS and not Path(name).exists():
            shown = option if option.isupper() else f"--{option.replace('_', '-')}"
            raise ValueError(
                f"{shown}: unknown image set {name!r}, and no file or folder; "
                f"known: {', '.join(sorted(LOADERS))}"
            )


def check_room(
    name: str, images: int, size: int, room: float, of: str = "memory", option: str = "--size"
) -> None:
    """ValueError where so many images of `size` pixels a side take more than `room` bytes."""
    needed = 3.0 * images * size**2
    if needed > room:
        raise ValueError(
            f"{option}: {images:,} images of {name} at {size:,} pixels a side would take "
            f"{needed / 1e9:,.0f} GB, and there are {room / 1e9:,.0f} GB of {of}: "
            "take fewer or smaller"
        )


def check_folder(path: Path, size: int | None, room: float = math.inf, of: str = "memory") -> None:
    """`check_room` for the image files in a folder, and memory for one of them as it is resized.

    Nothing is resized for that.
    """
    from adainf_core.data.sources import folder_source

    if size is None:
        return
    check_room(str(path), folder_source(path, skipped=[]).shape[0], size, room, of)
    needed = 13.0 * size**2  # PIL's pixels take 4 bytes, and three copies are made of 3
    if needed > machine_memory():
        raise ValueError(
            f"--size: an image of {path} at {size:,} pixels a side would take {needed / 1e9:,.0f} "
            f"GB as it is resized, and there are {machine_memory() / 1e9:,.0f} GB of memory: take "
            "smaller"
        )


def disk(path: Path) -> float:
    """Bytes that are free where `path` is to be."""
    return shutil.disk_usage(next(part for part in path.absolute().parents if part.exists())).free


def kept_of(store: Path, planned: int) -> str:
    """What a store that was stopped as it was filled holds, in words."""
    from adainf_core.data.store_meta import read_meta

    done = read_meta(store)["shape"][0] if (store / "meta.json").is_file() else 0
    if not done:
        return "no image is kept"
    return f"{done:,} of {planned:,} images are kept in {store}: the same command goes on"


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Context manager: what was passed over or assumed as images are read, a line each, once."""
    said: set[str] = set()
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, ReadingWarning | RetryWarning):
                others(message, category, *place)
            elif str(message) not in said:
                said.add(str(message))
                print(message, file=sys.stderr)

        for known in (ReadingWarning, RetryWarning):
            warnings.simplefilter("always", known)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def shown_set(name: str, split: str, root: str | None) -> ImageSet:
    """The set of that name, or the store, npz archive or folder there; what is in it is printed."""
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.named_sets import named_or_own

    check_split(name, split)
    is_store = (Path(name) / "meta.json").is_file()
    images = GeneratedImages.open(name) if is_store else named_or_own(name, split, root=root)
    describe(images)
    return images


def sized_set(name: str, size: int | None, root: str | None, split: str = "train") -> ImageSet:
    """The images of that name or at that path, `size` pixels a side where given: see `at_size`."""
    from adainf_core.data.folder_files import split_folder
    from adainf_core.data.named_sets import named_or_own

    if size is None or Path(name).is_dir():
        if size is not None:
            check_folder(split_folder(Path(name), split), size, machine_memory())
        return named_or_own(name, split, size, root)
    return at_size(named_or_own(name, split, root=root), size)


def at_size(images: ImageSet, size: int) -> ImageSet:
    """The images at `size` pixels a side: averaged exactly to a whole fraction, else resized.

    Every command sizes images in this way, so that those which a generator learns from and those
    which it is compared with differ in nothing else.
    """
    height, width = images.images.shape[2:]
    check_room(images.name, len(images), size, machine_memory())
    whole = size > 0 and height == width and height % size == 0
    return images.downsampled(size) if whole else images.resized(size)


def describe(images: ImageSet) -> None:
    """Print size and colours of a set, and of a generated one what was found and is known."""
    from adainf_core.data.generated import GeneratedImages

    # a few thousand tell the colours; a set may be larger than memory
    some = images.images[:: _step(len(images))]
    rows = max(1, _BLOCK_BYTES // some[0].size)
    _summary(images, (some[start : start + rows] for start in range(0, len(some), rows)))
    if not isinstance(images, GeneratedImages):
        return
    for check, found in images.checks.items():
        if check != "kinds":
            print(f"{check:12} {_checked(images, check, found)}")
    if not images.complete:
        print(f"{'planned':12} {images.planned:,}; the same command goes on")
    for key, value in flat(images.origin or {}):
        print(f"{'origin':12} {key} = {value}")
    for caveat in images.caveats:
        print(f"{'note':12} {caveat}")


def _checked(images: GeneratedImages, check: str, found: Any) -> str:
    """What a check of a store found, in words: how many of how many, and that they are kept."""
    from adainf_core.data.tally import in_words

    what = {
        "constant": ("is of one colour", "are of one colour"),
        "duplicates": ("repeats an earlier one", "repeat an earlier one"),
        "memorised": tuple(
            f"{word} of {images.compared}" for word in ("copies one", "copy images")
        ),
    }
    if check not in what:
        return str(found)
    if found is None:
        sized = images.compared and "the real images are of another size"
        return f"not looked for: {sized or 'no --real images were given'}"
    kinds = images.checks.get("kinds", {}).get(check)  # which earlier stores lack
    said = [in_words(kinds)] if found and kinds else []
    said += ["near ones not searched"] * (kinds is not None and kinds["near"] is None)
    more = f" ({', '.join(said)})" if said else ""
    one, several = what[check]
    if not found:
        return f"none of {len(images):,} images {one}{more}"
    return f"{found:,} of {len(images):,} images {one if found == 1 else several}{more}; kept"


def source_at(name: str, split: str, size: int | None = None) -> ImageSource | None:
    """The archive or folder there, not read yet; None for a store, and for a name.

    With `size` its images are brought to that side as they are read, in the way of `sized_set`.
    """
    from adainf_core.data.folder_files import split_folder
    from adainf_core.data.sources import ARCHIVES, folder_source, npz_source

    check_split(name, split)
    path = Path(name)
    if path.is_dir():
        if (path / "meta.json").is_file():
            return None
        check_folder(split_folder(path, split), size)
        return folder_source(split_folder(path, split), size)
    if path.suffix not in ARCHIVES:
        return None
    source = npz_source(path)
    return source if size is None else _sized_source(source, size)


def _sized_source(source: ImageSource, size: int) -> ImageSource:
    from adainf_core.data.images import ImageSet

    def chunks() -> Iterator[np.ndarray]:
        for chunk in source.chunks():
            yield at_size(ImageSet(chunk, None, str(source.path)), size).images

    check_room(str(source.path), 1, size, machine_memory())
    return replace(source, shape=(source.shape[0], 3, size, size), chunks=chunks)


def describe_source(source: ImageSource, near_copies: bool | None = None) -> None:
    """Print the same of images that are read once, and never in memory as a whole; their copies."""
    from adainf_core.data.known_copies import SourceCopies

    copies = SourceCopies(source, near_copies)
    outline = describe_passing(source, copies.watching)
    show_copies(copies.copies(), outline)


def describe_passing(
    source: ImageSource, watching: Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]]
) -> ImageSet:
    """Print size and colours of a source whose chunks are handed through `watching` as they pass.

    The result is the set without its pixels.
    """
    import numpy as np

    from adainf_core.data.folders import title
    from adainf_core.data.images import ImageSet

    source.told()
    pixels = np.broadcast_to(np.uint8(0), source.shape)
    name, names = title(source.path), source.class_names
    outline = ImageSet(pixels, source.labels, name, class_names=names)

    def some() -> Iterator[np.ndarray]:
        at, step = 0, _step(len(outline))
        for chunk in watching(source.told_chunks()):
            yield chunk[-at % step :: step]
            at += len(chunk)

    _summary(outline, some())
    return outline


def show_copies(found: Copies, images: ImageSet | None = None) -> None:
    """Print how many images repeat an earlier one, and how near copies are asked for.

    Of `images` with labels, too, which pictures stand under several classes.
    """
    from adainf_core.data.labelled_pairs import split_in_words

    more = "" if found.near_searched else " (--near-copies searches them)"
    print(f"{'copies':12} {found}{more}")
    if images is not None and (split := split_in_words(images, found)):
        print(f"{'classes':12} {split}")


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

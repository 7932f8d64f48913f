"""What the commands share: options and what they may be, places to write to, sets of images."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from adainf_core.data.folder_files import ReadingWarning, split_names
from adainf_core.devices import machine_memory
from adainf_core.files import Kind, claim_output
from adainf_core.progress import RetryWarning
from adainf_core.progress import duration as duration

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.data.copies import Copies
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.images import ImageSet
    from adainf_core.data.sources import ImageSource

# what options of several commands say of themselves
DATASET = "a name (adainf data list), or an npz archive or a folder of images"
MAX_SECONDS = "seconds after which it stops, to go on by the same command"
SEED = "what the random choices start from"
SPLIT = "of a named set, or of a folder of train, test"
_BLOCK_BYTES = 2**23


# ---- options


class _Defaults(argparse.HelpFormatter):
    """Every option that takes a value says what it is where it is not given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help
        if text is None or "default" in text or not action.option_strings:
            return text
        if action.nargs == 0 or action.required or action.default is argparse.SUPPRESS:
            return text
        words = {None: "none", math.inf: "no limit"}
        return f"{text}; default: {words.get(action.default, '%(default)s')}"


class Parser(argparse.ArgumentParser):
    """Words that cannot be parsed are a ValueError that says so in one line.

    Its help, and that of the commands in it, says every option's default.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _Defaults} | options)

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message.removeprefix('argument ')} (see {self.prog} --help)")


def add_action(actions: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """A command among `actions` that calls `run` with its options."""
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=lambda text: str(folder_to_be(text)),
        default=None,
        help="folder of the data sets; default: that in ADAINF_DATA, else the cache",
    )


def add_on(parser: Any) -> None:
    parser.add_argument(
        "--on",
        type=cluster_address,
        default=None,
        metavar="ADDRESS",
        help="a Dask cluster to do it: local:N starts one of N slots here, tcp://HOST:PORT is a "
        "scheduler on this machine, and beyond it tls://HOST:PORT is needed, for whoever reaches a "
        "scheduler can run code on its workers; default: none",
    )


def cluster_address(text: str) -> str:
    """An option's type: where a Dask cluster is."""
    from adainf_core.cluster import check_address

    try:
        return check_address(text)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def cluster_of(options: argparse.Namespace) -> AbstractContextManager[Any]:
    """The cluster that --on names, None without it."""
    from adainf_core.cluster import connected

    return nullcontext() if options.on is None else connected(options.on)


def count(least: int = 1, most: int = 10**12) -> Callable[[str], int]:
    """An option's type: a whole number in least..most."""

    def parsed(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not least <= number <= most:
            allowed = f"in {least}..{most}" if number > most else f"at least {least}"
            raise argparse.ArgumentTypeError(f"{text} has to be {allowed}")
        return number

    return parsed


def seconds(text: str) -> float:
    """An option's type: a time from 0, "inf" for no limit."""
    number = _number(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{text} is no time: give seconds, 0 or more")
    return number


def positive(text: str) -> float:
    """An option's type: a finite number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} has to be positive and finite")
    return number


def share(text: str) -> float:
    """An option's type: a number strictly between 0 and 1."""
    number = _number(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} has to lie strictly between 0 and 1")
    return number


def share_or_all(text: str) -> float:
    """An option's type: a number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} has to lie in 0..1")
    return number


#: An option's types: pixels a side, what a random choice starts from, how many such, processes.
pixels, seed, seeds, processes = (
    count(1, 65_535), count(0, 2**64 - 1), count(1, 10_000), count(1, 1024)
)  # fmt: skip


def folder(text: str) -> Path:
    """An option's type: a folder that is there."""
    path = Path(text)
    if not path.is_dir():
        found = "a file" if path.exists() else "not there"
        raise argparse.ArgumentTypeError(f"{text} is {found}: name a folder")
    return path


def folder_to_be(text: str) -> Path:
    """An option's type: a folder, or a place for one."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a file: name a folder")
    return path


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


# ---- processes


def is_first() -> bool:
    """Whether this process is the one that speaks, of several that `torchrun` has started."""
    return os.environ.get("RANK", "0") == "0"


# ---- places to write to


@contextmanager
def claimed(*read: str | Path | None, **places: tuple[Path | None, Kind]) -> Iterator[None]:
    """Hold the places of these options (None: not asked for) while the block runs.

    See `claim_output`, whose errors here name the option, too. ValueError where two are one place,
    or one is a file or folder that the command reads.
    """
    taken: dict[Path, str] = {}
    kept = {Path(each).resolve() for each in read if each is not None}
    with ExitStack() as stack:
        for name, (path, kind) in places.items():
            if path is None:
                continue
            option = f"--{name.replace('_', '-')}"
            other = taken.setdefault(path.resolve(), option)
            if other != option:
                raise ValueError(f"{option} {path} is the place of {other}, too: name another")
            if kind == "file" and path.resolve() in kept:
                raise ValueError(f"{option} {path} is read by this command: name another place")
            try:
                stack.enter_context(claim_output(path, kind))
            except OSError as error:
                raise type(error)(f"{option} {error}") from None
        yield


def kept_in(checkpoint: Path | None) -> str:
    """What a run that was stopped leaves, in words."""
    if checkpoint is None:
        return "nothing is kept: name a --checkpoint to go on from"
    if not checkpoint.is_file():
        return "no step was taken, or none is kept"
    return f"{checkpoint} is as it was last written: the same command goes on"


def runs_kept(records: Path | None) -> str:
    """What runs that were stopped leave in a folder of records, in words."""
    if records is None:
        return "nothing is kept: name --records to go on from"
    return (
        f"finished runs are recorded in {records} and begun ones wait there at a checkpoint: the "
        "same command goes on"
    )


# ---- sets of images


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
    name: str,
    images: int,
    size: int,
    room: float,
    of: str = "memory",
    option: str = "--size",
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


@contextmanager
def notes_on_stderr() -> Iterator[None]:
    """Context manager: what was passed over or assumed in reading, and tried again, a line each."""
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


def flat(plain: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The values of nested dicts with their dotted keys."""
    rows: list[tuple[str, Any]] = []
    for name, value in plain.items():
        key = prefix + name
        rows += flat(value, f"{key}.") if isinstance(value, dict) else [(key, value)]
    return rows

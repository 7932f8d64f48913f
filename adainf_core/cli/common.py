"""What the commands share: options and what they may be, and places to write to."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from adainf_core.files import Kind, claim_output
from adainf_core.progress import duration as duration

# what options of several commands say of themselves
DATASET = "a name (adainf data list), or an npz archive or a folder of images"
MAX_SECONDS = "seconds after which it stops, to go on by the same command"
SEED = "what the random choices start from"
SPLIT = "of a named set, or of a folder of train, test"


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


def add_action(
    actions: Any, name: str, run: Any, text: str, **defaults: Any
) -> argparse.ArgumentParser:
    """A command among `actions` that calls `run` with its options, `defaults` among them."""
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run, **defaults)
    return command


def add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=lambda text: str(folder_to_be(text)),
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
    """An option's type: a time from 0 in seconds, or as "45m" or "2h"; "inf" for no limit."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0) if text[:-1] else 0
    number = unit * _number(text[:-1]) if unit else _number(text)
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


# ---- values


def flat(plain: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The values of nested dicts with their dotted keys."""
    rows: list[tuple[str, Any]] = []
    for name, value in plain.items():
        key = prefix + name
        rows += flat(value, f"{key}.") if isinstance(value, dict) else [(key, value)]
    return rows

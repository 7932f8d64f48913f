"""The command line: `adainf data | generate | gap | pretrain | probe | compare | study | ...`.

Settings are dotted assignments such as `pretrain.steps=1000`; an error is one line.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
from collections.abc import Collection
from itertools import pairwise

from adainf_core import __version__
from adainf_core.cli import claims, compare, data, gap, generate, plan, pretrain, probe, study
from adainf_core.cli.common import Parser, is_first
from adainf_core.cli.encoding import write_plainly
from adainf_core.cli.image_sets import notes_on_stderr
from adainf_core.cli.inputs import check_inputs
from adainf_core.cli.memory import memory_shortage
from adainf_core.progress import progress_told
from adainf_core.stopping import TerminatedError, interruptible

# each module's HELP is its line of help, its `add` the command's options
_COMMANDS = {
    "data": data,
    "generate": generate,
    "gap": gap,
    "pretrain": pretrain,
    "probe": probe,
    "compare": compare,
    "study": study,
    "claims": claims,
    "plan": plan,
}


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `adainf`; returns the exit status, errors in one line on stderr.

    0 where all went well, 2 after an error, 130 after Ctrl-C, 143 after SIGTERM, 141 where the
    reader of what is printed has gone (`| head`), without a word.
    """
    write_plainly()
    options = argparse.Namespace(command="")
    try:
        with interruptible(), notes_on_stderr(), progress_told(is_first()):
            options = _parse(arguments)
            check_inputs(options)
            options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        status = 143 if isinstance(stop, TerminatedError) else 130
        return _failed(str(stop) or "stopped before the end", status)
    except BrokenPipeError as error:
        return 141 if _unread() else _failed(str(error), 2)
    except (
        MemoryError,
        ValueError,
        RuntimeError,
        OSError,
        FloatingPointError,
        OverflowError,
        ImportError,
    ) as error:
        return _failed(memory_shortage(error, options.command) or _in_words(error), 2)
    return 0


def _in_words(error: Exception) -> str:
    """What an error says; of the system's own the path first, and no number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}"
    return str(error)


def _unread() -> bool:
    """Whether stdout is a pipe that nobody reads any more; what is left of it then goes nowhere."""
    try:
        out = sys.stdout.fileno()
    except OSError:
        return False
    poll = select.poll()
    poll.register(out)
    gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out)
    return gone


def _failed(why: str, status: int) -> int:
    print(f"adainf: {' '.join(why.split())}", file=sys.stderr)
    return status


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options; settings may stand anywhere, which argparse alone does not see to."""
    words = sys.argv[1:] if arguments is None else arguments
    _refuse_empty(words)
    parser = _parser(words)
    options, rest = parser.parse_known_args(words)
    if rest:
        if not hasattr(options, "settings") or any(word.startswith("-") for word in rest):
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        options.settings = [*options.settings, *rest]
    return options


def _refuse_empty(words: list[str]) -> None:
    """ValueError for a word without a letter, which as a path would be the folder one is in."""
    for before, word in pairwise(["", *words]):
        option, equals, value = word.partition("=")
        if not word:
            option = before if before.startswith("--") else "an argument"
        elif value or not equals or not word.startswith("--"):
            continue
        raise ValueError(f"{option} '' is empty: give a value, or leave it out")


def _parser(words: Collection[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """The parser of all commands, with the options of those that are among `words`."""
    parser = Parser(prog="adainf", description=__doc__)
    parser.add_argument("--version", action="version", version=f"adainf {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in _COMMANDS.items():
        added = commands.add_parser(name, help=command.HELP)
        if name in words:
            command.add(added)
    return parser

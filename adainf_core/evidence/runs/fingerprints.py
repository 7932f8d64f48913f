"""Fingerprints of code: which definitions a run reaches, and a hash of them.

A record is of the code that made it as long as that code's *behaviour* is the same; its text is a
first, cheap look. From the configuration's own classes the definitions are followed that `run` can
reach: functions, methods, classes, constants, and of a table only the entries that are looked up
under the configuration's own words. They count by name and syntax tree. Left out is what cannot
change a number: docstrings, comments, annotations, imports, the words of errors, file names, and of
a configuration's class the fields, their checks and what gives them names (a record has the values,
and where it has none they are not read). So a module may move, and fields, methods, data sets and
presets may join, without a word from here.

What the analysis of the text (`code.reach`) cannot see, a file read at run time, a configuration
names in `files()`, whose bytes count. Where fingerprints differ, `replay` decides.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from adainf_core.evidence.code.reach import Reach, strings_of, uses_of
from adainf_core.evidence.code.source import file_of, module_named
from adainf_core.evidence.code.syntax import digest


def code_fingerprint(experiment: Any) -> str:
    """Hash of the definitions that a run of `experiment` reaches, 16 hexadecimal digits.

    `experiment` is a configuration: a frozen dataclass with a method `run` or `resume`.
    """
    text = "\n".join(f"{name} {known}" for name, known in reached(experiment).items())
    return digest(text)


def reached(experiment: Any) -> dict[str, str]:
    """The definitions that a run of `experiment` reaches, by name, each with its own hash."""
    kinds, words, files = set(), set(), {}
    absent: set[tuple[str, str]] = set()
    for value in configured(experiment):
        if is_dataclass(value):
            kinds.add(_place(type(value)))
            absent.update(map(_place, _absent(value)))
            for path in value.files() if hasattr(value, "files") else ():
                files[path.name] = _file_digest(path)
        elif isinstance(value, str):
            words.add(value)
    found = _reached(frozenset(kinds), frozenset(absent - kinds), frozenset(words))
    return dict(sorted((files | found).items()))


class Script(NamedTuple):
    """What code reaches: definitions of this package, with their hashes and the strings in them.

    Keys are dotted places, "adainf_core.learning.methods.SimCLR"; that of the code itself, which
    has strings alone, is "".
    """

    places: dict[str, str]
    strings: dict[str, frozenset[str]]


def reached_by_script(source: str, modules: Iterable[str] = ()) -> Script:
    """The definitions of this package that the code `source` reaches.

    All that `modules` define counts as reached, too: what a script loads by name is not seen in its
    text.
    """
    found, tree = Reach(frozenset()), ast.parse(source)
    found.take_script(tree)
    for module in modules:
        found.take_module(module)
    found.close()
    return Script(dict(sorted(found.places.items())), {"": strings_of(tree)} | found.strings)


def configured(value: Any) -> Iterator[Any]:
    """A configuration and everything in it."""
    yield value
    if is_dataclass(value):
        for part in fields(value):
            yield from configured(getattr(value, part.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from configured(part)


def _place(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


def _absent(value: Any) -> Iterator[type]:
    """Configurations that could stand where `value` has None: their fields say nothing to it."""
    left_out = [part.name for part in fields(value) if getattr(value, part.name) is None]
    hints = _hints(type(value)) if left_out else {}  # type: ignore[arg-type]
    for name in left_out:
        for kind in get_args(hints[name]):
            if isinstance(kind, type) and is_dataclass(kind):
                yield kind


@cache  # it evaluates text, the same each time
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@lru_cache(maxsize=256)
def _reached(
    kinds: frozenset[tuple[str, str]],
    absent: frozenset[tuple[str, str]],
    words: frozenset[str],
) -> dict[str, str]:
    found = Reach(words)
    for place in absent:
        found.mark_configuration(*place)
    for module, name in kinds:
        # a configuration's checks may be inherited: its bases are configurations, too
        found.take_configuration(module, name)
    return found.close()


def forget() -> None:
    """Look at all code again, where files have changed since this process read them."""
    for cached in (_reached, _file_digest, file_of, module_named, uses_of):
        cached.cache_clear()


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]

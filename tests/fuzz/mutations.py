"""Ways to damage a file. Each says in words what it did, so that a failure can be repeated."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Damage = Callable[[np.random.Generator, Path], str]

#: What takes the place of a value in JSON; no whole number that somebody would make room for.
ODD = (None, True, -1, 0, 0.5, 1e300, float("nan"), "", "x", [], [1], [[]], {}, {"a": 1})


def flip(rng: np.random.Generator, path: Path) -> str:
    """One to three bits."""
    content = bytearray(path.read_bytes())
    places = rng.integers(8 * len(content), size=rng.integers(1, 4))
    for place in places:
        content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)
    return f"{path.name}: flipped bits {places.tolist()}"


def cut(rng: np.random.Generator, path: Path) -> str:
    """The end."""
    content = path.read_bytes()
    kept = int(rng.integers(len(content)))
    path.write_bytes(content[:kept])
    return f"{path.name}: cut to {kept} of {len(content)} bytes"


def zero(rng: np.random.Generator, path: Path) -> str:
    """A block of up to a quarter of the file."""
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content)))
    stop = min(len(content), start + int(rng.integers(1, len(content) // 4 + 2)))
    content[start:stop] = bytes(stop - start)
    path.write_bytes(content)
    return f"{path.name}: zeroed {start} to {stop}"


def leave_out(rng: np.random.Generator, path: Path) -> str:
    """A block of up to a quarter of the file; what follows moves up."""
    content = path.read_bytes()
    start = int(rng.integers(len(content)))
    stop = min(len(content), start + int(rng.integers(1, len(content) // 4 + 2)))
    path.write_bytes(content[:start] + content[stop:])
    return f"{path.name}: left out {start} to {stop}"


def lengthen(rng: np.random.Generator, path: Path) -> str:
    """Bytes after the end."""
    more = rng.bytes(int(rng.integers(1, 200)))
    path.write_bytes(path.read_bytes() + more)
    return f"{path.name}: {len(more)} bytes too many"


def any_of(*ways: Damage) -> Damage:
    """One of several, chosen at random."""

    def chosen(rng: np.random.Generator, path: Path) -> str:
        return ways[rng.integers(len(ways))](rng, path)

    return chosen


#: What a failing disk, a broken copy or a broken line does to a file of any kind.
rot = any_of(flip, cut, zero, leave_out)


# ---- values


def odd_value(rng: np.random.Generator, content: Any) -> tuple[Any, str]:
    """`content` (dicts, lists, leaves) with one value of another type, left out, or added."""
    content = _copied(content)
    places = list(_places(content))
    holder, key, where = places[rng.integers(len(places))]
    way = rng.integers(4)
    if way == 0 and isinstance(holder, dict):
        del holder[key]
        return content, f"{where} left out"
    if way == 1 and isinstance(holder, dict):
        holder[f"{key}_"] = holder[key]
        return content, f"{where}_ added"
    others = [odd for odd in ODD if type(odd) is not type(holder[key])]
    holder[key] = copy.deepcopy(others[rng.integers(len(others))])
    return content, f"{where} = {holder[key]!r}"


def _copied(content: Any) -> Any:
    """`content` in new dicts and lists; leaves, such as tensors, are shared."""
    if isinstance(content, dict):
        return {key: _copied(value) for key, value in content.items()}
    return [_copied(value) for value in content] if isinstance(content, list) else content


def _places(content: Any, where: str = "") -> Any:
    pairs: Any = ()
    if isinstance(content, dict):
        pairs = content.items()
    elif isinstance(content, list):
        pairs = enumerate(content)
    for key, value in pairs:
        yield content, key, f"{where}.{key}".removeprefix(".")
        yield from _places(value, f"{where}.{key}")


def odd_json(rng: np.random.Generator, path: Path) -> str:
    """One value of a JSON file: see `odd_value`."""
    content, done = odd_value(rng, json.loads(path.read_text()))
    path.write_text(json.dumps(content))
    return f"{path.name}: {done}"


def reordered_json(rng: np.random.Generator, path: Path) -> str:
    """No damage: the members of every table in another order, and other white space."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            return {keys[i]: shuffled(value[keys[i]]) for i in rng.permutation(len(keys))}
        return [shuffled(part) for part in value] if isinstance(value, list) else value

    path.write_text(json.dumps(shuffled(json.loads(path.read_text())), indent=3))
    return f"{path.name}: members in another order"


def reordered_zip(rng: np.random.Generator, path: Path) -> str:
    """No damage: the members of an archive in another order."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    order = rng.permutation(len(members))
    with zipfile.ZipFile(path, "w") as archive:
        for i in order:
            archive.writestr(*members[i])
    return f"{path.name}: members {order.tolist()}"


def odd_arrays(rng: np.random.Generator, path: Path) -> str:
    """One array of an npz: of another shape, type or range, or left out."""
    with np.load(path) as file:
        arrays = dict(file)
    key = sorted(arrays)[rng.integers(len(arrays))]
    array = arrays[key]
    ways: dict[str, Callable[[], Any]] = {
        "flat": lambda: array.reshape(-1),
        "one too few": lambda: array[1:],
        "none": lambda: array[:0],
        "first": lambda: array[0],
        "last axis halved": lambda: array[..., : array.shape[-1] // 2],
        "one axis more": lambda: array[None],
        "some nan": lambda: np.where(np.arange(array.shape[0]) % 2, np.nan, 1.0),
        "nan": lambda: np.full(array.shape, np.nan),
        "huge": lambda: np.full(array.shape, 4.6e18),
        "negative": lambda: np.full(array.shape, -2),
        "complex": lambda: np.ones(array.shape, complex),
        "strings": lambda: array.astype(str),
        "dates": lambda: np.zeros(array.shape, "M8[s]"),
        "records": lambda: np.zeros(array.shape, [("a", "i4"), ("b", "f8")]),
        "objects": lambda: array.astype(object),
        "big-endian": lambda: np.ones(array.shape, ">i8"),
    }
    way = sorted(ways)[rng.integers(len(ways))]
    if rng.integers(8) == 0:
        del arrays[key]
        way = "left out"
    else:
        arrays[key] = ways[way]()
    np.savez(path, **arrays)
    return f"{path.name}: {key} {way}"

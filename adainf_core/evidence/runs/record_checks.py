"""What a record may hold, field by field: what no run can have written is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any


def fault(content: Mapping[str, Any]) -> str:
    """The first value in a record's fields that no run can have written; nothing if all is well."""
    return next(_faults(content), "")


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    for name in ("study", "scale", "arm", "kind", "code", "device", "finished"):
        if not _is_text(content[name]) or not content[name]:
            yield f"{name}={content[name]!r} has to be a text"
    if content["commit"] is not None and not _is_text(content["commit"]):
        yield f"commit={content['commit']!r} has to be a text or null"
    if not _is_text(content["rehearsed_on"]):
        yield f"rehearsed_on={content['rehearsed_on']!r} has to be a text"
    if type(content["seed"]) is not int or content["seed"] < 0:
        yield f"seed={content['seed']!r} is no seed"
    if content["clean"] is not None and not isinstance(content["clean"], bool):
        yield f"clean={content['clean']!r} has to be true, false or null"
    for name, high in (("wall_seconds", math.inf), ("beta", 1.0)):
        if not _is_number(content[name]) or not 0 <= content[name] <= high:
            yield f"{name}={content[name]!r} is no number from 0 to {high:g}"
    if not _is_time(content["finished"]):
        yield f"finished={content['finished']!r} is no time"
    if content.get("first_began") and not _is_time(content["first_began"]):
        yield f"first_began={content['first_began']!r} is no time"
    if not _is_plain_table(content["config"]):
        yield f"config={content['config']!r} is no table of plain values"
    yield from _odd(content, "versions", _is_text, "text")
    for name in ("python", "torch"):
        if name not in content["versions"]:
            yield f"versions lacks {name!r}"
    yield from _odd(content, "protocols", _is_text, "text")
    yield from _odd(content, "metrics", _is_number, "number")
    if not content["metrics"]:
        yield "metrics={} holds no number"
    yield from _odd(content, "rehearsal", _is_number, "number")
    yield from _odd(content, "probes", _is_plain_table, "table of plain values")
    yield from _odd_losses(content["history"])


def _odd(
    content: Mapping[str, Any], name: str, fits: Callable[[Any], bool], what: str
) -> Iterator[str]:
    table = content[name]
    if not isinstance(table, dict):
        yield f"{name}={table!r} is of the wrong type"
        return
    for key, value in table.items():
        if not fits(value):
            yield f"{name}.{key}={value!r} is no {what}"


def _odd_losses(history: Any) -> Iterator[str]:
    if not isinstance(history, list):
        yield f"history={history!r} is of the wrong type"
        return
    before = -math.inf
    for entry in history:
        if not isinstance(entry, dict) or entry.keys() != {"step", "loss"}:
            yield f"history holds {entry!r}, which is no step with its loss"
            return
        step, loss = entry["step"], entry["loss"]
        if not (_is_number(step) and _is_number(loss) and step > before):
            yield f"history holds {entry!r}, which is no later step with its loss"
            return
        before = step


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """Finite, and neither True nor False."""
    return type(value) in (int, float) and math.isfinite(value)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return _is_plain_table(value)
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_plain_table(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and _is_plain(part) for key, part in value.items()
    )

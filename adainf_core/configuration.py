"""Configurations are frozen dataclasses; here they become plain JSON values and come back.

A field may be a dataclass itself, or one of several that tell each other apart by a field `name`.
Whatever is unknown or of the wrong type is one error that names the key and what is allowed.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from adainf_core.validation import in_words

Config = TypeVar("Config")


def to_plain(config: Any, defaults: bool = True) -> dict[str, Any]:
    """A configuration as JSON would give it back: dicts, lists, numbers, strings, None.

    Numbers of numpy become plain ones. Fields that do not take part in comparisons are left out,
    and without `defaults` those that have their class's default, but for a variant's `name`.
    """
    plain = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if field.compare and (defaults or field.name == "name" or value != _default(field)):
            plain[field.name] = _plain(value, defaults)
    return plain


def _plain(value: Any, defaults: bool) -> Any:
    if is_dataclass(value):
        return to_plain(value, defaults)
    if isinstance(value, tuple | list):
        return [_plain(part, defaults) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part, defaults) for key, part in value.items()}
    return value.item() if hasattr(value, "item") else value


def _default(field: Field) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def from_plain(kind: type[Config], plain: Mapping[str, Any], key: str = "") -> Config:
    """The configuration of type `kind` that `plain` describes; absent fields keep their defaults.

    Raises ValueError for an unknown key or a value of the wrong type, naming it with its dotted
    path.
    """
    given: object = plain
    if not isinstance(given, Mapping):
        name = key or f"plain {kind.__name__}"
        raise ValueError(f"{name}={in_words(plain)}: need a mapping of its fields")
    hints = _hints(kind)  # type: ignore[arg-type]
    unknown = [str(name) for name in plain if name not in hints]
    if unknown:
        raise ValueError(f"unknown key {_join(key, min(unknown))!r}; known: {', '.join(hints)}")
    values = {n: _typed(value, hints[n], _join(key, n)) for n, value in plain.items()}
    return kind(**values)


def override(config: Config, assignments: list[str]) -> Config:
    """`config` with dotted assignments: "steps=100", "method=byol", "policy.hue=0".

    A part can be replaced by a name: of a variant, which then has its defaults, or one that the
    part's own `named` knows. Values are JSON where they parse as such, else strings.
    """
    if not isinstance(assignments, list | tuple) or not all(
        isinstance(assignment, str) for assignment in assignments
    ):
        raise ValueError(f"assignments={in_words(assignments)}: give a list of 'key=value'")
    plain = to_plain(config)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"{assignment!r} is not an assignment; write key=value")
        _assign(plain, type(config), key, key.split("."), _parse(text))
    return from_plain(type(config), plain)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """`config` with other values at dotted fields, all at once; ValueError for an unknown field."""
    if not isinstance(changes, Mapping):
        raise ValueError(f"changes={in_words(changes)}: need a mapping of fields")
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        name, _, rest = key.partition(".")
        if rest:
            inner.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    known = [field.name for field in fields(config) if field.init]  # type: ignore[arg-type]
    for name in own.keys() | inner.keys():
        if name not in known:
            raise ValueError(
                f"unknown key {name!r} of {type(config).__name__}; known: {', '.join(known)}"
            )
    for name, parts in inner.items():
        own[name] = changed(own.get(name, getattr(config, name)), parts)
    return replace(config, **own)  # type: ignore[type-var]


def differences(one: Mapping[str, Any], other: Mapping[str, Any], key: str = "") -> list[str]:
    """Dotted keys at which two plain configurations differ, each with both values in words."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, _join(key, name))
        elif a != b:
            found.append(f"{_join(key, name)}={a!r} against {b!r}")
    return found


def _assign(plain: dict, kind: Any, whole: str, path: list[str], value: Any) -> None:
    hints = _hints(kind)
    if path[0] not in hints:
        raise ValueError(f"unknown key {whole!r}: {path[0]!r} is none of {', '.join(hints)}")
    if len(path) == 1:
        plain[path[0]] = value
        return
    variants = _variants(hints[path[0]])
    if not variants:
        raise ValueError(f"unknown key {whole!r}: {path[0]!r} has no fields")
    if path[1:] == ["name"] and len(variants) > 1:
        plain[path[0]] = value  # fields of another variant would mean nothing to this one
        return
    if isinstance(plain[path[0]], str):  # named just now: its fields are needed
        plain[path[0]] = to_plain(_typed(plain[path[0]], hints[path[0]], path[0]))
    inner = plain[path[0]]
    if not isinstance(inner, dict):
        raise ValueError(f"unknown key {whole!r}: {path[0]}={inner!r} has no fields; set it first")
    _assign(inner, _variant(variants, inner, path[0]), whole, path[1:], value)


def _typed(value: Any, hint: Any, key: str) -> Any:
    """`value` as the type `hint`: lists become tuples, whole numbers floats where floats belong."""
    variants = _variants(hint)
    if len(variants) > 1 and isinstance(value, str):
        value = {"name": value}
    elif variants and isinstance(value, str) and hasattr(variants[0], "named"):
        return variants[0].named(value)
    if variants and isinstance(value, Mapping):
        return from_plain(_variant(variants, value, key), value, key)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        options = [a for a in arguments if a is not type(None) and not is_dataclass(a)]
        for option in options:
            try:
                return _typed(value, option, key)
            except ValueError:
                continue
    elif origin is Literal:
        if value in arguments:
            return value
    elif origin is tuple and isinstance(value, list | tuple):
        inner = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        if len(inner) == len(value):
            return tuple(_typed(v, a, key) for v, a in zip(value, inner, strict=True))
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif (hint in (bool, str) and isinstance(value, hint)) or (
        hint is int and isinstance(value, int) and not isinstance(value, bool)
    ):
        return value
    raise ValueError(f"{key}={in_words(value)}: need {_words(hint)}")


def _variants(hint: Any) -> tuple[type, ...]:
    """The dataclasses among what `hint` allows."""
    return tuple(a for a in (get_args(hint) or (hint,)) if isinstance(a, type) and is_dataclass(a))


def _variant(variants: tuple[type, ...], plain: Mapping[str, Any], key: str) -> Any:
    if len(variants) == 1:
        return variants[0]
    named = {_default_name(variant, key): variant for variant in variants}
    name = plain.get("name")
    if not isinstance(name, str) or name not in named:
        raise ValueError(f"{_join(key, 'name')}={name!r}: choose {', '.join(named)}")
    return named[name]


def _default_name(variant: Any, key: str) -> Any:
    for field in fields(variant):
        if field.name == "name":
            return field.default
    raise ValueError(
        f"{key} may be a {variant.__name__}, which has no field `name` to be told by: "
        f"add `name: Literal[...]` to {variant.__name__}"
    )


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return {"None": None, "True": True, "False": False}.get(text, text)


def _words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    if get_origin(hint) in (Union, types.UnionType) and not _variants(hint):
        return " | ".join(_words(part).removeprefix("one of ") for part in get_args(hint))
    variants = _variants(hint)
    if variants:
        return "a mapping of its fields"
    if hint is type(None):
        return "None"
    return getattr(hint, "__name__", str(hint)) if not get_args(hint) else str(hint)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name

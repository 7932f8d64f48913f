"""The text of the package: what each module binds at its top level, and whence it imports."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from adainf_core.evidence.code.syntax import FUNCTIONS

PACKAGE = Path(__file__).resolve().parents[2]
#: Where a name of this package comes from: a module, and the name in it (None: the module itself).
Origin = tuple[str, str | None]


@dataclass(frozen=True)
class Module:
    """One source file: what its top level binds, and whence it imports."""

    name: str
    tree: ast.Module

    @cached_property
    def bound(self) -> dict[str, list[ast.stmt]]:
        """Statements that define each name."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in _flat(self.tree.body):
            for name in _defined(statement):
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def imported(self) -> dict[str, Origin]:
        """Names that are something of this package: (module, name in it or None)."""
        found = imports(_flat(self.tree.body))
        if self.name == PACKAGE.name:  # its public names load on first use
            for name, place in (table_at(self.name, ("_PUBLIC",)) or {}).items():
                if isinstance(place, ast.Constant) and isinstance(place.value, str):
                    found.setdefault(name, (f"{PACKAGE.name}.{place.value}", name))
        return found


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a level, those under `if` and `try` among them."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _flat(statement.body)
            yield from _flat(statement.orelse)


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [
            node.id
            for target in statement.targets
            for node in ast.walk(target)
            if isinstance(node, ast.Name)
        ]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def imports(body: Iterable[ast.AST]) -> dict[str, Origin]:
    """What the import statements in `body` bind, where it is something of this package."""
    found: dict[str, Origin] = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                place = f"{node.module}.{alias.name}"
                whole = file_of(place) is not None
                found[alias.asname or alias.name] = (
                    (place, None) if whole else (node.module, alias.name)
                )
    return {name: place for name, place in found.items() if file_of(place[0]) is not None}


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of this package; None for others."""
    first, *rest = module.split(".")
    if first != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


@cache
def module_named(name: str) -> Module:
    """A module of this package or, in a test, of another place; empty where it has no file."""
    path = file_of(name)
    if path is None:  # an experiment that is defined elsewhere, as in a test
        spec = importlib.util.find_spec(name) if name != "__main__" else None
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            return Module(name, ast.Module([], []))
        path = Path(spec.origin)
    return Module(name, _tree(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=1024)  # where code is looked at again, most of it is as it was
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def table_at(module: str, chain: tuple[str, ...]) -> dict[str, ast.expr] | None:
    """The entries of a constant that is a dict with words as keys, else None."""
    statements = module_named(module).bound.get(chain[0], []) if module else []
    if len(chain) != 1 or len(statements) != 1:
        return None
    value = getattr(statements[0], "value", None)
    if not isinstance(value, ast.Dict):
        return None
    entries: dict[str, ast.expr] = {}
    for key, part in zip(value.keys, value.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        entries[key.value] = part
    return entries

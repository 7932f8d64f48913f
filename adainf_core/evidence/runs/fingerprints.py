"""Fingerprints of code: which definitions a run reaches, and a hash of them.

A record is of the code that made it as long as that code's *behaviour* is the same; its text is a
first, cheap look. From the configuration's own classes the definitions are followed that `run` can
reach: functions, methods, classes, constants, and of a table only the entries that are looked up
under the configuration's own words. They count by name and syntax tree. Left out is what cannot
change a number: docstrings, comments, annotations, imports, the words of errors, file names, and of
a configuration's class the fields, their checks and what gives them names (a record has the
values). So a module may move, and fields, methods, data sets and presets may join, without a word
from here.

The analysis is of the text alone and errs on the side of too much: a method counts where any
reached code names an attribute like it. What it cannot see (a file read at run time) a
configuration names in `files()`, whose bytes count. Where fingerprints differ, `replay` decides.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
#: Methods of configurations that check and choose their values, which a record holds.
_VALUES = ("__post_init__", "named")
_ENTRY = frozenset({"run", "resume"})
#: Attributes of syntax trees that do not change what code does.
_SILENT = {"annotation", "returns", "type_comment", "kind", "type_params", "exc", "cause", "msg"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_fingerprint(experiment: Any) -> str:
    """Hash of the definitions that a run of `experiment` reaches, 16 hexadecimal digits.

    `experiment` is a configuration: a frozen dataclass with a method `run` or `resume`.
    """
    text = "\n".join(f"{name} {digest}" for name, digest in reached(experiment).items())
    return _digest(text)


def reached(experiment: Any) -> dict[str, str]:
    """The definitions that a run of `experiment` reaches, by name, each with its own hash."""
    kinds, words, files = set(), set(), {}
    for value in configured(experiment):
        if is_dataclass(value):
            kinds.add((type(value).__module__, type(value).__qualname__))
            for path in value.files() if hasattr(value, "files") else ():
                files[path.name] = _file_digest(path)
        elif isinstance(value, str):
            words.add(value)
    return dict(sorted((files | _reached(frozenset(kinds), frozenset(words))).items()))


def reached_by_script(source: str, modules: Iterable[str] = ()) -> dict[str, str]:
    """The definitions of this package that the code `source` reaches, each with its own hash.

    Keys are dotted places, "adainf_core.learning.methods.SimCLR". All that `modules` define counts
    as reached, too: what a script loads by name is not seen in its text.
    """
    found = _Reach(frozenset())
    found.take_script(ast.parse(source))
    for module in modules:
        found.take_module(module)
    found.close()
    return dict(sorted(found.places.items()))


def configured(value: Any) -> Iterator[Any]:
    """A configuration and everything in it."""
    yield value
    if is_dataclass(value):
        for part in fields(value):
            yield from configured(getattr(value, part.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from configured(part)


@lru_cache(maxsize=256)
def _reached(kinds: frozenset[tuple[str, str]], words: frozenset[str]) -> dict[str, str]:
    found = _Reach(words)
    for module, name in kinds:
        # a configuration's checks may be inherited: its bases are configurations, too
        found.take_configuration(module, name)
    return found.close()


# ---- the text of the package


@dataclass(frozen=True)
class _Module:
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
    def imported(self) -> dict[str, tuple[str, str | None]]:
        """Names that are something of this package: (module, name in it or None)."""
        found = _imports(_flat(self.tree.body))
        if self.name == PACKAGE.name:  # its public names load on first use
            for name, place in (_table(self.name, ("_PUBLIC",)) or {}).items():
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
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
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


def _imports(body: Iterable[ast.AST]) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                place = f"{node.module}.{alias.name}"
                whole = _source(place) is not None
                found[alias.asname or alias.name] = (
                    (place, None) if whole else (node.module, alias.name)
                )
    return {name: place for name, place in found.items() if _source(place[0]) is not None}


@cache
def _source(module: str) -> Path | None:
    """The file of a module of this package; None for others."""
    first, *rest = module.split(".")
    if first != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


@cache
def _module(name: str) -> _Module:
    path = _source(name)
    if path is None:  # an experiment that is defined elsewhere, as in a test
        spec = importlib.util.find_spec(name) if name != "__main__" else None
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            return _Module(name, ast.Module([], []))
        path = Path(spec.origin)
    return _Module(name, ast.parse(path.read_text(encoding="utf-8")))


# ---- what is reached


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of a syntax tree, and flags, computed once for each: trees have no equality."""
    known: dict[tuple, tuple[ast.AST, Any]] = {}

    def cached(node: ast.AST, *flags: bool) -> Any:
        key = (id(node), *flags)
        if key not in known or known[key][0] is not node:
            known[key] = node, function(node, *flags)
        return known[key][1]

    return cached


@_once
def _skeleton(node: ast.ClassDef, configuration: bool) -> ast.ClassDef:
    """A class without its methods, a configuration without its fields, too."""
    left_out = (*_FUNCTIONS, ast.AnnAssign) if configuration else _FUNCTIONS
    body = [part for part in node.body if not isinstance(part, left_out)]
    return ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list)


@dataclass
class _Uses:
    """What a piece of code refers to: names, tables it looks something up in, attributes."""

    names: set[tuple[str, ...]] = field(default_factory=set)
    lookups: set[tuple[tuple[str, ...], str | None]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)


class _Reach:
    """Definitions found so far, closed under what they refer to by `close`."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.hashes: dict[str, set[str]] = {}
        self.places: dict[str, str] = {}
        self.script = _Module("", ast.Module([], []))
        self.attributes: set[str] = set(_ENTRY)
        self.classes: dict[tuple[str, str], ast.ClassDef] = {}
        self.configurations: set[tuple[str, str]] = set()
        self.seen: set[tuple[str, ...]] = set()
        self.waiting: list[tuple[str, tuple[str, ...]]] = []

    def take_configuration(self, module: str, name: str) -> None:
        for place in self._lineage(module, name.split(".")[0]):
            self.configurations.add(place)
            self.waiting.append((place[0], (place[1],)))

    def take_script(self, tree: ast.Module) -> None:
        self.script = _Module("", tree)
        self._piece("", "", tree)

    def take_module(self, module: str) -> None:
        self.waiting += [(module, (name,)) for name in _module(module).bound]

    def close(self) -> dict[str, str]:
        while self.waiting:
            while self.waiting:
                self._name(*self.waiting.pop())
            for (module, name), node in list(self.classes.items()):
                self._methods(module, name, node)
        return {name: _digest(" ".join(sorted(found))) for name, found in self.hashes.items()}

    def _lineage(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        """A class of this package and its bases there."""
        place = self._resolve(module, (name,), {})
        if place is None:
            return
        module, name = place[0], place[1][0]
        yield module, name
        for statement in _module(module).bound.get(name, []):
            if isinstance(statement, ast.ClassDef):
                for base in statement.bases:
                    if isinstance(base, ast.Name):
                        yield from self._lineage(module, base.id)

    def _resolve(
        self, module: str, chain: tuple[str, ...], local: dict[str, tuple[str, str | None]]
    ) -> tuple[str, tuple[str, ...]] | None:
        """Where the definition that `chain` (a name, then attributes) means stands."""
        name, *rest = chain
        known = _module(module) if module else self.script
        place = local.get(name) or (None if name in known.bound else known.imported.get(name))
        if place is None:
            return (module, chain) if name in known.bound else None
        where, what = place
        if what is not None:
            return self._resolve(where, (what, *rest), {})
        return self._resolve(where, tuple(rest), {}) if rest else None

    def _name(self, module: str, chain: tuple[str, ...]) -> None:
        """Take the definition of `chain[0]` in `module`."""
        name = chain[0]
        if (module, name) in self.seen:
            return
        self.seen.add((module, name))
        known = _module(module) if module else self.script
        for statement in known.bound.get(name, []):
            if isinstance(statement, ast.ClassDef):
                self._class(module, name, statement)
            elif module:  # all of a script is taken at once
                self._piece(module, name, statement)

    def _class(self, module: str, name: str, node: ast.ClassDef) -> None:
        if not module:
            return
        self.classes[module, name] = node
        self._piece(module, name, _skeleton(node, (module, name) in self.configurations))

    def _methods(self, module: str, name: str, node: ast.ClassDef) -> None:
        """Take the methods that reached code may call; all where a library calls them."""
        foreign = any(
            not isinstance(base, ast.Name) or self._resolve(module, (base.id,), {}) is None
            for base in node.bases
        )
        for part in node.body:
            if not isinstance(part, _FUNCTIONS) or (module, name, part.name) in self.seen:
                continue
            if part.name in _VALUES and (module, name) in self.configurations:
                continue
            special = part.name.startswith("__") and part.name.endswith("__")
            if special or foreign or part.name in self.attributes:
                self.seen.add((module, name, part.name))
                self._piece(module, f"{name}.{part.name}", part)

    def _piece(self, module: str, name: str, node: ast.AST) -> None:
        # two modules may have a definition of one name
        self.hashes.setdefault(name, set()).add(_tree_digest(node))
        if module:
            self.places[f"{module}.{name}"] = _tree_digest(node)
        uses = _uses(node)
        self.attributes |= uses.attributes
        for chain in uses.names:
            self._refer(module, chain, uses.imported)
        for chain, entry in uses.lookups:
            place = self._resolve(module, chain, uses.imported)
            table = None if place is None else _table(*place)
            if place is None or table is None:
                self._refer(module, chain, uses.imported)
            elif entry is not None and entry in table:
                self._entry(*place, entry, table)
            else:
                chosen = [word for word in table if word in self.words]
                for word in chosen:
                    self._entry(*place, word, table)
                if not chosen:
                    self.waiting.append(place)

    def _refer(
        self, module: str, chain: tuple[str, ...], local: dict[str, tuple[str, str | None]]
    ) -> None:
        place = self._resolve(module, chain, local)
        if place is not None:
            self.waiting.append(place)

    def _entry(
        self, module: str, chain: tuple[str, ...], word: str, table: dict[str, ast.expr]
    ) -> None:
        key = (module, chain[0], f"[{word}]")
        if key not in self.seen:
            self.seen.add(key)
            self._piece(module, f"{chain[0]}[{word!r}]", table[word])


def _table(module: str, chain: tuple[str, ...]) -> dict[str, ast.expr] | None:
    """The entries of a constant that is a dict with words as keys, else None."""
    statements = _module(module).bound.get(chain[0], []) if module else []
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


@_once
def _uses(node: ast.AST) -> _Uses:
    """What `node` refers to, apart from the names it binds itself."""
    found = _Uses(imported=_imports(ast.walk(node)))
    own = {
        part.arg if isinstance(part, ast.arg) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.arg)
        or (isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load))
    }
    if not isinstance(node, _FUNCTIONS):
        own = set()
    _collect(node, found, own)
    return found


def _collect(node: ast.AST, found: _Uses, own: set[str]) -> None:
    looked_up: tuple[tuple[str, ...], str | None] | None = None
    rest: list[ast.AST] = []
    if isinstance(node, ast.Subscript) and (chain := _chain(node.value)):
        looked_up, rest = (chain, _word(node.slice)), [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        chain = _chain(node.func.value)
        if node.func.attr == "get" and chain and node.args:
            looked_up, rest = (chain, _word(node.args[0])), [*node.args, *node.keywords]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        chain = _chain(node.comparators[0])
        if isinstance(node.ops[0], ast.In | ast.NotIn) and chain:
            looked_up, rest = (chain, None), [node.left]
    if looked_up is not None:
        if looked_up[0][0] not in own:
            found.lookups.add(looked_up)
        found.attributes.update(looked_up[0][1:])
    elif isinstance(node, ast.Name | ast.Attribute) and (chain := _chain(node)):
        if chain[0] not in own:
            found.names.add(chain)
        found.attributes.update(chain[1:])
    else:
        if isinstance(node, ast.Attribute):
            found.attributes.add(node.attr)
        rest = list(_parts(node))
    for part in rest:
        _collect(part, found, own)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Children that matter."""
    for name, value in ast.iter_fields(node):
        if name not in _SILENT:
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield part


def _chain(node: ast.AST) -> tuple[str, ...]:
    """("a", "b", "c") of a.b.c, empty where it does not begin with a name."""
    rest: list[str] = []
    while isinstance(node, ast.Attribute):
        rest.append(node.attr)
        node = node.value
    return (node.id, *reversed(rest)) if isinstance(node, ast.Name) else ()


def _word(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


# ---- hashes


def canonical(node: object) -> str:
    """A text of a syntax tree, equal across versions of Python, without what cannot matter."""
    if isinstance(node, list):
        return "[" + ",".join(map(canonical, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(value, list):
            value = [part for part in value if not _silent(part)]
        if value not in (None, []) and name not in _SILENT:
            parts.append(f"{name}={canonical(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _silent(node: ast.AST) -> bool:
    """Whether a statement is a docstring or an import."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@_once
def _tree_digest(node: ast.AST) -> str:
    return _digest(canonical(node))


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

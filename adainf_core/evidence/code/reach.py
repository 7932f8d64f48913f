"""The closure of what code refers to: every definition that a run or a script can reach.

The analysis is of the text alone and errs on the side of too much: a method counts where any
reached code names an attribute like it. Of a table only the entries count that are looked up under
known words.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from adainf_core.evidence.code.source import Module, Origin, imports, module_named, table_at
from adainf_core.evidence.code.syntax import (
    FUNCTIONS,
    chain_of,
    digest,
    parts,
    tree_digest,
    word_of,
)

#: Methods of configurations that check and choose their values, which a record holds.
_VALUES = ("__post_init__", "named")
_ENTRY = frozenset({"run", "resume"})


@cache
def _skeleton(node: ast.ClassDef, configuration: bool) -> ast.ClassDef:
    """A class without its methods, a configuration without its fields, too."""
    left_out = (*FUNCTIONS, ast.AnnAssign) if configuration else FUNCTIONS
    body = [part for part in node.body if not isinstance(part, left_out)]
    return ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list)


class Reach:
    """Definitions found so far, closed under what they refer to by `close`."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.hashes: dict[str, set[str]] = {}
        self.places: dict[str, str] = {}
        self.strings: dict[str, frozenset[str]] = {}
        self.script = Module("", ast.Module([], []))
        self.attributes: set[str] = set(_ENTRY)
        self.classes: dict[tuple[str, str], ast.ClassDef] = {}
        self.configurations: set[tuple[str, str]] = set()
        self.seen: set[tuple[str, ...]] = set()
        self.waiting: list[tuple[str, tuple[str, ...]]] = []

    def take_configuration(self, module: str, name: str) -> None:
        for place in self.mark_configuration(module, name):
            self.waiting.append((place[0], (place[1],)))

    def mark_configuration(self, module: str, name: str) -> list[tuple[str, str]]:
        """Say that a class and its bases are configurations, should they be reached."""
        places = list(self._lineage(module, name.split(".")[0]))
        self.configurations.update(places)
        return places

    def take_script(self, tree: ast.Module) -> None:
        self.script = Module("", tree)
        self._piece("", "", tree)

    def take_module(self, module: str) -> None:
        self.waiting += [(module, (name,)) for name in module_named(module).bound]

    def close(self) -> dict[str, str]:
        taken = -1
        while len(self.seen) > taken:  # a method may name attributes that are others' methods
            while self.waiting:
                self._name(*self.waiting.pop())
            taken = len(self.seen)
            for (module, name), node in list(self.classes.items()):
                self._methods(module, name, node)
        return {name: digest(" ".join(sorted(found))) for name, found in self.hashes.items()}

    def _lineage(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        """A class of this package and its bases there."""
        place = self._resolve(module, (name,), {})
        if place is None:
            return
        module, name = place[0], place[1][0]
        yield module, name
        for statement in module_named(module).bound.get(name, []):
            if isinstance(statement, ast.ClassDef):
                for base in statement.bases:
                    if isinstance(base, ast.Name):
                        yield from self._lineage(module, base.id)

    def _resolve(
        self, module: str, chain: tuple[str, ...], local: dict[str, Origin]
    ) -> tuple[str, tuple[str, ...]] | None:
        """Where the definition that `chain` (a name, then attributes) means stands."""
        name, *rest = chain
        known = module_named(module) if module else self.script
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
        known = module_named(module) if module else self.script
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
            if not isinstance(part, FUNCTIONS) or (module, name, part.name) in self.seen:
                continue
            if part.name in _VALUES and (module, name) in self.configurations:
                continue
            special = part.name.startswith("__") and part.name.endswith("__")
            if special or foreign or part.name in self.attributes:
                self.seen.add((module, name, part.name))
                self._piece(module, f"{name}.{part.name}", part)

    def _piece(self, module: str, name: str, node: ast.AST) -> None:
        # two modules may have a definition of one name
        self.hashes.setdefault(name, set()).add(tree_digest(node))
        if module:
            self.places[f"{module}.{name}"] = tree_digest(node)
            self.strings[f"{module}.{name}"] = strings_of(node)
        self._use(module, uses_of(node))

    def _use(self, module: str, uses: Uses) -> None:
        self.attributes |= uses.attributes
        for chain in uses.names:
            self._refer(module, chain, uses.imported)
        self._look_up(module, uses)

    def _look_up(self, module: str, uses: Uses) -> None:
        """Take the entries of tables that are looked up, whole tables where the key is unknown.

        What `get` gives where a table lacks the key counts unless the table has it.
        """
        open_keys = []
        for lookup in uses.lookups:
            table, word, key = lookup
            place = self._resolve(module, table, uses.imported)
            entries = None if place is None else table_at(*place)
            chosen = frozenset[str]()
            if place is None or entries is None:
                self._refer(module, table, uses.imported)
            elif word is not None and word in entries:
                self._entry(*place, word, entries)
                chosen = frozenset({word})
            else:
                chosen = self.words & entries.keys()
                for known in chosen:
                    self._entry(*place, known, entries)
                open_keys.append((key, place, chosen))
            for default in () if chosen else uses.defaults.get(lookup, ()):
                self._use(module, default)
        # where a key is a word of one table, another that lacks the word gives its default
        told = {key for key, _, chosen in open_keys if key and chosen}
        self.waiting += [
            place for key, place, chosen in open_keys if not chosen and key not in told
        ]

    def _refer(self, module: str, chain: tuple[str, ...], local: dict[str, Origin]) -> None:
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


class Lookup(NamedTuple):
    """`table[key]` or its like: the table, the key where that is a word, or a name for one."""

    table: tuple[str, ...]
    word: str | None
    key: tuple[str, ...]


@dataclass
class Uses:
    """What a piece of code refers to: names, tables it looks something up in, attributes."""

    names: set[tuple[str, ...]] = field(default_factory=set)
    lookups: set[Lookup] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imported: dict[str, Origin] = field(default_factory=dict)
    #: What is referred to where a table lacks the key.
    defaults: dict[Lookup, list[Uses]] = field(default_factory=dict)


@cache
def strings_of(node: ast.AST) -> frozenset[str]:
    """The strings that `node` holds."""
    held = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return frozenset(value for value in held if isinstance(value, str))


@cache
def uses_of(node: ast.AST) -> Uses:
    """What `node` refers to, apart from the names it binds itself."""
    found = Uses(imported=imports(ast.walk(node)))
    own = {
        part.arg if isinstance(part, ast.arg) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.arg)
        or (isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load))
    }
    if not isinstance(node, FUNCTIONS):
        own = set()
    _collect(node, found, own)
    return found


def _collect(node: ast.AST, found: Uses, own: set[str]) -> None:
    looked_up: tuple[tuple[str, ...], ast.AST] | None = None
    rest: list[ast.AST] = []
    default: list[ast.expr] = []
    if isinstance(node, ast.Subscript) and (chain := chain_of(node.value)):
        looked_up, rest = (chain, node.slice), [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        chain = chain_of(node.func.value)
        if node.func.attr == "get" and chain and node.args:
            looked_up, rest = (chain, node.args[0]), [node.args[0], *node.keywords]
            default = node.args[1:]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        chain = chain_of(node.comparators[0])
        if isinstance(node.ops[0], ast.In | ast.NotIn) and chain:
            looked_up, rest = (chain, node.left), [node.left]
    if looked_up is not None:
        table, key = looked_up
        if table[0] in own:
            rest += default
        else:
            lookup = Lookup(table, word_of(key), chain_of(key))
            found.lookups.add(lookup)
            for given in default:
                found.defaults.setdefault(lookup, []).append(Uses(imported=found.imported))
                _collect(given, found.defaults[lookup][-1], own)
        found.attributes.update(table[1:])
    elif isinstance(node, ast.Name | ast.Attribute) and (chain := chain_of(node)):
        if chain[0] not in own:
            found.names.add(chain)
        found.attributes.update(chain[1:])
    else:
        if isinstance(node, ast.Attribute):
            found.attributes.add(node.attr)
        rest = list(parts(node))
    for part in rest:
        _collect(part, found, own)

"""What a piece of code refers to: names, tables that it looks something up in, attributes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from adainf_core.evidence.code.source import Origin, imports
from adainf_core.evidence.code.syntax import FUNCTIONS, chain_of, parts, word_of


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
    if isinstance(node, ast.Subscript) and (chain := chain_of(node.value)):
        looked_up, rest = (chain, node.slice), [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        chain = chain_of(node.func.value)
        if node.func.attr == "get" and chain and node.args:
            looked_up, rest = (chain, node.args[0]), [*node.args, *node.keywords]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        chain = chain_of(node.comparators[0])
        if isinstance(node.ops[0], ast.In | ast.NotIn) and chain:
            looked_up, rest = (chain, node.left), [node.left]
    if looked_up is not None:
        table, key = looked_up
        if table[0] not in own:
            found.lookups.add(Lookup(table, word_of(key), chain_of(key)))
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

"""What a piece of code refers to: names, tables that it looks something up in, attributes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from adainf_core.evidence.code.source import Origin, imports
from adainf_core.evidence.code.syntax import FUNCTIONS, chain_of, once, parts, word_of


@dataclass
class Uses:
    """What a piece of code refers to: names, tables it looks something up in, attributes."""

    names: set[tuple[str, ...]] = field(default_factory=set)
    lookups: set[tuple[tuple[str, ...], str | None]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imported: dict[str, Origin] = field(default_factory=dict)


@once
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
    looked_up: tuple[tuple[str, ...], str | None] | None = None
    rest: list[ast.AST] = []
    if isinstance(node, ast.Subscript) and (chain := chain_of(node.value)):
        looked_up, rest = (chain, word_of(node.slice)), [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        chain = chain_of(node.func.value)
        if node.func.attr == "get" and chain and node.args:
            looked_up, rest = (chain, word_of(node.args[0])), [*node.args, *node.keywords]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        chain = chain_of(node.comparators[0])
        if isinstance(node.ops[0], ast.In | ast.NotIn) and chain:
            looked_up, rest = (chain, None), [node.left]
    if looked_up is not None:
        if looked_up[0][0] not in own:
            found.lookups.add(looked_up)
        found.attributes.update(looked_up[0][1:])
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

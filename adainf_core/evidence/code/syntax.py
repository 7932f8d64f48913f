"""Syntax trees: the parts of one that can change what code does, and a hash of them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Attributes of syntax trees that do not change what code does.
_SILENT = {"annotation", "returns", "type_comment", "kind", "type_params", "exc", "cause", "msg"}


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Children that matter."""
    for name, value in ast.iter_fields(node):
        if name not in _SILENT:
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield part


def chain_of(node: ast.AST) -> tuple[str, ...]:
    """("a", "b", "c") of a.b.c, empty where it does not begin with a name."""
    rest: list[str] = []
    while isinstance(node, ast.Attribute):
        rest.append(node.attr)
        node = node.value
    return (node.id, *reversed(rest)) if isinstance(node, ast.Name) else ()


def word_of(node: ast.AST) -> str | None:
    """The text that is written there; None for all else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def canonical(node: object) -> str:
    """A text of a syntax tree, equal across versions of Python, without what cannot matter."""
    if isinstance(node, list):
        return "[" + ",".join(map(canonical, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    said = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(value, list):
            value = [part for part in value if not _silent(part)]
        if value not in (None, []) and name not in _SILENT:
            said.append(f"{name}={canonical(value)}")
    return f"{type(node).__name__}({','.join(said)})"


def _silent(node: ast.AST) -> bool:
    """Whether a statement is a docstring or an import."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def tree_digest(node: ast.AST) -> str:
    """Hash of a syntax tree without what cannot matter."""
    return digest(canonical(node))


def digest(text: str) -> str:
    """Hash of a text, 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]

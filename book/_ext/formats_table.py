"""Sphinx extension: ```{formats} folders``` prints a table of formats from the tests' own list.

The list is tests/data/formats.py, every case of which the tests read.
"""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

LIST = Path(__file__).resolve().parents[2] / "tests/data/formats.py"


@cache
def formats() -> dict[str, list[Any]]:
    """The cases of the list by the name of their table."""
    spec = importlib.util.spec_from_file_location("_listed_formats", LIST)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FORMATS


def table(name: str) -> str:
    """The table of that name as Markdown; ValueError where there is none."""
    if name not in formats():
        raise ValueError(f"there are no formats {name!r}; known: {', '.join(formats())}")
    rows = ["| what there is | what happens |", "|---|---|"]
    for case in formats()[name]:
        says = case.says.replace("|", "\\|")
        rows.append(f"| {case.what} | {case.happens}{f': `{says}`' if says else ''} |")
    return "\n".join(rows)


class Formats(SphinxDirective):
    """A table of the list; the build fails where there is none of that name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The nodes of the table."""
        self.env.note_dependency(str(LIST))
        try:
            return self.parse_text_to_nodes(table(self.arguments[0]))
        except ValueError as error:
            raise self.error(str(error)) from None


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("formats", Formats)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: a cell's figure and the italics below it become a numbered figure.

In the source, and in the notebooks to download, a caption is what stands in italics below a figure,
typed or computed (`findings.caption`). Here both move into a <figure> with a <figcaption>; where
its numbers come from folds away behind "record".
"""

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

FIGURE = re.compile(r'class="(?:fig|slider)"')
#: How a text begins that says where numbers come from (findings/captions.py).
RECORDED = re.compile(r"Recorded: |Live: |Nothing recorded yet")


class Made(nodes.General, nodes.Element):
    """Where the numbers of a figure come from, folded."""


class Figures(SphinxTransform):
    """Makes figures of the cells that draw and the captions below them."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Wrap every output that is a figure, if it has a caption."""
        page = self.env.docname.rpartition("/")[2]
        number = 0
        for cell in list(self.document.findall(is_figure)):
            place = cell.parent.index(cell) + 1
            below = cell.parent[place] if place < len(cell.parent) else None
            found = taken(below)
            if found is None:
                continue
            number += 1
            outputs = [child for child in cell if child.get("nb_element") == "cell_code_output"]
            for output in outputs:
                cell.remove(output)
            cell += figure(outputs, *found, f"figure-{page}-{number}")


def is_figure(node: nodes.Node) -> bool:
    """Whether the node is a cell that draws."""
    return is_cell(node) and any(FIGURE.search(raw.astext()) for raw in node.findall(nodes.raw))


def is_cell(node: Any) -> bool:
    """Whether the node is a code cell with its outputs."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def taken(below: Any) -> tuple[list[nodes.Node], list[nodes.Node]] | None:
    """Caption and provenance, taken from the node below a figure; None where it has none."""
    if is_cell(below):
        says = [
            bundle
            for bundle in below.findall(nodes.container)
            if bundle.get("mime_type") == "text/markdown"
        ]
        paragraphs = list(says[0].findall(nodes.paragraph)) if says else []
        if not paragraphs or not all(is_italic(paragraph) for paragraph in paragraphs):
            return None
        (first, *rest) = [paragraph[0].children for paragraph in paragraphs]
        hidden = {"tag_remove-input", "tag_remove_input"} & set(below.get("classes", []))
        if hidden:
            below.parent.remove(below)
        else:  # its code stays
            for output in [c for c in below if c.get("nb_element") == "cell_code_output"]:
                below.remove(output)
        return first, [node for part in rest for node in [*part, nodes.Text(" ")]]
    if not is_italic(below):
        return None
    below.parent.remove(below)
    return apart(below[0].children)


def is_italic(node: Any) -> bool:
    """Whether the node is a paragraph that is in italics throughout."""
    return (
        isinstance(node, nodes.paragraph)
        and bool(node.children)
        and isinstance(node[0], nodes.emphasis)
        and not "".join(child.astext() for child in node[1:]).strip()
    )


def is_glued(node: nodes.Node) -> bool:
    """Whether the node is a text from a cell."""
    return isinstance(node, nodes.Element) and "pasted-text" in node.get("classes", [])


def apart(children: list[nodes.Node]) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """A typed caption without what says where its numbers come from, and that."""
    first = next(
        (n for n, node in enumerate(children) if is_glued(node) and RECORDED.match(node.astext())),
        len(children),
    )
    said, made = list(children[:first]), list(children[first:])
    if made and said and isinstance(said[-1], nodes.Text):
        said[-1] = nodes.Text(said[-1].astext().rstrip())
    return said, made


def figure(
    outputs: list[nodes.Node], caption: list[nodes.Node], made: list[nodes.Node], name: str
) -> nodes.figure:
    """A figure of these outputs, numbered by Sphinx."""
    shown = nodes.figure("", *outputs, nodes.caption("", "", *caption), ids=[name])
    if made:
        shown += nodes.legend("", Made("", nodes.paragraph("", "", *made)))
    return shown


def visit_made(self: HTML5Translator, node: Made) -> None:
    """Open the fold."""
    self.body.append('<details class="made"><summary>record</summary>')


def depart_made(self: HTML5Translator, node: Made) -> None:
    """Close it."""
    self.body.append("</details>")


def pass_by(self: Any, node: Made) -> None:
    """Nothing: elsewhere it is plain text."""


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (pass_by, pass_by))
    app.add_node(Made, html=(visit_made, depart_made), **others)
    app.add_transform(Figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: pieces to play with, and predictions that answer back.

    ```{play} weigh
    ```

    :::{predict}
    - one option
    - another

    The answer, which unfolds once an option is chosen.
    :::

A piece runs in the reader's browser, without a kernel or a network. Below its title stands what it
shows without scripts and in print: a table that the library computes while the book is built. The
scripts (`_static/play`) are loaded by pages that use them and by no other. Their computations are
those of the library (tests/test_play.py).
"""

from typing import Any

from docutils import nodes
from pieces import ANSWER, HINT, PIECES
from sphinx.util.docutils import SphinxDirective

FOLDER = "play/"


class Html(nodes.General, nodes.Element):
    """An HTML element, `tag` with `attributes`, around what any builder can show."""

    @classmethod
    def of(cls, tag: str, *children: nodes.Node, **attributes: str) -> "Html":
        """The element; an underscore in an attribute's name stands for a hyphen."""
        named = {name.strip("_").replace("_", "-"): text for name, text in attributes.items()}
        return cls("", *children, tag=tag, attributes=named)


def visit(self: Any, node: Html) -> None:
    """Open the element."""
    self.body.append(self.starttag(node, node["tag"], **node["attributes"]))


def depart(self: Any, node: Html) -> None:
    """Close the element."""
    self.body.append(f"</{node['tag']}>\n")


def pass_by(self: Any, node: Html) -> None:
    """Other builders show the children alone."""


class Play(SphinxDirective):
    """A piece; the build fails where there is none of that name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The place that the script fills, and what stands there until it does."""
        name = self.arguments[0]
        if name not in PIECES:
            raise self.error(f"there is no piece {name!r} to play; known: {', '.join(PIECES)}")
        piece = PIECES[name]
        title = nodes.paragraph("", piece.title, classes=["play-title"])
        hint = nodes.paragraph("", HINT, classes=["play-hint"])
        still = Html.of("div", *self.parse_text_to_nodes(piece.table()), hint, class_="play-still")
        place = Html.of(
            "div", title, nodes.paragraph("", piece.ask), still,
            class_="play", role="group", aria_label=piece.title, data_play=name,
        )  # fmt: skip
        place["script"] = name
        return [place]


class Predict(SphinxDirective):
    """Options, the list that the body begins with, and the answer, the rest, folded."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The options, and the answer in an element that unfolds without a script, too."""
        options, *answer = self.parse_content_to_nodes()
        if not isinstance(options, nodes.bullet_list) or not answer:
            raise self.error("predict: give a list of options, and after it the answer")
        options["classes"].append("play-options")
        summary = Html.of("summary", nodes.Text(ANSWER))
        folded = Html.of("details", summary, *answer)
        place = Html.of("div", options, folded, class_="play-predict")
        place["script"] = "predict"
        return [place]


def scripts(tree: nodes.document | None) -> list[str]:
    """The names of the scripts that a page needs, in order; empty where it plays nothing."""
    if tree is None:
        return []
    found = dict.fromkeys(node["script"] for node in tree.findall(Html) if "script" in node)
    return ["play", *found] if found else []


def load(app: Any, pagename: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Let a page load the scripts that it needs."""
    needed = scripts(tree)
    for name in needed:
        app.add_js_file(f"{FOLDER}{name}.js", loading_method="defer")
    if needed:
        app.add_css_file(f"{FOLDER}play.css")


def only_where_used(app: Any, config: Any) -> None:
    """Take back what Jupyter Book found in book/_static and would load on every page."""
    for files in (config.html_js_files, config.html_css_files):
        files[:] = [file for file in files if not str(file).startswith(FOLDER)]


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (pass_by, pass_by))
    app.add_node(Html, html=(visit, depart), **others)
    app.add_directive("play", Play)
    app.add_directive("predict", Predict)
    app.connect("config-inited", only_where_used)
    app.connect("html-page-context", load)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

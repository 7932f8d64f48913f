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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FOLDER = "play/"
ANSWER = "What the page finds"
HINT = "Where a browser may run scripts, dials stand here in place of this table."


@dataclass(frozen=True)
class Piece:
    """A piece: its title, what to try, and the table that stands in for it, made when needed."""

    title: str
    ask: str
    table: Callable[[], str]


def weights_table() -> str:
    """What N copies make of twenty generated images for each real one, at a distance of a half."""
    from adainf_core.theory import replication_to_beta

    shares = {copies: replication_to_beta(1, 20, copies) for copies in (1, 5, 10, 20, 50)}
    return table(
        ("copies N beside 20 generated", "share β of real draws", "left of a distance of 0.5"),
        [(f"{copies}", f"{b:.3f}", f"{(1 - b) * 0.5:.3f}") for copies, b in shares.items()],
    )


def views_table() -> str:
    """Pairs without a common pixel, by the smallest crop, in 4,000 pairs of the library's views."""
    from dataclasses import replace

    import torch

    from adainf_core.learning.augmentation import view_noise, view_parameters
    from adainf_core.learning.policies import POLICIES

    rows = []
    for low in (0.02, 0.08, 0.2, 0.4, 1.0):
        policy = replace(POLICIES["symmetric"], crop_scale=(low, 1.0))
        noise = view_noise(8000, torch.Generator().manual_seed(0))
        drawn = view_parameters(noise, 96, 96, policy)
        seen = (drawn.height * drawn.width).double().median() / 96**2
        meet = torch.ones(4000, dtype=torch.bool)
        for start, length in ((drawn.top, drawn.height), (drawn.left, drawn.width)):
            begin, end = start.view(2, -1), (start + length).view(2, -1)
            meet &= begin.amax(0) < end.amin(0)
        rows.append((f"{low:.0%}", f"{seen:.0%}", f"{(~meet).double().mean():.1%}"))
    columns = ("smallest crop", "of the picture in a view, median", "pairs without a common pixel")
    return table(columns, rows)


def ring_table() -> str:
    """The ring with real images only and inflated, at four strengths."""
    import warnings

    from adainf_core.theory import ring_world
    from adainf_core.theory.spectrum import DegenerateSpectrumWarning

    rows = []
    for name, beta in (("1", 1.0), ("1/3", 1 / 3)):
        for strength in (1, 2, 3, 4):
            world = ring_world(strength)
            graph = world.graph(beta)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DegenerateSpectrumWarning)
                found = world.transfer_bound(beta, 2)
            error = "left to chance" if graph.is_degenerate(2) else f"{found.real_error:.2f}"
            numbers = f"{found.labeling_error:.3f}", f"{found.spectral_gap:.3f}"
            bound = f"{found.bound:.2f}".replace("inf", "∞")
            pieces = f"{graph.component_count()}"
            rows.append((name, f"{strength}", pieces, *numbers, bound, error))
    columns = (
        "β",
        "strength",
        "pieces",
        "labeling error α",
        "connectivity λ₃",
        "bound",
        "true error",
    )
    return table(columns, rows)


def seeds_table() -> str:
    """The differences that some numbers of seeds find four times in five."""
    from adainf_core.evidence.judging.claims import CONFIDENCE
    from adainf_core.statistics.intervals import smallest_detectable

    noise, counts, families = 0.6, (3, 5, 10, 20, 30), (1, 5, 15)
    rows = [
        (
            f"{n}",
            *(
                f"{smallest_detectable(2**0.5 * noise, n, 1 - (1 - CONFIDENCE) / claims):.1f}"
                for claims in families
            ),
        )
        for n in counts
    ]
    columns = [f"points found, {claims} claim{'s' * (claims > 1)}" for claims in families]
    return table((f"seeds, a run's noise {noise:g} points", *columns), rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


#: The pieces by the name of their script.
PIECES = {
    "weigh": Piece(
        "How much should a real image weigh?",
        "Find a setting at which half of the draws are real. Then bring what is left of the "
        "distance below a tenth, without touching the generator.",
        weights_table,
    ),
    "views": Piece(
        "What is left of your picture?",
        "Two crops of one picture are called the same. Turn the dials until they are not. Only "
        "crop and jitter are drawn here.",
        views_table,
    ),
    "ring": Piece(
        "What augmentation joins",
        "Join the two clusters of each class without joining the classes. Can it be done with real "
        "images alone, at β = 1?",
        ring_table,
    ),
    "seeds": Piece(
        "How many seeds?",
        "The truth is one point. How many seeds does it take until four studies in five say so?",
        seeds_table,
    ),
}


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

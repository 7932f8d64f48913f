"""A matplotlib figure as inline SVG: in the page's colours and font, and no larger than it must."""

from __future__ import annotations

import io
import itertools
import re
from typing import TYPE_CHECKING

from adainf_core.figures.typesetting import typeset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Drawn in this colour, a mark takes the page's text colour.
INK = "#010203"
#: Drawn in this one, a mark takes the colour of the page, as if it were a hole.
PAPER = "#fcfdfe"
#: Colours that carry text as well as marks: how the text is coloured on a light and on a dark page,
#: so that its contrast is 4.5 to 1 or more. The style sheet of the book has the dark ones.
READABLE = {
    "#808080": ("#636363", "#a3a3a3"),
    "#e69f00": ("#8a5a00", "#e69f00"),
    "#56b4e9": ("#1f6f9e", "#56b4e9"),
    "#009e73": ("#00694a", "#3ecf9f"),
    "#0072b2": ("#0067a1", "#56a8dc"),
    "#d55e00": ("#a34100", "#ff9a4d"),
    "#cc79a7": ("#94437a", "#de9cc4"),
    "#9467bd": ("#764aa0", "#bb9ad8"),
}
_LONG = 400
#: A line without an area and without transparency, which would add up where lines cross.
_STROKE = re.compile(
    r'\s*<path d="([^"]*)" ((?:(?!opacity)[^>])*fill: none;(?:(?!opacity)[^>])*)/>'
)
_TEXT = re.compile(r"<text\b[^>]*>")
_FILL = re.compile(r"fill: (#[0-9a-f]{6})")


def themed_svg(figure: Figure, salt: str) -> str:
    """The figure as SVG; `salt` makes the names in it differ from those of other figures.

    Raises ValueError for text in a colour that is neither `INK` nor one of `READABLE`.
    """
    import matplotlib

    buffer = io.StringIO()
    # a fixed salt and no date: the same figure is the same bytes in every build
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: _rounded(path[0]), svg)
    svg = re.sub(r'(?<= [xy]=")-?\d+\.\d{3,}', lambda n: f"{float(n[0]):.2f}", svg)
    svg = _merged(re.sub(r"(?<=stroke-width: )\d+\.\d{3,}", lambda n: f"{float(n[0]):.2f}", svg))
    svg = _TEXT.sub(lambda text: _FILL.sub(_readable, text[0]), svg)
    svg = re.sub(r"(?<=>)[^<>]+(?=</t)", lambda words: typeset(words[0]), svg)
    svg = svg.replace(INK, "currentColor")
    svg = svg.replace(PAPER, "var(--pst-color-background, white)")
    svg = re.sub(r"font-family: [^;\"]*", "font-family: system-ui, sans-serif", svg)
    # as wide as drawn where there is room, shrinking with the page where there is not
    points = figure.get_figwidth() * 72
    fluid = f'style="width: 100%; max-width: {points * 4 / 3:.0f}px; height: auto"'
    size = r'(height|width)="[\d.]+pt" (height|width)="[\d.]+pt"'
    svg = re.sub(size, f'{fluid} aria-hidden="true" focusable="false"', svg, count=1)
    return re.sub(r"\n\s+", "\n", svg)


def _rounded(path: str) -> str:
    """A path to a hundredth of a point, a long one to a tenth, on one line."""
    digits = 1 if len(path) > _LONG else 2
    short = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.{digits}f}", path)
    return " ".join(short.split())


def _look(line: str) -> str:
    """How a line of the SVG is drawn if it is one that can be merged, else nothing."""
    found = _STROKE.fullmatch(line)
    return found[2] if found else ""


def _merged(svg: str) -> str:
    """Lines that follow one another and look the same as one path: graphs have thousands."""
    lines: list[str] = []
    for looks, group in itertools.groupby(svg.split("\n"), _look):
        if looks:
            found = [match[1] for line in group if (match := _STROKE.fullmatch(line))]
            lines.append(f'<path d="{" ".join(found)}" {looks}/>')
        else:
            lines += group
    return "\n".join(lines)


def _readable(fill: re.Match[str]) -> str:
    colour = fill[1]
    if colour == INK:
        return fill[0]
    if colour not in READABLE:
        raise ValueError(f"text in {colour}: none of {', '.join(READABLE)}, which all can read")
    return f"fill: var(--figure-{colour[1:]}, {READABLE[colour][0]})"

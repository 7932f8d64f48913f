"""What a notebook shows of an object: a few lines, a small picture or curve, and no script."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_WIDTH, _HEIGHT = 240, 60  # of a curve, in pixels


def card(title: str, lines: Iterable[str], *parts: str) -> str:
    """`title` in bold and `lines` under it, as HTML; `parts` are HTML already."""
    text = "<br>".join(html.escape(line) for line in lines)
    return f"<div><strong>{html.escape(title)}</strong><br>{text}{''.join(parts)}</div>"


def picture(image: Image.Image, alt: str, height: int) -> str:
    """An image as PNG within the page, `height` pixels high there, each of its pixels a square."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<div><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" '
        f'style="height: {height}px; image-rendering: pixelated"></div>'
    )


def curve(points: Sequence[tuple[float, float]], alt: str) -> str:
    """Finite (x, y) points joined by a line in the text's colour, as SVG."""
    xs, ys = zip(*points, strict=True)

    def place(value: float, among: Sequence[float], length: int) -> float:
        return 3 + (length - 6) * (value - min(among)) / ((max(among) - min(among)) or 1)

    line = " ".join(
        f"{place(x, xs, _WIDTH):.1f},{_HEIGHT - place(y, ys, _HEIGHT):.1f}" for x, y in points
    )
    return (
        f'<div><svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{html.escape(alt)}">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        "</svg></div>"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of text under a header, as HTML."""
    lines = "".join(
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
        for tag, row in (("th", header), *(("td", row) for row in rows))
    )
    return f"<table>{lines}</table>"

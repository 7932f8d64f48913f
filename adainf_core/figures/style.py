"""The one style: inline SVG that follows the page's theme and has alt text, and tables."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.figures.fitting import (
    NARROW,
    WIDTH,
    as_asked,
    fit_height,
    fit_words,
    keeps_shape,
    stacked,
)
from adainf_core.figures.svg import INK as INK
from adainf_core.figures.svg import themed_svg
from adainf_core.figures.typesetting import typeset
from adainf_core.files import atomic_file
from adainf_core.validation import as_path, as_positive, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAINT = "#808080"

# Okabe and Ito's colours by role; filled marks are real data or a flawed generator, open ones
# the perfect generator, so colour is never alone
OKABE_ITO = {
    "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73", "blue": "#0072B2", "red": "#D55E00",
}  # fmt: skip
REAL, GENERATED, BOUNDARY = OKABE_ITO["blue"], OKABE_ITO["orange"], OKABE_ITO["red"]
#: Colour and marker of each arm, the same in every chapter.
ARM_STYLE: dict[Any, Any] = {
    "none": (FAINT, "o"),
    "weak": (OKABE_ITO["sky"], "s"),
    "vanilla": (OKABE_ITO["red"], "v"),
    "adainf": (OKABE_ITO["green"], "D"),
    "perfect_vanilla": (OKABE_ITO["red"], "^"),
    "perfect_adainf": (OKABE_ITO["green"], "d"),
    "reweighted": (OKABE_ITO["orange"], "<"),
    "vanilla_weak": (OKABE_ITO["blue"], ">"),
    "generated_only": ("#CC79A7", "X"),
    "untrained": (FAINT, "|"),
    "pixels": (FAINT, "+"),
    "colours": (FAINT, "x"),
    "mixture": (OKABE_ITO["red"], "p"),
    "mixture_weak": (OKABE_ITO["blue"], "p"),
    "diffusion": ("#9467BD", "P"),
    "diffusion_weak": ("#9467BD", "h"),
    "perfect_weak": (OKABE_ITO["blue"], ">"),
    "perfect_reweighted": (OKABE_ITO["orange"], "<"),
}
#: Colour and marker of each flaw of the sprites' generators, and of the perfect one.
FLAW_STYLE = {
    "chimera": (OKABE_ITO["red"], "v"),
    "background": (OKABE_ITO["blue"], "o"),
    "blur": (OKABE_ITO["green"], "s"),
    "mode_drop": ("#CC79A7", "D"),
    "perfect": (FAINT, "^"),
}

_STYLE: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
}


#: In files letters are shapes, or come along: no reader's fonts are needed.
_FILES = {"svg.fonttype": "path", "pdf.fonttype": 42}
# what would differ from one writing to the next, by kind of file
_DATED: dict[str, tuple[str, ...]] = {"png": (), "svg": ("Date",), "pdf": ("CreationDate",)}


@contextmanager
def style(changes: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Matplotlib settings of the book, and `changes` of them, for the time of a `with` block."""
    import matplotlib

    with matplotlib.rc_context(_STYLE | dict(changes or {})):
        yield


@dataclass(frozen=True)
class Shown:
    """A finished figure: themed SVG for pages, PNG for print, alt text for those who listen.

    `figure` is matplotlib's, closed, from which `save` draws files. `narrow` is the SVG that takes
    the other's place where a page has no room for it; the page's style sheet switches them.
    """

    svg: str
    alt: str
    figure: Figure = field(repr=False, compare=False)
    narrow: str

    @cached_property
    def png(self) -> bytes:
        """Its PNG, drawn when it is asked for: of a slider's frames one is."""
        buffer = io.BytesIO()
        with style():
            self.figure.savefig(buffer, format="png", dpi=200, facecolor="white")
        return buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the figure to `path`, whole or not at all, as its suffix says; returns the path.

        .png (200 dpi), .svg or .pdf, on white, in letters that look the same everywhere. Raises
        ValueError for another suffix and FileNotFoundError for a folder that is not there.
        """
        target = as_path(path, "path")
        kind = target.suffix.removeprefix(".").lower()
        if kind not in _DATED:
            raise ValueError(f"path = {target} has to end in .png, .svg or .pdf")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"{target.parent} is no folder: make it to save {target.name}")
        with atomic_file(target) as file, style(_FILES | {"svg.hashsalt": self.alt}):
            metadata = {"Title": self.alt} | dict.fromkeys(_DATED[kind])
            self.figure.savefig(file, format=kind, dpi=200, facecolor="white", metadata=metadata)
        return target

    def _repr_html_(self) -> str:
        label = html.escape(self.alt, quote=True)
        return f'<div class="fig" role="img" aria-label="{label}">{self.drawings}</div>'

    @property
    def drawings(self) -> str:
        """HTML of both drawings: without a style sheet, the wide one is seen."""
        return f'<div class="wide">{self.svg}</div><div class="narrow" hidden>{self.narrow}</div>'

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def draw(
    paint: Callable[..., None],
    *,
    alt: str,
    height: float = 3.0,
    width: float = WIDTH,
    narrow: float | None = None,
    exact: bool = False,
    **subplots: Any,
) -> Shown:
    """Have `paint(axes)` draw on fresh axes and return the figure, ready to be a cell's result.

    `height` and `width` are in inches, `subplots` go to `matplotlib.pyplot.subplots`; with more
    than one panel `paint` gets the array of axes. What keeps its shape, such as pictures, is made
    as high as its width asks for, unless the size is `exact`. `paint` is called twice: a second
    drawing, `NARROW` wide, is for phones, and `is_narrow` tells the two apart. There panels stand
    one below the other, and long names above their rows; with `narrow`, its height, all that is
    left to `paint`.
    `alt` says in at most 300 characters what the chart is and what it shows, and is required:
    raises ValueError without it.
    """
    if not callable(paint):
        raise ValueError(f"paint = {in_words(paint)} must be a function of axes")
    if not isinstance(alt, str) or not alt.strip() or len(alt) > 300:
        raise ValueError(
            f"alt text = {in_words(alt)}: say in 1 to 300 characters what is to be seen"
        )
    width, height = as_positive(width, "width"), as_positive(height, "height")
    with style():
        whole = _painted(paint, (width, height), subplots)
        shaped = keeps_shape(whole) and not exact
        if shaped:
            fit_height(whole, height)
        svg = themed_svg(whole, alt)
        tall, below = stacked(height, keeps_shape(whole, all_of_it=True), subplots)
        small = _painted(paint, (NARROW, narrow or tall), below, subplots)
        if narrow is None:
            if len(small.axes) == 1 and shaped:
                fit_height(small, height, at_most=False)
            fit_words(small)
        return Shown(svg, alt, whole, themed_svg(small, f"{alt} narrow"))


def _painted(
    paint: Callable[..., None],
    size: tuple[float, float],
    subplots: Mapping[str, Any],
    asked: Mapping[str, Any] | None = None,
) -> Figure:
    """A closed figure with what `paint` draws on axes as the caller `asked` for them."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=size, **subplots)
    try:
        paint(as_asked(axes, asked or {}))
        return figure
    finally:
        plt.close(figure)


def is_narrow(ax: Axes) -> bool:
    """Whether these axes are of a drawing for phones."""
    return ax.get_figure(root=True).get_figwidth() <= NARROW  # type: ignore[union-attr]


@dataclass(frozen=True)
class Table:
    """Rows under a header, shown as Markdown; cells are text that may hold Markdown and maths.

    Numbers in them are `typeset`."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def _repr_markdown_(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return typeset("\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines))

    def __repr__(self) -> str:
        return self._repr_markdown_()

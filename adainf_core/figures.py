"""The book's one figure style: inline SVG that follows the page's theme and has alt text."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.evidence.claims import MARGIN
from adainf_core.evidence.statistics import t_interval
from adainf_core.evidence.verdicts import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Full width in inches: at 10 pt it stays readable on a phone.
WIDTH = 5.4
#: Drawn in this colour, a mark takes the page's text colour.
INK = "#010203"
_FAINT = "#808080"

# Okabe and Ito's colours by role; filled marks are real data or a flawed generator, open ones
# the perfect generator, so colour is never alone
_OKABE_ITO = {
    "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73", "blue": "#0072B2", "red": "#D55E00",
}  # fmt: skip
REAL, GENERATED, BOUNDARY = _OKABE_ITO["blue"], _OKABE_ITO["orange"], _OKABE_ITO["red"]
#: Colour and marker of each arm, the same in every chapter.
ARM_STYLE: dict[Any, Any] = {
    "none": (_FAINT, "o"),
    "weak": (_OKABE_ITO["sky"], "s"),
    "vanilla": (_OKABE_ITO["red"], "v"),
    "adainf": (_OKABE_ITO["green"], "D"),
    "perfect_vanilla": (_OKABE_ITO["red"], "^"),
    "perfect_adainf": (_OKABE_ITO["green"], "d"),
    "reweighted": (_OKABE_ITO["orange"], "<"),
    "vanilla_weak": (_OKABE_ITO["blue"], ">"),
    "generated_only": ("#CC79A7", "X"),
    "perfect_weak": (_OKABE_ITO["blue"], ">"),
    "perfect_reweighted": (_OKABE_ITO["orange"], "<"),
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


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings of the book, for the time of a `with` block."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


@dataclass(frozen=True)
class Shown:
    """A finished figure: themed SVG for pages, PNG for print, alt text for those who listen."""

    svg: str
    png: bytes
    alt: str

    def _repr_html_(self) -> str:
        label = html.escape(self.alt, quote=True)
        return f'<div class="fig" role="img" aria-label="{label}">{self.svg}</div>'

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
    **subplots: Any,
) -> Shown:
    """Have `paint(axes)` draw on fresh axes and return the figure, ready to be a cell's result.

    `height` and `width` are in inches, `subplots` go to `matplotlib.pyplot.subplots`; with more
    than one panel `paint` gets the array of axes. `alt` says in at most 300 characters what the
    chart is and what it shows, and is required: raises ValueError without it.
    """
    if not alt.strip() or len(alt) > 300:
        raise ValueError(f"alt text has {len(alt)} characters: say in 1 to 300 what is to be seen")
    from matplotlib import pyplot as plt

    with style():
        figure, axes = plt.subplots(figsize=(width, height), **subplots)
        try:
            paint(axes)
            return Shown(_themed_svg(figure, alt), _png(figure), alt)
        finally:
            plt.close(figure)


def _themed_svg(figure: Figure, salt: str) -> str:
    import matplotlib

    buffer = io.StringIO()
    # a fixed salt and no date: the same figure is the same bytes in every build
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 system-ui, sans-serif", svg)
    # as wide as drawn where there is room, shrinking with the page where there is not
    points = figure.get_figwidth() * 72
    fluid = f'style="width: 100%; max-width: {points * 4 / 3:.0f}px; height: auto"'
    size = r'(height|width)="[\d.]+pt" (height|width)="[\d.]+pt"'
    return re.sub(size, f'{fluid} aria-hidden="true" focusable="false"', svg, count=1)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, facecolor="white")
    return buffer.getvalue()


@dataclass(frozen=True)
class Table:
    """Rows under a header, shown as Markdown; cells are text that may hold Markdown and maths."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def _repr_markdown_(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

    def __repr__(self) -> str:
        return self._repr_markdown_()


def arm_dots(ax: Axes, arms: Mapping[str, tuple[str, Sequence[float]]], unit: str) -> None:
    """One line an arm: its seeds as dots, their mean with its 95 % t interval as a bar.

    `arms` maps the arm's key in `ARM_STYLE` to its label and the values, one a seed.
    """
    for row, (key, (_, values)) in enumerate(arms.items()):
        colour, marker = ARM_STYLE[key]
        open_mark = key.startswith("perfect")
        interval = t_interval(values)
        ax.plot([interval.low, interval.high], [row, row], color=colour, lw=3, alpha=0.45,
                solid_capstyle="butt", zorder=1)  # fmt: skip
        ax.scatter(values, np.full(len(values), row + 0.22), s=9, color=colour, alpha=0.8, lw=0)
        ax.plot(interval.mean, row, marker, ms=8, color=colour, mew=1.6, zorder=3,
                mfc="none" if open_mark else colour)  # fmt: skip
        ax.annotate(f"{interval.mean:.1f}", (interval.mean, row), (0, 7), ha="center", fontsize=9,
                    textcoords="offset points")  # fmt: skip
    ax.set_yticks(range(len(arms)), [label for label, _ in arms.values()])
    ax.set_ylim(len(arms) - 0.4, -0.7)
    ax.set_xlabel(unit)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=_FAINT, alpha=0.25, lw=0.6)


def differences(ax: Axes, verdicts: Sequence[Verdict], labels: Sequence[str]) -> None:
    """A forest plot of paired differences: interval and mean, the paper's values as open stars.

    `labels` has a short name for each verdict; in the grey band from 0 to the claims' `MARGIN` a
    difference is too small to matter.
    """
    ax.axvspan(0, MARGIN, color=_FAINT, alpha=0.18, lw=0)
    ax.axvline(0, color=INK, lw=0.8)
    for row, verdict in enumerate(verdicts):
        interval = verdict.difference
        if interval is None:  # not run, or no difference
            continue
        ax.plot([interval.low, interval.high], [row, row], color=INK, lw=1.6)
        ax.plot(interval.mean, row, "o", color=INK, ms=6)
        for published in verdict.claim.published:
            if published.difference is not None:
                ax.plot(published.difference, row, "*", ms=11, mfc="none", mec=GENERATED, mew=1.4)
    ax.set_yticks(range(len(verdicts)), labels)
    ax.set_ylim(len(verdicts) - 0.5, -0.5)
    ax.set_xlabel("difference in linear accuracy, points")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


#: Colour and letter of each verdict: the letter is what remains in grey.
VERDICT_STYLE = {
    "holds": (_OKABE_ITO["green"], "H"),
    "holds, but negligible": (_OKABE_ITO["sky"], "h"),
    "does not hold": (_OKABE_ITO["red"], "N"),
    "not decided": (_FAINT, "?"),
}


def verdict_strip(
    ax: Axes, rows: Sequence[tuple[str, Sequence[str]]], columns: Sequence[str]
) -> None:
    """A grid of verdicts, a row a claim and a column a variant of the rule.

    `rows` has each claim's name and its words; H holds, h holds but is negligible, N does not hold,
    ? is not decided, and in other colours.
    """
    for row, (_, words) in enumerate(rows):
        for column, word in enumerate(words):
            colour, letter = VERDICT_STYLE[word]
            ax.barh(row, 0.94, 0.8, column - 0.47, color=colour, alpha=0.45, lw=0)
            ax.text(column, row, letter, ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_xticks(range(len(columns)), columns)
    ax.xaxis.tick_top()
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Claims with the paper's difference, ours with its corrected interval, and the verdict."""
    rows = []
    for verdict in verdicts:
        claim, ours = verdict.claim, verdict.difference or verdict.best
        published = [
            p.source if p.difference is None else f"{p.difference:+.2f} ({p.source})"
            for p in claim.published
        ]
        rows.append(
            (
                claim.statement,
                "; ".join(published) or "not known",
                "" if ours is None else f"{ours:+.2f}, n = {ours.n}",
                f"**{verdict.word}**",
            )
        )
    return Table(("claim", "paper, points", "ours, points", "verdict"), rows)


def contact_sheet(ax: Axes, rows: Sequence[tuple[str, np.ndarray]]) -> None:
    """Labelled rows of images, each uint8 (n, 3, h, w), enlarged without smoothing."""
    height, width = rows[0][1].shape[2:]
    columns = max(len(images) for _, images in rows)
    gap = max(1, height // 12)
    sheet = np.zeros((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for r, (_, images) in enumerate(rows):
        for c, image in enumerate(images):
            y, x = r * (height + gap), c * (width + gap)
            sheet[y : y + height, x : x + width, :3] = image.transpose(1, 2, 0)
            sheet[y : y + height, x : x + width, 3] = 255
    ax.imshow(sheet, interpolation="none", extent=(0, sheet.shape[1], sheet.shape[0], 0))
    centres = [r * (height + gap) + height / 2 for r in range(len(rows))]
    ax.set_yticks(centres, [label for label, _ in rows])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)

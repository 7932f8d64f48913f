"""Small things that many figures share: rows of panels, notes, ticks, names that do not overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.figures.style import GENERATED, Shown, draw, is_narrow

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def panels(
    paint: Callable[[Axes, Any], None],
    data: Mapping[str, Any],
    *,
    alt: str,
    height: float = 3.0,
    xlabel: str = "",
    ylabel: str = "",
    sharey: bool = True,
    **subplots: Any,
) -> Shown:
    """A row of panels: `paint(axes, value)` for each item of `data`, titled by its key.

    `xlabel` stands below every panel, `ylabel` beside the first; `sharey` gives all one scale. The
    rest is as in `draw`.
    """

    def paint_all(axes: Any) -> None:
        row = np.atleast_1d(axes)
        for ax, (title, value) in zip(row, data.items(), strict=True):
            paint(ax, value)
            ax.set_title(title)
            if xlabel:
                ax.set_xlabel(xlabel)
        if ylabel:
            row[0].set_ylabel(ylabel)

    return draw(paint_all, alt=alt, height=height, ncols=len(data), sharey=sharey, **subplots)


def note(
    ax: Axes, text: str, at: tuple[Any, Any], offset: tuple[float, float] = (0, 0), **look: Any
) -> None:
    """Small text at a point of the axes, moved by `offset` points; `look` goes to `annotate`."""
    ax.annotate(text, at, offset, textcoords="offset points", **({"fontsize": 9} | look))


def level_ticks(
    ax: Axes, levels: Iterable[float], labels: Sequence[str] | None = None, axis: str = "x"
) -> None:
    """Ticks at `levels` and nowhere between, plain numbers unless `labels` are given."""
    from matplotlib.ticker import NullLocator

    levels = list(levels)
    names = [f"{level:g}" for level in levels] if labels is None else list(labels)
    getattr(ax, f"set_{axis}ticks")(levels, names)
    getattr(ax, f"{axis}axis").set_minor_locator(NullLocator())


def end_labels(
    ax: Axes, ends: Iterable[tuple[float, float, str]], gap: float = 0.085, offset: float = 13
) -> None:
    """Names to the right of the points (x, y, name), moved up where they would overlap.

    `gap` is their least distance as a share of the axes' height, which has to be final, `offset`
    the distance from the point in points.
    """
    least, last = gap * np.ptp(ax.get_ylim()), -np.inf
    for x, y, text in sorted(ends, key=lambda end: end[1]):
        last = max(y, last + least)
        note(ax, text, (x, last), (offset, 0), va="center")


def star(ax: Axes, x: float, label: str, y: float = 0.05) -> None:
    """An open star, named, for a place `x` that is not ours; `y` is a share of the axes."""
    where = ax.get_xaxis_transform()
    ax.plot(x, y, "*", ms=11, mfc="none", mec=GENERATED, mew=1.4, clip_on=False, transform=where)
    note(ax, label, (x, y), (9, 0), va="center", xycoords=where)


def compact_legend(ax: Axes, where: Any = "best", **look: Any) -> None:
    """A small legend without a frame inside the axes; `look` goes to `legend`."""
    small: dict[str, Any] = {"loc": where, "frameon": False, "fontsize": 9, "borderpad": 0}
    ax.legend(**({"handlelength": 1.2, "labelspacing": 0.2} | small | look))


def legend_below(ax: Axes, columns: int) -> None:
    """One legend below all panels, of what is labelled in this one."""
    from matplotlib.figure import Figure

    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    handles, labels = ax.get_legend_handles_labels()
    columns = min(columns, 2) if is_narrow(ax) else columns
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=9)


def named_rows(ax: Axes, names: Iterable[str], above: float = 0.5, below: float = 0.5) -> None:
    """A row for each name, the first on top, without ticks; room `above` and `below` in rows."""
    rows = list(names)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 1 + below, -above)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def row_names(axes: Any, names: Sequence[str]) -> None:
    """Names of the rows of a grid of panels, upright, to the left of the first column."""
    for row, name in zip(axes, names, strict=True):
        note(row[0], name, (0, 0.5), (-6, 0), xycoords="axes fraction", rotation=90, va="center",
             ha="right", fontsize=10)  # fmt: skip

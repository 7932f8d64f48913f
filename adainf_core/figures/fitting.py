"""How a figure is laid out where there is little room, and how high drawings are."""

from __future__ import annotations

import itertools
import math
import textwrap
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

#: Width in inches of a figure in a page's column, and of one on a phone.
WIDTH, NARROW = 7.5, 3.4
#: The width in inches at which callers give the height of what keeps its shape, as pictures do.
SHAPED = 5.4
_LONGEST = 1.15  # inches of a row's name; longer ones stand above their rows on a phone
_LEAST = 1.9  # inches that a panel is high


def keeps_shape(figure: Figure, all_of_it: bool = False) -> bool:
    """Whether something in the figure, or all of it, keeps its shape: pictures, maps, drawings."""
    kept = [ax.get_aspect() != "auto" for ax in figure.axes]
    return all(kept) if all_of_it else any(kept)


def fit_height(figure: Figure, height: float, at_most: bool = True) -> None:
    """Let what keeps its shape use the width: `height` is meant for one of `SHAPED` inches.

    Of a single picture or drawing that is the most, unless `at_most` is False.
    """
    width = figure.get_figwidth()
    figure.set_figheight(height * width / SHAPED)
    if len(figure.axes) == 1:  # pictures of a row or two leave room above and below
        figure.draw_without_rendering()
        [ax] = figure.axes
        shown, whole = ax.get_window_extent(), ax.get_tightbbox()
        if whole is not None and shown.width > 0:
            (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
            beside = whole.width - shown.width + 0.1 * figure.dpi
            over = whole.height - shown.height + 0.1 * figure.dpi
            needed = (width * figure.dpi - beside) * abs((high - low) / (right - left)) + over
            most = figure.get_figheight() if at_most else math.inf
            figure.set_figheight(min(most, needed / figure.dpi))


def stacked(height: float, shaped: bool, subplots: Mapping[str, Any]) -> tuple[float, dict]:
    """Height and subplots of the narrow version: panels one below the other, pictures two abreast.

    `shaped` says whether all panels keep their shape.
    """
    kept, many = dict(subplots), dict(subplots)
    rows, columns = kept.get("nrows", 1), kept.get("ncols", 1)
    if columns == 1:
        return height, kept
    for name in ("nrows", "ncols", "width_ratios", "height_ratios", "sharex"):
        many.pop(name, None)
    if many.get("sharey") in ("row", "col"):
        many.pop("sharey")
    across = 2 if shaped else 1
    panels = math.ceil(rows * columns / across)
    each = height / rows * columns / across * NARROW / SHAPED if shaped else 0.85 * height / rows
    each = each if shaped else max(_LEAST, each)
    return panels * each, {**many, "nrows": panels, "ncols": across}


def as_asked(axes: Any, subplots: Mapping[str, Any]) -> Any:
    """Axes of the stacked version in the array that those of the wide one come in."""
    shape = subplots.get("nrows", 1), subplots.get("ncols", 1)
    if shape[1] == 1:
        return axes
    flat = np.ravel(axes)
    for spare in flat[shape[0] * shape[1] :]:
        spare.remove()
    flat = flat[: shape[0] * shape[1]]
    return flat if shape[0] == 1 else flat.reshape(shape)


def fit_words(figure: Figure) -> None:
    """Make words fit a narrow figure: long names above their rows, long labels on several lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no room yet beside the longest names
        figure.draw_without_rendering()
    for ax in figure.axes:
        names = [label for label in ax.get_yticklabels() if label.get_text()]
        if names and not ax.images and max(map(_inches, names)) > _LONGEST:
            _names_above(ax, names)
        ticks = [label for label in ax.get_xticklabels() if label.get_text()]
        if _overlap(ticks):
            for label in ticks:
                label.set(rotation=40, ha="right", rotation_mode="anchor")
    figure.draw_without_rendering()
    for ax in figure.axes:
        box = ax.get_window_extent()
        middle = (box.x0 + box.x1) / 2 / figure.dpi
        # what stands over the middle of the axes must not stick out at either side
        room = 2 * min(middle, NARROW - middle) - 0.1
        for text, most in (
            (ax.title, room if len(figure.axes) == 1 else box.width / figure.dpi),
            (ax.xaxis.label, room),
            (ax.yaxis.label, box.height / figure.dpi),
        ):
            _wrap(text, max(most, 1.2))


def _names_above(ax: Axes, names: list[Text]) -> None:
    """Put the names of rows above them, at the left edge, and make room for it."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    rows = {label.get_position()[1]: " ".join(label.get_text().split()) for label in names}
    ax.set_yticks(list(rows), [""] * len(rows))  # of which the labels are the same objects
    ax.tick_params(axis="y", length=0)
    for place, name in rows.items():
        words = "\n".join(textwrap.wrap(name, 46))
        ax.annotate(words, (0, place), (0, 13), xycoords=("axes fraction", "data"), fontsize=10,
                    textcoords="offset points", va="bottom", ha="left")  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * math.copysign(1, high - low))
    figure.set_figheight(figure.get_figheight() + 0.24 * len(rows))


def _inches(text: Text) -> float:
    figure = text.get_figure(root=True)
    assert figure is not None
    return float(text.get_window_extent().width / figure.dpi)


def _overlap(labels: list[Text]) -> bool:
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    flat = all(label.get_rotation() == 0 for label in labels)
    return flat and any(after.x0 < before.x1 + 2 for before, after in itertools.pairwise(boxes))


def _wrap(text: Text, most: float) -> None:
    """Break `text` into lines so that it is at most `most` inches long."""
    words, upright = text.get_text(), text.get_rotation() == 90
    figure = text.get_figure(root=True)
    if not words or figure is None or "\n" in words or "$" in words:
        return
    box = text.get_window_extent()
    long = (box.height if upright else box.width) / figure.dpi
    if long > most:
        text.set_text("\n".join(textwrap.wrap(words, max(8, int(len(words) * most / long)))))

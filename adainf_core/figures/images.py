"""Sheets of images, and images and arrows in drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.figures.fitting import NARROW, WIDTH
from adainf_core.figures.style import FAINT, GENERATED, INK, REAL, Shown, draw, is_narrow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adainf_core.learning.augmentation import ViewParameters

#: How many images stand in a row on a phone.
MOST = 6


def sheet(rows: Mapping[str, Any], *, alt: str, columns: int | None = None) -> Shown:
    """A figure of labelled rows of images (`image_rows`), as high as they need.

    `rows` maps labels to images (n, 3, h, w) of one size, uint8 or floats in [0, 1] such as views;
    of each row it shows the first `columns`, or all.
    """
    shown = [(label, np.asarray(images)[:columns]) for label, images in rows.items()]
    h, w = shown[0][1].shape[2:]
    side = WIDTH / max(len(images) for _, images in shown)
    height = 0.14 + len(shown) * side * h / w
    return draw(lambda ax: image_rows(ax, shown), alt=alt, height=height)


def image_rows(ax: Axes, rows: Sequence[tuple[str, Any]]) -> None:
    """Labelled rows of images, each (n, 3, h, w), enlarged without smoothing.

    They are uint8, or floats in [0, 1] such as views; arrays or tensors in main memory. On a phone
    there are at most `MOST` in a row, and labels stand above their rows.
    """
    narrow = is_narrow(ax)
    most = MOST if narrow else None
    found = [(label, _grey_levels(images)[:most]) for label, images in rows]
    height, width = found[0][1].shape[2:]
    columns = max(len(images) for _, images in found)
    gap = max(1, height // 12)
    across = columns * (width + gap) - gap
    above = round(0.25 / NARROW * across) if narrow and any(label for label, _ in found) else 0
    pitch = height + gap + above
    canvas = np.zeros((len(found) * pitch - gap - above, across, 4), np.uint8)
    for r, (_, images) in enumerate(found):
        for c, image in enumerate(images):
            y, x = r * pitch, c * (width + gap)
            canvas[y : y + height, x : x + width, :3] = image.transpose(1, 2, 0)
            canvas[y : y + height, x : x + width, 3] = 255
    ax.imshow(canvas, interpolation="none", extent=(0, canvas.shape[1], canvas.shape[0], 0))
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if narrow:
        ax.set_yticks([])
        ax.set_ylim(canvas.shape[0], -above)
        for r, (label, _) in enumerate(found):
            ax.text(0, r * pitch, " ".join(label.split()), va="bottom")
        return
    centres = [r * pitch + height / 2 for r in range(len(found))]
    # the blanks leave room for the wider letters of a reader's own font
    ax.set_yticks(centres, [f"   {label}" if label else "" for label, _ in found])


def crop_sheet(
    ax: Axes, images: Any, views: Mapping[str, tuple[Any, ViewParameters]], looks: Sequence[str]
) -> None:
    """A contact sheet of images and, below, views of them, whose crops are boxes on the images.

    `views` has for each row's label the views and what was drawn for them; `looks` a colour each,
    the second and later ones dashed.
    """
    from matplotlib.patches import Rectangle

    images = images[: MOST if is_narrow(ax) else None]
    image_rows(ax, [("image", images), *((name, found) for name, (found, _) in views.items())])
    side = images.shape[-1]
    stride = side + max(1, side // 12)
    for row, ((_, drawn), colour) in enumerate(zip(views.values(), looks, strict=True)):
        for i in range(len(images)):
            at = stride * i + int(drawn.left[i]), int(drawn.top[i])
            ax.add_patch(Rectangle(at, int(drawn.width[i]), int(drawn.height[i]), fill=False,
                                   ec=colour, lw=1.5, ls="--" if row else "-"))  # fmt: skip


def picture(ax: Axes, image: Any, x: float, y: float, side: float) -> None:
    """One square image (3, h, w), uint8 or floats in [0, 1], centred at (x, y) of a drawing."""
    limits = ax.get_xlim(), ax.get_ylim(), ax.get_aspect()
    half = side / 2
    ax.imshow(
        _grey_levels(image).transpose(1, 2, 0),
        extent=(x - half, x + half, y - half, y + half),
        interpolation="none",
        zorder=2,
    )
    ax.set(xlim=limits[0], ylim=limits[1], aspect=limits[2])


def arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str = INK,
    *,
    kind: str = "-|>",
    bend: float = 0.0,
    **look: Any,
) -> None:
    """An arrow of a drawing from `start` to `end`, of matplotlib's arrow style `kind`.

    `bend` is how far it swings aside, as a share of its length; `look` are further properties of
    the arrow, such as `lw`, `ls` or `shrinkB`.
    """
    properties = {"lw": 1.3, "shrinkA": 1, "shrinkB": 1} | look
    ax.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": kind,
            "color": colour,
            "connectionstyle": f"arc3,rad={bend}",
            **properties,
        },
    )


def contrastive_pipeline(ax: Axes, images: Any, views: Sequence[Any]) -> None:
    """A drawing of SimCLR: two images, two views of each, one encoder, embeddings on a circle.

    images (2, 3, h, w); views: two such arrays. The places on the circle are drawn, not computed.
    """
    from matplotlib.patches import Circle, Rectangle

    ax.set(xlim=(-0.3, 9.9), ylim=(-0.6, 4.5), aspect="equal")
    ax.axis("off")
    heights, angles = (3.4, 2.4, 1.0, 0.0), np.deg2rad((112, 152, 212, 246))
    ends = [
        (8.2 + 1.25 * x, 1.7 + 1.25 * y)
        for x, y in zip(np.cos(angles), np.sin(angles), strict=True)
    ]
    ax.add_patch(Circle((8.2, 1.7), 1.25, fill=False, ec=FAINT, lw=1))
    ax.add_patch(Rectangle((4.05, -0.4), 1.45, 4.2, fill=False, ec=INK, lw=1.2))
    for row, (y, (x, z)) in enumerate(zip(heights, ends, strict=True)):
        n, view = divmod(row, 2)
        if view == 0:
            picture(ax, images[n], 0.5, y - 0.5, 1.2)
        picture(ax, views[view][n], 2.6, y, 0.8)
        arrow(ax, (1.2, heights[2 * n] - 0.5), (2.1, y))
        arrow(ax, (3.1, y), (4.0, y))
        arrow(ax, (5.55, y), (x - 0.14, z))
        ax.plot(x, z, "os"[n], color=(REAL, GENERATED)[n], ms=8, zorder=4)
    arrow(ax, ends[0], ends[1], REAL, kind="-", bend=-0.5)
    arrow(ax, ends[2], ends[3], GENERATED, kind="-", bend=-0.5)
    arrow(ax, ends[1], ends[2], FAINT, kind="<->", ls="--")
    for x, y, text in ((8.05, 2.3, "pull"), (8.05, 0.85, "pull"), (7.3, 1.58, "push")):
        ax.text(x, y, text, fontsize=9)
    words = ["encoder $f$\n\nhead $g$", "image $\\bar{x}$", "views $x, x^+$", "embeddings $z$"]
    if is_narrow(ax):
        words = ["$f$\n\n$g$", "$\\bar{x}$", "$x, x^+$", "$z$"]
    ax.text(4.78, 1.7, words[0], ha="center", va="center")
    for x, text in zip((0.5, 2.6, 8.2), words[1:], strict=True):
        ax.text(x, 4.15, text, ha="center")


def _grey_levels(images: Any) -> np.ndarray:
    """The same as uint8."""
    found = np.asarray(images)
    return found if found.dtype == np.uint8 else (255 * found).round().astype(np.uint8)

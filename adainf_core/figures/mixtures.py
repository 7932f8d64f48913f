"""Mixtures of real and generated data, drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.images import MOST, arrow, image_rows, picture
from adainf_core.figures.layout import note
from adainf_core.figures.style import BOUNDARY, FAINT, GENERATED, INK, REAL, is_narrow
from adainf_core.theory.total_variation import mixture, total_variation

#: Steps of the experiment: their place, what is chosen at each, and what the theory asks of it.
_STEPS = (
    (2.85, "mixture", "share of real\nimages, β", "$D_{TV}$", "how wrong\nis the mixture?"),
    (4.55, "two views", "strength of crops\nand colours", "$\\alpha$",
     "how often does a\nview lose its class?"),
    (6.25, "encoder", "alike for views\nof one image", "$\\lambda$",
     "how well do views\nhang together?"),
)  # fmt: skip


def experiment_drawing(ax: Any, real: Any, generated: Any) -> None:
    """The experiment from left to right, and above it the theory's question about each step.

    Six real and six generated images, each (6, 3, h, w), flow into a mixture, two views and an
    encoder.
    """
    away: dict[str, Any] = {"shrinkA": 2, "shrinkB": 2}
    for images, low in ((real, 2.0), (generated, 0.25)):
        for n, image in enumerate(images):
            picture(ax, image, 0.205 + 0.46 * (n % 3), low + 0.205 + 0.46 * (n // 3), 0.41)
    ax.text(0.66, 2.98, "real images", ha="center", color=REAL)
    ax.text(0.66, 1.23, "generated images", ha="center", color=GENERATED)
    arrow(ax, (1.42, 2.42), (2.35, 1.85), REAL, lw=2.4, **away)
    arrow(ax, (1.42, 0.7), (2.35, 1.45), GENERATED, **away)
    ax.text(1.85, 1.66, "weight $N$", ha="center", va="center", color=REAL, fontsize=9)
    box = {"boxstyle": "round,pad=0.45", "fc": "none", "ec": INK}
    for x, step, chosen, symbol, asked in _STEPS:
        ax.text(x, 1.65, step, ha="center", va="center", bbox=box)
        ax.text(x, 1.2, chosen, ha="center", va="top", fontsize=9)
        ax.text(x, 2.98, symbol, ha="center", va="center", fontsize=13, color=BOUNDARY)
        ax.text(x, 2.72, asked, ha="center", va="top", fontsize=9)
    for start, end in ((3.4, 3.95), (5.15, 5.7)):
        arrow(ax, (start, 1.65), (end, 1.65), **away)
    ax.set(xlim=(-0.05, 7.1), ylim=(0.2, 3.2), aspect="equal")
    ax.axis("off")


def mixed_masses(ax: Any, real: ArrayLike, generated: ArrayLike, mixed: ArrayLike) -> None:
    """Bars of a mixture over a few values, and the outlines of the two sides it is mixed from."""
    real, generated, mixed = (np.asarray(p) for p in (real, generated, mixed))
    places = np.arange(len(mixed))
    ax.bar(places, mixed, color=FAINT, alpha=0.45, lw=0, width=0.96)
    edges = np.arange(len(mixed) + 1) - 0.5
    for p, colour, line in ((real, REAL, "-"), (generated, GENERATED, "--")):
        ax.stairs(p, edges, color=colour, ls=line, lw=1.6)
    note(ax, "generated", (0, generated[0]), (0, 3))
    note(ax, "real", (edges[-1], real[-1]), (0, 3), ha="right")
    ax.set(xticks=places, xticklabels=[], yticks=[], ylim=(0, 1.25 * max(generated.max(), 1e-9)))
    ax.spines["left"].set_visible(False)


def marked_batch(ax: Any, images: Any, is_real: ArrayLike) -> None:
    """A row of images (n, 3, h, w); below each a dot if it is real, else a cross."""
    most = MOST if is_narrow(ax) else None
    images, whose = images[:most], np.asarray(is_real, dtype=bool)[:most]
    image_rows(ax, [("", images)])
    height, width = images.shape[2:]
    places = np.arange(len(images)) * (width + max(1, height // 12)) + width / 2
    for chosen, mark, colour in ((whose, "o", REAL), (~whose, "x", GENERATED)):
        ax.plot(places[chosen], [height + 4] * chosen.sum(), mark, ms=5, mew=1.6, lw=0,
                clip_on=False, color=colour)  # fmt: skip
    ax.set_ylim(height + 8, 0)


def mixture_and_batch(
    axes: Any,
    real: ArrayLike,
    generated: ArrayLike,
    beta: float,
    images: Any,
    is_real: ArrayLike,
    *,
    xlabel: str = "",
) -> None:
    """Above a mixture of two distributions, with its distance to the real one; below a batch of it.

    real, generated (values,): `mixed_masses` at the share beta of real draws; images (n, 3, h, w):
    `marked_batch`, with its counts. `xlabel` says what the values are.
    """
    mixed, whose = mixture(real, generated, beta), np.asarray(is_real, dtype=bool)
    mixed_masses(axes[0], real, generated, mixed)
    axes[0].set_xlabel(xlabel)
    left, apart = total_variation(mixed, real), total_variation(real, generated)
    distance = f"distance to real {left:.3f} = {1 - beta:.3f} × {apart:g}"
    note(axes[0], f"bars: what training sees\n{distance}", (0.98, 0.97),
         xycoords="axes fraction", ha="right", va="top")  # fmt: skip
    marked_batch(axes[1], images, whose)
    axes[1].set_xlabel(f"a batch of {len(images)}: {whose.sum()} real (dots), "
                       f"{(~whose).sum()} generated (crosses)", fontsize=9)  # fmt: skip

"""Finite worlds and their graphs, drawn.

Where a world has places, the vertical line through 0 is the border of its two classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.figures.curves import curve, interval_curve
from adainf_core.figures.layout import compact_legend, level_ticks, note
from adainf_core.figures.shares import strength_curves
from adainf_core.figures.style import BOUNDARY, FAINT, GENERATED, INK, OKABE_ITO, REAL
from adainf_core.figures.svg import PAPER
from adainf_core.statistics.intervals import t_interval
from adainf_core.theory.gaussian_toy import gaussian_toy_labeling_error
from adainf_core.theory.toy_sweep import ToySweep
from adainf_core.theory.worlds import FiniteWorld

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of classes 0, 1 and 2.
_CLASSES = (OKABE_ITO["blue"], OKABE_ITO["orange"], OKABE_ITO["green"])
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
#: Colours and markers of samples of the toy, the smallest first.
_SAMPLES = ((OKABE_ITO["sky"], "o"), (REAL, "s"), (OKABE_ITO["green"], "^"), (INK, "D"))


def image_masses(ax: Axes, world: FiniteWorld) -> None:
    """The images of a world at their places: real ones as circles, generated ones as squares.

    The area of a mark is the mass of the image.
    """
    x, y = _places(world.positions).T
    for masses, colour, marker in ((world.p_real, REAL, "o"), (world.p_generated, GENERATED, "s")):
        some = masses > 0
        ax.scatter(x[some], y[some], s=700 * masses[some], c=colour, marker=marker, lw=0)
    _bare(ax, 1.35)


def graph_of_views(ax: Axes, world: FiniteWorld, beta: float) -> None:
    """The augmentation graph at a share beta of real draws; views stand at their places.

    Thicker edges are likelier pairs, those between classes are red. It is meant for worlds whose
    views are their images: a view has the mark of the image of its number, a circle if that is
    real, a square if it is generated, and a small dot if it has no mass.
    """
    import networkx as nx

    graph = world.graph(beta).to_networkx()
    place = dict(enumerate(_places(world.view_positions)))
    edges = sorted(graph.edges(data="weight"), key=lambda edge: edge[2])  # heavy ones on top
    weights = np.array([weight for *_, weight in edges])
    # the more edges, the thinner
    widths = 0.3 + 3.5 * (weights / weights.max()) ** 2 / (1 + len(edges) / len(graph) / 2)
    crosses = [world.view_labels[a] != world.view_labels[b] for a, b, _ in edges]
    nx.draw_networkx_edges(graph, place, edges, ax=ax, width=widths,
                           edge_color=[BOUNDARY if red else FAINT for red in crosses])  # fmt: skip
    drawn, real = world.p_train(beta) > 0, world.p_real > 0
    for chosen, size, colour, shape in (
        (drawn & real, 26, REAL, "o"),
        (drawn & ~real, 26, GENERATED, "s"),
        (~drawn, 8, FAINT, "o"),
    ):
        nodes = [view for view in graph if chosen[view]]
        nx.draw_networkx_nodes(graph, place, nodes, ax=ax, node_size=size, node_color=colour,
                               node_shape=shape)  # fmt: skip
    _bare(ax, 1.2)


def graphs_and_spectra(axes: Any, world: FiniteWorld, shares: Mapping[str, float], k: int) -> None:
    """Graphs of a world at shares of real draws, as `graph_of_views`, and their eigenvalues.

    `shares` names two shares, for the first panels, titled with their labeling error; the last
    panel has the eight smallest eigenvalues of each, and a line behind the k that an encoder keeps.
    """
    looks = ((REAL, "o", 8), (GENERATED, "s", 5))
    spectrum = axes[-1]
    for ax, (name, beta), (colour, marker, size) in zip(
        axes[:-1], shares.items(), looks, strict=True
    ):
        graph_of_views(ax, world, beta)
        ax.set_title(f"{name}: α = {world.labeling_error(beta):.2f}")
        values = world.graph(beta).eigenvalues(8)
        curve(spectrum, range(1, 9), values, colour, marker, name, ms=size, ls="none")
    spectrum.axvline(k + 0.5, color=INK, lw=0.6, ls=":")
    note(spectrum, "left out", (k + 0.7, 1.12), va="center")
    compact_legend(spectrum, "lower right", handlelength=0.6)
    spectrum.set(title="eigenvalues", xlabel="index", ylim=(-0.05, 1.2), xlim=(0.5, 8.5),
                 xticks=(1, 3, 5, 8), yticks=(0, 0.5, 1))  # fmt: skip


def world_and_ratio(
    axes: Any, world: FiniteWorld, strengths: Sequence[float], rows: Mapping[float, ArrayLike]
) -> None:
    """Left a world as `image_masses`, right α / λ₃ over the strength, the least ringed.

    `rows` maps shares of real draws to ratios, as in `strength_curves`.
    """
    image_masses(axes[0], world)
    strength_curves(axes[1], strengths, rows, least=True)
    compact_legend(axes[1], "upper right")
    ends = min(strengths) - 0.3, max(strengths) + 0.3
    axes[1].set(xlabel="strength", title="α / λ₃", ylim=(0, 1), xlim=ends)


def toy_samples(axes: Any, sweep: ToySweep) -> None:
    """A sweep of the toy in 2 × 2 panels: means over draws with their 95 % t intervals.

    Above, over the strength: α of the smallest and the largest of four sizes on its closed form,
    and λ of the first of two dimensions at three sizes. Below, over the size: λ of either at the
    third and the fourth strength.
    """
    (errors, gaps), by_points = axes
    sizes = [sweep.n_real + extra for extra in sweep.n_generated]
    radii = np.array(sweep.strengths)
    fine = np.geomspace(0.28, 2.1, 60)
    errors.plot(fine, [gaussian_toy_labeling_error(r) for r in fine], color=FAINT, lw=1)
    errors.text(0.3, 0.2, "line: closed form", color=FAINT, fontsize=9)
    for g, shift in ((0, 0.97), (3, 1.03)):
        found = map(t_interval, sweep.labeling_error[g])
        interval_curve(errors, shift * radii, found, *_SAMPLES[g], joined=False)
    for g, shift in ((0, 0.98), (1, 1), (3, 1.04)):
        found = map(t_interval, sweep.spectral_gap[g, :, :, 0])
        interval_curve(gaps, shift * radii, found, *_SAMPLES[g], f"n = {sizes[g]}")
    for s, colour, marker in ((2, "#CC79A7", "v"), (3, BOUNDARY, "P")):
        for k, ax in enumerate(by_points):
            found = map(t_interval, sweep.spectral_gap[:, s, :, k])
            interval_curve(ax, sizes, found, colour, marker, f"r = {radii[s]:g}")
    subscripts = [str(k + 1).translate(_SUBSCRIPT) for k in sweep.dimensions]
    names = [f"connectivity λ{i}" for i in (subscripts[0], *subscripts)]
    for ax, name in zip(axes.flat, ("labeling error α", *names), strict=True):
        below = "points n" if ax in by_points else "strength r"
        ax.set(title=name, xscale="log", ylim=(0, None), xlabel=below)
        level_ticks(ax, sizes if ax in by_points else radii[[0, 1, 3, 5]])
    for ax in (gaps, by_points[0]):
        compact_legend(ax)


def function_on_views(ax: Axes, positions: ArrayLike, values: ArrayLike) -> None:
    """A function of views at their places: colour and mark say its sign, the area its size.

    positions (v, 2); values (v,), at most 1 in size.
    """
    (x, y), height = np.asarray(positions).T, np.asarray(values)
    for sign, colour, marker in ((1, OKABE_ITO["green"], "o"), (-1, "#CC79A7", "s")):
        chosen = sign * height > 0
        ax.scatter(x[chosen], y[chosen], s=4 + 36 * np.abs(height[chosen]), c=colour,
                   marker=marker, lw=0)  # fmt: skip
    _bare(ax, 1.3)


def images_and_views(ax: Axes, world: FiniteWorld, beta: float) -> None:
    """A small world of at most three classes: images with mass above, the views they have below.

    Lines are as thick as the augmentation is likely, which stands beside them where it is not
    certain; dashed red ones lead to a view of another label. Letters and colours are labels.
    """
    images = np.flatnonzero(world.p_train(beta) > 0)
    kernel = np.asarray(world.kernel)[images]
    mass = kernel.sum(axis=0)
    views = np.flatnonzero(mass > 0)
    # each view below the images that it comes from
    views = views[np.argsort((images @ kernel)[views] / mass[views])]
    above, below = (
        dict(zip(nodes.tolist(), np.linspace(0, 1, len(nodes)).tolist(), strict=True))
        for nodes in (images, views)
    )
    for image, left in above.items():
        for view, right in below.items():
            share = float(world.kernel[image, view])
            if share:
                _edge(
                    ax, left, right, share, world.natural_labels[image] != world.view_labels[view]
                )
        masses = f"real {world.p_real[image]:.2f}, generated {world.p_generated[image]:.2f}"
        ax.annotate(masses, (left, 1.13), ha="center", va="bottom", fontsize=9)
    for name, height, nodes, labels, marker in (
        ("images", 1, above, world.natural_labels, "o"),
        ("views", 0, below, world.view_labels, "s"),
    ):
        for node, place in nodes.items():
            ax.plot(place, height, marker, ms=16, color=_CLASSES[labels[node]], zorder=2)
            ax.plot(place, height, marker, ms=12, color=PAPER, zorder=2)
            ax.annotate("abc"[labels[node]], (place, height), ha="center", va="center")
        ax.annotate(name, (-0.2, height), va="center", ha="right")
    ax.set(xlim=(-0.42, 1.25), ylim=(-0.13, 1.27))
    ax.axis("off")


def _edge(ax: Axes, above: float, below: float, share: float, wrong: bool) -> None:
    """From an image to one of its views."""
    ax.plot([above, below], [1, 0], "--" if wrong else "-", color=BOUNDARY if wrong else FAINT,
            lw=1 + 3 * share, zorder=1)  # fmt: skip
    if share < 1:
        right = below >= above
        ax.annotate(f"{share:.2f}", ((above + below) / 2, 0.5), (7 if right else -7, 0),
                    textcoords="offset points", va="center", fontsize=9,
                    ha="left" if right else "right")  # fmt: skip


def _places(positions: np.ndarray | None) -> np.ndarray:
    if positions is None:
        raise ValueError("the world has no positions: give it some, or draw it by images_and_views")
    return positions


def _bare(ax: Axes, reach: float) -> None:
    """No axes but the border of the classes."""
    ax.axvline(0, color=INK, lw=0.6, ls=":")
    ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    ax.axis("off")

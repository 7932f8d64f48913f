"""Charts of a choice among recipes: a score over the share of real draws, and the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adainf_core.advice.own_recipes import LABELS, SHARES
from adainf_core.figures.layout import level_ticks, named_rows
from adainf_core.figures.results import level_dots
from adainf_core.figures.style import FAINT, GENERATED, INK, REAL, Shown, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adainf_core.advice.own_recipes import RecipeChoice
    from adainf_core.gap.classifier_tv import ClassifierTV

_LONGEST = 300  # characters of an alt text
_STRONG, _BESIDE = "none", 1.06  # the arm that stands beside share 1, and where


def score_dial(choice: RecipeChoice, metric: str) -> Shown:
    """One score (or, by "linear" or "knn", accuracy) over the share of real draws.

    Seeds, means and 95 % t intervals; real images alone have share 1, under strong augmentation in
    grey beside it, and the picked recipe is ringed.
    """
    pick = choice.picks.get(metric, choice.by_labels)
    assert pick is not None  # of what was asked for
    values = {
        arm: [r.metrics[metric] for r in choice.records if r.arm == arm and metric in r.metrics]
        for arm in pick.values
    }

    def paint(ax: Axes) -> None:
        level_dots(ax, {SHARES[arm]: found for arm, found in values.items() if arm in SHARES},
                   "adainf")  # fmt: skip
        level_dots(ax, {_BESIDE: values.get(_STRONG, [])}, "none", joined=False)
        place = SHARES.get(pick.arm, _BESIDE)
        ax.plot(place, pick.values[pick.arm].value, "o", ms=15, mfc="none", mec=INK, mew=0.9)
        level_ticks(ax, [1 / 6, 1 / 3, 2 / 3, 1.0], ["1/6", "1/3", "2/3", "1"])
        ax.set(xlabel="share of real draws (grey: real images alone, strong augmentation)",
               ylabel=pick.label, xlim=(0.1, 1.14))  # fmt: skip
        ax.margins(y=0.2)

    means = "; ".join(f"{LABELS[arm]} {found.value:.3g}" for arm, found in pick.values.items())
    alt = f"{pick.label} by recipe, means: {means}. It picks {LABELS[pick.arm]}."
    return draw(paint, alt=alt if len(alt) <= _LONGEST else f"{alt[: _LONGEST - 3]}...", height=2.6)


def gap_bars(gap: ClassifierTV) -> Shown:
    """The lower bound on the distance of generated images, and real against real, from 0 to 1."""
    rows = {
        "generated": (gap.estimate, GENERATED),
        "real against real": (gap.mirrored, REAL),
    }

    def paint(ax: Axes) -> None:
        for row, (found, colour) in enumerate(rows.values()):
            ax.plot([found.lower, 1], [row, row], color=colour, lw=3, alpha=0.45)
            ax.plot(found.lower, row, "|", color=colour, ms=14, mew=2)
        named_rows(ax, rows)
        ax.set(xlim=(-0.02, 1.02), xlabel="total variation: at least the left end of the bar")
        ax.grid(axis="x", color=FAINT, alpha=0.25, lw=0.6)

    said = "; ".join(f"{name} at least {found.lower:.2f}" for name, (found, _) in rows.items())
    level = f"{100 * gap.estimate.confidence:g} %"
    return draw(paint, alt=f"Lower bounds on total variation, at {level}: {said}.", height=1.5)

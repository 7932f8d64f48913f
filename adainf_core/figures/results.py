"""Charts of results: seeds with their intervals, differences, verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from adainf_core.evidence.judging.claims import MARGIN
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.figures.layout import named_rows
from adainf_core.figures.style import ARM_STYLE, FAINT, GENERATED, INK, OKABE_ITO, Table, is_narrow
from adainf_core.statistics.intervals import Interval, PlausibleLevels, t_interval
from adainf_core.statistics.response_curves import ResponseCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def arm_dots(ax: Axes, arms: Mapping[str, tuple[str, Sequence[float]]], unit: str) -> None:
    """One line an arm: its seeds as dots, their mean with its 95 % t interval as a bar.

    `arms` maps the arm's key in `ARM_STYLE`, or one without a style of its own, to its label and
    the values, one a seed. A single seed has no interval; an arm without any is marked "not run".
    """
    for row, (key, (_, values)) in enumerate(arms.items()):
        if not len(values):
            ax.annotate("not run", (0.02, row), xycoords=("axes fraction", "data"), va="center",
                        fontsize=9, color=FAINT)  # fmt: skip
            continue
        colour, marker = ARM_STYLE.get(key, (INK, "o"))
        open_mark = key.startswith("perfect")
        mean = float(np.mean(values))
        if len(values) > 1:
            interval = t_interval(values)
            ax.plot([interval.low, interval.high], [row, row], color=colour, lw=3, alpha=0.45,
                    solid_capstyle="butt", zorder=1)  # fmt: skip
        ax.scatter(values, np.full(len(values), row + 0.22), s=9, color=colour, alpha=0.8, lw=0)
        ax.plot(mean, row, marker, ms=8, color=colour, mew=1.6, zorder=3,
                mfc="none" if open_mark else colour)  # fmt: skip
        ax.annotate(f"{mean:.1f}", (mean, row), (0, 7), ha="center", fontsize=9,
                    textcoords="offset points")  # fmt: skip
    named_rows(ax, (label for label, _ in arms.values()), 0.7, 0.6)
    ax.set_xlabel(unit)
    ax.grid(axis="x", color=FAINT, alpha=0.25, lw=0.6)


def compared_dots(
    ax: Axes,
    rows: Mapping[str, Mapping[str, Interval | Sequence[float]]],
    look: Mapping[str, tuple[str, str]],
    unit: str,
    chance: Sequence[float] = (),
) -> None:
    """Shares of several things side by side, in percent: a group of lines for each row.

    `rows` maps a row's label to what is compared in it: by name an `Interval`, or values, one a
    seed, that are drawn as dots with their mean and 95 % t interval. All are shares in [0, 1], and
    intervals are cut there. `look` has colour and marker of each name, which stands to the right
    with the mean; `chance` a dotted line for each row, what guessing gives.
    """
    shifts = np.linspace(-0.18, 0.18, len(look)) if len(look) > 1 else np.zeros(1)
    for row, compared in enumerate(rows.values()):
        for (name, (colour, marker)), shift in zip(look.items(), shifts, strict=True):
            found, place = compared[name], row + shift
            seeds = [] if isinstance(found, Interval) else [100 * value for value in found]
            interval = found if isinstance(found, Interval) else t_interval(found)
            low, high = 100 * max(interval.low, 0), 100 * min(interval.high, 1)
            ax.plot([low, high], [place, place], color=colour, lw=3, alpha=0.45,
                    solid_capstyle="butt")  # fmt: skip
            ax.scatter(seeds, np.full(len(seeds), place + 0.13), s=9, color=colour, lw=0)
            ax.plot(100 * interval.value, place, marker, color=colour, ms=7)
            ax.annotate(f"{name} {100 * interval.value:.0f}", (max(high, *seeds, 0), place), (6, 0),
                        textcoords="offset points", va="center", fontsize=9)  # fmt: skip
    for row, guess in enumerate(chance):
        ax.plot([100 * guess] * 2, [row - 0.42, row + 0.42], ":", color=INK, lw=1)
    if len(chance):
        ax.annotate("chance", (100 * chance[0], -0.65), ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), list(rows))
    # names need room to the right of 100 %
    ax.set(xlabel=unit, xlim=(0, 138), ylim=(len(rows) - 0.4, -0.85), xticks=range(0, 101, 20))
    ax.tick_params(axis="y", length=0)


def level_dots(
    ax: Axes,
    levels: Mapping[float, Sequence[float]],
    key: str,
    label: str = "",
    shift: float = 0.0,
    joined: bool = True,
) -> None:
    """A sweep: at each level its seeds as dots, their mean and its 95 % t interval.

    `levels` maps a number (a crop size, N ...) to the values of its seeds; levels without any are
    left out, and one seed has no interval. `key` picks colour and marker in `ARM_STYLE`; `label`
    stands to the right of the last mean. `shift` moves the marks sideways by so many points, so
    that several sweeps can share their levels. A line joins the means, unless `joined` is False:
    where a response curve is drawn (`level_band`), it is one line too many.
    """
    from matplotlib.transforms import ScaledTranslation

    colour, marker = ARM_STYLE[key]
    where, aside = (
        ax.transData + ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)
        for points in (shift, shift + 4)
    )
    found = [(level, np.asarray(values)) for level, values in sorted(levels.items()) if len(values)]
    if not found:
        return
    places, means = [level for level, _ in found], [float(v.mean()) for _, v in found]
    ax.plot(places, means, marker=marker, color=colour, lw=float(joined), ms=6, mew=1.4, zorder=3,
            mfc="none" if key.startswith("perfect") else colour, transform=where)  # fmt: skip
    for level, values in found:
        if len(values) > 1:
            interval = t_interval(values)
            ends = [interval.low, interval.high]
            ax.update_datalim([(level, end) for end in ends])
            ax.plot([level, level], ends, color=colour, lw=2.5, alpha=0.4, solid_capstyle="butt",
                    zorder=1, transform=where)  # fmt: skip
        ax.scatter(np.full(len(values), level), values, s=7, color=colour, alpha=0.8, lw=0,
                   transform=aside)  # fmt: skip
        ax.update_datalim([(level, value) for value in values])
    ax.autoscale_view()
    if label:
        ax.annotate(label, (places[-1], means[-1]), (10 + shift, 0), textcoords="offset points",
                    va="center", color=INK, fontsize=9)  # fmt: skip


def slopes(
    ax: Axes,
    left: Mapping[int, float],
    right: Mapping[int, float],
    key: str,
    labels: tuple[str, str],
) -> None:
    """Two arms by seed, at 0 and at 1: a line for each seed that has both, and the arms' means.

    The means stand outside the lines with their 95 % t intervals, in the style `ARM_STYLE[key]`;
    `labels` are below. An arm without seeds is marked "not run".
    """
    for seed in sorted(left.keys() & right.keys()):
        ax.plot([0, 1], [left[seed], right[seed]], color=FAINT, lw=0.9, marker="o", ms=3)
    for place, aside, found in ((0, -0.18, left), (1, 1.18, right)):
        values = list(found.values())
        if not values:
            ax.annotate("not run", (place, 0.5), xycoords=("data", "axes fraction"), ha="center",
                        fontsize=9)  # fmt: skip
            continue
        mean_mark(ax, aside, values, key)
    ax.set_xlim(-0.5, 1.5)
    ax.set_xticks([0, 1], labels)


def mean_mark(ax: Axes, x: float, values: Sequence[float], key: str, size: float = 8) -> None:
    """The mean of `values` (one or more) at `x`, and its 95 % t interval if there are two."""
    colour, marker = ARM_STYLE[key]
    if len(values) > 1:
        interval = t_interval(values)
        ax.plot([x, x], [interval.low, interval.high], color=colour, lw=3, alpha=0.45,
                solid_capstyle="butt")  # fmt: skip
    ax.plot(x, float(np.mean(values)), marker, color=colour, ms=size, mew=1.6, zorder=3,
            mfc="none" if key.startswith("perfect") else colour)  # fmt: skip


def level_band(ax: Axes, curve: ResponseCurve, key: str) -> None:
    """The mean of a response curve and its pointwise band, in the colour of `ARM_STYLE[key]`."""
    colour, _ = ARM_STYLE[key]
    ax.fill_between(curve.at, curve.low, curve.high, color=colour, alpha=0.16, lw=0)
    ax.plot(curve.at, curve.mean, color=colour, lw=1.4)


def differences(ax: Axes, verdicts: Sequence[Verdict], labels: Sequence[str]) -> None:
    """A forest plot of paired differences: interval and mean, the paper's values as open stars.

    `labels` has a short name for each verdict; in the grey band from 0 to the claims' `MARGIN` a
    difference is too small to matter. What has not been run says so, beside the paper's value.
    """
    ax.axvspan(0, MARGIN, color=FAINT, alpha=0.18, lw=0)
    ax.axvline(0, color=INK, lw=0.8)
    for row, verdict in enumerate(verdicts):
        interval = verdict.difference
        if verdict.outcome == Outcome.NOT_RUN:
            ax.annotate("not run", (0, row), (6, 0), textcoords="offset points", va="center",
                        fontsize=9, color=FAINT)  # fmt: skip
        if interval is not None:
            ax.plot([interval.low, interval.high], [row, row], color=INK, lw=1.6)
            ax.plot(interval.value, row, "o", color=INK, ms=6)
        for published in verdict.claim.published:
            if published.difference is not None:
                ax.plot(published.difference, row, "*", ms=11, mfc="none", mec=GENERATED, mew=1.4)
    named_rows(ax, labels)
    ax.set_xlabel("difference in linear accuracy, points")


def gains(
    ax: Axes,
    reported: Mapping[str, float],
    measured: Mapping[str, tuple[Interval, Sequence[float]]],
) -> None:
    """Reported numbers as open stars and, below a line, measured ones with intervals and seeds.

    `measured` maps a name to the interval and the values, one a seed.
    """
    ax.axvline(0, color=INK, lw=0.8)
    ax.plot(list(reported.values()), range(len(reported)), "*", ms=11, mfc="none", mec=GENERATED,
            mew=1.4)  # fmt: skip
    ax.axhline(len(reported) - 0.5, color=FAINT, lw=0.8)
    for row, (interval, values) in enumerate(measured.values(), len(reported)):
        ax.plot([interval.low, interval.high], [row] * 2, color=INK, lw=1.6)
        ax.plot(interval.value, row, "o", color=INK, ms=6)
        ax.scatter(values, [row + 0.27] * len(values), s=8, color=FAINT, lw=0)
    named_rows(ax, [*reported, *measured])
    ax.tick_params(axis="y", labelsize=9)
    ax.set_xlabel("gain, points of accuracy")


def losses(ax: Axes, rows: Mapping[str, Interval | None], open_marks: Collection[str] = ()) -> None:
    """A forest of points lost, a row for each way of choosing with its interval.

    Those in `open_marks` have squares that are not filled; None is marked "not run".
    """
    ax.axvline(0, color=INK, lw=0.8)
    for row, (name, found) in enumerate(rows.items()):
        if found is None:
            ax.annotate("not run", (0, row), (6, 0), textcoords="offset points", va="center",
                        fontsize=9, color=FAINT)  # fmt: skip
            continue
        mark, fill = ("s", "none") if name in open_marks else ("o", INK)
        ax.plot([found.low, found.high], [row, row], color=INK, lw=1.6)
        ax.plot(found.value, row, mark, color=INK, mfc=fill, ms=6)
    named_rows(ax, rows)
    ax.set_xlabel("points lost against the best arm")


def counted_values(ax: Axes, rows: Mapping[str, tuple[str, Sequence[float]]]) -> None:
    """Values that repeat, a row each: circles as large as each is frequent, its count above.

    `rows` maps names to a colour and the values.
    """
    for row, (colour, values) in enumerate(rows.values()):
        places, times = np.unique(values, return_counts=True)
        ax.scatter(places, [row] * len(places), s=500 * times / len(values), color=colour,
                   alpha=0.7, lw=0)  # fmt: skip
        for place, count in zip(places, times, strict=True):
            ax.annotate(f"{count}", (place, row), (0, 13), textcoords="offset points", fontsize=9,
                        ha="center")  # fmt: skip
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.5, -0.6)
    ax.tick_params(axis="y", length=0)


def plausible_levels(
    ax: Axes, dials: Mapping[str, tuple[str, Sequence[float], PlausibleLevels]]
) -> None:
    """Which levels of a dial may be the best: a row a dial, a mark in its style at each of them.

    `dials` maps names to a key in `ARM_STYLE`, all levels, and what is known of the best one. The
    level with the highest mean is ringed, and a cross stands where a level is excluded.
    """
    for row, (key, levels, best) in enumerate(dials.values()):
        colour, marker = ARM_STYLE.get(key, (INK, "o"))
        kept = [level for level in levels if level in best.plausible]
        ax.plot(kept, [row] * len(kept), marker, color=colour, ms=7,
                mfc="none" if key.startswith("perfect") else colour)  # fmt: skip
        gone = [level for level in levels if level not in best.plausible]
        ax.plot(gone, [row] * len(gone), "x", color=FAINT, ms=5)
        ax.plot(best.value, row, "o", ms=14, mfc="none", mec=INK, mew=0.9)
    named_rows(ax, dials, 0.6, 0.6)


#: Colour and short word of each verdict.
VERDICT_STYLE = {
    "holds": (OKABE_ITO["green"], "holds"),
    "holds, but negligible": (OKABE_ITO["sky"], "small"),
    "does not hold": (OKABE_ITO["red"], "no gain"),
    "not decided": (FAINT, "open"),
}
#: What a verdict's word is coloured as (book.css): a gain, a loss, or neither.
_SIGNS = {"holds": "gain", "no gain of a point": "loss", "does not hold": "loss"}


def coloured(words: str) -> str:
    """A verdict's words for a table: in bold, and of the colour of what they say on a page."""
    sign = _SIGNS.get(words.partition(",")[0], "open")
    if words.startswith(("costs", "the opposite")):
        sign = "loss"
    return f'<strong class="verdict {sign}">{words}</strong>'


def verdict_strip(
    ax: Axes, rows: Sequence[tuple[str, Sequence[str]]], columns: Sequence[str]
) -> None:
    """A grid of verdicts, a row a claim and a column a variant of the rule.

    `rows` has each claim's name and its words, which stand in their cells in the short form of
    `VERDICT_STYLE`.
    """
    for row, (_, words) in enumerate(rows):
        for column, word in enumerate(words):
            colour, short = VERDICT_STYLE[word]
            ax.barh(row, 0.96, 0.86, column - 0.48, color=colour, alpha=0.3, lw=0)
            ax.text(column, row, short, ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    if is_narrow(ax):
        ax.set_xticks(range(len(columns)), columns, rotation=50, ha="left", rotation_mode="anchor")
    else:
        ax.set_xticks(range(len(columns)), columns)
    ax.xaxis.tick_top()
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def stacked_verdicts(ax: Axes, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Bars of how many claims have which verdict, a row for each name in `counts`.

    Each piece has its number; below stands which colour is which verdict.
    """
    from matplotlib.patches import Patch

    words = {word: (colour, word) for word, (colour, _) in VERDICT_STYLE.items()}
    words |= {"does not hold": (OKABE_ITO["red"], "no gain, or a loss")}
    words |= {Outcome.NOT_RUN: ("none", "not run")}
    for row, found in enumerate(counts.values()):
        left = 0
        for word, (colour, _) in words.items():
            many = found.get(word, 0)
            if many:
                ax.barh(row, many, 0.62, left, color=colour, alpha=0.4, ec=FAINT, lw=0.8)
                ax.text(left + many / 2, row, f"{many}", ha="center", va="center", fontsize=9)
            left += many
    named_rows(ax, counts)
    ax.set_xlabel("claims")
    seen = {word for found in counts.values() for word, many in found.items() if many}
    handles = [
        Patch(fc=colour, ec=FAINT, alpha=0.4, label=said)
        for word, (colour, said) in words.items()
        if word in seen
    ]
    figure = ax.get_figure(root=True)
    assert figure is not None
    columns = 2 if is_narrow(ax) else 5
    figure.legend(handles=handles, loc="outside lower center", fontsize=9, ncols=columns)


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Claims with the paper's difference, ours with its corrected interval, and the verdict.

    A claim about a best level shows the levels that cannot be excluded instead.
    """
    rows = []
    for verdict in verdicts:
        claim = verdict.claim
        published = [
            p.source if p.difference is None else f"{p.difference:+.2f} ({p.source})"
            for p in claim.published
        ]
        rows.append(
            (
                claim.statement,
                "; ".join(published) or "not known",
                "–" if verdict.decisive is None else verdict.summary.replace(" points", ""),
                coloured(verdict.words),
            )
        )
    return Table(("claim", "paper, points", "ours, points", "verdict"), rows)

"""Findings: what the records of one study say, in numbers, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.evidence.judging.claims import CONFIDENCE
from adainf_core.evidence.judging.verdicts import by_seed, judge_study
from adainf_core.evidence.runs.records import RESULTS, Record, read_pictures
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.figures import (
    ARM_STYLE,
    Shown,
    Table,
    arm_dots,
    draw,
    end_labels,
    level_band,
    level_dots,
    level_ticks,
    note,
    plausible_levels,
    star,
    verdict_table,
)
from adainf_core.findings.beneath import generators_beneath, levels_beneath
from adainf_core.findings.captions import caption, source_of
from adainf_core.findings.escaping import unmarked
from adainf_core.findings.forests import alt_text, forest
from adainf_core.findings.telling import phrase, published, said, tell
from adainf_core.statistics.intervals import Interval, PlausibleLevels, best_level, t_interval
from adainf_core.statistics.response_curves import ResponseCurve, complete_seeds, sweep_curve
from adainf_core.theory import replication_to_beta

if TYPE_CHECKING:
    from IPython.display import Markdown
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Findings:
    """The records of the study `name` at one scale, and what they say.

    Records are read, and claims judged, when they are first asked for. Accuracies are in percent
    and differences in points; a seed pairs the arms that have it. The default scale is the one that
    the study's claims are judged at (`Study.judged_scale`). Records that are `given`, those of a
    live run, take the place of the ones under `root`.
    """

    name: str
    scale: str = ""
    root: Path = RESULTS
    given: tuple[Record, ...] | None = None

    def __post_init__(self) -> None:
        if not self.scale:
            object.__setattr__(self, "scale", self.study.judged_scale)

    # ---- what there is

    @property
    def study(self) -> Any:
        """The study: its question, arms and layouts."""
        return named_study(self.name)

    @cached_property
    def records(self) -> list[Record]:
        """Those of the plan that have been run; none where the study is not laid out at `scale`."""
        if self.given is not None:
            return list(self.given)
        if self.scale not in self.study.layouts:
            return []
        return study_records(self.study, self.scale, self.root)

    @property
    def planned(self) -> int:
        """How many runs the plan has at `scale`."""
        return len(self.study.plan(self.scale)) if self.scale in self.study.layouts else 0

    @cached_property
    def verdicts(self) -> dict[str, Any]:
        """The verdict of each claim about the study, by the claim's key."""
        return {v.claim.key: v for v in judge_study(self.study, self.scale, self.records)}

    @property
    def confidence(self) -> float:
        """Of a single interval, corrected for all claims about the study."""
        return 1 - (1 - CONFIDENCE) / len(self.study.claims)

    @property
    def recorded(self) -> str:
        """Where its numbers come from, as `caption` ends with it, but without marks of Markdown."""
        return unmarked(source_of(self))

    def pictures(self) -> dict[str, np.ndarray]:
        """The sample images that were kept, uint8 (n, 3, h, w), by their name."""
        return read_pictures(self.name, self.scale, self.root)

    # ---- arms

    def experiment(self, arm: str, seed: int | None = None) -> Any:
        """What an arm runs, with the first seed of the plan unless another is given."""
        first = self.study.plan(self.scale)[0][1]
        return self.study.experiment(self.scale, arm, first if seed is None else seed)

    def beta(self, arm: str) -> float:
        """The share of real draws in an arm's training."""
        run = self.experiment(arm)
        if not run.n_generated or run.generator is None:
            return 1.0
        return replication_to_beta(run.n_real, run.n_generated, run.replication)

    def label(self, arm: str) -> str:
        """What figures and tables call an arm."""
        return self.study.arms[arm].label

    # ---- numbers

    def accuracy(self, arm: str, metric: str = "linear") -> dict[int, float]:
        """An arm's accuracy, or another metric, by seed."""
        return by_seed(self.records, arm, metric)

    def values(self, arm: str, metric: str = "linear") -> list[float]:
        """The same, one a seed."""
        return list(self.accuracy(arm, metric).values())

    def mean(self, arm: str, metric: str = "linear") -> float:
        """An arm's mean over its seeds; not a number where it has none."""
        found = self.values(arm, metric)
        return float(np.mean(found)) if found else float("nan")

    def interval(self, arm: str, metric: str = "linear") -> Interval | None:
        """An arm's mean with its plain 95 % t interval; None with fewer than two seeds."""
        return _interval(self.values(arm, metric))

    def shared_seeds(self, *arms: str) -> list[int]:
        """The seeds that all of `arms` have, in order."""
        return sorted(set.intersection(*(set(self.accuracy(arm)) for arm in arms)))

    def contrast(
        self, terms: str | Mapping[str, float], metric: str = "linear"
    ) -> dict[int, float]:
        """A weighted sum of arms by seed, over the seeds that all have.

        `terms` maps arms to weights; or it is the key of a claim, whose own terms are read.
        """
        if isinstance(terms, str):
            claim = self.verdicts[terms].claim
            columns = [(self.accuracy(t.arm, t.metric), t.weight) for t in claim.terms]
        else:
            columns = [(self.accuracy(arm, metric), weight) for arm, weight in terms.items()]
        seeds = sorted(set.intersection(*(set(column) for column, _ in columns)))
        return {seed: sum(weight * column[seed] for column, weight in columns) for seed in seeds}

    def estimate(self, terms: str | Mapping[str, float], metric: str = "linear") -> Interval | None:
        """The mean of a contrast with its plain 95 % t interval: exploratory, no verdict.

        None where its arms share fewer than two seeds.
        """
        return _interval(list(self.contrast(terms, metric).values()))

    def difference(self, treated: str, reference: str, metric: str = "linear") -> Interval | None:
        """One arm less another, paired by seed: as `estimate`."""
        return self.estimate({treated: 1.0, reference: -1.0}, metric)

    def sweep(self, prefix: str) -> dict[float, str]:
        """The arms of a dial by their level, the number that ends a name after `prefix`."""
        arms = [arm for arm in self.study.arms if arm.startswith(prefix)]
        return {float(arm.rpartition("_")[2]): arm for arm in arms}

    def best(self, arms: Mapping[float, str], metric: str = "linear") -> PlausibleLevels:
        """The levels of a sweep that its own seeds cannot exclude as the best (`best_level`).

        At plain 95 %, exploratory; ValueError with fewer than two seeds that every level has.
        """
        values = complete_seeds({level: self.accuracy(arm, metric) for level, arm in arms.items()})
        return best_level(list(arms), values)

    def curve(
        self, arms: Mapping[float, str], metric: str = "linear", log_x: bool = True
    ) -> ResponseCurve | None:
        """The smooth curve through a sweep, `arms` mapping levels to arms (`sweep_curve`)."""
        levels = {level: self.accuracy(arm, metric) for level, arm in arms.items()}
        return sweep_curve(levels, log_x=log_x)

    # ---- words

    def tell(
        self,
        prefix: str,
        named: Mapping[str, Any] | None = None,
        /,
        *,
        say: Callable[[Any], str] = said,
        keys: Iterable[str] | None = None,
        **values: Any,
    ) -> None:
        """Glue what was found for every claim (or those with `keys`), and more values (`tell`).

        Of the claim `harm` prose may then use {glue:text}`prefix-harm`, what was read, in the form
        `say` gives it; `prefix-harm-word`, the verdict; `prefix-harm-claim`, its statement;
        `prefix-harm-seeds`, in how many seeds it is so; and `prefix-harm-paper`, the paper's
        first difference, where it gives one.
        """
        for key in self.verdicts if keys is None else keys:
            verdict = self.verdicts[key]
            about = {key: say(verdict), f"{key}-word": phrase(verdict)}
            about[f"{key}-claim"] = verdict.claim.statement
            theirs = published(verdict)
            if theirs is not None:
                about[f"{key}-paper"] = f"{theirs:+.2f}"
            if verdict.difference is not None:
                about[f"{key}-seeds"] = f"{verdict.agreeing} of {verdict.difference.n}"
            tell(prefix, about)
        tell(prefix, named, **values)

    def caption(self, text: str, *others: Findings, how: str = "Recorded") -> Markdown:
        """`text` in italics, then where this study's numbers, and those of `others`, come from."""
        return caption(text, self, *others, how=how)

    def means(
        self,
        labels: Mapping[str, str],
        digits: int = 1,
        suffix: str = "",
        metric: str = "linear",
    ) -> list[str]:
        """For an alt text: "name: mean" of each arm in `labels` (arm + suffix: name)."""
        means = [(name, self.mean(arm + suffix, metric)) for arm, name in labels.items()]
        return [
            f"{' '.join(name.split())}: {'not run' if np.isnan(m) else f'{m:.{digits}f}'}"
            for name, m in means
        ]

    # ---- tables and figures

    def table(self, *keys: str) -> Table:
        """Claims beside the paper's numbers: all, or those with `keys`."""
        return verdict_table(self.chosen(*keys))

    def forest(self, *keys: str, **look: Any) -> Shown:
        """Forest plot of the claims with `keys`, or of all; `look` goes to `forest`."""
        return forest(self.chosen(*keys), **look)

    def chosen(self, *keys: str) -> list[Any]:
        """The verdicts with `keys` in their order, or all."""
        return [self.verdicts[key] for key in keys] if keys else list(self.verdicts.values())

    def rows(
        self, labels: Iterable[str] | Mapping[str, str], suffix: str = "", metric: str = "linear"
    ) -> dict[str, tuple[str, list[float]]]:
        """What `arm_dots` draws: label and values of each arm + suffix, by the arm.

        `labels` maps arms to names; or it lists arms, which then have the study's labels.
        """
        names = dict(labels) if isinstance(labels, Mapping) else {a: self.label(a) for a in labels}
        return {arm: (name, self.values(arm + suffix, metric)) for arm, name in names.items()}

    def dots(
        self,
        labels: Iterable[str] | Mapping[str, str],
        what: str = "Linear accuracy",
        unit: str = "linear accuracy, %",
        height: float | None = None,
        digits: int = 1,
        metric: str = "linear",
    ) -> Shown:
        """Dot plot of arms (`rows`): seeds, means, 95 % t intervals; the alt text has the means.

        Below them stand the levels without training (`levels_beneath`) and the features of the
        diffusion models that they use (`generators_beneath`), where there are any.
        """
        rows = self.rows(labels, metric=metric)
        named = {arm: name for arm, (name, _) in rows.items()}
        means = self.means(named, digits, metric=metric)
        beneath: dict[str, tuple[str, list[float]]] = {}
        if self.given is None:
            beneath = {**levels_beneath(self, next(iter(rows)), metric)}
            beneath |= generators_beneath(self, named, metric)
        means += [f"{name}: {np.mean(values):.{digits}f}" for name, values in beneath.values()]
        height = (height or 0.5 + 0.4 * len(rows)) + 0.4 * len(beneath)
        rows |= beneath
        return draw(
            lambda ax: arm_dots(ax, rows, unit),
            height=height,
            alt=alt_text(f"{what} of {len(rows)} arms: seeds, means, intervals. Means:", means),
        )

    def panels(
        self,
        labels: Mapping[str, str],
        titles: Mapping[str, str],
        *,
        height: float = 2.5,
        across: int | None = None,
        digits: int = 0,
    ) -> Shown:
        """The same arms in several settings, a panel each, `across` in a row; means in the alt.

        `titles` maps the panel's title to the suffix that its arms have.
        """
        across = across or len(titles)

        def paint(axes: Any) -> None:
            grid = np.ravel(axes)
            for place, (title, suffix) in enumerate(titles.items()):
                ax, below = grid[place], place >= len(titles) - across
                found = self.rows(labels, suffix)
                run = any(len(values) for _, values in found.values())
                arm_dots(ax, found, "linear accuracy, %" if below and run else "")
                ax.set_title(title)
                ax.margins(x=0.15)
                if not run:
                    ax.set_xticks([])

        means = [
            f"{title} " + ", ".join(m.rpartition(": ")[2] for m in self.means(labels, digits, end))
            for title, end in titles.items()
        ]
        lead = f"Linear accuracy, {len(titles)} panels. Means in % ({', '.join(labels.values())}):"
        rows = -(-len(titles) // across)
        return draw(paint, alt=alt_text(lead, means), height=height, nrows=rows, ncols=across,
                    sharey=True)  # fmt: skip

    def dial(
        self,
        ax: Axes,
        arms: Mapping[float, str],
        key: str,
        label: str = "",
        shift: float = 0.0,
        band: bool = False,
    ) -> None:
        """A sweep on `ax`, `arms` mapping its levels to arms: `level_dots` in the style of `key`.

        With `band` the response curve and its band are drawn, where there are runs enough for one.
        """
        curve = self.curve(arms) if band else None
        levels = {level: self.values(arm) for level, arm in arms.items()}
        level_dots(ax, levels, key, label, shift, joined=curve is None)
        if curve is not None:
            level_band(ax, curve, key)

    def best_of_dials(
        self,
        dials: Mapping[str, tuple[str, Mapping[float, str]]],
        xlabel: str,
        claimed: Mapping[str, PlausibleLevels] | None = None,
        stars: Mapping[str, float] | None = None,
    ) -> Shown:
        """Sweeps of the same levels one over another, and below, which levels may be the best.

        `dials` maps names to a style's key and a sweep (`dial`); what may be the best is read from
        its own seeds (`best`) unless `claimed` has it. `stars` marks levels that are not ours.
        """
        best = {name: self.best(arms) for name, (_, arms) in dials.items()} | dict(claimed or {})
        levels = list(next(iter(dials.values()))[1])

        def paint(axes: Any) -> None:
            top, strip = axes
            for place, (key, arms) in enumerate(dials.values()):
                self.dial(top, arms, key, shift=4 * (place - (len(dials) - 1) / 2))
            for name, level in (stars or {}).items():
                star(top, level, name, y=0.04)
            top.margins(y=0.15)
            end_labels(top, [(levels[-1], self.mean(arms[levels[-1]]), name)
                             for name, (_, arms) in dials.items()])  # fmt: skip
            top.set(ylabel="linear accuracy, %", xscale="log")
            plausible_levels(
                strip, {name: (key, levels, best[name]) for name, (key, _) in dials.items()}
            )
            strip.set(xlabel=xlabel, xlim=(0.8 * levels[0], 1.75 * levels[-1]))
            level_ticks(strip, levels)

        lead = (
            f"Linear accuracy against {xlabel}: seeds, means and intervals of "
            f"{len(dials)} sweeps; below, the levels that cannot be excluded as best. Highest "
            "means:"
        )
        alt = alt_text(lead, [f"{name} at {found.value:g}" for name, found in best.items()])
        return draw(paint, nrows=2, sharex=True, height=4.4, height_ratios=(3, 1), alt=alt)

    def level(self, ax: Axes, arm: str, name: str = "") -> None:
        """A dashed line for an arm beside a dial, with its 95 % t interval and its name."""
        found, (colour, _) = self.values(arm), ARM_STYLE[arm]
        interval = _interval(found)
        if interval is not None:
            ax.axhspan(interval.low, interval.high, color=colour, alpha=0.18, lw=0)
        if found:
            ax.axhline(self.mean(arm), color=colour, lw=1, ls="--")
            note(ax, name, (0.02, self.mean(arm)), (0, 3), xycoords=("axes fraction", "data"))


def _interval(values: list[float]) -> Interval | None:
    return t_interval(values) if len(values) > 1 else None

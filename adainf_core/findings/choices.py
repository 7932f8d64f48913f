"""Findings of the share grid: what choosing a recipe by a score without labels is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.studies import share_grid
from adainf_core.figures import Shown, Table, draw, losses
from adainf_core.findings.findings import Findings
from adainf_core.findings.forests import alt_text
from adainf_core.findings.telling import points
from adainf_core.learning.scores import PANEL
from adainf_core.statistics.choosing import grouped_rank_correlation, points_lost, taken_by
from adainf_core.statistics.intervals import Interval, t_interval

#: Ways of choosing that look at no score.
RANDOM, ADAINF, WEAK = "at random", "always AdaInf", "always weak only"
_SHARE = "1_3"  # AdaInf's share of real draws
_NOT_RUN = "not run yet"


@dataclass(frozen=True)
class Worth:
    """What choosing by one score is worth, within the method of the runs.

    `ranks` is its rank correlation with linear accuracy over the arms of a menu, signed so that 1
    is the order its authors promise, and `within` the same among arms of one augmentation alone.
    `lost` are the points lost by choosing with it (`points_lost`), `gained` what it takes less
    what each other way of choosing does, in points.
    """

    label: str
    ranks: Interval
    within: Interval
    lost: Interval
    gained: Mapping[str, Interval]

    @property
    def only_strength(self) -> bool:
        """It goes with accuracy over both augmentations, and within one it is not shown to."""
        side = int(self.ranks.low > 0) - int(self.ranks.high < 0)
        inner = int(self.within.low > 0) - int(self.within.high < 0)
        return side != 0 and inner != side


@dataclass(frozen=True)
class ChoiceFindings(Findings):
    """Findings of "share-grid": menus of arms, a score that chooses among them, and what it loses.

    A menu has no generated images or one of four shares of them, under strong or weak augmentation;
    there is one for each quality of the generator. Nothing is said before all planned runs are in,
    as of its claims. Intervals are at plain 95 %; those of points are Student t over seeds, those
    of correlations a bootstrap of seeds.
    """

    name: str = share_grid.NAME

    @property
    def complete(self) -> bool:
        """Whether all planned runs are in."""
        return 0 < self.planned <= len(self.records)

    @property
    def scores(self) -> dict[str, tuple[str, int]]:
        """Every score by its metric: what it is called, and 1 where more is meant to be better."""
        panel = {f"score_{name}": (score.label, int(score.better)) for name, score in PANEL.items()}
        return {"score_loss": share_grid.SCORES["score_loss"], **panel}

    @cached_property
    def worths(self) -> dict[str, Worth]:
        """What choosing by each score is worth, those that lose least first; none before the runs.

        A score that some run lacks is left out.
        """
        found = {metric: self.worth(metric) for metric in self.scores}
        known = {metric: worth for metric, worth in found.items() if worth is not None}
        return dict(sorted(known.items(), key=lambda item: item[1].lost.value))

    def worth(self, metric: str) -> Worth | None:
        """What choosing by the score of that name is worth; None before the runs are in."""
        label, sign = self.scores[metric]
        arms, seeds = list(self.study.arms), self._seeds(metric)
        if len(seeds) < 2:
            return None
        score = sign * self._table(arms, metric, seeds)
        accuracy = self._table(arms, "linear", seeds)
        rows = [[arms.index(arm) for arm in menu] for menu in share_grid.MENUS]
        by_policy = [
            [row for row in menu if arms[row].endswith(f"_{policy}")]
            for menu in rows
            for policy in share_grid.POLICY
        ]
        taken = [taken_by(score[menu], accuracy[menu]) for menu in rows]
        others = self._unscored(seeds)
        return Worth(
            label,
            grouped_rank_correlation(score, accuracy, rows),
            grouped_rank_correlation(score, accuracy, by_policy),
            points_lost([accuracy[menu] for menu in rows], taken),
            {
                name: t_interval(np.mean([one - other for one, other in
                                          zip(taken, theirs, strict=True)], axis=0))
                for name, theirs in others.items()
            },
        )  # fmt: skip

    def lost_without(self, way: str) -> Interval | None:
        """Points lost by a way of choosing that looks at no score; None before the runs are in."""
        seeds = self._seeds("linear")
        if len(seeds) < 2:
            return None
        menus = [self._table(menu, "linear", seeds) for menu in share_grid.MENUS]
        return points_lost(menus, self._unscored(seeds)[way])

    @property
    def earned(self) -> list[str]:
        """The scores whose claim holds: choosing by them beats always gentle augmentation alone."""
        won = (Outcome.HOLDS, Outcome.NEGLIGIBLE)
        found = [verdict.claim for verdict in self.verdicts.values() if verdict.outcome in won]
        metrics = [metric for metric in self.worths if metric in {c.score for c in found}]
        return metrics if self.complete else []

    def worth_table(self) -> Table:
        """A row a score: correlations, points lost, gains over other ways of choosing."""
        head = ("chosen by", "rank correlation", "within one augmentation", "points lost",
                *(f"less {way}" for way in (RANDOM, ADAINF, WEAK)))  # fmt: skip
        if not self.complete:
            return Table(head, [(_NOT_RUN, *[""] * (len(head) - 1))])
        rows: list[tuple[str, ...]] = [
            (
                f"{worth.label}{' (only strength)' if worth.only_strength else ''}",
                f"{worth.ranks:+.2f}",
                f"{worth.within:+.2f}",
                points(worth.lost, unit=""),
                *(points(worth.gained[way], unit="") for way in (RANDOM, ADAINF, WEAK)),
            )
            for worth in self.worths.values()
        ]
        plain: list[tuple[str, ...]] = [
            (way, "", "", points(self.lost_without(way), unit=""), "", "", "")
            for way in (RANDOM, ADAINF, WEAK)
        ]
        return Table(head, rows + plain)

    def worth_forest(self) -> Shown:
        """Points lost by every way of choosing, with intervals: scores first, the least on top."""
        lost = {worth.label: worth.lost for worth in self.worths.values()}
        plain = {way: self.lost_without(way) for way in (RANDOM, ADAINF, WEAK)}
        rows: dict[str, Interval | None] = {**lost, **plain}

        said = [f"{name} {_NOT_RUN if one is None else f'{one.value:.2f}'}"
                for name, one in rows.items()]  # fmt: skip
        alt = alt_text("Points lost by choosing a recipe, with intervals over seeds:", said)
        return draw(lambda ax: losses(ax, rows, plain), alt=alt, height=0.8 + 0.3 * len(rows))

    def _seeds(self, metric: str) -> list[int]:
        """The seeds on which every arm has the metric; none before all runs are in."""
        if not self.complete:
            return []
        has = [
            {r.seed for r in self.records if r.arm == arm and metric in r.metrics}
            for arm in self.study.arms
        ]
        return sorted(set.intersection(*has))

    def _table(
        self, arms: tuple[str, ...] | list[str], metric: str, seeds: list[int]
    ) -> np.ndarray:
        """A metric, (arms, seeds)."""
        found = {(r.arm, r.seed): r.metrics for r in self.records}
        return np.array([[found[arm, seed][metric] for seed in seeds] for arm in arms])

    def _unscored(self, seeds: list[int]) -> dict[str, list[np.ndarray]]:
        """What each way of choosing without a score takes, by menu, (seeds,)."""
        menus = [self._table(menu, "linear", seeds) for menu in share_grid.MENUS]
        adainf = [share_grid.arm_of("weak", tau, _SHARE) for tau in share_grid.DISTANCES]
        weak = share_grid.arm_of("weak")
        return {
            RANDOM: [menu.mean(0) for menu in menus],
            ADAINF: [self._table([arm], "linear", seeds)[0] for arm in adainf],
            WEAK: [self._table([weak], "linear", seeds)[0]] * len(menus),
        }

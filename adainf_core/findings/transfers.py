"""Findings of the transfer studies: one ranking of recipes beside that of every other task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from adainf_core.evidence.studies import sprite_transfer, transfer
from adainf_core.figures import Table
from adainf_core.findings.findings import Findings
from adainf_core.findings.telling import points
from adainf_core.statistics.intervals import Interval, rank_correlation, t_interval

#: By study: what its recipes are ranked by, the other tasks by their metrics, the arms ranked.
_STUDIES: Mapping[str, tuple[str, Mapping[str, str], tuple[str, ...]]] = {
    transfer.NAME: (
        "CIFAR-10",
        transfer.TASKS | {"few_1_knn": "1 label a class", "few_100_linear": "100 labels a class"},
        transfer.RANKED,
    ),
    sprite_transfer.NAME: (
        "shape",
        {name: name for name in sprite_transfer.TASKS},
        tuple(arm for arm in sprite_transfer.ARMS if arm != sprite_transfer.UNTRAINED),
    ),
}
_NOT_RUN = "not run"


class Pairs(NamedTuple):
    """Pairs of arms that the first task tells apart, by what another says of them."""

    same: int
    reversed: int
    untold: int


@dataclass(frozen=True)
class TransferFindings(Findings):
    """Findings of "transfer" (photographs) or "sprite-transfer".

    Recipes are ranked by linear accuracy on their own task, the metric `linear`. Differences and
    intervals are at plain 95 %, as `Findings.difference` has them: exploratory.
    """

    name: str = transfer.NAME

    @property
    def tasks(self) -> dict[str, str]:
        """The tasks in words by their metric, the one that ranks first."""
        first, others, _ = _STUDIES[self.name]
        return {"linear": first, **others}

    @property
    def ranked(self) -> list[str]:
        """The arms that are ranked, of those that have run; never the untrained network."""
        return [arm for arm in _STUDIES[self.name][2] if self.values(arm)]

    def rank(self, metric: str) -> Interval | None:
        """Spearman's correlation of a task with the first, over arms' means (`rank_correlation`).

        Its interval is for other recipes like these: arms are drawn anew, and seeds within them.
        With few of them it is wide, as it should be. None for fewer than three arms.
        """
        found = self._by_seed("linear", metric)
        if found is None:
            return None
        return rank_correlation(found[0].mean(axis=1), found[1])

    def tau(self, metric: str) -> Interval | None:
        """Kendall's tau of a task with the first, seed by seed, and its t interval over seeds.

        It is about these arms alone; a seed's own noise pulls it towards 0, and one in which a task
        does not vary counts as 0. None for fewer than three arms or two seeds.
        """
        from scipy.stats import kendalltau

        found = self._by_seed("linear", metric)
        if found is None or found.shape[2] < 2:
            return None
        by_seed = [kendalltau(*found[:, :, seed]).statistic for seed in range(found.shape[2])]
        return t_interval(np.nan_to_num(by_seed))

    def pairs(self, metric: str) -> Pairs:
        """What a task says of each pair of arms that the first tells apart.

        Two arms are told apart where the interval of their difference, paired by seed, leaves 0
        out.
        """
        counts = [0, 0, 0]
        for one, other in combinations(self.ranked, 2):
            first, second = (_side(self.difference(one, other, m)) for m in ("linear", metric))
            if first:
                counts[0 if second == first else 1 if second else 2] += 1
        return Pairs(*counts)

    def level_table(self, tasks: Mapping[str, str] | None = None) -> Table:
        """Arms by tasks: means over seeds in %, with half the width of their 95 % t intervals.

        All `tasks`, or those given, in words by their metric ("cifar100_knn" and its like, too).
        """
        shown = self.tasks if tasks is None else tasks
        rows = [
            (self.label(arm), *(self._level(arm, metric) for metric in shown))
            for arm in self.study.arms
            if self.values(arm)
        ]
        return Table(("", *shown.values()), rows)

    def rank_table(self, *contrasts: tuple[str, str]) -> Table:
        """A row a task: rank correlation, Kendall's tau, the pairs, and `contrasts` of two arms."""
        names = [f"{self.label(one)} less {self.label(other)}" for one, other in contrasts]
        head = ("task", "rank correlation", "tau over seeds", "pairs: same, reversed, not told",
                *names)  # fmt: skip
        return Table(head, [self._rank_row(metric, contrasts) for metric in self.tasks])

    def _rank_row(self, metric: str, contrasts: tuple[tuple[str, str], ...]) -> list[str]:
        found = [points(self.difference(*pair, metric), unit="") for pair in contrasts]
        if metric == "linear":
            return [self.tasks[metric], "", "", "", *found]
        counts = ", ".join(map(str, self.pairs(metric)))
        ranks = [_correlation(of(metric)) for of in (self.rank, self.tau)]
        return [self.tasks[metric], *ranks, counts, *found]

    def _level(self, arm: str, metric: str) -> str:
        interval = self.interval(arm, metric)
        if interval is None:
            return f"{self.mean(arm, metric):.1f}"
        return f"{interval.value:.1f} ± {interval.high - interval.value:.1f}"

    def _by_seed(self, *metrics: str) -> np.ndarray | None:
        """Metrics of the ranked arms on the seeds that all have, (metrics, arms, seeds)."""
        arms = self.ranked
        seeds = self.shared_seeds(*arms) if len(arms) > 2 else []
        if not seeds:
            return None
        return np.array(
            [[[self.accuracy(arm, m)[seed] for seed in seeds] for arm in arms] for m in metrics]
        )


def _side(difference: Interval | None) -> int:
    """1 or -1 where a difference is told from 0, by its sign, else 0."""
    if difference is None:
        return 0
    return int(difference.low > 0) - int(difference.high < 0)


def _correlation(found: Interval | None) -> str:
    return _NOT_RUN if found is None else f"{found:+.2f}, n = {found.n}"

"""Judging: the rule of `claims`, applied to records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN, Claim, Contrast
from adainf_core.evidence.judging.claims import BestLevel as BestLevelClaim
from adainf_core.evidence.runs.records import Record
from adainf_core.statistics.intervals import (
    Interval,
    PlausibleLevels,
    best_level,
    paired_difference,
    t_quantile,
)

NOT_RUN = "not run"
_LEAST = 2  # seeds without which nothing is said
Column = tuple[str, str]  # an arm and one of its metrics


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a claim, and what it read.

    `difference` is a contrast's interval (points, corrected confidence), `best` a best level's set;
    both are None where too little has been run. `agreeing` counts the seeds whose own value has the
    claimed sign; the rule does not use it.
    """

    claim: Claim
    word: str
    difference: Interval | None = None
    best: PlausibleLevels | None = None
    agreeing: int = 0

    @property
    def said(self) -> str:
        """What was read, for a sentence: the difference in points or the best level, with n."""
        if self.difference is not None:
            return f"{self.difference:+.2f} points, n = {self.difference.n}"
        if self.best is not None:
            levels = ", ".join(f"{level:g}" for level in self.best.plausible)
            return f"highest at {self.best.best:g}, not excluded {levels}, n = {self.best.n}"
        return "not run yet"

    @property
    def reversed(self) -> bool:
        """Whether the whole interval of a contrast lies below zero: the opposite is shown."""
        return self.difference is not None and bool(self.difference.high < 0)

    @property
    def phrase(self) -> str:
        """The word, with "reversed" where the opposite is shown."""
        return f"{self.word}, reversed" if self.reversed else self.word

    def __str__(self) -> str:
        return self.said if self.word == NOT_RUN else f"{self.said}: {self.phrase}"

    def at_margin(self, margin: float) -> str:
        """The word that the rule would give a contrast at another margin (points)."""
        return self.word if self.difference is None else verdict_word(self.difference, margin)


def judge(claims: Sequence[Claim], records: Iterable[Record]) -> list[Verdict]:
    """Apply the rule to each of `claims`, a whole family, on one study's records at one scale.

    A claim is "not run" where its arms share fewer than two seeds.
    """
    table = _table(records)
    level = 1 - (1 - CONFIDENCE) / len(claims)
    spread = _block_spread(table, claims)
    return [
        _contrast(claim, table, spread, level)
        if isinstance(claim, Contrast)
        else _best(claim, table, spread, level)
        for claim in claims
    ]


def verdict_word(difference: Interval, margin: float = MARGIN) -> str:
    """The rule's word for an interval of the difference in the claimed direction."""
    above, negligible = difference.low > 0, difference.high < margin
    if above and negligible:
        return "holds, but negligible"
    return "holds" if above else "does not hold" if negligible else "not decided"


def by_seed(records: Iterable[Record], arm: str, metric: str = "linear") -> dict[int, float]:
    """An arm's metric by seed."""
    return {record.seed: record.metrics[metric] for record in records if record.arm == arm}


def arm_difference(
    records: Sequence[Record], treated: str, reference: str, metric: str = "linear"
) -> Interval:
    """One arm less another, paired by seed: a plain 95 % t interval, exploratory, no verdict.

    ValueError where the two share fewer than two seeds.
    """
    return paired_difference(by_seed(records, treated, metric), by_seed(records, reference, metric))


def paired_only(verdict: Verdict, records: Iterable[Record]) -> Verdict:
    """The verdict of a contrast from its own values alone, without the block's standard error."""
    if not isinstance(verdict.claim, Contrast) or verdict.difference is None:
        return verdict
    values = _values(verdict.claim, _table(records))
    difference = _interval(values, values.std(ddof=1), len(values) - 1, verdict.difference)
    return replace(verdict, difference=difference, word=verdict_word(difference))


def _contrast(
    claim: Contrast,
    table: dict[Column, dict[int, float]],
    spread: tuple[float, int] | None,
    level: float,
) -> Verdict:
    values = _values(claim, table)
    if len(values) < _LEAST:
        return Verdict(claim, NOT_RUN)
    deviation, freedom = float(values.std(ddof=1)), len(values) - 1
    if spread is not None:
        weight = float(np.sqrt(sum(term.weight**2 for term in claim.terms)))
        deviation, freedom = max(deviation, weight * spread[0]), max(freedom, spread[1])
    asked = Interval(0.0, 0.0, 0.0, len(values), level)
    difference = _interval(values, deviation, freedom, asked)
    return Verdict(claim, verdict_word(difference), difference, agreeing=int((values > 0).sum()))


def _best(
    claim: BestLevelClaim,
    table: dict[Column, dict[int, float]],
    spread: tuple[float, int] | None,
    level: float,
) -> Verdict:
    columns = [table.get((arm, "linear"), {}) for arm in claim.arms]
    seeds = _shared(columns)
    if len(seeds) < _LEAST:
        return Verdict(claim, NOT_RUN)
    places = [place for place, _ in claim.levels]
    values = [[column[seed] for seed in seeds] for column in columns]
    found = best_level(places, values, level, spread)
    low, high = claim.claimed
    within = [low <= place <= high for place in found.plausible]
    word = "holds" if all(within) else "not decided" if any(within) else "does not hold"
    return Verdict(claim, word, best=found)


def _table(records: Iterable[Record]) -> dict[Column, dict[int, float]]:
    """Every metric of every arm by seed."""
    table: dict[Column, dict[int, float]] = {}
    for record in records:
        for metric, value in record.metrics.items():
            table.setdefault((record.arm, metric), {})[record.seed] = value
    return table


def _values(claim: Contrast, table: dict[Column, dict[int, float]]) -> np.ndarray:
    """The contrast seed by seed, (seeds,)."""
    columns = [table.get((term.arm, term.metric), {}) for term in claim.terms]
    weights = [term.weight for term in claim.terms]
    rows = [[column[seed] for column in columns] for seed in _shared(columns)]
    return np.array(rows).reshape(-1, len(weights)) @ np.array(weights)


def _block_spread(
    table: dict[Column, dict[int, float]], claims: Sequence[Claim]
) -> tuple[float, int] | None:
    """Residual deviation of one run in the block design, and its degrees of freedom.

    Blocks are the seeds that all arms of the claims share; arms with fewer than two are left out.
    None where nothing is left.
    """
    named = dict.fromkeys(
        column
        for claim in claims
        for column in (
            [(term.arm, term.metric) for term in claim.terms]
            if isinstance(claim, Contrast)
            else [(arm, "linear") for arm in claim.arms]
        )
    )
    columns = [table[name] for name in named if len(table.get(name, {})) >= _LEAST]
    seeds = _shared(columns)
    if len(columns) < 2 or len(seeds) < _LEAST:
        return None
    freedom = (len(columns) - 1) * (len(seeds) - 1)
    values = np.array([[column[seed] for seed in seeds] for column in columns])
    residuals = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    return float(np.sqrt((residuals**2).sum() / freedom)), freedom


def _shared(columns: Sequence[dict[int, float]]) -> list[int]:
    return sorted(set.intersection(*(set(column) for column in columns))) if columns else []


def _interval(values: np.ndarray, deviation: float, freedom: int, like: Interval) -> Interval:
    half = t_quantile((1 + like.confidence) / 2, freedom) * deviation / np.sqrt(len(values))
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half, len(values), like.confidence)

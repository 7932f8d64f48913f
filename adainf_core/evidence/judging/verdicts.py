"""Judging: the rules of `claims`, applied to records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from adainf_core.evidence.judging.claims import (
    CONFIDENCE,
    MARGIN,
    Bracketed,
    Chosen,
    Claim,
    Contrast,
    LeastRatio,
    Ranking,
)
from adainf_core.evidence.judging.claims import BestLevel as BestLevelClaim
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import Record
from adainf_core.statistics.intervals import (
    Interval,
    PlausibleLevels,
    best_level,
    paired_difference,
    rank_correlation,
    t_quantile,
)

_LEAST = 2  # seeds without which a difference is not spoken of
Column = tuple[str, str]  # an arm and one of its metrics


class Outcome(StrEnum):
    """What a rule can say of a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    NEGLIGIBLE = "holds, but negligible"
    NOT_DECIDED = "not decided"
    NOT_RUN = "not run"

    def __repr__(self) -> str:
        """That of the plain string, which is what notebooks show."""
        return repr(self.value)


@dataclass(frozen=True)
class Bracket:
    """The intervals of the least and of the greatest difference that one comparison allows."""

    least: Interval
    greatest: Interval


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a claim, and what it read.

    `difference` is a contrast's interval (points, corrected confidence), `best` a best level's set,
    `correlation` a ranking's, `brackets` those of a bracketed claim, one a comparison; None or
    empty for other kinds and where too little has been run. `agreeing` counts the seeds whose own
    value of a contrast has the claimed sign; the rule does not use it.
    """

    claim: Claim
    outcome: Outcome
    difference: Interval | None = None
    best: PlausibleLevels | None = None
    correlation: Interval | None = None
    brackets: tuple[Bracket, ...] = ()
    agreeing: int = 0

    @property
    def decisive(self) -> Interval | None:
        """What the outcome was read from; None where too little has been run.

        Of brackets, an interval from the low end of the least difference where that is lowest to
        the high end of the greatest one where that is lowest, with the mean of the former.
        """
        if not self.brackets:
            return self.difference or self.best or self.correlation
        weakest = min((b.least for b in self.brackets), key=lambda found: found.low)
        refuted = min((b.greatest for b in self.brackets), key=lambda found: found.high)
        return replace(weakest, high=refuted.high)

    @property
    def summary(self) -> str:
        """What was read, for a sentence: a difference, a best level or a correlation, with n."""
        if self.difference is not None:
            return f"{self.difference:+.2f} points, n = {self.difference.n}"
        if self.best is not None:
            levels = ", ".join(f"{level:g}" for level in self.best.plausible)
            left = f"cannot be excluded as the best: {levels}"
            return f"highest at {self.best.value:g} ({left}), n = {self.best.n}"
        if self.correlation is not None:
            return f"rank correlation {self.correlation:+.2f}, n = {self.correlation.n}"
        if self.decisive is not None:
            return f"{self.decisive:+.2f}, n = {self.decisive.n}"
        return "not run yet"

    @property
    def reversed(self) -> bool:
        """Whether the opposite is shown: all of what was read lies below zero."""
        if self.brackets:
            return all(bracket.greatest.high < 0 for bracket in self.brackets)
        found = self.difference or self.correlation
        return found is not None and bool(found.high < 0)

    @property
    def words(self) -> str:
        """The outcome as tables and sentences have it.

        Those of a difference are `difference_in_words`; of other claims that do not hold,
        "reversed" is added where the opposite is shown.
        """
        if isinstance(self.claim, Contrast | Chosen) and self.difference is not None:
            two_arms = isinstance(self.claim, Chosen) or len(self.claim.terms) == 2
            return difference_in_words(self.difference, two_arms)
        return f"{self.outcome}, reversed" if self.reversed else str(self.outcome)

    def __str__(self) -> str:
        if self.outcome == Outcome.NOT_RUN:
            return self.summary
        return f"{self.summary}: {self.words}"

    def at_margin(self, margin: float) -> Outcome:
        """What the rule would say of a contrast at another margin (points)."""
        return self.outcome if self.difference is None else outcome_of(self.difference, margin)


def judge_study(
    study: Study, scale: str, records: Sequence[Record], metric: str = "linear"
) -> list[Verdict]:
    """The verdict of each claim about `study`, on its records at `scale`.

    Those of a strict one are "not run" until all the runs that they read are there.
    """
    verdicts = judge(study.claims, records, metric, strict=study.strict)
    if not study.strict or scale not in study.layouts:
        return verdicts
    there = {(record.arm, record.seed) for record in records}
    lacking = {arm for arm, seed in study.plan(scale) if (arm, seed) not in there}
    return [
        Verdict(verdict.claim, Outcome.NOT_RUN)
        if lacking.intersection(verdict.claim.arms)
        else verdict
        for verdict in verdicts
    ]


def judge(
    claims: Sequence[Claim],
    records: Iterable[Record],
    metric: str = "linear",
    strict: bool = False,
) -> list[Verdict]:
    """Apply its rule to each of `claims`, a whole family, on one study's records at one scale.

    What claims say of linear accuracy is read from `metric`. A claim is "not run" where its arms
    share fewer than two seeds, or a ranking's none. With `strict`, the interval of a contrast is at
    least as wide as Student t of its own values.
    """
    table = _Table(records, metric)
    about_accuracy = [c for c in claims if isinstance(c, Contrast | BestLevelClaim)]
    spread = table.block_spread(about_accuracy)
    comparisons = sum(len(c.comparisons) for c in claims if isinstance(c, Bracketed))
    choices = sum(isinstance(c, Chosen) for c in claims)
    beside = sum(isinstance(c, Ranking) and not c.primary for c in claims)

    def judged(claim: Claim) -> Verdict:
        match claim:
            case Contrast():
                return _contrast(claim, table, spread, _corrected(len(about_accuracy)), strict)
            case BestLevelClaim():
                return _best(claim, table, spread, _corrected(len(about_accuracy)))
            case Chosen():
                return _chosen(claim, table, _corrected(choices))
            case Bracketed():
                return _bracketed(claim, table, _corrected(comparisons))
            case Ranking():
                return _ranking(claim, table, _corrected(1 if claim.primary else beside))
        raise TypeError(f"{claim.key!r}: no rule judges a {type(claim).__name__}")

    return [judged(claim) for claim in claims]


def difference_in_words(found: Interval, two_arms: bool = True) -> str:
    """The outcome of a difference in points, as a reader understands it.

    Where the claim does not hold, "no gain of a point" (which is `MARGIN`); where all of the
    interval lies below zero "costs accuracy", or, unless it is of `two_arms`, "the opposite".
    """
    outcome = outcome_of(found)
    if outcome != Outcome.DOES_NOT_HOLD:
        return str(outcome)
    if found.high >= 0:
        return "no gain of a point"
    return "costs accuracy" if two_arms else "the opposite"


def noise_of(claims: Sequence[Claim], records: Iterable[Record]) -> float:
    """The residual deviation of one run among the arms of claims about accuracy; nan of too few."""
    about_accuracy = [c for c in claims if isinstance(c, Contrast | BestLevelClaim)]
    spread = _Table(records).block_spread(about_accuracy)
    return float("nan") if spread is None else spread[0]


def outcome_of(difference: Interval, margin: float = MARGIN) -> Outcome:
    """The rule's outcome for an interval of the difference in the claimed direction."""
    above, negligible = difference.low > 0, difference.high < margin
    if above:
        return Outcome.NEGLIGIBLE if negligible else Outcome.HOLDS
    return Outcome.DOES_NOT_HOLD if negligible else Outcome.NOT_DECIDED


def by_seed(records: Iterable[Record], arm: str, metric: str = "linear") -> dict[int, float]:
    """An arm's metric by seed."""
    return {record.seed: record.metrics[metric] for record in records if record.arm == arm}


def paired_only(verdict: Verdict, records: Iterable[Record]) -> Verdict:
    """The verdict of a contrast from its own values alone, without the block's standard error."""
    if not isinstance(verdict.claim, Contrast) or verdict.difference is None:
        return verdict
    values = _Table(records).contrast(verdict.claim)
    level = verdict.difference.confidence
    difference = _interval(values, float(values.std(ddof=1)), len(values) - 1, level)
    return replace(verdict, difference=difference, outcome=outcome_of(difference))


def _corrected(asked: int) -> float:
    """The confidence of each of `asked` intervals, family-wise `CONFIDENCE` together."""
    return 1 - (1 - CONFIDENCE) / asked


class _Table:
    """Every metric of every arm by seed; `linear` names the one that linear accuracy is read as."""

    def __init__(self, records: Iterable[Record], linear: str = "linear") -> None:
        self._linear = linear
        self._runs: dict[str, dict[int, Mapping[str, float]]] = {}
        for record in records:
            self._runs.setdefault(record.arm, {})[record.seed] = record.metrics

    def column(self, arm: str, quantity: str | LeastRatio) -> dict[int, float]:
        """A quantity of an arm by seed, of the runs that have it."""
        runs = self._runs.get(arm, {})
        if isinstance(quantity, LeastRatio):
            return {seed: _place(quantity, metrics) for seed, metrics in runs.items()}
        name = self._linear if quantity == "linear" else quantity
        return {seed: metrics[name] for seed, metrics in runs.items() if name in metrics}

    def rows(self, columns: Sequence[Column]) -> np.ndarray:
        """The columns on the seeds that all of them have, (columns, seeds)."""
        found = [self.column(*column) for column in columns]
        return np.array([[column[seed] for seed in _shared(found)] for column in found])

    def contrast(self, claim: Contrast) -> np.ndarray:
        """The contrast seed by seed, (seeds,)."""
        values = self.rows([(term.arm, term.metric) for term in claim.terms])
        return np.ascontiguousarray(values.T) @ np.array([term.weight for term in claim.terms])

    def block_spread(self, claims: Sequence[Claim]) -> tuple[float, int] | None:
        """Residual deviation of one run in the block design, and its degrees of freedom.

        Blocks are the seeds that all arms of the claims share; arms with fewer than two are left
        out. None where nothing is left.
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
        values = self.rows([name for name in named if len(self.column(*name)) >= _LEAST])
        if len(values) < 2 or values.shape[1] < _LEAST:
            return None
        freedom = (values.shape[0] - 1) * (values.shape[1] - 1)
        residuals = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
        return float(np.sqrt((residuals**2).sum() / freedom)), freedom


def _contrast(
    claim: Contrast,
    table: _Table,
    spread: tuple[float, int] | None,
    level: float,
    strict: bool,
) -> Verdict:
    values = table.contrast(claim)
    if len(values) < _LEAST:
        return Verdict(claim, Outcome.NOT_RUN)
    deviation, freedom = float(values.std(ddof=1)), len(values) - 1
    if spread is not None:
        weight = float(np.sqrt(sum(term.weight**2 for term in claim.terms)))
        deviation, freedom = max(deviation, weight * spread[0]), max(freedom, spread[1])
    difference = _interval(values, deviation, freedom, level)
    if strict:
        own = _interval(values, float(values.std(ddof=1)), len(values) - 1, level)
        difference = max(difference, own, key=lambda interval: interval.high)
    return Verdict(claim, outcome_of(difference), difference, agreeing=int((values > 0).sum()))


def _chosen(claim: Chosen, table: _Table, level: float) -> Verdict:
    arms = claim.arms
    accuracies = table.rows([(arm, claim.metric) for arm in arms])
    scores = table.rows([(arm, claim.score) for arm in arms])
    if accuracies.shape[1] < _LEAST or scores.shape != accuracies.shape:
        return Verdict(claim, Outcome.NOT_RUN)
    place = {arm: number for number, arm in enumerate(arms)}
    values = []
    for menu in claim.menus:
        rows = [place[arm] for arm in menu]
        best = (claim.sign * scores[rows]).argmax(0)
        taken = np.take_along_axis(accuracies[rows], best[None], 0)[0]
        other = accuracies[place[claim.rival]] if claim.rival else accuracies[rows].mean(0)
        values.append(taken - other)
    each = np.mean(values, axis=0)  # menus of a seed share runs: a seed is one observation
    difference = _interval(each, float(each.std(ddof=1)), len(each) - 1, level)
    return Verdict(claim, outcome_of(difference), difference, agreeing=int((each > 0).sum()))


def _best(
    claim: BestLevelClaim, table: _Table, spread: tuple[float, int] | None, level: float
) -> Verdict:
    values = table.rows([(arm, "linear") for arm in claim.arms])
    if values.shape[1] < _LEAST:
        return Verdict(claim, Outcome.NOT_RUN)
    found = best_level([place for place, _ in claim.levels], values, level, spread)
    low, high = claim.claimed
    within = [low <= place <= high for place in found.plausible]
    outcome = Outcome.NOT_DECIDED if any(within) else Outcome.DOES_NOT_HOLD
    return Verdict(claim, Outcome.HOLDS if all(within) else outcome, best=found)


def _bracketed(claim: Bracketed, table: _Table, level: float) -> Verdict:
    brackets = []
    for larger, smaller in claim.comparisons:
        low, high = (table.column(larger.arm, side) for side in (larger.low, larger.high))
        other_low, other_high = (
            table.column(smaller.arm, side) for side in (smaller.low, smaller.high)
        )
        if len(_shared([low, high, other_low, other_high])) < _LEAST:
            return Verdict(claim, Outcome.NOT_RUN)
        pairs = ((low, other_low), (high, other_high))
        if not claim.same_side:
            pairs = ((low, other_high), (high, other_low))
        least, greatest = (paired_difference(*pair, level) for pair in pairs)
        if claim.same_side and greatest.value < least.value:
            least, greatest = greatest, least
        brackets.append(Bracket(least, greatest))
    verdict = Verdict(claim, Outcome.NOT_DECIDED, brackets=tuple(brackets))
    decisive = verdict.decisive
    assert isinstance(decisive, Interval)  # that of brackets
    return replace(verdict, outcome=outcome_of(decisive, claim.margin))


def _ranking(claim: Ranking, table: _Table, level: float) -> Verdict:
    measured = table.rows([(arm, claim.measure) for arm in claim.ranked])
    truth = claim.truth
    if isinstance(truth, str):
        found = table.rows([(arm, truth) for arm in claim.ranked])
        predicted = claim.sign * measured.mean(axis=1) if measured.size else measured
    else:
        found, predicted = claim.sign * measured, np.array(truth)
    if not (measured.size and found.size):
        return Verdict(claim, Outcome.NOT_RUN)
    correlation = rank_correlation(predicted, found, level)
    outcome = Outcome.NOT_DECIDED
    if correlation.low > claim.threshold:
        outcome = Outcome.HOLDS
    elif correlation.high < claim.threshold:
        outcome = Outcome.DOES_NOT_HOLD
    return Verdict(claim, outcome, correlation=correlation)


def _place(quantity: LeastRatio, metrics: Mapping[str, float]) -> float:
    ratios = [
        metrics[upper] / metrics[lower] if metrics[lower] > 0 else np.inf
        for upper, lower in quantity.ratios
    ]
    return float(np.argmin(ratios))


def _shared(columns: Sequence[Mapping[int, Any]]) -> list[int]:
    return sorted(set.intersection(*(set(column) for column in columns))) if columns else []


def _interval(values: np.ndarray, deviation: float, freedom: int, confidence: float) -> Interval:
    half = t_quantile((1 + confidence) / 2, freedom) * deviation / np.sqrt(len(values))
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half, len(values), confidence=confidence)

"""Kinds of claims, and the rule that decides each. The claims themselves stand beside their study.

All claims about one study are judged together, by rules fixed before the runs that decide
(`registration` keeps when): family-wise at `CONFIDENCE`, corrected (Bonferroni) among the claims of
one kind. What a claim needs to know of its study it carries as data.

A `Contrast` is a weighted sum of arms, in points, in the claimed direction; a contrast or a best
level is about offline linear accuracy, unless its terms name another metric. Its interval is
two-sided Student t over the seeds that all its arms share. Its standard error is the larger of two:
that of the contrast's own values, one a seed; and that of a randomised block design, in which all
arms of the claims about the study, on the seeds that they share, have one residual variance. The
latter lends its degrees of freedom, for three seeds alone decide nothing; that assumes arms of like
variance, and among arms of which one deviates twice as much as the others the error of a comparison
with it is about four times what was asked for.

- *holds*: the whole interval lies above 0.
- *does not hold*: the whole interval lies below `MARGIN`, the smallest difference we care about: an
  effect of that size is excluded, whether the true one is nil or of the other sign. It says nothing
  against a published effect that is smaller (`LedgerEntry.published_inside` in `ledger`).
- *not decided*: anything else, that is, more seeds are needed.

Newer studies are *strict* (`grid.Study`): their intervals are also at least as wide as Student t of
the contrast's own values, with the degrees of freedom of those alone, and they are judged once,
when all runs that a claim reads are in.

An interval between 0 and the margin satisfies both: the effect is there but negligible, and the
verdict is *holds, but negligible*.

A `BestLevel` says at which of several levels accuracy is greatest. Its interval is the set of
levels that cannot be excluded as the best at the corrected confidence: those that no other level
beats, in differences with standard errors as above (`intervals.best_level`). It *holds* where all
of them lie in the claimed range, *does not hold* where none does, and is *not decided* otherwise.

A `Bracketed` claim is about quantities of which only a value that errs low and one that errs high
are known. It makes one or more comparisons, paired by seed, each with Student t intervals of the
least and of the greatest difference; they are corrected for all comparisons of all such claims.

- *holds*: at every comparison the interval of the least difference lies above 0.
- *does not hold*: at some comparison that of the greatest one lies below the claim's own `margin`.
- *not decided*: anything else. Where both are true, *holds, but negligible*.

A `Chosen` claim is about a rule of choice: of each of several menus of arms, seed by seed, the one
with the greatest (or least) score is taken. Its values are accuracies of what was taken less those
of a rival that is always there, the mean over menus, one a seed: menus of one seed share arms, and
count as one. Its interval is Student t of them, corrected among all such claims, and its outcomes
are those of a contrast.

A `Ranking` says that a measure orders arms by a truth. Its interval is the percentile bootstrap
interval of Spearman's correlation over arms and, within each, over seeds
(`intervals.rank_correlation`); a `primary` one has the whole confidence, the others of the family
are corrected among themselves. It *holds* where the interval lies above the claim's `threshold`,
*does not hold* where it lies below, and is *not decided* otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Smallest difference in linear accuracy, in percentage points, that would change a reader's mind.
MARGIN = 1.0
#: Family-wise confidence over all claims decided on the same study.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Published:
    """What the paper says of a claim: where, and the difference in points (None: no number).

    `tag` says how it is known: "R" the official README, "A" the abstract, "Q" quoted from the paper
    by others, "H" from the public reviews, "D" derived here from numbers that are.
    """

    source: str
    difference: float | None = None
    tag: str = "Q"


@dataclass(frozen=True)
class Claim(ABC):
    """A statement that the records of one `study` can decide; `key` is unique among all claims.

    `published` lists all that the paper is known to say of it; it is empty only for a control that
    its tables, as far as they are known, do not have. `asked_by` is "paper" or "control", or "trap"
    for what the official code gets wrong. `short` is a name for figures. `repeats` is the key of
    the claim of an earlier study that it asks again, on fresh seeds.
    """

    key: str
    statement: str
    study: str
    published: tuple[Published, ...] = field(default=(), kw_only=True)
    asked_by: str = field(default="paper", kw_only=True)
    short: str = field(default="", kw_only=True)
    repeats: str = field(default="", kw_only=True)

    @property
    @abstractmethod
    def arms(self) -> tuple[str, ...]:
        """The arms it reads."""


@dataclass(frozen=True)
class Term:
    """`weight` times an arm's `metric`."""

    arm: str
    weight: float
    metric: str = "linear"


@dataclass(frozen=True)
class Contrast(Claim):
    """The weighted sum of `terms` is above zero."""

    terms: tuple[Term, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(term.arm for term in self.terms))


@dataclass(frozen=True)
class BestLevel(Claim):
    """Of the arms at `levels` (level, arm), the most accurate lies at a level in `claimed`."""

    levels: tuple[tuple[float, str], ...]
    claimed: tuple[float, float]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(arm for _, arm in self.levels)


@dataclass(frozen=True)
class LeastRatio:
    """A quantity of a run: the place, from 0, of the least of `ratios` (metric over metric).

    A ratio whose lower metric is not above zero counts as infinite.
    """

    ratios: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Known:
    """A quantity of an arm that lies between `low` and `high`: a metric each, or a `LeastRatio`."""

    arm: str
    low: str | LeastRatio
    high: str | LeastRatio


@dataclass(frozen=True)
class Bracketed(Claim):
    """In each of `comparisons` (larger, smaller) the first exceeds the second.

    The least difference is the low end of the larger less the high end of the smaller, the greatest
    one the reverse. With `same_side` both are read from the same side, twice; the least difference
    is that of the lower mean. `margin` is the smallest effect worth the name, in their unit.
    """

    comparisons: tuple[tuple[Known, Known], ...]
    margin: float
    same_side: bool = False

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(side.arm for pair in self.comparisons for side in pair))


@dataclass(frozen=True)
class Ranking(Claim):
    """The metric `measure`, times `sign`, orders arms as `truth` does.

    `truth` is a metric that varies over seeds, against which the measure's mean over seeds is held,
    or a known value for each of `ranked`, the arms in the order in which they are drawn. The rank
    correlation is held against `threshold`; `primary` is the claim that a family is about.
    """

    measure: str
    truth: str | tuple[float, ...]
    ranked: tuple[str, ...]
    sign: int = 1
    threshold: float = 0.0
    primary: bool = False

    @property
    def arms(self) -> tuple[str, ...]:
        return self.ranked


@dataclass(frozen=True)
class Chosen(Claim):
    """Of each of `menus`, the arm with the greatest `sign` times `score` beats the arm `rival`.

    In the metric `metric`, on the seeds that all arms share; without a `rival` the mean of the menu
    stands for choosing at random.
    """

    score: str
    menus: tuple[tuple[str, ...], ...]
    rival: str = ""
    sign: int = 1
    metric: str = "linear"

    @property
    def arms(self) -> tuple[str, ...]:
        every = (*(arm for menu in self.menus for arm in menu), self.rival)
        return tuple(dict.fromkeys(arm for arm in every if arm))


def beats(
    key: str,
    statement: str,
    study: str,
    better: str,
    worse: str,
    published: Sequence[Published] = (),
    asked_by: str = "paper",
    short: str = "",
) -> Contrast:
    """The arm `better` is more accurate than the arm `worse`."""
    terms = (Term(better, 1.0), Term(worse, -1.0))
    return Contrast(
        key, statement, study, terms, published=tuple(published), asked_by=asked_by, short=short
    )


def gains_more(
    key: str,
    statement: str,
    study: str,
    gain: tuple[str, str],
    than: tuple[str, str],
    published: Sequence[Published] = (),
    asked_by: str = "paper",
    short: str = "",
) -> Contrast:
    """From the second arm of `gain` to its first there is more to gain than in `than`."""
    terms = (Term(gain[0], 1.0), Term(gain[1], -1.0), Term(than[0], -1.0), Term(than[1], 1.0))
    return Contrast(
        key, statement, study, terms, published=tuple(published), asked_by=asked_by, short=short
    )

"""Claims: what one is, and the rule that decides it. `claimed` has the claims themselves.

A claim is about one study's offline linear accuracy, unless its terms name another metric. **The
rule**, fixed before the runs that
decide (`registration` keeps when): a `Contrast` is a weighted sum of arms, in points, in the
claimed direction. Its interval is two-sided Student t over the seeds that all its arms share, with
a confidence corrected for the number of claims about the same study (Bonferroni, family-wise 95 %).
Its standard error is the larger of two: that of the contrast's own values, one a seed; and that of
a randomised block design, in which all arms of the claims about the study, on the seeds that they
share, have one residual variance. The latter lends its degrees of freedom, for three seeds alone
decide nothing; that assumes arms of like variance, and among arms of which one deviates twice as
much as the others the error of a comparison with it is about four times what was asked for.

- *holds*: the whole interval lies above 0.
- *does not hold*: the whole interval lies below `MARGIN`, the smallest difference we care about: an
  effect of that size is excluded, whether the true one is nil or of the other sign. It says nothing
  against a published effect that is smaller (`Line.published_inside` in `ledger`).
- *not decided*: anything else, that is, more seeds are needed.

An interval between 0 and the margin satisfies both: the effect is there but negligible, and the
verdict is *holds, but negligible*.

A `BestLevel` says where on a dial accuracy is greatest. Its interval is the set of levels that
cannot be excluded as the best at the corrected confidence: those that no other level beats, in
differences with standard errors as above (`statistics.best_level`). It *holds* where all of them
lie in the claimed range, *does not hold* where none does, and is *not decided* otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Smallest difference in linear accuracy, in percentage points, that would change a reader's mind.
MARGIN = 1.0
#: Family-wise confidence over all claims decided on the same study.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Published:
    """What the paper says of a claim: where, and the difference in points (None: no number).

    `tag` says how it is known: "R" the official README, "Q" quoted from the paper by others, "H"
    from the public reviews, "D" derived here from numbers that are.
    """

    source: str
    difference: float | None = None
    tag: str = "Q"


@dataclass(frozen=True)
class Term:
    """`weight` times an arm's `metric`."""

    arm: str
    weight: float
    metric: str = "linear"


@dataclass(frozen=True)
class Contrast:
    """The weighted sum of `terms` is above zero in `study`.

    `published` lists all that the paper is known to say of it; it is empty for a control that its
    tables, as far as they are known, do not have. `asked_by` is "paper" or "control", or "trap" for
    what the official code gets wrong.
    """

    key: str
    statement: str
    study: str
    terms: tuple[Term, ...]
    published: tuple[Published, ...] = ()
    asked_by: str = "paper"

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it reads."""
        return tuple(dict.fromkeys(term.arm for term in self.terms))


@dataclass(frozen=True)
class BestLevel:
    """Of the arms at `levels` (level, arm), the most accurate lies at a level in `claimed`."""

    key: str
    statement: str
    study: str
    levels: tuple[tuple[float, str], ...]
    claimed: tuple[float, float]
    published: tuple[Published, ...] = ()
    asked_by: str = "paper"

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it reads."""
        return tuple(arm for _, arm in self.levels)


Claim = Contrast | BestLevel


def beats(
    key: str,
    statement: str,
    study: str,
    better: str,
    worse: str,
    published: Sequence[Published] = (),
    asked_by: str = "paper",
    metric: str = "linear",
) -> Contrast:
    """The claim that one arm is above another."""
    terms = (Term(better, 1.0, metric), Term(worse, -1.0, metric))
    return Contrast(key, statement, study, terms, tuple(published), asked_by)


def gains_more(
    key: str,
    statement: str,
    study: str,
    gain: tuple[str, str],
    than: tuple[str, str],
    published: Sequence[Published] = (),
    asked_by: str = "paper",
) -> Contrast:
    """The claim that from the second arm of `gain` to its first there is more to gain than in
    `than`."""
    terms = (Term(gain[0], 1.0), Term(gain[1], -1.0), Term(than[0], -1.0), Term(than[1], 1.0))
    return Contrast(key, statement, study, terms, tuple(published), asked_by)

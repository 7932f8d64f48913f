"""A search over random finite worlds: is a step of the bound ever violated, how tight is each?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from adainf_core.theory.bound_proof import (
    CONSEQUENCES,
    REFINEMENT,
    SPECTRAL,
    STEPS,
    Inequality,
    over,
)
from adainf_core.theory.bound_worlds import BATCH, SearchTerms, batch_terms, random_batch
from adainf_core.validation import IntArray, as_count

ROUNDING = 1e-9  # excess that counts; sides are sums of a few hundred terms of order one …
GAP_ROUNDING = 1e-15  # … divided by λ, which is off by a few 1e-16
SMALLEST_GAP = 1e-9  # a positive λ below it is too close to its own rounding to be divided by
SMALLEST = 1e-6  # of a right side for which a ratio is taken: below it rounding would show
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def _moved(
    name: str, statement: str, reason: str, train_bound: Callable[[SearchTerms], Any]
) -> Inequality:
    """E_d ≤ what is said to bound E_t, and the way from P_t to P_d."""
    return Inequality(
        name,
        statement,
        reason,
        lambda t: (t.real_error, train_bound(t) + (1 - t.beta) * t.total_variation),
    )


#: Bounds that look as good as the proven one and are false, with what each forgets.
WRONG_FORMS = (
    Inequality(
        "no distance",
        "E_d ≤ 8 α / λ_{k+1} + 2 α",
        "trained on one distribution, judged under another: the way between them is missing",
        lambda t: (t.real_error, t.train_bound),
    ),
    Inequality(
        "error does not move",
        "E_d ≤ E_t",
        "the same, before any bound",
        lambda t: (t.real_error, t.train_error),
    ),
    _moved(
        "α of real data",
        "E_d ≤ 8 α_d / λ_{k+1} + 2 α_d + (1 − β) D_TV",
        "the encoder is learned on generated points too, and their labeling errors shape it",
        lambda t: over(8 * t.real_labeling_error, t.spectral_gap) + 2 * t.real_labeling_error,
    ),
    _moved(
        "φ in place of α",
        "E_d ≤ 4 φ / λ_{k+1} + 2 φ + (1 − β) D_TV",
        "views that agree on a wrong label have φ = 0",
        lambda t: over(4 * t.pair_labeling_error, t.spectral_gap) + 2 * t.pair_labeling_error,
    ),
    _moved(
        "next eigenvalue",
        "E_d ≤ 8 α / λ_{k+2} + 2 α + (1 − β) D_TV",
        "an index off by one: the first eigenvector left out is number k + 1",
        lambda t: over(8 * t.labeling_error, t.next_gap) + 2 * t.labeling_error,
    ),
    _moved(
        "2 α / λ",
        "E_d ≤ 2 α / λ_{k+1} + (1 − β) D_TV",
        "constants count: any factor below 4 is too small",
        lambda t: over(2 * t.labeling_error, t.spectral_gap),
    ),
    _moved(
        "α / λ",
        "E_d ≤ α / λ_{k+1} + (1 − β) D_TV",
        "the order of the bound, read as the bound",
        lambda t: over(t.labeling_error, t.spectral_gap),
    ),
)

#: Neither proven nor refuted here.
OPEN_FORMS = (
    Inequality(
        "4 α / λ, training distribution",
        "E_t ≤ 4 α / λ_{k+1}",
        "proven with 4 α more",
        lambda t: (t.train_error, over(4 * t.labeling_error, t.spectral_gap)),
    ),
    Inequality(
        "half the pair form",
        "E_t ≤ 2 φ / λ_{k+1} + α",
        "proven with twice as much",
        lambda t: (t.train_error, t.pair_train_bound / 2),
    ),
    _moved(
        "4 α / λ",
        "E_d ≤ 4 α / λ_{k+1} + (1 − β) D_TV",
        "follows from the line above",
        lambda t: over(4 * t.labeling_error, t.spectral_gap),
    ),
)


@dataclass(frozen=True)
class SearchTally:
    """How one inequality fared in a search.

    `violations` of `checked` worlds have left > right (beyond rounding). Ratios left / right are
    over the `informative` worlds where 1e-6 < right < ∞: `quantiles` maps a share of them to its
    ratio, `worst_ratio` is the largest, `worst_index` its world, `smallest_index` the violating
    world with the fewest points and views, or None (`drawn_world` makes them again).
    """

    name: str
    statement: str
    reason: str
    checked: int
    violations: int
    informative: int
    quantiles: dict[float, float]
    worst_ratio: float
    worst_index: int
    smallest_index: int | None

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Exact two-sided interval of the share of violations in the distribution of worlds."""
        return clopper_pearson(self.violations, self.checked, confidence)


@dataclass(frozen=True)
class SearchReport:
    """What a search found: counts of worlds, and a SearchTally for each inequality.

    `checked` worlds of the `drawn`; of the others, `excluded` had no more than k views, so that
    λ_{k+1} does not exist, and `unresolved` had an eigenvalue that double precision does not tell
    from 0: 0 < λ_{k+1} < 1e-9, too small to be divided by, or 0 < γ < 1e-8 of a mode that should be
    kept and is not. Among the checked, in `tied` worlds λ_k = λ_{k+1} and the
    optimal encoder is not unique; `proven` covers whichever was computed, `wrong` and `open` leave
    these worlds out. In `unconnected` worlds λ_{k+1} = 0 and the bound is infinite, `vacuous` ones
    have a bound of 1 or more (the unconnected included), `refined_vacuous` the same of the refined
    bound, `smallest_vacuous` of the smallest. Every share is one of the distribution that
    `random_batch` draws from, and of no other.
    """

    seed: int
    drawn: int
    checked: int
    excluded: int
    unresolved: int
    tied: int
    unconnected: int
    vacuous: int
    refined_vacuous: int
    smallest_vacuous: int
    proven: tuple[SearchTally, ...]
    wrong: tuple[SearchTally, ...]
    open: tuple[SearchTally, ...]

    def tally(self, name: str) -> SearchTally:
        """The tally of the inequality called `name`."""
        for each in (*self.proven, *self.wrong, *self.open):
            if each.name == name:
                return each
        raise ValueError(f"no inequality is called {name!r}")


def search_bounds(worlds: int = 50_000, seed: int = 0) -> SearchReport:
    """Check every inequality in at least `worlds` random worlds from `random_batch`.

    Batch j is drawn from `numpy.random.default_rng([seed, j])`; the last batch is checked whole.
    """
    count = as_count(worlds, "worlds", 1)
    parts, indices = [], []
    checked = drawn = excluded = 0
    for number, terms, valid in _batches(as_count(seed, "seed", 0)):
        excluded += int((~valid).sum())
        valid &= ~terms.faint & ((terms.spectral_gap == 0) | (terms.spectral_gap >= SMALLEST_GAP))
        parts.append([getattr(terms, field.name)[valid] for field in fields(SearchTerms)])
        indices.append(number * BATCH + np.flatnonzero(valid))
        checked, drawn = checked + int(valid.sum()), drawn + BATCH
        if checked >= count:
            break
    terms = SearchTerms(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    index = np.concatenate(indices)
    unique = ~terms.tied
    return SearchReport(
        seed=seed,
        drawn=drawn,
        checked=checked,
        excluded=excluded,
        unresolved=drawn - checked - excluded,
        tied=int(terms.tied.sum()),
        unconnected=int((terms.spectral_gap == 0).sum()),
        vacuous=int((terms.bound >= 1).sum()),
        refined_vacuous=int((terms.refined_bound >= 1).sum()),
        smallest_vacuous=int((terms.smallest_bound >= 1).sum()),
        proven=tuple(
            _tally(each, terms, index) for each in (*STEPS, *CONSEQUENCES, *REFINEMENT, *SPECTRAL)
        ),
        wrong=tuple(_tally(each, terms, index, unique) for each in WRONG_FORMS),
        open=tuple(_tally(each, terms, index, unique) for each in OPEN_FORMS),
    )


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a binomial share (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    low, high = binomtest(successes, trials).proportion_ci(confidence, "exact")
    return float(low), float(high)


def _batches(seed: int) -> Iterator[tuple[int, SearchTerms, Any]]:
    number = 0
    while True:
        yield number, *batch_terms(random_batch(np.random.default_rng([seed, number])))
        number += 1


def _tally(
    inequality: Inequality, terms: SearchTerms, index: IntArray, among: Any = slice(None)
) -> SearchTally:
    left, right = (side[among] for side in inequality.sides(terms))
    index, nodes, gap = index[among], terms.nodes[among], terms.spectral_gap[among]
    rounding = ROUNDING + np.where(gap > 0, over(GAP_ROUNDING, gap), 0)
    excess = np.abs(left - right) if inequality.exact else left - right
    violating = np.flatnonzero(excess > rounding)
    informative = np.flatnonzero((right > SMALLEST) & np.isfinite(right))
    ratio = left[informative] / right[informative]
    worst = int(ratio.argmax())
    smallest = min(violating, key=lambda row: (nodes[row], -excess[row]), default=0)
    return SearchTally(
        inequality.name,
        inequality.statement,
        inequality.reason,
        checked=len(left),
        violations=len(violating),
        informative=len(informative),
        quantiles={q: float(np.quantile(ratio, q)) for q in QUANTILES},
        worst_ratio=float(ratio[worst]),
        worst_index=int(index[informative[worst]]),
        smallest_index=int(index[smallest]) if len(violating) else None,
    )

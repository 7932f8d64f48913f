"""The proof of the generalization bound, step by step, as inequalities between computed numbers.

Notation: a source x̄ has the distribution P_t, a view x of it the distribution 𝒜(·|x̄), both have
labels y; Π projects on the top k eigenvectors of Ā, u_x is the indicator of y(x), f = Πu the scores
of the linear probe and g(x) their largest; E_t and E_d are the errors of the majority vote of g
under P_t and P_d.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


def over(numerator: Any, denominator: Any) -> Any:
    """numerator / denominator, and ∞ (never NaN) where the denominator is 0; floats or arrays."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(top, bottom, out=np.full(top.shape, np.inf), where=bottom > 0)[()]


def transferred(train_bound: Any, beta: Any, total_variation: Any) -> Any:
    """A bound b on E_t made one on E_d: the smaller of b + (1 − β) D_TV and b / β.

    Where it is at most 1, it cannot be lowered: some distributions with E_t = b have an E_d as
    large.
    """
    return np.minimum(train_bound + (1 - beta) * total_variation, over(train_bound, beta))


@dataclass(frozen=True)
class BoundTerms:
    """What the proof of the bound speaks about: floats, or arrays with one entry a world.

    All but `total_variation` and `real_error` are under the training distribution P_t.
    """

    #: α = Pr(y(x) ≠ y(x̄))
    labeling_error: Any
    #: λ_{k+1}
    spectral_gap: Any
    #: D_TV(P_d, P_g), before its factor 1 − β
    total_variation: Any
    #: E_t, by majority vote under P_t
    train_error: Any
    #: E_d, by majority vote under P_d
    real_error: Any
    #: β, the share of real draws
    beta: Any
    #: φ = Pr(y(x) ≠ y(x⁺)) of a positive pair
    pair_labeling_error: Any
    #: Σ_c u_cᵀ L u_c
    label_energy: Any
    #: R = E ‖u_x − f(x)‖²
    probe_loss: Any
    #: Pr(g(x) ≠ y(x))
    view_error: Any
    #: Pr(g(x) ≠ y(x̄))
    source_error: Any
    #: E ‖e_{y(x̄)} − f(x)‖²
    source_loss: Any
    #: E ‖e_{y(x̄)} − f̄(x̄)‖², f̄(x̄) the mean score of the views of x̄
    vote_loss: Any
    #: m = E max_c f_c(x), over the classes that label a view
    largest_score: Any

    def transferred(self, train_bound: Any) -> Any:
        """A bound on E_t made one on E_d."""
        return transferred(train_bound, self.beta, self.total_variation)

    @property
    def train_bound(self) -> Any:
        """8 α / λ_{k+1} + 2 α ≥ E_t."""
        return over(8 * self.labeling_error, self.spectral_gap) + 2 * self.labeling_error

    @property
    def pair_train_bound(self) -> Any:
        """4 φ / λ_{k+1} + 2 α ≥ E_t, at most `train_bound`. The 2 α cannot become 2 φ."""
        return over(4 * self.pair_labeling_error, self.spectral_gap) + 2 * self.labeling_error

    @property
    def refined_train_bound(self) -> Any:
        """4 α / λ_{k+1} + 4 α ≥ E_t, below `train_bound` whenever α > 0; the first 4 is sharp."""
        return over(4 * self.labeling_error, self.spectral_gap) + 4 * self.labeling_error

    @property
    def refined_pair_train_bound(self) -> Any:
        """(2 φ / λ)(1 + 2 λ) / (1 + λ) + 2 α ≥ E_t, λ = λ_{k+1}: at most `pair_train_bound`.

        Its first term is half as large at small λ, three quarters at λ = 1.
        """
        pairs = over(self.pair_labeling_error, _vote_price(self.spectral_gap))
        return pairs + 2 * self.labeling_error

    @property
    def correlation(self) -> Any:
        """ρ = √(1 − λ_{k+1}): of a source and its view, at most, in the modes left out."""
        return np.sqrt(1 - self.spectral_gap)

    @property
    def score_energy(self) -> Any:
        """s = E ‖f(x)‖² = 1 − R: the mean score of a view's own label."""
        return 1 - self.probe_loss

    @property
    def source_score(self) -> Any:
        """a = E f_{y(x̄)}(x): the mean score of the source's label on a view of it."""
        return 1 - (self.probe_loss + self.source_loss) / 2

    @property
    def spectral_view_bound(self) -> Any:
        """2 α / (1 − ρ) ≥ Pr(g(x) ≠ y(x̄)), ρ = √(1 − λ_{k+1}); sharp at every α and λ."""
        return over(2 * self.labeling_error * (1 + self.correlation), self.spectral_gap)

    @property
    def spectral_train_bound(self) -> Any:
        """4 α / (1 − ρ) ≥ E_t, below `refined_train_bound` where λ_{k+1} > ρ, that is, > 0.618."""
        return 2 * self.spectral_view_bound

    @property
    def smallest_train_bound(self) -> Any:
        """The smallest of the refined, the refined pair and the spectral form; each can be it."""
        sharper = np.minimum(self.refined_train_bound, self.refined_pair_train_bound)
        return np.minimum(sharper, self.spectral_train_bound)

    @property
    def bound(self) -> Any:
        """`train_bound` transferred to P_d; at least `real_error`, ∞ where λ_{k+1} = 0."""
        return self.transferred(self.train_bound)

    @property
    def refined_bound(self) -> Any:
        """`refined_train_bound` transferred to P_d."""
        return self.transferred(self.refined_train_bound)

    @property
    def spectral_bound(self) -> Any:
        """`spectral_train_bound` transferred to P_d."""
        return self.transferred(self.spectral_train_bound)

    @property
    def smallest_bound(self) -> Any:
        """`smallest_train_bound` transferred to P_d."""
        return self.transferred(self.smallest_train_bound)


@dataclass(frozen=True)
class Inequality:
    """left ≤ right, with one line of reason and the case of equality; `sides` maps BoundTerms.

    `exact` marks an identity, left = right.
    """

    name: str
    statement: str
    reason: str
    sides: Callable[[Any], tuple[Any, Any]]
    equality: str = ""
    exact: bool = False


#: The proof, one inequality a step. Chained they give E_t ≤ 8 α / λ_{k+1} + 2 α, then E_d.
STEPS = (
    Inequality(
        "identity",
        "Σ_c u_cᵀ L u_c = φ",
        "a quadratic form of L counts the positive pairs across which a function changes",
        lambda t: (t.label_energy, t.pair_labeling_error),
        "always",
        exact=True,
    ),
    Inequality(
        "union bound",
        "φ ≤ 2 α",
        "two views with different labels cannot both have their source's",
        lambda t: (t.pair_labeling_error, 2 * t.labeling_error),
        "only at α = 0, as φ ≤ 2 α − α²; nearly at small α",
    ),
    Inequality(
        "left-out energy",
        "R ≤ φ / λ_{k+1}",
        "what the probe cannot fit lies in eigenvectors of λ_{k+1} or more",
        lambda t: (t.probe_loss, over(t.pair_labeling_error, t.spectral_gap)),
        "the labels lie in eigenvectors of 0 and of λ_{k+1} only",
    ),
    Inequality(
        "wrong argmax",
        "Pr(g(x) ≠ y(x)) ≤ 2 R",
        "a score that does not win alone costs at least 1/2 of squared loss (Markov)",
        lambda t: (t.view_error, 2 * t.probe_loss),
        "each view is fitted exactly, or ties at scores 1/2 and 1/2",
    ),
    Inequality(
        "label swap",
        "Pr(g(x) ≠ y(x̄)) ≤ Pr(g(x) ≠ y(x)) + α",
        "g(x) = y(x) = y(x̄) unless one of the two fails",
        lambda t: (t.source_error, t.view_error + t.labeling_error),
        "no view is mispredicted and mislabelled at once",
    ),
    Inequality(
        "majority vote",
        "E_t ≤ 2 Pr(g(x) ≠ y(x̄))",
        "a vote that does not elect y(x̄) has at least half of the views against it",
        lambda t: (t.train_error, 2 * t.source_error),
        "exactly half of each wrong point's views are wrong, none of a right one's",
    ),
    Inequality(
        "change of measure",
        "E_d ≤ E_t + (1 − β) D_TV",
        "no event's probability moves further than D_TV(P_t, P_d) = (1 − β) D_TV(P_g, P_d)",
        lambda t: (t.real_error, t.train_error + (1 - t.beta) * t.total_variation),
        "P_d − P_g is largest on the points voted wrong",
    ),
    Inequality(
        "density ratio",
        "E_d ≤ E_t / β",
        "P_d ≤ P_t / β, point by point",
        lambda t: (t.real_error, over(t.train_error, t.beta)),
        "no generated mass on the points voted wrong",
    ),
)

#: What the steps add up to, in the order in which the proof reaches it.
CONSEQUENCES = (
    Inequality(
        "Markov step",
        "Pr(g(x) ≠ y(x)) ≤ 2 φ / λ_{k+1}",
        "left-out energy and wrong argmax",
        lambda t: (t.view_error, over(2 * t.pair_labeling_error, t.spectral_gap)),
        "both are equalities",
    ),
    Inequality(
        "error on views",
        "Pr(g(x) ≠ y(x̄)) ≤ 4 α / λ_{k+1} + α",
        "with the union bound and the label swap",
        lambda t: (t.source_error, over(4 * t.labeling_error, t.spectral_gap) + t.labeling_error),
        "only at α = 0",
    ),
    Inequality(
        "pair form",
        "E_t ≤ 4 φ / λ_{k+1} + 2 α",
        "the same without the union bound",
        lambda t: (t.train_error, t.pair_train_bound),
        "not known",
    ),
    Inequality(
        "source form",
        "E_t ≤ 8 α / λ_{k+1} + 2 α",
        "with the majority vote",
        lambda t: (t.train_error, t.train_bound),
        "only at α = 0",
    ),
    Inequality(
        "transfer bound",
        "E_d ≤ min(E + (1 − β) D_TV, E / β), E = 8 α / λ_{k+1} + 2 α",
        "with the change of measure, or the density ratio",
        lambda t: (t.real_error, t.bound),
        "not known",
    ),
)

#: A sharper route: the probe is compared with the source's label at once.
REFINEMENT = (
    Inequality(
        "independent views",
        "φ ≤ 2 α − α²",
        "views of one source are independent, and the mean of squares is at least α²",
        lambda t: (t.pair_labeling_error, 2 * t.labeling_error - np.square(t.labeling_error)),
        "only at α = 0",
    ),
    Inequality(
        "source loss",
        "E ‖e_{y(x̄)} − f(x)‖² ≤ 2 α / λ_{k+1}",
        "mode by mode: 2 α where f keeps a mode, at least λ_{k+1} times the loss where it does not",
        lambda t: (t.source_loss, over(2 * t.labeling_error, t.spectral_gap)),
        "labels of views are the means of their sources' in the modes left out, all of λ_{k+1}; no "
        "labeling error in the modes kept (or λ_{k+1} = 1)",
    ),
    Inequality(
        "sharper error on views",
        "Pr(g(x) ≠ y(x̄)) ≤ 4 α / λ_{k+1}",
        "a wrong argmax costs at least 1/2, whichever label it is compared with",
        lambda t: (t.source_error, over(4 * t.labeling_error, t.spectral_gap)),
        "as for the source loss and the wrong argmax",
    ),
    Inequality(
        "mean and spread",
        "λ_{k+1} E ‖e_{y(x̄)} − f̄(x̄)‖² + E Var(f | x̄) ≤ 2 α",
        "mode by mode again, f̄(x̄) the mean score of the source's views",
        lambda t: (
            t.spectral_gap * t.vote_loss + t.source_loss - t.vote_loss,
            2 * t.labeling_error,
        ),
        "labels of sources are the means of their views' in the modes kept (or λ_{k+1} = 1), the "
        "reverse in the others, all of λ_{k+1}",
    ),
    Inequality(
        "cost of a wrong vote",
        "E_t λ_{k+1} / (2 + 2 λ_{k+1}) ≤ the left side above",
        "the views of a point voted wrong are far from its label in the mean, or far apart",
        lambda t: (
            t.train_error * t.spectral_gap / (2 + 2 * t.spectral_gap),
            t.spectral_gap * t.vote_loss + t.source_loss - t.vote_loss,
        ),
        "half of them tie, the others sit at the best place in between",
    ),
    Inequality(
        "refined source form",
        "E_t ≤ 4 α / λ_{k+1} + 4 α",
        "the two together",
        lambda t: (t.train_error, t.refined_train_bound),
        "not known; reached in the limit α → 0",
    ),
    Inequality(
        "refined transfer bound",
        "E_d ≤ min(E + (1 − β) D_TV, E / β), E = 4 α / λ_{k+1} + 4 α",
        "with the change of measure, or the density ratio",
        lambda t: (t.real_error, t.refined_bound),
        "not known; reached in the limit α → 0",
    ),
    Inequality(
        "misfit and spread",
        "λ_{k+1} R + E Var(f | x̄) ≤ φ",
        "mode by mode: λ_j for each, at least λ_{k+1} where f does not keep it",
        lambda t: (
            t.spectral_gap * t.probe_loss + t.source_loss - t.vote_loss,
            t.pair_labeling_error,
        ),
        "the modes left out are all of λ_{k+1}",
    ),
    Inequality(
        "cost of a wrong vote on right labels",
        "E_t κ ≤ the left side above + 2 α κ, κ = λ_{k+1} (1 + λ_{k+1}) / (2 + 4 λ_{k+1})",
        "of a wrong point's views at least 1/2 less the mislabelled are right and lose; they are "
        "far from their labels, or from the other right ones",
        lambda t: (
            t.train_error * _vote_price(t.spectral_gap),
            t.spectral_gap * t.probe_loss
            + (t.source_loss - t.vote_loss)
            + 2 * t.labeling_error * _vote_price(t.spectral_gap),
        ),
        "no view is mislabelled, half of them tie, the others sit at the best place in between",
    ),
    Inequality(
        "refined pair form",
        "E_t ≤ (2 φ / λ_{k+1}) (1 + 2 λ_{k+1}) / (1 + λ_{k+1}) + 2 α",
        "the two together",
        lambda t: (t.train_error, t.refined_pair_train_bound),
        "not known; reached in the limit α → 0",
    ),
)

#: A third route, by the singular values of the graph: shorter, and sharp on views.
#: ρ = √(1 − λ_{k+1}), s = E ‖f(x)‖² and a = E f_{y(x̄)}(x).
SPECTRAL = (
    Inequality(
        "agreement left out",
        "1 − α ≤ a + ρ √((1 − s)(1 − a² / s))",
        "a mode left out has a singular value of at most ρ; Cauchy and Schwarz, there and in the "
        "modes kept",
        lambda t: (
            1 - t.labeling_error,
            t.source_score + t.correlation * np.sqrt(_left_out(t)),
        ),
        "labels of sources and of views are proportional in the modes left out, all of λ_{k+1}, "
        "and in those kept, all of 0",
    ),
    Inequality(
        "one square",
        "√((1 − s)(1 − a² / s)) ≤ 1 − a",
        "(1 − a)² is larger by (s − a)² / s",
        lambda t: (np.sqrt(_left_out(t)), 1 - t.source_score),
        "sources' labels score what views' labels do, a = s",
    ),
    Inequality(
        "score of the source",
        "1 − a ≤ α / (1 − ρ)",
        "the two together, solved for a",
        lambda t: (1 - t.source_score, t.spectral_view_bound / 2),
        "both are equalities",
    ),
    Inequality(
        "largest score",
        "s ≤ m",
        "f is a projection: s is also the mean score of a view's own label, one of the classes",
        lambda t: (t.score_energy, t.largest_score),
        "no class scores more than the view's own",
    ),
    Inequality(
        "cost of a wrong argmax",
        "Pr(g(x) ≠ y(x̄)) / 2 ≤ 1 + s − m − a",
        "2 t ≤ 1 + t² for the score of a right class, t ≤ 1/4 + t² for two scores of a wrong one",
        lambda t: (t.source_error / 2, 1 + t.score_energy - t.largest_score - t.source_score),
        "scores are 1 and 0 where right, ties at 1/2 and 1/2 where wrong",
    ),
    Inequality(
        "spectral error on views",
        "Pr(g(x) ≠ y(x̄)) ≤ 2 α / (1 − ρ)",
        "the last three together",
        lambda t: (t.source_error, t.spectral_view_bound),
        "reached at every λ_{k+1}, by two images that are taken for each other",
    ),
    Inequality(
        "spectral source form",
        "E_t ≤ 4 α / (1 − ρ)",
        "with the majority vote",
        lambda t: (t.train_error, t.spectral_train_bound),
        "in the limit at λ_{k+1} = 1; half of it is reached at every λ_{k+1}",
    ),
    Inequality(
        "spectral transfer bound",
        "E_d ≤ min(E + (1 − β) D_TV, E / β), E = 4 α / (1 − ρ)",
        "with the change of measure, or the density ratio",
        lambda t: (t.real_error, t.spectral_bound),
        "not known",
    ),
    Inequality(
        "smallest transfer bound",
        "E_d ≤ min(E + (1 − β) D_TV, E / β), E the smallest of the three routes'",
        "each of them holds",
        lambda t: (t.real_error, t.smallest_bound),
        "not known; reached in the limit α → 0",
    ),
)


def _vote_price(gap: Any) -> Any:
    """κ = λ (1 + λ) / (2 + 4 λ), what a wrong vote costs at least if no view is mislabelled."""
    return gap * (1 + gap) / (2 + 4 * gap)


def _left_out(terms: BoundTerms) -> Any:
    """(1 − s)(1 − a² / s), which is 1 at s = 0 (a² ≤ s); not below 0 by rounding."""
    energy, score = terms.score_energy, terms.source_score
    parallel = np.minimum(np.where(energy > 0, over(score**2, energy), 0), 1)
    return np.maximum(terms.probe_loss, 0) * (1 - parallel)

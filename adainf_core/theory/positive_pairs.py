"""Positives as edges: the two views of a pair may come from variations of an image, not only it.

Inflation adds natural images, nodes beneath the graph of views. A *positive generator* makes
variations of an image that it is shown, 𝒱(x'|x̄), and views of the two are a positive pair: that
adds edges, and draws no image more or less often.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.bound_proof import Inequality, over, transferred
from adainf_core.theory.bounds import BoundReport, ProofStep, probe_scores
from adainf_core.theory.similarity_graph import NO_CLASS, SimilarityGraph, clear_winner
from adainf_core.theory.spectrum import scaled
from adainf_core.theory.worlds import FiniteWorld
from adainf_core.validation import (
    Matrix,
    as_choice,
    as_kernel,
    as_labels,
    as_share,
    freeze,
    is_sparse,
)

#: Which views of a pair may show a variation: the second, or each on its own.
Sides = Literal["one", "both"]


class PairGraph(SimilarityGraph):
    """Graph of views whose pairs are a view by one kernel and one by another, of the same image.

    first, second: kernels (n, m) from natural points to views; weights (n,): the distribution of
    points. Edge w_xx' = E_x̄ [first(x|x̄) second(x'|x̄) + second(x|x̄) first(x'|x̄)] / 2, as a
    contrastive loss does not mind which view comes first. Views without mass are dropped (`views`).

    Not positive semidefinite in general: λ reaches 2 where the partners of some views are always
    among the others. With second = first it is the `AugmentationGraph`.
    """

    def __init__(
        self, first: ArrayLike | Matrix, second: ArrayLike | Matrix, weights: ArrayLike
    ) -> None:
        one, other = (AugmentationGraph(kernel, weights) for kernel in (first, second))
        if one.kernel.shape != other.kernel.shape:
            raise ValueError(
                f"first has shape {one.kernel.shape} and second {other.kernel.shape}: give both "
                "from the same points to the same views"
            )
        seen = np.union1d(one.views, other.views)
        joint = one.kernel[:, seen].T @ scaled(
            other.kernel[:, seen], one.weights, np.ones(len(seen))
        )
        super().__init__((joint + joint.T) / 2)
        self.n_columns = one.n_columns
        self.views = freeze(seen)

    def pair_labeling_error(self, view_labels: ArrayLike) -> float:
        """φ = P(the views of a positive pair carry different labels); view_labels (m,)."""
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        classes, codes = np.unique(labels[self.views], return_inverse=True)
        shares = self._adjacency @ np.eye(len(classes))[codes]
        shares[np.arange(len(codes)), codes] = 0  # makes φ = 0 exact
        return float(shares.sum())


@dataclass(frozen=True, eq=False)
class PositiveWorld:
    """A finite world, and a positive generator 𝒱(x'|x̄) from its points to points of it.

    positives (n, n), rows sum to one, dense or sparse: row i is the distribution of the variations
    of point i. Variations that neither distribution draws are points without mass.
    """

    world: FiniteWorld
    positives: Matrix

    def __post_init__(self) -> None:
        n = len(self.world.natural_labels)
        if np.shape(self.positives) != (n, n):
            raise ValueError(
                f"positives has shape {np.shape(self.positives)}, expected ({n}, {n}): from every "
                "point of the world to every one"
            )
        try:
            checked = as_kernel(self.positives)
        except ValueError as error:
            raise ValueError(f"positives: {error}") from error
        object.__setattr__(self, "positives", freeze(checked))

    def kernel(self, share: float) -> Matrix:
        """𝒜_p = (1 − p) 𝒜 + p 𝒱 𝒜, (n, m): a view of the image, or with p = `share` of a variation.

        A kernel like any other: what is true of augmentation is true of it.
        """
        p = as_share(share, "share")
        own, varied = self.world.kernel, self.positives
        if is_sparse(own) or is_sparse(varied):
            from scipy.sparse import csr_array

            own, varied = csr_array(own), csr_array(varied)
        return (1 - p) * own + p * (varied @ own)

    def graph(
        self, beta: float, share: float, sides: Sides = "both"
    ) -> AugmentationGraph | PairGraph:
        """The graph under P_t = β P_d + (1 − β) P_g with variations shown at probability `share`.

        "both": each view of a pair is drawn from 𝒜_p, so the pairs are 𝒜_pᵀ diag(P_t) 𝒜_p, which
        is positive semidefinite. "one": the first view is the image's own.
        """
        train = self.world.p_train(beta)
        if as_choice(sides, "sides", ("one", "both")) == "both":
            return AugmentationGraph(self.kernel(share), train)
        return PairGraph(self.world.kernel, self.kernel(share), train)

    def as_images(self) -> FiniteWorld:
        """The same generator as inflation: P_g its variations of real images, the pairs forgotten.

        The nodes that the edges of this world compare with.
        """
        varied = np.asarray(self.positives.T @ self.world.p_real).ravel()
        return replace(self.world, p_generated=varied / varied.sum())

    def composed_bound(self, beta: float, share: float, k: int) -> BoundReport:
        """`transfer_bound` with the kernel 𝒜_p, every form and step, for the graph of "both".

        Its errors are those of a vote over views of an image *and of its variations*.
        """
        return replace(self.world, kernel=self.kernel(share)).transfer_bound(beta, k)

    def report(self, beta: float, share: float, k: int, sides: Sides = "both") -> PairReport:
        """Errors of a vote over an image's own views, and the bound on them with every step.

        The encoder is the optimal one of `graph(beta, share, sides)` in k dimensions. Ties and
        views that training never shows count as wrong. Gives a DegenerateSpectrumWarning where λ_k
        = λ_{k+1}: the bound still holds.
        """
        world, graph = self.world, self.graph(beta, share, sides)
        own = world.graph(beta)
        composed = AugmentationGraph(self.kernel(share), own.weights)
        labels, sources = world.view_labels, world.natural_labels
        classes, codes = np.unique(labels[graph.views], return_inverse=True)
        indicator = np.eye(len(classes))[codes]
        scores = probe_scores(graph, indicator, k)
        predicted = np.full(graph.n_columns, NO_CLASS, dtype=np.int64)
        predicted[graph.views] = clear_winner(scores, classes)
        shown = np.zeros(graph.n_columns)
        shown[graph.views] = graph.degrees
        lost = own.majority_vote(predicted) != sources
        return PairReport(
            share=float(share),
            sides=sides,
            labeling_error=own.labeling_error(sources, labels),
            varied_labeling_error=composed.labeling_error(sources, labels),
            pair_labeling_error=graph.pair_labeling_error(labels),
            spectral_gap=graph.spectral_gap(k),
            visibility=float((shown[own.views] / own.degrees).min()),
            probe_loss=float(graph.degrees @ ((indicator - scores) ** 2).sum(axis=1)),
            shown_error=float(shown @ (predicted != labels)),
            view_error=float(own.degrees @ (predicted != labels)[own.views]),
            source_error=own.labeling_error(sources + 1, predicted + 1),
            train_error=float(own.weights @ lost),
            real_error=float(world.p_real @ lost),
            beta=float(beta),
            total_variation=world.total_variation,
        )


@dataclass(frozen=True)
class PairReport:
    """The bound for any positive pairs, in one finite world: its terms (floats), and each step.

    Errors are those of votes over an image's own views; points are drawn from P_t but for
    `real_error`.
    """

    #: p, the probability that a view which may show a variation does
    share: float
    sides: Sides
    #: α = Pr(y(x) ≠ y(x̄)) for the image's own views
    labeling_error: float
    #: α_p, the same for views by 𝒜_p: the label of a variation's view against the *image's*
    varied_labeling_error: float
    #: φ = Pr(y(x) ≠ y(x⁺)) of a positive pair
    pair_labeling_error: float
    #: λ_{k+1} of the graph of pairs; above 1 only where one side is varied
    spectral_gap: float
    #: δ, the largest with w ≥ δ w°: w the views in pairs, w° the images' own
    visibility: float
    #: R = E_w ‖u_x − f(x)‖²
    probe_loss: float
    #: Pr_w(g(x) ≠ y(x)), over the views that training shows
    shown_error: float
    #: Pr_w°(g(x) ≠ y(x)), over the images' own views
    view_error: float
    #: Pr(g(x) ≠ y(x̄)) for the image's own views
    source_error: float
    train_error: float
    real_error: float
    beta: float
    total_variation: float

    @property
    def gap(self) -> float:
        """min(1, λ_{k+1}): a mode with γ ≤ 0 is never kept, and has λ ≥ 1."""
        return min(1.0, self.spectral_gap)

    @property
    def first_labeling_error(self) -> float:
        """Labeling error of the pair's first view: α_p where both sides vary, else α."""
        return self.varied_labeling_error if self.sides == "both" else self.labeling_error

    @property
    def pair_train_bound(self) -> float:
        """4 φ / (δ min(1, λ)) + 2 α ≥ E_t, for all positive pairs there are."""
        pairs = over(4 * self.pair_labeling_error, self.visibility * self.gap)
        return float(pairs + 2 * self.labeling_error)

    @property
    def labeling_train_bound(self) -> float:
        """The same with φ ≤ α_1 + α_p put in, the labeling errors of the pair's two views."""
        both = self.first_labeling_error + self.varied_labeling_error
        return float(over(4 * both, self.visibility * self.gap) + 2 * self.labeling_error)

    @property
    def spectral_train_bound(self) -> float:
        """4 α_p / ((1 − p)(1 − ρ)) ≥ E_t, ρ = √(1 − λ), where both sides vary; else ∞.

        It takes the joint distribution to be 𝒜_pᵀ diag(P_t) 𝒜_p.
        """
        if self.sides == "one":
            return float("inf")
        top = 4 * self.varied_labeling_error * (1 + np.sqrt(1 - self.gap))
        return float(over(top, self.gap * (1 - self.share)))

    @property
    def bound(self) -> float:
        """The smallest of these, carried over to P_d; at least `real_error`."""
        smallest = min(self.pair_train_bound, self.spectral_train_bound)
        return float(transferred(smallest, self.beta, self.total_variation))

    @property
    def steps(self) -> tuple[ProofStep, ...]:
        """The proof, one inequality a step: `PAIR_STEPS` in this world."""
        return tuple(ProofStep.of(each, self) for each in PAIR_STEPS)


def _transferred(terms: Any) -> Any:
    return transferred(terms.pair_train_bound, terms.beta, terms.total_variation)


#: The proof for any symmetric distribution of positive pairs. Only the form by labeling errors
#: looks at where the pairs come from; none needs them to be positive semidefinite.
PAIR_STEPS = (
    Inequality(
        "two labeling errors",
        "φ ≤ α_1 + α_p",
        "two views with different labels cannot both have the image's",
        lambda t: (t.pair_labeling_error, t.first_labeling_error + t.varied_labeling_error),
        "in no pair are both views mislabelled, nor is one where they agree",
    ),
    Inequality(
        "left-out energy of pairs",
        "R ≤ φ / min(1, λ_{k+1})",
        "what the probe cannot fit lies in eigenvectors of λ_{k+1} or more, or of γ ≤ 0",
        lambda t: (t.probe_loss, over(t.pair_labeling_error, t.gap)),
        "the labels lie in eigenvectors of 0 and of min(1, λ_{k+1}) only",
    ),
    Inequality(
        "wrong argmax in pairs",
        "Pr_w(g(x) ≠ y(x)) ≤ 2 R",
        "a score that does not win alone costs at least 1/2 of squared loss (Markov)",
        lambda t: (t.shown_error, 2 * t.probe_loss),
        "each view is fitted exactly, or ties at scores 1/2 and 1/2",
    ),
    Inequality(
        "own views",
        "Pr_w°(g(x) ≠ y(x)) ≤ Pr_w(g(x) ≠ y(x)) / δ",
        "an image's own views are among those of the pairs, with at least δ times their mass",
        lambda t: (t.view_error, over(t.shown_error, t.visibility)),
        "all wrong views are shown δ times as often as they are had",
    ),
    Inequality(
        "label swap of own views",
        "Pr(g(x) ≠ y(x̄)) ≤ Pr_w°(g(x) ≠ y(x)) + α",
        "g(x) = y(x) = y(x̄) unless one of the two fails",
        lambda t: (t.source_error, t.view_error + t.labeling_error),
        "no view is mispredicted and mislabelled at once",
    ),
    Inequality(
        "vote of own views",
        "E_t ≤ 2 Pr(g(x) ≠ y(x̄))",
        "a vote that does not elect y(x̄) has at least half of the views against it",
        lambda t: (t.train_error, 2 * t.source_error),
        "exactly half of each wrong point's views are wrong, none of a right one's",
    ),
    Inequality(
        "bound for positive pairs",
        "E_d ≤ min(E + (1 − β) D_TV, E / β), E = 4 φ / (δ min(1, λ_{k+1})) + 2 α",
        "all of them, and the change of measure or the density ratio",
        lambda t: (t.real_error, _transferred(t)),
        "not known",
    ),
)

"""Augmentation graph of a finite world: spectrum, labeling error, optimal encoder, its probe."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.similarity_graph import NO_CLASS, SimilarityGraph, clear_winner
from adainf_core.theory.spectrum import Factored, scaled
from adainf_core.validation import (
    FloatArray,
    IntArray,
    Matrix,
    as_distribution,
    as_kernel,
    as_labels,
    as_share,
    freeze,
    is_sparse,
)


class AugmentationGraph(SimilarityGraph):
    """Graph of views; the edge w_xx' = E_x̄ 𝒜(x|x̄) 𝒜(x'|x̄) is a positive pair's probability.

    kernel: 𝒜, (n, m), dense or scipy.sparse; row i is the distribution of views of natural point i.
    weights: (n,), the distribution of natural points, usually P_t = `mixture(p_real, p_generated,
    beta)`; zeros are allowed.

    Views that never occur (columns without mass under `weights`) have no degree and are dropped:
    `views` (v,) holds the kept column numbers, and every matrix here is v × v in that order, sparse
    (csr_array) where the kernel is. Labels of views are always given for all m columns. The object
    is immutable; ValueError on any bad input. Definitions: HaoChen et al. (NeurIPS 2021), AdaInf
    section 4.
    """

    def __init__(self, kernel: ArrayLike | Matrix, weights: ArrayLike) -> None:
        self.kernel: Matrix = freeze(as_kernel(kernel))
        self.n_natural, self.n_columns = (int(side) for side in self.kernel.shape)
        self.weights: FloatArray = freeze(as_distribution(weights, "weights", size=self.n_natural))
        mass = np.asarray(self.kernel.T @ self.weights).ravel()
        self.views: IntArray = freeze(np.flatnonzero(mass > 0))
        # Rows of the kernel sum to one, so a view's degree Σ_x' w_xx' is its probability.
        self.degrees: FloatArray = freeze(mass[self.views])

    def __repr__(self) -> str:
        kind = "sparse" if is_sparse(self.kernel) else "dense"
        return (
            f"AugmentationGraph({self.n_natural} natural points, {len(self.views)} views, {kind})"
        )

    @cached_property
    def _support(self) -> IntArray:
        return np.flatnonzero(self.weights > 0)

    @cached_property
    def _factor(self) -> Matrix:
        """B = diag(P)^½ 𝒜 diag(w)^-½ over natural points with mass and kept views: Ā = BᵀB."""
        rows = self.kernel[self._support][:, self.views]
        left, right = np.sqrt(self.weights[self._support]), 1 / np.sqrt(self.degrees)
        return scaled(rows, left, right)

    @property
    def adjacency(self) -> Matrix:
        """A = 𝒜ᵀ diag(P) 𝒜, (v, v): probability of each positive pair; entries sum to one."""
        root = np.sqrt(self.degrees)
        return scaled(self.normalized_adjacency, root, root)

    @cached_property
    def normalized_adjacency(self) -> Matrix:
        """Ā = D^-½ A D^-½ = BᵀB, (v, v); eigenvalues in [0, 1], the largest one 1."""
        product = self._factor.T @ self._factor
        return freeze(product.tocsr() if is_sparse(product) else np.asarray(product))

    @cached_property
    def _source(self) -> Factored:
        return Factored(self._factor, np.sqrt(self.weights[self._support]), np.sqrt(self.degrees))

    _highest_eigenvalue = 1.0

    def labeling_error(self, natural_labels: ArrayLike, view_labels: ArrayLike) -> float:
        """α = P(label of a view ≠ label of its source), sources drawn from `weights`.

        natural_labels (n,), view_labels (m,): nonnegative integers.
        """
        sources = as_labels(natural_labels, self.n_natural, "natural_labels")
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        classes, codes = np.unique(np.concatenate([sources, labels]), return_inverse=True)
        shares = self.kernel @ np.eye(len(classes))[codes[self.n_natural :]]
        # Summing the wrong classes, not 1 − the right one, makes α = 0 exact.
        shares[np.arange(self.n_natural), codes[: self.n_natural]] = 0
        return float(self.weights @ shares.sum(axis=1))

    def pair_labeling_error(self, view_labels: ArrayLike) -> float:
        """φ = P(the views of a positive pair carry different labels) ≤ 2 α; view_labels (m,)."""
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        classes, codes = np.unique(labels, return_inverse=True)
        shares = self.kernel @ np.eye(len(classes))[codes]
        others = shares.sum(axis=1, keepdims=True) - shares
        return float(self.weights @ (shares * others).sum(axis=1))

    def distribution(self, weights: ArrayLike | None) -> FloatArray:
        """`weights` (n,) checked as a distribution of natural points; the graph's own for None."""
        if weights is None:
            return self.weights
        return as_distribution(weights, "weights", size=self.n_natural)

    def majority_vote(self, view_predictions: ArrayLike) -> IntArray:
        """Most probable class among each natural point's views, (n,); −1 on a tie or no votes."""
        votes = as_labels(view_predictions, self.n_columns, "view_predictions", lowest=NO_CLASS)
        classes = np.unique(votes[votes != NO_CLASS])
        if len(classes) == 0:
            return np.full(self.n_natural, NO_CLASS, dtype=np.int64)
        indicator = (votes[:, None] == classes).astype(float)
        return clear_winner(self.kernel @ indicator, classes)

    def probe_error(
        self,
        view_labels: ArrayLike,
        natural_labels: ArrayLike,
        k: int,
        weights: ArrayLike | None = None,
        *,
        tied: float = 1.0,
    ) -> float:
        """Linear-probe error of the optimal encoder on natural points, by majority vote over views.

        weights (n,): distribution to average under (P_d for the real error), by default the graph's
        own. A point whose vote is tied or that has no seen view counts as wrong, which every step
        of the bound allows; E ≤ 8 α / λ_{k+1} + 2 α under the own distribution whatever the labels,
        k and the choice within tied eigenspaces. With tied = 0.5 such a point is decided by a coin.
        """
        labels = as_labels(natural_labels, self.n_natural, "natural_labels")
        votes = self.majority_vote(self.probe_predictions(view_labels, k))
        wrong = np.where(votes == NO_CLASS, as_share(tied, "tied"), votes != labels)
        return float(self.distribution(weights) @ wrong)

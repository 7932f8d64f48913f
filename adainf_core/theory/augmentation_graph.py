"""Augmentation graph of a finite world: spectrum, labeling error, optimal encoder, its probe."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.spectral_encoder import (
    NO_CLASS,
    clear_winner,
    contrastive_loss,
    encoder,
    probe,
)
from adainf_core.theory.spectrum import (
    TIE_TOLERANCE,
    DegenerateSpectrumWarning,
    connected_components,
    lapack_is_cheap,
    leading_eigenvalues,
    leading_eigenvectors,
    scaled,
)
from adainf_core.theory.validation import (
    FloatArray,
    IntArray,
    Matrix,
    as_count,
    as_kernel,
    as_labels,
    as_law,
    as_real,
    freeze,
    is_sparse,
)

if TYPE_CHECKING:
    import networkx


class AugmentationGraph:
    """Graph of views; the edge w_xx' = E_x̄ 𝒜(x|x̄) 𝒜(x'|x̄) is a positive pair's probability.

    kernel: 𝒜, (n, m), dense or scipy.sparse; row i is the law of views of natural point i.
    weights: (n,), the law of natural points, usually P_t = `mixture(p_real, p_generated, beta)`;
    zeros are allowed.

    Views that never occur (columns without mass under `weights`) have no degree and are dropped:
    `views` (v,) holds the kept column numbers, and every matrix here is v × v in that order, sparse
    (csr_array) where the kernel is. Labels of views are always given for all m columns. The object
    is immutable; ValueError on any bad input. Definitions: HaoChen et al. (NeurIPS 2021), AdaInf
    section 4.
    """

    def __init__(self, kernel: ArrayLike | Matrix, weights: ArrayLike) -> None:
        self.kernel: Matrix = freeze(as_kernel(kernel))
        self.n_natural, self.n_columns = (int(side) for side in self.kernel.shape)
        self.weights: FloatArray = freeze(as_law(weights, "weights", size=self.n_natural))
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
        """Ā = D^-½ A D^-½, (v, v); eigenvalues in [0, 1], the largest one 1."""
        product = self._factor.T @ self._factor
        return freeze(product.tocsr() if is_sparse(product) else np.asarray(product))

    @property
    def laplacian(self) -> Matrix:
        """L = I − Ā, (v, v), the normalised Laplacian; eigenvalues 0 = λ_1 ≤ … ≤ λ_v ≤ 1."""
        if is_sparse(self.normalized_adjacency):
            from scipy.sparse import eye_array

            return (eye_array(len(self.views)) - self.normalized_adjacency).tocsr()
        return np.eye(len(self.views)) - self.normalized_adjacency

    @cached_property
    def _components(self) -> IntArray:
        """Connected component of each natural point with mass, then of each kept view."""
        return connected_components(self._factor)

    def component_count(self) -> int:
        """Number of connected components: the multiplicity of λ = 0; above k, λ_{k+1} = 0."""
        return int(self._components.max()) + 1

    @property
    def view_components(self) -> IntArray:
        """(v,) the connected component, 0 … component_count() − 1, of each kept view."""
        return self._components[self._factor.shape[0] :]

    def _smaller_side(self) -> tuple[FloatArray, IntArray]:
        """Root mass and component of each node on the side that is decomposed."""
        n, m = self._factor.shape
        if n < m:
            return np.sqrt(self.weights[self._support]), self._components[:n]
        return np.sqrt(self.degrees), self.view_components

    @cached_property
    def _known_eigenvalues(self) -> dict[int, FloatArray]:
        return {}

    def eigenvalues(self, count: int | None = None) -> FloatArray:
        """The `count` smallest Laplacian eigenvalues, ascending, multiplicities kept (default all).

        λ = 1 − σ(B)² is taken from the smaller of the natural-point and view sides: LAPACK up to
        side 2,000, beyond it Lanczos with the λ = 0 eigenvectors removed (error about 1e-9). One
        exact zero per component; exact ones from λ_{n+1} on, as rank(Ā) ≤ n. count in 1 … v, else
        ValueError; SpectrumError when the iteration does not converge.
        """
        highest = len(self.views)
        count = (
            highest
            if count is None
            else as_count(count, "count", 1, highest, ", the number of views")
        )
        known = self._known_eigenvalues
        if not any(done >= count for done in known):
            rank = min(self._factor.shape)
            # A dense solve costs the same for any part of the spectrum: keep all of it.
            solved = highest if lapack_is_cheap(rank) else count
            values = np.ones(solved)
            need = min(solved, rank)
            values[:need] = 1 - leading_eigenvalues(self._factor, *self._smaller_side(), need)
            values = np.clip(values, 0.0, 1.0)
            values[: self.component_count()] = 0.0
            known[solved] = freeze(values)
        return known[min(done for done in known if done >= count)][:count].copy()

    def spectral_gap(self, k: int) -> float:
        """λ_{k+1}, the connectivity that a k-dimensional encoder sees, for 1 ≤ k < v.

        0 when the graph has more than k components; 1 when k ≥ rank(Ā), in particular k ≥ n: the
        encoder then has a dimension for every natural point (memorisation), and the bound looks
        best with the least data.
        """
        return float(self.eigenvalues(self._dimension(k) + 1)[-1])

    def is_degenerate(self, k: int) -> bool:
        """True if λ_k and λ_{k+1} tie below 1 (within 1e-8): the optimal encoder is not unique."""
        last, following = self.eigenvalues(self._dimension(k) + 1)[-2:]
        return bool(following - last < TIE_TOLERANCE and last < 1 - TIE_TOLERANCE)

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

    def embedding(self, k: int) -> FloatArray:
        """The optimal k-dimensional encoder on the kept views, (v, k): f(x)_i = √γ_i v_i(x) / √w_x.

        (γ_i, v_i) are the top eigenpairs of Ā, γ_i = 1 − λ_i. A minimiser over all functions of the
        population spectral contrastive loss (HaoChen et al. 2021), unique up to rotation unless λ_k
        = λ_{k+1}, where a DegenerateSpectrumWarning is given. Columns beyond rank(Ā) are zero. k in
        1 … v − 1.
        """
        return encoder(*self._eigenspace(k), self.degrees, int(k))

    def spectral_contrastive_loss(self, features: ArrayLike) -> float:
        """Population loss −2 E f(x)ᵀf(x⁺) + E (f(x)ᵀf(x'))² of features f, (v, k).

        Equal to ‖Ā − FFᵀ‖² − ‖Ā‖² with F_x = √w_x f(x) (HaoChen et al. 2021).
        """
        f = as_real(features, "features")
        if f.ndim != 2 or len(f) != len(self.views):
            raise ValueError(
                f"features has shape {f.shape}, expected ({len(self.views)}, k): one row a view"
            )
        return contrastive_loss(self._factor, self.degrees, f)

    def probe_predictions(self, view_labels: ArrayLike, k: int) -> IntArray:
        """Class of each view by the best linear head on the encoder, (m,); −1 if unseen or tied.

        The head minimises squared error to the label indicators under the view law, that is, it
        projects them on the top-k eigenspace; the class is the largest score. view_labels (m,):
        labels that the head is trained on.
        """
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        _, vectors = self._eigenspace(k)
        predictions = np.full(self.n_columns, NO_CLASS, dtype=np.int64)
        predictions[self.views] = probe(vectors, self.degrees, labels[self.views])
        return predictions

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
    ) -> float:
        """Linear-probe error of the optimal encoder on natural points, by majority vote over views.

        weights (n,): law to average under (P_d for the real error), by default the graph's own. A
        point whose vote is tied or that has no seen view counts as wrong, which every step of the
        bound allows; E ≤ 8 α / λ_{k+1} + 2 α under the own law whatever the labels, k and the
        choice within tied eigenspaces.
        """
        labels = as_labels(natural_labels, self.n_natural, "natural_labels")
        law = self.weights if weights is None else as_law(weights, "weights", size=self.n_natural)
        return float(
            law[self.majority_vote(self.probe_predictions(view_labels, k)) != labels].sum()
        )

    def to_networkx(self, *, self_loops: bool = False) -> networkx.Graph[Any]:
        """Undirected networkx graph of the views, for drawing.

        Nodes are view numbers (columns of the kernel) with their degree as `mass`; an edge's
        `weight` is w_xx'. Self loops, which every view has, are left out unless asked for.
        """
        import networkx
        from scipy.sparse import coo_array, triu

        graph: networkx.Graph[Any] = networkx.Graph()
        graph.add_nodes_from(
            (int(view), {"mass": float(mass)})
            for view, mass in zip(self.views, self.degrees, strict=True)
        )
        upper = triu(coo_array(self.adjacency), k=0 if self_loops else 1).tocoo()
        rows, columns = upper.coords
        graph.add_weighted_edges_from(
            (int(self.views[i]), int(self.views[j]), float(weight))
            for i, j, weight in zip(rows, columns, upper.data, strict=True)
            if weight > 0
        )
        return graph

    def _dimension(self, k: int) -> int:
        highest = len(self.views) - 1
        return as_count(
            k, "k", 1, highest, f": λ_(k+1) needs more than k views, the graph has {highest + 1}"
        )

    def _eigenspace(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Top-k eigenpairs of Ā with γ > 0: further dimensions are zero in the optimal encoder."""
        if self.is_degenerate(k):
            warnings.warn(
                f"λ_{k} = λ_{k + 1} = {self.spectral_gap(k):.3g}: "
                f"the optimal {k}-dimensional encoder is not unique",
                DegenerateSpectrumWarning,
                stacklevel=3,
            )
        count = min(int(k), *self._factor.shape)
        return leading_eigenvectors(self._factor, *self._smaller_side(), count)

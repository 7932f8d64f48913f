"""A graph from pairwise similarities: Laplacian, spectrum, optimal encoder, its probe."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.spectrum import (
    TIE_TOLERANCE,
    DegenerateSpectrumWarning,
    Normalized,
    lapack_is_cheap,
    leading_eigenvalues,
    leading_eigenvectors,
    scaled,
)
from adainf_core.validation import (
    FloatArray,
    IntArray,
    Matrix,
    as_adjacency,
    as_count,
    as_labels,
    as_real,
    freeze,
    is_sparse,
)

if TYPE_CHECKING:
    import networkx

NO_CLASS = -1  # "no prediction": an unseen view, or a tie
TIE = 1e-9  # probe scores (of order one) and vote masses closer than this tie


class SimilarityGraph:
    """Undirected graph of views given by its weights, without a kernel behind it.

    adjacency: (v, v), symmetric, nonnegative, dense or scipy.sparse, on any scale. It is kept
    divided by its sum, so that w_xx' is the probability of the positive pair (x, x') and a view's
    degree w_x = Σ_x' w_xx' its probability. Every view needs a positive degree.

    Such a graph need not be positive semidefinite: Laplacian eigenvalues lie in [0, 2], and
    directions with λ > 1 stay out of the optimal encoder. `AugmentationGraph` is the special case
    A = 𝒜ᵀ diag(P) 𝒜. Immutable; ValueError on bad input, naming the entry. Similarity graphs: von
    Luxburg (2007).
    """

    n_columns: int
    views: IntArray
    degrees: FloatArray

    def __init__(self, adjacency: ArrayLike | Matrix) -> None:
        self._adjacency: Matrix = freeze(as_adjacency(adjacency))
        self.n_columns = int(self._adjacency.shape[0])
        self.views = freeze(np.arange(self.n_columns))
        self.degrees = freeze(np.asarray(self._adjacency.sum(axis=1)).ravel())

    def __repr__(self) -> str:
        kind = "sparse" if is_sparse(self._adjacency) else "dense"
        return f"SimilarityGraph({len(self.views)} views, {kind})"

    @property
    def adjacency(self) -> Matrix:
        """A, (v, v): probability of each positive pair; entries sum to one."""
        return self._adjacency

    @cached_property
    def normalized_adjacency(self) -> Matrix:
        """Ā = D^-½ A D^-½, (v, v); its largest eigenvalue is 1."""
        root = 1 / np.sqrt(self.degrees)
        return freeze(scaled(self._adjacency, root, root))

    @property
    def laplacian(self) -> Matrix:
        """L = I − Ā, (v, v), the normalised Laplacian; eigenvalues 0 = λ_1 ≤ … ≤ λ_v ≤ 2."""
        if is_sparse(self.normalized_adjacency):
            from scipy.sparse import eye_array

            return (eye_array(len(self.views)) - self.normalized_adjacency).tocsr()
        return np.eye(len(self.views)) - self.normalized_adjacency

    @cached_property
    def _source(self) -> Normalized:
        """What is decomposed."""
        return Normalized(self.normalized_adjacency, np.sqrt(self.degrees))

    def component_count(self) -> int:
        """Number of connected components: the multiplicity of λ = 0; above k, λ_{k+1} = 0."""
        return int(self._source.components.max()) + 1

    @cached_property
    def _known_eigenvalues(self) -> dict[int, FloatArray]:
        return {}

    def eigenvalues(self, count: int | None = None) -> FloatArray:
        """The `count` smallest Laplacian eigenvalues, ascending, multiplicities kept (default all).

        One exact zero per component. Up to side 2,000 by LAPACK. Beyond it by Lanczos iterations
        (ARPACK), a component at a time, until no copy of a multiple eigenvalue is missing: each λ
        lies within 1e-8 of an exact one, and as a rule much closer. Of a kernel graph the smaller
        of the natural-point and view sides is taken, λ = 1 − σ², with exact ones beyond its rank.
        count in 1 … v, else ValueError; SpectrumError where 40,000 products do not converge, as on
        a cycle of 100,000 views.
        """
        highest = len(self.views)
        count = (
            highest
            if count is None
            else as_count(count, "count", 1, highest, ", the number of views")
        )
        known = self._known_eigenvalues
        if not any(done >= count for done in known):
            side = self._source.side
            # A dense solve costs the same for any part of the spectrum: keep all of it.
            solved = highest if lapack_is_cheap(side) else count
            values = np.ones(solved)
            gammas = leading_eigenvalues(self._source, min(solved, side))
            values[: len(gammas)] -= gammas
            values = np.clip(values, 0.0, self._highest_eigenvalue)
            values[: self.component_count()] = 0.0
            known[solved] = freeze(values)
        return known[min(done for done in known if done >= count)][:count].copy()

    _highest_eigenvalue = 2.0

    def spectral_gap(self, k: int) -> float:
        """λ_{k+1}, the connectivity that a k-dimensional encoder sees, for 1 ≤ k < v.

        0 when the graph has more than k components; 1 when k ≥ rank(Ā), in particular, of a kernel
        graph, k ≥ n: the encoder then has a dimension for every natural point (memorisation), and
        the bound looks best with the least data.
        """
        return float(self.eigenvalues(self._dimension(k) + 1)[-1])

    def is_degenerate(self, k: int) -> bool:
        """True if λ_k and λ_{k+1} tie below 1 (within 1e-8): the optimal encoder is not unique."""
        last, following = self.eigenvalues(self._dimension(k) + 1)[-2:]
        return bool(following - last < TIE_TOLERANCE and last < 1 - TIE_TOLERANCE)

    def pair_labeling_error(self, view_labels: ArrayLike) -> float:
        """φ = P(the views of a positive pair carry different labels); view_labels (v,)."""
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        classes, codes = np.unique(labels, return_inverse=True)
        shares = self._adjacency @ np.eye(len(classes))[codes]
        # Summing the wrong classes, not 1 − the right one, makes φ = 0 exact.
        shares[np.arange(len(labels)), codes] = 0
        return float(shares.sum())

    def embedding(self, k: int) -> FloatArray:
        """The optimal k-dimensional encoder on the kept views, (v, k): f(x)_i = √γ_i v_i(x) / √w_x.

        (γ_i, v_i) are the top eigenpairs of Ā, γ_i = 1 − λ_i. A minimiser over all functions of the
        population spectral contrastive loss (HaoChen et al. 2021), unique up to rotation unless λ_k
        = λ_{k+1}, where a DegenerateSpectrumWarning is given. Columns beyond the positive γ are
        zero. k in 1 … v − 1.
        """
        gammas, vectors = self._eigenspace(k)
        features = np.zeros((len(self.degrees), int(k)))
        features[:, : len(gammas)] = np.sqrt(gammas) * vectors / np.sqrt(self.degrees)[:, None]
        return features

    def spectral_contrastive_loss(self, features: ArrayLike) -> float:
        """Population loss −2 E f(x)ᵀf(x⁺) + E (f(x)ᵀf(x'))² of features f, (v, k).

        Equal to ‖Ā − FFᵀ‖² − ‖Ā‖² with F_x = √w_x f(x) (HaoChen et al. 2021).
        """
        weighted = np.sqrt(self.degrees)[:, None] * self.checked_features(features)
        # E (f(x)ᵀf(x'))² = ‖F Fᵀ‖² = ‖Fᵀ F‖².
        return float(((weighted.T @ weighted) ** 2).sum()) - 2 * self._source.energy(weighted)

    def probe_predictions(self, view_labels: ArrayLike, k: int) -> IntArray:
        """Class of each view by the best linear head on the encoder, (m,); −1 if unseen or tied.

        The head minimises squared error to the label indicators under the view distribution, that
        is, it projects them on the top-k eigenspace; the class is the largest score. view_labels
        (m,): labels that the head is trained on.
        """
        labels = as_labels(view_labels, self.n_columns, "view_labels")
        _, vectors = self._eigenspace(k)
        predictions = np.full(self.n_columns, NO_CLASS, dtype=np.int64)
        predictions[self.views] = probe(vectors, self.degrees, labels[self.views])
        return predictions

    def checked_features(self, features: ArrayLike) -> FloatArray:
        """Features (v, d) as float64; ValueError unless there is one finite row a view."""
        rows = as_real(features, "features")
        if rows.ndim != 2 or len(rows) != len(self.views):
            raise ValueError(
                f"features has shape {rows.shape}, expected ({len(self.views)}, d): one row a view"
            )
        broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(broken):
            raise ValueError(f"features[{broken[0]}] is not finite: the encoder has diverged")
        return rows

    def to_networkx(self) -> networkx.Graph[Any]:
        """Undirected networkx graph of the views, for drawing.

        Nodes are view numbers (columns of the kernel) with their degree as `mass`; an edge's
        `weight` is w_xx'. Self loops, which every view of a kernel graph has, are left out.
        """
        import networkx
        from scipy.sparse import coo_array, triu

        graph: networkx.Graph[Any] = networkx.Graph()
        graph.add_nodes_from(
            (int(view), {"mass": float(mass)})
            for view, mass in zip(self.views, self.degrees, strict=True)
        )
        upper = triu(coo_array(self.adjacency), k=1).tocoo()
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
        return leading_eigenvectors(self._source, min(int(k), self._source.side))


def probe(vectors: FloatArray, degrees: FloatArray, labels: IntArray) -> IntArray:
    """Predictions (v,) of the least-squares head, trained on `labels` (v,), weighted by mass.

    vectors (v, r): orthonormal; degrees (v,): the mass w_x of each view.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    root = np.sqrt(degrees)[:, None]
    scores = vectors @ (vectors.T @ (root * np.eye(len(classes))[codes])) / root
    return clear_winner(scores, classes)


def clear_winner(scores: FloatArray, classes: IntArray) -> IntArray:
    """Class with the largest score in each row; NO_CLASS on a tie or where nothing scored.

    Ties are refused rather than broken by index or rounding, so results do not depend on how
    classes are numbered.
    """
    best = scores.argmax(axis=1)
    if len(classes) == 1:
        clear = scores[:, 0] > TIE
    else:
        top = np.partition(scores, -2, axis=1)[:, -2:]
        clear = top[:, 1] - top[:, 0] > TIE
    return np.where(clear, classes[best], NO_CLASS)

"""Spectrum and linear probe of two classes from the n × n side of the graph: the sweep's hot path.

`AugmentationGraph` does the same in general, with every check; this is for thousands of small
graphs of a toy, and the tests hold the two together.
"""

from __future__ import annotations

import numpy as np

from adainf_core.theory.spectral_encoder import TIE
from adainf_core.theory.spectrum import RANK_TOLERANCE, TIE_TOLERANCE
from adainf_core.validation import FloatArray, IntArray, Matrix

# A multiplication costs this many times more in a sparse Gram matrix than in a dense one.
_SPARSE_COST = 80
_ROUNDING = 1e-10  # λ below it is 0: the least that one shared view gives is about 1e-6


def spectrum_and_probe(
    kernel: Matrix, weights: FloatArray, view_signs: FloatArray, dimensions: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """λ_{k+1} (k,), and the linear probe's sign on each view (views, k) for each of `dimensions`.

    kernel (n, views), csr_array; weights (n,), P_t; view_signs (views,): labels, −1.0 or 1.0. The
    sign is 0 where a view is unseen or its score ties, and NaN throughout where λ_k = λ_{k+1} < 1.
    """
    from scipy.linalg import eigh

    n = len(weights)
    lengths = np.diff(kernel.indptr)
    mass = np.bincount(
        kernel.indices, kernel.data * np.repeat(weights, lengths), minlength=kernel.shape[1]
    )
    inverse = np.zeros_like(mass)
    seen = np.flatnonzero(mass)
    inverse[seen] = 1 / np.sqrt(mass[seen])
    factor = kernel.copy()
    factor.data *= np.repeat(np.sqrt(weights), lengths) * inverse[factor.indices]
    # The n × n side of Ā = BᵀB has its nonzero eigenvalues; λ_j = 1 for j > n.
    count = min(n, max(dimensions) + 1)
    gammas, vectors = eigh(_gram(factor, seen), subset_by_index=(n - count, n - 1))
    gammas, vectors = np.clip(gammas[::-1], 0, 1), vectors[:, ::-1]
    gammas[gammas > 1 - _ROUNDING] = 1
    padded = np.concatenate([gammas, np.zeros(max(dimensions) + 1 - count)])
    ks = np.array(dimensions)
    tied = (padded[ks - 1] - padded[ks] < TIE_TOLERANCE) & (padded[ks - 1] > TIE_TOLERANCE)
    # With V = BᵀU γ^-½ the head's score V_k V_kᵀ u is Bᵀ U_k γ_k⁻¹ U_kᵀ B u, u = √w · sign.
    used = gammas > RANK_TOLERANCE
    target = factor @ (np.sqrt(mass) * view_signs)
    parts = vectors[:, used] * ((vectors[:, used].T @ target) / gammas[used])
    sums = np.cumsum(parts, axis=1)[:, np.minimum(ks, used.sum()) - 1]
    scores = (factor.T @ sums) * inverse[:, None]
    predictions = np.where(np.abs(scores) > TIE, np.sign(scores), 0)
    predictions[:, tied] = np.nan
    return 1 - padded[ks], predictions


def _gram(factor: Matrix, seen: IntArray) -> FloatArray:
    """B Bᵀ, (n, n), the cheaper way: dense where discs overlap much."""
    per_view = np.bincount(factor.indices, minlength=factor.shape[1]).astype(float)
    if len(seen) * factor.shape[0] ** 2 < _SPARSE_COST * float((per_view**2).sum()):
        dense = factor[:, seen].toarray()
        return np.asarray(dense @ dense.T)
    return np.asarray((factor @ factor.T).toarray())


def majority(kernel: Matrix, predictions: FloatArray) -> FloatArray:
    """Majority among each point's views, −1, 0 (tied, or no votes) or 1, (n, k)."""
    votes = kernel @ predictions
    return np.where(np.abs(votes) > TIE, np.sign(votes), 0.0)

"""The optimal spectral contrastive encoder and its linear probe, from the top eigenpairs of Ā.

Arguments everywhere: `vectors` (v, r) orthonormal eigenvectors with eigenvalues `gammas` (r,), and
`degrees` (v,) the mass w_x of each view. `AugmentationGraph` has these as methods.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from adainf_core.validation import FloatArray, IntArray

NO_CLASS = -1  # "no prediction": an unseen view, or a tie
TIE = 1e-9  # probe scores (of order one) and vote masses closer than this tie


def encoder(gammas: FloatArray, vectors: FloatArray, degrees: FloatArray, k: int) -> FloatArray:
    """f(x)_i = √γ_i v_i(x) / √w_x, (v, k); zero columns beyond the eigenpairs given."""
    features = np.zeros((len(degrees), k))
    features[:, : len(gammas)] = np.sqrt(gammas) * vectors / np.sqrt(degrees)[:, None]
    return features


def contrastive_loss(
    energy: Callable[[FloatArray], float], degrees: FloatArray, features: FloatArray
) -> float:
    """−2 E f(x)ᵀf(x⁺) + E (f(x)ᵀf(x'))² in O(nnz k + v k²); energy(F) is tr(Fᵀ Ā F)."""
    scaled = np.sqrt(degrees)[:, None] * features
    # E (f(x)ᵀf(x'))² = ‖F Fᵀ‖² = ‖Fᵀ F‖².
    return float(((scaled.T @ scaled) ** 2).sum()) - 2 * energy(scaled)


def probe(vectors: FloatArray, degrees: FloatArray, labels: IntArray) -> IntArray:
    """Predictions (v,) of the least-squares head, trained on `labels` (v,), weighted by mass."""
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

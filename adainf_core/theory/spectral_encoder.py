"""The linear probe of the optimal spectral contrastive encoder, and how winners are elected."""

from __future__ import annotations

import numpy as np

from adainf_core.validation import FloatArray, IntArray

NO_CLASS = -1  # "no prediction": an unseen view, or a tie
TIE = 1e-9  # probe scores (of order one) and vote masses closer than this tie


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

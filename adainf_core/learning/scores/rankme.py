"""RankMe (Garrido et al. 2023): how many directions the embeddings use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.scores.checks import as_features, entropy_rank


def rankme(features: ArrayLike) -> float:
    """exp of the entropy of the singular values of features (n, d), not centred: 1 to min(n, d).

    Its authors: to be compared among runs of one method.
    """
    values = np.linalg.svd(as_features(features), compute_uv=False)
    return entropy_rank(values.astype(np.float64))

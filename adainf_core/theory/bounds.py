"""The generalization bound of inflated contrastive learning, next to the errors it bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.total_variation import mixture, total_variation
from adainf_core.theory.validation import Matrix


@dataclass(frozen=True)
class BoundReport:
    """Every quantity of the transfer bound in one finite world.

    `labeling_error` α and `spectral_gap` λ_{k+1} are those of the training law P_t;
    `total_variation` is D_TV(P_d, P_g), before its factor 1 − β. `train_error` and `real_error` are
    the optimal encoder's linear-probe errors by majority vote under P_t and P_d. `bound` is at
    least `real_error`, and infinite where λ_{k+1} = 0.
    """

    labeling_error: float
    spectral_gap: float
    total_variation: float
    train_error: float
    real_error: float
    bound: float

    @property
    def vacuous(self) -> bool:
        """Whether the bound says no more than that an error is at most one."""
        return self.bound >= 1


def transfer_bound(
    graph_kernel: ArrayLike | Matrix,
    p_real: ArrayLike,
    p_generated: ArrayLike,
    beta: float,
    natural_labels: ArrayLike,
    view_labels: ArrayLike,
    k: int,
) -> BoundReport:
    """E_d ≤ 8 α / λ_{k+1} + 2 α + (1 − β) D_TV(P_g, P_d), with all its parts.

    graph_kernel (n, m), laws p_real and p_generated (n,), beta in [0, 1], labels (n,) and (m,), k
    in 1 … views − 1. A form of AdaInf's Theorem 4.1 that holds in every finite world with these
    constants: union bound over the two views (2), Markov step on the probe (2), majority vote (2),
    then the change of measure from P_t to P_d. Gives a DegenerateSpectrumWarning where λ_k =
    λ_{k+1}: the bound still holds, but the errors depend on the encoder chosen.
    """
    graph = AugmentationGraph(graph_kernel, mixture(p_real, p_generated, beta))
    alpha = graph.labeling_error(natural_labels, view_labels)
    gap = graph.spectral_gap(k)
    distance = total_variation(p_real, p_generated)
    train_bound = 8 * alpha / gap + 2 * alpha if gap > 0 else math.inf
    votes = graph.majority_vote(graph.probe_predictions(view_labels, k))
    wrong = votes != np.asarray(natural_labels)
    return BoundReport(
        labeling_error=alpha,
        spectral_gap=gap,
        total_variation=distance,
        train_error=float(graph.weights[wrong].sum()),
        real_error=float(np.asarray(p_real)[wrong].sum()),
        bound=train_bound + (1 - beta) * distance,
    )

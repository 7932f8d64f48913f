"""The generalization bound of inflated contrastive learning, next to the errors it bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.bound_proof import (
    CONSEQUENCES,
    REFINEMENT,
    SPECTRAL,
    STEPS,
    BoundTerms,
    Inequality,
)
from adainf_core.theory.similarity_graph import NO_CLASS, SimilarityGraph, clear_winner
from adainf_core.theory.total_variation import mixture, total_variation
from adainf_core.validation import FloatArray, Matrix, as_distribution, as_labels


@dataclass(frozen=True)
class ProofStep:
    """One inequality of the proof in one world: `left` ≤ `right`, why, and when they are equal."""

    name: str
    statement: str
    left: float
    right: float
    reason: str
    equality: str

    @classmethod
    def of(cls, inequality: Inequality, terms: Any) -> ProofStep:
        """The inequality in the world of these terms."""
        left, right = (float(side) for side in inequality.sides(terms))
        words = inequality.reason, inequality.equality
        return cls(inequality.name, inequality.statement, left, right, *words)

    @property
    def slack(self) -> float:
        """right − left, what the step gives away; negative only by rounding."""
        return self.right - self.left

    @property
    def ratio(self) -> float:
        """left / right in [0, 1]: 1 is tight (also 0 ≤ 0), 0 says nothing (right = ∞)."""
        return self.left / self.right if self.right > 0 else 1.0


@dataclass(frozen=True)
class BoundReport(BoundTerms):
    """The bound in one finite world: its terms (all floats), each step of the proof.

    Shown in a notebook, the report is the table of its steps.
    """

    @property
    def vacuous(self) -> bool:
        """Whether the bound says no more than that an error is at most one."""
        return bool(self.bound >= 1)

    @property
    def steps(self) -> tuple[ProofStep, ...]:
        """The proof, one inequality a step: `bound_proof.STEPS` in this world."""
        return tuple(ProofStep.of(each, self) for each in STEPS)

    @property
    def consequences(self) -> tuple[ProofStep, ...]:
        """What the steps add up to, the bound last: `bound_proof.CONSEQUENCES` in this world."""
        return tuple(ProofStep.of(each, self) for each in CONSEQUENCES)

    @property
    def refinement(self) -> tuple[ProofStep, ...]:
        """The route to 4 α / λ_{k+1} + 4 α and a smaller pair form: `bound_proof.REFINEMENT`."""
        return tuple(ProofStep.of(each, self) for each in REFINEMENT)

    @property
    def spectral(self) -> tuple[ProofStep, ...]:
        """The spectral route to 4 α / (1 − ρ), ρ = √(1 − λ_{k+1}): `bound_proof.SPECTRAL` here."""
        return tuple(ProofStep.of(each, self) for each in SPECTRAL)

    @property
    def ladder(self) -> tuple[tuple[str, float], ...]:
        """The bound as a chain of growing numbers (name, value): the real error, then each step.

        Each rung replaces one more term by its bound; the transfer to P_d is made at the first rung
        and kept, so the last rung is `bound`.
        """
        train = (
            ("change of measure", self.train_error),
            ("majority vote", 2 * self.source_error),
            ("label swap", 2 * (self.view_error + self.labeling_error)),
            ("wrong argmax", 4 * self.probe_loss + 2 * self.labeling_error),
            ("left-out energy", self.pair_train_bound),
            ("union bound", self.train_bound),
        )
        rungs = ((name, float(self.transferred(value))) for name, value in train)
        return (("real error", self.real_error), *rungs)

    def __str__(self) -> str:
        return "\n".join(
            f"{step.name:<18} {step.left:9.4f} ≤ {step.right:9.4f}  {step.statement}"
            for step in (*self.steps, *self.consequences[-1:])
        )

    def _repr_markdown_(self) -> str:
        rows = [
            f"| {number} | {step.name} | {step.statement} | {step.left:.4g} | {step.right:.4g} |"
            for number, step in enumerate((*self.steps, *self.consequences[-1:]), start=1)
        ]
        return "\n".join(["| | step | says | left | right |", "|---|---|---|---|---|", *rows])


def transfer_bound(
    graph_kernel: ArrayLike | Matrix,
    p_real: ArrayLike,
    p_generated: ArrayLike,
    beta: float,
    natural_labels: ArrayLike,
    view_labels: ArrayLike,
    k: int,
) -> BoundReport:
    """E_d ≤ min(E + (1 − β) D_TV(P_g, P_d), E / β), E = 8 α / λ_{k+1} + 2 α, with every step.

    graph_kernel (n, m), distributions p_real and p_generated (n,), beta in [0, 1], labels (n,) and
    (m,), k in 1 … views − 1. A form of AdaInf's Theorem 4.1 that holds in every finite world with
    these constants (`bound_proof.STEPS`). Ties and unseen views count as wrong.
    Gives a DegenerateSpectrumWarning where λ_k = λ_{k+1}: the bound still holds, but the errors
    depend on the encoder chosen.
    """
    graph = AugmentationGraph(graph_kernel, mixture(p_real, p_generated, beta))
    alpha = graph.labeling_error(natural_labels, view_labels)
    gap = graph.spectral_gap(k)
    sources = as_labels(natural_labels, graph.n_natural, "natural_labels")
    labels = as_labels(view_labels, graph.n_columns, "view_labels")[graph.views]
    # The probe's classes, those that label a view, come first; the others score 0.
    electable = np.unique(labels)
    classes = np.concatenate([electable, np.setdiff1d(sources, electable)])
    indicator = (labels[:, None] == classes).astype(float)
    targets = (sources[:, None] == classes).astype(float)

    scores = probe_scores(graph, indicator, k)
    predicted = clear_winner(scores[:, : len(electable)], electable)
    everywhere = np.full(graph.n_columns, NO_CLASS, dtype=np.int64)
    everywhere[graph.views] = predicted
    wrong = graph.majority_vote(everywhere) != sources

    kernel = graph.kernel[:, graph.views]
    mean_scores = kernel @ scores
    mean_squares = kernel @ (scores**2).sum(axis=1)
    hits = (kernel @ (predicted[:, None] == classes).astype(float) * targets).sum(axis=1)
    return BoundReport(
        labeling_error=alpha,
        spectral_gap=gap,
        total_variation=total_variation(p_real, p_generated),
        train_error=float(graph.weights[wrong].sum()),
        real_error=float(as_distribution(p_real, "p_real")[wrong].sum()),
        beta=float(beta),
        pair_labeling_error=graph.pair_labeling_error(view_labels),
        label_energy=_energy(graph, indicator),
        probe_loss=float(graph.degrees @ ((indicator - scores) ** 2).sum(axis=1)),
        view_error=float(graph.degrees[predicted != labels].sum()),
        source_error=float(graph.weights @ (1 - hits)),
        source_loss=float(
            graph.weights @ (mean_squares - 2 * (mean_scores * targets).sum(axis=1) + 1)
        ),
        vote_loss=float(graph.weights @ ((targets - mean_scores) ** 2).sum(axis=1)),
        largest_score=float(graph.degrees @ scores[:, : len(electable)].max(axis=1)),
    )


def probe_scores(graph: SimilarityGraph, indicator: FloatArray, k: int) -> FloatArray:
    """f = Πu on the kept views, (v, classes): the best linear head on the optimal encoder.

    indicator (v, classes): u, the one-hot labels of the kept views.
    """
    root = np.sqrt(graph.degrees)[:, None]
    basis = root * graph.embedding(k)  # orthogonal; columns beyond the rank are zero
    norms = np.linalg.norm(basis, axis=0)
    basis = basis[:, norms > 0] / norms[norms > 0]
    return np.asarray(basis @ (basis.T @ (root * indicator)) / root)


def _energy(graph: AugmentationGraph, indicator: FloatArray) -> float:
    """Σ_c u_cᵀ L u_c, with Ā applied in two halves rather than formed."""
    kernel = graph.kernel[:, graph.views]
    back = kernel.T @ (graph.weights[:, None] * (kernel @ indicator))
    return float((indicator * (graph.degrees[:, None] * indicator - back)).sum())

"""Degenerate graphs, recognised: where λ_{k+1} or the encoder says less than it seems to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adainf_core.theory.similarity_graph import SimilarityGraph
from adainf_core.theory.spectrum import TIE_TOLERANCE
from adainf_core.validation import FloatArray

NEAR_TIE = 0.01  # λ_{k+1} − λ_k below this share of λ_{k+1} is called out as nearly tied
SLOW = 0.01  # λ_{k+1} below this asks for a word: a random walk takes over 100 steps to mix
SHEET = 0.1  # graphs too small to have room for k modes of a flat sheet are not compared with one
ROWS = 200  # of the graph that are looked at for its effective number of neighbours


@dataclass(frozen=True)
class Finding:
    """One way in which a graph is degenerate: `name`, the `value` it rests on, a `sentence`."""

    name: str
    value: float
    sentence: str

    def __str__(self) -> str:
        return f"{self.name}: {self.sentence}"


@dataclass(frozen=True)
class GraphDiagnosis:
    """What `diagnose` found for dimension `k`; nothing, for a graph without surprises.

    last, spectral_gap: λ_k and λ_{k+1}. findings: names among "unseen views", "disconnected",
    "tie", "near tie", "memorisation", "mesh-like" and "bottleneck".
    """

    k: int
    last: float
    spectral_gap: float
    findings: tuple[Finding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the findings."""
        return tuple(finding.name for finding in self.findings)

    def __str__(self) -> str:
        head = (
            f"k = {self.k}: λ_{self.k} = {self.last:.3g}, λ_{self.k + 1} = {self.spectral_gap:.3g}"
        )
        lines = [f"- {finding}" for finding in self.findings] or ["- nothing to report"]
        return "\n".join([head, *lines])

    __repr__ = __str__


def diagnose(graph: SimilarityGraph, k: int) -> GraphDiagnosis:
    """What makes λ_{k+1} or the k-dimensional encoder of `graph` say less than it seems to.

    k in 1 … v − 1, else ValueError. Prints as one line a finding. SpectrumError where the
    eigenvalues do not converge.

    Where 0 < λ_{k+1} ≤ 0.01 the graph is called mesh-like if λ_{k+1} ≤ k N / v ≤ 0.1 and
    λ_{2k+1} ≤ 2k N / v, else a bottleneck; v nodes have N effective neighbours each. By Weyl's law
    a flat sheet cut into v patches, whose walk steps to N patches, has λ_{k+1} ≈ k N / 2v; the
    rule allows twice that. One-dimensional graphs lie below it, clusters with fast mixing
    inside above it once k reaches their number.
    """
    gap, values = graph.spectral_gap(k), graph.eigenvalues(k + 1)
    return GraphDiagnosis(k, float(values[k - 1]), gap, tuple(_findings(graph, k, gap, values)))


def _findings(graph: SimilarityGraph, k: int, gap: float, values: FloatArray) -> Iterator[Finding]:
    last, side = float(values[k - 1]), graph._source.side
    unseen = graph.n_columns - len(graph.views)
    if unseen:
        yield Finding(
            "unseen views",
            unseen,
            f"{unseen} of {graph.n_columns} views never occur; they are dropped and get no "
            "prediction.",
        )
    components = graph.component_count()
    if components > k:
        yield Finding(
            "disconnected",
            components,
            f"the graph falls into {components} components, so λ_{k + 1} = 0 and the bound "
            f"says nothing; k = {components} is the smallest that it can speak about.",
        )
    difference = gap - last
    if difference < TIE_TOLERANCE and last < 1 - TIE_TOLERANCE:
        first = int(np.searchsorted(values, last - TIE_TOLERANCE)) + 1
        yield Finding(
            "tie",
            difference,
            f"λ_{first} to λ_{k + 1} are one value, {last:.3g}: which {k}-dimensional encoder "
            "is learned is chance.",
        )
    elif difference < NEAR_TIE * gap and last < 1 - TIE_TOLERANCE:
        yield Finding(
            "near tie",
            difference,
            f"λ_{k + 1} − λ_{k} = {difference:.1e}: a change of that size in the graph turns "
            "the encoder into another.",
        )
    if k >= side:
        yield Finding(
            "memorisation",
            side,
            f"the graph has rank at most {side} and k = {k}: every natural point can have a "
            f"dimension of its own, and λ_{k + 1} = {gap:.3g} is no merit of the augmentation.",
        )
    if 0 < gap <= SLOW:
        yield _slow(graph, k, gap)


def _slow(graph: SimilarityGraph, k: int, gap: float) -> Finding:
    """Why a walk takes over 100 steps to mix: a mesh everywhere, or more than k clusters."""
    side, reach = graph._source.side, min(2 * k, len(graph.views) - 1)
    neighbours = effective_neighbours(graph)
    sheet = k * neighbours / side
    later = float(graph.eigenvalues(reach + 1)[-1])
    if gap <= sheet <= SHEET and later <= reach * neighbours / side:
        return Finding(
            "mesh-like",
            1 / gap,
            f"λ_{k + 1} = {gap:.2e} is no more than a flat sheet of {side} points with "
            f"{neighbours:.0f} neighbours each may have ({sheet:.1e}): "
            f"a walk needs about {1 / gap:.0f} steps to mix, and gaps are tiny.",
        )
    return Finding(
        "bottleneck",
        1 / gap,
        f"λ_{k + 1} = {gap:.2e}, λ_{reach + 1} = {later:.2e}: more than {k} clusters hang together "
        f"by threads, and a walk needs about {1 / gap:.0f} steps between them.",
    )


def effective_neighbours(graph: SimilarityGraph) -> float:
    """Median over nodes of 1 / Σ p², p the distribution of a step of the graph's random walk.

    Of a kernel graph, on the smaller of its natural-point and view sides; at most 200 nodes, spread
    evenly, are looked at.
    """
    source, roots = graph._source, graph._source.side_roots
    nodes = np.unique(np.linspace(0, source.side - 1, ROWS).astype(int))
    steps = [source.row(i) * roots / roots[i] for i in nodes]
    return float(np.median([each.sum() ** 2 / (each**2).sum() for each in steps]))

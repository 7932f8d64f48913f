"""λ_2 … λ_11 of large graphs, beside scipy's eigsh in the same run.

    python benchmarks/spectrum.py            # 100,000 nodes, 2e6 non-zeros: minutes, 0.3 GB
    python benchmarks/spectrum.py --small    # a quick try, and what the tests run

Stochastic block models of mean degree 20, equal blocks, a share s_b of block b's edge ends drawn
inside it and the others anywhere. "clusters": 12 blocks, s_b from 0.5 to 0.9, so that λ_2 … λ_11
tell the blocks apart. "bulk": 4 blocks, s_b = 0.7, so that λ_5 … λ_11 lie at the edge of the bulk,
where gaps are tiny. "neighbours": the 10 nearest neighbours of a mixture of 12 Gaussians in 8-d.
"kernel": half as many natural points as views, 6 random views each out of one of 12 groups in 70 %
of the draws, decomposed on the natural points' side. Only the largest component is kept.

Both sides start from the normalised adjacency (a kernel's: from its factor, with the product B Bᵀ
counted); ours counts components too. The peer is eigsh(S, 11, which="LA", tol=1e-4), from a fixed
start vector, on 32-bit indices. They take turns on one thread, and their CPU time is compared, as
more threads spin where a machine is shared. Ours is eigsh too, at a residual of 1e-9 and with a
search for missed copies of multiple eigenvalues: `times_eigsh` is what that costs. Errors are
against eigsh at tol=1e-10 on graphs a tenth the size; the target is errors of at most 1e-6.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import report
from scipy.sparse import csgraph, csr_array
from scipy.sparse.linalg import eigsh
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from adainf_core.theory import AugmentationGraph
from adainf_core.theory.similarity_graph import SimilarityGraph

COUNT = 11
DEGREE = 20
ERROR_TARGET = 1e-6


def block_model(nodes: int, blocks: int, inside: np.ndarray, seed: int = 0) -> csr_array:
    """Adjacency of a stochastic block model; node i is in block i mod `blocks`."""
    rng = np.random.default_rng(seed)
    edges = nodes * DEGREE // 2
    heads = rng.integers(nodes, size=edges, dtype=np.int32)
    tails = rng.integers(nodes, size=edges, dtype=np.int32)
    kept = rng.random(edges, dtype=np.float32) < inside[heads % blocks]
    own = tails // blocks * blocks + heads % blocks
    tails = np.where(kept & (own < nodes), own, tails)
    return _symmetric(heads, tails, nodes)


def neighbour_graph(nodes: int, neighbours: int = 10, seed: int = 0) -> csr_array:
    """Symmetrised nearest neighbours of draws from 12 Gaussians in 8 dimensions."""
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.standard_normal((12, 8))
    points = centres[rng.integers(12, size=nodes)] + rng.standard_normal((nodes, 8))
    near = cKDTree(points).query(points, neighbours + 1, workers=-1)[1][:, 1:]
    heads = np.repeat(np.arange(nodes, dtype=np.int32), neighbours)
    return _symmetric(heads, near.ravel().astype(np.int32), nodes)


def view_kernel(views: int, groups: int = 12, drawn: int = 6, seed: int = 0) -> AugmentationGraph:
    """views / 2 natural points with `drawn` views each, mostly out of their group's."""
    rng = np.random.default_rng(seed)
    sources = np.repeat(np.arange(views // 2), drawn)
    seen = rng.integers(views, size=len(sources))
    own = np.minimum(seen // groups * groups + sources % groups, views - 1)
    seen = np.where(rng.random(len(sources)) < 0.7, own, seen)
    shape = (views // 2, views)
    kernel = csr_array((np.full(len(sources), 1 / drawn), (sources, seen)), shape=shape)
    return AugmentationGraph(kernel, np.full(shape[0], 1 / shape[0]))


def largest_component(adjacency: csr_array) -> csr_array:
    labels = csgraph.connected_components(adjacency, directed=False)[1]
    kept = np.flatnonzero(labels == np.bincount(labels).argmax())
    return adjacency if len(kept) == len(labels) else adjacency[kept][:, kept]


def _symmetric(heads: np.ndarray, tails: np.ndarray, nodes: int) -> csr_array:
    ones = np.ones(len(heads), dtype=np.float32)
    half = csr_array((ones, (heads, tails)), shape=(nodes, nodes))
    whole = (half + half.T).tocsr()
    whole.data[:] = 1
    return largest_component(whole)


def peer(matrix: csr_array, tolerance: float) -> np.ndarray:
    start = np.random.default_rng(0).standard_normal(matrix.shape[0])
    gammas = eigsh(matrix, COUNT, which="LA", tol=tolerance, v0=start, return_eigenvectors=False)
    return np.sort(1 - gammas)


def short(matrix: csr_array) -> csr_array:
    """32-bit indices, which eigsh's products read faster."""
    parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
    return csr_array(parts, shape=matrix.shape)


Contestant = Callable[[], np.ndarray]


def contestants(
    make: Callable[[], Any],
) -> tuple[Callable[[], Contestant], Callable[..., Any], Any]:
    """Ours, fresh each time as eigenvalues are remembered; the peer; nodes and non-zeros."""
    made = make()
    if isinstance(made, AugmentationGraph):
        made = largest_kernel_component(made)
        factor = made._factor

        def fresh() -> Contestant:
            graph = AugmentationGraph(made.kernel, made.weights)
            graph._factor  # noqa: B018
            return lambda: graph.eigenvalues(COUNT)

        def theirs(tolerance: float) -> np.ndarray:
            return peer(short((factor @ factor.T).tocsr()), tolerance)

        return fresh, theirs, {"natural_points": factor.shape[0], "views": factor.shape[1],
                               "nonzeros": int(factor.nnz)}  # fmt: skip
    first = SimilarityGraph(made)
    matrix = short(first.normalized_adjacency)

    def fresh_graph() -> Contestant:
        graph = SimilarityGraph(made)
        graph.normalized_adjacency  # noqa: B018
        return lambda: graph.eigenvalues(COUNT)

    sizes = {"nodes": matrix.shape[0], "nonzeros": int(matrix.nnz)}
    return fresh_graph, lambda tolerance: peer(matrix, tolerance), sizes


def largest_kernel_component(graph: AugmentationGraph) -> AugmentationGraph:
    parts = graph._source.both_components[: graph.n_natural]
    kept = np.flatnonzero(parts == np.bincount(parts).argmax())
    return AugmentationGraph(graph.kernel[kept], np.full(len(kept), 1 / len(kept)))


def race(make: Callable[[], Any], rounds: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """CPU seconds of both sides taking turns; sizes, eigenvalues and their largest difference."""
    fresh, theirs, sizes = contestants(make)
    seconds: dict[str, list[float]] = {"adainf_core": [], "eigsh": []}
    for _ in range(rounds):
        ours = fresh()
        start = time.process_time()
        values = ours()
        seconds["adainf_core"].append(time.process_time() - start)
        start = time.process_time()
        reference = theirs(1e-4)
        seconds["eigsh"].append(time.process_time() - start)
    return seconds, sizes | {
        "eigenvalues": values.tolist(),
        "largest_difference": float(np.abs(values - reference).max()),
    }


def errors(make: Callable[[], Any]) -> dict[str, Any]:
    """Largest eigenvalue error of both sides against a tight solve."""
    fresh, theirs, sizes = contestants(make)
    tight = theirs(1e-10)
    return sizes | {
        "adainf_core": float(np.abs(fresh()() - tight).max()),
        "eigsh": float(np.abs(theirs(1e-4) - tight).max()),
    }


def cases(nodes: int) -> dict[str, Callable[[], Any]]:
    spread = np.linspace(0.5, 0.9, 12).astype(np.float32)
    return {
        "clusters": lambda: block_model(nodes, 12, spread),
        "bulk": lambda: block_model(nodes, 4, np.full(4, 0.7, dtype=np.float32)),
        "neighbours": lambda: neighbour_graph(min(nodes, 100_000)),
        "kernel": lambda: view_kernel(min(nodes, 100_000)),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Spectra of large graphs, beside scipy's eigsh.")
    parser.add_argument("--small", action="store_true", help="3,000 nodes, 3,000 for the errors")
    parser.add_argument("--nodes", type=int, default=100_000, help="of the block models")
    parser.add_argument("--rounds", type=int, default=3, help="turns each side takes")
    chosen = parser.parse_args(arguments)
    nodes = 3_000 if chosen.small else chosen.nodes
    figures, details, accuracy = {}, {}, {}
    for name, make in cases(nodes).items():
        with threadpool_limits(1):
            seconds, details[name] = race(make, chosen.rounds)
        for side, times in seconds.items():
            low, median, high = np.percentile(3600 / np.array(times), (25, 50, 75))
            figures[f"{name}: {side}"] = {
                "median": float(median), "low": float(low), "high": float(high)
            }  # fmt: skip
            details[name][f"seconds_{side}"] = times
    for name, make in cases(max(nodes // 10, 3_000)).items():
        accuracy[name] = errors(make)
    ratio = {
        name: figures[f"{name}: adainf_core"]["median"] / figures[f"{name}: eigsh"]["median"]
        for name in details
    }
    report(
        "spectrum",
        figures,
        f"solves per hour of CPU time on one thread, {COUNT} smallest eigenvalues",
        peers=("scipy",),
        cases=details,
        errors=accuracy,
        times_eigsh=ratio,
        peak_memory_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        targets_met={
            "error": max(each["adainf_core"] for each in accuracy.values()) <= ERROR_TARGET,
        },
    )
    for name, each in accuracy.items():
        print(f"  {name}: error {each['adainf_core']:.1e}, eigsh {each['eigsh']:.1e}")


if __name__ == "__main__":
    main()

"""Random finite worlds by the batch: drawn together, solved together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adainf_core.theory.bound_proof import BoundTerms
from adainf_core.theory.similarity_graph import TIE
from adainf_core.theory.spectrum import RANK_TOLERANCE, TIE_TOLERANCE
from adainf_core.theory.worlds import FiniteWorld
from adainf_core.validation import FloatArray, IntArray, as_count

BATCH = 200  # worlds drawn and solved together
ZERO = 1e-14  # what rounding makes of an eigenvalue that is zero stays below


@dataclass(frozen=True)
class SearchTerms(BoundTerms):
    """The proof's terms of many worlds, (worlds,) each, with what the wrong forms speak about.

    `real_labeling_error` is α_d, under P_d; `next_gap` is λ_{k+2} (1 beyond the last view).
    `tied`: λ_k = λ_{k+1} < 1, where the errors are those of one optimal encoder of many. `faint`:
    an eigenvalue γ > 0 of the first k counts as zero here, which to the proof it is not. `nodes`:
    points and views together.
    """

    real_labeling_error: Any
    next_gap: Any
    tied: Any
    faint: Any
    nodes: Any


@dataclass(frozen=True)
class WorldBatch:
    """Random worlds of one shape: kernel (b, n, m), distributions (b, n), labels; beta, k (b,)."""

    kernel: FloatArray
    p_real: FloatArray
    p_generated: FloatArray
    natural_labels: IntArray
    view_labels: IntArray
    beta: FloatArray
    k: IntArray

    def world(self, row: int) -> FiniteWorld:
        """One of them as a FiniteWorld."""
        parts = (self.kernel, self.p_real, self.p_generated, self.natural_labels, self.view_labels)
        return FiniteWorld(*(part[row] for part in parts))


def random_batch(rng: np.random.Generator, size: int = BATCH) -> WorldBatch:
    """`size` random worlds of one random shape, from a mixture made to probe every corner.

    Shape: 3–13 points, 3–15 views, 2–3 classes (uniform). Each world has k uniform in 1 … 7, β
    uniform or (half of the time) near an end, and picks independently

    - a kernel: every point has a home view of weight Exp(1) + 0.1; other views are added with
      density 0.9 U² and weights Exp(1), times 1 ("scattered"), or times 10^U(−4, −1) ("nearly
      deterministic"), or ("clustered") every view of the point's own class at full weight and
      the others with that factor;
    - distributions: exponential weights on a random 80 % of the points; independent, on disjoint
      supports, or nearly equal (a share 10^U(−3, 0) of P_g is independent);
    - labels: of points uniform; of views that of the heaviest source, weighted by the kernel alone
      or by P_t as well; in a quarter of the worlds one view is relabelled at random.
    """
    b, n, m = size, int(rng.integers(3, 14)), int(rng.integers(3, 16))
    r = int(rng.integers(2, 4))
    each = np.arange(b)
    beta = rng.random(b)
    beta = np.where(rng.random(b) < 0.5, beta, np.sin(np.pi * beta / 2) ** 4)
    natural = rng.integers(r, size=(b, n))

    clustered = rng.random(b) < 1 / 3
    faint = np.where(rng.random(b) < 0.5, 10 ** rng.uniform(-4, -1, b), 1.0)
    faint = np.where(clustered, 10 ** rng.uniform(-4, -1, b), faint)[:, None, None]
    density = 0.9 * rng.random(b)[:, None, None] ** 2
    kernel = faint * rng.exponential(size=(b, n, m)) * (rng.random((b, n, m)) < density)
    own = natural[:, :, None] == np.arange(m) % r
    kernel += clustered[:, None, None] * own * rng.exponential(size=(b, n, m))
    home = np.where(
        clustered[:, None],
        np.minimum(natural + r * rng.integers(m // r, size=(b, n)), m - 1),
        rng.integers(m, size=(b, n)),
    )
    kernel[each[:, None], np.arange(n), home] += rng.exponential(size=(b, n)) + 0.1
    kernel /= kernel.sum(axis=2, keepdims=True)

    weights = rng.exponential(size=(2, b, n))
    support = rng.random((2, b, n)) < 0.8
    kind = rng.integers(3, size=b)
    disjoint = (kind == 1)[:, None]
    real_side = rng.random((b, n)) < 0.5
    support[0] &= ~disjoint | real_side
    support[1] &= ~disjoint | ~real_side
    distributions = weights * support
    distributions[0, each, rng.integers(n, size=b)] += 0.1
    distributions[1, each, rng.integers(n, size=b)] += 0.1
    distributions /= distributions.sum(axis=2, keepdims=True)
    share = np.where(kind == 2, 10 ** rng.uniform(-3, 0, b), 1.0)[:, None]
    distributions[1] = share * distributions[1] + (1 - share) * distributions[0]

    train = beta[:, None] * distributions[0] + (1 - beta[:, None]) * distributions[1]
    by_distribution = rng.random(b) < 0.5
    mass = kernel * np.where(by_distribution[:, None], train, 1.0)[:, :, None]
    views = np.take_along_axis(natural, mass.argmax(axis=1), axis=1)
    flipped = rng.random(b) < 0.25
    chosen = rng.integers(m, size=b)
    views[each, chosen] = np.where(flipped, rng.integers(r, size=b), views[each, chosen])
    return WorldBatch(
        kernel, distributions[0], distributions[1], natural, views, beta, rng.integers(1, 8, size=b)
    )


def drawn_world(seed: int, index: int) -> tuple[FiniteWorld, float, int]:
    """World number `index` of the search with this seed, and its β and k."""
    number, row = divmod(as_count(index, "index", 0), BATCH)
    batch = random_batch(np.random.default_rng([seed, number]))
    return batch.world(row), float(batch.beta[row]), int(batch.k[row])


def batch_terms(batch: WorldBatch) -> tuple[SearchTerms, Any]:
    """The terms of every world of a batch, and a mask (b,) of those with more than k views.

    The same quantities as `transfer_bound`, world by world; those of the other worlds are void.
    """
    kernel, beta = batch.kernel, batch.beta[:, None]
    b, _, m = kernel.shape
    p = beta * batch.p_real + (1 - beta) * batch.p_generated
    degrees = (p[:, None, :] @ kernel)[:, 0]
    seen: Any = degrees > 0
    root = np.sqrt(degrees)
    inverse = np.where(seen, 1 / np.where(seen, root, 1), 0)
    factor = np.sqrt(p)[:, :, None] * kernel * inverse[:, None, :]
    adjacency = factor.transpose(0, 2, 1) @ factor
    gammas, vectors = np.linalg.eigh(adjacency)
    gammas, vectors = gammas[:, ::-1], vectors[:, :, ::-1]
    spectrum = np.clip(1 - gammas, 0, 1)
    order = np.arange(m)
    spectrum[order < _component_count(adjacency, seen)[:, None]] = 0
    spectrum = np.concatenate([np.zeros((b, 1)), spectrum, np.ones((b, 9))], axis=1)
    last, gap, following = np.take_along_axis(spectrum, batch.k[:, None] + np.arange(3), axis=1).T

    r = int(max(batch.natural_labels.max(), batch.view_labels.max())) + 1
    classes = np.eye(r)
    indicator, targets = classes[batch.view_labels], classes[batch.natural_labels]
    kept = (order < batch.k[:, None]) & (gammas > RANK_TOLERANCE)
    u = root[:, :, None] * indicator
    projected = (vectors * kept[:, None, :]) @ (vectors.transpose(0, 2, 1) @ u)
    scores = projected * inverse[:, :, None]

    known = (indicator * seen[:, :, None]).any(axis=1)  # classes that the probe can elect
    electable = np.where(known[:, None, :], scores, -np.inf)
    predicted = _elected(electable) * seen[:, :, None]
    votes = _elected(kernel @ predicted)
    right = (votes * targets).sum(axis=2)
    shares = kernel @ indicator
    # Sums over wrong classes, not 1 − the right ones: no error is an exact 0.
    mislabelled = (shares * (1 - targets)).sum(axis=2)
    differing = ((shares @ (1 - classes)) * shares).sum(axis=2)
    mean_scores = kernel @ scores
    mean_squares = (kernel @ (scores**2).sum(axis=2)[:, :, None])[:, :, 0]

    def under_train(values: FloatArray) -> FloatArray:
        return np.asarray((p * values).sum(axis=1))

    terms = SearchTerms(
        labeling_error=under_train(mislabelled),
        spectral_gap=gap,
        total_variation=np.abs(batch.p_real - batch.p_generated).sum(axis=1) / 2,
        train_error=under_train(1 - right),
        real_error=(batch.p_real * (1 - right)).sum(axis=1),
        beta=batch.beta,
        pair_labeling_error=under_train(differing),
        label_energy=(u * (u - adjacency @ u)).sum(axis=(1, 2)),
        probe_loss=((u - projected) ** 2).sum(axis=(1, 2)),
        view_error=(degrees * (1 - (predicted * indicator).sum(axis=2))).sum(axis=1),
        source_error=under_train(1 - ((kernel @ predicted) * targets).sum(axis=2)),
        source_loss=under_train(mean_squares - 2 * (mean_scores * targets).sum(axis=2) + 1),
        vote_loss=under_train(((targets - mean_scores) ** 2).sum(axis=2)),
        largest_score=(degrees * electable.max(axis=2)).sum(axis=1),
        real_labeling_error=(batch.p_real * mislabelled).sum(axis=1),
        next_gap=following,
        tied=(gap - last < TIE_TOLERANCE) & (last < 1 - TIE_TOLERANCE),
        faint=((order < batch.k[:, None]) & ~kept & (gammas > ZERO)).any(axis=1),
        nodes=(p > 0).sum(axis=1) + seen.sum(axis=1),
    )
    return terms, batch.k < seen.sum(axis=1)


def _component_count(adjacency: FloatArray, seen: Any) -> IntArray:
    """(b,) connected components among the seen views, by squaring the reachability relation."""
    m = adjacency.shape[1]
    reach = (adjacency > 0).astype(float)
    for _ in range(int(np.ceil(np.log2(m)))):
        reach = (reach @ reach > 0).astype(float)
    sizes = reach.sum(axis=2)
    return np.rint((seen / np.maximum(sizes, 1)).sum(axis=1)).astype(np.int64)


def _elected(scores: FloatArray) -> FloatArray:
    """One-hot largest score along the last axis; zeros on a tie or where nothing scored."""
    best = scores.argmax(axis=-1)
    top = np.sort(scores, axis=-1)[..., -2:]
    rival = np.where(np.isfinite(top[..., 0]), top[..., 0], 0)
    clear = top[..., 1] - rival > TIE
    return np.eye(scores.shape[-1])[best] * clear[..., None]

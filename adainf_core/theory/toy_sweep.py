"""The toy over strength × size × draws, exactly in each sample, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.gaussian_toy import CENTRES, VARIANCE, disc_cells, gaussian_toy_distribution
from adainf_core.theory.similarity_graph import TIE
from adainf_core.theory.spectrum import RANK_TOLERANCE, TIE_TOLERANCE
from adainf_core.validation import FloatArray, IntArray, Matrix, as_count, as_positive, as_real

_FRESH_CELLS = 60, 27  # on each side of the border, and along it, that stand for fresh real points
# A multiplication costs this many times more in a sparse Gram matrix than in a dense one.
_SPARSE_COST = 80
_ROUNDING = 1e-10  # λ below it is 0: the least that one shared view gives is about 1e-6


@dataclass(frozen=True, eq=False)
class ToySweep:
    """Every quantity of the argument on a grid of toys; arrays are indexed as named below.

    strengths (s,), n_generated (g,), dimensions (k,); n_real.

    labeling_error: (n_generated, strengths, draws), α of the drawn points, each of one weight.
    spectral_gap, train_error, real_error: the same and a last axis for k: λ_{k+1}; error of the
    optimal encoder's linear probe by majority vote, on the drawn points, and under P_d of the
    plane, that is, on fresh real points, where a vote that ties or that no seen view takes part in
    counts as one half, a coin. Errors are NaN where λ_k = λ_{k+1} < 1: the encoder is not unique.

    Fresh points are cells with their exact masses, so narrow at the border that its displacement
    shows to a tenth.
    """

    strengths: tuple[float, ...]
    n_real: int
    n_generated: tuple[int, ...]
    dimensions: tuple[int, ...]
    labeling_error: FloatArray
    spectral_gap: FloatArray
    train_error: FloatArray
    real_error: FloatArray


def toy_sweep(
    strengths: Sequence[float],
    n_generated: Sequence[int],
    *,
    n_real: int,
    draws: int,
    dimensions: Sequence[int] = (1, 2, 4, 8, 16, 32),
    pitches_per_radius: tuple[int, int] = (16, 6),
    seed: int = 0,
    processes: int = 1,
) -> ToySweep:
    """Sweep the toy of variance 0.7; the same seed gives the same numbers for any `processes`.

    n_real real points beside each count in n_generated of generated ones by the perfect generator,
    further draws of P_d. The draws are nested: a smaller set is the beginning of a larger one, and
    all strengths see the same points. λ_{k+1} = 1 where k ≥ n.

    pitches_per_radius: the views' grid, across the border and along it. A square grid of as many
    cells does as well for λ, and flatters the errors at large strengths, where a border displaced
    by less than half a cell is none. At the default, one finer by 2 moves a mean λ by
    less than 1 % and a mean error by thousandths, more where λ_k and λ_{k+1} nearly tie.

    Spectra are those of the n × n matrix D_P^½ 𝒜 D_w⁻¹ 𝒜ᵀ D_P^½ by LAPACK: meant for n up to a few
    thousand. `processes` > 1 spreads the draws over worker processes; set OMP_NUM_THREADS=1 then,
    and guard a script with `if __name__ == "__main__"`.
    """
    radii = tuple(as_positive(strength, "strength") for strength in strengths)
    sizes = tuple(as_count(size, "n_generated", 0) for size in n_generated)
    real = as_count(n_real, "n_real", 1)
    count = as_count(draws, "draws", 1)
    ks = tuple(as_count(k, "dimension", 1) for k in dimensions)
    across, along = (as_count(each, "pitches_per_radius", 1) for each in pitches_per_radius)
    for name, values in (("strengths", radii), ("n_generated", sizes), ("dimensions", ks)):
        if not values:
            raise ValueError(f"{name} is empty: name at least one")
    part = partial(_sweep, radii, sizes, ks, real, (across, along), seed)
    workers = min(as_count(processes, "processes", 1), count)
    chunks = [chunk.tolist() for chunk in np.array_split(np.arange(count), workers)]
    if workers == 1:
        found = part(chunks[0])
    else:
        from adainf_core.workers import Workers

        parts = {}
        with Workers(part, workers) as pool:
            for chunk in chunks:
                pool.start((chunk,))
            while pool.busy:
                (chunk,), found, error = pool.next_ended()
                if error is not None:
                    raise error
                parts[chunk[0]] = found
        found = np.concatenate([parts[first] for first in sorted(parts)], axis=2)
    return ToySweep(
        strengths=radii,
        n_real=real,
        n_generated=sizes,
        dimensions=ks,
        labeling_error=found[..., 0, 0],
        spectral_gap=found[..., 1, :],
        train_error=found[..., 2, :],
        real_error=found[..., 3, :],
    )


def best_strength(strengths: ArrayLike, values: ArrayLike) -> tuple[float, float, float]:
    """The strength of the smallest mean over draws, and a 95 % interval: (best, low, high).

    strengths (s,); values (s, draws), the same draws at each strength. The interval is that of
    1,000 bootstrap resamples of the draws, at the strengths of the grid: where the minimum is
    shallow it is wide. Strengths with a NaN in any draw are left out.
    """
    grid, table = as_real(strengths, "strengths"), as_real(values, "values")
    if table.ndim != 2 or len(table) != len(grid) or not table.shape[1]:
        raise ValueError(
            f"values have shape {table.shape}: give one row for each of {len(grid)} strengths, "
            "one column a draw"
        )
    known = ~np.isnan(table).any(axis=1)
    if not known.any():
        raise ValueError("no strength has a value in every draw: nothing to compare")
    grid, table = grid[known], table[known]
    draws = table.shape[1]
    counts = np.random.default_rng(0).multinomial(draws, np.full(draws, 1 / draws), size=1000)
    again = grid[(table @ counts.T).argmin(axis=0)]
    low, high = np.quantile(again, [0.025, 0.975], method="nearest")
    return float(grid[table.mean(axis=1).argmin()]), float(low), float(high)


@dataclass(frozen=True)
class _Grid:
    """Cells of sides `pitch` in a box, numbered row by row; kernels on it share their columns."""

    radius: float
    pitch: FloatArray
    low: IntArray
    shape: IntArray

    @classmethod
    def around(cls, points: FloatArray, radius: float, fineness: tuple[int, int]) -> _Grid:
        """The cells within `radius` of the smallest box around all points."""
        pitch = radius / np.array(fineness)
        low, high = (
            np.floor((end + sign * radius) / pitch).astype(np.int64) + sign
            for end, sign in ((points.min(axis=0), -1), (points.max(axis=0), 1))
        )
        return cls(radius, pitch, low, high - low + 1)

    def kernel(self, points: FloatArray) -> Matrix:
        from scipy.sparse import csr_array

        rows, cells = disc_cells(points, self.radius, self.pitch)
        columns = (cells - self.low) @ np.array([self.shape[1], 1])
        counts = np.bincount(rows, minlength=len(points))
        starts = np.concatenate([[0], np.cumsum(counts)])
        size = (len(points), int(self.shape.prod()))
        return csr_array((np.repeat(1 / counts, counts), columns, starts), shape=size)

    def signs(self) -> FloatArray:
        """Label of each cell, −1.0 or 1.0: the sign of its centre's first coordinate."""
        columns = self.low[0] + np.arange(self.shape[0]) + 0.5
        return np.repeat(np.sign(columns), self.shape[1])


def _sweep(
    strengths: tuple[float, ...],
    sizes: tuple[int, ...],
    dimensions: tuple[int, ...],
    n_real: int,
    fineness: tuple[int, int],
    seed: int,
    draws: list[int],
) -> FloatArray:
    """(sizes, strengths, draws, quantities, k), for these draws."""
    distribution = gaussian_toy_distribution()
    # Each draw has its own streams, so that it depends on no other.
    points = [
        np.concatenate(
            [
                distribution.sample(count, np.random.default_rng([seed, draw, side]))
                for side, count in enumerate((n_real, max(sizes)))
            ]
        )
        for draw in draws
    ]
    fresh, masses = _fresh_points(*_FRESH_CELLS)
    everything = np.concatenate([fresh, *points])
    result = np.empty((len(sizes), len(strengths), len(draws), 4, len(dimensions)))
    for s, strength in enumerate(strengths):
        grid = _Grid.around(everything, strength, fineness)
        fresh_kernel, view_signs = grid.kernel(fresh), grid.signs()
        for d, drawn in enumerate(points):
            kernel, signs = grid.kernel(drawn), np.sign(drawn[:, 0])
            for g, size in enumerate(sizes):
                n = n_real + size
                some, end, weights = kernel[:n], signs[:n], np.full(n, 1 / n)
                gaps, predictions = spectrum_and_probe(some, weights, view_signs, dimensions)
                votes, fresh_votes = (_majority(a, predictions) for a in (some, fresh_kernel))
                train = weights @ (votes != end[:, None])
                real = masses @ np.abs(fresh_votes - np.sign(fresh[:, :1])) / 2
                unique = ~np.isnan(predictions[0])
                result[g, s, d] = (
                    np.full(len(dimensions), weights @ (1 - end * (some @ view_signs)) / 2),
                    gaps,
                    np.where(unique, train, np.nan),
                    np.where(unique, real, np.nan),
                )
    return result


def _fresh_points(across: int, along: int) -> tuple[FloatArray, FloatArray]:
    """Centres (cells, 2) and real masses of cells that grow with their distance from the border."""
    from scipy.special import ndtr

    std = float(np.sqrt(VARIANCE))
    side = np.concatenate([[0.0], np.geomspace(0.002, 1 + 4.5 * std, across)])
    first = np.concatenate([-side[:0:-1], side])
    second = np.linspace(-4.5, 4.5, along + 1) * std
    shares = [np.diff(sum(ndtr((first - c) / std) for c in CENTRES)), np.diff(ndtr(second / std))]
    masses = np.outer(*shares).ravel()
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (first, second)]
    centres = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    kept = masses > 1e-9
    return centres[kept], masses[kept] / masses[kept].sum()


def spectrum_and_probe(
    kernel: Matrix, weights: FloatArray, view_signs: FloatArray, dimensions: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """λ_{k+1} (k,), and the linear probe's sign on each view (views, k) for each of `dimensions`.

    kernel (n, views), csr_array; weights (n,), P_t; view_signs (views,): labels, −1.0 or 1.0. The
    sign is 0 where a view is unseen or its score ties, and NaN throughout where λ_k = λ_{k+1} < 1.
    `AugmentationGraph` has the same in general, with every check; this is for thousands of graphs.
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


def _majority(kernel: Matrix, predictions: FloatArray) -> FloatArray:
    """Majority among each point's views, −1, 0 (tied, or no votes) or 1, (n, k)."""
    votes = kernel @ predictions
    return np.where(np.abs(votes) > TIE, np.sign(votes), 0.0)

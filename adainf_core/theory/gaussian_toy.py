"""The paper's two-Gaussian toy (AdaInf, section 4.3): in population, and α in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.theory.gaussian_mixtures import GaussianMixture
from adainf_core.theory.worlds import FiniteWorld
from adainf_core.validation import FloatArray, IntArray, Matrix, as_positive

# Of each class; the reconstruction in use reads the paper's 0.7 as a variance, not a std.
VARIANCE = 0.7
CENTRES = (-1.0, 1.0)  # on the first axis
# About 200 views per point; halving the grid's pitch moves λ by 1 to 2 %.
PITCHES_PER_RADIUS = 8
# Cells at exactly the radius belong to the disc, however their distance is rounded.
_ON_THE_RIM = 1 + 1e-12
_TRIMMED = 1e-6  # mass of each distribution, at most, in the cells that a population leaves out


def gaussian_toy_distribution(variance: float = VARIANCE) -> GaussianMixture:
    """The toy's real P_d = ½ N((−1, 0), v I) + ½ N((1, 0), v I), v = `variance` > 0."""
    std = math.sqrt(as_positive(variance, "variance"))
    return GaussianMixture.isotropic([0.5, 0.5], [(c, 0.0) for c in CENTRES], std)


def gaussian_toy_population(
    strength: float,
    generator: GaussianMixture | None = None,
    *,
    cell: float | tuple[float, float] | None = None,
    pitch: float | tuple[float, float] | None = None,
) -> FiniteWorld:
    """The toy without sampling: P_d and P_g as masses of the cells of a grid of the plane.

    P_g is `generator`'s, by default the real one. Natural points are the centres of cells of side
    `cell` (one number, or one per axis; default min(strength / 4, 0.15)), with mass in proportion
    to the distributions' densities there; of each distribution, the lightest cells, less than 1e-6
    in all, are left out. A view is uniform over the cells of a grid of side `pitch` (as `cell`;
    default strength / 8) whose centre lies within radius `strength` > 0. Labels are the sign of the
    first coordinate, 1 for positive, for points and views alike; no view lies on the border.

    All of the theory is exact for these finite distributions. Against those of the plane, at the
    default cell and for the generators of `toy_generators` at distance 0.3, `total_variation` is
    off by less than 0.001 and α by less than 0.003; a probe's error moves in steps, as columns of
    cells or views along the border change sides, of about 0.23 · the wider of the two. The points
    are a mesh, several thousand of them; a cell and a pitch that are short across the border and
    long beside it cost less.
    """
    distribution = gaussian_toy_distribution()
    other = _plane_distribution(generator)
    radius = as_positive(strength, "strength")
    side = _sides(radius / PITCHES_PER_RADIUS if pitch is None else pitch, "pitch")
    if side.max() > radius:
        raise ValueError(
            f"pitch = {side.max():g} is above strength = {radius:g}, so a disc may hold no cell: "
            "take an eighth of the strength"
        )
    width = _sides(min(radius / 4, 0.15) if cell is None else cell, "cell")
    centres = _grid([distribution, other], width)
    p_real, p_generated = (_trimmed(each.density(centres)) for each in (distribution, other))
    kept = (p_real > 0) | (p_generated > 0)
    points = centres[kept]
    kernel, cells = disc_kernel(points, radius, side)
    return FiniteWorld(
        kernel=kernel,
        p_real=p_real[kept],
        p_generated=p_generated[kept],
        natural_labels=(points[:, 0] > 0).astype(np.int64),
        view_labels=(cells[:, 0] > 0).astype(np.int64),
        positions=points,
        view_positions=cells,
    )


def disc_cells(points: FloatArray, radius: float, pitch: ArrayLike) -> tuple[IntArray, IntArray]:
    """Cells of the grid whose centre lies within `radius` of each point.

    points (n, 2); pitch: one number, or one per axis, so small that no disc is empty. Returns for
    each pair the point's number (pairs,), ascending, and the cell's coordinates (pairs, 2): cell c
    covers [c, c + 1) · pitch on each axis, so no centre (c + ½) · pitch lies on an axis.
    """
    sides = np.broadcast_to(np.asarray(pitch, dtype=float), 2)
    home = np.floor(points / sides).astype(np.int64)
    squares, steps = [], []
    for axis, side in enumerate(sides):
        reach = math.ceil(radius / side) + 1
        steps.append(np.arange(-reach, reach + 1))
        offset = points[:, axis] / side - home[:, axis] - 0.5
        squares.append(((steps[axis][:, None] - offset) * side) ** 2)
    inside = squares[0][:, None] + squares[1][None] <= radius**2 * _ON_THE_RIM
    rows, first, second = np.nonzero(np.moveaxis(inside, 2, 0))
    return rows, home[rows] + np.column_stack([steps[0][first], steps[1][second]])


def disc_kernel(points: FloatArray, radius: float, pitch: ArrayLike) -> tuple[Matrix, FloatArray]:
    """Kernel (n, m), csr_array, uniform on the cells of each point's disc; their centres (m, 2)."""
    from scipy.sparse import csr_array

    rows, cells = disc_cells(points, radius, pitch)
    low = cells.min(axis=0)
    width = int(cells[:, 1].max() - low[1]) + 1
    keys, columns = np.unique((cells - low) @ np.array([width, 1]), return_inverse=True)
    values = 1 / np.bincount(rows, minlength=len(points))[rows]
    kernel = csr_array((values, (rows, columns)), shape=(len(points), len(keys)))
    centres = (np.column_stack([keys // width, keys % width]) + low + 0.5) * np.asarray(pitch)
    return kernel, centres


def gaussian_toy_labeling_error(
    strength: float, distribution: GaussianMixture | None = None
) -> float:
    """α(r) of the toy's population with the sign labeler: ∫_0^r (f(t) + f(−t)) T_r(t) dt.

    f is the density of the first coordinate under `distribution` (by default the real one)
    and T_r(t) = [arccos(t/r) − (t/r) √(1 − (t/r)²)] / π the share of a disc of radius r
    beyond distance t of its centre. About f(0) · 4 r / (3 π) for small r = `strength` > 0. Accurate
    to 1e-12 for the real distribution (Gauss–Legendre in the angle φ, t = r cos φ, in which the
    integrand is smooth), to 1e-9 for components of std 0.1 or more. α_t = β α(P_d) + (1 − β)
    α(P_g).
    """
    radius = as_positive(strength, "strength")
    distribution = _plane_distribution(distribution)
    means, stds = distribution.means[:, 0], np.sqrt(distribution.covariances[:, 0, 0])
    # Beyond 12 standard deviations the density is below 1e-31: leave it out, so that the nodes
    # resolve the rest.
    start = math.acos(min(1.0, float((np.abs(means) + 12 * stds).max()) / radius))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    half = (math.pi / 2 - start) / 2
    angle = start + half * (nodes + 1)
    t = radius * np.cos(angle)
    heights = distribution.weights / (stds * math.sqrt(2 * math.pi))
    density = np.exp(-0.5 * ((np.stack([t, -t])[..., None] - means) / stds) ** 2) @ heights
    beyond = (angle - np.sin(angle) * np.cos(angle)) / math.pi
    integrand = weights * density.sum(axis=0) * beyond * radius * np.sin(angle)
    return float(half * integrand.sum())


def _sides(value: float | tuple[float, float], name: str) -> FloatArray:
    """Sides (2,) of a grid's cells from one number, or one per axis."""
    sides = np.ravel(value)
    if len(sides) > 2:
        raise ValueError(f"{name} has {len(sides)} sides: give one, or one for each of two axes")
    return np.broadcast_to([as_positive(side, name) for side in sides], 2)


def _plane_distribution(distribution: GaussianMixture | None) -> GaussianMixture:
    if distribution is None:
        return gaussian_toy_distribution()
    if distribution.dimension != 2:
        raise ValueError(
            f"the distribution has {distribution.dimension} dimensions: the toy's plane has two"
        )
    return distribution


def _grid(distributions: list[GaussianMixture], width: FloatArray) -> FloatArray:
    """Centres (cells, 2) of cells of sides `width`, in a box of 7 standard deviations and more."""
    means = np.concatenate([distribution.means for distribution in distributions])
    covariances = np.concatenate([distribution.covariances for distribution in distributions])
    reach = 7 * np.sqrt(np.einsum("jaa->ja", covariances))
    low = np.floor((means - reach).min(axis=0) / width)
    high = np.ceil((means + reach).max(axis=0) / width)
    axes = [(np.arange(*ends) + 0.5) * w for *ends, w in zip(low, high, width, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _trimmed(masses: FloatArray) -> FloatArray:
    """A distribution in proportion to `masses`, without its lightest cells."""
    ascending = np.sort(masses)
    least = ascending[np.searchsorted(np.cumsum(ascending), _TRIMMED * masses.sum())]
    # Mirror images differ by rounding at most: they stay or go together.
    kept = np.where(masses >= least * (1 - 1e-9), masses, 0)
    return kept / kept.sum()

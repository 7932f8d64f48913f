"""Mixtures of Gaussians, and their total variation by quadrature with an error estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import (
    FloatArray,
    IntArray,
    as_count,
    as_distribution,
    as_positive,
    as_real,
    as_share,
    freeze,
)

_REACH = 9.0  # standard deviations: beyond lies 2e-19 of a Gaussian
_MOST_CELLS = 20_000_000  # of one call: past them the error says what is left open
_BLOCK = 50_000  # cells bisected at once
_FINE, _COARSE = np.polynomial.legendre.leggauss(15), np.polynomial.legendre.leggauss(7)


@dataclass(frozen=True)
class QuadratureEstimate:
    """An integral by quadrature: `value`, and `error`, an estimate from above of |value − truth|.

    What the error covers is said where the estimate is made.
    """

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The distribution Σ_j w_j N(μ_j, Σ_j) on R^d.

    weights (c,): nonnegative, sum one; means (c, d); covariances (c, d, d): symmetric and positive
    definite. Stored as read-only float64. ValueError names the component at fault.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray

    def __post_init__(self) -> None:
        weights = as_distribution(self.weights, "weights")
        means = _finite(as_real(self.means, "means"), "means")
        covariances = _finite(as_real(self.covariances, "covariances"), "covariances")
        if weights.ndim != 1 or means.ndim != 2 or len(means) != len(weights) or not means.size:
            raise ValueError(
                f"weights have shape {weights.shape} and means {means.shape}: "
                "give (c,) and (c, d), one row of means per component"
            )
        expected = (*means.shape, means.shape[1])
        if covariances.shape != expected:
            raise ValueError(f"covariances have shape {covariances.shape}, expected {expected}")
        for j, matrix in enumerate(covariances):
            if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0):
                raise ValueError(f"covariances[{j}] is not symmetric: use (C + C.T) / 2")
            least = float(np.linalg.eigvalsh(matrix)[0])
            if not least > 1e-14 * float(np.trace(matrix)):
                raise ValueError(
                    f"covariances[{j}] has eigenvalue {least:.3g}: it must be positive definite"
                )
        object.__setattr__(self, "weights", freeze(weights))
        object.__setattr__(self, "means", freeze(means))
        object.__setattr__(self, "covariances", freeze(covariances))

    @classmethod
    def isotropic(cls, weights: ArrayLike, means: ArrayLike, std: ArrayLike) -> GaussianMixture:
        """Components N(μ_j, σ_j² I): std > 0, one number for all or one per component (c,)."""
        centres = as_real(means, "means")
        if centres.ndim != 2:
            raise ValueError(
                f"means have shape {centres.shape}: give (c, d), one row per component"
            )
        stds = as_real(std, "std")
        if stds.shape not in ((), (len(centres),)) or not (stds > 0).all():
            raise ValueError(
                f"std = {stds.tolist()}: give one number above 0, or one per component"
            )
        stds = np.broadcast_to(stds, len(centres))
        covariances = stds[:, None, None] ** 2 * np.eye(centres.shape[1])
        return cls(np.asarray(weights), centres, covariances)

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return self.means.shape[1]

    def marginal(self, *axes: int) -> GaussianMixture:
        """The distribution of some coordinates alone, in the order given."""
        kept = [as_count(axis, "axis", 0, self.dimension - 1) for axis in axes]
        return GaussianMixture(
            self.weights, self.means[:, kept], self.covariances[:, kept][:, :, kept]
        )

    @cached_property
    def _factors(self) -> FloatArray:
        return np.asarray(np.linalg.cholesky(self.covariances))

    def density(self, points: ArrayLike) -> FloatArray:
        """Density (n,) at `points` (n, d)."""
        x = as_real(points, "points")
        if x.ndim != 2 or x.shape[1] != self.dimension:
            raise ValueError(f"points have shape {x.shape}, expected (n, {self.dimension})")
        total = np.zeros(len(x))
        for weight, mean, factor in zip(self.weights, self.means, self._factors, strict=True):
            z = np.linalg.solve(factor, (x - mean).T)
            peak = weight / (math.sqrt(2 * math.pi) ** self.dimension * np.diag(factor).prod())
            total += peak * np.exp(-0.5 * (z * z).sum(axis=0))
        return total

    def sample(
        self, n: int, rng: np.random.Generator, components: bool = False
    ) -> FloatArray | tuple[FloatArray, IntArray]:
        """`n` independent points (n, d); with `components` also the component (n,) of each."""
        count = as_count(n, "n", 0)
        drawn = rng.choice(len(self.weights), size=count, p=self.weights).astype(np.int64)
        noise = rng.standard_normal((count, self.dimension))
        points = self.means[drawn] + np.einsum("nij,nj->ni", self._factors[drawn], noise)
        return (points, drawn) if components else points

    def mixture(self, other: GaussianMixture, beta: float) -> GaussianMixture:
        """The distribution β self + (1 − β) other: P_t where self is P_d."""
        share = as_share(beta, "beta")
        self._same_space(other)
        return GaussianMixture(
            np.concatenate([share * self.weights, (1 - share) * other.weights]),
            np.concatenate([self.means, other.means]),
            np.concatenate([self.covariances, other.covariances]),
        )

    def total_variation(
        self, other: GaussianMixture, tolerance: float = 1e-8
    ) -> QuadratureEstimate:
        """Total variation ½ ∫ |p − q| with its error, aimed at `tolerance`.

        Components that both share are cancelled first, and directions in which all components
        agree are integrated out: of one covariance, any d will do while the means span at most
        two dimensions. Then: two Gaussians of equal covariance in closed form (Mahalanobis
        distance); one dimension by bisection, each cell by the distribution functions, with a
        rigorous error up to rounding; two dimensions by slices, each integrated so, and an
        adaptive Gauss–Legendre rule across them whose error is estimated by the larger of two
        differences, from a rule of half as many points and from panels twice as wide. ValueError
        where more than two dimensions remain.
        """
        self._same_space(other)
        target = as_positive(tolerance, "tolerance")
        weights, means, covariances = _signed(self, other)
        if not len(weights):
            return QuadratureEstimate(0.0, 0.0)
        means, covariances, lost = _reduced(means, covariances)
        if len(weights) == 2 and np.abs(covariances[0] - covariances[1]).max() <= 1e-12:
            distance = float(np.linalg.norm(means[0] - means[1]))
            value = float(np.abs(weights).sum()) / 2 * math.erf(distance / math.sqrt(8))
            return QuadratureEstimate(value, lost + 4e-16)
        if means.shape[1] == 1:
            stds = np.sqrt(covariances[:, 0, 0])
            sums, errors = _absolute_integrals(weights[None], means.T, stds, target)
            value, error = float(sums[0]), float(errors[0])
        elif means.shape[1] == 2:
            value, error = _by_slices(weights, means, covariances, target)
        else:
            raise ValueError(
                f"the components differ in {means.shape[1]} dimensions and quadrature handles two: "
                "give them one covariance and means on a plane, or estimate from samples "
                "(tv_lower_bound)"
            )
        return QuadratureEstimate(min(1.0, value / 2), error / 2 + lost)

    def _same_space(self, other: GaussianMixture) -> None:
        if other.dimension != self.dimension:
            raise ValueError(
                f"the mixtures live in {self.dimension} and {other.dimension} dimensions: "
                "give both in one space"
            )


def _finite(values: FloatArray, name: str) -> FloatArray:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        j = int(bad[0][0]) if values.ndim else 0
        raise ValueError(f"{name}[{j}] must be finite: drop or repair the component")
    return values


def _signed(p: GaussianMixture, q: GaussianMixture) -> tuple[FloatArray, FloatArray, FloatArray]:
    """p − q as distinct Gaussians of signed weights; what p and q have in common cancels."""
    weights = np.concatenate([p.weights, -q.weights])
    means = np.concatenate([p.means, q.means])
    covariances = np.concatenate([p.covariances, q.covariances])
    rows = np.concatenate([means, covariances.reshape(len(means), -1)], axis=1)
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    merged: FloatArray = np.bincount(group.ravel(), weights).astype(np.float64)
    kept = first[np.abs(merged) > 1e-15]
    return merged[np.abs(merged) > 1e-15], means[kept], covariances[kept]


def _reduced(means: FloatArray, covariances: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """The components in the directions in which they differ, and what leaving out the rest costs.

    Where the first component is made standard normal, let V span the differences of means and the
    columns of Σ_j − I. Orthogonally to V every component is N(0, I), independent of its part in V.
    """
    inverse = np.linalg.inv(np.linalg.cholesky(covariances[0]))
    means = (means - means[0]) @ inverse.T
    covariances = inverse @ covariances @ inverse.T
    d = means.shape[1]
    differences = np.concatenate([means, (covariances - np.eye(d)).reshape(-1, d)])
    _, sizes, directions = np.linalg.svd(differences, full_matrices=False)
    kept = sizes > 1e-11 * max(1.0, float(sizes[0]))
    kept[0] = True  # one direction must stay
    basis = directions[kept]
    # A shift by δ standard deviations moves a distribution by less than δ / 2 in total variation,
    # and a relative change δ of a variance by less than δ: the left-out singular values bound both.
    return means @ basis.T, basis @ covariances @ basis.T, float(sizes[~kept].sum())


def _by_slices(
    weights: FloatArray, means: FloatArray, covariances: FloatArray, tolerance: float
) -> tuple[float, float]:
    """∫∫ |Σ_j w_j N(μ_j, Σ_j)| in the plane and its error."""
    # Slices run along the direction in which the means differ most: they cross the set p = q.
    axes = np.linalg.svd(means - means.mean(axis=0))[2]
    means, covariances = means @ axes.T, axes @ covariances @ axes.T
    stds = np.sqrt(covariances[:, 1, 1])
    slopes = covariances[:, 0, 1] / covariances[:, 1, 1]
    conditional = np.sqrt(covariances[:, 0, 0] - slopes * covariances[:, 0, 1])
    marks = means[:, 1, None] + stds[:, None] * np.array([-_REACH, -5, -2, 0, 2, 5, _REACH])
    edges = np.unique(marks)
    edges = edges[np.diff(edges, prepend=-np.inf) > 1e-3 * stds.min()]
    extent = edges[-1] - edges[0]

    def panels(left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        nodes = np.concatenate([_FINE[0], _COARSE[0]])
        half = (right - left)[:, None] / 2
        x = ((left + right)[:, None] / 2 + half * nodes).ravel()[:, None]
        z = (x - means[:, 1]) / stds
        at = weights * np.exp(-0.5 * z * z) / (stds * math.sqrt(2 * math.pi))
        centres = means[:, 0] + slopes * (x - means[:, 1])
        sums, errors = _absolute_integrals(at, centres, conditional, tolerance / extent / 4)
        sums, errors = (half * rows.reshape(len(half), -1) for rows in (sums, errors))
        split = len(_FINE[0])
        fine, coarse = sums[:, :split] @ _FINE[1], sums[:, split:] @ _COARSE[1]
        return fine, np.abs(fine - coarse), errors[:, :split] @ _FINE[1]

    left, right = edges[:-1], edges[1:]
    whole = panels(left, right)[0]
    value, error = 0.0, 0.0
    for level in range(40):
        # A panel is taken in halves, and only where they agree with the whole and each with its
        # coarser rule: where a lobe begins or ends inside, either check alone can pass by chance.
        middle = (left + right) / 2
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        fine, gap, inner = panels(left, right)
        both, gaps, inners = (each.reshape(2, -1).sum(axis=0) for each in (fine, gap, inner))
        doubt = np.maximum(gaps, np.abs(both - whole))
        open_ = (doubt > tolerance / 40) & (level < 39)
        value += float(both[~open_].sum())
        error += float((doubt + inners)[~open_].sum())
        if not open_.any():
            break
        halves = np.tile(open_, 2)
        left, right, whole = left[halves], right[halves], fine[halves]
    return value, error


def _absolute_integrals(
    weights: FloatArray, means: FloatArray, stds: FloatArray, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """∫ |f_i| of each row f_i = Σ_j w_ij N(m_ij, s_j²), and a bound on its error.

    weights, means (n, c); stds (c,). The line is cut into cells, and a cell in which the sign of f
    is not settled is halved until what is at stake is small. Over a cell of width h, f lies within
    δ = h² max|f''| / 8 of its chord. Chord and f are split where the chord crosses zero; each
    part is integrated exactly, and at most δ²/slope there, or 2h (δ − min |f|) where the ends agree
    in sign, can cancel unseen. Nor can more than twice the lesser of the two signs' masses.
    """
    from scipy.special import ndtr

    n = len(weights)
    low, high = float((means - _REACH * stds).min()), float((means + _REACH * stds).max())
    sums, errors = np.zeros(n), np.full(n, 1e-15)
    for edge, side in ((low, 1), (high, -1)):
        masses = weights * ndtr(side * (edge - means) / stds)
        sums += np.abs(masses.sum(axis=1))
        errors += 2 * np.minimum(*_signs(masses))
    grid = np.linspace(low, high, 33)
    cells = np.repeat(np.arange(n), 32), np.tile(grid[:-1], n), np.tile(grid[1:], n)
    pending, seen = [cells], 0
    while pending:
        rows, left, right = pending.pop()
        seen += len(rows)
        value, error = _cells(weights[rows], means[rows], stds, left, right)
        open_ = (error > tolerance / 20) & (right - left > 1e-12 * (high - low))
        open_ &= seen <= _MOST_CELLS
        sums += np.bincount(rows[~open_], value[~open_], n)
        errors += np.bincount(rows[~open_], error[~open_], n)
        middle = (left + right)[open_] / 2
        rows = np.tile(rows[open_], 2)
        left = np.concatenate([left[open_], middle])
        right = np.concatenate([middle, right[open_]])
        # The last block first, so that memory stays bounded.
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            pending.append((rows[block], left[block], right[block]))
    return sums, errors


def _cells(
    weights: FloatArray, means: FloatArray, stds: FloatArray, left: FloatArray, right: FloatArray
) -> tuple[FloatArray, FloatArray]:
    from scipy.special import ndtr

    def standardised(at: FloatArray) -> FloatArray:
        return (at[:, None] - means) / stds

    z_left, z_right = ends = standardised(left), standardised(right)
    heights = weights / (stds * math.sqrt(2 * math.pi))
    start, end = ((heights * np.exp(-0.5 * z * z)).sum(axis=1) for z in ends)
    width = right - left
    # The second derivative is bounded by its values at the ends and by the third, whose factor
    # |z³ − 3z| exp(−z²/2) is at most 1.381 and falls beyond z = √(3 + √6) < 2.335.
    bends = [((heights / stds**2) * (z * z - 1) * np.exp(-0.5 * z * z)).sum(axis=1) for z in ends]
    nearest = np.where(z_left * z_right > 0, np.minimum(np.abs(z_left), np.abs(z_right)), 0)
    far = np.where(nearest > 2.335, nearest, 0)
    third = np.where(far > 0, (far**3 - 3 * far) * np.exp(-0.5 * far * far), 1.381)
    change = width / 2 * (np.abs(heights) / stds**3 * third).sum(axis=1)
    bend = np.maximum(*np.abs(bends)) + change
    delta = width**2 / 8 * bend
    crosses = start * end < 0
    gap = np.abs(start) + np.abs(end)
    with np.errstate(divide="ignore", invalid="ignore"):
        split = np.where(crosses, left + width * np.abs(start) / gap, left)
        unseen = np.where(
            crosses,
            2 * delta**2 * width / gap,
            2 * width * np.maximum(0, delta - np.minimum(np.abs(start), np.abs(end))),
        )
    cdfs = [ndtr(z) for z in (z_left, standardised(split), z_right)]
    parts = [weights * (second - first) for first, second in pairwise(cdfs)]
    value = sum(np.abs(part.sum(axis=1)) for part in parts)
    mass = 2 * sum(np.minimum(*_signs(part)) for part in parts)
    return value, np.minimum(unseen, mass)


def _signs(masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.maximum(masses, 0).sum(axis=1), np.maximum(-masses, 0).sum(axis=1)

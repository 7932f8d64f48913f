"""Largest eigenpairs of a large symmetric operator: block Lanczos under a Chebyshev filter.

A cycle builds a Krylov basis from one start vector (or a block of them), takes Ritz pairs from it,
and locks and deflates those that have converged. The next cycle starts from the others, and its
operator is a Chebyshev polynomial of the given one that damps everything below them: products with
a sparse matrix are cheap, orthogonalising a long basis is not. A Krylov space holds one copy of a
multiple eigenvalue, so the last cycle looks, from a fresh random vector, for copies that were
missed. The iteration runs in single precision as long as that can reach the residuals asked for;
values, vectors and residuals returned are those of a Rayleigh-Ritz step in double precision. (Saad,
"Numerical Methods for Large Eigenvalue Problems", 2011; Zhou and Saad, SIAM J. Matrix Anal., 2007.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adainf_core.validation import FloatArray

Block = NDArray[Any]  # (b, n), one vector a row, float32 or float64

BLOCK = 1  # vectors that enter at a time; on a CPU more of them cost more and bring less
BASIS = 72  # vectors of a Krylov basis, more where many eigenvalues are wanted
BUDGET = 40_000  # products of the operator with one vector, then the solver gives up
FILTER_STRENGTH = 1.2  # growth, in nats a step, of the slowest wanted vector against the damped
SEARCH_MARGIN = 3.0  # nats beyond what lifts a missed copy out of a random vector
SEARCH_SHARE = 1 / 16  # copies are looked for whose λ is this share below that of the last found
AMPLIFICATION = 1e4  # most that the filter may blow up: rounding errors grow with it
OVERFLOW = 40.0  # log of what squares of single-precision numbers leave room for
HIGHEST_DEGREE = 101
RELATIVE = 1e-2  # residuals are also held below this share of 1 − γ, so tiny λ are real ones
SINGLE = 2e-6  # smallest residual that single precision reaches reliably


REMEDY = "ask for fewer eigenvalues, strengthen the augmentation or coarsen the views"


class SpectrumError(RuntimeError):
    """The iterative eigensolver did not converge; the message carries the residual reached."""


def largest_eigenpairs(
    apply: Callable[[Block], Block], known: FloatArray, count: int, tolerance: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The `count` largest eigenvalues γ ≤ 1, descending, with vectors (count, n) and residuals.

    apply: block (b, n) -> block, the operator on each row, in the block's own dtype; it is the only
    access to the operator. known: (c, n), c < count, all eigenvectors of γ = 1, orthonormal rows.
    Residuals ‖S v − γ v‖ are at most twice `tolerance` and (1 − γ)/50: a γ lies within r of an
    exact eigenvalue, and within r²/gap where the rest of the spectrum is a gap away. Copies of
    multiple eigenvalues are all found, short of ones whose 1 − γ is within a sixteenth of the last
    one's. Same operator, same digits. SpectrumError with the residual where that takes too many
    products.
    """
    for dtype in [np.float32, np.float64] if tolerance >= SINGLE else [np.float64]:
        found = _Solver(apply, known.astype(dtype), count, tolerance).run()
        if found is None:  # some λ is too small for single precision
            continue
        # Single precision leaves the vectors orthonormal to 1e-7 only.
        vectors = found.astype(np.float64)
        vectors -= (vectors @ known.T) @ known
        vectors = np.linalg.solve(np.linalg.cholesky(vectors @ vectors.T), vectors)
        values, vectors, residuals = _ritz(vectors, apply(vectors), count - len(known))
        # Rounding may leave a single-precision pair a little above what it was locked at.
        if (residuals <= 2 * _target(values, tolerance)).all():
            exact = np.ones(len(known))
            return (
                np.concatenate([exact, values]),
                np.vstack([known, vectors]),
                np.concatenate([0 * exact, residuals]),
            )
    raise SpectrumError(
        f"residual {residuals.max():.2g} after refinement, above the tolerance {tolerance:g}"
    )


class _Solver:
    def __init__(
        self, apply: Callable[[Block], Block], known: Block, count: int, tolerance: float
    ) -> None:
        self.apply, self.count, self.tolerance = apply, count, tolerance
        self.locked, self.values, self.known = known, np.ones(len(known)), len(known)
        self.dtype, self.side = known.dtype, known.shape[1]
        self.random = np.random.default_rng(0)  # fixed: the same graph gives the same digits
        self.products, self.worst = 0, 0.0  # worst residual that was locked
        self.degree, self.low, self.cut = 1, 0.0, 0.0

    def run(self) -> Block | None:
        """Locked eigenvectors beyond the known ones; None where double precision is needed."""
        start, strength, worst = self._random_block(), FILTER_STRENGTH, np.inf
        searching, filtered = False, False
        longest = size = max(BASIS, 4 * self.count)
        while True:
            values, vectors, residuals = self._cycle(start, size, searching)
            wanted = self._wanted(values)
            if searching and not wanted.any():
                return self.locked[self.known :]
            target = _target(values, self.tolerance)
            if self.dtype == np.float32 and (target[wanted] < SINGLE).any():
                return None
            done, left = wanted & (residuals <= target), wanted & (residuals > target)
            self.locked = np.vstack([self.locked, vectors[done]])
            self.values = np.concatenate([self.values, values[done]])
            self.worst = max(self.worst, float(residuals[done].max(initial=0)))
            if self.products > BUDGET:
                raise SpectrumError(
                    f"{len(self.locked)} of {self.count} eigenvalues converged in {self.products} "
                    f"products of side {self.side}; the others have residuals up to "
                    f"{residuals[left].max(initial=0):.2g}, tolerance {self.tolerance:g}: gaps are "
                    f"tiny, as in a fine mesh; {REMEDY}"
                )
            below, searching = values[min(wanted.sum() + 1, len(values) - 1) :], not left.any()
            if searching:
                worst, strength, start = np.inf, FILTER_STRENGTH, self._random_block()
                size = self._choose_search()
            else:
                if filtered and not done.any() and residuals[left].max() > worst / 3:
                    strength *= 2  # hardly any progress: filter harder
                worst, filtered = residuals[left].max(), True
                mix = self.random.standard_normal((BLOCK, int(left.sum()))).astype(self.dtype)
                start, size = mix @ vectors[left], longest
                self._choose_filter(below, values[left], strength)

    def _wanted(self, values: FloatArray) -> NDArray[np.bool_]:
        """Which Ritz values belong to the `count` largest eigenvalues, by what is known so far."""
        missing = self.count - len(self.locked)
        if missing > 0:
            return np.arange(len(values)) < missing
        return values > self._last() + 8 * float(np.finfo(self.dtype).eps)

    def _last(self) -> float:
        """The smallest eigenvalue among the `count` largest that are locked."""
        return float(np.sort(self.values)[-min(self.count, len(self.values))])

    def _random_block(self) -> Block:
        return self.random.standard_normal((BLOCK, self.side)).astype(self.dtype)

    def _choose_filter(self, below: FloatArray, aim: FloatArray, strength: float) -> None:
        """Damp what lies below the unwanted Ritz values `below`; lift all of `aim`."""
        lower = below[1:][below[1:] < aim.min() - 1e-6]
        cut = lower[0] if len(lower) else aim.min() - 0.05 * (aim.min() - self.low)
        self.cut = max(float(cut), self.low + 0.1)
        # A missed copy of an eigenvalue already locked must not overflow.
        highest = max(float(self.values[self.known :].max(initial=0)), aim.max())
        extremes = np.array([aim.min(), aim.max(), highest])
        ratios = np.maximum(extremes - self.cut, 1e-9) / ((self.cut - self.low) / 2)
        slow, fast, hidden = np.arccosh(1 + ratios)
        degree = min(
            strength / slow, np.log(2 * AMPLIFICATION) / fast, OVERFLOW / hidden, HIGHEST_DEGREE
        )
        # Odd: a value under `low` turns into a very negative one, not into a leading one.
        self.degree = 2 * int(degree / 2) + 1 if degree > 2 else 1

    def _choose_search(self) -> int:
        """Filter and basis size that would lift a copy that matters out of a random vector."""
        last = self._last()
        distance = SEARCH_SHARE * (1 - last)
        self.cut = max(last, self.low + 0.1)
        half = (self.cut - self.low) / 2
        growth = np.arccosh(1 + np.array([distance, self.values[self.known :].max() - last]) / half)
        nats = np.log(self.side / distance) / 2 + SEARCH_MARGIN
        degree = min(nats / growth[0] / 40, OVERFLOW / max(growth[1], 1e-9), HIGHEST_DEGREE)
        self.degree = 2 * int(degree / 2) + 1 if degree > 1 else 1
        size = int(np.ceil(nats / growth[0] / self.degree))
        if size > 4 * BASIS:
            raise SpectrumError(
                f"eigenvalues up to λ = {1 - last:.2g} converged (residuals to {self.worst:.2g}), "
                f"but to rule out a missed copy would take {size * self.degree} products of side "
                f"{self.side}: gaps are tiny, as in a fine mesh; {REMEDY}"
            )
        return size

    def _deflated(self, block: Block) -> Block:
        self.products += len(block)
        image = self.apply(block)
        image -= (image @ self.locked.T) @ self.locked
        return image

    def _filtered(self, block: Block) -> Block:
        """T_degree of the deflated operator, with [low, cut] mapped to [−1, 1]."""
        image = self._deflated(block)
        if self.degree == 1:
            return image
        half, middle = (
            self.dtype.type((self.cut - self.low) / 2),
            self.dtype.type((self.cut + self.low) / 2),
        )
        before, now = block, (image - middle * block) / half
        for _ in range(self.degree - 1):
            after = self._deflated(now)
            after -= middle * now
            after *= 2 / half
            after -= before
            before, now = now, after
        return now

    def _cycle(
        self, start: Block, size: int, searching: bool
    ) -> tuple[FloatArray, Block, FloatArray]:
        """Leading Ritz pairs, with residuals, of a Krylov basis built from `start`."""
        first = len(self.locked)
        room = (self.side - first) // BLOCK * BLOCK
        size = min(-(-size // BLOCK) * BLOCK, room)
        take = max(self.count - first, BLOCK) + BLOCK + 2
        frame = np.empty((first + size, self.side), self.dtype)
        frame[:first], basis = self.locked, frame[first:]
        projected, look = np.zeros((size, size)), take + 4 if not searching else size
        basis[:BLOCK] = self._orthonormal(start, self.locked, first)[0]
        for done in range(BLOCK, size + 1, BLOCK):
            image = self._filtered(basis[done - BLOCK : done])
            following, shares = self._orthonormal(image, frame[: first + done], 2 * BLOCK)
            projected[:done, done - BLOCK : done] = shares[first:]
            if done == size or (
                done >= look
                and done % 4 < BLOCK
                and self._promising(projected[:done, :done], following @ image.T)
            ):
                turn = np.linalg.eigh(projected[:done, :done], UPLO="U")[1][:, ::-1][:, :take]
                leading = turn.T.astype(self.dtype) @ basis[:done]
                values, vectors, residuals = _ritz(leading, self._deflated(leading), take)
                wanted = self._wanted(values)
                if (residuals[wanted] <= _target(values[wanted], self.tolerance)).all():
                    break
                look = done + 8
            if done < size:
                basis[done : done + BLOCK] = following
        if self.degree == 1:  # a lower bound of the spectrum: smallest Ritz value less its residual
            bottom, turn = np.linalg.eigh(projected[:done, :done], UPLO="U")
            rest = float(np.linalg.norm((following @ image.T) @ turn[-BLOCK:, 0]))
            self.low = min(self.low, float(bottom[0]) - rest)
        return values, vectors, residuals

    def _promising(self, projected: FloatArray, coupling: Block) -> bool:
        """Whether residuals, as told by the projected problem, seem to have reached the tolerance.

        Exact for degree 1, an estimate under a filter; the residuals themselves decide.
        """
        values, turn = np.linalg.eigh(projected, UPLO="U")
        leading = slice(-max(self.count - len(self.locked), BLOCK), None)
        residuals = np.linalg.norm(coupling @ turn[-BLOCK:, leading], axis=0)
        if self.degree > 1:  # back through the polynomial, by its slope above the cut
            lifted = np.maximum(values[leading], 1 + 1e-6)
            rise = np.cosh(np.arccosh(lifted) / self.degree) - 1
            slope = (self.cut - self.low) / 2 * rise / (lifted - 1)
            return bool((residuals * slope <= self.tolerance).all())
        return bool((residuals <= _target(values[leading], self.tolerance)).all())

    def _orthonormal(self, block: Block, frame: Block, recent: int) -> tuple[Block, Block]:
        """Orthonormal rows, orthogonal to `frame`, and the block's share of each frame vector.

        A first pass takes out the `recent` last rows, all that a Lanczos step reaches but for
        rounding, a second one the whole frame. Where rank is lost (the frame spans an invariant
        space), random vectors step in.
        """
        shares, near = np.zeros((len(frame), len(block)), self.dtype), frame[len(frame) - recent :]
        noise = 100 * np.finfo(self.dtype).eps
        before = np.linalg.norm(block, axis=1, keepdims=True)
        part = near @ block.T
        block = block - part.T @ near
        shares[len(frame) - recent :] = part
        for attempt in range(4):
            part = frame @ block.T
            block -= part.T @ frame
            if attempt == 0:
                shares += part
            after = np.linalg.norm(block, axis=1, keepdims=True)
            block *= np.where(after > noise * before, 1 / np.where(after > 0, after, 1), 0)
            squares, turn = np.linalg.eigh((block @ block.T).astype(np.float64))
            lost = squares < 1e-5
            block = (turn / np.sqrt(np.where(lost, 1, squares))).T.astype(self.dtype) @ block
            if not lost.any() and (attempt > 0 or (after > 1e-3 * before).all()):
                return block, shares
            block[lost] = self._random_block()[: int(lost.sum())]
            before = np.linalg.norm(block, axis=1, keepdims=True)
        return block, shares


def _target(values: FloatArray, tolerance: float) -> FloatArray:
    return np.minimum(tolerance, RELATIVE * np.maximum(1 - values, 1e-12))


def _ritz(vectors: Block, image: Block, count: int) -> tuple[FloatArray, Block, FloatArray]:
    """Rayleigh-Ritz on orthonormal rows and their image: values descending, vectors, residuals."""
    product = (vectors @ image.T).astype(np.float64)
    values, turn = np.linalg.eigh((product + product.T) / 2)
    values, turn = values[::-1][:count], turn[:, ::-1][:, :count].T.astype(vectors.dtype)
    vectors = turn @ vectors
    errors = turn @ image - values[:, None].astype(vectors.dtype) * vectors
    return values, vectors, np.linalg.norm(errors, axis=1).astype(np.float64)

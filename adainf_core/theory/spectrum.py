"""Leading spectrum of a normalised adjacency Ā, given as a matrix or by a factor B, Ā = BᵀB.

Of a factor (n, m) the smaller side is decomposed: Ā (m × m) and B Bᵀ (n × n) share their nonzero
eigenvalues γ = σ(B)². Large graphs are solved one connected component at a time, so that equal
components tie, and their γ = 1 have known vectors, the roots of the masses. A Krylov space holds
one copy of a multiple eigenvalue, and ARPACK returns fewer copies than there are without a word; so
everything found is moved to the lower end of the spectrum, and the search starts again from a fresh
random vector until nothing turns up above the smallest eigenvalue kept. Such a look needs no more
digits than tell the best that is left from that eigenvalue.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from adainf_core.validation import FloatArray, IntArray, Matrix, is_sparse

DENSE_LIMIT = 2_000  # below this side length LAPACK beats iterations (about 1 s on two cores)
DENSE_CEILING = 8_000  # above it a full decomposition is refused: 0.5 GB and several minutes
RANK_TOLERANCE = 1e-8  # of Ā's eigenvalues that count: below, vectors BᵀU/√γ lose accuracy
TIE_TOLERANCE = 1e-8  # eigenvalues closer than this are treated as tied
RESIDUAL = 1e-9  # ‖Ā v − γ v‖ asked of an eigenpair; γ errs by its square over the nearest gap
EXPLICIT_LIMIT = 2e8  # multiplications for a sparse Gram matrix, which speeds iterations about 3×
COARSE = 1e-3  # residual at which a look for missed copies begins
CLEAR = 10  # residuals between the best left and the smallest eigenvalue kept that end the look
NEGLIGIBLE = 1e-10  # what a copy may lie above the smallest kept and yet be left out
BASIS = 32  # vectors of a Krylov basis, more where many eigenvalues are wanted
BUDGET = 40_000  # products with one vector, then a search gives up: 90 s for a cycle of 100,000


class SpectrumError(RuntimeError):
    """The iterative eigensolver did not converge; the message says how far it came."""


class DegenerateSpectrumWarning(UserWarning):
    """Eigenvalues k and k + 1 tie: the top-k eigenspace, hence the encoder, is not unique."""


class Normalized:
    """Ā as a symmetric matrix, (v, v), dense or csr; roots (v,): square roots of the degrees."""

    def __init__(self, matrix: Matrix, roots: FloatArray) -> None:
        self.matrix, self.side_roots = matrix, roots
        self.size = self.side = len(roots)

    @cached_property
    def components(self) -> IntArray:
        """(v,) connected component, 0 … c − 1, of each view."""
        return connected_components(self.matrix)

    def parts(self, most: int) -> Iterator[tuple[Normalized, IntArray]]:
        """The graphs of the first `most` connected components, each with its views."""
        for views in _members(self.components)[:most]:
            whole = len(views) == self.size
            inside = self.matrix if whole else _block(self.matrix, views, views)
            yield Normalized(inside, self.side_roots[views]), views

    def dense(self) -> FloatArray:
        """The matrix that is decomposed, (side, side)."""
        return np.asarray(self.matrix.toarray() if is_sparse(self.matrix) else self.matrix)

    def row(self, node: int) -> FloatArray:
        """One row of the matrix that is decomposed, dense."""
        return _dense_row(self.matrix, node)

    def factors(self) -> list[Matrix]:
        """Matrices, first to last, whose product is the one that is decomposed."""
        return [self.matrix]

    def energy(self, vectors: FloatArray) -> float:
        """tr(Vᵀ Ā V) for V (v, k)."""
        return float((vectors * (self.matrix @ vectors)).sum())

    def lift(self, vectors: FloatArray, gammas: FloatArray) -> FloatArray:
        """Eigenvectors of Ā from those of the side that is decomposed."""
        return vectors


class Factored(Normalized):
    """Ā = BᵀB by its factor B, (n, v), dense or csr; the smaller side is decomposed.

    left (n,), right (v,): square roots of the masses of the natural points and of the views.
    """

    def __init__(self, factor: Matrix, left: FloatArray, right: FloatArray) -> None:
        self.factor, self.roots = factor, (left, right)
        n, v = (int(length) for length in factor.shape)
        self.size, self.side, self.flipped = v, min(n, v), n < v
        self.side_roots = left if self.flipped else right
        self.half = factor if self.flipped else factor.T

    @cached_property
    def both_components(self) -> IntArray:
        """(n + v,) connected component of each natural point, then of each view."""
        from scipy.sparse import csr_array

        rows, columns = self.factor.nonzero()
        side = sum(self.factor.shape)
        edges = (np.ones(len(rows)), (rows, columns + self.factor.shape[0]))
        return connected_components(csr_array(edges, shape=(side, side)))

    @property
    def components(self) -> IntArray:
        return self.both_components[self.factor.shape[0] :]

    def parts(self, most: int) -> Iterator[tuple[Normalized, IntArray]]:
        n = self.factor.shape[0]
        for nodes in _members(self.both_components)[:most]:
            points, views = nodes[nodes < n], nodes[nodes >= n] - n
            whole = len(nodes) == len(self.both_components)
            inside = self.factor if whole else _block(self.factor, points, views)
            yield Factored(inside, self.roots[0][points], self.roots[1][views]), views

    def dense(self) -> FloatArray:
        gram = self.half @ self.half.T
        return np.asarray(gram.toarray() if is_sparse(gram) else gram)

    def row(self, node: int) -> FloatArray:
        return np.asarray(self.half @ _dense_row(self.half, node))

    def factors(self) -> list[Matrix]:
        if is_sparse(self.factor):
            half = self.half.tocsr()
            shared = np.bincount(half.indices, minlength=half.shape[1]).astype(float)
            if (shared**2).sum() <= EXPLICIT_LIMIT:
                return [(half @ half.T).tocsr()]
            return [half, half.T.tocsr()]
        return [self.half, self.half.T]

    def energy(self, vectors: FloatArray) -> float:
        return float(((self.factor @ vectors) ** 2).sum())

    def lift(self, vectors: FloatArray, gammas: FloatArray) -> FloatArray:
        return (self.factor.T @ vectors) / np.sqrt(gammas) if self.flipped else vectors


def scaled(matrix: Matrix, rows: FloatArray, columns: FloatArray) -> Matrix:
    """diag(rows) matrix diag(columns), dense or csr."""
    if is_sparse(matrix):
        result = matrix.copy()
        lengths = np.diff(result.indptr)
        result.data = result.data * np.repeat(rows, lengths) * columns[result.indices]
        return result
    return rows[:, None] * matrix * columns


def connected_components(adjacency: Matrix) -> IntArray:
    """Component, 0 … c − 1, of each node of a symmetric matrix, dense or sparse.

    Every entry that is not zero is an edge, however small: of a dense matrix scipy would drop those
    up to 1e-8, which a weight divided by the sum of all soon is.
    """
    from scipy.sparse import csgraph, csr_array

    edges = adjacency if is_sparse(adjacency) else csr_array(adjacency != 0)
    labels = csgraph.connected_components(edges, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def leading_eigenvalues(source: Normalized, count: int) -> FloatArray:
    """The `count` largest eigenvalues γ of Ā, descending; fewer where all others are zero."""
    if _dense(source.side, count):
        return np.linalg.eigvalsh(source.dense())[::-1][:count].astype(np.float64)
    found = [values for _, _, values, _ in _by_component(source, count)]
    return np.sort(np.concatenate(found))[::-1][:count]


def leading_eigenvectors(source: Normalized, count: int) -> tuple[FloatArray, FloatArray]:
    """Leading eigenpairs of Ā, at most `count`, γ > RANK_TOLERANCE: γ (r,), V (v, r).

    Columns of V are orthonormal, their largest entry positive.
    """
    if _dense(source.side, count):
        parts = [(source, np.arange(source.size), *_in_full(source, count))]
    else:
        parts = list(_by_component(source, count))
    gammas = np.concatenate([values for _, _, values, _ in parts])
    chosen = np.argsort(-gammas, kind="stable")[:count]
    chosen = chosen[gammas[chosen] > RANK_TOLERANCE]
    vectors, first = np.zeros((source.size, len(chosen))), 0
    for part, views, values, own in parts:
        columns = np.flatnonzero((chosen >= first) & (chosen < first + len(values)))
        which = chosen[columns] - first
        vectors[np.ix_(views, columns)] = part.lift(own[:, which], values[which])
        first += len(values)
    peaks = vectors[np.abs(vectors).argmax(axis=0), np.arange(len(chosen))]
    return gammas[chosen], vectors * np.where(peaks < 0, -1.0, 1.0)


def lapack_is_cheap(side: int) -> bool:
    """True where a matrix of this side is decomposed in full, whatever part is asked for."""
    return side <= DENSE_LIMIT


def _dense(side: int, count: int) -> bool:
    if lapack_is_cheap(side):
        return True
    if 4 * count <= side:
        return False
    if side <= DENSE_CEILING:
        return True
    raise ValueError(
        f"{count} eigenvalues of a graph of side {side} would need a dense decomposition: "
        f"ask for at most {side // 4}"
    )


def _dense_row(matrix: Matrix, row: int) -> FloatArray:
    return np.asarray(matrix.tocsr()[[row]].toarray()[0] if is_sparse(matrix) else matrix[row])


def _block(matrix: Matrix, rows: IntArray, columns: IntArray) -> Matrix:
    return matrix[rows][:, columns] if is_sparse(matrix) else matrix[np.ix_(rows, columns)]


def _short(matrix: Matrix) -> Matrix:
    """The same with 32-bit indices where they suffice: products read them faster."""
    if not is_sparse(matrix) or max(matrix.nnz, *matrix.shape) > np.iinfo(np.int32).max:
        return matrix
    from scipy.sparse import csr_array

    indices, starts = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_array((matrix.data, indices, starts), shape=matrix.shape)


def _members(components: IntArray) -> list[IntArray]:
    """The nodes of each component, ascending."""
    order = np.argsort(components, kind="stable")
    return np.split(order, np.cumsum(np.bincount(components))[:-1])


Part = tuple[Normalized, IntArray, FloatArray, FloatArray]  # views, then γ (r,) and U (side, r)


def _by_component(source: Normalized, count: int) -> Iterator[Part]:
    """Eigenpairs of the side decomposed of each component: all that `count` in total may need."""
    others = int(source.components.max())  # each of them takes one
    for part, views in source.parts(count):
        need = min(max(count - others, 1), part.side)
        if need == 1:
            root = part.side_roots[:, None]
            yield part, views, np.ones(1), root / np.linalg.norm(root)
        elif lapack_is_cheap(part.side) or (4 * need > part.side and part.side <= DENSE_CEILING):
            yield part, views, *_in_full(part, need)
        else:
            yield part, views, *_search(part, need)


def _in_full(source: Normalized, count: int) -> tuple[FloatArray, FloatArray]:
    gammas, vectors = np.linalg.eigh(source.dense())
    return gammas[::-1][:count], vectors[:, ::-1][:, :count]


def _search(part: Normalized, count: int) -> tuple[FloatArray, FloatArray]:
    """The `count` ≥ 2 largest eigenpairs of a connected graph, all copies of multiple ones."""
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
    from threadpoolctl import ThreadpoolController

    # numpy and scipy bring a pool of threads each, and one spins while the other works; to find
    # them takes as long as a small search
    pools = ThreadpoolController()
    factors = [_short(factor) for factor in part.factors()]
    random = np.random.default_rng(0)  # fixed: the same graph gives the same digits
    values = np.ones(1)
    vectors = part.side_roots[:, None] / np.linalg.norm(part.side_roots)

    def image(block: FloatArray) -> FloatArray:
        for factor in reversed(factors):
            block = factor @ block
        return np.asarray(block)

    def deflated(vector: FloatArray) -> FloatArray:
        """Ā with what is found moved to −1, where the spectrum ends."""
        vector = vector.ravel()
        return image(vector) - vectors @ ((values + 1) * (vectors.T @ vector))

    operator = LinearOperator((part.side, part.side), matvec=deflated, dtype=np.float64)
    wanted, start, tolerance = count - 1, random.standard_normal(part.side), RESIDUAL
    while True:
        start = start - vectors @ (vectors.T @ start)
        basis = min(max(BASIS, 2 * wanted + 2), part.side)
        try:
            with pools.limit(limits=1, user_api="blas"):
                found, directions = eigsh(
                    operator, wanted, which="LA", tol=tolerance, v0=start, ncv=basis,
                    maxiter=BUDGET // basis,
                )  # fmt: skip
        except ArpackError as error:
            if part.side <= DENSE_CEILING:
                return _in_full(part, count)  # minutes, but an answer
            raise SpectrumError(
                f"{len(values)} of {count} eigenvalues converged to residuals of {RESIDUAL:g}, the "
                f"next not in {BUDGET} products of side {part.side}: gaps are tiny, as in a fine "
                f"mesh; ask for fewer eigenvalues, strengthen the augmentation or coarsen the "
                "views"
            ) from error
        floor = np.sort(values)[-count] if len(values) >= count else -np.inf
        below = floor - found.max()
        if below < -NEGLIGIBLE and tolerance == RESIDUAL:
            values, vectors = np.append(values, found), np.hstack([vectors, directions])
            # Copies that were missed turn up one by one.
            wanted, start, tolerance = 1, random.standard_normal(part.side), COARSE
        elif tolerance == RESIDUAL or below > CLEAR * tolerance:
            break  # nothing is left above the smallest eigenvalue kept
        else:
            start, tolerance = directions[:, -1], max(below / (2 * CLEAR), RESIDUAL)
    frame = np.linalg.qr(vectors)[0]
    mapped = image(frame)
    gammas, turn = np.linalg.eigh(frame.T @ mapped)
    gammas, turn = gammas[::-1][:count], turn[:, ::-1][:, :count]
    return gammas, frame @ turn

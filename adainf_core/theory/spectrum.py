"""Leading spectrum of a normalised adjacency Ā, given as a matrix or by a factor B, Ā = BᵀB.

γ = 1 has one eigenvector per connected component, known in closed form; the iterative solver is
given them. Of a factor (n, m) the smaller side is decomposed: Ā (m × m) and B Bᵀ (n × n) share
their nonzero eigenvalues γ = σ(B)².
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from adainf_core.theory.block_lanczos import Block, largest_eigenpairs
from adainf_core.theory.block_lanczos import SpectrumError as SpectrumError
from adainf_core.validation import FloatArray, IntArray, Matrix, is_sparse

DENSE_LIMIT = 2_000  # below this side length LAPACK beats iterations (about 1 s on two cores)
DENSE_CEILING = (
    8_000  # above it a full decomposition is refused: more than 0.5 GB and several minutes
)
RANK_TOLERANCE = (
    1e-8  # eigenvalues of Ā below this count as zero: eigenvectors from BᵀU/√γ lose accuracy beyond
)
TIE_TOLERANCE = 1e-8  # eigenvalues closer than this are treated as tied
EXPLICIT_LIMIT = 2e8  # multiplications for a sparse Gram matrix, which speeds iterations about 3×
THREADING_LIMIT = 200_000  # stored entries from which a product is worth a second thread
VALUES, VECTORS = (
    1e-5,
    1e-9,
)  # residuals asked of eigenvalues (which err by the square), and vectors


class DegenerateSpectrumWarning(UserWarning):
    """Eigenvalues k and k + 1 tie: the top-k eigenspace, hence the encoder, is not unique."""


class Normalized:
    """Ā as a symmetric matrix, (v, v), dense or csr."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.size = self.side = int(matrix.shape[0])

    def dense(self) -> FloatArray:
        return np.asarray(self.matrix.toarray() if is_sparse(self.matrix) else self.matrix)

    def row(self, node: int) -> FloatArray:
        """One row of the matrix that is decomposed, dense."""
        return _dense_row(self.matrix, node)

    def steps(self) -> list[_Product]:
        """The factors, first to last, whose product the iterative solver applies."""
        return [_Product(self.matrix)]

    def energy(self, vectors: FloatArray) -> float:
        """tr(Vᵀ Ā V) for V (v, k)."""
        return float((vectors * (self.matrix @ vectors)).sum())

    def lift(self, vectors: FloatArray, gammas: FloatArray) -> FloatArray:
        """Eigenvectors of Ā from those of the side that is decomposed."""
        return vectors


class Factored(Normalized):
    """Ā = BᵀB by its factor B, (n, v), dense or csr; the smaller side is decomposed."""

    def __init__(self, factor: Matrix) -> None:
        self.factor = factor
        n, v = (int(length) for length in factor.shape)
        self.size, self.side, self.flipped = v, min(n, v), n < v
        self.left = factor if self.flipped else factor.T

    def dense(self) -> FloatArray:
        gram = self.left @ self.left.T
        return np.asarray(gram.toarray() if is_sparse(gram) else gram)

    def row(self, node: int) -> FloatArray:
        return np.asarray(self.left @ _dense_row(self.left, node))

    def steps(self) -> list[_Product]:
        if is_sparse(self.factor):
            left = self.left.tocsr()
            shared = np.bincount(left.indices, minlength=left.shape[1]).astype(float)
            if (shared**2).sum() <= EXPLICIT_LIMIT:
                return [_Product((left @ left.T).tocsr())]
            return [_Product(left.T.tocsr()), _Product(left)]
        return [_Product(self.left.T), _Product(self.left)]

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


def bipartite_components(factor: Matrix) -> IntArray:
    """Component of each row, then of each column, of the bipartite graph with edges where B ≠ 0."""
    from scipy.sparse import csr_array

    rows, columns = factor.nonzero()
    side = sum(factor.shape)
    edges = csr_array((np.ones(len(rows)), (rows, columns + factor.shape[0])), shape=(side, side))
    return connected_components(edges)


def connected_components(adjacency: Matrix) -> IntArray:
    """Component, 0 … c − 1, of each node of a symmetric matrix, dense or sparse."""
    from scipy.sparse import csgraph

    labels: IntArray = csgraph.connected_components(adjacency, directed=False)[1].astype(np.int64)
    return labels


def leading_eigenvalues(
    source: Normalized, nodes: FloatArray, components: IntArray, count: int
) -> FloatArray:
    """The `count` largest eigenvalues of Ā, descending; see `leading_eigenvectors`."""
    if _dense(source.side, count):
        return np.linalg.eigvalsh(source.dense())[::-1][:count].astype(np.float64)
    return _iterate(source, nodes, components, count, VALUES)[0]


def leading_eigenvectors(
    source: Normalized, nodes: FloatArray, components: IntArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Leading eigenpairs of Ā, at most `count`, γ > RANK_TOLERANCE: γ (r,), V (v, r).

    nodes, components: for the side that is decomposed, the square root of each node's mass and its
    connected component (0 … c − 1). Columns of V are orthonormal, their largest entry positive.
    """
    if _dense(source.side, count):
        gammas, vectors = np.linalg.eigh(source.dense())
        gammas, vectors = gammas[::-1][:count], vectors[:, ::-1][:, :count]
    else:
        gammas, vectors = _iterate(source, nodes, components, count, VECTORS)
    rank = int((gammas > RANK_TOLERANCE).sum())
    gammas = gammas[:rank].copy()
    vectors = source.lift(vectors[:, :rank], gammas)
    peaks = vectors[np.abs(vectors).argmax(axis=0), np.arange(rank)]
    return gammas, vectors * np.where(peaks < 0, -1.0, 1.0)


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
    if not is_sparse(matrix):
        return np.asarray(matrix[row])
    return np.asarray(matrix.tocsr()[[row]].toarray()).ravel()


def _iterate(
    source: Normalized, nodes: FloatArray, components: IntArray, count: int, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    # Eigenvectors of γ = 1: the root masses, one component at a time, normalised.
    norms = np.sqrt(np.bincount(components, weights=nodes**2))
    known = np.zeros((min(len(norms), count), source.side))
    inside = np.flatnonzero(components < len(known))
    known[components[inside], inside] = nodes[inside] / norms[components[inside]]
    if len(norms) >= count:
        return np.ones(count), known.T
    steps = source.steps()

    def apply(block: Block) -> Block:
        for step in steps:
            block = step(block)
        return block

    try:
        gammas, vectors, _ = largest_eigenpairs(apply, known, count, tolerance)
    except SpectrumError:
        if source.side > DENSE_CEILING:
            raise
        gammas, vectors = np.linalg.eigh(source.dense())  # minutes, but an answer
        return gammas[::-1][:count], vectors[:, ::-1][:, :count]
    return gammas, vectors.T


def _short_indices(matrix: Matrix) -> Matrix:
    """The same csr matrix with 32-bit indices where they suffice: less memory to read."""
    from scipy.sparse import csr_array

    if max(matrix.nnz, *matrix.shape) > np.iinfo(np.int32).max:
        return matrix
    parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
    return csr_array(parts, shape=matrix.shape)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Product:
    """Products of a matrix with the rows of blocks, in either precision, on all cores.

    Vectors go one by one: a long sparse matrix meets a vector that stays in the cache, which beats
    products with a wide block. scipy releases the interpreter's lock, so plain threads do.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrices: dict[Any, Any] = {}
        self.matrix = _short_indices(matrix) if is_sparse(matrix) else matrix
        self.rows = int(matrix.shape[0])
        busy = is_sparse(matrix) and matrix.nnz >= THREADING_LIMIT
        threads = min(8, _cores()) if busy else 1
        self.cuts = np.linspace(0, self.rows, threads + 1).astype(int)

    def __call__(self, block: Block) -> Block:
        if not is_sparse(self.matrix):
            return np.asarray(block @ self._parts(block.dtype)[0].T)
        result = np.empty((len(block), self.rows), block.dtype)

        def work(part: int) -> None:
            rows = slice(self.cuts[part], self.cuts[part + 1])
            for vector, image in zip(block, result, strict=True):
                image[rows] = parts[part] @ vector

        parts = self._parts(block.dtype)
        if len(parts) == 1:
            work(0)
        else:
            with ThreadPoolExecutor(len(parts)) as pool:
                list(pool.map(work, range(len(parts))))
        return result

    def _parts(self, dtype: Any) -> list[Matrix]:
        if dtype not in self.matrices:
            matrix = self.matrix.astype(dtype, copy=False)
            bounds = zip(self.cuts[:-1], self.cuts[1:], strict=True)
            self.matrices[dtype] = [
                _rows(matrix, a, b) if is_sparse(matrix) else matrix for a, b in bounds
            ]
        return self.matrices[dtype]


def _rows(matrix: Matrix, start: int, stop: int) -> Matrix:
    """Rows start … stop − 1 of a csr matrix, without a copy of its entries."""
    from scipy.sparse import csr_array

    pointers = matrix.indptr[start : stop + 1]
    entries = slice(pointers[0], pointers[-1])
    parts = (matrix.data[entries], matrix.indices[entries], pointers - pointers[0])
    return csr_array(parts, shape=(stop - start, matrix.shape[1]))

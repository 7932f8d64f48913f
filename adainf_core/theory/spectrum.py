"""Leading spectrum of a normalised adjacency Ā = BᵀB from its factor B.

Ā (m × m) and B Bᵀ (n × n) share their nonzero eigenvalues γ = σ(B)², so the smaller of the two is
decomposed. All γ lie in [0, 1]; γ = 1 has one eigenvector per connected component, known in closed
form, which the iterative solver is given (Lanczos iterations are slow and unreliable at multiple
eigenvalues).
"""

from __future__ import annotations

import numpy as np

from adainf_core.theory.validation import FloatArray, IntArray, Matrix, is_sparse

DENSE_LIMIT = 2_000  # below this side length LAPACK beats Lanczos (about 1 s on two cores)
DENSE_CEILING = (
    8_000  # above it a full decomposition is refused: more than 0.5 GB and several minutes
)
RANK_TOLERANCE = (
    1e-8  # eigenvalues of Ā below this count as zero: eigenvectors from BᵀU/√γ lose accuracy beyond
)
TIE_TOLERANCE = 1e-8  # eigenvalues closer than this are treated as tied
EXPLICIT_LIMIT = 2e8  # multiplications for a sparse Gram matrix, which speeds iterations about 3×


class SpectrumError(RuntimeError):
    """The iterative eigensolver did not converge; the message carries what was reached."""


class DegenerateSpectrumWarning(UserWarning):
    """Eigenvalues k and k + 1 tie: the top-k eigenspace, hence the encoder, is not unique."""


def scaled(matrix: Matrix, rows: FloatArray, columns: FloatArray) -> Matrix:
    """diag(rows) matrix diag(columns), dense or csr."""
    if is_sparse(matrix):
        result = matrix.copy()
        lengths = np.diff(result.indptr)
        result.data = result.data * np.repeat(rows, lengths) * columns[result.indices]
        return result
    return rows[:, None] * matrix * columns


def connected_components(factor: Matrix) -> IntArray:
    """Component of each row, then of each column, of the bipartite graph with edges where B ≠ 0."""
    from scipy.sparse import csgraph, csr_array

    rows, columns = factor.nonzero()
    side = sum(factor.shape)
    edges = csr_array((np.ones(len(rows)), (rows, columns + factor.shape[0])), shape=(side, side))
    labels: IntArray = csgraph.connected_components(edges, directed=False)[1].astype(np.int64)
    return labels


def leading_eigenvalues(
    factor: Matrix, nodes: FloatArray, components: IntArray, count: int
) -> FloatArray:
    """The `count` largest eigenvalues of BᵀB, descending; see `leading_eigenvectors`."""
    side = min(factor.shape)
    if _dense(side, count):
        return np.linalg.eigvalsh(_dense_gram(factor))[::-1][:count].astype(np.float64)
    # Ritz values err by the square of the residual that tol bounds: about 1e-9.
    return _lanczos(factor, nodes, components, count, tol=1e-5)[0]


def leading_eigenvectors(
    factor: Matrix, nodes: FloatArray, components: IntArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Leading eigenpairs of Ā = BᵀB, at most `count`, γ > RANK_TOLERANCE: γ (r,), V (m, r).

    factor: B, (n, m) dense or csr. nodes, components: for the smaller side of B, the square root of
    each node's mass and its connected component (0 … c − 1). Columns of V are orthonormal, their
    largest entry positive.
    """
    n, m = factor.shape
    if _dense(min(n, m), count):
        gammas, vectors = np.linalg.eigh(_dense_gram(factor))
        gammas, vectors = gammas[::-1][:count], vectors[:, ::-1][:, :count]
    else:
        gammas, vectors = _lanczos(factor, nodes, components, count, tol=1e-9)
    rank = int((gammas > RANK_TOLERANCE).sum())
    gammas, vectors = gammas[:rank], vectors[:, :rank]
    if n < m:
        vectors = (factor.T @ vectors) / np.sqrt(gammas)
    peaks = vectors[np.abs(vectors).argmax(axis=0), np.arange(rank)]
    return gammas.copy(), vectors * np.where(peaks < 0, -1.0, 1.0)


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


def _dense_gram(factor: Matrix) -> FloatArray:
    n, m = factor.shape
    gram = factor @ factor.T if n < m else factor.T @ factor
    return np.asarray(gram.toarray() if is_sparse(gram) else gram)


def _lanczos(
    factor: Matrix, nodes: FloatArray, components: IntArray, count: int, tol: float
) -> tuple[FloatArray, FloatArray]:
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    n, m = factor.shape
    side = min(n, m)
    known = int(components.max()) + 1
    # Eigenvectors of γ = 1: the root masses, one component at a time, normalised.
    norms = np.sqrt(np.bincount(components, weights=nodes**2))
    ones = csr_array(
        (nodes / norms[components], (np.arange(side), components)), shape=(side, known)
    )
    if known >= count:
        return np.ones(count), ones[:, :count].toarray()
    left = factor if n < m else factor.T
    gram = None
    if is_sparse(factor):
        shared = np.bincount(left.tocsr().indices, minlength=max(n, m)).astype(float)
        if (shared**2).sum() <= EXPLICIT_LIMIT:
            gram = (left @ left.T).tocsr()
    right = left.T

    def deflated(vector: FloatArray) -> FloatArray:
        image = gram @ vector if gram is not None else left @ (right @ vector)
        return np.asarray(image - ones @ (ones.T @ vector))

    operator = LinearOperator((side, side), matvec=deflated, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(
        side
    )  # fixed: the same graph gives the same digits
    try:
        gammas, vectors = eigsh(operator, k=count - known, which="LA", tol=tol, v0=start)
    except ArpackNoConvergence as error:
        raise SpectrumError(
            f"{len(error.eigenvalues)} of {count - known} eigenvalues converged "
            f"(tolerance {tol:g}, side {side}): the graph's gaps are tiny, as in a fine mesh; "
            "ask for fewer eigenvalues or strengthen the augmentation"
        ) from error
    residual = max(
        float(np.linalg.norm(deflated(v) - g * v)) for g, v in zip(gammas, vectors.T, strict=True)
    )
    if residual > 10 * tol:
        raise SpectrumError(
            f"eigenpairs were returned with residual {residual:.2g}, above 10 × tolerance {tol:g}"
        )
    order = np.argsort(gammas)[::-1]
    return (
        np.concatenate([np.ones(known), gammas[order]]),
        np.hstack([ones.toarray(), vectors[:, order]]),
    )

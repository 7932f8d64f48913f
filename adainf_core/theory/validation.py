"""Checks of the inputs that the theory shares: laws, kernels, labels, shares and counts.

Each check returns a clean copy (float64 or int64) or raises one ValueError that names the offending
entry and says what to do about it.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Matrix = (
    Any  # a float64 ndarray, or a scipy.sparse.csr_array: scipy is not imported for the name's sake
)


def is_sparse(matrix: object) -> bool:
    """True for any scipy.sparse matrix or array, without importing scipy."""
    return hasattr(matrix, "tocsr")


def as_real(values: ArrayLike, name: str) -> FloatArray:
    """A float64 copy of `values`; ValueError if they are not real numbers."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from None


def as_law(values: ArrayLike, name: str, *, size: int | None = None) -> FloatArray:
    """A probability law as float64, any shape, renormalised to sum to one exactly.

    Sums are accepted within 1e-9 per entry (1e-6 for float32 or float16 input, whose own rounding
    is that large).
    """
    law = as_real(values, name)
    if law.size == 0:
        raise ValueError(f"{name} is empty: a law needs at least one point")
    if size is not None and law.shape != (size,):
        raise ValueError(
            f"{name} has shape {law.shape}, expected ({size},): one mass per natural point"
        )
    bad = np.argwhere(~np.isfinite(law) | (law < 0))
    if len(bad):
        raise ValueError(
            f"{name}{_index(bad[0])} = {law[tuple(bad[0])]:g}: "
            "masses must be finite and nonnegative"
        )
    total = float(law.sum())
    if abs(total - 1) > _tolerance(values, law.size):
        raise ValueError(f"{name} sums to {total:.9g}, not 1: divide it by its sum")
    return law / total


def as_kernel(kernel: ArrayLike | Matrix) -> Matrix:
    """An augmentation law (n, m), float64 ndarray or csr_array, rows renormalised to one."""
    if is_sparse(kernel):
        import scipy.sparse as sparse

        matrix: Matrix = sparse.csr_array(kernel, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        entries = matrix.data
    else:
        matrix = as_real(kernel, "kernel")
        if matrix.ndim != 2:
            raise ValueError(
                f"kernel has shape {matrix.shape}: "
                "give one row per natural point, one column per view"
            )
        entries = matrix
    n, m = matrix.shape
    if n == 0 or m == 0:
        raise ValueError(
            f"kernel has shape ({n}, {m}): it needs at least one natural point and one view"
        )
    bad = np.argwhere(~np.isfinite(entries) | (entries < 0))
    if len(bad):
        if is_sparse(matrix):
            position = int(bad[0][0])
            row = int(np.searchsorted(matrix.indptr, position, side="right")) - 1
            column = int(matrix.indices[position])
        else:
            row, column = (int(i) for i in bad[0])
        value = float(entries[tuple(bad[0])])
        raise ValueError(
            f"kernel[{row}, {column}] = {value:g}: masses must be finite and nonnegative"
        )
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    wrong = np.flatnonzero(np.abs(sums - 1) > _tolerance(kernel, m))
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"kernel row {row} sums to {sums[row]:.9g}, not 1: divide each row by its sum"
        )
    if is_sparse(matrix):
        matrix.data /= np.repeat(sums, np.diff(matrix.indptr))
        return matrix
    return matrix / sums[:, None]


def as_labels(labels: ArrayLike, count: int, name: str, *, lowest: int = 0) -> IntArray:
    """Class labels as int64 (count,), each at least `lowest`."""
    values = as_real(labels, name)
    if values.shape != (count,):
        raise ValueError(f"{name} has shape {values.shape}, expected ({count},)")
    bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)) | (values < lowest))
    if len(bad):
        row = int(bad[0])
        raise ValueError(f"{name}[{row}] = {values[row]:g}: labels are integers, {lowest} or more")
    return values.astype(np.int64)


def as_share(value: float, name: str) -> float:
    """A number in [0, 1]."""
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{name} = {share:g} is not in [0, 1]")
    return share


def as_positive(value: float, name: str) -> float:
    """A finite number above zero."""
    number = float(value)
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} = {number:g} must be finite and above 0")
    return number


def as_count(value: int, name: str, lowest: int, highest: int | None = None, why: str = "") -> int:
    """An integer in [lowest, highest]; `why` explains the upper end in the error."""
    try:
        count = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} = {value!r} must be an integer") from None
    if count < lowest or (highest is not None and count > highest):
        allowed = f"at least {lowest}" if highest is None else f"in {lowest}..{highest}"
        raise ValueError(f"{name} = {count} must be {allowed}{why}")
    return count


def freeze(array: Matrix) -> Matrix:
    """Make an ndarray (or the three arrays of a csr_array) read-only and return it."""
    for part in (array.data, array.indices, array.indptr) if is_sparse(array) else (array,):
        part.flags.writeable = False
    return array


def _tolerance(values: object, size: int) -> float:
    dtype = getattr(values, "dtype", None)
    single = getattr(dtype, "kind", "") == "f" and getattr(dtype, "itemsize", 8) < 8
    return max(1e-6 if single else 1e-8, 1e-9 * size)


def _index(position: NDArray[np.intp]) -> str:
    return "[" + ", ".join(str(int(i)) for i in position) + "]"

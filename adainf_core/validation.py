"""Checks of inputs that many parts share: distributions, kernels, labels, numbers and counts.

Each check returns a clean copy (float64 or int64) or raises one ValueError that names the offending
entry and says what to do about it.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Matrix = Any  # float64 ndarray or scipy.sparse.csr_array: scipy is not imported for the name alone


def is_sparse(matrix: object) -> bool:
    """True for any scipy.sparse matrix or array, without importing scipy."""
    return hasattr(matrix, "tocsr")


#: The largest seed: torch's generator on processors and scikit-learn's read 32 bits of one.
LAST_SEED = 2**32 - 1


def in_words(value: object) -> str:
    """What a value is, on one short line: an array's type and shape, anything else as it prints."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and shape is not None:
        return f"{dtype} of shape {tuple(shape)}"
    return " ".join(reprlib.repr(value).split())


def as_real(values: ArrayLike, name: str) -> FloatArray:
    """A float64 copy of `values`; ValueError if they are not real numbers."""
    try:
        if np.iscomplexobj(values):
            raise ValueError("complex numbers have two parts")
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # torch's errors are the last
        reason = " ".join(str(error).split())
        raise ValueError(f"{name} must be an array of real numbers: {reason}") from None


def as_distribution(values: ArrayLike, name: str, *, size: int | None = None) -> FloatArray:
    """A probability distribution as float64, any shape, renormalised to sum to one exactly.

    Sums are accepted within 1e-9 per entry (1e-6 for float32 or float16 input, whose own rounding
    is that large).
    """
    distribution = as_real(values, name)
    if distribution.size == 0:
        raise ValueError(f"{name} is empty: a distribution needs at least one point")
    if size is not None and distribution.shape != (size,):
        raise ValueError(
            f"{name} has shape {distribution.shape}, expected ({size},): one mass per natural point"
        )
    bad = np.argwhere(~np.isfinite(distribution) | (distribution < 0))
    if len(bad):
        raise ValueError(
            f"{name}{_index(bad[0])} = {distribution[tuple(bad[0])]:g}: "
            "masses must be finite and nonnegative"
        )
    total = float(distribution.sum())
    if abs(total - 1) > _tolerance(values, distribution.size):
        raise ValueError(f"{name} sums to {total:.9g}, not 1: divide it by its sum")
    return distribution / total


def as_kernel(kernel: ArrayLike | Matrix) -> Matrix:
    """An augmentation kernel (n, m), float64 ndarray or csr_array, rows renormalised to one."""
    matrix = _masses(kernel, "kernel")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"kernel has shape {matrix.shape}: give one row per natural point, one column per "
            "view, at least one of each"
        )
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    wrong = np.flatnonzero(np.abs(sums - 1) > _tolerance(kernel, matrix.shape[1]))
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"kernel row {row} sums to {sums[row]:.9g}, not 1: divide each row by its sum"
        )
    if is_sparse(matrix):
        matrix.data /= np.repeat(sums, np.diff(matrix.indptr))
        return matrix
    return matrix / sums[:, None]


def as_adjacency(adjacency: ArrayLike | Matrix) -> Matrix:
    """A symmetric nonnegative matrix (v, v), float64 ndarray or csr_array, entries summing to one.

    Differences between mirrored entries up to 1e-8 of their nodes' largest entries, the geometric
    mean (1e-5 for float32 or float16 input), are averaged out.
    """
    matrix = _masses(adjacency, "adjacency")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(f"adjacency has shape {matrix.shape}: it needs to be square, not empty")
    mirror = matrix.T.tocsr() if is_sparse(matrix) else matrix.T
    difference = abs(matrix - mirror)
    single = getattr(getattr(adjacency, "dtype", None), "itemsize", 8) < 8
    # Each pair by its own nodes: one heavy weight must not excuse what is wrong elsewhere.
    peaks = [matrix.max(axis=axis) for axis in (0, 1)]
    roots = np.sqrt(np.maximum(*(p.toarray().ravel() if is_sparse(p) else p for p in peaks)))
    roots[roots == 0] = 1
    if is_sparse(matrix):
        difference.data /= np.repeat(roots, np.diff(difference.indptr)) * roots[difference.indices]
    else:
        difference /= roots[:, None]
        difference /= roots
    allowed = 1e-5 if single else 1e-8
    wrong = np.argwhere((difference.data if is_sparse(matrix) else difference) > allowed)
    if len(wrong):
        row, column = _entry(difference, wrong[0])
        raise ValueError(
            f"adjacency[{row}, {column}] = {float(matrix[row, column]):g} but "
            f"adjacency[{column}, {row}] = {float(matrix[column, row]):g}: "
            "make it symmetric, for example (A + A.T) / 2"
        )
    if difference.nnz if is_sparse(matrix) else difference.any():
        matrix = (matrix + mirror) / 2
    degrees = np.asarray(matrix.sum(axis=1)).ravel()
    isolated = np.flatnonzero(degrees == 0)
    if len(isolated):
        raise ValueError(
            f"node {isolated[0]} is isolated (its weights sum to 0): drop it "
            f"({len(isolated)} such), or give it a self loop"
        )
    return matrix / degrees.sum()


def as_indices(values: ArrayLike, name: str) -> IntArray:
    """Nonnegative integers, (N,), N ≥ 1, as int64."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: give one number a draw, at least one")
    if array.dtype.kind in "iu" and array.min() >= 0:
        return array.astype(np.int64)
    return as_labels(array, array.size, name)


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


def as_number(value: Any, name: str) -> float:
    """A real number as a float, which may be infinite or no number at all (nan)."""
    try:
        if isinstance(value, str | bytes) or getattr(value, "ndim", 0) > 0:
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(f"{name} = {in_words(value)} must be a number") from None


def as_share(value: float, name: str) -> float:
    """A number in [0, 1]."""
    share = as_number(value, name)
    if not 0 <= share <= 1:
        raise ValueError(f"{name} = {share:g} is not in [0, 1]")
    return share


def as_confidence(confidence: float) -> float:
    """A level strictly between 0 and 1."""
    level = as_number(confidence, "confidence")
    if not 0 < level < 1:
        raise ValueError(f"confidence = {level:g} must lie strictly between 0 and 1")
    return level


def as_positive(value: float, name: str) -> float:
    """A finite number above zero."""
    number = as_number(value, name)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} = {number:g} must be finite and above 0")
    return number


def as_count(value: int, name: str, lowest: int, highest: int | None = None, why: str = "") -> int:
    """An integer in [lowest, highest]; `why` explains the upper end in the error."""
    try:
        count = operator.index(value)
        if isinstance(value, bool):
            raise TypeError
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} = {in_words(value)} must be an integer") from None
    if count < lowest or (highest is not None and count > highest):
        allowed = f"at least {lowest}" if highest is None else f"in {lowest}..{highest}"
        raise ValueError(f"{name} = {count} must be {allowed}{why}")
    return count


def as_seed(value: int, name: str = "seed") -> int:
    """A seed of random numbers, an integer in 0..`LAST_SEED`."""
    return as_count(value, name, 0, LAST_SEED, ": generators read 32 bits of a seed")


def as_path(value: str | os.PathLike[str], name: str) -> Path:
    """The path of a file or folder, given as a string or a path."""
    try:
        return Path(value)
    except TypeError:
        raise ValueError(
            f"{name} = {in_words(value)} must be a path: give a string or a Path"
        ) from None


def as_choice(value: Any, name: str, known: Iterable[Any]) -> Any:
    """One of the values in `known`, such as names, None among them where it is one."""
    choices = list(known)
    if not isinstance(value, str | int | None) or value not in choices:
        words = ", ".join(map(str, choices))
        raise ValueError(f"{name}={in_words(value)} is unknown; choose {words}")
    return value


def as_images(images: NDArray[np.uint8], name: str = "images") -> NDArray[np.uint8]:
    """uint8 images (n, 3, h, w) as they are, in memory or memory-mapped."""
    if (
        not isinstance(images, np.ndarray)
        or (images.dtype, images.ndim) != (np.uint8, 4)
        or images.shape[1] != 3
    ):
        raise ValueError(
            f"{name} = {in_words(images)} must be a uint8 array (n, 3, h, w), as the `images` of "
            "an ImageSet are"
        )
    return images


def freeze(array: Matrix) -> Matrix:
    """Make an ndarray (or the three arrays of a csr_array) read-only and return it."""
    for part in (array.data, array.indices, array.indptr) if is_sparse(array) else (array,):
        part.flags.writeable = False
    return array


def _masses(values: ArrayLike | Matrix, name: str) -> Matrix:
    """A float64 copy, ndarray or csr_array without stored zeros; all finite and nonnegative."""
    if is_sparse(values):
        import scipy.sparse as sparse

        matrix: Matrix = sparse.csr_array(values, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    else:
        matrix = as_real(values, name)
    entries = matrix.data if is_sparse(matrix) else matrix
    bad = np.argwhere(~np.isfinite(entries) | (entries < 0))
    if len(bad):
        place = _entry(matrix, bad[0]) if is_sparse(matrix) else bad[0]
        raise ValueError(
            f"{name}{_index(place)} = {float(entries[tuple(bad[0])]):g}: "
            "masses must be finite and nonnegative"
        )
    return matrix


def _tolerance(values: object, size: int) -> float:
    dtype = getattr(values, "dtype", None)
    single = getattr(dtype, "kind", "") == "f" and getattr(dtype, "itemsize", 8) < 8
    return max(1e-6 if single else 1e-8, 1e-9 * size)


def _entry(matrix: Matrix, position: NDArray[np.intp]) -> tuple[int, int]:
    """Row and column of an entry, by its place in the ndarray or in a csr_array's data."""
    if not is_sparse(matrix):
        return int(position[0]), int(position[1])
    row = int(np.searchsorted(matrix.indptr, int(position[0]), side="right")) - 1
    return row, int(matrix.indices[int(position[0])])


def _index(position: Iterable[Any]) -> str:
    return "[" + ", ".join(str(int(i)) for i in position) + "]"

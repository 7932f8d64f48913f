"""Augmentation in the plane: a view is uniform on the disc around its source, on a grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import FloatArray, IntArray, Matrix

# About 200 views per point; halving the grid's pitch moves λ by 1 to 2 %.
PITCHES_PER_RADIUS = 8
# Cells at exactly the radius belong to the disc, however their distance is rounded.
_ON_THE_RIM = 1 + 1e-12


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

"""Nearest neighbours among rows, block by block: no n x n matrix is ever kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from adainf_core.gap.estimate import Rows
from adainf_core.validation import FloatArray, IntArray, as_count

_BLOCK = 500  # queries of a product: 20 MB of distances to 10,000 rows
_SLICE_BYTES = 2**19  # of them at a time for what follows, which stays in the processor's cache


def nearest(
    queries: Rows, rows: Rows, k: int = 1, *, own: bool = False
) -> tuple[FloatArray, np.ndarray]:
    """Distances float64 (m, k), ascending, of each query to its k nearest rows, and their indices.

    queries (m, d), rows (n, d). With `own` the two are one set, and a row is not its own neighbour.
    Each distance is a function of its two rows alone, wherever they stand: equal rows are at 0, and
    equal distances are equal to the bit. ValueError where there are fewer than k rows to choose
    from.
    """
    k = as_count(k, "k", 1, len(rows) - own, f", the rows there are besides ({len(rows) - own})")
    distances = np.empty((len(queries), k))
    indices = np.empty((len(queries), k), np.int64)
    for block, squared, _ in exact_blocks(queries, rows):
        if own:
            squared[np.arange(len(squared)), np.arange(block.start, block.stop)] = np.inf
        found = squared.argmin(axis=1)[:, None] if k == 1 else _lowest(squared, k)
        values = np.stack([_squared(queries[block], rows[column]) for column in found.T], axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        distances[block] = np.sqrt(np.take_along_axis(values, order, axis=1))
        indices[block] = np.take_along_axis(found, order, axis=1)
    return distances, indices


def _lowest(squared: FloatArray, k: int) -> np.ndarray:
    """Places int64 (b, k) of the k lowest numbers of each row (b, n), in no order."""
    # numpy finds values several times as fast as places
    highest = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
    places = np.nonzero(squared <= highest)[1]
    if len(places) > k * len(squared):  # equal ones
        return np.argpartition(squared, k - 1, axis=1)[:, :k]
    return places.reshape(-1, k)


def cosine_neighbours(queries: Rows, chunks: Iterable[Rows], k: int) -> IntArray:
    """Indices int64 (m, k) of the k rows of highest cosine to each query, in descending order.

    queries (m, d); the rows come in `chunks` (b, d), numbered through, and are never all in memory.
    A cosine is a function of its two rows alone, and equal ones stand in the order of their
    indices. A row of zeros is at right angles to all others. ValueError for fewer than k rows.
    """
    k, sought, count = as_count(k, "k", 1), _unit(queries), 0
    distances = np.empty((len(sought), 0))
    indices = np.empty((len(sought), 0), np.int64)
    for chunk in chunks:
        rows = _unit(chunk)
        kept = min(k, len(rows))
        nearest, places = (np.empty((len(sought), kept), kind) for kind in (np.float64, np.int64))
        for block, squared, rounding in exact_blocks(sought, rows):
            bound = np.partition(squared + rounding, kept - 1, axis=1)[:, kept - 1 : kept]
            possible = squared - rounding <= bound
            for query, among in zip(range(block.start, block.stop), possible, strict=True):
                found = np.flatnonzero(among)
                values = _squared(sought[query], rows[found])
                order = np.argsort(values, kind="stable")[:kept]
                nearest[query], places[query] = values[order], found[order]
        distances = np.concatenate([distances, nearest], axis=1)
        indices = np.concatenate([indices, places + count], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]  # of equal ones the earlier
        distances = np.take_along_axis(distances, order, axis=1)
        indices = np.take_along_axis(indices, order, axis=1)
        count += len(rows)
    as_count(k, "k", 1, count, f", the rows there are ({count})")
    return indices


def _unit(rows: Rows) -> FloatArray:
    """Rows (n, d) at length one, float64; those of zeros as they are."""
    long = rows.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", long, long))[:, None]
    return long / np.where(lengths > 0, lengths, 1)


def exact_blocks(
    queries: Rows | FloatArray, rows: Rows | FloatArray
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Squared distances float64 (b, n) of blocks of queries (m, d) to rows (n, d), and rounding.

    The last (b, n) bounds how far the products' rounding can have moved each of them: what differs
    by less is equal.
    """
    unit = (rows.shape[1] + 8) * np.finfo(np.float64).eps
    for block, squared, norms, own in _products(queries, rows, np.float64):
        both = norms + own
        squared *= -2
        squared += both
        both *= unit
        yield block, squared, both


def _squared(first: Rows | FloatArray, second: Rows | FloatArray) -> FloatArray:
    """Squared distances float64 (b,) of rows (b, d) from their partners."""
    apart = first.astype(np.float64) - second
    return np.einsum("ij,ij->i", apart, apart)


def neighbour_distances(queries: Rows, rows: Rows, ranks: tuple[int, ...]) -> Rows:
    """Distances float32 (m, len(ranks)) of each query to its nearest rows of these ranks, from 1.

    In single precision, without indices: several times as fast as `nearest`. A pair of equal rows
    may come out at some 1e-6 of its norm instead of zero.
    """
    as_count(max(ranks), "the highest rank", 1, len(rows), f", the rows there are ({len(rows)})")
    highest, places = max(ranks), [rank - 1 for rank in ranks]
    distances = np.empty((len(queries), len(ranks)), np.float32)
    for block, squared, norms, own in _products(queries, rows, np.float32):
        squared *= -2
        squared += norms
        squared += own
        np.maximum(squared, 0, out=squared)
        squared.partition(highest - 1, axis=1)  # at one place: several are ten times as slow
        distances[block] = np.sqrt(np.sort(squared[:, :highest], axis=1)[:, places])
    return distances


def _products(
    queries: Rows | FloatArray, rows: Rows | FloatArray, dtype: type
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of queries (m, d): their products with rows (n, d), (b, n), and the squared norms of
    rows (n,) and queries (b, 1).

    Both sides are centred first, which keeps the precision of `dtype` honest where features lie far
    from the origin.
    """
    middle = rows.mean(axis=0, dtype=np.float64).astype(dtype)
    centred = rows - middle
    norms = np.einsum("ij,ij->i", centred, centred)
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK] - middle
        own = np.einsum("ij,ij->i", block, block)[:, None]
        products = block @ centred.T
        for some in slices(products):
            yield slice(start + some.start, start + some.stop), products[some], norms, own[some]


def slices(products: np.ndarray) -> Iterator[slice]:
    """The rows (b, n), so many at a time as stay in the cache."""
    size = max(1, _SLICE_BYTES // products[0].nbytes)
    for start in range(0, len(products), size):
        yield slice(start, min(start + size, len(products)))

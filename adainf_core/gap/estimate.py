"""A measured gap: a number with its interval and the numbers of rows behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adainf_core.statistics.estimate import Estimate
from adainf_core.validation import as_confidence, as_real

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class GapEstimate(Estimate):
    """An estimate from so many rows of either side."""

    n_real: int
    n_generated: int


def as_rows(values: ArrayLike, name: str, least: int = 2) -> Rows:
    """Features as float32 (n, d); ValueError naming what is wrong with them and the remedy."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):  # ragged lists, tensors with a gradient
        array = as_real(values, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: give one row per image, images.reshape(n, -1)"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}: give real numbers")
    if len(array) < least:
        raise ValueError(f"{name} has {len(array)} rows: at least {least} are needed")
    with np.errstate(over="ignore"):  # what overflows is named below
        rows = array.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{name}[{bad[0]}] is not finite in single precision: drop or rescale the row"
        )
    if array.dtype.itemsize > 4:
        spread, size = float(np.ptp(array)), float(np.abs(rows).max())
        if 0 < spread < 1e-4 * size:
            raise ValueError(
                f"{name} varies by {spread:.3g} about values of {size:.3g}, which single precision "
                "hardly tells apart: subtract one constant from both sides"
            )
    return rows


def as_sides(real: ArrayLike, generated: ArrayLike, least: int = 2) -> tuple[Rows, Rows]:
    """Features of both sides, as `as_rows` checks them, with equally many columns."""
    first, second = as_rows(real, "real", least), as_rows(generated, "generated", least)
    same_columns(first, second, "generated")
    return first, second


def same_columns(real: Rows, other: Rows, name: str) -> None:
    """ValueError where `other` has not as many columns as `real`."""
    if other.shape[1] != real.shape[1]:
        raise ValueError(
            f"{name} has {other.shape[1]} columns and real {real.shape[1]}: "
            "describe both sides by the same features"
        )


def normal_quantile(confidence: float) -> float:
    """Half-width, in standard errors, of the two-sided normal interval at `confidence`."""
    from scipy.stats import norm

    return float(norm.ppf((1 + as_confidence(confidence)) / 2))

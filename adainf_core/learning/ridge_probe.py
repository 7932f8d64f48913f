"""A ridge probe: how much a frozen encoder's features tell, linearly, of targets in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from adainf_core.learning.features import extract_features
from adainf_core.validation import FloatArray, as_positive, as_real, in_words

#: Ridge penalties per training row that the probe chooses from, on standardised features.
RIDGE_PENALTIES = tuple(10.0**power for power in range(2, -9, -1))


@dataclass(frozen=True)
class RidgeResult:
    """What a ridge probe tells of its targets: `r2`, 1 for all of it and 0 for no more than a mean.

    Of several targets R² is that of their squared errors together. `protocol` says how it was
    measured; `details` have the `penalty` chosen, the `held_out_r2` that chose it, and as 0 or 1
    whether it was the first or last to choose from (`penalty_at_edge`).
    """

    r2: float
    protocol: str
    details: dict[str, float]


def ridge_probe(
    encoder: nn.Module,
    images: np.ndarray,
    targets: ArrayLike,
    test_images: np.ndarray,
    test_targets: ArrayLike,
    *,
    penalties: Sequence[float] = RIDGE_PENALTIES,
    cache: str | Path | None = None,
) -> RidgeResult:
    """Ridge regression of `targets` on frozen features, chosen without the test images.

    images uint8 (n, 3, h, w), targets (n,) or (n, t); both sides alike. Features are standardised
    by their training moments, targets centred; the penalty (per row) is the one with the least
    squared error where each image in turn is left out, in closed form. `cache` goes to
    `extract_features`. Raises ValueError as `ridge_regression` does.
    """
    features, test_features = (
        extract_features(encoder, part, cache=cache) for part in (images, test_images)
    )
    return ridge_regression(features, targets, test_features, test_targets, penalties)


def ridge_regression(
    features: ArrayLike,
    targets: ArrayLike,
    test_features: ArrayLike,
    test_targets: ArrayLike,
    penalties: Sequence[float] = RIDGE_PENALTIES,
) -> RidgeResult:
    """As `ridge_probe`, on features (n, d) and targets (n,) or (n, t) of either side.

    Raises ValueError for values that are not finite, shapes that do not fit, fewer than three rows,
    or targets that do not vary on either side.
    """
    if not isinstance(penalties, list | tuple) or not penalties:
        raise ValueError(f"penalties={in_words(penalties)}: give a list of numbers")
    penalties = sorted((as_positive(one, "penalties") for one in penalties), reverse=True)
    x, y = _side(features, targets, "features", "targets")
    x_test, y_test = _side(test_features, test_targets, "test_features", "test_targets")
    if x.shape[1:] != x_test.shape[1:] or y.shape[1:] != y_test.shape[1:]:
        raise ValueError(
            f"features {x.shape} and targets {y.shape} do not fit test_features {x_test.shape} and "
            f"test_targets {y_test.shape}: need as many columns"
        )
    mean, std, middle = x.mean(0), x.std(0), y.mean(0)
    # a feature that does not vary tells nothing
    std[std <= 1e-6 * (std.max(initial=0.0) + np.abs(mean))] = np.inf
    x, x_test = (x - mean) / std, (x_test - mean) / std
    n = len(x)
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    along = left.T @ (y - middle)
    errors = []
    for penalty in penalties:
        kept = singular**2 / (singular**2 + n * penalty)
        residual = y - middle - left @ (kept[:, None] * along)
        # what leaving a row out does to its own residual, the free intercept included
        leverage = 1 / n + left**2 @ kept
        left_out = residual / np.maximum(1 - leverage, 1e-12)[:, None]
        errors.append(float((left_out**2).sum()))
    at = int(np.argmin(errors))
    weight = right.T @ ((singular / (singular**2 + n * penalties[at]))[:, None] * along)
    missed = ((y_test - middle - x_test @ weight) ** 2).sum()
    return RidgeResult(
        float(1 - missed / _variation(y_test)),
        f"offline ridge probe: linear regression on frozen, standardised features of {n} images; "
        f"penalty chosen among {len(penalties)} from {penalties[0]:g} to {penalties[-1]:g} by the "
        f"error on each image where it is left out; R² on {len(x_test)} others, looked at once",
        {
            "penalty": penalties[at],
            "penalty_at_edge": float(at in (0, len(penalties) - 1)),
            "held_out_r2": float(1 - errors[at] / _variation(y)),
        },
    )


def _side(
    features: ArrayLike, targets: ArrayLike, name: str, aim: str
) -> tuple[FloatArray, FloatArray]:
    """Features (n, d) and targets (n, t) of one side, checked."""
    x, y = as_real(features, name), as_real(targets, aim)
    y = y[:, None] if y.ndim == 1 else y
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < 3:
        raise ValueError(
            f"{name} has shape {x.shape} and {aim} {y.shape}: need (n, d) and (n, t), n at least 3"
        )
    for what, values in ((name, x), (aim, y)):
        if not np.isfinite(values).all():
            raise ValueError(f"{what} has values that are not finite: drop their rows")
    if not _variation(y):
        raise ValueError(f"{aim} do not vary: there is nothing to tell")
    return x, y


def _variation(y: FloatArray) -> float:
    return float(((y - y.mean(0)) ** 2).sum())

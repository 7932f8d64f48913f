"""A linear probe for few labels: each class is the mean direction of its labelled features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def few_label_error(
    features: ArrayLike,
    labels: np.ndarray,
    per_class: int,
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Error in [0, 1] of the nearest class mean, `per_class` labels each, averaged over `draws`.

    features (n, d) are centred and brought to length one (a zero row stays); labels int (n,). In
    each draw random rows of each class are labelled and all others are tested; nothing is tuned.
    Rows that are equal tie, and a tie goes to the lower class. ValueError where a class has no
    more than `per_class` rows or features are not finite.
    """
    x = np.array(features, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(labels) or not np.isfinite(x).all():
        raise ValueError(
            f"features of shape {x.shape} for {len(labels)} labels: need one finite row a label"
        )
    if per_class < 1 or draws < 1:
        raise ValueError(f"per_class={per_class} and draws={draws} have to be at least 1")
    classes = np.unique(labels)
    rows = [np.flatnonzero(labels == c) for c in classes]
    fewest = min(rows, key=len)
    if len(fewest) <= per_class:
        raise ValueError(
            f"class {labels[fewest[0]]} has {len(fewest)} rows: none is left to test with "
            f"per_class={per_class}"
        )
    x = _unit(x - x.mean(axis=0))
    wrong = tested = 0
    for _ in range(draws):
        labelled = np.stack([rng.permutation(of_class)[:per_class] for of_class in rows])
        means = _unit(x[labelled].mean(axis=1))
        rest = np.setdiff1d(np.arange(len(x)), labelled.ravel())
        # equal up to rounding counts as equal
        found = classes[np.round(x[rest] @ means.T, 9).argmax(axis=1)]
        wrong += int((found != labels[rest]).sum())
        tested += len(rest)
    return wrong / tested


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)

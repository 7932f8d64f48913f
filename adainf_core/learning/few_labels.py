"""A linear probe for few labels: each class is the mean direction of its labelled features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.validation import IntArray, as_count, as_labels, as_real, in_words


def few_label_error(
    features: ArrayLike,
    labels: np.ndarray,
    per_class: int,
    draws: int,
    rng: np.random.Generator,
    groups: IntArray | None = None,
) -> float:
    """Error in [0, 1] of the nearest class mean, `per_class` labels each, averaged over `draws`.

    features (n, d) are centred and brought to length one (a zero row stays); labels int (n,). In
    each draw random rows of each class are labelled and all others are tested; nothing is tuned.
    Rows that are equal tie, and a tie goes to the lower class. `groups` int (n,) names the group of
    copies that each row belongs to (`copies.Copies.group`): of a group one row is labelled, and
    none of its others is tested. ValueError where a class has no more than `per_class` rows or
    groups, or features are not finite.
    """
    x = as_real(features, "features")
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"features of shape {x.shape}: need one finite row a label")
    labels = as_labels(labels, len(x), "labels")
    per_class, draws = as_count(per_class, "per_class", 1), as_count(draws, "draws", 1)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng={in_words(rng)}: give numpy's, such as np.random.default_rng(0)")
    group = np.arange(len(x)) if groups is None else as_labels(groups, len(x), "groups")
    classes = np.unique(labels)
    # the first row of each group in the class
    rows = [of[np.unique(group[of], return_index=True)[1]]
            for of in (np.flatnonzero(labels == c) for c in classes)]  # fmt: skip
    fewest = min(rows, key=len)
    if len(fewest) <= per_class:
        what = "rows" if groups is None else "distinct rows"
        raise ValueError(
            f"class {labels[fewest[0]]} has {len(fewest)} {what}: none is left to test with "
            f"per_class={per_class}"
        )
    x = _unit(x - x.mean(axis=0))
    wrong = tested = 0
    for _ in range(draws):
        labelled = np.stack([rng.permutation(of_class)[:per_class] for of_class in rows])
        means = _unit(x[labelled].mean(axis=1))
        rest = np.flatnonzero(~np.isin(group, group[labelled.ravel()]))
        # equal up to rounding counts as equal
        found = classes[np.round(x[rest] @ means.T, 9).argmax(axis=1)]
        wrong += int((found != labels[rest]).sum())
        tested += len(rest)
    return wrong / tested


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)


def nested_draws(
    labels: IntArray, per_class: Sequence[int], draws: int, rng: np.random.Generator
) -> list[dict[int, IntArray]]:
    """Choices of labelled rows: for each of `draws`, and each n of `per_class`, n rows of a class.

    labels int (n,); places int64, class after class. Draws are independent; within one, fewer
    labels are part of more. ValueError where a class has fewer rows than are asked for.
    """
    labels = as_labels(labels, len(labels), "labels")
    per_class = [as_count(number, "per_class", 1) for number in per_class]
    rows = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    fewest = min(rows, key=len)
    if len(fewest) < max(per_class, default=0):
        raise ValueError(
            f"class {labels[fewest[0]]} has {len(fewest)} rows: per_class={max(per_class)} asks "
            "for more"
        )
    chosen = []
    for _ in range(as_count(draws, "draws", 1)):
        orders = [rng.permutation(of_class) for of_class in rows]
        chosen.append({n: np.concatenate([order[:n] for order in orders]) for n in per_class})
    return chosen

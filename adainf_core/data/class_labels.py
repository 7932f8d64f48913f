"""Labels as they lie in archives: numbers, one-hot rows or names, all as numbers of classes."""

from __future__ import annotations

import numpy as np


class LabelError(ValueError):
    """What is no list of labels, one an image."""


def understood_labels(
    labels: np.ndarray, count: int
) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """Labels of `count` images as int64 (count,), and the names of classes 0, 1, ... if given.

    `labels` are whole numbers of any type or strings, of shape (count,) or (count, 1), or one-hot
    rows (count, k). Strings are numbered in alphabetical order. All -1 means none: the first result
    is None. Raises LabelError naming what they are, and the line that mends them where there is
    one.
    """
    shape, dtype = labels.shape, labels.dtype
    if labels.ndim == 2 and len(labels) == count and shape[1] > 1 and dtype.kind in "biuf":
        if not ((labels == 0) | (labels == 1)).all() or (labels.sum(axis=1) != 1).any():
            raise LabelError(
                f"labels of shape {shape} are no one-hot rows: save labels=labels.argmax(axis=1) "
                "if the largest is meant"
            )
        return labels.argmax(axis=1).astype(np.int64), None
    if shape == (count, 1):
        labels = labels[:, 0]
    if labels.shape != (count,):
        raise LabelError(
            f"labels are {dtype} of shape {shape}, need one for each of {count} images"
        )
    if dtype.kind in "US":
        text = labels if dtype.kind == "U" else np.char.decode(labels, "utf-8", "backslashreplace")
        names, numbers = np.unique(text, return_inverse=True)
        return numbers.astype(np.int64), tuple(names.tolist())
    if dtype.kind not in "biuf":
        raise LabelError(f"labels are {dtype}, need whole numbers or strings")
    if dtype.kind == "f":
        wrong = labels[~np.isfinite(labels) | (labels != np.floor(labels))]
        if len(wrong):
            raise LabelError(f"labels are {dtype}, and {wrong[0]:g} is no whole number")
    if len(labels) and float(np.abs(labels.astype(np.float64)).max()) >= 2.0**63:
        raise LabelError(f"label {labels.max():g} is no number of a class: number them from 0")
    return (None if (labels == -1).all() else labels.astype(np.int64)), None

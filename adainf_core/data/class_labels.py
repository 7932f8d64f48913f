"""Labels as they lie in archives: numbers, one-hot rows or names, all as numbers of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

#: Labels are smaller: a larger one counts no classes.
MOST_CLASSES = 2**24
# labels whose numbers reach beyond this, and beyond so many times the classes, have gaps on purpose
# (WordNet's, a person's, an article's): a few empty classes among a hundred have not
_MOST_NUMBERS, _MOST_GAPS = 1000, 10


class LabelError(ValueError):
    """What is no list of labels, one an image."""


def without_gaps(labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Labels int64 (n,), numbered anew where their numbers are mostly gaps, and the old numbers.

    That is where they reach beyond 1,000 and ten times the classes that have an image. The classes
    are then numbered in the order of their old numbers, which become their names, so that sets
    numbered otherwise are matched all the same (`labelled_pairs`); else the second result is None.
    """
    values, numbers = np.unique(labels, return_inverse=True)
    highest = int(values[-1])
    gaps = _MOST_NUMBERS <= highest < MOST_CLASSES and highest >= _MOST_GAPS * len(values)
    if values[0] < 0 or not gaps:
        return labels, None
    return numbers.astype(np.int64), tuple(map(str, values.tolist()))


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


def check_labels(path: Path, labels: np.ndarray, classes: int) -> None:
    """ValueError naming the file at `path` where a label lies outside 0..`classes` - 1."""
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(f"{path}: label {wrong[0]} is outside 0..{classes - 1}")

"""A set to learn labels from and one to be tested on: one size, one numbering, no set twice."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adainf_core.data.copies import Copies
from adainf_core.data.folder_files import few
from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.validation import IntArray


def numbered_as(train: ImageSet, test: ImageSet) -> ImageSet:
    """`test` with its labels in the numbering of `train`: a class has one number in both.

    Classes that have names on both sides are matched by them, those without on either side by their
    numbers; where one side alone has names, they have to be whole numbers ("7" is label 7). Raises
    ValueError for classes that cannot be matched, for one that `train` lacks, and for a set without
    labels.
    """
    labels, wanted = labels_of(train), labels_of(test)
    ours, theirs = train.class_names, test.class_names
    if ours is None and theirs is None:
        numbers = np.arange(wanted.max() + 1)
    elif ours is not None and theirs is not None:
        numbers = _places(theirs, {name: number for number, name in enumerate(ours)})
    elif ours is not None:
        named = {value: number for number, value in enumerate(_whole(train, test))}
        numbers = _places(range(wanted.max() + 1), named)
    else:
        numbers = np.array(_whole(test, train))
    unseen = np.setdiff1d(wanted, np.flatnonzero(np.isin(numbers, labels)))
    if len(unseen):
        raise ValueError(
            f"{test.name} has {class_of(test, unseen[0])}, which {train.name} does not have"
        )
    return replace(test, labels=numbers[wanted].astype(np.int64), class_names=ours)


def paired_labels(train: ImageSet, test: ImageSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of both sets renumbered 0.. in ascending order, and the labels of `train` so numbered.

    Classes are matched as in `numbered_as`. Raises ValueError as it does, for images of two sizes,
    fewer than two classes, and for two sets of the same images.
    """
    as_image_set(train, "train")
    as_image_set(test, "test")
    labels, test_labels = labels_of(train), labels_of(numbered_as(train, test))
    sizes = ["x".join(map(str, part.images.shape[2:])) for part in (train, test)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"{train.name} has images of {sizes[0]} pixels, {test.name} of {sizes[1]}: "
            "a probe needs one size"
        )
    known = np.unique(labels)
    if len(known) < 2:
        raise ValueError(f"{train.name} has one class, {known[0]}: there is nothing to tell apart")
    if len(train) == len(test) and _contents(train) == _contents(test):
        raise ValueError(
            f"{train.name} and {test.name} are the same images: a probe is tested on others than "
            "it learns from"
        )
    return np.searchsorted(known, labels), np.searchsorted(known, test_labels), known


def labels_of(images: ImageSet) -> np.ndarray:
    """The labels; ValueError where there are none."""
    if images.labels is None:
        raise ValueError(f"{images.name} has no labels: a probe needs them on both sides")
    return images.labels


def class_of(images: ImageSet, label: int) -> str:
    """A class in words: "label 3", or "class 'cat'" where it has a name."""
    names = images.class_names
    return f"label {label}" if names is None else f"class {names[label]!r}"


@dataclass(frozen=True)
class SplitPicture:
    """One picture under several classes: the image `kept` has `label`, copies of it the `others`.

    `kept` is the first of the copies, which is what stands for all where copies are left out.
    """

    kept: int
    label: int
    others: tuple[int, ...]


def split_pictures(labels: IntArray, copies: Copies) -> tuple[SplitPicture, ...]:
    """The pictures whose `copies` stand under more than one of the `labels`, int64 (n,)."""
    others = defaultdict[int, set[int]](set)
    for place in np.flatnonzero(labels != labels[copies.group]).tolist():
        others[int(copies.group[place])].add(int(labels[place]))
    return tuple(
        SplitPicture(kept, int(labels[kept]), tuple(sorted(others[kept])))
        for kept in sorted(others)
    )


def split_in_words(images: ImageSet, copies: Copies) -> str:
    """How many pictures of `images` stand under several classes, and which is kept; "" for none."""
    found = () if images.labels is None else split_pictures(images.labels, copies)
    if not found:
        return ""
    one, more = found[0], len(found) - 1
    others = few((class_of(images, label) for label in one.others), shown=2)
    said = (
        f"{len(found):,} picture{'s stand' if more else ' stands'} under several classes, and the "
        f"first of each is kept: image {one.kept:,} as {class_of(images, one.label)}, also {others}"
    )
    return f"{said}; and {more:,} more" if more else said


def _places(keys: Iterable[Any], places: dict[Any, int]) -> np.ndarray:
    """Where each of `keys` is, -1 where it is not."""
    return np.array([places.get(key, -1) for key in keys])


def _whole(named: ImageSet, numbered: ImageSet) -> list[int]:
    """The names of the classes of `named` as whole numbers, to compare with those of `numbered`."""
    names = named.class_names or ()
    digits = all(name.isascii() and name.isdigit() for name in names)
    whole = [int(name) for name in names] if digits else []
    if len(set(whole)) < len(names):
        raise ValueError(
            f"the classes of {named.name} have names ({names[0]!r} is 0), those of {numbered.name} "
            "only numbers: give both names (folders have one sub-folder a class, an npz takes an "
            "array class_names), or neither"
        )
    return whole


def _contents(images: ImageSet) -> Counter[bytes]:
    return Counter(
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for image in images.images
    )

"""Classes of two sets mean the same, however each numbers them; what cannot be told is refused."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.data.labelled_pairs import numbered_as, paired_labels

NAMES = ("cow", "ant", "bee", "dog")  # as in no alphabet


def of_classes(labels, names=None, seed=0, size=2) -> ImageSet:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 3, size, size), np.uint8)
    return ImageSet(images, np.array(labels, np.int64), f"set-{seed}", class_names=names)


def test_classes_are_matched_by_name():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 50)
    order = rng.permutation(4)
    train = of_classes([0, 1, 2, 3], NAMES)
    test = of_classes(np.argsort(order)[true], tuple(NAMES[i] for i in order), seed=1)
    found = numbered_as(train, test)
    assert found.labels.tolist() == true.tolist() and found.class_names == NAMES
    assert paired_labels(train, test)[1].tolist() == true.tolist()


def test_classes_that_are_not_tested_are_no_matter():
    train, test = of_classes([0, 1, 2, 3], NAMES), of_classes([0, 1], ("bee", "dog"), seed=1)
    assert numbered_as(train, test).labels.tolist() == [2, 3]
    # nor are names that no image has
    extra = of_classes([0, 1], ("bee", "dog", "elk"), seed=1)
    assert numbered_as(train, extra).labels.tolist() == [2, 3]


def test_numbers_are_matched_by_number():
    train, test = of_classes([3, 7, 40, 3]), of_classes([40, 3, 3], seed=1)
    labels, test_labels, known = paired_labels(train, test)
    assert known.tolist() == [3, 7, 40]
    assert known[labels].tolist() == [3, 7, 40, 3] and known[test_labels].tolist() == [40, 3, 3]


@pytest.mark.parametrize("padding", ["", "0"])
def test_folders_named_by_numbers_are_matched_with_numbers(padding):
    # in the alphabet "10" comes before "2"
    names = tuple(sorted((f"{padding}{i}" for i in range(12)), key=str))
    named, plain = of_classes(range(12), names), of_classes([2, 10, 11, 0], seed=1)
    assert numbered_as(named, plain).labels.tolist() == [names.index(padding + n) for n in
                                                         ("2", "10", "11", "0")]  # fmt: skip
    whole = of_classes(range(12), seed=1)
    assert numbered_as(whole, named).labels.tolist() == [int(name) for name in names]


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (of_classes([0, 1], NAMES), of_classes([0, 1], seed=1), "set-0 have names .*'cow' is 0"),
        (of_classes([0, 1]), of_classes([0, 1], NAMES, seed=1), "set-1 have names .*'cow' is 0"),
        (of_classes([0, 1], ("1", "01")), of_classes([0, 1], seed=1), "have names"),
        (of_classes([0, 1], NAMES), of_classes([0], ("elk",), seed=1), "set-1 has class 'elk'"),
        # a class that has a name but no image
        (of_classes([0, 1], NAMES), of_classes([3], NAMES, seed=1), "set-1 has class 'dog'"),
        (of_classes([0, 1]), of_classes([5], seed=1), "set-1 has label 5, which set-0 does not"),
        (of_classes([0, 1], ("1", "2")), of_classes([0], seed=1), "set-1 has label 0"),
        (of_classes([0, 1]), of_classes([0]).unlabelled(), "no labels"),
        (of_classes([0, 0]), of_classes([0], seed=1), "one class, 0"),
        (of_classes([0, 1]), of_classes([0], seed=1, size=3), "2x2 pixels, set-1 of 3x3"),
    ],
)
def test_what_cannot_be_matched_is_refused(train, test, says):
    with pytest.raises(ValueError, match=says):
        paired_labels(train, test)


def test_a_set_is_not_tested_on_itself_in_whatever_order():
    train = of_classes([0, 1, 1, 0])
    order = np.array([2, 0, 3, 1])
    for same in (train, replace(train, name="copy"), train.subset(order, "shuffled")):
        with pytest.raises(ValueError, match="are the same images"):
            paired_labels(train, same)
    images = train.images.copy()
    images[0, 0, 0, 0] ^= 1
    paired_labels(train, replace(train, images=images))
    paired_labels(train, train.subset(order[:3]))  # a part may be meant: sets of few pictures

"""Classes of two sets mean the same, however each numbers them; what cannot be told is refused."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.class_labels import without_gaps
from adainf_core.data.copies import find_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.labelled_pairs import (
    numbered_as,
    paired_labels,
    split_in_words,
    split_pictures,
)

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


def test_a_picture_under_several_classes_is_named_with_what_is_kept():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 3, 32, 32), np.uint8)[rng.integers(0, 5, 40)]
    images[::7] = images[::7, ..., ::-1]
    labels = rng.integers(0, 3, 40)
    copies = find_copies(images)
    found = split_pictures(labels, copies)
    expected = {}
    for i in range(40):
        same = [j for j in range(40) if np.array_equal(images[i], images[j])
                or np.array_equal(images[i], images[j][..., ::-1])]  # fmt: skip
        under = {int(labels[j]) for j in same}
        if len(under) > 1:
            expected[same[0]] = int(labels[same[0]]), under - {int(labels[same[0]])}
    assert expected == {one.kept: (one.label, set(one.others)) for one in found} and found
    one = ImageSet(images[[0, 0, 1]], np.array([2, 1, 0]), "mine", class_names=NAMES)
    copies = find_copies(one.images)
    assert split_in_words(one, copies) == (
        "1 picture stands under several classes, and the first of each is kept: image 0 as class "
        "'bee', also class 'ant'"
    )
    assert split_in_words(one.unlabelled(), copies) == ""
    assert split_in_words(of_classes([0, 1, 1], size=32), copies) != ""  # by the copies told
    whole = find_copies(of_classes([0, 1, 1], size=32).images)
    assert split_in_words(of_classes([0, 1, 1], size=32), whole) == ""


@pytest.mark.parametrize(
    ("values", "anew"),
    [
        (range(10), False),
        ([*range(80), 90], False),  # COCO's, of which ten are empty
        ([3, 8], False),
        ([999], False),
        ([0, 1, 999], False),
        ([1000], True),
        ([0, 1, 2, 1_000_000], True),
        ([2_119_789, 13_133_613], True),  # WordNet's
        (range(0, 20_000, 20), True),
        (range(0, 20_000, 9), False),
    ],
)
def test_numbers_that_are_mostly_gaps_become_names(values, anew):
    labels = np.random.default_rng(0).permutation(np.repeat(list(values), 3)).astype(np.int64)
    found, names = without_gaps(labels)
    assert (names is not None) == anew
    meant = found if names is None else np.array(names).astype(np.int64)[found]
    assert np.array_equal(meant, labels)
    assert names is None or found.max() == len(names) - 1 == len(values) - 1


def test_sets_are_matched_whichever_has_gaps():
    rng = np.random.default_rng(1)
    numbers = np.arange(0, 3000, 300)
    gaps, names = without_gaps(rng.permutation(np.repeat(numbers, 3)))
    train = of_classes(gaps, names)
    for chosen in (numbers[[3]], numbers[:2], numbers[[9, 1, 1]]):
        test = of_classes(*without_gaps(chosen), seed=1)
        found = numbered_as(train, test)
        assert [int(names[label]) for label in found.labels] == chosen.tolist()

"""Two folders in which one label would mean two classes are refused, others pass."""

import pytest

from adainf_core.cli import main
from adainf_core.data.class_folders import check_same_classes


@pytest.fixture
def folder(tmp_path):
    def make(name, *classes):
        for each in (*classes, ".hidden"):
            (tmp_path / name / each).mkdir(parents=True)
        return str(tmp_path / name)

    return make


def test_different_sub_folders_are_refused_by_name(folder):
    cats, dogs = folder("cats", "cat", "cow"), folder("dogs", "cow", "dog")
    with pytest.raises(ValueError, match="differ in the class 'cat'"):
        check_same_classes(cats, dogs)


def test_equal_unlabelled_and_named_sets_pass(folder):
    one, same, bare = folder("one", "a", "b"), folder("same", "b", "a"), folder("bare")
    for test in (same, bare, "cifar10", "nowhere.npz"):
        check_same_classes(one, test)


def test_probe_looks_before_it_reads_anything(folder, capsys):
    train, test = folder("train", "a", "b"), folder("test", "b", "c")
    assert main(["probe", "nothing.pt", "--dataset", train, "--test", test]) == 2
    assert "differ in the class 'a'" in capsys.readouterr().err

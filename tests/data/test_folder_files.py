"""Which files of a folder are images, and which parts of a set are no classes."""

import os

import pytest
from PIL import Image

from adainf_core.data.folder_files import (
    PassedOver,
    ReadingWarning,
    few,
    images_below,
    split_folder,
    split_names,
)
from adainf_core.data.named_sets import named_or_own
from adainf_core.data.sources import folder_source


def picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (value, 0, 0)).save(path)


def test_links_are_followed_as_torchvision_follows_them(tmp_path):
    from torchvision.datasets import ImageFolder

    for number in range(6):
        picture(tmp_path / "store" / f"{number % 3}" / f"{number}.png")
    for name in ("cat", "cow"):
        picture(tmp_path / "set" / name / "own.png")
    os.symlink(tmp_path / "store/0", tmp_path / "set/cat/more", target_is_directory=True)
    os.symlink(tmp_path / "store/1", tmp_path / "set/cow/more", target_is_directory=True)
    os.symlink(tmp_path / "store/2", tmp_path / "set/dog", target_is_directory=True)
    os.symlink(tmp_path / "store/2/2.png", tmp_path / "set/cow/one.png")
    [counted] = [ImageFolder(str(tmp_path / "set")).targets]
    assert sorted(folder_source(tmp_path / "set").labels) == sorted(counted)
    assert len(counted) == 9


def test_folders_that_link_to_each_other_are_read_once(tmp_path):
    names = "abcdefgh"
    for name in names:
        picture(tmp_path / "cat" / name / "0.png")
        for other in names:
            if other != name:
                os.symlink(f"../{other}", tmp_path / "cat" / name / f"to_{other}")
    passed = PassedOver()
    found = images_below(tmp_path / "cat", passed)
    assert found == [tmp_path / "cat" / name / "0.png" for name in names]
    assert passed.counts == {"links to folders read already": 56}


def test_a_hidden_folder_is_counted_by_its_files(tmp_path):
    picture(tmp_path / "cat" / "0.png")
    for number in range(5):
        picture(tmp_path / "cat" / ".cache" / "deep" / f"{number}.png")
    os.symlink("/", tmp_path / "cat" / ".root")  # not walked
    passed = PassedOver()
    assert len(images_below(tmp_path / "cat", passed)) == 1
    assert passed.notes() == ("passed over: 6 files (hidden 6)",)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("train", "val"), ("train", "val")),
        (("Training", "Testing"), ("Testing", "Training")),
        (("train",), ("train",)),
        (("train", "test", "extra"), ("test", "train")),
        (("train", "bus", "tram"), ()),  # CIFAR-100 has a class of trains
        (("cat", "dog"), ()),
    ],
)
def test_parts_of_a_set_are_told_from_classes(tmp_path, names, parts):
    for name in names:
        picture(tmp_path / name / "cat" / "0.png")
    assert split_names(tmp_path) == list(parts)
    if parts:
        with pytest.raises(ValueError, match=f"which are parts of a set .*{parts[0]}$"):
            folder_source(tmp_path)
    else:
        assert len(folder_source(tmp_path).class_names) == len(names)


def test_a_split_is_read_where_a_folder_has_it(tmp_path):
    for number, name in enumerate(("train", "valid")):
        picture(tmp_path / name / "cat" / "0.png", number)
    assert split_folder(tmp_path, "validation") == tmp_path / "valid"
    for split, value in (("train", 0), ("val", 1)):
        assert named_or_own(str(tmp_path), split).images.max() == value
    with pytest.raises(ValueError, match=r"holds the parts train, valid, and no 'test': name one"):
        named_or_own(str(tmp_path), "test")
    assert split_folder(tmp_path / "train", "test") == tmp_path / "train"  # classes


def test_folders_beside_the_parts_of_a_set_are_said(tmp_path):
    for name in ("train", "val", "extra"):
        picture(tmp_path / name / "cat" / "0.png")
    with pytest.warns(ReadingWarning, match="passed over, as no parts of the set: extra"):
        assert split_folder(tmp_path, "train") == tmp_path / "train"


def test_long_lists_are_cut():
    assert few("abc") == "a, b, c" and few("abcdef") == "a, b, c, d, e and 1 more"
    assert few(str(i) for i in range(4000)).endswith("4 and 3,995 more")
    assert len(few(["x" * 4000] * 9)) < 400
    assert few(["a\nb\x1b[2J"]) == "a\\nb\\x1b[2J"

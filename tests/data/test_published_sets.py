"""Published sets: read in their own layouts, whole, without copies; else one line."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adainf_core.data import published_sets
from adainf_core.data.named_sets import LOADERS, SPLITS, load_images
from adainf_core.data.published_sets import PUBLISHED

RNG = np.random.default_rng(0)


def smooth(seed: int) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(small).resize((32, 32), Image.Resampling.BICUBIC)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """CIFAKE with two images a class to train on, one to test; three are copies of others."""
    monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(published_sets, "_CIFAKE_EACH", {"train": 2, "test": 1})
    seeds = {("train", 1, 3): 0, ("test", 0, 0): 10, ("test", 0, 5): 11}  # else all differ
    for part, numbers in (("train", (0, 1)), ("test", (0,))):
        folder = tmp_path / "cifake" / part / "FAKE"
        folder.mkdir(parents=True)
        for number in numbers:
            for label in range(10):
                name = f"{number} ({label + 1}).jpg" if label else f"{number}.jpg"
                own = 100 * (part == "test") + 10 * number + label
                image = smooth(seeds.get((part, number, label), own))
                image.save(folder / name, quality=75)
    # of the test images two repeat training images (class 0, number 1; class 1, number 1)
    return tmp_path


def test_cifake_is_read_in_order_without_copies(root):
    train = load_images("cifake", root=root)
    # by number, then class: the copy (number 1, class 3) is place 13, its first place 0
    labels = [*range(10), *(label for label in range(10) if label != 3)]
    assert train.labels.tolist() == labels and train.name == "cifake-train less 1 exact copies"
    assert train.class_names[3] == "cat" and len(train.class_names) == 10
    file = io.BytesIO()
    smooth(2).save(file, "JPEG", quality=75)
    assert np.array_equal(train.images[2], np.asarray(Image.open(file)).transpose(2, 0, 1))
    test = load_images("cifake", root=root, split="test")
    assert test.labels.tolist() == [1, 2, 3, 4, 6, 7, 8, 9]
    own = {image.tobytes() for image in train.images}
    assert not own & {image.tobytes() for image in test.images}


def _rename(folder: Path) -> None:
    (folder / "0 (4).jpg").rename(folder / "REAL_4.jpg")


def _another_size(folder: Path) -> None:
    for file in folder.iterdir():
        Image.open(file).resize((16, 16)).save(file)


def _one_of_another_size(folder: Path) -> None:
    Image.open(folder / "1 (4).jpg").resize((16, 16)).save(folder / "1 (4).jpg")


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (_rename, r"REAL_4\.jpg: CIFAKE has no such file"),
        (lambda folder: (folder / "0 (11).jpg").write_bytes(b""), r"0 \(11\)\.jpg: CIFAKE has no"),
        (_another_size, "images are 16x16, CIFAKE's are 32x32"),
        (_one_of_another_size, r"1 \(4\)\.jpg is 16x16, .* is 32x32"),
        (lambda folder: (folder / "0 (4).jpg").unlink(), r"holds 1 of 2 images of class 3 \(cat\)"),
        (lambda folder: [file.unlink() for file in folder.iterdir()], "holds 0 of 2 images of cl"),
    ],
)
def test_a_changed_cifake_is_named_in_one_line(root, damaged, says):
    damaged(root / "cifake" / "train" / "FAKE")
    with pytest.raises(ValueError, match=says) as raised:
        load_images("cifake", root=root)
    assert "\n" not in str(raised.value)


def test_a_hidden_file_is_passed_over(root):
    (root / "cifake" / "train" / "FAKE" / ".DS_Store").write_bytes(b"x")
    assert len(load_images("cifake", root=root)) == 19


@pytest.mark.parametrize("name", published_sets.PUBLISHED)
def test_an_absent_set_says_what_is_missing_and_where_it_comes_from(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=r"not downloaded .*github\.com.*ADAINF_DATA") as no:
        load_images(name, root=tmp_path)
    file = "generator_gallery.npz" if name.startswith("gallery") else name
    assert f"no {file}" in str(no.value) and "\n" not in str(no.value)


@pytest.fixture
def archives(tmp_path, monkeypatch) -> Path:
    counts = {"imagenette32": {"train": 3, "test": 2}, "cinic10_imagenet": {"train": 3}}
    for name, few in counts.items():
        monkeypatch.setitem(published_sets.PUBLISHED[name].keywords, "counts", few)
    monkeypatch.setattr(published_sets, "_GALLERY", {"ddpm": (0, 2), "edm": (1, 3)})
    return tmp_path


def made(count: int, **more) -> dict[str, np.ndarray]:
    images = RNG.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return {"images": images, "labels": np.arange(count) % 2} | more


NAMES = {"label_names": np.array(["tench", "church"])}


@pytest.mark.filterwarnings("ignore::adainf_core.data.folder_files.ReadingWarning")
def test_archives_are_read_by_part_and_by_generator(archives):
    split = np.array([1, 0, 0, 1, 0], np.uint8)
    parts = made(5, split=split, **NAMES)
    np.savez(archives / "imagenette32.npz", **parts)
    for number, part in enumerate(("train", "test")):
        found = load_images("imagenette32", root=archives, split=part)
        wanted = split == number
        assert np.array_equal(found.images, parts["images"][wanted].transpose(0, 3, 1, 2))
        assert np.array_equal(found.labels, parts["labels"][wanted])
        assert found.class_names == ("tench", "church") and found.name == f"imagenette32-{part}"
    tiles = made(3, **NAMES)
    np.savez(archives / "cinic10_imagenet.npz", **tiles)
    assert len(load_images("cinic10_imagenet", root=archives)) == 3
    with pytest.raises(ValueError, match="unknown split 'test' of cinic10_imagenet; choose 'train"):
        load_images("cinic10_imagenet", root=archives, split="test")
    samples = made(5, **NAMES) | {"labels": np.array([1, 0, 1, 1, 0])}
    np.savez(archives / "generator_gallery.npz", **samples)
    for which, places in (("ddpm", [1, 4]), ("edm", [0, 2, 3])):
        found = load_images(f"gallery-{which}", root=archives)
        assert np.array_equal(found.images, samples["images"][places].transpose(0, 3, 1, 2))
        assert found.labels is None
    assert SPLITS["gallery-ddpm"] == ("train",)


@pytest.mark.filterwarnings("ignore::adainf_core.data.folder_files.ReadingWarning")
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (made(4, **NAMES), "holds 4 images of 32x32, not 5 of 32x32: make it again"),
        (made(5), "holds no labels or no label_names"),
        (made(5, split=np.zeros(4), **NAMES), r"split has shape \(4,\), need \(5,\)"),
        (made(5, split=np.zeros(5), **NAMES), "holds 5 of 3 images of split 'train'"),
    ],
)
def test_a_wrong_archive_is_named_in_one_line(archives, content, says):
    np.savez(archives / "imagenette32.npz", **content)
    with pytest.raises(ValueError, match=says) as raised:
        load_images("imagenette32", root=archives)
    assert "imagenette32.npz" in str(raised.value) and "\n" not in str(raised.value)


def test_every_published_set_can_be_loaded_by_name():
    assert {name: LOADERS[name] for name in PUBLISHED} == PUBLISHED

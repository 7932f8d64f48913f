"""Caveats: said where a set is like a released one, and never more than its marks allow."""

import numpy as np
import pytest
from PIL import Image

from adainf_core.data.provenance import caveats
from adainf_core.data.sources import folder_source, npz_source

PIXELS = np.random.default_rng(0).integers(0, 256, (200, 4, 4, 3), dtype=np.uint8)
BALANCED = np.arange(200) % 10


def said(tmp_path, name="samples", **arrays) -> str:
    path = tmp_path / f"{name}.npz"
    np.savez(path, **({"image": PIXELS} | arrays))
    return " ".join(caveats(npz_source(path)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cifar10-edm-1m", "DM-Improves-AT"),
        ("cifar10-stf-1m", "FID 1.94"),
        ("cifar10-5k-500k-stf", "5,000 images only"),
        ("cifar100-stf-1m", "FID 3.14"),
    ],
)
def test_released_sets_are_told_by_their_names(tmp_path, name, says):
    found = said(tmp_path, name, label=np.full(200, -1))
    assert says in found and "all of them were -1" in found and "OpenCV" in found
    sentences = caveats(npz_source(tmp_path / f"{name}.npz"))
    # whatever a name suggests is said under a condition
    assert all(text.startswith(("If ", "Labels were left behind")) for text in sentences)


def test_the_edm_set_is_told_by_balanced_classes_too(tmp_path):
    found = said(tmp_path, label=BALANCED)
    assert "as many of each class" in found and "supervised WRN-28-10" in found
    assert "10 values from 0 to 9, 20 images of each, as true classes would look" in found


@pytest.mark.parametrize(
    ("label", "says"),
    [
        (np.minimum(BALANCED, 8), "9 values from 0 to 8, 20 to 40 images of each, as true classes"),
        (np.arange(200) % 100, "100 values from 0 to 99, 2 images of each, as true classes"),
        (np.zeros(200, int), "1 value from 0 to 0."),
        (BALANCED - 1, "10 values from -1 to 8."),
    ],
)
def test_other_labels_are_described_and_claim_nothing(tmp_path, label, says):
    found = said(tmp_path, label=label)
    assert says in found and "DM-Improves-AT" not in found


def test_a_set_like_no_released_one_has_no_caveats(tmp_path):
    np.savez(tmp_path / "mine.npz", images=PIXELS)
    assert caveats(npz_source(tmp_path / "mine.npz")) == ()
    assert "OpenCV" not in said(tmp_path, labels=BALANCED)


def test_sub_folders_may_be_classes(tmp_path):
    for i in range(4):
        folder = tmp_path / "abcd"[i]
        folder.mkdir()
        Image.fromarray(PIXELS[i]).save(folder / "0.png")
    (text,) = caveats(folder_source(tmp_path))
    assert text.startswith("Its 4 sub-folders were read as one set") and "if they are" in text
    assert caveats(folder_source(tmp_path / "a")) == ()


def test_prompts_that_came_with_the_images_are_named(tmp_path):
    found = said(tmp_path, prompts=np.array(["a cat"] * 200))
    assert "Prompts seem to have come with the images (prompts)" in found
    folder = tmp_path / "drawn"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    (folder / "readme.txt").write_text("thanks")
    assert "Prompts" not in " ".join(caveats(folder_source(folder)))
    for name in ("1.txt", "metadata.jsonl"):
        (folder / name).write_text("a cat")
    assert "(metadata.jsonl, 1.txt)" in " ".join(caveats(folder_source(folder)))


@pytest.mark.parametrize("place", ["cifake", "train/FAKE"])
def test_cifake_is_told_by_its_folder(tmp_path, place):
    (tmp_path / place).mkdir(parents=True)
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / place / "0.jpg")
    (line,) = caveats(folder_source(tmp_path / place))
    assert line.startswith("If this is CIFAKE") and "not unsupervised even without labels" in line

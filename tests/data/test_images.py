"""Image sets: what is refused, exact averaging, and CIFAR-10 as torchvision reads it."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from adainf_core.data.images import ImageSet, load_images

BASE = "cifar-10-batches-py"


def some(n=6, size=8, labels=True) -> ImageSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 3, size, size), dtype=np.uint8)
    return ImageSet(images, np.arange(n, dtype=np.int64) if labels else None, "some")


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (np.zeros((2, 3, 4, 4), np.float32), None, "uint8"),
        (np.zeros((2, 4, 4, 3), np.uint8), None, "transpose"),
        (np.zeros((0, 3, 4, 4), np.uint8), None, "empty"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(3, np.int64), r"shape \(3,\)"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.array([0, -1]), "labels=None"),
    ],
)
def test_wrong_images_are_refused(images, labels, says):
    with pytest.raises(ValueError, match=says):
        ImageSet(images, labels, "wrong")


def test_downsampling_is_the_rounded_mean_of_each_block():
    images = some()
    small = images.downsampled(4)
    for i, c, y, x in np.ndindex(small.images.shape):
        block = images.images[i, c, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].astype(float)
        assert small.images[i, c, y, x] == np.floor(block.mean() + 0.5)
    assert np.array_equal(small.labels, images.labels)


def test_downsampling_to_a_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="8x8 down to 3"):
        some().downsampled(3)


def test_subset_keeps_images_and_labels_together():
    chosen = some().subset(np.array([4, 1]))
    assert np.array_equal(chosen.labels, [4, 1])
    assert np.array_equal(chosen.images, some().images[[4, 1]])


@pytest.mark.parametrize(("name", "split"), [("cifar11", "train"), ("cifar10", "validation")])
def test_unknown_set_or_split_is_named(name, split):
    with pytest.raises(ValueError, match=name if name == "cifar11" else split):
        load_images(name, split=split)


def test_missing_folder_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("ADAINF_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="ADAINF_DATA"):
        load_images("cifar10", download=False)


def test_incomplete_folder_names_the_missing_file(tmp_path):
    (tmp_path / BASE).mkdir()
    with pytest.raises(FileNotFoundError, match="data_batch_1 is missing"):
        load_images("cifar10", root=tmp_path)


def test_damaged_file_is_never_unpickled(tmp_path):
    (tmp_path / BASE).mkdir()
    (tmp_path / BASE / "data_batch_1").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(RuntimeError, match="data_batch_1 does not have its published MD5"):
        load_images("cifar10", root=tmp_path)


def test_failed_download_is_one_line(tmp_path, monkeypatch):
    from torchvision.datasets import CIFAR10

    def no_network(self):
        raise ConnectionError("no route")

    monkeypatch.setattr(CIFAR10, "download", no_network)
    with pytest.raises(RuntimeError, match="connect to a network, or point ADAINF_DATA"):
        load_images("cifar10", root=tmp_path / "new")


@pytest.fixture(scope="module")
def cifar_root() -> Path:
    root = os.environ.get("ADAINF_DATA")
    if not root or not (Path(root) / BASE).is_dir():
        pytest.skip("CIFAR-10 is not here: set ADAINF_DATA to the folder that holds it")
    return Path(root)


def test_cifar10_is_what_torchvision_reads(cifar_root):
    from torchvision.datasets import CIFAR10

    ours = load_images("cifar10", root=cifar_root, split="test", download=False)
    theirs = CIFAR10(str(cifar_root), train=False)
    assert len(ours) == 10_000 and np.bincount(ours.labels).tolist() == [1000] * 10
    for i in (0, 4321, 9999):
        image, label = theirs[i]
        assert np.array_equal(ours.images[i].transpose(1, 2, 0), np.asarray(image))
        assert ours.labels[i] == label


def test_one_flipped_byte_is_noticed(cifar_root, tmp_path):
    shutil.copytree(cifar_root / BASE, tmp_path / BASE)
    path = tmp_path / BASE / "test_batch"
    content = bytearray(path.read_bytes())
    content[1_000_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="test_batch"):
        load_images("cifar10", root=tmp_path, download=False)

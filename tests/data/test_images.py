"""Image sets: what is refused, resizing, and the named sets as their publishers lay them out."""

import errno
import hashlib
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adainf_core.data import named_sets, npy_files, sources
from adainf_core.data.cache import cache_folder
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images

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
        (np.zeros((2, 3, 4, 4), np.uint8), np.array([0, 2**62]), f"label {2**62} is beyond"),
    ],
)
def test_wrong_images_are_refused(images, labels, says):
    with pytest.raises(ValueError, match=says):
        ImageSet(images, labels, "wrong")


def test_sets_are_equal_if_they_are_one():
    images = some()
    assert images == images and images != some() and len({images, some(), images}) == 2


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


def test_classes_are_counted_by_the_largest_label():
    assert some().classes == 6 and some(labels=False).classes is None
    assert some().subset(np.array([0, 3])).classes == 4


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (tuple("abcde"), "label 5 has no name among the 5 class_names"),
        (tuple("abcdea"), "two classes are named 'a'"),
    ],
)
def test_every_class_has_a_name_of_its_own_or_none_has_one(names, says):
    with pytest.raises(ValueError, match=says):
        replace(some(), class_names=names)


def test_names_of_classes_follow_the_labels(tmp_path):
    named = replace(some(), class_names=tuple("fedcba"))
    pieces = (named.subset(np.array([3])), named.downsampled(4), named.resized(5))
    assert all(piece.class_names == tuple("fedcba") for piece in pieces)
    assert named.unlabelled().class_names is None
    np.savez(tmp_path / "a.npz", images=named.images, labels=named.labels, class_names=[*"fedcba"])
    assert ImageSet.from_npz(tmp_path / "a.npz").class_names == tuple("fedcba")
    np.savez(tmp_path / "a.npz", images=named.images, labels=named.labels, class_names=np.arange(6))
    with pytest.raises(ValueError, match=r"class_names is int64 .*need strings"):
        ImageSet.from_npz(tmp_path / "a.npz")
    for name in "ba":
        (tmp_path / "b" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "b" / name / "0.png")
    assert ImageSet.from_folder(tmp_path / "b").class_names == ("a", "b")


def test_a_folder_is_called_by_its_whole_name(tmp_path, monkeypatch):
    folder = tmp_path / "samples_cfg1.25"
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(folder / "0.png")
    monkeypatch.chdir(folder)
    for path in (folder, ".", f"{folder}/../samples_cfg1.25/"):
        assert ImageSet.from_folder(path).name == "samples_cfg1.25"


# ---- resizing


def test_resizing_is_pils_antialiased_bicubic():
    images = some(size=12)
    small = images.resized(5)
    assert small.images.shape == (6, 3, 5, 5) and small.name == "some@5"
    assert np.array_equal(small.labels, images.labels)
    for ours, image in zip(small.images, images.images, strict=True):
        theirs = Image.fromarray(image.transpose(1, 2, 0)).resize((5, 5), Image.Resampling.BICUBIC)
        assert np.array_equal(ours.transpose(1, 2, 0), np.asarray(theirs))


def test_resizing_takes_the_central_square():
    wide = ImageSet(some(size=12).images[:, :, 2:10], None, "wide")
    inner = ImageSet(wide.images[..., 2:10].copy(), None, "inner")
    assert np.array_equal(wide.resized(4).images, inner.resized(4).images)
    assert some(size=8).resized(8).images.shape == (6, 3, 8, 8)
    with pytest.raises(ValueError, match="size=0"):
        some().resized(0)


def test_a_resized_set_is_kept_and_mapped(tmp_path, monkeypatch):
    first = some().resized(5, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    monkeypatch.setattr(ImageSet, "_resized", None)  # a second time would fail
    again = some().resized(5, cache=tmp_path)
    assert isinstance(again.images, np.memmap)
    assert np.array_equal(again.images, first.images)
    monkeypatch.undo()
    assert np.array_equal(first.images, some().resized(5).images)
    other = ImageSet(255 - some().images, None, "some").resized(5, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2  # by content, not by name
    assert not np.array_equal(other.images, first.images)
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"is damaged .*delete it"):
        some().resized(5, cache=tmp_path)


def test_a_full_disk_leaves_no_cache(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(npy_files, "write_npy", full)
    with pytest.raises(OSError, match=r"could not write .*5\.npy .*free some space"):
        some().resized(5, cache=tmp_path)
    assert not list(tmp_path.iterdir())


# ---- named sets


@pytest.mark.parametrize(
    ("name", "split", "says"),
    [
        ("cifar11", "train", "unknown image set 'cifar11'; known: cifake, cifar10, cifar100"),
        ("cifar10", "validation", "unknown split 'validation' of cifar10; choose 'train' or"),
        ("cifar10", "unlabeled", "unknown split 'unlabeled'"),
        ("stl10", "val", "choose 'train' or 'test' or 'unlabeled'"),
    ],
)
def test_unknown_set_or_split_is_named(name, split, says):
    with pytest.raises(ValueError, match=says):
        load_images(name, split=split)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "stl10", "tinyimagenet", "tinyimagenet32"])
def test_an_absent_set_says_where_it_belongs(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"in {tmp_path}: .*ADAINF_DATA"):
        load_images(name, root=tmp_path, download=False)


def listed(folder: Path, names) -> list:
    return [[name, hashlib.md5((folder / name).read_bytes()).hexdigest()] for name in names]


@pytest.fixture
def cifar100_root(tmp_path, monkeypatch) -> Path:
    """Two images a split in CIFAR-100's layout, with checksums to match."""
    from torchvision.datasets import CIFAR100

    folder = tmp_path / CIFAR100.base_folder
    folder.mkdir()
    pixels = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)
    for i, split in enumerate(("train", "test")):
        batch = {"data": pixels + np.uint8(i), "fine_labels": [99, i], "coarse_labels": [1, 1]}
        (folder / split).write_bytes(pickle.dumps(batch))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [str(i) for i in range(100)]}))
    monkeypatch.setattr(CIFAR100, "train_list", listed(folder, ["train"]))
    monkeypatch.setattr(CIFAR100, "test_list", listed(folder, ["test"]))
    (meta,) = listed(folder, ["meta"])
    key = {"filename": "meta", "key": "fine_label_names", "md5": meta[1]}
    monkeypatch.setattr(CIFAR100, "meta", key)
    return tmp_path


def test_cifar100_has_fine_labels(cifar100_root):
    train = load_images("cifar100", root=cifar100_root)
    test = load_images("cifar100", root=cifar100_root, split="test")
    assert train.labels.tolist() == [99, 0] and test.labels.tolist() == [99, 1]
    assert train.images.shape == (2, 3, 32, 32) and train.name == "cifar100-train"
    assert np.array_equal(train.images[0, 0, 0], np.arange(32))
    assert np.array_equal(test.images, train.images + np.uint8(1))
    assert train.class_names == test.class_names == tuple(str(i) for i in range(100))


def test_damaged_names_of_classes_are_never_unpickled(cifar100_root):
    (cifar100_root / "cifar-100-python" / "meta").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(RuntimeError, match="meta does not have its published MD5"):
        load_images("cifar100", root=cifar100_root)


def test_a_damaged_cifar100_is_never_unpickled(cifar100_root):
    (cifar100_root / "cifar-100-python" / "train").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(RuntimeError, match="train does not have its published MD5"):
        load_images("cifar100", root=cifar100_root)


@pytest.fixture
def stl10_root(tmp_path, monkeypatch) -> Path:
    """A few images in STL-10's layout: columns before rows, classes from one."""
    from torchvision.datasets import STL10

    folder = tmp_path / STL10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, n in (("train", 3), ("test", 2), ("unlabeled", 4)):
        rng.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8).tofile(folder / f"{split}_X.bin")
    np.array([1, 10, 5], np.uint8).tofile(folder / "train_y.bin")
    np.array([2, 3], np.uint8).tofile(folder / "test_y.bin")
    train = ["train_X.bin", "train_y.bin", "unlabeled_X.bin"]
    monkeypatch.setattr(STL10, "train_list", listed(folder, train))
    monkeypatch.setattr(STL10, "test_list", listed(folder, ["test_X.bin", "test_y.bin"]))
    return tmp_path


@pytest.mark.parametrize("split", ["train", "test", "unlabeled"])
def test_stl10_is_what_torchvision_reads(stl10_root, split):
    from torchvision.datasets import STL10

    ours = load_images("stl10", root=stl10_root, split=split)
    theirs = STL10(str(stl10_root), split=split)
    assert isinstance(ours.images, np.memmap)
    assert np.array_equal(ours.images, theirs.data)
    if split == "unlabeled":
        assert ours.labels is None
    else:
        assert np.array_equal(ours.labels, theirs.labels)
        assert len(ours.class_names) == 10 and ours.class_names[1:3] == ("bird", "car")


def test_a_damaged_stl10_is_refused(stl10_root):
    with (stl10_root / "stl10_binary" / "test_X.bin").open("r+b") as file:
        file.write(b"?")
    assert len(load_images("stl10", root=stl10_root)) == 3  # the other split is whole
    with pytest.raises(RuntimeError, match=r"test_X\.bin does not have its published MD5"):
        load_images("stl10", root=stl10_root, split="test")


@pytest.fixture
def tiny_root(tmp_path, monkeypatch) -> Path:
    """Tiny ImageNet's folder with two classes."""
    monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(named_sets, "_TINY_CLASSES", 2)
    monkeypatch.setattr(named_sets, "_TINY_EACH", {"train": 2, "val": 1})
    folder = tmp_path / "tiny-imagenet-200"
    for shade, wnid in ((200, "n02"), (50, "n01")):
        place = folder / "train" / wnid / "images"
        place.mkdir(parents=True)
        for i in range(2):
            Image.new("RGB", (64, 64), (shade, i, 0)).save(place / f"{wnid}_{i}.JPEG")
    (folder / "wnids.txt").write_text("n02\nn01\n")
    place = folder / "val" / "images"
    place.mkdir(parents=True)
    Image.new("L", (64, 64), 90).save(place / "val_0.JPEG")
    Image.new("RGB", (64, 64), (20, 20, 20)).save(place / "val_1.JPEG")
    (folder / "val" / "val_annotations.txt").write_text(
        "val_0.JPEG\tn01\t0\t0\t62\t57\nval_1.JPEG\tn02\t3\t3\t9\t9\n"
    )
    return tmp_path


def test_tinyimagenet_labels_follow_wnids(tiny_root):
    train = load_images("tinyimagenet", root=tiny_root)
    assert train.images.shape == (4, 3, 64, 64) and train.labels.tolist() == [0, 0, 1, 1]
    assert np.abs(train.images[:, 0, 0, 0].astype(int) - [200, 200, 50, 50]).max() < 3
    test = load_images("tinyimagenet", root=tiny_root, split="test")
    assert test.labels.tolist() == [1, 0]
    assert (test.images[0] == 90).all() and (test.images[1] == 20).all()


def test_tinyimagenet_is_decoded_once(tiny_root, monkeypatch):
    first = load_images("tinyimagenet", root=tiny_root)
    assert isinstance(first.images, np.memmap)
    decoded = []
    decode = sources._decode
    monkeypatch.setattr(sources, "_decode", lambda *a: (decoded.append(a), decode(*a))[1])
    assert np.array_equal(load_images("tinyimagenet", root=tiny_root).images, first.images)
    assert len(decoded) == 1  # the first image, for its size
    path = tiny_root / "tiny-imagenet-200" / "train" / "n02" / "images" / "n02_1.JPEG"
    Image.new("RGB", (64, 64), (0, 0, 255)).save(path)
    changed = load_images("tinyimagenet", root=tiny_root).images
    assert changed[1, 2, 0, 0] > 250


def test_a_wrong_tinyimagenet_is_named(tiny_root):
    folder = tiny_root / "tiny-imagenet-200"
    annotations = folder / "val" / "val_annotations.txt"
    annotations.write_text("val_0.JPEG\tn03\n")
    with pytest.raises(ValueError, match=r"val_0\.JPEG is of n03, which wnids\.txt lacks"):
        load_images("tinyimagenet", root=tiny_root, split="test")
    annotations.write_text("val_0.JPEG\n")
    with pytest.raises(ValueError, match="cut short"):
        load_images("tinyimagenet", root=tiny_root, split="test")
    (folder / "wnids.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"wnids\.txt is missing"):
        load_images("tinyimagenet", root=tiny_root)


def test_a_half_unpacked_tinyimagenet_says_what_is_missing(tiny_root):
    train = tiny_root / "tiny-imagenet-200" / "train"
    (train / "n01" / "images" / "n01_1.JPEG").unlink()
    with pytest.raises(ValueError, match=r"n01/images holds 1 of 2 images .*unpack the set afresh"):
        load_images("tinyimagenet", root=tiny_root)
    shutil.rmtree(train / "n01")
    with pytest.raises(ValueError, match=r"train: 1 of 2 classes are missing, first n01"):
        load_images("tinyimagenet", root=tiny_root)
    (tiny_root / "tiny-imagenet-200" / "wnids.txt").write_text("n02\n")
    with pytest.raises(ValueError, match=r"wnids\.txt lists 1 classes, Tiny ImageNet has 2"):
        load_images("tinyimagenet", root=tiny_root)


def test_a_rearranged_tinyimagenet_is_refused(tiny_root):
    folder = tiny_root / "tiny-imagenet-200"
    for image in (folder / "train" / "n02" / "images").iterdir():
        image.rename(image.parent.parent / image.name)
    with pytest.raises(ValueError, match=r"n02/images holds 0 of 2 images"):
        load_images("tinyimagenet", root=tiny_root)
    val = folder / "val"
    (val / "n01").mkdir()
    (val / "images" / "val_0.JPEG").rename(val / "n01" / "val_0.JPEG")
    with pytest.raises(ValueError, match=r"1 of 2 images are missing, first val_0\.JPEG"):
        load_images("tinyimagenet", root=tiny_root, split="test")
    (val / "val_annotations.txt").write_text("val_0.JPEG\tn01\nval_1.JPEG\tn01\n")
    with pytest.raises(ValueError, match=r"lists 2 images \(0 of n02\)"):
        load_images("tinyimagenet", root=tiny_root, split="test")


def test_a_tinyimagenet_of_another_size_is_refused(tiny_root):
    for path in tiny_root.rglob("*.JPEG"):
        Image.new("RGB", (32, 32)).save(path)
    with pytest.raises(ValueError, match=r"images are 32x32, Tiny ImageNet's are 64x64"):
        load_images("tinyimagenet", root=tiny_root)


def test_tinyimagenets_classes_are_its_wordnet_ids(tiny_root):
    for split in ("train", "test"):
        assert load_images("tinyimagenet", root=tiny_root, split=split).class_names == (
            "n02",
            "n01",
        )


# ---- the cache


@pytest.fixture
def no_cache_variables(monkeypatch):
    for variable in ("ADAINF_CACHE", "XDG_CACHE_HOME", "ADAINF_DATA", "HOME"):
        monkeypatch.delenv(variable, raising=False)


def test_the_cache_is_where_the_environment_says_when_it_is_needed(
    no_cache_variables, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "adainf_core"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says its specification
    assert cache_folder() == tmp_path / ".cache" / "adainf_core"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder() == tmp_path / "shared" / "adainf_core"
    monkeypatch.setenv("ADAINF_CACHE", "~/ours")
    assert cache_folder() == tmp_path / "ours"
    with pytest.raises(FileNotFoundError, match=f"no CIFAR10 in {tmp_path / 'ours'}"):
        load_images("cifar10", download=False)


def test_without_a_home_the_variables_are_named(no_cache_variables, monkeypatch):
    def nobody(_):
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(RuntimeError, match=r"ADAINF_CACHE, .* ADAINF_DATA"):
        load_images("cifar10")
    assert len(load_images("digits")) > 1000  # which come with scikit-learn


@pytest.mark.parametrize("place", ["a file in the way", "a full disk"])
def test_where_no_cache_can_be_had_images_are_decoded_into_memory(
    tiny_root, monkeypatch, tmp_path, place
):
    (tmp_path / "file").touch()
    kept = load_images("tinyimagenet", root=tiny_root)
    if place == "a full disk":
        monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "full"))

        def full(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(npy_files, "write_npy", full)
    else:
        monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match=r"no cache, so 4 images .* ADAINF_CACHE"):
        decoded = load_images("tinyimagenet", root=tiny_root)
    assert not isinstance(decoded.images, np.memmap)
    assert np.array_equal(decoded.images, kept.images)
    assert decoded.labels.tolist() == kept.labels.tolist()


def test_tinyimagenet32_reads_both_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(named_sets, "_TINY_EACH", {"train": 2, "val": 1})
    rng = np.random.default_rng(0)
    train, val = (rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for n in (400, 200))
    path = tmp_path / "tinyimagenet32.npz"
    labels, wnids = rng.permutation(200), np.array([f"n{200 - i:08}" for i in range(200)])
    arrays = {"train_images": train, "val_images": val, "val_labels": labels, "wnids": wnids}
    np.savez(path, **arrays, train_labels=np.repeat(labels, 2))
    test = load_images("tinyimagenet32", root=tmp_path, split="test")
    assert np.array_equal(test.images, val.transpose(0, 3, 1, 2))
    assert test.labels.tolist() == labels.tolist() and test.class_names == tuple(wnids)
    assert len(load_images("tinyimagenet32", root=tmp_path)) == 400
    few = load_images("tinyimagenet32_20", root=tmp_path, split="test")
    assert sorted(few.labels) == list(range(20)) and few.class_names == tuple(wnids[:20])
    assert np.array_equal(few.images, test.images[test.labels < 20])
    np.savez(path, **arrays, train_labels=np.arange(400) % 201)
    with pytest.raises(ValueError, match=r"label 200 is outside 0\.\.199"):
        load_images("tinyimagenet32", root=tmp_path)
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="holds no train_labels"):
        load_images("tinyimagenet32", root=tmp_path)
    np.savez(path, **arrays, train_labels=np.repeat(labels, 2)[::-1] // 2 * 2)
    with pytest.raises(ValueError, match=r"4 of label 0; Tiny ImageNet at 32x32 has 2 of each"):
        load_images("tinyimagenet32", root=tmp_path)
    np.savez(path, **arrays | {"val_images": val[:, :8, :8]})
    with pytest.raises(ValueError, match=r"val_images are 200 of 8x8"):
        load_images("tinyimagenet32", root=tmp_path, split="test")


def test_digits_are_split_evenly_and_keep_every_shade():
    from sklearn.datasets import load_digits

    train, test = (load_images("digits", split=split) for split in ("train", "test"))
    assert len(train) + len(test) == 1797 and train.images.shape[1:] == (3, 8, 8)
    counts = [np.bincount(part.labels, minlength=10) for part in (train, test)]
    assert np.abs(counts[0] / 4 - counts[1]).max() <= 1
    assert len(np.unique(train.images)) == 17 and train.images.max() == 255
    assert (train.images == train.images[:, :1]).all()
    grey = {image.tobytes() for image in load_digits().images.astype(np.uint8)}
    back = np.concatenate([train.images, test.images])[:, 0] * (16 / 255)
    assert {image.tobytes() for image in back.round().astype(np.uint8)} == grey
    assert np.array_equal(load_images("digits").images, train.images)


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
    assert ours.class_names == tuple(theirs.classes) and ours.class_names[6] == "frog"
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

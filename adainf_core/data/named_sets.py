"""Image sets by name, or at a path of the reader's own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.data.cache import cache_folder
from adainf_core.data.class_labels import check_labels
from adainf_core.data.folder_files import split_folder
from adainf_core.data.images import ImageSet
from adainf_core.data.published_sets import PUBLISHED
from adainf_core.data.sources import ARCHIVES, decoded_once, files_source, npz_source
from adainf_core.validation import as_path, in_words

_STL10_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship",
                  "truck")  # fmt: skip
#: Tiny ImageNet: its classes, and the images of each for training and for validation.
_TINY_CLASSES, _TINY_EACH = 200, {"train": 500, "val": 50}


def load_images(
    name: str, root: str | Path | None = None, split: str = "train", download: bool = True
) -> ImageSet:
    """A named image set, verified against its published checksums where there are any.

    `name` is "cifar10", "cifar100", "stl10", "tinyimagenet" (64x64, the usual folder),
    "tinyimagenet32" (an npz at 32x32), "tinyimagenet32_20" (its first 20 classes), "digits" (of
    scikit-learn, 8x8) or one of `PUBLISHED`: "cifake", "imagenette32", "cinic10_imagenet",
    "gallery-ddpm" and its like; `split` is "train", "test" (Tiny ImageNet: its validation images)
    or, for STL-10, "unlabeled". The folder is `root`, else the environment variable ADAINF_DATA,
    else the cache (`cache.cache_folder`). CIFAR and STL-10 are fetched where they are absent and
    `download` is true; a folder that holds damaged files is never repaired silently, and one that
    lacks images or classes of its set is refused.
    Classes have the set's own names (Tiny ImageNet's are its WordNet ids). Raises ValueError for an
    unknown name or split, FileNotFoundError or RuntimeError in one line that names the file and the
    remedy.
    """
    for argument, value in (("name", name), ("split", split)):
        if not isinstance(value, str):
            raise ValueError(f"{argument}={in_words(value)} must be a string")
    place = None if root is None else as_path(root, "root")
    if name not in LOADERS:
        raise ValueError(f"unknown image set {name!r}; known: {', '.join(sorted(LOADERS))}")
    splits = SPLITS.get(name, ("train", "test"))
    if split not in splits:
        known = " or ".join(map(repr, splits))
        raise ValueError(f"unknown split {split!r} of {name}; choose {known}")
    if name == "digits":  # which come with a package
        return _digits(split)
    chosen = place if place is not None else os.environ.get("ADAINF_DATA")
    folder = Path(chosen).expanduser() if chosen else cache_folder()
    return LOADERS[name](folder, split, download)


def named_or_own(
    dataset: str,
    split: str,
    size: int | None = None,
    root: str | Path | None = None,
    download: bool = True,
) -> ImageSet:
    """A named image set, or the reader's own at a path, at `size` pixels a side if given.

    An npz archive or npy file is read whole; a folder has one sub-folder a class, or images without
    labels. Of a folder that holds train, val and the like the part `split` is read
    (`split_folder`); for other paths `split` is not looked at.
    """
    path = Path(dataset)
    if path.suffix in ARCHIVES:
        found = ImageSet.from_npz(path)
    elif path.is_dir():
        return ImageSet.from_folder(split_folder(path, split), size)
    else:
        found = load_images(dataset, root, split, download)
    return found if size is None else found.resized(size)


def _cifar(root: Path, split: str, download: bool, name: str) -> ImageSet:
    from torchvision import datasets

    kind: Any = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    meta = (kind.meta["filename"], kind.meta["md5"])
    _fetched(kind, root, [*kind.train_list, *kind.test_list, meta], download)
    dataset = kind(str(root), train=split == "train", download=False)
    pixels = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    labels = np.asarray(dataset.targets, dtype=np.int64)
    return ImageSet(pixels, labels, f"{name}-{split}", class_names=tuple(dataset.classes))


def _stl10(root: Path, split: str, download: bool) -> ImageSet:
    """Memory-mapped; of the published files only those of the split are verified."""
    from torchvision.datasets import STL10

    listed = [*STL10.train_list, *STL10.test_list]
    folder = _fetched(
        STL10, root, [entry for entry in listed if entry[0].startswith(split)], download
    )
    pixels = np.memmap(folder / f"{split}_X.bin", np.uint8, "r").reshape(-1, 3, 96, 96)
    labels = None
    if split != "unlabeled":
        # classes count from one there
        labels = np.fromfile(folder / f"{split}_y.bin", np.uint8).astype(np.int64) - 1
        check_labels(folder, labels, 10)
    names = None if labels is None else _STL10_CLASSES
    return ImageSet(pixels.transpose(0, 1, 3, 2), labels, f"stl10-{split}", class_names=names)


def _tinyimagenet(root: Path, split: str, download: bool) -> ImageSet:
    folder = root / "tiny-imagenet-200"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no Tiny ImageNet in {root}: it is not downloaded for you; unpack "
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip there, or point ADAINF_DATA to the "
            f"folder that holds {folder.name}"
        )
    wnids = [wnid for wnid, *_ in _listed(folder / "wnids.txt")]
    if len(set(wnids)) != _TINY_CLASSES or len(wnids) != _TINY_CLASSES:
        raise ValueError(
            f"{folder / 'wnids.txt'} lists {len(set(wnids))} classes, Tiny ImageNet has "
            f"{_TINY_CLASSES}: unpack the set afresh"
        )
    find = _tiny_training if split == "train" else _tiny_validation
    files, labels = find(folder, wnids)
    source = files_source(folder / split, files, np.array(labels, np.int64))
    height, width = source.shape[2:]
    if (height, width) != (64, 64):
        raise ValueError(
            f"{folder}: images are {height}x{width}, Tiny ImageNet's are 64x64: read a changed set "
            "as a folder of images"
        )
    images = decoded_once(source, files)
    return ImageSet(images, source.labels, f"tinyimagenet-{split}", class_names=tuple(wnids))


def _tiny_training(folder: Path, wnids: list[str]) -> tuple[list[Path], list[int]]:
    """The training images of Tiny ImageNet, whole and where they belong, and their labels."""
    files, labels = list[Path](), list[int]()
    each, place = _TINY_EACH["train"], folder / "train"
    absent = [wnid for wnid in wnids if not (place / wnid).is_dir()]
    if absent:
        raise ValueError(
            f"{place}: {len(absent)} of {_TINY_CLASSES} classes are missing, first {absent[0]}: "
            "unpack the set afresh"
        )
    for label, wnid in enumerate(wnids):
        found = sorted((place / wnid / "images").glob("*.JPEG"))
        if len(found) != each:
            raise ValueError(
                f"{place / wnid / 'images'} holds {len(found)} of {each} images (*.JPEG): unpack "
                "the set afresh"
            )
        files += found
        labels += [label] * each
    return files, labels


def _tiny_validation(folder: Path, wnids: list[str]) -> tuple[list[Path], list[int]]:
    """The validation images of Tiny ImageNet, whole and where they belong, and their labels."""
    annotations, place = folder / "val" / "val_annotations.txt", folder / "val" / "images"
    each, label_of = _TINY_EACH["val"], {wnid: label for label, wnid in enumerate(wnids)}
    entries = [(entry[0], entry[1]) for entry in _listed(annotations, fields=2)]
    for file, wnid in entries:
        if wnid not in label_of:
            raise ValueError(f"{annotations}: {file} is of {wnid}, which wnids.txt lacks")
    counts = Counter(wnid for _, wnid in set(entries))
    short = next((wnid for wnid in wnids if counts[wnid] != each), None)
    if short is not None or len(entries) != each * _TINY_CLASSES:
        raise ValueError(
            f"{annotations} lists {len(entries)} images ({counts[short or wnids[0]]} of "
            f"{short or wnids[0]}), Tiny ImageNet has {each} of each class: unpack the set afresh"
        )
    there = {path.name for path in place.iterdir()} if place.is_dir() else set()
    absent = [file for file, _ in entries if file not in there]
    if absent:
        raise ValueError(
            f"{place}: {len(absent)} of {len(entries)} images are missing, first {absent[0]}: "
            "unpack the set afresh (scripts that sort it into classes move them)"
        )
    return [place / file for file, _ in entries], [label_of[wnid] for _, wnid in entries]


def _tinyimagenet32(root: Path, split: str, download: bool) -> ImageSet:
    path = root / "tinyimagenet32.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"no tinyimagenet32.npz in {root}: it is not downloaded for you; point ADAINF_DATA to "
            "the folder that holds it"
        )
    part = {"train": "train", "test": "val"}[split]
    source = npz_source(path, (f"{part}_images",), (f"{part}_labels",), "wnids")
    if source.labels is None:
        raise ValueError(f"{path}: holds no {part}_labels; make it again")
    check_labels(path, source.labels, _TINY_CLASSES)
    counts, each = np.bincount(source.labels, minlength=_TINY_CLASSES), _TINY_EACH[part]
    if (counts != each).any() or source.shape[2:] != (32, 32):
        odd = int(np.argmax(counts != each))
        raise ValueError(
            f"{path}: {part}_images are {source.shape[0]} of {source.shape[2]}x{source.shape[3]}, "
            f"{counts[odd]} of label {odd}; Tiny ImageNet at 32x32 has {each} of each of "
            f"{_TINY_CLASSES} classes: make it again"
        )
    name = f"tinyimagenet32-{split}"
    return ImageSet(source.read(), source.labels, name, class_names=source.class_names)


def _tinyimagenet32_20(root: Path, split: str, download: bool) -> ImageSet:
    whole, classes = _tinyimagenet32(root, split, download), 20
    assert whole.labels is not None and whole.class_names is not None
    chosen = np.flatnonzero(whole.labels < classes)
    name = f"tinyimagenet32_20-{split}"
    return ImageSet(
        whole.images[chosen], whole.labels[chosen], name, class_names=whole.class_names[:classes]
    )


def _digits(split: str) -> ImageSet:
    """Every fifth digit of each class is for testing; grey 0..16 is spread over 0..255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    rank = np.empty(len(labels), np.int64)
    for label in range(10):
        (where,) = np.nonzero(labels == label)
        rank[where] = np.arange(len(where))
    chosen = (rank % 5 == 4) == (split == "test")
    grey = np.round(digits.images[chosen] * (255 / 16)).astype(np.uint8)
    images, names = np.repeat(grey[:, None], 3, axis=1), tuple(map(str, range(10)))
    return ImageSet(images, labels[chosen], f"digits-{split}", class_names=names)


LOADERS: dict[str, Callable[[Path, str, bool], ImageSet]] = {
    "cifar10": partial(_cifar, name="cifar10"),
    "cifar100": partial(_cifar, name="cifar100"),
    "stl10": _stl10,
    "tinyimagenet": _tinyimagenet,
    "tinyimagenet32": _tinyimagenet32,
    "tinyimagenet32_20": _tinyimagenet32_20,
    "digits": lambda root, split, download: _digits(split),
    # one by one: which code a run reaches is read from the entry that it looks up
    "cifake": PUBLISHED["cifake"],
    "imagenette32": PUBLISHED["imagenette32"],
    "cinic10_imagenet": PUBLISHED["cinic10_imagenet"],
    "gallery-ddpm": PUBLISHED["gallery-ddpm"],
    "gallery-edm": PUBLISHED["gallery-edm"],
    "gallery-pixelcnn": PUBLISHED["gallery-pixelcnn"],
    "gallery-infomaxgan": PUBLISHED["gallery-infomaxgan"],
}
#: The parts of a set that has others than "train" and "test".
SPLITS = {
    "stl10": ("train", "test", "unlabeled"),
    "cinic10_imagenet": ("train",),
    "gallery-ddpm": ("train",),
    "gallery-edm": ("train",),
    "gallery-pixelcnn": ("train",),
    "gallery-infomaxgan": ("train",),
}


def _listed(path: Path, fields: int = 1) -> list[list[str]]:
    """The lines of a table as words; an error names the file that is missing or cut short."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: unpack the set afresh")
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    if not lines or min(map(len, lines)) < fields:
        raise ValueError(f"{path} is empty or cut short: unpack the set afresh")
    return lines


def _fetched(kind: Any, root: Path, files: list, download: bool) -> Path:
    """The folder of a torchvision set, downloaded if need be, with `files` of the right MD5."""
    folder: Path = root / kind.base_folder
    if not folder.is_dir():
        if not download:
            raise FileNotFoundError(
                f"no {kind.__name__} in {root}: put the folder {kind.base_folder} there, point "
                "ADAINF_DATA to the folder that holds it, or call with download=True"
            )
        _download(kind, root)
    _verify(folder, files)
    return folder


def _verify(folder: Path, files: list) -> None:
    """Refuse a folder with a missing or altered file: some of them are to be unpickled."""
    from torchvision.datasets.utils import check_integrity

    for filename, md5 in files:
        path = folder / filename
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: the folder is incomplete; delete {folder} to load it afresh"
            )
        if not check_integrity(str(path), md5):
            raise RuntimeError(
                f"{path} does not have its published MD5 {md5}: the file is damaged or half "
                f"downloaded; delete {folder} to load it afresh"
            )


def _download(kind: Any, root: Path) -> None:
    from urllib.error import URLError

    try:
        root.mkdir(parents=True, exist_ok=True)
        kind(str(root), download=True)
    except (URLError, ConnectionError, TimeoutError) as error:
        raise RuntimeError(
            f"could not download {kind.__name__} into {root} ({error}): connect to a network, "
            "or point ADAINF_DATA to a folder that holds it"
        ) from None
    except OSError as error:
        raise RuntimeError(
            f"could not write {kind.__name__} into {root} ({error}): free some space or point "
            "ADAINF_DATA elsewhere"
        ) from None

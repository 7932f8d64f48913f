"""Sets that others have published and nobody hosts in one piece: they are not downloaded for you.

CIFAKE, images by Stable Diffusion 1.4 (Bird and Lotfi, 2024), in its own layout; and, as npz
archives with images (n, 32, 32, 3) and labels, Imagenette at 32 pixels, CINIC-10's tiles of
ImageNet, and a gallery of samples by generators of CIFAR-10. Each says where it comes from when it
is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from adainf_core.data.class_labels import check_labels
from adainf_core.data.copies import image_hashes, same_images
from adainf_core.data.images import ImageSet
from adainf_core.data.npz_members import array_names, stored_array
from adainf_core.data.sources import decoded_once, files_source, npz_source

_CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
                    "truck")  # fmt: skip
#: Images of each of CIFAKE's ten classes.
_CIFAKE_EACH = {"train": 5000, "test": 1000}
_CIFAKE_FROM = (
    "DATASET of github.com/jordan-bird/CIFAKE-Real-and-AI-Generated-Synthetic-Images, with its "
    "train/FAKE and test/FAKE,"
)
#: The generators of the gallery: their label there, and how many images it has of each.
_GALLERY = {"ddpm": (0, 256), "edm": (1, 64), "pixelcnn": (2, 1200), "infomaxgan": (3, 64)}


def _cifake(root: Path, split: str, download: bool) -> ImageSet:
    """CIFAKE's generated images, less exact copies of earlier ones, training images first.

    Labels are what the prompts said.
    """
    folder = root / "cifake"
    if not folder.is_dir():
        raise FileNotFoundError(_absent("cifake", root, f"put {_CIFAKE_FROM} there as cifake"))
    parts = ("train",) if split == "train" else ("train", "test")
    found = [_cifake_part(folder / part / "FAKE", _CIFAKE_EACH[part]) for part in parts]
    hashes = zip(*(image_hashes(images) for images, _ in found), strict=True)
    first = same_images(*map(np.concatenate, hashes)).kind != 1
    images, labels = found[-1]
    first = first[-len(images) :]
    name = f"cifake-{split} less {np.count_nonzero(~first):,} exact copies"
    return ImageSet(images[first], labels[first], name, class_names=_CIFAR10_CLASSES)


def _cifake_part(folder: Path, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part: "7 (3).jpg" is number 7 of class 2, "7.jpg" of class 0."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: put {_CIFAKE_FROM} there")
    order = list[tuple[int, int, Path]]()
    for file in folder.iterdir():
        if file.name.startswith("."):
            continue
        told = re.fullmatch(r"(\d+)(?: \(([2-9]|10)\))?\.jpg", file.name)
        if told is None:
            raise ValueError(
                f"{file}: CIFAKE has no such file ('7.jpg' to '7 (10).jpg' are its names): take it "
                "away, or read another set as a folder of images"
            )
        order.append((int(told[1]), int(told[2] or 1) - 1, file))
    order.sort()
    files, labels = [file for *_, file in order], np.array([label for _, label, _ in order])
    counts = np.bincount(labels.astype(np.int64), minlength=10)
    if (counts != each).any():
        short = int(np.argmax(counts != each))
        raise ValueError(
            f"{folder} holds {counts[short]:,} of {each:,} images of class {short} "
            f"({_CIFAR10_CLASSES[short]}): unpack the set afresh"
        )
    source = files_source(folder, files, labels.astype(np.int64))
    if source.shape[2:] != (32, 32):
        raise ValueError(
            f"{folder}: images are {source.shape[2]}x{source.shape[3]}, CIFAKE's are 32x32: read a "
            "changed set as a folder of images"
        )
    return decoded_once(source, files), labels.astype(np.int64)


def _archive(
    root: Path, split: str, download: bool, *, name: str, counts: dict[str, int], remedy: str
) -> ImageSet:
    """A set in an npz of its name: of two parts where it has an array `split`, 0 and 1."""
    images, labels, names, part = _read(root, f"{name}.npz", sum(counts.values()), remedy)
    place = list(counts).index(split)
    if len(counts) > 1:
        images, labels = images[part == place], labels[part == place]
    if len(images) != counts[split]:
        raise ValueError(
            f"{root / name}.npz: holds {len(images):,} of {counts[split]:,} images of split "
            f"{split!r}: make it again"
        )
    check_labels(root / f"{name}.npz", labels, len(names))
    return ImageSet(images, labels, f"{name}-{split}", class_names=names)


def _gallery(root: Path, split: str, download: bool, *, which: str) -> ImageSet:
    """All images of one generator in the gallery, unlabelled."""
    label, count = _GALLERY[which]
    total = sum(many for _, many in _GALLERY.values())
    images, labels, _, _ = _read(root, "generator_gallery.npz", total, _GALLERY_FROM)
    if (there := np.count_nonzero(labels == label)) != count:
        raise ValueError(
            f"{root / 'generator_gallery.npz'}: holds {there} of {count} images of label {label} "
            f"({which}): make it again"
        )
    return ImageSet(images[labels == label], None, f"gallery-{which}")


def _read(
    root: Path, file: str, count: int, remedy: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], np.ndarray]:
    """Images, labels, the classes' names and the split of `count` images in an npz, checked."""
    path = root / file
    if not path.is_file():
        raise FileNotFoundError(_absent(file, root, remedy))
    source, arrays = npz_source(path, names_key="label_names"), array_names(path)
    if source.labels is None or source.class_names is None:
        raise ValueError(f"{path}: holds no labels or no label_names: make it again")
    if source.shape != (count, 3, 32, 32):
        n, _, height, width = source.shape
        raise ValueError(
            f"{path}: holds {n:,} images of {height}x{width}, not {count:,} of 32x32: make it again"
        )
    part = np.zeros(count, np.int64)
    if "split" in arrays:
        part = stored_array(path, arrays["split"]).read()
    if part.shape != (count,):
        raise ValueError(f"{path}: split has shape {part.shape}, need ({count},): make it again")
    return source.read(), source.labels, source.class_names, part


def _absent(what: str, root: Path, remedy: str) -> str:
    return (
        f"no {what} in {root}: it is not downloaded for you; {remedy}, or point ADAINF_DATA to the "
        "folder that holds it"
    )


_ARRAYS = "make it with arrays images (n, 32, 32, 3), labels and label_names"
_GALLERY_FROM = (
    f"{_ARRAYS} of the sample sheets in w86763777/pytorch-ddpm, NVlabs/edm, "
    "pclucas14/pixel-cnn-pp and kwotsin/mimicry on github.com"
)
PUBLISHED: dict[str, Callable[[Path, str, bool], ImageSet]] = {
    "cifake": _cifake,
    "imagenette32": partial(
        _archive,
        name="imagenette32",
        counts={"train": 9469, "test": 3925},
        remedy=f"{_ARRAYS}, and split (0 and 1), of github.com/thunderInfy/imagenette's squares, "
        "averaged to 32 pixels",
    ),
    "cinic10_imagenet": partial(
        _archive,
        name="cinic10_imagenet",
        counts={"train": 1532},
        remedy=f"{_ARRAYS} of the tiles in github.com/BayesWatch/cinic-10's images/cinic-*.png "
        "that are none of CIFAR-10's",
    ),
    **{f"gallery-{which}": partial(_gallery, which=which) for which in _GALLERY},
}

"""Image sets: one type, uint8 and channels first, whatever the source."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DEFAULT_ROOT = Path("~/.cache/adainf_core").expanduser()


@dataclass(frozen=True)
class ImageSet:
    """Images with optional labels.

    `images` is uint8 of shape (n, 3, h, w), RGB; `labels` is int64 of shape (n,) or None for
    unlabelled images; `name` says where they come from. Raises ValueError on anything else, so
    that a set that exists is a set that can be trained on.
    """

    images: np.ndarray
    labels: np.ndarray | None
    name: str

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8:
            raise ValueError(
                f"{self.name}: images are {images.dtype}, need uint8 in 0..255; "
                "convert with (255 * x).round().astype('uint8')"
            )
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(
                f"{self.name}: images have shape {images.shape}, need (n, 3, h, w); "
                "move the channel axis with images.transpose(0, 3, 1, 2)"
            )
        if len(images) == 0:
            raise ValueError(f"{self.name}: the set is empty")
        if labels is not None:
            if labels.dtype != np.int64 or labels.shape != (len(images),):
                raise ValueError(
                    f"{self.name}: labels are {labels.dtype} of shape {labels.shape}, "
                    f"need int64 of shape ({len(images)},)"
                )
            if labels.min() < 0:
                raise ValueError(
                    f"{self.name}: label {labels.min()} is negative; "
                    "unlabelled sets carry labels=None"
                )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_size(self) -> int:
        """Height in pixels (images are square wherever the book uses them)."""
        return self.images.shape[2]

    def subset(self, indices: np.ndarray, name: str | None = None) -> ImageSet:
        """The images at `indices` (int array), labels along with them."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageSet(self.images[indices], labels, name or self.name)

    def unlabelled(self) -> ImageSet:
        """The same images without labels, as a generator would hand them over."""
        return ImageSet(self.images, None, self.name)

    def downsampled(self, size: int) -> ImageSet:
        """Each image averaged over equal square blocks down to `size` pixels a side.

        The box filter is exact for whole-number factors; any other `size` raises ValueError.
        """
        n, channels, height, width = self.images.shape
        if size < 1 or height % size or width % size:
            raise ValueError(
                f"{self.name}: cannot average {height}x{width} down to {size}: "
                "the new size has to divide both sides"
            )
        if size == height == width:
            return self
        fy, fx = height // size, width // size
        blocks = self.images.reshape(n, channels, size, fy, size, fx)
        total = blocks.sum(axis=(3, 5), dtype=np.uint32)
        mean = (total + (fy * fx) // 2) // (fy * fx)  # round half up, in integers
        return ImageSet(mean.astype(np.uint8), self.labels, f"{self.name}@{size}")


def load_images(
    name: str, root: str | Path | None = None, split: str = "train", download: bool = True
) -> ImageSet:
    """A named image set, read through torchvision and verified against its published checksums.

    `name` is "cifar10"; `split` is "train" or "test". The folder is `root`, else the environment
    variable ADAINF_DATA, else a cache under the home directory. Where the set is absent and
    `download` is true it is fetched; a folder named by `root` or ADAINF_DATA that holds damaged
    files is never repaired silently. Raises ValueError for an unknown name or split,
    FileNotFoundError or RuntimeError in one line that names the file and the remedy.
    """
    if name not in _LOADERS:
        raise ValueError(f"unknown image set {name!r}; known: {', '.join(sorted(_LOADERS))}")
    if split not in ("train", "test"):
        raise ValueError(f"unknown split {split!r}; choose 'train' or 'test'")
    chosen = root if root is not None else os.environ.get("ADAINF_DATA")
    folder = Path(chosen).expanduser() if chosen else DEFAULT_ROOT
    return _LOADERS[name](folder, split, download)


def _load_cifar10(root: Path, split: str, download: bool) -> ImageSet:
    from torchvision.datasets import CIFAR10

    folder = root / CIFAR10.base_folder
    if folder.is_dir():
        _verify(folder, [*CIFAR10.train_list, *CIFAR10.test_list])
    elif not download:
        raise FileNotFoundError(
            f"no CIFAR-10 in {root}: put the folder {CIFAR10.base_folder} there, point ADAINF_DATA "
            "to the folder that holds it, or call with download=True"
        )
    else:
        _download(CIFAR10, root)
    dataset = CIFAR10(str(root), train=split == "train", download=False)
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return ImageSet(images, np.asarray(dataset.targets, dtype=np.int64), f"cifar10-{split}")


def _verify(folder: Path, files: list) -> None:
    """Refuse a folder with a missing or altered file: torchvision unpickles what it finds there."""
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


def _download(dataset: type, root: Path) -> None:
    from urllib.error import URLError

    try:
        root.mkdir(parents=True, exist_ok=True)
        dataset(str(root), download=True)
    except (URLError, ConnectionError, TimeoutError) as error:
        raise RuntimeError(
            f"could not download {dataset.__name__} into {root} ({error}): connect to a network, "
            "or point ADAINF_DATA to a folder that holds it"
        ) from None
    except OSError as error:
        raise RuntimeError(
            f"could not write {dataset.__name__} into {root} ({error}): free some space or point "
            "ADAINF_DATA elsewhere"
        ) from None


_LOADERS = {"cifar10": _load_cifar10}

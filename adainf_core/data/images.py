"""Image sets: one type, uint8 and channels first, whatever the source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from adainf_core.data.class_labels import MOST_CLASSES
from adainf_core.data.folders import title
from adainf_core.data.sources import ImageSource, channels_first, folder_source, npz_source, square
from adainf_core.data.value_range import refusal
from adainf_core.notebook import card
from adainf_core.validation import in_words

_CHUNK = 1000


def as_image_set(images: ImageSet, name: str) -> ImageSet:
    """`images` as they are; ValueError for what is no set of images, a path or a name included."""
    if not isinstance(images, ImageSet):
        raise ValueError(
            f"{name} = {in_words(images)} must be an ImageSet: load one with load_images(name), "
            "ImageSet.from_folder(path) or ImageSet.from_npz(path), or make one of an array with "
            "ImageSet(images, None, 'mine')"
        )
    return images


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images with optional labels.

    `images` is uint8 of shape (n, 3, h, w), RGB, in memory or memory-mapped; `labels` is int64 of
    shape (n,) or None for unlabelled images; `name` says where they come from. `class_names` are
    those of labels 0, 1, ... where the classes have names: sets that number their classes
    differently are matched by them (`labelled_pairs`). Raises ValueError on anything else, so that
    a set that exists is a set that can be trained on. Two sets are equal only if they are one
    object; compare their images with numpy.
    """

    images: np.ndarray
    labels: np.ndarray | None
    name: str
    class_names: tuple[str, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if not isinstance(images, np.ndarray):
            raise ValueError(f"{self.name}: images = {in_words(images)} must be a uint8 array")
        if labels is not None and not isinstance(labels, np.ndarray):
            raise ValueError(f"{self.name}: labels = {in_words(labels)} must be an int64 array")
        if images.dtype != np.uint8:
            raise ValueError(f"{self.name}: {refusal(images)}")
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
            if labels.max() >= MOST_CLASSES:
                raise ValueError(
                    f"{self.name}: label {labels.max()} is beyond {MOST_CLASSES - 1}: number the "
                    "classes from 0"
                )
            if self.class_names is not None:
                _check_names(self.name, self.class_names, int(labels.max()))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}: {self.describe()})"

    def _repr_html_(self) -> str:
        from adainf_core.data.contact_sheet import preview

        return card(self.name, [self.describe()], preview(self))

    def describe(self) -> str:
        """How many images of which size, and of how many classes, in one line."""
        n, _, height, width = self.images.shape
        classes = "unlabelled" if self.classes is None else f"{self.classes} classes"
        return f"{n:,} images of {height}x{width} pixels, {classes}"

    @property
    def image_size(self) -> int:
        """Height in pixels (images are square wherever the book uses them)."""
        return self.images.shape[2]

    @property
    def classes(self) -> int | None:
        """Number of classes, one more than the largest label; None for unlabelled images."""
        return None if self.labels is None else int(self.labels.max()) + 1

    @classmethod
    def from_npz(cls, path: str | Path, *, convert: bool = False) -> ImageSet:
        """The images of an npz archive (or an npy file): uint8, (n, h, w, 3) or (n, 3, h, w).

        They lie under images, image, data or arr_0; grey ones may have one channel or none. Labels
        are under labels, label or targets (arr_1 beside arr_0) where there are any: whole numbers,
        one-hot rows or names; all -1 mean none. `class_names`, an array of strings, names classes
        0, 1, ... where it is there; without it numbers that are mostly gaps (3 values up to a
        million) are the names of the classes. With `convert` floats and other integers are brought
        to 0..255. A `ReadingWarning` says what was assumed and clipped, and names the arrays that
        were passed over. Raises FileNotFoundError or ValueError naming the file, the value and the
        remedy; nothing is ever unpickled.
        """
        return _of_source(npz_source(Path(path), convert=convert))

    @classmethod
    def from_folder(cls, path: str | Path, size: int | None = None) -> ImageSet:
        """The image files of a folder: a class per sub-folder, or flat and unlabelled.

        Images are turned upright (EXIF) and to RGB. With `size` each is cropped to its central
        square and resized to `size` pixels a side (bicubic, antialiased). A `ReadingWarning` counts
        the files that were passed over. Raises FileNotFoundError or ValueError naming the file that
        is broken or, without `size`, of another size.
        """
        return _of_source(folder_source(Path(path), size))

    def subset(self, indices: np.ndarray, name: str | None = None) -> ImageSet:
        """The images at `indices` (int array), labels along with them."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageSet(
            self.images[indices], labels, name or self.name, class_names=self.class_names
        )

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
        return self._at(size, mean.astype(np.uint8))

    def resized(self, size: int, cache: str | Path | None = None) -> ImageSet:
        """Each image's central square resized to `size` pixels a side (PIL's antialiased bicubic).

        With a `cache` folder the result is kept there, in an .npy file named after the images'
        content and the size, and memory-mapped. For whole-number factors `downsampled` is exact.
        """
        if size < 1:
            raise ValueError(f"size={size} is below 1 pixel")
        if self.images.shape[2:] == (size, size):
            return self
        source = ImageSource(
            Path(self.name), (len(self), 3, size, size), self.labels, lambda: self._resized(size)
        )
        if cache is None:
            images = source.read()
        else:
            images = source.stored(Path(cache) / f"{self._digest()}-{size}.npy")
        return self._at(size, images)

    def _at(self, size: int, images: np.ndarray) -> ImageSet:
        name = f"{self.name}@{size}"
        return ImageSet(images, self.labels, name, class_names=self.class_names)

    def _resized(self, size: int) -> Iterator[np.ndarray]:
        from PIL import Image

        for start in range(0, len(self), _CHUNK):
            yield np.stack(
                [
                    channels_first(square(Image.fromarray(image.transpose(1, 2, 0)), size))
                    for image in self.images[start : start + _CHUNK]
                ]
            )

    def _digest(self) -> str:
        return image_digest(self.images)


def image_digest(images: np.ndarray) -> str:
    """A hash of uint8 images (n, 3, h, w) and their shape, 32 hexadecimal digits."""
    digest = hashlib.blake2b(repr(images.shape).encode(), digest_size=16)
    for start in range(0, len(images), _CHUNK):
        digest.update(np.ascontiguousarray(images[start : start + _CHUNK]).data)
    return digest.hexdigest()


def _of_source(source: ImageSource) -> ImageSet:
    name = title(source.path)
    return ImageSet(source.told().read(), source.labels, name, class_names=source.class_names)


def _check_names(name: str, names: tuple[str, ...], highest: int) -> None:
    """ValueError where a label up to `highest` of the set `name` has no name, or two have one."""
    if len(names) <= highest:
        raise ValueError(
            f"{name}: label {highest} has no name among the {len(names)} class_names: give one a "
            "class, in the order of the labels"
        )
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise ValueError(f"{name}: two classes are named {twice!r} in class_names: rename one")

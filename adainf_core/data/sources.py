"""Images in npz archives and folders, read in chunks: no source is ever in memory as a whole."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from adainf_core.data.cache import cache_folder
from adainf_core.data.class_labels import LabelError, understood_labels, without_gaps
from adainf_core.data.folder_files import (
    SUFFIXES,
    PassedOver,
    ReadingWarning,
    few,
    images_below,
    loose_images,
    refuse_splits,
    sub_folders,
)
from adainf_core.data.image_files import BrokenImageError, read_rgb
from adainf_core.data.npy_files import sealed, write_sealed
from adainf_core.data.npz_members import StoredArray, array_names, is_npy, stored_array
from adainf_core.data.value_range import RangeError, ValueRange, value_range
from adainf_core.devices import check_memory
from adainf_core.progress import progress_bar
from adainf_core.validation import IntArray

if TYPE_CHECKING:
    from PIL import Image

IMAGE_KEYS = ("images", "image", "data", "arr_0")
LABEL_KEYS = ("labels", "label", "targets")
ARCHIVES = (".npz", ".npy")
_CHUNK_BYTES = 2**23
_CHUNK_FILES = 256  # at most: to make large photographs small takes a while


@dataclass(frozen=True)
class ImageSource:
    """Images that can be read once more whenever they are needed.

    `shape` is (n, 3, h, w); `labels` int64 (n,) or None; `chunks()` yields the images in order as
    uint8 (m, 3, h, w), a few megabytes at a time, and raises ValueError where they are damaged.
    `identity()` changes with the images behind it, and is had without reading them. Of an archive
    `keys` are its arrays' names; `labelled` says that labels were there, if only -1. `class_names`
    are those of labels 0, 1, ..., where the classes have names. `notes` are lines on what was
    passed over, and what was assumed; `clipped` counts values that a conversion clipped, None
    where there was none.
    """

    path: Path
    shape: tuple[int, int, int, int]
    labels: np.ndarray | None
    chunks: Callable[[], Iterator[np.ndarray]]
    identity: Callable[[], str] = str
    keys: tuple[str, ...] = ()
    labelled: bool = False
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    clipped: int | None = None

    def told(self) -> ImageSource:
        """The same, its notes given as warnings (`ReadingWarning`)."""
        for note in self.notes:
            warnings.warn(f"{self.path}: {note}", ReadingWarning, stacklevel=3)
        return self

    def read(self) -> np.ndarray:
        """All images, uint8 (n, 3, h, w), in memory; ValueError where it cannot hold them."""
        n, _, height, width = self.shape
        check_memory(math.prod(self.shape), f"{n:,} images of {height}x{width}")
        images, filled = np.empty(self.shape, np.uint8), 0
        for chunk in self.told_chunks():
            images[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        return images

    def told_chunks(self) -> Iterator[np.ndarray]:
        """`chunks`, with a `progress_bar`."""
        with progress_bar(self.shape[0], "image", about=f"reading {self.path}") as advance:
            for chunk in self.chunks():
                yield chunk
                advance(len(chunk))

    def stored(self, path: Path) -> np.ndarray:
        """All images, memory-mapped from the .npy file at `path`, which is written if absent.

        ValueError where the file is damaged: it carries a checksum (`npy_files`).
        """
        if not path.exists():
            write_sealed(path, self.shape, self.told_chunks())
        return sealed(path, self.shape)


class Chosen:
    """The images at `places` (ascending) of a source whose chunks are read anyway.

    `watching(chunks)` hands the source's chunks on; once all have passed, `images()` gives those
    that were chosen, uint8 (m, 3, h, w).
    """

    def __init__(self, places: IntArray) -> None:
        self.places = places
        self._taken = list[np.ndarray]()

    def watching(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The chunks, the chosen images of each kept as it passes."""
        at = 0
        for chunk in chunks:
            first, last = np.searchsorted(self.places, [at, at + len(chunk)])
            if first < last:
                self._taken.append(chunk[self.places[first:last] - at])
            at += len(chunk)
            yield chunk

    def images(self) -> np.ndarray:
        """The chosen images, in order."""
        return np.concatenate(self._taken)


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: there is no such file or folder: name an npz archive, an npy file or a "
            "folder of images"
        )


# ---- npz


def npz_source(
    path: Path,
    image_keys: tuple[str, ...] = IMAGE_KEYS,
    label_keys: tuple[str, ...] = LABEL_KEYS,
    names_key: str = "class_names",
    *,
    convert: bool = False,
    needs_labels: bool = True,
    pairs: int | None = None,
) -> ImageSource:
    """The images under the first of `image_keys` in an npz archive, labels where there are any.

    An npy file holds images alone. Images are uint8, (n, h, w, 3) or (n, 3, h, w), or grey with one
    channel or none; with `convert` numbers of other types are brought to 0..255 (`value_range`).
    Labels are as in `understood_labels`, numbers that are mostly gaps taken as names
    (`without_gaps`, a note says so); those under arr_1 belong to images under arr_0, and strings
    under `names_key` name the classes. Where labels are not needed, a note takes the place of an
    error about them. With `pairs` an array may have an axis of so many images behind its first one:
    they are taken one after the other. Raises FileNotFoundError, or ValueError naming the file, the
    value and the remedy. Never unpickles.
    """
    _refuse_missing(path)
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder: read it as one (from_folder), or name an npz archive"
        )
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty: copy or download it again")
    single = is_npy(path)
    arrays = {} if single else array_names(path)
    image_key = next((key for key in image_keys if key in arrays), None)
    if image_key is None and not single:
        raise ValueError(
            f"{path}: holds {few(arrays) or 'nothing'}, but images are looked for under "
            f"{' | '.join(image_keys)}: save them with np.savez(path, {image_keys[0]}=...)"
        )
    stored = stored_array(path, None if image_key is None else arrays[image_key])
    if stored.dtype.kind not in "iufb":
        raise ValueError(f"{path}: images are {stored.dtype}, need uint8 in 0..255")
    flat = stored.shape
    if pairs is not None and len(flat) == 5:
        if flat[1] != pairs:
            raise ValueError(f"{path}: images have shape {flat}, need (n, {pairs}, h, w, 3)")
        flat = (flat[0] * pairs, *flat[2:])
    arranged = _arranged(path, flat)
    n, c, h, w = arranged(np.broadcast_to(np.uint8(0), flat)).shape
    if n * h * w == 0:
        raise ValueError(f"{path}: the set is empty (shape {stored.shape})")
    found_range = _range(path, stored, convert)

    def chunks() -> Iterator[np.ndarray]:
        for block in stored.blocks():
            images = block if found_range is None else found_range.to_uint8(block)
            yield arranged(images.reshape(-1, *flat[1:]))

    source = ImageSource(path, (n, c, h, w), None, chunks, lambda: stored.identity, tuple(arrays))
    if found_range is not None:
        source = replace(source, notes=(str(found_range),), clipped=found_range.clipped)
    key = next((key for key in label_keys if key in arrays), None)
    if key is None and image_key == "arr_0" and "arr_1" in arrays:  # saved without names
        shape = stored_array(path, arrays["arr_1"]).shape
        key = "arr_1" if shape[:1] == (n,) and len(shape) < 3 else None
    if key is not None:
        labels, names = stored_array(path, arrays[key]), arrays.get(names_key)
        source = _with_labels(source, labels, names, needs_labels)
    others = [name for name in arrays if name not in (image_key, key, names_key)]
    if others:
        word = f"array{'s' * (len(others) > 1)}"
        notes = (*source.notes, f"passed over: {len(others):,} {word} ({few(others)})")
        source = replace(source, notes=notes)
    return source


def _arranged(path: Path, shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """What brings images of an array of `shape` to (n, 3, h, w); ValueError with the remedy."""

    def rgb(images: np.ndarray) -> np.ndarray:
        return np.broadcast_to(images, (len(images), 3, *images.shape[2:]))

    if len(shape) == 4 and shape[1] == 3:
        return lambda images: images
    if len(shape) == 4 and shape[3] in (1, 3):
        return lambda images: rgb(images.transpose(0, 3, 1, 2))
    if len(shape) == 4 and shape[1] == 1:
        return rgb
    if len(shape) == 3 and shape[0] not in (3, 4) and shape[2] not in (1, 3, 4):
        return lambda images: rgb(images[:, None])
    remedy = ""
    if len(shape) == 3:
        remedy = ": save x[None] if it is one image, x[:, None] if all are grey"
    elif len(shape) == 4 and 4 in (shape[3], shape[1]):
        last = shape[3] == 4
        remedy = f": save x[{'..., :3' if last else ':, :3'}] if the fourth channel is opacity"
    elif len(shape) == 4 and 3 in (shape[0], shape[2]):
        remedy = f": save x.transpose({'1, 0, 2, 3' if shape[0] == 3 else '3, 2, 0, 1'})"
    elif len(shape) == 2 and (side := round((shape[1] / 3) ** 0.5)) and 3 * side**2 == shape[1]:
        remedy = f": save x.reshape(-1, 3, {side}, {side}) if each row is one image"
    raise ValueError(
        f"{path}: images have shape {shape}, need (n, h, w, 3) or (n, 3, h, w){remedy}"
    )


def _range(path: Path, stored: StoredArray, convert: bool) -> ValueRange | None:
    """The range of values that are to be converted, None for uint8; ValueError for the rest."""
    if stored.dtype == np.uint8:
        return None
    about = f"looking at the values of {path}"
    try:
        with progress_bar(stored.shape[0], "image", about=about) as advance:

            def blocks() -> Iterator[np.ndarray]:
                for block in stored.blocks():
                    yield block
                    advance(len(block))

            found = value_range(stored.dtype, blocks())
    except RangeError as error:
        raise ValueError(f"{path}: {error}") from None
    if not convert:
        raise ValueError(
            f"{path}: {found.advice}; convert=True (generate import --convert) does the same"
        )
    return found


def _with_labels(
    source: ImageSource, stored: StoredArray, names: str | None, needed: bool
) -> ImageSource:
    """`source` with the labels in `stored`, and with the names of classes in the member `names`."""
    count, fault = source.shape[0], None
    if stored.dtype.hasobject:
        fault = (
            "labels cannot be read (Object arrays are pickled): save them as numbers, or names as "
            "np.array(labels, dtype=str)"
        )
    elif stored.shape[:1] != (count,):
        fault = (
            f"labels are {stored.dtype} of shape {stored.shape}, need one for each of {count} "
            "images"
        )
    else:
        values = stored.read()
        try:
            labels, class_names = understood_labels(values, count)
            if names is not None and class_names is None:
                class_names = _class_names(stored_array(source.path, names))
            elif needed and labels is not None and class_names is None:
                labels, class_names = without_gaps(labels)
                if class_names is not None:
                    source = replace(source, notes=(*source.notes, _renumbered(class_names)))
            return replace(source, labels=labels, labelled=True, class_names=class_names)
        except LabelError as error:
            fault = str(error)
    if needed:
        raise ValueError(f"{source.path}: {fault}")
    return replace(source, notes=(*source.notes, f"labels were left behind ({fault})"))


def _renumbered(names: tuple[str, ...]) -> str:
    count = len(names)
    return (
        f"labels are {count:,} number{'s' * (count > 1)} from {names[0]} to {names[-1]}: taken as "
        f"{count:,} class{'es' * (count > 1)} of these names"
    )


def _class_names(stored: StoredArray) -> tuple[str, ...]:
    key = (stored.member or "").removesuffix(".npy")
    if stored.dtype.kind != "U" or len(stored.shape) != 1:
        raise LabelError(
            f"{key} is {stored.dtype} of shape {stored.shape}, need strings, one a class: save "
            f"{key}=np.array(['cat', 'dog', ...])"
        )
    return tuple(stored.read().tolist())


# ---- folders


def folder_source(
    path: Path, size: int | None = None, skipped: list[Path] | None = None
) -> ImageSource:
    """Image files in a folder: labelled by sub-folder, or flat and unlabelled.

    Classes are the sub-folders in alphabetical order, images the files below them in alphabetical
    order; links are followed. Hidden files and folders, stores of generated images and files of
    other endings are passed over, and a note counts them. Raises FileNotFoundError for a missing
    folder, ValueError for one that holds no images, an empty class, both classes and loose images,
    or the parts of a set (train, val) in place of classes; see `files_source` for the rest.
    """
    _refuse_missing(path)
    if not path.is_dir():
        raise ValueError(f"{path} is a file: name a folder, or read it as an archive (from_npz)")
    refuse_splits(path)
    passed = PassedOver()
    loose = loose_images(path, passed)
    classes = sub_folders(path, passed)
    if not classes:
        if not loose:
            raise ValueError(f"{path} holds no images ({' '.join(SUFFIXES)}){_but(passed)}")
        return replace(files_source(path, loose, None, size, skipped), notes=passed.notes())
    if loose:
        raise ValueError(
            f"{path} holds both sub-folders (classes) and loose images such as {loose[0].name}: "
            "move one kind elsewhere"
        )
    files, labels = [], []
    for label, folder in enumerate(classes):
        inside = PassedOver()
        members = images_below(folder, inside)
        if not members:
            raise ValueError(
                f"{folder}: this class holds no images{_but(inside)}; delete the folder or fill it"
            )
        passed.counts.update(inside.counts)
        files += members
        labels += [label] * len(members)
    source = files_source(path, files, np.asarray(labels, np.int64), size, skipped)
    return replace(
        source, class_names=tuple(folder.name for folder in classes), notes=passed.notes()
    )


def _but(passed: PassedOver) -> str:
    return "".join(f", {note}" for note in passed.notes())


def files_source(
    path: Path,
    files: list[Path],
    labels: np.ndarray | None,
    size: int | None = None,
    skipped: list[Path] | None = None,
) -> ImageSource:
    """Image files that belong to `path`, turned upright (EXIF) and to RGB.

    With `size` each is cropped to its central square and resized (bicubic, antialiased); without,
    all must be as large as the first. Raises ValueError naming the file that is not, and
    BrokenImageError naming one that cannot be read; given a list `skipped`, `chunks` leaves such
    files out and appends them to it, so that there may be fewer images than `shape` says.
    """
    if not files:
        raise ValueError(f"{path} holds no images ({' '.join(SUFFIXES)})")
    if size is not None and size < 1:
        raise ValueError(f"size={size} is below 1 pixel")
    model, first = _first_readable(path, files, size, skipped is not None)
    per_chunk = max(1, min(_CHUNK_FILES, _CHUNK_BYTES // int(np.prod(first))))

    def decoded(file: Path) -> np.ndarray | None:
        try:
            image = _decode(file, size)
        except BrokenImageError:
            if skipped is None:
                raise
            skipped.append(file)
            return None
        if image.shape != first:
            raise ValueError(
                f"{file} is {image.shape[1]}x{image.shape[2]}, {model.name} is "
                f"{first[1]}x{first[2]}: give size=... to bring all images to one size"
            )
        return image

    def chunks() -> Iterator[np.ndarray]:
        for start in range(0, len(files), per_chunk):
            images = [decoded(file) for file in files[start : start + per_chunk]]
            readable = [image for image in images if image is not None]
            if readable:
                yield np.stack(readable)

    def identity() -> str:
        digest = hashlib.blake2b(digest_size=16)
        for file in files:
            status = file.stat()
            place = file.relative_to(path).as_posix()
            digest.update(f"{place}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
        return f"{len(files)} files, names, sizes and times {digest.hexdigest()}"

    shape = (len(files), 3, first[1], first[2])
    return ImageSource(path, shape, labels, chunks, identity, labelled=labels is not None)


def decoded_once(source: ImageSource, files: list[Path]) -> np.ndarray:
    """The images of `source`, decoded into the cache the first time and memory-mapped from it.

    Where there can be no cache they are decoded into memory, with a warning.
    """
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    key = hashlib.blake2b(repr(stats).encode(), digest_size=16).hexdigest()
    try:
        return source.stored(cache_folder() / "decoded" / f"{key}.npy")
    except (OSError, RuntimeError) as error:
        warnings.warn(
            f"no cache, so {len(files)} images are decoded into memory each time ({error}); name a "
            "folder for it in ADAINF_CACHE",
            stacklevel=2,
        )
    return source.read()


def _first_readable(
    path: Path, files: list[Path], size: int | None, skipping: bool
) -> tuple[Path, tuple[int, ...]]:
    """The first file that can be read, and the shape of its image."""
    for file in files:
        try:
            return file, _decode(file, size).shape
        except BrokenImageError:
            if not skipping:
                raise
    raise ValueError(f"{path}: none of its {len(files)} image files can be read")


def _decode(path: Path, size: int | None) -> np.ndarray:
    """The image in `path`, uint8 (3, h, w)."""
    image = read_rgb(path)
    return channels_first(image if size is None else square(image, size))


def square(image: Image.Image, size: int) -> Image.Image:
    """The central square of a PIL image, resized to `size` pixels a side (bicubic, antialiased)."""
    from PIL import Image

    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    central = image.crop((left, top, left + side, top + side))
    return central.resize((size, size), Image.Resampling.BICUBIC)


def channels_first(image: Image.Image) -> np.ndarray:
    """A PIL image in RGB as uint8 (3, h, w)."""
    return np.asarray(image).transpose(2, 0, 1)

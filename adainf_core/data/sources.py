"""Images in npz archives and folders, read in chunks: no source is ever in memory as a whole."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from adainf_core.data.image_files import BrokenImageError, read_rgb
from adainf_core.data.npz_members import naming_damage, read_exactly, read_header, refuse_dtype
from adainf_core.devices import check_memory
from adainf_core.files import atomic_file

if TYPE_CHECKING:
    from PIL import Image

IMAGE_KEYS = ("images", "image", "data", "arr_0")
LABEL_KEYS = ("labels", "label", "targets")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_CHUNK_BYTES = 2**23


@dataclass(frozen=True)
class ImageSource:
    """Images that can be read once more whenever they are needed.

    `shape` is (n, 3, h, w); `labels` int64 (n,) or None; `chunks()` yields the images in order as
    uint8 (m, 3, h, w), a few megabytes at a time, and raises ValueError where they are damaged.
    `identity()` changes with the images behind it, and is had without reading them. Of an archive
    `keys` are its arrays' names; `labelled` says that labels were there, if only -1. `class_names`
    are those of labels 0, 1, ..., where the classes have names.
    """

    path: Path
    shape: tuple[int, int, int, int]
    labels: np.ndarray | None
    chunks: Callable[[], Iterator[np.ndarray]]
    identity: Callable[[], str] = str
    keys: tuple[str, ...] = ()
    labelled: bool = False
    class_names: tuple[str, ...] | None = None

    def read(self) -> np.ndarray:
        """All images, uint8 (n, 3, h, w), in memory; ValueError where it cannot hold them."""
        n, _, height, width = self.shape
        check_memory(math.prod(self.shape), f"{n:,} images of {height}x{width}")
        images, filled = np.empty(self.shape, np.uint8), 0
        for chunk in self.chunks():
            images[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        return images

    def stored(self, path: Path) -> np.ndarray:
        """All images, memory-mapped from the .npy file at `path`, which is written if absent."""
        if not path.exists():
            with atomic_file(path) as file:
                write_npy(file, self.shape, self.chunks())
        return memory_map(path, self.shape)


def write_npy(file: IO[bytes], shape: tuple[int, ...], chunks: Iterator[np.ndarray]) -> None:
    """Write uint8 `chunks` of an array of `shape` to `file` in numpy's npy format."""
    file.write(npy_header(shape))
    for chunk in chunks:
        file.write(np.ascontiguousarray(chunk).data)


def npy_header(shape: tuple[int, ...]) -> bytes:
    """What precedes the values of a uint8 array of `shape` in an .npy file."""
    buffer = io.BytesIO()
    layout = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, layout)
    return buffer.getvalue()


def memory_map(path: Path, shape: tuple[int, ...], longer: bool = False) -> np.ndarray:
    """Memory-map the uint8 array of `shape` in an .npy file; ValueError for another dtype or shape.

    Where the file's array may be `longer`, the beginning of it.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}): delete it to have it made anew") from None
    fits = array.shape == shape or (
        longer and array.shape[1:] == shape[1:] and len(array) >= shape[0]
    )
    if array.dtype != np.uint8 or not fits:
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}, not uint8 of shape {shape}: "
            "delete it to have it made anew"
        )
    return array[: shape[0]]


# ---- npz


def npz_source(
    path: Path,
    image_keys: tuple[str, ...] = IMAGE_KEYS,
    label_keys: tuple[str, ...] = LABEL_KEYS,
    names_key: str = "class_names",
) -> ImageSource:
    """The images under the first of `image_keys` in an npz archive, labels where there are any.

    Images are uint8, NHWC or NCHW; labels are integers, and all of them -1 means none; strings
    under `names_key` name the classes. Raises FileNotFoundError, or ValueError naming the file, the
    value and the remedy. Never unpickles.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: name an npz archive of images")
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        members = [name.removesuffix(".npy") for name in archive.namelist()]
        found = [key for key in image_keys if key in members]
        if not found:
            raise ValueError(
                f"{path}: holds {', '.join(members) or 'nothing'}, but images are looked for under "
                f"{' | '.join(image_keys)}: save them with np.savez(path, {image_keys[0]}=...)"
            )
        member = archive.getinfo(f"{found[0]}.npy")
        with archive.open(member) as file:
            shape, fortran, dtype = read_header(path, file)
            if dtype != np.uint8:
                refuse_dtype(path, file, dtype)
    channels_last = len(shape) == 4 and shape[1] != 3 and shape[3] == 3
    if len(shape) != 4 or not (channels_last or shape[1] == 3) or fortran:
        order = " in Fortran order" if fortran else ""
        raise ValueError(
            f"{path}: images have shape {shape}{order}, need (n, h, w, 3) or (n, 3, h, w), C order"
        )
    n, c, h, w = shape if not channels_last else (shape[0], 3, shape[1], shape[2])
    if n * h * w == 0:
        raise ValueError(f"{path}: the set is empty (shape {shape})")

    def chunks() -> Iterator[np.ndarray]:
        per_chunk = max(1, _CHUNK_BYTES // (3 * h * w))
        with (
            naming_damage(path),
            zipfile.ZipFile(path) as archive,
            archive.open(member.filename) as file,
        ):
            read_header(path, file)
            for start in range(0, n, per_chunk):
                count = min(per_chunk, n - start)
                chunk = np.frombuffer(read_exactly(file, count * 3 * h * w), np.uint8)
                chunk = chunk.reshape(count, *shape[1:])
                yield chunk.transpose(0, 3, 1, 2) if channels_last else chunk
            file.read(1)  # the end of the member, where its checksum is compared

    def identity() -> str:
        return f"{member.filename}, {member.file_size} bytes, CRC-32 {member.CRC:08x}"

    labels = _npz_labels(path, label_keys, n)
    labelled = any(key in members for key in label_keys)
    names = _npz_class_names(path, names_key) if names_key in members else None
    return ImageSource(
        path, (n, c, h, w), labels, chunks, identity, tuple(members), labelled, names
    )


def _npz_labels(path: Path, keys: tuple[str, ...], count: int) -> np.ndarray | None:
    try:
        with naming_damage(path), np.load(path, allow_pickle=False) as archive:
            labels = next((archive[key] for key in keys if key in archive), None)
    except ValueError as error:
        raise ValueError(f"{path}: labels cannot be read ({error}): save them again") from None
    if labels is None:
        return None
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise ValueError(
            f"{path}: labels are {labels.dtype} of shape {labels.shape}, need integers of shape "
            f"({count},)"
        )
    return None if (labels == -1).all() else labels.astype(np.int64)


def _npz_class_names(path: Path, key: str) -> tuple[str, ...]:
    try:
        with naming_damage(path), np.load(path, allow_pickle=False) as archive:
            names = archive[key]
    except ValueError as error:
        raise ValueError(f"{path}: {key} cannot be read ({error}): save it again") from None
    if names.dtype.kind != "U" or names.ndim != 1:
        raise ValueError(
            f"{path}: {key} is {names.dtype} of shape {names.shape}, need strings, one a class: "
            f"save {key}=np.array(['cat', 'dog', ...])"
        )
    return tuple(names.tolist())


# ---- folders


def folder_source(
    path: Path, size: int | None = None, skipped: list[Path] | None = None
) -> ImageSource:
    """Image files in a folder: labelled by sub-folder, or flat and unlabelled.

    Classes are the sub-folders in alphabetical order, stores left out, images the files below them
    in alphabetical order. Raises FileNotFoundError for a missing folder, ValueError for one that
    holds no images, an empty class, or both classes and loose images; see `files_source` for the
    rest.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is not there: name a folder of images")
    loose = sorted(child for child in path.iterdir() if _is_image(child))
    classes = sorted(
        child
        for child in path.iterdir()
        if child.is_dir() and child.name[0] != "." and not (child / "meta.json").is_file()
    )
    if not classes:
        return files_source(path, loose, None, size, skipped)
    if loose:
        raise ValueError(
            f"{path} holds both sub-folders (classes) and loose images such as {loose[0].name}: "
            "move one kind elsewhere"
        )
    files, labels = [], []
    for label, folder in enumerate(classes):
        members = sorted(child for child in folder.rglob("*") if _is_image(child))
        if not members:
            raise ValueError(f"{folder}: this class holds no images; delete the folder or fill it")
        files += members
        labels += [label] * len(members)
    source = files_source(path, files, np.asarray(labels, np.int64), size, skipped)
    return replace(source, class_names=tuple(folder.name for folder in classes))


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
    per_chunk = max(1, _CHUNK_BYTES // int(np.prod(first)))

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


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


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

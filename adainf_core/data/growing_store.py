"""A store of generated images that grows block by block, and can be stopped at any moment.

The folder holds images.npy, whose room is reserved for all the images that are planned, and
meta.json, which is replaced whole and alone says how many of them are finished. Images are drawn in
fixed blocks, each a pure function of its indices, so that a run which was interrupted ends in the
same bytes as one that was not.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from adainf_core.configuration import differences
from adainf_core.data.colour_order import fitting_order
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_file import FULL, LOCK, lengthen, locked_images
from adainf_core.data.images import ImageSet, image_digest
from adainf_core.data.npy_files import checksum, memory_map, npy_header
from adainf_core.data.store_meta import GROWING, as_json, checksum_text, read_meta, with_checksum
from adainf_core.data.tally import Tally
from adainf_core.files import atomic_file
from adainf_core.progress import progress_bar
from adainf_core.validation import as_count

Draw = Callable[[int, int], np.ndarray]


def grown_store(
    path: str | Path,
    draw: Draw,
    count: int,
    image_shape: tuple[int, int, int],
    *,
    origin: dict[str, Any],
    block: int = 500,
    real: ImageSet | None = None,
    progress: bool = False,
    max_seconds: float = float("inf"),
) -> GeneratedImages:
    """The store at `path` with `count` images, those it lacks drawn first.

    `draw(start, stop)` returns images `start` to `stop` as uint8 (stop - start, 3, h, w), where
    `image_shape` is (3, h, w); it must be a pure function of the two. It is called on the blocks
    [i * block, min((i + 1) * block, count)) only, in order. `origin`, plain JSON, says what draws
    them (model, sampler, seed): a store of another origin or shape is refused. A store with fewer
    images is continued, and its last block drawn again where it was cut short by a smaller count;
    of one with more the first `count` are given. `real` is compared as in an import, but nothing is
    refused: `checks` only says what was found.

    Draws until the store is complete or `max_seconds` are over, one block at least; `complete` says
    which. Room for all images is reserved first. Whatever ends a call (an exception of `draw`, a
    full disk, SIGKILL), the finished blocks stay, `GeneratedImages.open` reads them, and the same
    call goes on; an exception before the first of them leaves nothing. `progress` shows a bar on a
    terminal.

    Raises ValueError naming what differs or is out of range, or what `draw` returned instead of
    images; BlockingIOError while another process fills the store;
    FileExistsError for a folder that holds something else; OSError for a full disk.
    """
    folder = Path(path)
    as_count(count, "count", 1)
    as_count(block, "block", 1)
    shape = _image_shape(image_shape)
    origin = _plain(origin)
    if not max_seconds >= 0:
        raise ValueError(f"max_seconds = {max_seconds} must be at least 0")
    if (folder / "meta.json").is_file():
        meta = _ours(folder, origin, shape)
        if meta["shape"][0] >= count and (real is None or meta["real"] == real.name):
            return GeneratedImages.open(folder).first(count)
    with locked_images(folder) as file:
        meta = _begun(folder, file, origin, shape, block)
        try:
            _grow(folder, file, meta, draw, count, block, real, progress, max_seconds)
        except BaseException:
            if not meta["shape"][0]:
                _remove_empty(folder)
            raise
    grown = GeneratedImages.open(folder)
    return grown.first(count) if len(grown) >= count else grown


def _grow(
    folder: Path,
    file: BinaryIO,
    meta: dict[str, Any],
    draw: Draw,
    count: int,
    block: int,
    real: ImageSet | None,
    progress: bool,
    max_seconds: float,
) -> None:
    """Draw what is missing up to `count`, and compare all with `real`."""
    begun = time.monotonic()
    finished, *rest = meta["shape"]
    shape = tuple(rest)
    if finished < count and block != meta["block"]:
        raise ValueError(
            f"{folder} was drawn in blocks of {meta['block']}, not {block}: give "
            f"block={meta['block']} to go on"
        )
    # refused where they are damaged
    there = GeneratedImages.open(folder).images if finished else np.empty(0, np.uint8)
    with_checksum(meta, there)
    meta["planned"] = max(meta["planned"], count)
    room = _reserve(folder, file, meta)
    stored = memory_map(folder / "images.npy", (meta["planned"], *shape))
    size, kept = int(np.prod(shape)), finished
    tally = Tally(shape, real)
    first = finished if finished >= count else finished // block * block
    total = 0
    for start in range(0, first, block):
        total = checksum(tally.counted(stored[start : min(start + block, first)]), total)

    def record(done: int, compared: ImageSet | None = None) -> None:
        order = fitting_order(compared, stored[:done]).verdict if compared else "undecided"
        meta["shape"] = [done, *shape]
        meta["checks"] = tally.checks(order)
        meta["real"] = compared.name if compared else None
        meta["images_crc32"] = checksum_text(total)
        meta.pop("digest", None)
        if done == meta["planned"]:
            meta["digest"] = image_digest(stored[:done])
        with atomic_file(folder / "meta.json") as described:
            described.write(as_json(meta))

    with progress_bar(count, "image", done=first, shown=progress) as advance:
        for start in range(first, count, block):
            stop = min(start + block, count)
            images = _drawn(draw, start, stop, shape)
            with _keeping(folder, kept):
                cut = stored[start:finished]  # what a smaller count left of this block
                if not np.array_equal(cut, images[: len(cut)]):
                    record(start)
                file.seek(room + start * size)
                images = tally.counted(images)
                file.write(images.data)
                file.flush()
                os.fsync(file.fileno())
                total, finished = checksum(images, total), stop
                if stop < count:  # the last block counts when near copies were searched, too
                    record(finished)
                    kept = finished
            advance(stop - start)
            if time.monotonic() - begun >= max_seconds:
                break
    with _keeping(folder, kept):
        if finished >= count:
            tally.search(stored[:finished])
        record(finished, real)


# ---- what may be continued


def _remove_empty(folder: Path) -> None:
    """Leave nothing of a store in which no image was finished."""
    for name in ("meta.json", "images.npy", LOCK):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _image_shape(image_shape: tuple[int, int, int]) -> tuple[int, ...]:
    shape = tuple(int(side) for side in image_shape)
    if len(shape) != 3 or shape[0] != 3 or min(shape) < 1:
        raise ValueError(f"image_shape = {image_shape} must be (3, height, width)")
    return shape


def _plain(origin: dict[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(origin, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"origin is not plain JSON ({error}): numbers, strings, lists") from None


def _ours(folder: Path, origin: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """What meta.json says of a store that may be continued; ValueError for any other."""
    meta = read_meta(folder)
    if meta["schema"] != GROWING:
        raise ValueError(
            f"{folder} holds images imported from {meta.get('source')}: choose another place"
        )
    differ = differences({"image_shape": list(shape)}, {"image_shape": meta["shape"][1:]})
    differ += differences(origin, meta["origin"])
    if differ:
        raise ValueError(
            f"{folder} holds images of another origin (asked for {differ[0]} there): delete it or "
            "choose another place"
        )
    return meta


def _begun(
    folder: Path, file: BinaryIO, origin: dict[str, Any], shape: tuple[int, ...], block: int
) -> dict[str, Any]:
    """The description of the store, a new one where there was none."""
    if (folder / "meta.json").is_file():
        return _ours(folder, origin, shape)
    if os.fstat(file.fileno()).st_size:
        raise FileExistsError(f"{folder}/images.npy is not ours: choose another place")
    return {
        "schema": GROWING,
        "name": Path(os.path.abspath(folder)).name.removesuffix(".images"),
        "shape": [0, *shape],
        "planned": 0,
        "block": block,
        "origin": origin,
        "channel_order": "as_is",  # drawn in RGB, no file format between
        "real": None,
        "checks": {},
        "images_crc32": checksum_text(0),
    }


def _drawn(draw: Draw, start: int, stop: int, shape: tuple[int, ...]) -> np.ndarray:
    images: Any = draw(start, stop)
    if not isinstance(images, np.ndarray):
        found = type(images).__name__
    elif images.dtype != np.uint8 or images.shape != (stop - start, *shape):
        found = f"{images.dtype} of shape {images.shape}"
    else:
        return images
    raise ValueError(
        f"draw({start}, {stop}) returned {found}, need a numpy array, uint8 of shape "
        f"{(stop - start, *shape)}"
    )


# ---- the file


def _reserve(folder: Path, file: BinaryIO, meta: dict[str, Any]) -> int:
    """Room for all planned images, before the first of them is drawn; then the header says so.

    The result is the offset of the first image.
    """
    finished, *rest = meta["shape"]
    header = npy_header((meta["planned"], *rest))  # of one length, whatever the count
    had = file.seek(0, os.SEEK_END)
    needed = len(header) + meta["planned"] * int(np.prod(rest))
    try:
        if not had:  # a file without a description is no one's
            with atomic_file(folder / "meta.json") as described:
                described.write(as_json(meta))
        lengthen(folder, file, had, needed)
        file.seek(0)
        file.write(header)
        file.flush()
        with atomic_file(folder / "meta.json") as described:
            described.write(as_json(meta))
    except OSError as error:
        if error.errno not in FULL:
            raise
        with suppress(OSError):
            file.truncate(had)
        kept = f"the {finished:,} images there are kept"
        if not finished:
            kept = "nothing was left behind"
        raise OSError(
            error.errno,
            f"no room for {meta['planned']:,} images ({needed / 1e9:.2f} GB) at {folder} "
            f"({os.strerror(error.errno)}), {kept}: free some space, ask for fewer or choose "
            "another place",
        ) from None
    return len(header)


@contextmanager
def _keeping(folder: Path, finished: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OSError(
            error.errno,
            f"could not write {folder} ({os.strerror(error.errno)}); its first {finished:,} images "
            "are kept: free some space, and the same call goes on",
        ) from None

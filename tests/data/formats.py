"""Formats of image sets: what is made, and what happens when it is read.

The tests read every case of this list, and the book's table of formats is printed from it.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)
#: The images of all cases, uint8 (n, 3, h, w), and their labels.
PIXELS = RNG.integers(0, 256, (5, 3, 6, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 1, 0])
NAMES = ("cat", "cow", "dog")
GREY = np.repeat(PIXELS[:, :1], 3, axis=1)
UNIT = (PIXELS / 255).astype(np.float32)
LAST = PIXELS.transpose(0, 2, 3, 1).copy()


@dataclass(frozen=True)
class Format:
    """`make` writes `what` below a folder and returns the path to read.

    Read are `images` and `labels`, whose classes have `names`; `says` is a part of the error where
    it is refused, of the warning where something is passed over or assumed, and `happens` what the
    table says beside that. With `convert` it is read so.
    """

    what: str
    make: Callable[[Path], Path]
    happens: str = "read"
    says: str = ""
    images: np.ndarray | None = None
    labels: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    convert: bool = False

    @property
    def refused(self) -> bool:
        """Whether reading it is an error."""
        return self.happens == "refused"


def npz(name: str = "set.npz", **arrays: Any) -> Callable[[Path], Path]:
    """What writes these arrays, of which one named `images` is there unless it is None."""

    def make(folder: Path) -> Path:
        kept = {"images": PIXELS} | arrays
        path = folder / name
        np.savez(path, **{key: array for key, array in kept.items() if array is not None})
        return path

    return make


def positional(*arrays: Any) -> Callable[[Path], Path]:
    """What writes an archive whose arrays have no names."""

    def make(folder: Path) -> Path:
        np.savez(folder / "set.npz", *arrays)
        return folder / "set.npz"

    return make


def npy(array: np.ndarray) -> Callable[[Path], Path]:
    """What writes a single array."""

    def make(folder: Path) -> Path:
        np.save(folder / "set.npy", array)
        return folder / "set.npy"

    return make


def archive(members: dict[str, bytes]) -> Callable[[Path], Path]:
    """What writes an archive of these members."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "set.npz", "w") as file:
            for name, content in members.items():
                file.writestr(name, content)
        return folder / "set.npz"

    return make


def as_npy(array: np.ndarray) -> bytes:
    """The content of an npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def files(*paths: str, links: dict[str, str] | None = None) -> Callable[[Path], Path]:
    """What writes image number i to the i-th path: as an image by its ending, else as text."""

    def make(folder: Path) -> Path:
        place = folder / "photos"
        number = 0
        for path in paths:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            if Path(path).suffix in (".png", ".bmp", ".gif", ".tiff"):
                Image.fromarray(LAST[number]).save(place / path)
                number += not path.endswith(".gif") and "/." not in path
            else:
                (place / path).write_text("text")
        for name, target in (links or {}).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(target, place / name)
        return place

    return make


def picture(name: str, image: Image.Image, **options: Any) -> Callable[[Path], Path]:
    """What writes one image to a folder of its own."""

    def make(folder: Path) -> Path:
        (folder / "photos").mkdir()
        image.save(folder / "photos" / name, **options)
        return folder / "photos"

    return make


def cut(make: Callable[[Path], Path], kept: float) -> Callable[[Path], Path]:
    """What writes the beginning only."""

    def made(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
        return path

    return made


ARCHIVES = [
    Format("npz, `images` uint8 (n, 3, h, w)", npz(), images=PIXELS),
    Format("npz, `images` uint8 (n, h, w, 3)", npz(images=LAST), images=PIXELS),
    Format("npz, `image` in its place", npz(images=None, image=LAST), images=PIXELS),
    Format("npz, `data` in its place", npz(images=None, data=LAST), images=PIXELS),
    Format("npz, arrays without names (`arr_0`)", positional(LAST), images=PIXELS),
    Format("npz, other names", npz(images=None, pictures=PIXELS), "refused",
           "holds pictures, but images are looked for under images | image | data | arr_0"),
    Format("npz, more arrays beside them", npz(mu=np.zeros(3)), "read",
           "passed over: 1 array (mu)", PIXELS),
    Format("npz in Fortran order", npz(images=np.asfortranarray(LAST)), images=PIXELS),
    Format("npz, a member without the ending .npy", archive({"images": as_npy(PIXELS)}),
           images=PIXELS),
    Format("npz, a member that is no array", archive({"images.npy": b"text"}), "refused",
           "holds no readable array"),
    Format("npz, grey (n, h, w)", npz(images=PIXELS[:, 0]),
           "read, the grey value in all three channels", images=GREY),
    Format("npz, grey (n, h, w, 1)", npz(images=LAST[..., :1]),
           "read, the grey value in all three channels", images=GREY),
    Format("npz, grey (n, 1, h, w)", npz(images=PIXELS[:, :1]),
           "read, the grey value in all three channels", images=GREY),
    Format("npz, RGBA", npz(images=np.concatenate([LAST, LAST[..., :1]], 3)), "refused",
           "save x[..., :3] if the fourth channel is opacity"),
    Format("npz, one image (h, w, 3)", npz(images=LAST[0]), "refused",
           "save x[None] if it is one image"),
    Format("npz, (h, w, 3, n)", npz(images=LAST.transpose(1, 2, 3, 0).copy()), "refused",
           "save x.transpose(3, 2, 0, 1)"),
    Format("npz, a row of 3072 an image", npz(images=np.zeros((5, 3072), np.uint8)), "refused",
           "save x.reshape(-1, 3, 32, 32)"),
    Format("npz, no images", npz(images=PIXELS[:0]), "refused", "the set is empty"),
    Format("npz, pickled objects", npz(images=np.array([{}])), "refused", "images are object"),
    Format("npz, cut short", cut(npz(), 0.9), "refused", "is truncated or no npz archive"),
    Format("a zip of image files",
           archive({f"{number}.png": b"" for number in range(4000)}), "refused",
           "is a zip of image files (0.png, 1.png, 2.png, 3.png, 4.png and 3,995 more): unpack it"),
    Format("npy, as npz with images alone", npy(PIXELS), images=PIXELS),
    Format("npy, cut short", cut(npy(PIXELS), 0.9), "refused", "is truncated or no npy file"),
]  # fmt: skip

VALUES = [
    Format("floats 0 to 1", npz(images=UNIT), "refused",
           "need uint8 in 0..255; read as 0..1, clipping none: "
           "np.clip(255 * x, 0, 255).round().astype('uint8'); "
           "convert=True (generate import --convert) does the same"),
    Format("floats 0 to 1, `convert`", npz(images=UNIT), "read",
           "float32 values from 0 to 1 were taken as 0..1", PIXELS, convert=True),
    Format("floats 0 to 1, some a little outside, `convert`", npz(images=1.1 * UNIT - 0.05),
           "read, those outside clipped", "were taken as 0..1 and brought to 0..255;",
           np.clip(np.rint(280.5 * UNIT.astype(float) - 12.75), 0, 255).astype(np.uint8),
           convert=True),
    Format("floats -1 to 1, `convert`", npz(images=2 * UNIT - 1), "read",
           "float32 values from -1 to 1 were taken as -1..1", PIXELS, convert=True),
    Format("floats 0 to 255, `convert`", npz(images=PIXELS.astype(np.float64)), "read",
           "float64 values from 0 to 255 were taken as 0..255", PIXELS, convert=True),
    Format("other integers 0 to 255, `convert`", npz(images=PIXELS.astype(np.int64)), "read",
           "int64 values from 0 to 255 were taken as 0..255", PIXELS, convert=True),
    Format("16 bits", npz(images=PIXELS.astype(np.uint16) * 257), "refused",
           "if they span 0..65535 save (x / 257).round().astype('uint8')"),
    Format("standardised values", npz(images=4 * UNIT - 2), "refused",
           "they fit none of 0..1, -1..1 and 0..255: rescale them"),
    Format("values that are not finite", npz(images=np.where(UNIT < 0.5, np.nan, UNIT)), "refused",
           "values are not finite: mend the set"),
]  # fmt: skip

LABELLED = [
    Format("`labels`, whole numbers", npz(labels=LABELS), images=PIXELS, labels=LABELS),
    Format("`label` in its place", npz(label=LABELS), images=PIXELS, labels=LABELS),
    Format("`targets` in its place", npz(targets=LABELS), images=PIXELS, labels=LABELS),
    Format("`arr_1` beside `arr_0`", positional(PIXELS, LABELS), images=PIXELS, labels=LABELS),
    Format("whole numbers as floats", npz(labels=LABELS.astype(float)), images=PIXELS,
           labels=LABELS),
    Format("shape (n, 1)", npz(labels=LABELS[:, None]), images=PIXELS, labels=LABELS),
    Format("one-hot rows", npz(labels=np.eye(3, dtype=np.float32)[LABELS]), images=PIXELS,
           labels=LABELS),
    Format("names as strings", npz(labels=np.array(NAMES)[LABELS]),
           "read, classes in alphabetical order", images=PIXELS, labels=LABELS, names=NAMES),
    Format("names, and `class_names`",
           npz(labels=np.array(NAMES)[LABELS], class_names=np.array(NAMES[::-1])),
           "read, classes in alphabetical order", images=PIXELS, labels=LABELS, names=NAMES),
    Format("whole numbers, and `class_names`", npz(labels=LABELS, class_names=np.array(NAMES)),
           images=PIXELS, labels=LABELS, names=NAMES),
    Format("all of them -1", npz(labels=np.full(5, -1)), "read as unlabelled", images=PIXELS),
    Format("some of them negative", npz(labels=LABELS - 1), "refused", "label -1 is negative"),
    Format("fractions", npz(labels=LABELS / 2), "refused", "0.5 is no whole number"),
    Format("rows of probabilities", npz(labels=np.full((5, 2), 0.5)), "refused",
           "save labels=labels.argmax(axis=1)"),
    Format("more or fewer than images", npz(labels=LABELS[:3]), "refused",
           "labels are int64 of shape (3,), need one for each of 5 images"),
    Format("a number that counts no classes", npz(labels=LABELS + 4_600_000_000_000_000_000),
           "refused", "number the classes from 0"),
    Format("numbers with large gaps, such as 0, 1 and 1,000,000",
           npz(labels=np.array([0, 1, 10**6])[LABELS]), "read, the numbers as names of classes",
           "labels are 3 numbers from 0 to 1000000", PIXELS, LABELS, ("0", "1", "1000000")),
    Format("pickled objects", npz(labels=np.array([None] * 5)), "refused",
           "labels cannot be read (Object arrays are pickled)"),
]  # fmt: skip

FOLDERS = [
    Format("image files", files("0.png", "1.bmp", "2.png"), "read, in the order of their names",
           images=PIXELS[:3]),
    Format("a sub-folder a class, folders below it too", files("cat/0.png", "cow/more/1.png"),
           images=PIXELS[:2], labels=LABELS[:2], names=NAMES[:2]),
    Format("hidden files and folders",
           files("cat/0.png", "cat/.x/1.png", "cow/2.png", "cow/.3.png"), "read without them",
           "passed over: 2 files (hidden 2)", PIXELS[:2], LABELS[:2], NAMES[:2]),
    Format("a store of generated images among the classes",
           files("cat/0.png", "cow/1.png", "cow.images/meta.json"), "read without it",
           "passed over: 1 file (stores of generated images 1)", PIXELS[:2], LABELS[:2],
           NAMES[:2]),
    Format("files of other endings, or none", files("0.png", "a.gif", "b.jfif", "c", "d.gif"),
           "read without them", "passed over: 4 files (.gif 2, .jfif 1, no ending 1)", PIXELS[:1]),
    Format("links to folders and files",
           files("store/0.png", "store/1.png", "more/cat/kept/2.png",
                 links={"sub/cat": "../store", "sub/cow/link": "../../more/cat"}),
           "followed", images=PIXELS[:3], labels=LABELS[[0, 0, 1]], names=NAMES[:2]),
    Format("links that lead in a circle, dead links",
           files("cat/0.png", links={"cat/self": "../cat", "cat/up": "../..", "cat/1.png": "x"}),
           "read once", "passed over: 3 files (links to folders read already 2, dead links 1)",
           PIXELS[:1], LABELS[:1], NAMES[:1]),
    Format("`train` and `val`, each a set", files("train/cat/0.png", "val/cat/1.png"), "refused",
           "holds train, val, which are parts of a set and no classes: name one"),
    Format("a class without images", files("cat/0.png", "cow/a.gif"), "refused",
           "this class holds no images, passed over: 1 file (.gif 1)"),
    Format("classes and loose images", files("cat/0.png", "1.png"), "refused",
           "holds both sub-folders (classes) and loose images such as 1.png"),
    Format("no images", files("notes.txt"), "refused", "holds no images"),
]  # fmt: skip

_FIRST = Image.fromarray(LAST[0])
_GREY = Image.fromarray(PIXELS[0, 0])
_DEEP = np.array([[0, 128, 129, 257, 32_768, 65_535]], np.uint16).repeat(4, 0)
_SHALLOW = np.array([0, 0, 1, 1, 128, 255], np.uint8)


def _turned() -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    return {"exif": exif}


IMAGES = [
    Format("grey", picture("0.png", _GREY),
           "read, the grey value in all three channels", images=GREY[:1]),
    Format("RGBA", picture("0.png", Image.fromarray(np.dstack([LAST[0], LAST[0, :, :, 0]]))),
           "read, opacity dropped", images=PIXELS[:1]),
    Format("turned by EXIF",
           picture("0.png", Image.fromarray(np.rot90(LAST[0]).copy()), **_turned()),
           "read upright", images=PIXELS[:1]),
    Format("PNG of 16 bits", picture("0.png", Image.fromarray(_DEEP)), "read, 65535 as white",
           images=np.broadcast_to(_SHALLOW, (1, 3, 4, 6))),
    Format("TIFF of 16 bits", picture("0.tiff", Image.fromarray(_DEEP)), "refused",
           "more than 8 bits: save it with 8"),
    Format("damaged", cut(lambda folder: picture("0.png", _FIRST)(folder) / "0.png", 0.9),
           "refused", "0.png is no readable image"),
]  # fmt: skip

#: All cases, by what they are called in the book.
FORMATS = {
    "archives": ARCHIVES,
    "values": VALUES,
    "labels": LABELLED,
    "folders": FOLDERS,
    "images": IMAGES,
}

"""One image file at a time: upright, in RGB, and never silently damaged."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"


class BrokenImageError(ValueError):
    """A file that is no readable image."""


def read_rgb(path: Path) -> Image.Image:
    """The image in `path`, turned upright (EXIF) and to RGB.

    Raises BrokenImageError where the file is damaged, ValueError for pixels whose range is unknown;
    what the system says (no such file, no permission) passes unchanged.
    """
    from PIL import ExifTags, Image, ImageOps

    content = path.read_bytes()
    try:
        if content.startswith(_PNG):
            _check_png(content)
        with Image.open(io.BytesIO(content)) as file:
            image: Any = file
            image.load()
            if file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                image = ImageOps.exif_transpose(file)
    except MemoryError:  # says nothing about the file
        raise
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise BrokenImageError(
            f"{path} is no readable image ({error}): mend or delete it"
        ) from None
    if image.mode == "I;16" and content.startswith(_PNG):
        # a PNG's values span the whole range, whatever their depth
        pixels = (np.asarray(image).astype(np.float32) / 257).round().astype(np.uint8)
        image = Image.fromarray(pixels)
    if image.mode[0] in "IF":
        raise ValueError(f"{path} has mode {image.mode}, more than 8 bits: save it with 8")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")


def _check_png(content: bytes) -> None:
    """ValueError where a checksum does not fit: decoders pass over some damage without a word."""
    at = len(_PNG)
    while True:
        length = int.from_bytes(content[at : at + 4], "big")
        end = at + length + 12
        if end > len(content):
            raise ValueError("it ends too early")
        checksum = int.from_bytes(content[end - 4 : end], "big")
        if zlib.crc32(content[at + 4 : end - 4]) != checksum:
            raise ValueError("a checksum does not fit")
        if content[at + 4 : at + 8] == b"IEND":
            return
        at = end

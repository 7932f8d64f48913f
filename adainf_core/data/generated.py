"""Generated sets: imported once, checked once, memory-mapped ever after."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adainf_core.data.colour_order import fitting_order
from adainf_core.data.images import ImageSet
from adainf_core.data.sources import ImageSource, folder_source, mapped, npz_source, write_npy
from adainf_core.files import whole_file, whole_folder

ChannelOrder = Literal["auto", "bgr", "as_is"]
_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class GeneratedImages(ImageSet):
    """A generator's images: unlabelled, memory-mapped from a store on disk, checked when imported.

    The store at `path` is a folder with images.npy (uint8 (n, 3, h, w), RGB) and meta.json.
    `checks` counts the `constant` images, exact `duplicates` and `memorised` ones, which equal a
    real training image (None without real images of that size), and says which channel `order`
    fits the real ones: "rgb", "bgr" or "undecided". `channel_order` is what the import was told,
    `compared` the name of the real set it was given. Make a set with `from_npz` or `from_folder`,
    and read it again with `open`.
    """

    path: Path
    checks: dict[str, Any]
    channel_order: ChannelOrder
    compared: str | None

    def __reduce__(self) -> tuple[Any, ...]:
        return GeneratedImages.open, (self.path,)  # pickles carry the place, not the pixels

    @classmethod
    def open(cls, path: str | Path) -> GeneratedImages:
        """The store at `path`, memory-mapped.

        Raises FileNotFoundError where there is none, ValueError naming the file that is damaged.
        """
        folder = Path(path)
        described = folder / "meta.json"
        if not described.is_file():
            raise FileNotFoundError(
                f"{folder} holds no generated set (no meta.json): make one with from_npz or "
                "from_folder"
            )
        try:
            meta = json.loads(described.read_text(encoding="utf-8"))
            schema, name, shape = meta["schema"], meta["name"], tuple(meta["shape"])
            sample, checks = meta["sample"], meta["checks"]
            order, compared = meta["channel_order"], meta["real"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{described} is damaged ({error!r}): delete {folder}") from None
        if schema != _SCHEMA:
            raise ValueError(
                f"{described}: schema {schema!r}, this version reads {_SCHEMA}; update adainf_core"
            )
        images = mapped(folder / "images.npy", shape)
        if _sample_digest(images) != sample:
            raise ValueError(f"{folder}/images.npy was altered: delete {folder} and import again")
        return cls(images, None, name, folder, checks, order, compared)

    def check_against(self, real: ImageSet) -> None:
        """Compare the colours with those of `real`, as an import given `real` does.

        Raises the import's ValueError where they fit in reversed order. Nothing is done for a set
        imported with `channel_order="as_is"`, or found in order beside a real set of that name.
        """
        settled = self.compared == real.name and self.checks["order"] == "rgb"
        if self.channel_order != "as_is" and not settled:
            _checked_order(self.path, self.images, real, self.channel_order, store=self.path)

    @classmethod
    def from_npz(
        cls,
        path: str | Path,
        *,
        real: ImageSet | None = None,
        store: str | Path | None = None,
        channel_order: ChannelOrder = "auto",
        limit: float = 0.01,
    ) -> GeneratedImages:
        """Import an npz archive (uint8 (n, h, w, 3) or (n, 3, h, w); see `ImageSet.from_npz`).

        The images are streamed into `store`, by default the folder `<stem>.images` beside the
        archive; a store already there is opened if it was made from these images (told by the
        archive's checksum, for a folder by its files' names, sizes and times) and refused
        otherwise. Labels are left behind.

        `real` lets colours and copies be compared with the real training images. With
        `channel_order="auto"` a set whose colours fit them better in reversed order is refused
        (`colour_order`); "bgr" reverses the channels, "as_is" takes them as they come. `limit` is
        the largest accepted share of constant images, and of exact duplicates.

        Raises ValueError naming the value and the remedy; a refused or failed import leaves nothing
        behind, and a full disk is an OSError that says so.
        """
        return cls._import(npz_source(Path(path)), real, store, channel_order, limit)

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        size: int | None = None,
        *,
        real: ImageSet | None = None,
        store: str | Path | None = None,
        channel_order: ChannelOrder = "auto",
        limit: float = 0.01,
    ) -> GeneratedImages:
        """Import a folder of image files (`ImageSet.from_folder`), the rest as in `from_npz`."""
        return cls._import(folder_source(Path(path), size), real, store, channel_order, limit)

    @classmethod
    def _import(
        cls,
        source: ImageSource,
        real: ImageSet | None,
        store: str | Path | None,
        channel_order: ChannelOrder,
        limit: float,
    ) -> GeneratedImages:
        if channel_order not in ("auto", "bgr", "as_is"):
            raise ValueError(f"channel_order={channel_order!r}: choose 'auto', 'bgr' or 'as_is'")
        if not 0 <= limit <= 1:
            raise ValueError(f"limit={limit} is outside [0, 1]: it is a share of the images")
        if channel_order == "bgr":
            source = _reversed(source)
        place = (
            source.path.with_name(f"{source.path.stem}.images") if store is None else Path(store)
        )
        if place.exists():
            return cls._reopened(place, source, real, channel_order)
        identity = source.identity()  # before the images: a later change is noticed
        with whole_folder(place) as folder:
            tally = _Tally()
            with (folder / "images.npy").open("wb") as file:
                write_npy(file, source.shape, map(tally.counted, source.chunks()))
            images = mapped(folder / "images.npy", source.shape)
            checks = tally.checked(source.path, limit) | {
                "memorised": tally.memorised(real, source.shape[1:]),
                "order": _checked_order(source.path, images, real, channel_order),
            }
            meta = {
                "schema": _SCHEMA,
                "name": source.path.stem,
                "shape": source.shape,
                "source": source.path.name,
                "identity": identity,
                "channel_order": channel_order,
                "real": None if real is None else real.name,
                "checks": checks,
                "sample": _sample_digest(images),
            }
            (folder / "meta.json").write_bytes(_json(meta))
        return cls.open(place)

    @classmethod
    def _reopened(
        cls, place: Path, source: ImageSource, real: ImageSet | None, channel_order: ChannelOrder
    ) -> GeneratedImages:
        opened = cls.open(place)
        described = place / "meta.json"
        meta = json.loads(described.read_text(encoding="utf-8"))
        first = next(source.chunks())  # tells what `channel_order` made of them
        if (
            opened.images.shape != source.shape
            or meta.get("identity") != source.identity()
            or (opened.images[: len(first)] != first).any()
        ):
            raise ValueError(
                f"{place} holds other images than {source.path}, or that was written again since: "
                "delete it or give store=..."
            )
        _checked_order(source.path, opened.images, real, channel_order, store=place)
        if channel_order == "as_is" != opened.channel_order:
            with whole_file(described) as file:
                file.write(_json(meta | {"channel_order": "as_is"}))
            return cls.open(place)
        return opened


def _json(meta: dict[str, Any]) -> bytes:
    return (json.dumps(meta, indent=1) + "\n").encode()


def _reversed(source: ImageSource) -> ImageSource:
    return replace(source, chunks=lambda: (chunk[:, ::-1] for chunk in source.chunks()))


class _Tally:
    """What passes by on the way into a store."""

    def __init__(self) -> None:
        self.hashes: list[np.ndarray] = []
        self.constant = 0
        self.brightest = 0

    def counted(self, chunk: np.ndarray) -> np.ndarray:
        flat = chunk.reshape(len(chunk), -1)
        self.hashes.append(_hashes(chunk))
        self.constant += int((flat.min(axis=1) == flat.max(axis=1)).sum())
        self.brightest = max(self.brightest, int(flat.max()))
        return chunk

    def checked(self, path: Path, limit: float) -> dict[str, Any]:
        """The counts, or ValueError where one is beyond what a sound set has."""
        if self.brightest <= 1:
            raise ValueError(
                f"{path}: no pixel is above {self.brightest}; if values in 0..1 were cast to "
                "uint8, save (255 * x).round().astype('uint8')"
            )
        count = sum(map(len, self.hashes))
        duplicates = count - len(np.unique(np.concatenate(self.hashes)))
        found = {"constant": self.constant, "duplicates": duplicates}
        for kind, number in found.items():
            if number > limit * count:
                raise ValueError(
                    f"{path}: {number} of {count} images are {kind}, more than limit={limit}: mend "
                    "the set or raise limit"
                )
        return found

    def memorised(self, real: ImageSet | None, shape: tuple[int, ...]) -> int | None:
        """How many images equal one of `real`; None where they cannot."""
        if real is None or real.images.shape[1:] != shape:
            return None
        return int(np.isin(np.concatenate(self.hashes), _hashes(real.images)).sum())


def _hashes(images: np.ndarray) -> np.ndarray:
    """A 64-bit hash uint64 (n,) of each image; a million images clash at all in 3e-8 of cases."""
    rows = (np.ascontiguousarray(image).data for image in images)
    digests = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, np.uint64)


def _checked_order(
    path: Path,
    images: np.ndarray,
    real: ImageSet | None,
    channel_order: ChannelOrder,
    store: Path | None = None,
) -> str:
    """Which channel order fits `real`; ValueError for the reversed one unless it is wanted so.

    The error names `path`, and asks for the `store` to be deleted where one was already made.
    """
    if real is None:
        return "undecided"
    order = fitting_order(real, images)
    if order.verdict == "bgr" and channel_order != "as_is":
        remedy = {
            "auto": "import with channel_order='bgr' to reverse the channels, or 'as_is' to keep",
            "bgr": "import without channel_order='bgr', which reversed images in order",
        }[channel_order]
        if store is not None:
            remedy = f"delete {store} and {remedy}"
        raise ValueError(
            f"{path}: the colours fit {real.name} with red and blue swapped (agreement "
            f"{order.agreement:.2f}, {-order.standard_errors:.0f} standard errors below 0): "
            f"{remedy}"
        )
    return order.verdict


def _sample_digest(images: np.ndarray) -> str:
    """Hash of 64 images evenly spaced, the first and the last among them."""
    chosen = np.linspace(0, len(images) - 1, min(64, len(images))).astype(np.int64)
    return hashlib.blake2b(images[chosen].tobytes(), digest_size=16).hexdigest()

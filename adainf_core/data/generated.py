"""Generated sets: imported once, checked once, memory-mapped ever after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adainf_core.configuration import differences
from adainf_core.data.colour_order import fitting_order
from adainf_core.data.folder_files import few
from adainf_core.data.folders import title
from adainf_core.data.image_files import BrokenImageError
from adainf_core.data.images import ImageSet, image_digest
from adainf_core.data.npy_files import memory_map, npy_header, take_as_checked, write_npy
from adainf_core.data.provenance import caveats
from adainf_core.data.sources import ImageSource, folder_source, npz_source
from adainf_core.data.store_meta import (
    GROWING,
    IMPORTED,
    as_json,
    check_images,
    checksum_text,
    read_meta,
    remake,
    with_checksum,
)
from adainf_core.data.tally import Tally, in_words, total
from adainf_core.files import atomic_file, atomic_folder
from adainf_core.validation import as_choice, as_path

ChannelOrder = Literal["auto", "bgr", "as_is"]
_CHANCE = 1e-4  # that more pairs are equal than the limit asks for


@dataclass(frozen=True)
class ImportLimits:
    """What an import refuses.

    `constant` is the largest accepted share of constant images, and `memorised` that of copies of
    the real ones, of any kind. `pairs` is the largest accepted share of *pairs* of images that are
    copies of each other, of any kind too, for a store of near copies teaches as little as one of
    equal images. A set of n independent draws has about n^2 / 2 times this many such pairs,
    whatever n, while its share of duplicates grows with n. 5e-6 is that of draws from 200,000
    pictures; CIFAKE has 8e-7 (equal ones), CIFAR-10's training images 9e-7 (near ones). Pairs are
    refused where such draws have so many in less than 1 of 10,000 cases, so that one duplicate in a
    hundred images is accepted at every size.
    """

    constant: float = 0.01
    pairs: float = 5e-6
    memorised: float = 0.1

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= 1:
                raise ValueError(f"{each.name}={value} is outside [0, 1]: it is a share")


@dataclass(frozen=True, eq=False, repr=False)
class GeneratedImages(ImageSet):
    """A generator's images: unlabelled, memory-mapped from a store on disk, checked when imported.

    The store at `path` is a folder with images.npy (uint8 (n, 3, h, w), RGB) and meta.json, which
    holds a checksum of all images, the hash that names them in caches and records, and a checksum
    of itself.
    `checks` counts the `constant` images, `duplicates`, which repeat an earlier one, and
    `memorised` ones, which repeat a real training image (None without real images of that size),
    the copies by `kinds` (exact, mirrored and near ones; a store of an earlier version counts exact
    ones), and says which channel `order` fits the real ones: "rgb", "bgr" or "undecided".
    `channel_order` is what the import was told, `compared` the name of the real set it was given.
    `caveats` are sentences on where an imported set may come from and what was left out
    (`provenance`); `origin` says what drew the images of a store that grows (`growing_store`), and
    `planned` how many it is to have; `digest` is the hash of the whole store's pixels, None where
    it keeps none. Make a set with `from_npz`, `from_folder` or
    `growing_store.grown_store`, and read it again with `open`.
    """

    path: Path
    checks: dict[str, Any]
    channel_order: ChannelOrder
    compared: str | None
    caveats: tuple[str, ...] = ()
    origin: dict[str, Any] | None = None
    planned: int = field(kw_only=True)
    digest: str | None = field(default=None, kw_only=True)

    @property
    def complete(self) -> bool:
        """Whether all images that were planned are there."""
        return len(self) >= self.planned

    def describe(self) -> str:
        """As of any set, then what the import counted and what is still to come."""
        found = [f"{self.checks['duplicates']:,} duplicates"]
        if self.checks["memorised"] is not None:
            found.append(f"{self.checks['memorised']:,} copies of {self.compared}")
        if not self.complete:
            found.append(f"{self.planned:,} planned")
        return ", ".join([super().describe(), *found])

    def __reduce__(self) -> tuple[Any, ...]:
        # pickles carry the place, not the pixels; a growing store may have more by then
        return _first, (self.path, len(self), self.planned)

    @classmethod
    def open(cls, path: str | Path) -> GeneratedImages:
        """The store at `path`, memory-mapped; of one that grows, the images that are finished.

        The first use in a process compares the checksum of all of them. Raises FileNotFoundError
        where there is none, ValueError naming the file that is damaged, or the store that holds no
        finished image yet.
        """
        folder = as_path(path, "path")
        meta = read_meta(folder)
        shape = tuple(meta["shape"])
        planned = meta.get("planned", shape[0])
        if not shape[0]:
            raise ValueError(f"{folder} holds none of its {planned} images yet: go on sampling")
        longer, remedy = meta["schema"] == GROWING, remake(folder)
        images = memory_map(folder / "images.npy", shape, longer=longer, remedy=remedy)
        check_images(folder, images, meta)
        return cls(
            np.asarray(images),  # still mapped; slices of a memmap are slow to make
            None,
            meta["name"],
            folder,
            meta["checks"],
            meta["channel_order"],
            meta["real"],
            tuple(meta.get("caveats", ())),
            meta.get("origin"),
            planned=planned,
            digest=meta.get("digest"),
        )

    def first(self, count: int) -> GeneratedImages:
        """The first `count` images, as a complete set."""
        digest = self.digest if count >= len(self) else None
        return replace(self, images=self.images[:count], planned=count, digest=digest)

    def _digest(self) -> str:
        # the store's images have passed their checksum, so the hash kept beside it is theirs
        return super()._digest() if self.digest is None else self.digest

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
        limits: ImportLimits | None = None,
        near_copies: bool | None = None,
        convert: bool = False,
    ) -> GeneratedImages:
        """Import an npz archive (uint8 (n, h, w, 3) or (n, 3, h, w); see `ImageSet.from_npz`).

        The images are streamed into `store`, by default the folder `default_store` names, beside
        the archive; a store already there is opened if it was made from these images (told by the
        archive's checksum, for a folder by its files' names, sizes and times) and refused
        otherwise. Labels are left behind.

        `real` lets colours and copies be compared with the real training images. With
        `channel_order="auto"` a set whose colours fit them better in reversed order is refused
        (`colour_order`); "bgr" reverses the channels, "as_is" takes them as they come. `limits`
        (`ImportLimits`) says how many constant images and copies are accepted; the import ends as
        soon as there are more. Near copies are searched where `near_copies`, by default where that
        takes a minute at most (`find_copies`); they are counted and judged as all copies are. With
        `convert` floats and other integers are brought to 0..255 (`value_range`); `caveats` says
        what was assumed, and `checks` how many values were `clipped`.

        Raises ValueError naming the value and the remedy; a refused or failed import leaves nothing
        behind, and a full disk is an OSError that says so.
        """
        source = npz_source(as_path(path, "path"), convert=convert, needs_labels=False)
        return cls._import(source, real, store, channel_order, limits, near_copies, [])

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        size: int | None = None,
        *,
        real: ImageSet | None = None,
        store: str | Path | None = None,
        channel_order: ChannelOrder = "auto",
        limits: ImportLimits | None = None,
        near_copies: bool | None = None,
        skip_broken: bool = False,
    ) -> GeneratedImages:
        """Import a folder of image files (`ImageSet.from_folder`), the rest as in `from_npz`.

        A file that is no readable image is an error that names it; with `skip_broken` such files
        are left out, and `caveats` says how many and which came first.
        """
        skipped: list[Path] = []
        try:
            source = folder_source(as_path(path, "path"), size, skipped if skip_broken else None)
            return cls._import(source, real, store, channel_order, limits, near_copies, skipped)
        except BrokenImageError as error:
            raise ValueError(
                f"{error}, or leave such files out with skip_broken=True (--skip-broken)"
            ) from None

    @classmethod
    def _import(
        cls,
        source: ImageSource,
        real: ImageSet | None,
        store: str | Path | None,
        channel_order: ChannelOrder,
        limits: ImportLimits | None,
        near_copies: bool | None,
        skipped: list[Path],
        origin: dict[str, Any] | None = None,
    ) -> GeneratedImages:
        as_choice(channel_order, "channel_order", ("auto", "bgr", "as_is"))
        limits = limits or ImportLimits()
        if channel_order == "bgr":
            source = _reversed(source)
        place = default_store(source.path) if store is None else as_path(store, "store")
        if place.exists():
            return cls._reopened(place, source, real, channel_order, origin)
        identity = source.identity()  # before the images: a later change is noticed
        with atomic_folder(place) as folder:
            tally = Tally(source.shape[1:], real)

            def counted() -> Iterator[np.ndarray]:
                for chunk in source.told_chunks():
                    yield tally.counted(chunk)
                    if tally.brightest > 1:
                        _refuse_flaws(source.path, tally, limits, source.shape[0], real)

            with (folder / "images.npy").open("wb") as file:
                checksum = write_npy(file, source.shape, counted())
                shape = (tally.count, *source.shape[1:])
                file.seek(0)
                file.write(npy_header(shape))  # of the same length, whatever was skipped
            _refuse_flaws(source.path, tally, limits, tally.count, real)
            images = memory_map(folder / "images.npy", shape)
            take_as_checked(folder / "images.npy", images, checksum)
            tally.search(images, near_copies)
            _refuse_flaws(source.path, tally, limits, tally.count, real)
            checks = tally.checks(_checked_order(source.path, images, real, channel_order))
            if source.clipped is not None:
                checks["clipped"] = source.clipped
            meta = {
                "schema": IMPORTED,
                "name": title(source.path),
                "shape": shape,
                "source": os.path.basename(os.path.abspath(source.path)),
                "identity": identity,
                "channel_order": channel_order,
                "real": None if real is None else real.name,
                "checks": checks,
                "caveats": (*caveats(source), *_left_out(source, skipped)),
                "skipped": len(skipped),
                "images_crc32": checksum_text(checksum),
                "digest": image_digest(images),
            } | ({} if origin is None else {"origin": origin})
            (folder / "meta.json").write_bytes(as_json(meta))
        return cls.open(place)

    @classmethod
    def _reopened(
        cls,
        place: Path,
        source: ImageSource,
        real: ImageSet | None,
        channel_order: ChannelOrder,
        origin: dict[str, Any] | None,
    ) -> GeneratedImages:
        opened = cls.open(place)
        described = place / "meta.json"
        meta = read_meta(place)
        first = next(source.chunks())  # tells what `channel_order` made of them
        if (
            len(opened) + meta.get("skipped", 0) != source.shape[0]
            or opened.images.shape[1:] != source.shape[1:]
            or meta.get("identity") != source.identity()
            or (opened.images[: len(first)] != first).any()
        ):
            made = f" (it was made from {meta['source']})" if "source" in meta else ""
            raise ValueError(
                f"{place} holds other images than {source.path}{made}, or that was written again "
                "since: choose another place with store=... (--store), or delete the store"
            )
        if differ := differences(origin or {}, opened.origin or {}):
            raise ValueError(
                f"{place} holds them already, imported otherwise (asked for {differ[0]} there): "
                "choose another place with store=... (--store), or delete the store"
            )
        _checked_order(source.path, opened.images, real, channel_order, store=place)
        if channel_order == "as_is" != opened.channel_order:
            with_checksum(meta, opened.images)
            meta["digest"] = opened._digest()
            with atomic_file(described) as file:
                file.write(as_json(meta | {"channel_order": "as_is"}))
            return cls.open(place)
        return opened


def generated_images(path: str | Path) -> ImageSet:
    """The generated images at a path: those of a store, or of an archive or folder, unlabelled.

    Labels are left behind, whatever they are. The errors are those of `GeneratedImages.open`,
    `ImageSet.from_npz` and `ImageSet.from_folder`.
    """
    place = Path(path)
    if (place / "meta.json").is_file():
        return GeneratedImages.open(place)
    if not place.exists():
        raise FileNotFoundError(
            f"{place}: there is no such file or folder: name a store of generated images, an npz "
            "archive, an npy file or a folder of images"
        )
    if place.is_dir():
        return ImageSet.from_folder(place).unlabelled()
    source = npz_source(place, needs_labels=False).told()
    return ImageSet(source.read(), None, title(place))


def generated_caveats(path: str | Path) -> tuple[str, ...]:
    """What is to be known of where the generated images at a path come from: see `provenance`."""
    place = Path(path)
    if (place / "meta.json").is_file():
        return GeneratedImages.open(place).caveats
    is_folder = place.is_dir()
    return caveats(folder_source(place) if is_folder else npz_source(place, needs_labels=False))


def default_store(path: str | Path) -> Path:
    """Where the images of an archive or a folder are imported to: `<name>.images` beside it.

    A folder's name is taken whole, dots and all; an archive's loses its ending.
    """
    place = Path(path)
    if place.name in ("", ".."):
        place = Path(os.path.abspath(place))
    return place.with_name(f"{title(place)}.images")


def _first(path: Path, count: int, planned: int) -> GeneratedImages:
    return replace(GeneratedImages.open(path).first(count), planned=planned)


def _reversed(source: ImageSource) -> ImageSource:
    return replace(source, chunks=lambda: (chunk[:, ::-1] for chunk in source.chunks()))


def _left_out(source: ImageSource, skipped: list[Path]) -> list[str]:
    """A sentence on files that could not be read, if there were any."""
    if not skipped:
        return []
    names = few(file.relative_to(source.path).as_posix() for file in skipped)
    return [
        f"{len(skipped):,} of {source.shape[0]:,} files are no readable images and were skipped: "
        f"{names}."
    ]


def _refuse_flaws(
    path: Path, tally: Tally, limits: ImportLimits, count: int, real: ImageSet | None
) -> None:
    """ValueError where what has passed is beyond what a sound set of `count` images has."""
    from scipy.special import gammainc

    seen = f"{tally.count:,}" if tally.count == count else f"the first {tally.count:,}"
    if tally.brightest <= 1:
        raise ValueError(
            f"{path}: no pixel is above {tally.brightest}; if values in 0..1 were cast to "
            "uint8, save them as they were and import with convert=True (--convert)"
        )
    if tally.constant > limits.constant * count:
        raise ValueError(
            f"{path}: {tally.constant:,} of {seen} images are constant, a share of more than "
            f"{limits.constant:g}: mend the set or raise ImportLimits.constant (--limit)"
        )
    expected, found = limits.pairs * count * (count - 1) / 2, tally.pairs
    # of which there are so many by chance
    if found > expected and gammainc(found, expected) < _CHANCE:
        kinds = tally.duplicates
        raise ValueError(
            f"{path}: {total(kinds):,} of {seen} images are duplicates ({in_words(kinds)}; "
            f"{found:,} pairs, a share of more than {limits.pairs:g} of all): mend the set or "
            "raise ImportLimits.pairs (--duplicate-limit)"
        )
    if real is None or tally.memorised is None:
        return
    again = total(tally.memorised)
    if again > limits.memorised * count:
        who = (
            f"these are the real images themselves: {again:,}"
            if again == tally.count
            else f"{again:,}"
        )
        raise ValueError(
            f"{path}: {who} of {seen} images are copies of {real.name} "
            f"({in_words(tally.memorised)}), a share of more than {limits.memorised:g}: mend the "
            "set or raise ImportLimits.memorised (--memorised-limit)"
        )


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

"""A reader's own images: read, checked, brought to one size, and without their copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.advice.distinct import distinct, of_two_classes, without_copies_of
from adainf_core.data.copies import Copies
from adainf_core.data.generated import GeneratedImages, generated_images
from adainf_core.data.images import ImageSet
from adainf_core.data.labelled_pairs import class_of, paired_labels
from adainf_core.data.named_sets import LOADERS, named_or_own
from adainf_core.data.sources import ARCHIVES
from adainf_core.notebook import card
from adainf_core.validation import IntArray, as_choice, as_path

_HELD_OUT = 4  # one labelled image in four, where no test images are named


@dataclass(frozen=True, eq=False)
class OwnImages:
    """Images to decide about, all of one size: `real` ones to train on and `generated` ones.

    `labelled` and `test` are what probes learn from and are tested on, None where nothing is
    labelled; `test_kept` says that `test` was held out of the labelled images, and of `real` where
    they are the same. All but `test` are distinct: `copies` says of "real", "generated" and
    "labelled" images, where these are others, which were copies and left out, and `test_copied` how
    many test images were left out since they repeat labelled ones. `two_classes` counts by the same
    words, "test" among them, the images that are copies of one of another class. `new` are the
    places of the generated images that repeat no real one. `digest` names the pixels of all.
    """

    real: ImageSet
    generated: ImageSet
    labelled: ImageSet | None
    test: ImageSet | None
    test_kept: bool
    copies: dict[str, Copies]
    test_copied: int
    two_classes: dict[str, int]
    new: IntArray
    digest: str

    def _repr_html_(self) -> str:
        sides = {"real": self.real, "generated": self.generated, "labelled": self.labelled,
                 "test": self.test}  # fmt: skip
        shown = {name: side._repr_html_() for name, side in sides.items() if side is not None}
        return card("Images to decide about", [", ".join(shown)], *shown.values())


def own_images(
    real: str | Path,
    generated: str | Path,
    labelled: str | Path | None = None,
    test: str | Path | None = None,
    root: str | Path | None = None,
    *,
    real_labels: bool = True,
) -> OwnImages:
    """The images of a comparison, read and checked.

    `real`, `labelled` and `test` are names or paths as `named_or_own` takes them, `generated` a
    store, an npz archive or a folder. All come to the generated images' size. Probes learn from
    `labelled`, or else from `real` where that has labels. Without `test` a named set's test images
    are taken, else a quarter of each class of the labelled ones, the same every time, is held out.
    With `real_labels` False nothing is made of labels that `real` has. Copies are left out first,
    so that none is on both sides, and test images that repeat labelled ones. The last two sets that
    were asked for are kept in memory. Raises ValueError for real images that would be enlarged,
    colours that fit in reversed order, labels that a probe cannot learn from or be tested on
    (classes are matched by name where both sides name them, `labelled_pairs`), a set of nothing but
    copies of one image, and test images that all repeat labelled ones.
    """
    return _read(
        **as_text(real, generated, labelled, test, root),
        real_labels=as_choice(real_labels, "real_labels", (True, False)),
    )


def as_text(*given: Any) -> dict[str, Any]:
    """The arguments of `own_images` as strings, by name."""
    named = dict(zip(("real", "generated", "labelled", "test", "root"), given, strict=True))
    return {
        name: value
        if isinstance(value, str) or (value is None and name not in ("real", "generated"))
        else str(as_path(value, name))
        for name, value in named.items()
    }


@lru_cache(maxsize=2)
def _read(
    real: str,
    generated: str,
    labelled: str | None,
    test: str | None,
    root: str | None,
    real_labels: bool,
) -> OwnImages:
    made = _generated(generated)
    height, width = made.images.shape[2:]
    if height != width:
        raise ValueError(f"{generated}: images are {height}x{width}, not square: import them anew")
    trained = _sized(real, "train", height, root)
    if not real_labels:
        trained = ImageSet(trained.images, None, trained.name)
    _check_colours(made, trained)
    copies: dict[str, Copies] = {}
    two_classes = {"real": of_two_classes(trained)}
    trained, copies["real"] = distinct(trained)
    made, copies["generated"] = distinct(made)
    new = without_copies_of(trained, made)
    known = trained if trained.labels is not None else None
    if labelled is not None:
        known = _sized(labelled, "train", height, root)
        if known.labels is None:
            raise ValueError(f"{labelled} has no labels: a folder has one sub-folder a class")
        two_classes["labelled"] = of_two_classes(known)
        known, copies["labelled"] = distinct(known)
    named = labelled if labelled is not None else real
    held, kept, copied = None, False, 0
    if test is not None:
        held = _sized(test, "test", height, root)
    elif known is not None and named in LOADERS:
        held = _sized(named, "test", height, root)
    elif known is not None:
        rest, chosen = _held_out(known)
        held, kept = known.subset(chosen, f"{known.name}-held-out"), True
        if known is trained:
            trained = trained.subset(rest)
        known = known.subset(rest)
    if held is not None:
        _check_labels(known, held)
        assert known is not None
        if not kept:
            two_classes["test"] = of_two_classes(known, held)
            others = without_copies_of(known, held)
            if not len(others):
                raise ValueError(
                    f"{held.name}: all {len(held):,} images are copies of images of {known.name}: "
                    "name others to test on"
                )
            copied = len(held) - len(others)
            held = held.subset(others) if copied else held
    sets = [part for part in (trained, made, known, held) if part is not None]
    digest = "-".join(part._digest()[:12] for part in sets)
    return OwnImages(trained, made, known, held, kept, copies, copied, two_classes, new, digest)


def _generated(path: str) -> ImageSet:
    if Path(path).is_file() and Path(path).suffix not in ARCHIVES:
        raise ValueError(f"{path} is no store of generated images, npz archive or folder")
    return generated_images(path)


def _sized(name: str, split: str, size: int, root: str | None) -> ImageSet:
    """The images at `size` pixels a side, never enlarged."""
    try:
        images = named_or_own(name, split, None, root)
    except ValueError:
        if not Path(name).is_dir():
            raise
        return named_or_own(name, split, size, root)  # files of several sizes
    smallest = min(images.images.shape[2:])
    if smallest < size:
        raise ValueError(
            f"{name}: images of {smallest} pixels would be enlarged to the generated ones' {size}: "
            f"import the generated ones at --size {smallest}"
        )
    return images.resized(size)


def _check_colours(generated: ImageSet, real: ImageSet) -> None:
    from adainf_core.data.colour_order import fitting_order

    if isinstance(generated, GeneratedImages):
        generated.check_against(real)
    elif fitting_order(real, generated.images).verdict == "bgr":
        raise ValueError(
            f"{generated.name}: the colours fit {real.name} with red and blue swapped: import with "
            "adainf generate import --channel-order bgr"
        )


def _held_out(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the images that stay and of those held out, a quarter of each class."""
    assert images.labels is not None
    rng = np.random.default_rng(0)
    chosen = []
    for label in np.unique(images.labels):
        rows = rng.permutation(np.flatnonzero(images.labels == label))
        if len(rows) < 3:
            raise ValueError(
                f"{images.name}: {class_of(images, label)} has {len(rows)} images: a probe "
                "needs two to learn from beside one to be tested on; label more or name --test "
                "images"
            )
        chosen.append(rows[: max(1, len(rows) // _HELD_OUT)])
    held = np.sort(np.concatenate(chosen))
    return np.setdiff1d(np.arange(len(images)), held), held


def _check_labels(known: ImageSet | None, held: ImageSet) -> None:
    """ValueError, before anything is trained, for what a probe would refuse."""
    if known is None or known.labels is None:
        raise ValueError(f"{held.name} is to be tested on, but nothing is labelled to learn from")
    if held.labels is None:
        raise ValueError(f"{held.name} has no labels: there is nothing to test")
    counts = np.bincount(paired_labels(known, held)[0])
    if counts.min() < 2:
        label = np.unique(known.labels)[counts.argmin()]
        raise ValueError(
            f"{known.name}: {class_of(known, label)} has a single image: a probe needs two or more"
        )

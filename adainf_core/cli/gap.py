"""`adainf gap`: how far generated images are from real ones."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import DATASET, SEED, add_root, claimed, count, pixels, seed, share
from adainf_core.cli.image_sets import at_size, check_named, check_split, sized_set
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.gap.checks import Files
    from adainf_core.gap.report import GapReport

HELP = "how far generated images are from real ones"


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure the gap between real and generated images, print the table and what it says in "
        "sentences, and write a page with pictures. Each figure stands beside real against real."
    )
    parser.set_defaults(run=_gap)
    parser.add_argument("real", help=f"the generator's training images: {DATASET}")
    parser.add_argument("generated", help="a store of generated images, an npz or a folder")
    parser.add_argument("--held-out", help="real images the generator has not seen")
    parser.add_argument(
        "--split", default="train", help="of a named real set, or folder of train, test"
    )
    parser.add_argument("--held-out-split", default="test", help="of a named held-out set")
    parser.add_argument(
        "--extractor",
        default="random_convolution",
        help="pixels, random_convolution, efficientnet_lite0, resnet20:PATH, ssl_encoder:PATH or "
        "inception:PATH",
    )
    parser.add_argument(
        "--size", type=pixels, help="side in pixels to bring all to; default: GENERATED's"
    )
    parser.add_argument("--n", type=count(), default=10_000, help="images of either side at most")
    parser.add_argument("--confidence", type=share, default=0.95, help="of the intervals")
    parser.add_argument("--seed", type=seed, default=0, help=SEED)
    parser.add_argument(
        "--keep-copies",
        action="store_true",
        help="measure copies too: only for independent draws of what repeats itself",
    )
    parser.add_argument(
        "--html",
        type=Path,
        help="page to write; default: gap-GENERATED-vs-REAL.html here, named after both sets",
    )
    parser.add_argument("--json", type=Path, help="file for sentences, checks and numbers")
    add_root(parser)


def _gap(options: argparse.Namespace) -> None:
    check_named(REAL=options.real)
    check_split(options.real, options.split)
    if options.held_out is not None:
        check_named(held_out=options.held_out)
        check_split(options.held_out, options.held_out_split, "--held-out-split", "test")
    if options.html is None:
        options.html = Path(page_name(options.real, options.split, options.generated))
    with (
        claimed(
            options.real,
            options.generated,
            options.held_out,
            html=(options.html, "file"),
            json=(options.json, "file"),
        ),
        telling_what_stays(lambda: "nothing was written"),
    ):
        report = _measured(options)
        # before anything is shown: a terminal that fails loses nothing
        report.write_html(options.html)
        if options.json is not None:
            _write_json(report, options.json)
    print(report.table())
    print(options.html)


def _measured(options: argparse.Namespace) -> GapReport:
    from adainf_core.data.generated import generated_caveats, generated_images
    from adainf_core.data.images import ImageSet
    from adainf_core.gap.extractors import named_extractor
    from adainf_core.gap.report import gap_report

    extractor = named_extractor(options.extractor)
    generated = generated_images(options.generated)
    size = _common_size(options.size, generated)
    real, before = _real(options.real, options.split, size, options.root)
    held_out = None
    if options.held_out is not None:
        held_out, _ = _real(options.held_out, options.held_out_split, size, options.root)
    # files of a folder are resized as they are read: the generated images then in the same way
    resize = ImageSet.resized if Path(options.real).is_dir() else at_size
    return gap_report(
        real,
        resize(generated, size),
        extractor,
        held_out=held_out,
        n=options.n,
        confidence=options.confidence,
        seed=options.seed,
        keep_copies=options.keep_copies,
        files={
            "real": _files(options.real, options.split, before),
            "generated": _files(options.generated, "train", generated),
        },
        caveats=generated_caveats(options.generated),
    )


def page_name(real: str, split: str, generated: str, word: str = "gap") -> str:
    """The name of the command's page about these sets, and about no others."""
    whose = real if split == "train" else f"{real}+{split}"
    return f"{word}-{_slug(generated)}-vs-{_slug(whose)}.html"


def _slug(name: str) -> str:
    """A set's name, or its path from here, as part of a file's name; no two have the same."""
    place = Path(os.path.relpath(name))
    if len(place.parts) <= 3 and ".." not in place.parts and place.name:
        return "+".join(place.parts)
    whole = os.path.abspath(name)
    mark = hashlib.blake2b(whole.encode(), digest_size=4).hexdigest()
    return f"{Path(whole).name[:80]}+{mark}"


def _write_json(report: GapReport, path: Path) -> None:
    from adainf_core.files import atomic_file

    with atomic_file(path) as file:
        file.write((json.dumps(report.as_plain(), indent=1, allow_nan=False) + "\n").encode())


def _files(name: str, split: str, images: ImageSet) -> Files:
    """What a set's files are, before they are brought to one size."""
    from adainf_core.data.folder_files import split_folder
    from adainf_core.gap.checks import Files

    path = Path(name)
    if not path.is_dir() or (path / "meta.json").is_file():
        return Files.of(images)
    return Files.in_folder(split_folder(path, split))


def _common_size(asked: int | None, generated: ImageSet) -> int:
    """The side at which both are compared: the generated images' own unless a smaller is asked."""
    height, width = generated.images.shape[2:]
    if asked is None and height != width:
        raise ValueError(f"{generated.name} has images of {height}x{width}: name a square --size")
    size = height if asked is None else asked
    _refuse_enlarging(generated, size)
    return size


def _real(name: str, split: str, size: int, root: str | None) -> tuple[ImageSet, ImageSet]:
    """The real images at the size, and as they were read."""
    if Path(name).is_dir():  # each file is brought to the size as it is read
        images = sized_set(name, size, root, split)
        return images, images
    images = sized_set(name, None, root, split)
    _refuse_enlarging(images, size)
    return at_size(images, size), images


def _refuse_enlarging(images: ImageSet, size: int) -> None:
    """Enlarged images have no fine detail: that would be measured as a gap."""
    height, width = images.images.shape[2:]
    if size > min(height, width):
        raise ValueError(
            f"{images.name} has images of {height}x{width} pixels, which would be enlarged to "
            f"{size}x{size}: compare at --size {min(height, width)} or less"
        )

"""`adainf gap`: how far generated images are from real ones."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import (
    DATASET,
    SEED,
    add_root,
    at_size,
    check_named,
    check_split,
    claimed,
    count,
    pixels,
    seed,
    share,
    sized_set,
)
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.gap.estimate import GapEstimate
    from adainf_core.gap.report import GapReport

HELP = "how far generated images are from real ones"


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure the gap between real and generated images, print the table and write a page with "
        "pictures. Each figure stands beside real against real."
    )
    parser.set_defaults(run=_gap)
    parser.add_argument("real", help=f"the generator's training images: {DATASET}")
    parser.add_argument("generated", help="a store of generated images, an npz or a folder")
    parser.add_argument("--held-out", default=None, help="real images the generator has not seen")
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
        "--size",
        type=pixels,
        default=None,
        help="side in pixels to bring all to; default: GENERATED's",
    )
    parser.add_argument("--n", type=count(), default=10_000, help="images of either side at most")
    parser.add_argument("--confidence", type=share, default=0.95, help="of the intervals")
    parser.add_argument("--seed", type=seed, default=0, help=SEED)
    parser.add_argument(
        "--keep-copies",
        action="store_true",
        help="measure copies too: only for independent draws of what repeats itself",
    )
    parser.add_argument("--html", type=Path, default=Path("gap.html"), help="page to write")
    parser.add_argument("--json", type=Path, default=None, help="file for the table's numbers")
    add_root(parser)


def _gap(options: argparse.Namespace) -> None:
    check_split(options.real, options.split)
    if options.held_out is not None:
        check_named(held_out=options.held_out)
        check_split(options.held_out, options.held_out_split, "--held-out-split", "test")
    with (
        claimed(html=(options.html, "file"), json=(options.json, "file")),
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
    from adainf_core.data.generated import generated_images
    from adainf_core.data.images import ImageSet
    from adainf_core.gap.extractors import named_extractor
    from adainf_core.gap.report import gap_report

    extractor = named_extractor(options.extractor)
    generated = generated_images(options.generated)
    size = _common_size(options.size, generated)
    real = _real(options.real, options.split, size, options.root)
    held_out = None
    if options.held_out is not None:
        held_out = _real(options.held_out, options.held_out_split, size, options.root)
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
    )


def _write_json(report: GapReport, path: Path) -> None:
    """The rows of the table with what they were measured on, as JSON; null where not finite."""
    from adainf_core.files import atomic_file

    def plain(found: GapEstimate | None) -> dict[str, float | None] | None:
        if found is None:
            return None
        ends = {name: getattr(found, name) for name in ("value", "low", "high")}
        values = {name: v if math.isfinite(v) else None for name, v in ends.items()}
        return values | {"n_real": found.n_real, "n_generated": found.n_generated}

    content = {
        "real": report.real.name,
        "generated": report.generated.name,
        "extractor": report.extractor,
        "real_against_real": report.mirror,
        "confidence": report.confidence,
        "seed": report.seed,
        "repeated": report.repeated,
        "notes": report.notes,
        "rows": [
            {
                "measure": row.measure,
                "features": row.features,
                "generated": plain(row.found),
                "real_against_real": plain(row.mirrored),
            }
            for row in report.rows
        ],
    }
    with atomic_file(path) as file:
        file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def _common_size(asked: int | None, generated: ImageSet) -> int:
    """The side at which both are compared: the generated images' own unless a smaller is asked."""
    height, width = generated.images.shape[2:]
    if asked is None and height != width:
        raise ValueError(f"{generated.name} has images of {height}x{width}: name a square --size")
    size = height if asked is None else asked
    _refuse_enlarging(generated, size)
    return size


def _real(name: str, split: str, size: int, root: str | None) -> ImageSet:
    if Path(name).is_dir():  # each file is brought to the size as it is read
        return sized_set(name, size, root, split)
    images = sized_set(name, None, root, split)
    _refuse_enlarging(images, size)
    return at_size(images, size)


def _refuse_enlarging(images: ImageSet, size: int) -> None:
    """Enlarged images have no fine detail: that would be measured as a gap."""
    height, width = images.images.shape[2:]
    if size > min(height, width):
        raise ValueError(
            f"{images.name} has images of {height}x{width} pixels, which would be enlarged to "
            f"{size}x{size}: compare at --size {min(height, width)} or less"
        )

"""`adainf gap`: how far generated images are from real ones."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import DATASET, add_root

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet

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
    parser.add_argument("--split", default="train", help="of a named real set")
    parser.add_argument("--held-out-split", default="test", help="of a named held-out set")
    parser.add_argument(
        "--extractor",
        default="random_convolution",
        help="pixels, random_convolution, efficientnet_lite0, resnet20:PATH, ssl_encoder:PATH or "
        "inception:PATH",
    )
    parser.add_argument("--size", type=int, default=None, help="side in pixels to bring all to")
    parser.add_argument("--n", type=int, default=10_000, help="images of either side at most")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--html", type=Path, default=Path("gap.html"), help="page to write")
    add_root(parser)


def _gap(options: argparse.Namespace) -> None:
    from adainf_core.data.named_sets import named_or_own
    from adainf_core.gap.extractors import named_extractor
    from adainf_core.gap.report import gap_report

    extractor = named_extractor(options.extractor)
    real = named_or_own(options.real, options.split, options.size, options.root)
    size = options.size or real.image_size
    held_out = None
    if options.held_out is not None:
        held_out = named_or_own(options.held_out, options.held_out_split, size, options.root)
    report = gap_report(
        real,
        _generated(options.generated, size),
        extractor,
        held_out=held_out,
        n=options.n,
        confidence=options.confidence,
        seed=options.seed,
    )
    print(report.table())
    print(report.write_html(options.html))


def _generated(path: str, size: int) -> ImageSet:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.images import ImageSet

    if (Path(path) / "meta.json").is_file():
        return GeneratedImages.open(path).resized(size)
    found = ImageSet.from_folder(path) if Path(path).is_dir() else ImageSet.from_npz(path)
    return found.resized(size)

"""`adainf gap`: how far generated images are from real ones."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import DATASET, add_root, at_size, sized_set

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
        type=int,
        default=None,
        help="side in pixels to bring all to; default: GENERATED's",
    )
    parser.add_argument("--n", type=int, default=10_000, help="images of either side at most")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--html", type=Path, default=Path("gap.html"), help="page to write")
    add_root(parser)


def _gap(options: argparse.Namespace) -> None:
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
    report = gap_report(
        real,
        resize(generated, size),
        extractor,
        held_out=held_out,
        n=options.n,
        confidence=options.confidence,
        seed=options.seed,
    )
    print(report.table())
    print(report.write_html(options.html))


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

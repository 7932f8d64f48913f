"""`adainf generate`: generated images, from wherever they come.

Each action is a function that adds itself and its options, and one that runs it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from adainf_core.cli.common import add_action, add_root, describe

HELP = "generated images: check and keep"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    _add_import(actions)


# ---- import


def _add_import(actions: Any) -> None:
    keep = add_action(actions, "import", _import, "check generated images and keep a store")
    keep.add_argument("source", type=Path, help="an npz archive or a folder of image files")
    keep.add_argument("--store", type=Path, default=None, help="folder to make")
    keep.add_argument("--real", default=None, help="training images to compare with")
    keep.add_argument("--size", type=int, default=None, help="side in pixels (folders)")
    keep.add_argument(
        "--channel-order", default="auto", help="bgr reverses, as_is keeps; default: auto, checked"
    )
    add_root(keep)


def _import(options: argparse.Namespace) -> None:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.named_sets import named_or_own

    real = None if options.real is None else named_or_own(options.real, "train", root=options.root)
    rest = {"real": real, "store": options.store, "channel_order": options.channel_order}
    if options.source.is_dir():
        found = GeneratedImages.from_folder(options.source, options.size, **rest)
    elif options.size is not None:
        raise ValueError(f"--size {options.size} resizes folders of files, not {options.source}")
    else:
        found = GeneratedImages.from_npz(options.source, **rest)
    describe(found)
    print(f"store        {found.path}")

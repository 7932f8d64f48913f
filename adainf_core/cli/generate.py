"""`adainf generate`: generated images, from wherever they come.

Each action is a function that adds itself and its options, and one that runs it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from adainf_core.cli.common import add_action, add_root, describe, shown_set

HELP = "generated images: import, show"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    _add_import(actions)
    _add_show(actions)


# ---- import


def _add_import(actions: Any) -> None:
    keep = add_action(actions, "import", _import, "check generated images and keep a store")
    keep.add_argument("source", type=Path, help="an npz archive or a folder of image files")
    keep.add_argument("--store", type=Path, default=None, help="folder to make")
    keep.add_argument("--real", default=None, help="training images to compare with")
    keep.add_argument("--size", type=int, default=None, help="side in pixels (folders)")
    keep.add_argument(
        "--skip-broken", action="store_true", help="leave out files that cannot be read (folders)"
    )
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
        found = GeneratedImages.from_folder(
            options.source, options.size, skip_broken=options.skip_broken, **rest
        )
    elif options.size is not None:
        raise ValueError(f"--size {options.size} resizes folders of files, not {options.source}")
    elif options.skip_broken:
        raise ValueError(f"--skip-broken is for folders of files, not {options.source}")
    else:
        found = GeneratedImages.from_npz(options.source, **rest)
    describe(found)
    print(f"store        {found.path}")


# ---- show


def _add_show(actions: Any) -> None:
    show = add_action(actions, "show", _show, "what is in a store, and a contact sheet of it")
    show.add_argument("name", help="a store of generated images, an npz, a folder or a name")
    show.add_argument("--out", type=Path, default=None, help="PNG to write; default: NAME.png")
    show.add_argument("--count", type=int, default=100, help="images on it")
    show.add_argument("--columns", type=int, default=10)
    show.add_argument("--scale", type=int, default=None, help="side of a pixel")
    show.add_argument("--seed", type=int, default=None, help="a random choice, not the first")
    show.add_argument("--split", default="train")
    add_root(show)


def _show(options: argparse.Namespace) -> None:
    from adainf_core.data.contact_sheet import contact_sheet
    from adainf_core.files import whole_file

    images = shown_set(options.name, options.split, options.root)
    sheet = contact_sheet(
        images, options.count, options.columns, scale=options.scale, seed=options.seed
    )
    path = options.out or Path(f"{options.name}.png")
    with whole_file(path) as file:
        sheet.save(file, format="PNG")
    print(f"{'sheet':12} {path}")

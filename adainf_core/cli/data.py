"""`adainf data`: the image sets there are, and what is in one."""

from __future__ import annotations

import argparse

from adainf_core.cli.common import SPLIT, add_action, add_root, pixels
from adainf_core.cli.image_sets import (
    describe,
    describe_source,
    show_copies,
    shown_set,
    sized_set,
    source_at,
)

HELP = "image sets: list, show"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    add_action(actions, "list", _list_data, "the image sets that have a name")
    show = add_action(
        actions, "show", _show_data, "what is in a set, or in a store of generated images"
    )
    show.add_argument("name", help="a name, a store of generated images, an npz or a folder")
    show.add_argument("--split", default="train", help=SPLIT)
    show.add_argument(
        "--size", type=pixels, help="side in pixels to bring images to; default: as they are"
    )
    show.add_argument(
        "--near-copies",
        action="store_true",
        default=None,
        help="search copies saved anew or moved by a pixel also where images are many, which takes "
        "time, or smaller than 32 pixels, where images alike pass for copies",
    )
    add_root(show)


def _list_data(options: argparse.Namespace) -> None:
    from adainf_core.data.named_sets import LOADERS, SPLITS

    for name in sorted(LOADERS):
        print(f"{name:16} {', '.join(SPLITS.get(name, ('train', 'test')))}")


def _show_data(options: argparse.Namespace) -> None:
    from adainf_core.data.known_copies import known_copies

    near = options.near_copies
    source = source_at(options.name, options.split, options.size)
    if source is not None:
        describe_source(source, near)
        return
    if options.size is None:
        images = shown_set(options.name, options.split, options.root)
    else:
        images = sized_set(options.name, options.size, options.root, options.split)
        describe(images)
    show_copies(known_copies(images, near=near), images)

"""`adainf generate vary` and `pair`: generated images that belong to a real one each."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli.common import (
    DATASET,
    MAX_SECONDS,
    SEED,
    add_action,
    add_root,
    claimed,
    count,
    pixels,
    seconds,
    seed,
    share_or_all,
)
from adainf_core.cli.image_sets import check_named, describe, kept_of, sized_set
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.generators.variations import Mix, SDEdit

_REAL = f"the real images: {DATASET}"
_SIZE = "side in pixels to bring REAL to; default: as it is"


def add_vary(actions: Any) -> None:
    """The action `vary`."""
    vary = add_action(
        actions, "vary", _vary, "fill a store with a diffusion model's variations of real images",
        arguments="model real",
    )  # fmt: skip
    vary.add_argument("model", help="shipped, a folder made by train, or on the hub")
    vary.add_argument("real", help=_REAL)
    _add_common(vary, "variations of each real image")
    vary.add_argument(
        "--way",
        choices=("sdedit", "mix"),
        default="sdedit",
        help="noise the image and denoise it, or mix it into a sample in the network's middle",
    )
    vary.add_argument(
        "--strength",
        type=share_or_all,
        help="of sdedit: how far up the noise, from 0 (the image) to 1 (a sample); default: 0.5",
    )
    vary.add_argument(
        "--weight",
        type=share_or_all,
        help="of mix: the image's, from 0 (a sample) to 1; default: 0.9",
    )
    vary.add_argument("--seed", type=seed, default=0, help=SEED)
    vary.add_argument("--max-seconds", type=seconds, default=float("inf"), help=MAX_SECONDS)
    vary.add_argument("settings", nargs="*", help="of the sampler, ddim, such as steps=10")
    add_root(vary)


def add_pair(actions: Any) -> None:
    """The action `pair`."""
    pair = add_action(
        actions, "pair", _pair, "fill a store with the generated images nearest to each real one",
        arguments="generated real",
    )  # fmt: skip
    pair.add_argument("generated", help="a store of generated images, an npz or a folder")
    pair.add_argument("real", help=_REAL)
    _add_common(pair, "generated images for each real one")
    pair.add_argument(
        "--extractor",
        default="random_convolution",
        help="of the features they are near in: pixels, random_convolution or ssl_encoder:PATH",
    )
    add_root(pair)


def _add_common(action: argparse.ArgumentParser, of: str) -> None:
    action.add_argument("--k", type=count(), default=8, help=of)
    action.add_argument("--store", type=Path, required=True, help="folder to make, or to continue")
    action.add_argument("--size", type=pixels, help=_SIZE)


def _vary(options: argparse.Namespace) -> None:
    from adainf_core.cli.sampling import loaded_model
    from adainf_core.configuration import override
    from adainf_core.generators.diffusion_config import Sampler
    from adainf_core.generators.variations import check_sampler, vary_to_store

    way = _way(options)
    sampler = override(Sampler("ddim"), options.settings)
    check_sampler(sampler)
    check_named(REAL=options.real)
    with claimed(store=(options.store, "shared folder")):  # its images have a lock of their own
        generator = loaded_model(options.model, sampler)
        real = sized_set(options.real, options.size, options.root)
        planned = len(real) * options.k
        with telling_what_stays(lambda: kept_of(options.store, planned)):
            store = vary_to_store(
                generator,
                real,
                options.store,
                options.k,
                way,
                options.seed,
                progress=True,
                max_seconds=options.max_seconds,
            )
    _describe(store)


def _way(options: argparse.Namespace) -> SDEdit | Mix:
    """The way to vary, its dial set; ValueError for the dial of the other one."""
    from adainf_core.generators.variations import WAYS

    dials = {"sdedit": "strength", "mix": "weight"}
    for way, dial in dials.items():
        value = getattr(options, dial)
        if way != options.way and value is not None:
            raise ValueError(
                f"--{dial} {value:g} is of --way {way}, not {options.way}: leave it out, or choose "
                f"--way {way}"
            )
    dial = dials[options.way]
    value = getattr(options, dial)
    chosen = WAYS[options.way]
    return chosen if value is None else replace(chosen, **{dial: value})


def _pair(options: argparse.Namespace) -> None:
    from adainf_core.data.generated import generated_images
    from adainf_core.gap.extractors import LABEL_FREE, named_extractor
    from adainf_core.gap.pairing import neighbours_to_store

    if options.extractor.partition(":")[0] not in LABEL_FREE:
        raise ValueError(
            f"--extractor {options.extractor}: pairs are made without labels: choose pixels, "
            "random_convolution or ssl_encoder:PATH"
        )
    check_named(REAL=options.real)
    with (
        claimed(options.generated, store=(options.store, "shared folder")),
        telling_what_stays(lambda: "nothing is kept"),
    ):
        extractor = named_extractor(options.extractor)
        generated = generated_images(options.generated)
        real = sized_set(options.real, options.size, options.root)
        pairs = neighbours_to_store(generated, real, options.store, options.k, extractor)
    assert pairs.store is not None  # as it was filled
    _describe(pairs.store)


def _describe(store: GeneratedImages) -> None:
    from adainf_core.data.paired import PairedImages

    describe(store)
    if store.complete:
        print(f"{'pairs':12} {PairedImages.open(store.path).describe()}")
    print(f"{'store':12} {store.path}")

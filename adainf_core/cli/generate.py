"""`adainf generate`: generated images, from wherever they come.

Each action is a function that adds itself and its options, and one that runs it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli import pairing
from adainf_core.cli.common import (
    DATASET,
    MAX_SECONDS,
    SEED,
    SPLIT,
    add_action,
    add_on,
    add_root,
    claimed,
    cluster_of,
    count,
    kept_in,
    pixels,
    seconds,
    seed,
    share,
    share_or_all,
)
from adainf_core.cli.image_sets import (
    check_folder,
    check_named,
    check_room,
    describe,
    describe_passing,
    disk,
    kept_of,
    shown_set,
    sized_set,
    source_at,
)
from adainf_core.devices import machine_memory
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.growing_store import Draw
    from adainf_core.data.images import ImageSet
    from adainf_core.generators.diffusion import DiffusionGenerator
    from adainf_core.validation import IntArray

HELP = "generated images: train a generator, sample it, vary real images, import, show"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    _add_train(actions)
    _add_sample(actions)
    pairing.add_vary(actions)
    pairing.add_pair(actions)
    _add_import(actions)
    _add_show(actions)


# ---- train


def _add_train(actions: Any) -> None:
    train = add_action(actions, "train", _train, "train a diffusion model, or go on training it")
    train.add_argument("dataset", help=DATASET)
    train.add_argument("--out", type=Path, required=True, help="folder of the model to make")
    train.add_argument("--steps", type=count(), default=20_000, help="of training")
    train.add_argument("--size", type=pixels, help="side in pixels; default: as it is")
    train.add_argument("--checkpoint", type=Path, help="default: OUT.pt")
    train.add_argument("--max-seconds", type=seconds, default=float("inf"), help=MAX_SECONDS)
    train.add_argument("settings", nargs="*", help="such as batch_size=64 widths=[32,64,128]")
    add_root(train)


def _train(options: argparse.Namespace) -> None:
    checkpoint = options.checkpoint or options.out.with_name(f"{options.out.name}.pt")
    # one that is there, and of this run, is looked at, and not written
    out = None if _is_trained(options, checkpoint) else options.out
    with (
        claimed(out=(out, "new folder"), checkpoint=(checkpoint, "file")),
        telling_what_stays(lambda: kept_in(checkpoint)),
    ):
        _train_from(checkpoint, options)


def _is_trained(options: argparse.Namespace, checkpoint: Path) -> bool:
    """Whether the model is there, and the checkpoint beside it is of as many steps."""
    from adainf_core.generators.pipelines import is_model
    from adainf_core.tensor_files import read_tensors

    if not (is_model(options.out) and checkpoint.is_file()):
        return False
    found = read_tensors(checkpoint)
    return isinstance(found, dict) and found.get("step") == options.steps


def _train_from(checkpoint: Path, options: argparse.Namespace) -> None:
    from adainf_core.configuration import override
    from adainf_core.generators.diffusion_config import DiffusionConfig
    from adainf_core.generators.diffusion_training import train_diffusion

    config = override(DiffusionConfig(), options.settings)
    images = sized_set(options.dataset, options.size, options.root)
    trained = train_diffusion(
        images,
        config,
        options.steps,
        checkpoint=checkpoint,
        max_seconds=options.max_seconds,
        progress=True,
    )
    if trained.history:
        print(f"{'loss':12} {trained.history[-1]['loss']:.4f} at step {trained.steps}")
    if trained.finished:
        if options.out.exists():
            _check_same_model(trained.generator, options.out)
        else:
            trained.generator.save(options.out)
        print(f"{'model':12} {options.out}, {trained.generator.parameters:,} parameters")
    else:
        print(
            f"stopped after {trained.steps} of {options.steps} steps; the same command goes on, "
            f"--steps {trained.steps} keeps the model as it is"
        )


def _check_same_model(trained: DiffusionGenerator, out: Path) -> None:
    found = type(trained).load(out)
    if found.digest() != trained.digest():
        raise FileExistsError(
            f"{out} is there already, and another model: delete it or choose another place"
        )
    print(f"{'there':12} already, and the same")


# ---- sample


def _add_sample(actions: Any) -> None:
    sample = add_action(actions, "sample", _sample, "fill a store with a generator's images")
    sample.add_argument(
        "generator",
        help="a diffusion model (shipped, a folder made by train, or on the hub), or a name of the "
        "dial such as gaussian_mixture, which is fitted to --real",
    )
    sample.add_argument("--store", type=Path, required=True, help="folder to make, or to continue")
    sample.add_argument(
        "--count", type=count(), default=10_000, help="images that the store is to have"
    )
    sample.add_argument("--seed", type=seed, default=0, help=SEED)
    sample.add_argument("--real", default=None, help="real images to fit to, or to compare with")
    sample.add_argument(
        "--size",
        type=pixels,
        default=None,
        help="side in pixels to bring --real to; default: as it is",
    )
    sample.add_argument("--max-seconds", type=seconds, default=float("inf"), help=MAX_SECONDS)
    add_on(sample)
    sample.add_argument(
        "settings", nargs="*", help="of the sampler (steps=10 kind=ddim) or of the dial's generator"
    )
    add_root(sample)


def _sample(options: argparse.Namespace) -> None:
    fitted = _fitted(options.generator)
    if fitted and options.real is None:
        raise ValueError(f"{options.generator} is fitted to real images: name them with --real")
    check_named(real=options.real)
    with (
        claimed(store=(options.store, "shared folder")),  # its images have a lock of their own
        telling_what_stays(lambda: kept_of(options.store, options.count)),
    ):
        real = None
        if options.real is not None:
            real = sized_set(options.real, options.size, options.root)
        if fitted:
            assert real is not None  # named, so read
            store = _sample_fitted(options, real)
        else:
            store = _sample_diffusion(options, real)
    describe(store)
    print(f"store        {store.path}")


def _fitted(name: str) -> bool:
    """Whether it is a generator of the dial that is fitted to real images, and not a model."""
    from adainf_core.generators.dial import GENERATORS, Diffusion
    from adainf_core.generators.pipelines import is_model, shipped_generators

    if name not in GENERATORS:
        return False
    if is_model(name):
        raise ValueError(f"{name} is a generator of the dial, and a model here: say ./{name}")
    setting = GENERATORS[name]
    if isinstance(setting, Diffusion):
        raise ValueError(
            f"{name} is any diffusion model: name the one to sample, a folder made by train or a "
            f"shipped one ({', '.join(shipped_generators())})"
        )
    if setting.needs_held_out:
        raise ValueError(
            f"{name} hands out held-out real images, which only studies and chapters deal; choose "
            "a generator that is fitted to --real"
        )
    return True


def _sample_diffusion(options: argparse.Namespace, real: ImageSet | None) -> GeneratedImages:
    from adainf_core.cli.sampling import loaded_model
    from adainf_core.configuration import override
    from adainf_core.generators.diffusion import sample_to_store
    from adainf_core.generators.diffusion_config import Sampler

    sampler = override(Sampler(), options.settings)
    generator = loaded_model(options.generator, sampler)
    with _drawn_on(
        options,
        "model_images",
        (generator.digest(),) if options.on else (),
        sampler.batch_size,
    ) as draw:
        return sample_to_store(
            generator,
            options.store,
            options.count,
            options.seed,
            draw=draw,
            real=real,
            progress=True,
            max_seconds=options.max_seconds,
        )


def _sample_fitted(options: argparse.Namespace, real: ImageSet) -> GeneratedImages:
    from adainf_core.configuration import override, to_plain
    from adainf_core.data.growing_store import grown_store
    from adainf_core.generators.dial import GENERATORS, make_generator
    from adainf_core.generators.generator import BLOCK, Blockwise

    setting = override(GENERATORS[options.generator], options.settings)
    generator = make_generator(setting, real, seed=options.seed)
    assert isinstance(generator, Blockwise)  # as all that are fitted are
    fitted_to = {"name": real.name, "digest": real._digest()}
    what = options.real, options.size, options.root, fitted_to["digest"]
    with _drawn_on(options, "fitted_images", what, BLOCK) as draw:
        return grown_store(
            options.store,
            draw or partial(generator.draw, seed=options.seed),
            options.count,
            (3, *real.images.shape[2:]),
            origin={"generator": to_plain(setting), "fitted_to": fitted_to, "seed": options.seed},
            block=BLOCK,
            real=real,
            progress=True,
            max_seconds=options.max_seconds,
        )


@contextmanager
def _drawn_on(
    options: argparse.Namespace, function: str, what: tuple[Any, ...], block: int
) -> Iterator[Draw | None]:
    """What draws blocks on the cluster of --on, by a function of `cli.sampling`; None without."""
    from adainf_core.cli.sampling import drawn_on, named_there

    with cluster_of(options) as cluster:
        if cluster is None:
            yield None
            return
        names = (named_there(part) if isinstance(part, str) else part for part in what)
        job = named_there(options.generator), options.settings, *names, options.seed
        with drawn_on(cluster, function, job, options.count, block) as draw:
            yield draw


# ---- import


def _add_import(actions: Any) -> None:
    keep = add_action(actions, "import", _import, "check generated images and keep a store")
    keep.add_argument(
        "source", type=Path, help="an npz archive, an npy file or a folder of image files"
    )
    keep.add_argument(
        "--store", type=Path, help="folder to make; default: SOURCE's name.images beside it"
    )
    keep.add_argument("--real", help="training images to compare with")
    keep.add_argument(
        "--pairs",
        type=count(),
        metavar="K",
        help="they are K variations of each of --real, image by image; default: no pairs",
    )
    keep.add_argument(
        "--size", type=pixels, help="side in pixels to bring files to (folders); default: as it is"
    )
    keep.add_argument(
        "--skip-broken", action="store_true", help="leave out files that cannot be read (folders)"
    )
    keep.add_argument(
        "--convert",
        action="store_true",
        help="bring floats or other integers to 0..255, their range told by all values (archives)",
    )
    keep.add_argument(
        "--channel-order",
        choices=("auto", "bgr", "as_is"),
        default="auto",
        help="bgr reverses, as_is keeps; default: auto, checked",
    )
    keep.add_argument(
        "--limit", type=share, default=0.01, help="largest share of constant images; default: 0.01"
    )
    keep.add_argument(
        "--duplicate-limit",
        type=share_or_all,
        default=5e-6,
        help="largest share of the pairs of images that are copies of each other, of any kind; "
        "default: 5e-6, as of draws from 200,000 pictures",
    )
    keep.add_argument(
        "--memorised-limit",
        type=share_or_all,
        default=0.1,
        help="largest share of images that are copies of --real; default: 0.1",
    )
    keep.add_argument(
        "--near-copies",
        action="store_true",
        default=None,
        help="search copies saved anew or moved by a pixel also where that takes minutes, or among "
        "images of fewer than 32 pixels",
    )
    add_root(keep)


def _import(options: argparse.Namespace) -> None:
    from adainf_core.data.generated import default_store
    from adainf_core.gap.checks import preparation

    check_named(real=options.real)
    _check_import(options)
    _check_pairs(options)
    store: Path = options.store or default_store(options.source)
    # one that is there is looked at, and not written
    with (
        nullcontext() if (store / "meta.json").is_file() else claimed(store=(store, "new folder")),
        telling_what_stays(lambda: "nothing is kept"),
    ):
        found, real = _imported(options, store)
    describe(found)
    for note in preparation(real, found):
        print(f"{'note':12} {note}")
    print(f"store        {found.path}")


def _check_import(options: argparse.Namespace) -> None:
    if options.source.is_dir():
        if options.convert:
            raise ValueError(f"--convert is for archives of arrays, not {options.source}")
        check_folder(options.source, options.size, disk(options.source), "disk")
    elif options.size is not None:
        raise ValueError(f"--size {options.size} resizes folders of files, not {options.source}")
    elif options.skip_broken:
        raise ValueError(f"--skip-broken is for folders of files, not {options.source}")


def _check_pairs(options: argparse.Namespace) -> None:
    if options.pairs is None:
        return
    if options.real is None:
        raise ValueError(f"--pairs {options.pairs}: name the images that they are of with --real")
    if options.skip_broken:
        raise ValueError(
            f"--pairs {options.pairs} takes every file, in order: leave out --skip-broken, and "
            "replace what cannot be read"
        )


def _imported(options: argparse.Namespace, store: Path) -> tuple[GeneratedImages, ImageSet | None]:
    from adainf_core.data.generated import GeneratedImages, ImportLimits
    from adainf_core.data.paired import PairedImages
    from adainf_core.data.sources import ARCHIVES, npz_source

    limits = ImportLimits(options.limit, options.duplicate_limit, options.memorised_limit)
    size = options.size
    archive = {"convert": options.convert, "needs_labels": False, "pairs": options.pairs}
    if size is None and options.source.suffix in ARCHIVES and Path(options.real or "").is_dir():
        size = npz_source(options.source, **archive).shape[-1]  # real files may be of any size
    real = None if options.real is None else sized_set(options.real, size, options.root)
    rest: dict[str, Any] = {
        "real": real,
        "store": store,
        "channel_order": options.channel_order,
        "limits": limits,
        "near_copies": options.near_copies,
    }
    if options.pairs is not None:
        pairs = PairedImages.imported(
            options.source, options.pairs, size=options.size, convert=options.convert, **rest
        )
        assert pairs.store is not None  # as imported, so on disk
        return pairs.store, real
    if options.source.is_dir():
        found = GeneratedImages.from_folder(
            options.source, options.size, skip_broken=options.skip_broken, **rest
        )
    else:
        found = GeneratedImages.from_npz(options.source, convert=options.convert, **rest)
    return found, real


# ---- show


def _add_show(actions: Any) -> None:
    show = add_action(actions, "show", _show, "what is in a store, and a contact sheet of it")
    show.add_argument("name", help="a store of generated images, an npz, a folder or a name")
    show.add_argument(
        "--out",
        type=Path,
        help="PNG to write; default: NAME.png, beside a store or an archive, else here",
    )
    show.add_argument(
        "--count", type=count(), default=100, help="images on it: the first in the set's order"
    )
    show.add_argument("--columns", type=count(), default=10, help="images in a row")
    show.add_argument(
        "--scale", type=pixels, help="side of a pixel; default: so that images are seen well"
    )
    show.add_argument(
        "--seed", type=seed, help="of a random choice, in the set's order; default: the first"
    )
    show.add_argument("--split", default="train", help=SPLIT)
    add_root(show)


def _show(options: argparse.Namespace) -> None:
    from adainf_core.data.contact_sheet import contact_sheet
    from adainf_core.data.sources import Chosen
    from adainf_core.files import atomic_file

    path = _sheet_place(options.name, options.out)
    with claimed(options.name, out=(path, "file")):
        source = source_at(options.name, options.split)
        if source is None:
            images = shown_set(options.name, options.split, options.root).images
            places = _places_shown(options, images.shape)
            picked, n = images[places], len(images)
        else:  # which may be larger than memory
            chosen, n = Chosen(_places_shown(options, source.shape)), source.shape[0]
            describe_passing(source, chosen.watching)
            picked = chosen.images()
        sheet = contact_sheet(picked, len(picked), options.columns, scale=options.scale)
        with atomic_file(path) as file:
            sheet.save(file, format="PNG")
    which = "the first" if options.seed is None or len(picked) == n else "a random"
    print(f"{'sheet':12} {path}: {which} {len(picked):,} of {n:,}, row by row in the set's order")


def _places_shown(options: argparse.Namespace, shape: tuple[int, ...]) -> IntArray:
    """The places of the images to show, of a set of this `shape`; ValueError for a giant sheet."""
    from adainf_core.data.contact_sheet import shown_places

    places = shown_places(shape[0], options.count, options.seed)
    side = max(shape[2:]) * (options.scale or 1)
    check_room(options.name, len(places), side, machine_memory(), option="--scale")
    return places


def _sheet_place(name: str, out: Path | None) -> Path:
    """Where the sheet goes: never into a folder of images, which would read it as one of them."""
    from adainf_core.data.folders import is_class_tree

    shown = Path(os.path.abspath(name))
    is_store = (shown / "meta.json").is_file()
    if out is not None:
        path = out
    elif is_store or not shown.is_dir():
        path = (shown if is_store else Path(name)).with_name(f"{shown.name}.png")
    else:
        path = Path(f"{shown.name}.png")
    folder = Path(os.path.abspath(path)).parent
    within = shown.is_dir() and shown in (folder, *folder.parents)
    if within or (shown.is_dir() and folder == shown.parent and is_class_tree(folder)):
        raise ValueError(
            f"{path} would lie among the images of {folder}: name another place with --out"
        )
    return path

"""`adainf pretrain`: train an encoder, or go on training it."""

from __future__ import annotations

import argparse
import json
import shlex
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import (
    DATASET,
    MAX_SECONDS,
    add_root,
    claimed,
    duration,
    flat,
    is_first,
    kept_in,
    seconds,
)
from adainf_core.cli.image_sets import check_named, check_split
from adainf_core.cli.probed_sets import has_test_part
from adainf_core.data.folder_files import split_folder, sub_folders
from adainf_core.data.sources import npz_source
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.learning.recipes import Recipe

HELP = "train an encoder, or go on training it"


def add(parser: argparse.ArgumentParser) -> None:
    from adainf_core.learning.methods import METHODS
    from adainf_core.learning.recipes import PRESETS, SCALES

    parser.description = (
        "Train an encoder by a recipe, changed by dotted settings: that of recipe(...) in Python, "
        "by the same names, which --dry-run lists with all settings. With --checkpoint the same "
        "command goes on where it stopped; under torchrun it runs on several devices."
    )
    parser.set_defaults(run=_pretrain)
    parser.add_argument("--dataset", default="cifar10", help=DATASET)
    parser.add_argument("--method", default="simclr", help=", ".join(METHODS))
    parser.add_argument(
        "--preset",
        default="none",
        help=f"the arm of the comparison: {', '.join(PRESETS)}; all but none and weak need "
        "--generated, and adainf and reweighted weigh real images by the paper's share of draws",
    )
    parser.add_argument("--generated", help="store made by: adainf generate import")
    parser.add_argument(
        "--pairs",
        help="store of variations made by: adainf generate vary, pair or import --pairs; positives "
        "of their images, or as pretrain.generated_role says",
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="paper",
        help="paper: ResNet-18 in 100,000 steps, for a GPU; desktop: a small network in 20,000, "
        "less than an hour of one core; laptop: the same in 1,000",
    )
    parser.add_argument("--checkpoint", type=Path, help="file to write and go on from")
    parser.add_argument("--max-seconds", type=seconds, default=float("inf"), help=MAX_SECONDS)
    parser.add_argument("--tensorboard", type=Path, help="folder for the loss curve")
    parser.add_argument("--dry-run", action="store_true", help="show the run and its cost, stop")
    parser.add_argument("settings", nargs="*", help="such as pretrain.steps=1000 sampling=iid")
    add_root(parser)


def _pretrain(options: argparse.Namespace) -> None:
    with _outputs(options), telling_what_stays(lambda: kept_in(options.checkpoint)):
        _train(options)


def _outputs(options: argparse.Namespace) -> AbstractContextManager[None]:
    """The places to write to, before torch is imported; of several processes the first's."""
    if options.dry_run or not is_first():
        return nullcontext()
    return claimed(
        options.dataset,
        options.generated,
        options.pairs,
        checkpoint=(options.checkpoint, "file"),
        tensorboard=(options.tensorboard, "shared folder"),
    )


def _train(options: argparse.Namespace) -> None:
    from adainf_core.configuration import override
    from adainf_core.data.paired import PairedImages
    from adainf_core.data.store_meta import read_meta
    from adainf_core.learning.recipes import recipe

    named = recipe(
        options.dataset, options.method, options.preset, options.generated, options.scale
    )
    if options.pairs is not None:
        try:
            PairedImages.open(options.pairs)  # before anything else is read
        except (OSError, ValueError) as error:
            raise ValueError(f"--pairs {options.pairs}: {error}") from None
    chosen = override(named, [*_pairs(options), *options.settings])
    check_named(dataset=chosen.dataset)
    check_split(chosen.dataset, chosen.split, "split")
    if chosen.generated is not None:
        read_meta(Path(chosen.generated))  # before the real images, which may be many
    if options.dry_run:
        _show_run(chosen, options.root)
        return
    if options.checkpoint is None and is_first():
        print("checkpoint   none: name a --checkpoint to keep what is trained")
    trained = chosen.run(
        options.root,
        checkpoint=options.checkpoint,
        max_seconds=options.max_seconds,
        tensorboard=options.tensorboard,
        progress=True,
        tell=print,
    )
    if not is_first():
        return
    if not trained.finished:
        rest = "; the same command goes on" if trained.checkpoint else ", nothing kept"
        print(f"stopped after {trained.steps} of {chosen.pretrain.steps} steps{rest}")
        return
    print(f"loss {trained.history[-1]['loss']:.4f} after {trained.steps} steps")
    if trained.checkpoint is not None:
        print(f"checkpoint   {trained.checkpoint}")
        print(f"next         {probe_command(chosen, trained.checkpoint)}")


def _pairs(options: argparse.Namespace) -> list[str]:
    """The settings that `--pairs` stands for: as positives, unless a setting says otherwise."""
    if options.pairs is None:
        return []
    return [f"pairs={json.dumps(options.pairs)}", "pretrain.generated_role=positive"]


def probe_command(chosen: Recipe, checkpoint: Path) -> str:
    """The command that probes a run of `chosen`; words in capitals are for the reader to name."""
    path, asked = Path(chosen.dataset), dict[str, str]()
    words = ["adainf", "probe", str(checkpoint)]
    if path.exists():  # a set with a name has labels, and test images of its own
        if not _is_labelled(path, chosen.split):
            words += ["--dataset", "LABELLED"]
            asked["LABELLED"] = "labelled images"
        if asked or not has_test_part(path):
            words += ["--test", "TEST"]
            asked["TEST"] = "other labelled images"
    said = "; ".join(f"{word}: {what}" for word, what in asked.items())
    return shlex.join(words) + (f"   # {said}" if said else "")


def _is_labelled(path: Path, split: str) -> bool:
    if path.is_dir():
        return bool(sub_folders(split_folder(path, split)))
    return npz_source(path, needs_labels=False).labels is not None


def _show_run(chosen: Recipe, root: str | None) -> None:
    from adainf_core.configuration import to_plain
    from adainf_core.learning import distributed
    from adainf_core.learning.estimating import estimate

    with distributed.process_group(chosen.pretrain.device):
        with distributed.first_rank_first():
            data = chosen.data(root)
        cost = estimate(chosen.pretrain, chosen.source(data))  # takes all ranks
        if not is_first():
            return
    for key, value in flat(to_plain(chosen)):
        print(f"{key} = {value}")
    print(f"\n{chosen.describe(data)}")
    work = f"{cost.multiply_adds:,} multiply-adds an image"
    print(f"encoder      {cost.parameters:,} parameters, {work}")
    print(f"time         {duration(cost.seconds)} at {cost.seconds_per_step:.3g} s a step")
    parts = ("weights", "activations", "images")
    print(
        f"memory       {cost.memory / 2**30:.2f} GiB: "
        + ", ".join(f"{name} {getattr(cost, name) / 2**20:.0f} MiB" for name in parts)
    )

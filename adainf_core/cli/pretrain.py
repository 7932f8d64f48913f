"""`adainf pretrain`: train an encoder, or go on training it."""

from __future__ import annotations

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import (
    DATASET,
    add_root,
    check_named,
    check_split,
    claimed,
    duration,
    flat,
    kept_in,
    seconds,
)
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.data.inflation import Inflation
    from adainf_core.learning.estimating import Estimate
    from adainf_core.learning.recipes import Recipe

HELP = "train an encoder, or go on training it"


def add(parser: argparse.ArgumentParser) -> None:
    from adainf_core.learning.methods import METHODS

    parser.description = (
        "Train an encoder by an official recipe, changed by dotted settings. With --checkpoint the "
        "same command goes on where it stopped; under torchrun it runs on several devices."
    )
    parser.set_defaults(run=_pretrain)
    parser.add_argument("--dataset", default="cifar10", help=DATASET)
    parser.add_argument("--method", default="simclr", help=", ".join(METHODS))
    parser.add_argument("--preset", default="none", help="none, vanilla, adainf")
    parser.add_argument("--generated", default=None, help="store made by: adainf generate import")
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="file to write and go on from"
    )
    parser.add_argument("--max-seconds", type=seconds, default=float("inf"))
    parser.add_argument("--tensorboard", type=Path, default=None, help="folder for the loss curve")
    parser.add_argument("--dry-run", action="store_true", help="show the run and its cost, stop")
    parser.add_argument("settings", nargs="*", help="such as pretrain.steps=1000 sampling=iid")
    add_root(parser)


def _pretrain(options: argparse.Namespace) -> None:
    with (
        _outputs(options),
        telling_what_stays(lambda: kept_in(options.checkpoint)),
    ):
        _train(options)


def _outputs(options: argparse.Namespace) -> AbstractContextManager[None]:
    """The places to write to, before torch is imported; of several processes the first's."""
    if options.dry_run or os.environ.get("RANK", "0") != "0":
        return nullcontext()
    return claimed(
        checkpoint=(options.checkpoint, "file"), tensorboard=(options.tensorboard, "shared folder")
    )


def _train(options: argparse.Namespace) -> None:
    from adainf_core.configuration import override
    from adainf_core.data.store_meta import read_meta
    from adainf_core.learning import distributed
    from adainf_core.learning.estimating import estimate
    from adainf_core.learning.pretraining import pretrain
    from adainf_core.learning.recipes import recipe

    preset = recipe(options.dataset, options.method, options.preset, options.generated)
    chosen = override(preset, options.settings)
    check_named(dataset=chosen.dataset)
    check_split(chosen.dataset, chosen.split, "split")
    if chosen.generated is not None:
        read_meta(Path(chosen.generated))  # before the real images, which may be many
    with distributed.process_group(chosen.pretrain.device):
        first = distributed.rank() == 0
        with distributed.first_rank_first():
            data = chosen.data(options.root)
        if options.dry_run:
            cost = estimate(chosen.pretrain, data)  # takes all ranks
            if first:
                _show_run(chosen, data, cost)
            return
        if first:
            print(data.describe())
        trained = pretrain(
            chosen.pretrain,
            data,
            checkpoint=options.checkpoint,
            max_seconds=options.max_seconds,
            tensorboard=options.tensorboard,
            progress=True,
            made_of=made_of(chosen, options.root),
        )
        if first and trained.finished:
            print(f"loss {trained.history[-1]['loss']:.4f} after {trained.steps} steps")
        elif first:
            rest = "; the same command goes on" if trained.checkpoint else ", nothing kept"
            print(f"stopped after {trained.steps} of {chosen.pretrain.steps} steps{rest}")


def made_of(chosen: Recipe, root: str | None) -> dict[str, str | None]:
    """The names by which another command finds the run's data, wherever it is given."""
    path = Path(chosen.dataset)
    return {
        "dataset": str(path.absolute()) if path.exists() else chosen.dataset,
        "split": chosen.split,
        "root": None if root is None else str(Path(root).absolute()),
    }


def _show_run(chosen: Recipe, data: Inflation, cost: Estimate) -> None:
    from adainf_core.configuration import to_plain

    for key, value in flat(to_plain(chosen)):
        print(f"{key} = {value}")
    config = chosen.pretrain
    passes = data.exposures(config.steps, config.batch_size)
    print(f"\nmixture      {data.describe()}")
    print(f"exposures    {passes.real:.1f} a real image, {passes.generated:.1f} a generated one")
    print(f"time         {duration(cost.seconds)} at {cost.seconds_per_step:.3g} s a step")
    parts = ("weights", "activations", "images")
    print(
        f"memory       {cost.memory / 2**30:.2f} GiB: "
        + ", ".join(f"{name} {getattr(cost, name) / 2**20:.0f} MiB" for name in parts)
    )

"""What all arms of a plan share, from the options of `adainf plan`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adainf_core.cli.image_sets import check_named

if TYPE_CHECKING:
    from adainf_core.advice.own_images import OwnImages
    from adainf_core.learning.policies import AugmentationPolicy
    from adainf_core.learning.pretrain_config import PretrainConfig

#: Batches by scale: they are smaller among fewer images. Steps of an official run.
BATCH = {"laptop": 256, "paper": 512}
PAPER_STEPS = 100_000


def shared_config(options: argparse.Namespace) -> PretrainConfig:
    """What all arms share, as far as the options say; ValueError for what cannot be."""
    from adainf_core.configuration import override
    from adainf_core.learning.methods import METHODS
    from adainf_core.learning.pretrain_config import PretrainConfig
    from adainf_core.learning.recipes import Recipe, recipe

    word = "--without-labels" if options.without_labels else "--run"
    trains = options.run_now or options.without_labels
    if trains and options.seeds is not None and options.seeds < 2:
        raise ValueError(f"--seeds {options.seeds}: {word} compares arms over two seeds or more")
    check_named(REAL=options.real, labels=options.labels, test=options.test)
    for setting in options.settings:
        key = setting.partition("=")[0]
        if not key.startswith("pretrain."):
            raise ValueError(f"{setting!r}: the settings of a plan are of pretrain.…")
        if key.split(".")[1] in ("policy", "seed", "steps", "batch_size"):
            raise ValueError(f"{setting!r}: a plan sets {key} itself, see its options")
    recipe(method=options.method)  # an unknown method ends here, an unknown key below
    steps = options.steps or PAPER_STEPS
    base = PretrainConfig(
        method=METHODS[options.method](), batch_size=options.batch_size or 2, steps=steps, warmup=0
    )
    return override(Recipe(pretrain=base), options.settings).pretrain


def policies_of(method: str, own: OwnImages) -> tuple[AugmentationPolicy, AugmentationPolicy]:
    """The method's official augmentations, strong and weak, at the images' size."""
    from adainf_core.learning.methods import METHODS
    from adainf_core.learning.policies import POLICIES

    strong, weak = (
        POLICIES[name].for_image_size(own.real.image_size)
        for name in METHODS[method].official().policies
    )
    return strong, weak

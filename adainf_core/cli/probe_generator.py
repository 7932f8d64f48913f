"""`adainf probe MODEL`: the accuracy of a diffusion model's own features."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from typing import TYPE_CHECKING, Any

from adainf_core.cli.probed_sets import ProbedSets, telling
from adainf_core.generators.pipelines import is_model, shipped_generators

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.generators.unet_features import UNetFeatures


def is_generator(options: argparse.Namespace) -> bool:
    """Whether what is to be probed is a diffusion model, and not a checkpoint.

    Of what is not here, a name like "owner/model" is one on the hub where a block or noise is asked
    for: else it may be a checkpoint that is missing.
    """
    place = options.checkpoint
    if place.exists():
        return is_model(place)
    asked = (options.block, options.noise) != (None, None)
    on_hub = asked and len(place.parts) == 2 and place.suffix != ".pt"
    return on_hub or str(place) in shipped_generators()


def check_generator(options: argparse.Namespace) -> None:
    """ValueError for options that a generator, or a checkpoint, has nothing to do with."""
    if not is_generator(options):
        for name in ("block", "noise"):
            if getattr(options, name) is not None:
                raise ValueError(
                    f"--{name} {getattr(options, name)} is for diffusion models, and "
                    f"{options.checkpoint} is none: drop it, or name a model's folder"
                )
        return
    if options.dataset is None:
        raise ValueError(
            f"{options.checkpoint} is a diffusion model, which says nothing of labels: name the "
            "--dataset, labelled images to learn from"
        )
    if options.predictions is not None:
        raise ValueError(
            f"--predictions {options.predictions}: of a diffusion model none are kept, drop it"
        )
    for asked, why in (
        ("online", "has learnt no classifier"),
        ("label-free", "has no views that it was trained on"),
    ):
        if asked in (options.protocol or ()):
            raise ValueError(f"--protocol {asked}: a diffusion model {why}")


def show_generator(options: argparse.Namespace) -> None:
    """Probe the features asked for, or those that cross-validation on the labels chooses."""
    from adainf_core.data.named_sets import LOADERS, named_or_own
    from adainf_core.generators.diffusion import DiffusionGenerator
    from adainf_core.generators.unet_features import NOISES, UNetFeatures, depths_of

    generator = DiffusionGenerator.load(
        options.checkpoint if is_model(options.checkpoint) else str(options.checkpoint)
    )
    size = generator.image_shape[-1]
    blocks = depths_of(generator) if options.block is None else (options.block,)
    noises = NOISES if options.noise is None else (options.noise,)
    encoders = [UNetFeatures(generator, *each) for each in product(blocks, noises)]

    def loaded(name: str, part: str) -> ImageSet:
        return named_or_own(name, part, size, options.root)

    train = loaded(options.dataset, "train")
    test = loaded(options.test or options.dataset, "test")
    named = options.test is None and options.dataset in LOADERS
    chosen = _chosen(encoders, ProbedSets(train, test, named), options)
    print(
        f"{'features':16} block {chosen.block} of {generator.name} at noise {chosen.noise:g}, "
        f"level {chosen.level}"
    )
    _show_protocols(chosen, ProbedSets(train, test, named), options)


def _chosen(
    encoders: list[UNetFeatures], sets: ProbedSets, options: argparse.Namespace
) -> UNetFeatures:
    """The encoder whose linear probe tells most of the labels that it has not seen, of `train`."""
    if len(encoders) == 1:
        return encoders[0]
    from adainf_core.learning.probing import held_out_accuracy

    found = []
    for encoder in encoders:
        with telling(f"features of block {encoder.block} at noise {encoder.noise:g}"):
            found.append(held_out_accuracy(encoder, sets.train, cache=options.cache))
        print(
            f"{'held out':16} {100 * found[-1]:.2f} % of the training labels: block "
            f"{encoder.block}, noise {encoder.noise:g}",
            flush=True,
        )
    return encoders[found.index(max(found))]


def _show_protocols(encoder: UNetFeatures, sets: ProbedSets, options: argparse.Namespace) -> None:
    from adainf_core.cli.probe import show_probe
    from adainf_core.data.labelled_pairs import numbered_as
    from adainf_core.learning.predictions import probed
    from adainf_core.learning.pretraining import Pretrained

    name = str(options.checkpoint)
    frozen: Any = encoder  # a run's encoder is of another class, and probes ask for features alone
    trained = Pretrained(frozen, [], 0, True, sets.train.image_size, name)
    test = numbered_as(sets.train, sets.test)
    for protocol in options.protocol or ["linear", "knn"]:
        with telling(f"{protocol} probe of {name}"):
            result = probed(protocol, trained, sets.train, test, k=options.k, cache=options.cache)
        show_probe(protocol, result, result.protocol)
    print(
        f"{'note':16} the model has learnt from images of its own: where these are among them, so "
        "are copies of what is probed",
        file=sys.stderr,
    )

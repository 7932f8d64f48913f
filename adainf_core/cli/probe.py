"""`adainf probe`: the accuracy of a trained encoder's features."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli.common import DATASET, add_root, check_named, claimed

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.learning.probing import ProbeResult

HELP = "accuracy of a trained encoder's features"
_PROTOCOLS = ("linear", "linear-augmented", "knn", "knn-weighted", "online")


def add(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_probe)
    parser.add_argument("checkpoint", type=Path, help="file written by: adainf pretrain")
    parser.add_argument("--dataset", default="cifar10", help=DATASET)
    parser.add_argument("--test", default=None, help="images to test on, where --dataset is a path")
    parser.add_argument(
        "--protocol", action="append", choices=_PROTOCOLS, help="may repeat; default: linear, knn"
    )
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps features")
    add_root(parser)


def _probe(options: argparse.Namespace) -> None:
    from adainf_core.data.class_folders import check_same_classes

    if options.test is None and Path(options.dataset).exists():
        raise ValueError(f"--dataset {options.dataset} is a path: name the --test images too")
    if options.test is not None:
        check_same_classes(options.dataset, options.test)
    check_named(dataset=options.dataset, test=options.test)
    with claimed(cache=(options.cache, "shared folder")):
        _show_probes(options)


def _show_probes(options: argparse.Namespace) -> None:
    from adainf_core.data.named_sets import named_or_own
    from adainf_core.devices import chosen_device
    from adainf_core.learning.pretraining import load_pretrained

    trained = load_pretrained(options.checkpoint)
    if not trained.finished:
        print(f"the run has stopped after {trained.steps} steps", file=sys.stderr)
    trained.encoder.to(chosen_device(None))
    named = options.test is None
    train, test = (
        named_or_own(dataset, split, trained.image_size, options.root)
        for dataset, split in (
            (options.dataset, "train"),
            (options.dataset if named else options.test, "test"),
        )
    )
    for protocol in options.protocol or ["linear", "knn"]:
        result = _probed(protocol, trained, train, test, options.cache)
        error = 100 * result.standard_error
        print(f"{protocol:16} {100 * result.accuracy:.2f} % (± {error:.2f}, {result.protocol})")


def _probed(
    protocol: str, trained: Any, train: ImageSet, test: ImageSet, cache: Path | None
) -> ProbeResult:
    from adainf_core.learning import probing

    if protocol == "online":
        if trained.online_classifier is None:
            raise ValueError(
                "--protocol online: the run carried no online probe; train it with "
                "pretrain.online_learning_rate=0.1"
            )
        device = next(trained.encoder.parameters()).device
        classifier = trained.online_classifier.to(device)
        return probing.online_probe(trained.encoder, classifier, test, trained_on=trained.mixture)
    if protocol.startswith("linear"):
        augmentation = probing.PROBE_AUGMENTATION if protocol == "linear-augmented" else None
        return probing.linear_probe(
            trained.encoder, train, test, augmentation=augmentation, cache=cache
        )
    k, temperature = (10, None) if protocol == "knn" else (200, 0.1)
    return probing.knn_probe(
        trained.encoder, train, test, k=k, temperature=temperature, cache=cache
    )

"""`adainf probe`: the accuracy of a trained encoder's features."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli.common import DATASET, add_root, check_named, claimed, count

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.data.images import ImageSet
    from adainf_core.learning.probing import ProbeResult

HELP = "accuracy of a trained encoder's features"
_PROTOCOLS = ("linear", "linear-augmented", "knn", "knn-weighted", "online")


def add(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_probe)
    parser.add_argument("checkpoint", type=Path, help="file written by: adainf pretrain")
    parser.add_argument(
        "--dataset",
        default="cifar10",
        help=f"{DATASET}; online reads the classes that the run learnt as numbered here",
    )
    parser.add_argument(
        "--test",
        default=None,
        help="other images to test on, needed where --dataset is a path; classes are matched by "
        "name, or by number where neither side has names",
    )
    parser.add_argument(
        "--protocol", action="append", choices=_PROTOCOLS, help="may repeat; default: linear, knn"
    )
    parser.add_argument(
        "--k",
        type=count(),
        default=None,
        help="neighbours that vote; default: 10 (knn), 200 (knn-weighted)",
    )
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps features")
    add_root(parser)


def _probe(options: argparse.Namespace) -> None:
    if options.test is None and Path(options.dataset).exists():
        raise ValueError(f"--dataset {options.dataset} is a path: name the --test images too")
    check_named(dataset=options.dataset, test=options.test)
    with claimed(cache=(options.cache, "shared folder")):
        _show_probes(options)


def _show_probes(options: argparse.Namespace) -> None:
    from adainf_core.data.labelled_pairs import numbered_as, paired_labels
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
    paired_labels(train, test)  # what does not fit ends here, before the network is looked at
    test = numbered_as(train, test)
    new = _new_images(train, test)
    for protocol in options.protocol or ["linear", "knn"]:
        result = _probed(protocol, trained, train, test, options)
        on_new, which = result.on(new), f"on the {len(new):,} that repeat none"
        if len(new) == len(test):
            _show(protocol, result, result.protocol)
        elif named:  # the number as everyone has it
            _show(protocol, result, result.protocol)
            _show("", on_new, which)
        else:
            whole = f"{100 * result.accuracy:.2f} % on all {len(test):,}"
            _show(protocol, on_new, f"{which}; {whole}; {result.protocol}")


def _new_images(train: ImageSet, test: ImageSet) -> np.ndarray:
    """Places of the test images that repeat no training image nor an earlier test image.

    What was found is printed.
    """
    import numpy as np

    from adainf_core.data.copies import KINDS
    from adainf_core.data.known_copies import known_copies

    found = known_copies(train, test, within_first=False)
    again = found.group[len(train) :] < len(train)
    kinds = np.bincount(found.kind[len(train) :][again], minlength=len(KINDS) + 1)[1:]
    said = ", ".join(f"{kind} {n:,}" for kind, n in zip(KINDS, kinds, strict=True) if n)
    if again.all():
        raise ValueError(
            f"{test.name}: all {len(test):,} images are copies of images of {train.name} ({said}): "
            "a probe is tested on others than it learns from"
        )
    word = f"{again.sum():,}" if said else "none"
    told = f" ({said})" if said else ""
    fresh = ~again & (found.kind[len(train) :] == 0)
    doubled = (~again & ~fresh).sum()
    told += f", {doubled:,} each other" if doubled else ""
    told += "" if found.near_searched else "; near copies not searched"
    print(f"{'copies':16} {word} of {len(test):,} test images repeat training images{told}")
    return np.flatnonzero(fresh)


def _show(protocol: str, result: ProbeResult, said: str) -> None:
    error = 100 * result.standard_error
    print(f"{protocol:16} {100 * result.accuracy:.2f} % (± {error:.2f}, {said})")


def _probed(
    protocol: str, trained: Any, train: ImageSet, test: ImageSet, options: argparse.Namespace
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
            trained.encoder, train, test, augmentation=augmentation, cache=options.cache
        )
    k, temperature = (10, None) if protocol == "knn" else (200, 0.1)
    k = k if options.k is None else options.k
    return probing.knn_probe(
        trained.encoder, train, test, k=k, temperature=temperature, cache=options.cache
    )

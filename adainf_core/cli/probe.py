"""`adainf probe`: the accuracy of a trained encoder's features."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import add_root, claimed, share
from adainf_core.cli.probe_generator import check_generator, is_generator, show_generator
from adainf_core.cli.probe_scores import LABEL_FREE, show_scores
from adainf_core.cli.probed_sets import add_sets, check_sets, probed_sets, telling
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.cli.probed_sets import ProbedSets
    from adainf_core.data.copies import Copies
    from adainf_core.learning.predictions import Predictions
    from adainf_core.learning.probing import ProbeResult

HELP = "accuracy of a trained encoder's features"


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Probe a trained encoder: how much of the labels of a data set its frozen features give "
        "away. What each test image was told is kept beside the checkpoint, for adainf compare."
    )
    parser.set_defaults(run=_probe)
    parser.add_argument(
        "checkpoint",
        type=Path,
        help="file written by: adainf pretrain; or a diffusion model, by the name of one that is "
        "shipped or its folder: its network is the encoder then",
    )
    add_sets(parser)
    parser.add_argument(
        "--protocol",
        action="append",
        choices=("linear", "linear-augmented", "knn", "knn-weighted", "online", LABEL_FREE),
        help="may repeat; label-free shows scores that read no label; default: linear, knn",
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps features")
    parser.add_argument(
        "--predictions",
        type=Path,
        help="file for what each test image was told; default: CHECKPOINT's name with "
        ".predictions.npz",
    )
    parser.add_argument(
        "--block",
        help="of a diffusion model: down0, mid, up1, ...; default: of three, the best on held-out "
        "training labels",
    )
    parser.add_argument(
        "--noise",
        type=share,
        help="of a diffusion model: the images' noise, as a share of its levels; default: of three",
    )
    add_root(parser)


def _probe(options: argparse.Namespace) -> None:
    check_sets(options)
    check_generator(options)
    if is_generator(options):
        with claimed(options.dataset, options.test, cache=(options.cache, "shared folder")):
            show_generator(options)
        return
    if LABEL_FREE in (options.protocol or ()):
        _show_scores(options)
        options.protocol = [one for one in options.protocol if one != LABEL_FREE]
        if not options.protocol:
            return
    place = options.predictions
    if place is None:
        place = options.checkpoint.with_name(f"{options.checkpoint.stem}.predictions.npz")
    elif place.suffix != ".npz":
        raise ValueError(f"--predictions {place}: it is an npz archive, give it the ending .npz")
    elif place.exists() and _earlier(place) is None:
        raise ValueError(f"--predictions {place} is there, and holds none: name another file")
    with (
        claimed(
            options.dataset,
            options.test,
            cache=(options.cache, "shared folder"),
            predictions=(place, "file"),
        ),
        telling_what_stays(lambda: "no predictions were kept; features are in --cache, if named"),
    ):
        _show_probes(options, place)


def _show_scores(options: argparse.Namespace) -> None:
    from adainf_core.devices import chosen_device
    from adainf_core.learning.predictions import trained_run
    from adainf_core.learning.pretraining import load_pretrained

    with claimed(options.dataset):
        run = trained_run(options.checkpoint)
        trained = load_pretrained(options.checkpoint)
        trained.encoder.to(chosen_device(None))
        show_scores(options, run, trained)


def _show_probes(options: argparse.Namespace, place: Path) -> None:
    import numpy as np

    from adainf_core.advice.run_probing import replaced
    from adainf_core.data.known_copies import known_copies
    from adainf_core.data.labelled_pairs import numbered_as
    from adainf_core.devices import chosen_device
    from adainf_core.learning.predictions import (
        no_predictions,
        probed,
        protocol_name,
        trained_run,
        write_predictions,
    )
    from adainf_core.learning.pretraining import load_pretrained

    name = str(options.checkpoint)  # read first: it may not be there
    run = trained_run(options.checkpoint)
    trained = load_pretrained(options.checkpoint)
    if not trained.finished:
        print(f"the run has stopped after {trained.steps} steps", file=sys.stderr)
    trained.encoder.to(chosen_device(None))
    sets = probed_sets(run, name, options)
    train, test = sets.train, numbered_as(sets.train, sets.test)
    copies = known_copies(train, test, within_first=False)
    # of a large set that everyone has, near copies would take a minute
    within = known_copies(train, near=False if sets.named else None)
    groups = None if sets.named else within.group  # of a named set the number as everyone has it
    found = no_predictions(run, train, test, copies)
    _show_copies(sets, copies, within)
    new, results = np.flatnonzero(found.counted), []
    for protocol in options.protocol or ["linear", "knn"]:
        with telling(f"{protocol} probe of {name}"):
            result = probed(
                protocol, trained, train, test, k=options.k, cache=options.cache, groups=groups
            )
        results.append((protocol_name(protocol, options.k), result))
        _show_result(protocol, result, new, sets.named)
    for kept, result in results:
        found = found.with_result(kept, result)
    earlier = _earlier(place)
    if earlier is not None:
        found = found.joined(earlier)
    write_predictions(found, place)
    if earlier is not None and not found.is_of_same(earlier):
        print(f"{'replaced':16} {place}: {replaced(found, earlier)}")
    print(f"{'predictions':16} {place}")
    print(
        f"{'next':16} adainf compare {shlex.quote(str(place))} OTHERS   (predictions of other runs)"
    )


def _earlier(place: Path) -> Predictions | None:
    """What is kept at `place` already; None where that is nothing, or damaged."""
    from adainf_core.learning.predictions import read_predictions

    try:
        return read_predictions(place)
    except (FileNotFoundError, ValueError):
        return None


def _show_copies(sets: ProbedSets, copies: Copies, within: Copies) -> None:
    import numpy as np

    from adainf_core.data.copies import KINDS

    train, test = sets.train, sets.test
    again = copies.group[len(train) :] < len(train)
    kinds = np.bincount(copies.kind[len(train) :][again], minlength=len(KINDS) + 1)[1:]
    said = ", ".join(f"{kind} {n:,}" for kind, n in zip(KINDS, kinds, strict=True) if n)
    word = f"{again.sum():,}" if said else "none"
    told = f" ({said})" if said else ""
    doubled = (~again & (copies.kind[len(train) :] > 0)).sum()
    told += f", {doubled:,} each other" if doubled else ""
    told += "" if copies.near_searched else "; near copies not searched"
    print(f"{'copies':16} {word} of {len(test):,} test images repeat training images{told}")
    if len(within.distinct) < len(within):
        print(f"{'':16} within {train.name} {within}; all are learnt from")


def _show_result(protocol: str, result: ProbeResult, new: np.ndarray, named: bool) -> None:
    on_new, which = result.on(new), f"on the {len(new):,} that repeat none"
    if len(new) == result.n_test:
        show_probe(protocol, result, result.protocol)
    elif named:  # the number as everyone has it
        show_probe(protocol, result, result.protocol)
        show_probe("", on_new, which)
    else:
        whole = f"{100 * result.accuracy:.2f} % on all {result.n_test:,}"
        show_probe(protocol, on_new, f"{which}; {whole}; {result.protocol}")


def show_probe(protocol: str, result: ProbeResult, said: str) -> None:
    error = 100 * result.standard_error
    print(f"{protocol:16} {100 * result.accuracy:.2f} % (standard error {error:.2f}, {said})")

"""`adainf compare`: whether one recipe's runs are more accurate than another's."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import add_root, claimed, share
from adainf_core.cli.probed_sets import add_sets, check_sets, probed_sets, telling
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adainf_core.advice.run_comparison import RunComparison
    from adainf_core.advice.run_files import Over, RunFile
    from adainf_core.cli.probed_sets import ProbedSets

HELP = "whether one recipe's runs are more accurate than another's"
_FIGURES = (".png", ".svg", ".pdf")


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compare trained runs, paired by seed and by test image: the difference in accuracy, its "
        "interval, the verdict of the book's rule, and what difference could have been found. "
        "Files are grouped into sides by their names up to the number at the end (weak-0.pt and "
        "weak-1.pt are the side weak), and the first side named is the one that all others are "
        "held against: adainf compare weak-*.pt adainf-*.pt. With --against the files after it are "
        "that side, and all others are one, whatever their names."
    )
    parser.set_defaults(run=_compare)
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="checkpoints, predictions kept by adainf probe, or records (.json) of plan --records "
        "or of a study; checkpoints without predictions are probed, and keep theirs",
    )
    parser.add_argument(
        "--against",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="the side that FILEs are held against; default: the first by name",
    )
    add_sets(parser)
    parser.add_argument(
        "--protocol",
        choices=("linear", "linear-augmented", "knn", "knn-weighted", "online"),
        help="which probe; default: linear, or what all predictions have",
    )
    parser.add_argument(
        "--images-alone",
        action="store_true",
        help="ask about these very runs, over test images alone: takes one seed a side",
    )
    parser.add_argument(
        "--confidence", type=share, default=0.95, help="of all intervals together; default: 0.95"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps features")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--csv", type=Path, help="file for a row a difference")
    parser.add_argument("--figure", type=Path, help="file: .png, .svg or .pdf")
    add_root(parser)


def _compare(options: argparse.Namespace) -> None:
    from adainf_core.advice.run_files import sides_of

    _check_files([*options.files, *(options.against or ())])
    check_sets(options)
    if options.figure is not None and options.figure.suffix.lower() not in _FIGURES:
        raise ValueError(f"--figure {options.figure} has to end in {', '.join(_FIGURES)}")
    sides = _sides(options) if options.against else sides_of(options.files)
    with (
        claimed(
            *(file for files in sides.values() for file in files),
            options.dataset,
            options.test,
            cache=(options.cache, "shared folder"),
            json=(options.json, "file"),
            csv=(options.csv, "file"),
            figure=(options.figure, "file"),
        ),
        telling_what_stays(lambda: "runs that were probed keep their predictions: go on alike"),
    ):
        found = _compared(options, sides)
        # before anything is shown: a terminal that fails loses nothing
        _write(found, options)
    print(found)
    for path in (options.json, options.csv, options.figure):
        if path is not None:
            print(path)


def _check_files(files: Iterable[Path]) -> None:
    """ValueError for a folder."""
    for path in files:
        if path.is_dir():
            raise ValueError(f"{path} is a folder: name the runs in it, as in {path}/adainf-0.pt")


def _sides(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The two sides of --against, called by the names that their files share."""
    from adainf_core.advice.run_files import sides_of

    names = [" and ".join(sides_of(files)) for files in (options.against, options.files)]
    if names[0] == names[1]:  # of two folders, for example
        names = [f"{name} of {files[0].parent}" for name, files in
                 zip(names, (options.against, options.files), strict=True)]  # fmt: skip
    if names[0] == names[1]:
        names = [f"{names[0]} (--against)", names[1]]
    return dict(zip(names, (options.against, options.files), strict=True))


def _compared(options: argparse.Namespace, sides: dict[str, list[Path]]) -> RunComparison:
    from adainf_core.advice.run_comparison import compare_runs
    from adainf_core.advice.run_files import open_runs

    over: Over = "images" if options.images_alone else "both"
    with telling("reading the runs"):
        runs = open_runs(sides, over)
    files = [run for side in runs.values() for run in side]
    sets = _sets(options, files)
    keep = all(os.access(run.path.parent, os.W_OK) for run in files if run.path is not None)
    if not keep and sets is not None:
        print("predictions are not kept: the runs' folder cannot be written to", file=sys.stderr)
    return compare_runs(
        runs,
        train=None if sets is None else sets.train,
        test=None if sets is None else sets.test,
        protocol=options.protocol,
        k=options.k,
        over=over,
        confidence=options.confidence,
        cache=options.cache,
        keep=keep,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
        by_copies=sets is not None and not sets.named,
    )


def _sets(options: argparse.Namespace, files: list[RunFile]) -> ProbedSets | None:
    """The images to probe on, where checkpoints are given and all that is asked for is not kept."""
    from adainf_core.advice.run_probing import has_predictions

    asked = options.dataset is not None or options.test is not None
    recorded = files[0].record is not None
    if recorded and asked:
        raise ValueError(
            f"{files[0].name} is a record, compared by the accuracy that it holds: leave --dataset "
            "and --test out"
        )
    if recorded or (not asked and all(has_predictions(run, options.protocol, options.k)
                                      for run in files)):  # fmt: skip
        return None
    checkpoint = next((run for run in files if run.predictions is None), files[0])
    assert checkpoint.run is not None
    return probed_sets(checkpoint.run, checkpoint.name, options)


def _write(found: RunComparison, options: argparse.Namespace) -> None:
    from adainf_core.files import atomic_file

    if options.json is not None:
        with atomic_file(options.json) as file:
            file.write((json.dumps(found.plain(), indent=1, allow_nan=False) + "\n").encode())
    if options.csv is not None:
        text, rows = io.StringIO(), found.rows()
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with atomic_file(options.csv) as file:
            file.write(text.getvalue().encode())
    if options.figure is not None:
        from adainf_core.figures.run_comparisons import comparison_figure

        comparison_figure(found).save(options.figure)

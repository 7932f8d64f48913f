"""`adainf study`: named grids of experiments."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import (
    add_action,
    add_on,
    claimed,
    cluster_of,
    count,
    duration,
    flat,
    folder,
    folder_to_be,
    processes,
    runs_kept,
    seconds,
    seeds,
)
from adainf_core.evidence.runs.scales import SCALES
from adainf_core.progress import progress_bar
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.evidence.runs.grid import Study

HELP = "named grids of experiments"
_NO_LIMIT = float("inf")


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    add_action(actions, "list", _list, "studies, what they ask, their scales and sizes")
    show = add_action(actions, "show", _show, "arms of a study, and what sets them apart")
    run = add_action(actions, "run", _run, "run what has no record yet")
    state = add_action(actions, "status", _status, "what is recorded, stale, and left to run")
    check = add_action(actions, "verify", _verify, "repeat the beginning of recorded runs, compare")
    pictures = add_action(actions, "pictures", _pictures, "keep sample images beside records")
    pack = add_action(actions, "pack", _pack, "copy records and unfinished runs, in small files")
    collect = add_action(actions, "collect", _collect, "merge records from another machine")
    for action in (show, pictures):
        action.add_argument("name")
    run.add_argument("names", nargs="+", metavar="name", help="studies, the most valuable first")
    state.add_argument("names", nargs="*", metavar="name", help="default: every study")
    check.add_argument("names", nargs="*", metavar="name", help="default: every study")
    check.add_argument("--sample", type=count(), default=1, help="runs of each version of the code")
    check.add_argument("--spot", action="store_true", help="one run a study, and write nothing")
    check.add_argument("--again", action="store_true", help="those of the code as it is, too")
    for action in (show, run, state, check, pictures):
        action.add_argument(
            "--scale", choices=SCALES, default=None, help="default: ADAINF_SCALE, else quick"
        )
    for action in (run, pictures, collect):  # which make it
        action.add_argument("--results", type=folder_to_be, default=None, help="default: results/")
    for action in (state, check, pack):
        action.add_argument("--results", type=folder, default=None, help="default: results/")
    pack.add_argument("folder", type=folder_to_be)
    collect.add_argument("folder", type=folder)
    for action in (run, state):
        action.add_argument("--budget", type=seconds, default=_NO_LIMIT, help="seconds")
    run.add_argument("--seeds", type=seeds, default=None, help="of each arm; default: the study's")
    where = run.add_mutually_exclusive_group()
    where.add_argument(
        "--processes",
        type=processes,
        default=None,
        help="default: one a core, one on an accelerator",
    )
    add_on(where)
    state.add_argument(
        "--processes", type=processes, default=1, help="that the budget is shared by"
    )
    run.add_argument("--stale", action="store_true", help="repeat runs whose code has changed")


def _list(options: argparse.Namespace) -> None:
    from adainf_core.evidence.studies.catalogue import studies

    for study in studies().values():
        for scale in study.layouts:
            runs = len(study.plan(scale))
            print(f"{study.name:22} {scale:8} {len(study.arms):3} arms {runs:4} runs")


def _show(options: argparse.Namespace) -> None:
    from adainf_core.configuration import to_plain
    from adainf_core.evidence.studies.catalogue import named_study

    study = named_study(options.name)
    scale = _scale(options, study)
    plan = study.plan(scale)
    print(f"{study.name} at scale {scale}: {study.question}")
    seeds = {arm: [seed for name, seed in plan if name == arm] for arm in study.arms}
    configs = {
        arm: dict(flat(to_plain(study.experiment(scale, arm, numbers[0]))))
        for arm, numbers in seeds.items()
        if numbers
    }
    first = next(iter(configs.values()))
    for arm, config in configs.items():
        numbers, label = seeds[arm], study.arms[arm].label
        print(f"\n{arm}: {label}, seeds {numbers[0]} to {numbers[-1]}")
        for key in sorted(first.keys() | config.keys()):
            if config is first or first.get(key) != config.get(key):
                print(f"    {key} = {config.get(key)!r}")


def _run(options: argparse.Namespace) -> None:
    import time

    from adainf_core.evidence.runs.running import run_study
    from adainf_core.evidence.studies.catalogue import named_study

    ends = time.monotonic() + options.budget
    studies = [named_study(name) for name in options.names]
    scales = [_scale(options, study) for study in studies]
    results = _results(options)
    with (
        _written(results),
        telling_what_stays(lambda: runs_kept(results)),
        cluster_of(options) as cluster,
    ):
        for study, scale in zip(studies, scales, strict=True):
            records = run_study(
                study,
                scale,
                seeds=options.seeds,
                store=results,
                processes=options.processes,
                cluster=cluster,
                budget=ends - time.monotonic(),
                stale=options.stale,
                progress=True,
            )
            planned = len(study.plan(scale, options.seeds))
            print(f"{study.name} at {scale}: {len(records)} of {planned} runs are recorded")


def _status(options: argparse.Namespace) -> None:
    from adainf_core.evidence.runs.status import status
    from adainf_core.evidence.studies.catalogue import named_study, studies

    named = [named_study(name) for name in options.names] or list(studies().values())
    asked = [
        (study, scale)
        for study in named
        for scale in ([options.scale] if options.scale else study.layouts)
        if not options.scale or options.names or scale in study.layouts
    ]
    lines: list[str] = []
    with progress_bar(len(asked), "layout", about="comparing records with the code") as advance:
        for study, scale in asked:
            found = status(study, scale, _results(options))
            each = "unknown" if found.seconds is None else f"{found.seconds:.0f} s"
            left = len(found.left) * (found.seconds or 0)
            lines.append(
                f"{study.name:22} {scale:8} {found.planned:5} {found.recorded:5} "
                f"{len(found.stale):5}  {each:10}  {duration(left) if left else '-'}"
            )
            for command, runs in Counter(found.waiting.values()).items():
                lines.append(f"    {runs} need `{command}` first")
            if options.budget < _NO_LIMIT and found.left:
                added = found.within(options.budget, options.processes)
                lines.append(f"    the budget adds {len(added)}: {', '.join(added) or 'unknown'}")
            advance(1)
    print(f"{'study':22} {'scale':8} {'runs':>5} {'done':>5} {'stale':>5}  a run       left")
    print("\n".join(lines))


def _verify(options: argparse.Namespace) -> None:
    from adainf_core.evidence.runs.replay import spot_check, verify
    from adainf_core.evidence.studies.catalogue import named_study, studies

    named = [named_study(name) for name in options.names] or list(studies().values())
    refuted, results, compared = [], _results(options), False
    with nullcontext() if options.spot else _written(results):
        for study in named:
            for scale in [_scale(options, study)] if options.scale else study.layouts:
                if options.spot:
                    found = spot_check(study, scale, results)
                else:
                    found = verify(
                        study, scale, results, sample=options.sample, again=options.again
                    )
                for line in found.lines():
                    print(line)
                    compared = True
                if found.refuted:
                    refuted.append(f"{study.name} at {scale}")
    if not compared:
        raise ValueError(f"{results} holds no record of these studies: nothing was verified")
    if refuted:
        raise ValueError(
            f"{', '.join(refuted)}: the code gives other numbers than are recorded; undo the "
            "change, or run the studies again (adainf study run NAME --stale)"
        )


def _pictures(options: argparse.Namespace) -> None:
    from adainf_core.evidence.runs.records import write_pictures
    from adainf_core.evidence.studies import gap_experiment, training
    from adainf_core.evidence.studies.catalogue import named_study

    study = named_study(options.name)
    scale = _scale(options, study)
    draw = {"training": training.pictures, "gap": gap_experiment.pictures}.get(
        study.layout(scale).base.kind
    )
    if draw is None:
        raise ValueError(f"study {options.name!r} shows no generated images")
    with _written(_results(options)):
        print(write_pictures(study.name, scale, draw(study, scale), _results(options)))


def _pack(options: argparse.Namespace) -> None:
    from adainf_core.evidence.collecting import pack

    with claimed(folder=(options.folder, "shared folder")):
        print(f"{len(pack(options.folder, _results(options)))} files in {options.folder}")


def _collect(options: argparse.Namespace) -> None:
    from adainf_core.evidence.collecting import collect

    with _written(_results(options)):
        found = collect(options.folder, _results(options))
    print(
        f"{found.new} new records, {found.known} known ones, {found.encoders} encoders, "
        f"{found.unfinished} unfinished runs from {options.folder}"
    )


def _scale(options: argparse.Namespace, study: Study) -> str:
    """The scale asked for, where the study has it; ValueError naming those it has."""
    from adainf_core.evidence.runs.scales import current_scale

    scale: str = options.scale or current_scale()
    study.layout(scale)
    return scale


def _written(results: Path) -> AbstractContextManager[None]:
    return claimed(results=(results, "shared folder"))


def _results(options: argparse.Namespace) -> Path:
    from adainf_core.evidence.runs.records import RESULTS

    return options.results or RESULTS

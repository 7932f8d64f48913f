"""The command line: `adainf study list | run | pictures`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `adainf`; returns the exit status, errors in one line on stderr."""
    parser = argparse.ArgumentParser(prog="adainf", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    study = commands.add_parser("study", help="named grids of experiments")
    actions = study.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="studies, their scales and sizes")
    run = actions.add_parser("run", help="run what has no record yet")
    pictures = actions.add_parser("pictures", help="keep sample images beside the records")
    for action in (run, pictures):
        action.add_argument("name")
        action.add_argument("--scale", default=None, help="default: ADAINF_SCALE, else quick")
        action.add_argument("--results", type=Path, default=None, help="default: results/")
    run.add_argument("--seeds", type=int, default=None, help="default: the study's own")
    run.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    run.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        _list() if options.action == "list" else _run(options)
    except (ValueError, RuntimeError, OSError, FloatingPointError) as error:
        print(f"adainf: {error}", file=sys.stderr)
        return 2
    return 0


def _list() -> None:
    from adainf_core.evidence.studies import STUDIES

    for study in STUDIES.values():
        for scale, layout in study.layouts.items():
            print(f"{study.name:24} {scale:8} {len(study.arms)} arms x {layout.seeds} seeds")


def _run(options: argparse.Namespace) -> None:
    from adainf_core.evidence.records import RESULTS, write_pictures
    from adainf_core.evidence.scales import current_scale
    from adainf_core.evidence.studies import STUDIES, run_study, study_pictures

    if options.name not in STUDIES:
        raise ValueError(f"unknown study {options.name!r}; known: {', '.join(STUDIES)}")
    study, scale = STUDIES[options.name], options.scale or current_scale()
    results = options.results or RESULTS
    if options.action == "pictures":
        print(write_pictures(study.name, scale, study_pictures(study, scale), results))
        return
    records = run_study(
        study,
        scale,
        seeds=options.seeds,
        store=results,
        processes=options.processes,
        budget=options.budget,
        progress=True,
    )
    print(f"{len(records)} records in {results / study.name / scale}")


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `adainf study list | run`."""

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
    run.add_argument("name")
    run.add_argument("--scale", default=None, help="default: ADAINF_SCALE, else quick")
    run.add_argument("--seeds", type=int, default=None, help="default: the study's own")
    run.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    run.add_argument("--processes", type=int, default=1)
    run.add_argument("--results", type=Path, default=None, help="default: results/")
    options = parser.parse_args(arguments)
    try:
        _list() if options.action == "list" else _run(options)
    except (ValueError, RuntimeError, FileNotFoundError) as error:
        print(f"adainf: {error}", file=sys.stderr)
        return 2
    return 0


def _list() -> None:
    from adainf_core.evidence.studies import STUDIES

    for study in STUDIES.values():
        for scale, layout in study.layouts.items():
            print(f"{study.name:24} {scale:8} {len(study.arms)} arms x {layout.seeds} seeds")


def _run(options: argparse.Namespace) -> None:
    from adainf_core.evidence.records import RESULTS
    from adainf_core.evidence.scales import current_scale
    from adainf_core.evidence.studies import STUDIES, run_study

    if options.name not in STUDIES:
        raise ValueError(f"unknown study {options.name!r}; known: {', '.join(STUDIES)}")
    records = run_study(
        STUDIES[options.name],
        options.scale or current_scale(),
        seeds=options.seeds,
        store=options.results or RESULTS,
        processes=options.processes,
        budget=options.budget,
        progress=True,
    )
    print(f"{len(records)} records")


if __name__ == "__main__":
    sys.exit(main())

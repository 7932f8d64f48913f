"""`adainf study`: named grids of experiments."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from adainf_core.cli.common import add_action

HELP = "named grids of experiments"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    add_action(actions, "list", _list_studies, "studies, their scales and sizes")
    run = add_action(actions, "run", _run_study, "run what has no record yet")
    pictures = add_action(actions, "pictures", _keep_pictures, "keep sample images beside records")
    for action in (run, pictures):
        action.add_argument("name")
        action.add_argument("--scale", default=None, help="default: ADAINF_SCALE, else quick")
        action.add_argument("--results", type=Path, default=None, help="default: results/")
    run.add_argument("--seeds", type=int, default=None, help="default: the study's own")
    run.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    run.add_argument("--processes", type=int, default=1)


def _list_studies(options: argparse.Namespace) -> None:
    from adainf_core.evidence.studies import STUDIES

    for study in STUDIES.values():
        for scale in study.layouts:
            print(f"{study.name:24} {scale:8} {len(study.arms)} arms x {study.seeds(scale)} seeds")


def _named_study(options: argparse.Namespace) -> tuple[Any, str, Path]:
    from adainf_core.evidence.records import RESULTS
    from adainf_core.evidence.scales import current_scale
    from adainf_core.evidence.studies import STUDIES

    if options.name not in STUDIES:
        raise ValueError(f"unknown study {options.name!r}; known: {', '.join(STUDIES)}")
    return STUDIES[options.name], options.scale or current_scale(), options.results or RESULTS


def _run_study(options: argparse.Namespace) -> None:
    from adainf_core.evidence.running import run_study

    study, scale, results = _named_study(options)
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


def _keep_pictures(options: argparse.Namespace) -> None:
    from adainf_core.evidence.gap_study import GapStudy
    from adainf_core.evidence.records import write_pictures
    from adainf_core.evidence.studies import study_pictures

    study, scale, results = _named_study(options)
    shown = study.pictures(scale) if isinstance(study, GapStudy) else study_pictures(study, scale)
    print(write_pictures(study.name, scale, shown, results))

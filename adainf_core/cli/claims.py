"""`adainf claims`: the ledger of claims and its verdicts."""

from __future__ import annotations

import argparse
from pathlib import Path

from adainf_core.cli.common import add_action

HELP = "the ledger of claims and its verdicts"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    show = add_action(actions, "show", _show, "each claim, what was found, and the verdict")
    fixed = add_action(actions, "register", _register, "fix the rules of claims before their runs")
    show.add_argument("--scale", default="laptop")
    for action in (show, fixed):
        action.add_argument("--results", type=Path, default=None, help="default: results/")


def _show(options: argparse.Namespace) -> None:
    from adainf_core.evidence.ledger import ledger
    from adainf_core.evidence.runs.records import RESULTS

    for number, line in enumerate(ledger(options.scale, options.results or RESULTS), 1):
        found = line.verdict.difference or line.verdict.best
        value = "" if found is None else f"{found:+.2f}, n = {found.n}"
        print(f"{number:3} {line.verdict.phrase:24} {value:32} {line.verdict.claim.statement}")


def _register(options: argparse.Namespace) -> None:
    from adainf_core.evidence.registration import register
    from adainf_core.evidence.runs.records import RESULTS

    changed = register(options.results or RESULTS)
    print(f"registered: {', '.join(changed) or 'nothing new'}")

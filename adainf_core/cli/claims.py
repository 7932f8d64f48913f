"""`adainf claims`: the ledger of claims and its verdicts."""

from __future__ import annotations

import argparse
from pathlib import Path

from adainf_core.cli.common import add_action, claimed, count, folder, folder_to_be
from adainf_core.evidence.runs.scales import SCALES

HELP = "the ledger of claims and its verdicts"
_USUAL = "laptop"


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    show = add_action(actions, "show", _show, "each claim, what was found, and the verdict")
    fixed = add_action(
        actions, "register", _register, "fix the claims and plans of studies before their runs"
    )
    show.add_argument("--scale", choices=SCALES, help="default: laptop, or what a study has below")
    show.add_argument("--words", action="store_true", help="the main questions, answered in words")
    fixed.add_argument(
        "--looks",
        type=count(1, 1000),
        default=1,
        help="how often the runs will be judged, default 1",
    )
    for action, kind in ((show, folder), (fixed, folder_to_be)):
        action.add_argument("--results", type=kind, help="default: results/")


def _show(options: argparse.Namespace) -> None:
    from adainf_core.evidence.ledger import ledger
    from adainf_core.evidence.runs.records import RESULTS

    entries = ledger(options.scale, options.results or RESULTS)
    if options.words:
        from adainf_core.findings.answers import answers

        print(answers(entries, "book/"), end="")
        return
    entries.sort(key=lambda entry: entry.exploratory)  # stable: else in the ledger's order
    for number, entry in enumerate(entries, 1):
        if entry.exploratory and not (number > 1 and entries[number - 2].exploratory):
            print("\nexploratory, because not registered before the runs:")
        verdict, found = entry.verdict, entry.verdict.decisive
        value = "" if found is None else f"{found:+.2f}, n = {found.n}"
        if entry.runs < entry.planned:
            value = f"{value} ({entry.runs} of {entry.planned} runs)".lstrip()
        if entry.scale != _USUAL:
            value += f" at {entry.scale}"
        print(f"{number:3} {verdict.words:24} {value:32} {verdict.claim.statement}")


def _register(options: argparse.Namespace) -> None:
    from adainf_core.evidence.registration import register
    from adainf_core.evidence.runs.records import RESULTS

    results: Path = options.results or RESULTS
    with claimed(results=(results, "shared folder")):
        changed = register(results, options.looks)
    print(f"registered: {', '.join(changed) or 'nothing new'}")

"""Tables of the ledger: every claim, how many have which verdict, when the rules were fixed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from adainf_core.evidence.judging.claims import CONFIDENCE, Contrast
from adainf_core.evidence.judging.verdicts import Outcome, Verdict, noise_of
from adainf_core.evidence.ledger import LedgerEntry
from adainf_core.evidence.runs.records import RESULTS, Record, began
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.runs.status import status
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.figures import VERDICT_STYLE, Table, coloured
from adainf_core.findings.escaping import as_code
from adainf_core.findings.findings import Findings
from adainf_core.statistics.intervals import smallest_detectable

_ASKED = {"paper": "the paper's", "control": "controls", "trap": "traps in the code"}
_TAGS = {
    "R": "official README",
    "A": "abstract",
    "Q": "quoted by others",
    "H": "a review",
    "D": "derived",
}
_INSIDE = {None: "–", True: "yes", False: "no"}


def distinct_runs(found: Iterable[Findings]) -> list[Record]:
    """The records of several studies, one that they share only once."""
    runs = {
        (r.kind, r.scale, json.dumps(r.config, sort_keys=True)): r
        for each in found
        for r in each.records
    }
    return list(runs.values())


def verdict_counts(entries: Sequence[LedgerEntry]) -> dict[str, Counter[str]]:
    """How many claims have which verdict, apart for the paper's, for controls and for traps."""
    return {
        name: Counter(str(e.verdict.outcome) for e in entries if e.claim.asked_by == asked)
        for asked, name in _ASKED.items()
    }


def paper_counts(entries: Sequence[LedgerEntry]) -> dict[str, int]:
    """How many of the paper's claims hold, fail and are open, for `tell`."""
    found = verdict_counts(entries)[_ASKED["paper"]]
    kinds = {
        "holds": (Outcome.HOLDS, Outcome.NEGLIGIBLE),
        "fails": (Outcome.DOES_NOT_HOLD,),
        "open": (Outcome.NOT_DECIDED, Outcome.NOT_RUN),
    }
    return {f"paper-{name}": sum(found[word] for word in words) for name, words in kinds.items()}


def count_table(entries: Sequence[LedgerEntry]) -> Table:
    """The same as a table."""
    words = (*VERDICT_STYLE, "not run")
    shown = {"does not hold": "no gain of a point, or cost"}
    rows = [
        (name, *(str(found[word]) for word in words), str(found.total()))
        for name, found in verdict_counts(entries).items()
    ]
    return Table(("", *(shown.get(word, word) for word in words), "all"), rows)


def ledger_table(entries: Sequence[LedgerEntry], first: int = 1, paper: bool = True) -> Table:
    """Claims, numbered from `first`, with what was found and the verdict.

    With `paper` its numbers stand beside ours, each with where it is from and how it is known
    (`published.KNOWN` has the letters), and whether our interval holds all of them.
    """
    rows = []
    for number, entry in enumerate(entries, first):
        row = [str(number), entry.claim.statement, _found(entry)]
        row.append(coloured(entry.verdict.words))
        if paper:
            row[2:2] = [_published(entry)]
            row.append(_INSIDE[entry.published_inside])
        rows.append(row)
    header = ["", "claim", "ours", "verdict"]
    if paper:
        header = ["", "claim", "paper", "ours", "verdict", "paper's inside"]
    return Table(header, rows)


def again_table(entries: Sequence[LedgerEntry], root: Path = RESULTS) -> Table:
    """Claims that were asked again: the first answer, that of fresh seeds, and what those can find.

    That is the difference, in points, which they would show in four cases of five, if runs deviate
    as in the first wave (`intervals.smallest_detectable`).
    """
    first = {entry.claim.key: entry for entry in entries}
    rows = []
    for entry in (entry for entry in entries if entry.claim.repeats):
        assert isinstance(entry.claim, Contrast)  # places of best levels are not asked again
        asked = first[entry.claim.repeats]
        study, before = named_study(entry.claim.study), named_study(asked.claim.study)
        seeds, _ = study.layout(entry.scale).seeds
        noise = noise_of(before.claims, study_records(before, asked.scale, root))
        weight = sum(term.weight**2 for term in entry.claim.terms) ** 0.5
        level = 1 - (1 - CONFIDENCE) / len(study.claims)
        least = smallest_detectable(weight * noise, seeds, level)
        answer = f"{_found(entry)}: {coloured(entry.verdict.words)}"
        if entry.verdict.outcome == Outcome.NOT_RUN:
            answer = f"{entry.runs} of {entry.planned} runs"
        before_ = f"{_found(asked)}: {asked.verdict.words}"
        rows.append((asked.claim.statement, before_, answer, str(seeds), f"{least:.1f}"))
    return Table(("claim", "first answer", "on fresh seeds", "seeds", "finds, points"), rows)


def published_table(verdicts: Iterable[Verdict], what: str) -> Table:
    """Every difference that the paper gives for claims: where, and how it is known to us."""
    rows = [
        (f"{p.difference:+.2f}", p.source, _TAGS[p.tag])
        for verdict in verdicts
        for p in verdict.claim.published
        if p.difference is not None
    ]
    return Table((what, "where", "known"), rows)


def registration_table(entries: Sequence[LedgerEntry], root: Path = RESULTS) -> Table:
    """For each study of `entries`, judged on records under `root`: when its rule was fixed, and
    when its first run began."""
    rows = []
    for name in dict.fromkeys(entry.claim.study for entry in entries):
        mine = [entry for entry in entries if entry.claim.study == name]
        scale, stands, fixed = mine[0].scale, None, mine[0].registration
        found = Findings(name, scale, root)
        if found.planned:
            stands = status(found.study, scale, root)
        stale = f", {len(stands.stale)} stale" if stands and stands.stale else ""
        first = min((began(r).replace("T", " ") for r in found.records), default="–")
        commit, time = ("–", "–") if fixed is None else (
            as_code(fixed.commit[:10]), fixed.registered.replace("T", " "))  # fmt: skip
        done = f"{len(found.records)} of {found.planned}{stale}"
        rows.append((f"`{name}`", str(len(mine)), commit, time, first, done))
    header = ("study", "claims", "commit of the rule", "registered", "first run began", "runs")
    return Table(header, rows)


def _published(entry: LedgerEntry) -> str:
    said = [
        f"{p.source} [{p.tag}]"
        if p.difference is None
        else f"{p.difference:+.2f} ({p.source}) [{p.tag}]"
        for p in entry.claim.published
    ]
    return "; ".join(said) or "–"


def _found(entry: LedgerEntry) -> str:
    verdict = entry.verdict
    if verdict.best is not None:
        return f"{verdict.best.value:g}, n = {verdict.best.n}"
    found = verdict.decisive
    return "–" if found is None else f"{found:+.2f}, n = {found.n}"

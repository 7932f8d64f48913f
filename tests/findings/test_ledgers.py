"""Tables of the ledger against its entries."""

import re
from collections import Counter

import pytest

from adainf_core.evidence.runs.records import load_records
from adainf_core.evidence.runs.scales import SCALES
from adainf_core.evidence.studies.catalogue import studies
from adainf_core.findings import (
    Findings,
    again_table,
    count_table,
    distinct_runs,
    ledger_table,
    published_table,
    registration_table,
    verdict_counts,
)
from adainf_core.findings.ledgers import paper_counts


@pytest.fixture
def entries(laptop_ledger):
    return laptop_ledger


def test_every_claim_has_its_row_with_number_and_verdict(entries):
    rows = ledger_table(entries, first=7).rows
    assert [row[0] for row in rows] == [str(n) for n in range(7, 7 + len(entries))]
    for row, entry in zip(rows, entries, strict=True):
        assert row[1] == entry.claim.statement
        assert re.sub("<[^>]*>", "", row[4]) == entry.verdict.words
        numbers = [p.difference for p in entry.claim.published if p.difference is not None]
        assert all(f"{number:+.2f}" in row[2] for number in numbers)
        inside = entry.published_inside
        assert row[5] == ("–" if inside is None else "yes" if inside else "no")


def test_a_table_without_the_paper_has_the_other_columns(entries):
    both, ours = ledger_table(entries[:5]), ledger_table(entries[:5], paper=False)
    assert [(*row[:2], *row[3:5]) for row in both.rows] == [tuple(row) for row in ours.rows]
    assert [*both.header[:2], *both.header[3:5]] == list(ours.header)


def test_what_was_found_has_its_n(entries):
    for row, entry in zip(ledger_table(entries).rows, entries, strict=True):
        found = entry.verdict.decisive
        assert row[3].endswith(f"n = {found.n}") if found else row[3] == "–"


def test_what_is_asked_again_stands_beside_its_first_answer(entries):
    rows = again_table(entries).rows
    again = [entry for entry in entries if entry.claim.repeats]
    first = {entry.claim.key: entry for entry in entries}
    assert len(rows) == len(again) > 20
    for row, entry in zip(rows, again, strict=True):
        asked = first[entry.claim.repeats]
        assert row[0] == asked.claim.statement and asked.verdict.words in row[1]
        waiting = f"{entry.runs} of {entry.planned} runs"
        assert (row[2] == waiting) == (entry.verdict.outcome == "not run")
        assert 0 < float(row[4]) <= 1.05


def test_counts_add_up(entries):
    assert sum(verdict_counts(entries).values(), Counter()) == Counter(
        str(entry.verdict.outcome) for entry in entries
    )
    for row in count_table(entries).rows:
        assert sum(map(int, row[1:-1])) == int(row[-1])


def test_what_the_paper_claims_holds_fails_or_is_open(entries):
    row = count_table(entries).rows[0]
    holds, little, fails, open_, lacking, total = map(int, row[1:])
    assert row[0] == "the paper's" and total > 0
    counts = {"holds": holds + little, "fails": fails, "open": open_ + lacking}
    assert paper_counts(entries) == {f"paper-{name}": n for name, n in counts.items()}


def test_each_study_has_the_time_of_its_registration_and_its_claims(entries):
    table = registration_table(entries)
    assert sum(int(row[1]) for row in table.rows) == len(entries)
    for row in table.rows:
        first = next(e for e in entries if f"`{e.claim.study}`" == row[0])
        if first.registration:
            assert row[2].strip("`") == first.registration.commit[:10]
            assert row[3].replace(" ", "T") == first.registration.registered


def test_shared_runs_are_counted_once():
    found = [Findings(name, scale) for name in studies() for scale in SCALES]
    distinct = distinct_runs(found)
    records = [r for s in studies() for scale in SCALES for r in load_records(s, scale)]
    assert {(r.finished, r.wall_seconds) for r in distinct} <= {
        (r.finished, r.wall_seconds) for r in records
    }
    assert len(distinct) == len(records) < sum(len(each.records) for each in found)


def test_every_published_difference_is_listed_with_its_source():
    verdicts = Findings("failure-mode").chosen("harm", "cure")
    rows = published_table(verdicts, "points").rows
    numbers = [p for v in verdicts for p in v.claim.published if p.difference is not None]
    assert [(row[0], row[1]) for row in rows] == [
        (f"{p.difference:+.2f}", p.source) for p in numbers
    ]

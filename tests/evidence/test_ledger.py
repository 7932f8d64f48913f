"""The ledger: every claim once, judged on the records there are, and nothing judged too early."""

import subprocess
import sys
from dataclasses import replace

import pytest

from adainf_core.configuration import to_plain
from adainf_core.evidence.judging.claims import BestLevel, Contrast, Published, Term
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.evidence.ledger import MARGINS, LedgerEntry, ledger
from adainf_core.evidence.runs.records import RESULTS, read_record, write_record
from adainf_core.evidence.studies.catalogue import all_claims, named_study
from adainf_core.statistics.intervals import Interval


@pytest.fixture
def recorded(make_record, tmp_path):
    """Records of every arm of failure-mode: none best by 5 points and seeds apart by 1."""
    (tmp_path / "registrations.json").write_text((RESULTS / "registrations.json").read_text())
    study = named_study("failure-mode")
    for arm, seed in study.plan("laptop"):
        experiment = study.experiment("laptop", arm, seed)
        linear = 40.0 + seed + 5 * (arm == "none") + 0.1 * ((7 * seed + len(arm)) % 3)
        write_record(
            make_record(
                arm, seed, linear, study="failure-mode", scale="laptop",
                kind=experiment.kind, config=to_plain(experiment), finished="2027-01-01T00:00:00Z",
                metrics={"linear": linear, "knn": 80 - linear},
            ),
            tmp_path,
        )  # fmt: skip
    return tmp_path


def test_a_line_for_each_claim_and_what_it_reads(recorded):
    lines = ledger("laptop", recorded)
    assert [line.claim for line in lines] == list(all_claims())
    by_key = {line.claim.key: line for line in lines}
    harm = by_key["harm"]
    assert harm.verdict.outcome == "holds" and harm.at_margins == ("holds",) * len(MARGINS)
    # the other probe has everything the other way round
    assert harm.with_knn == "does not hold" and harm.own_error_only == "holds"
    assert harm.registration is not None
    assert by_key["cure"].verdict.outcome == "does not hold" and by_key["cure"].with_knn == "holds"
    assert (
        by_key["crop_shift"].verdict.outcome
        == by_key["crop_shift"].own_error_only
        == Outcome.NOT_RUN
    )
    assert {line.verdict.outcome for line in ledger("quick", recorded)} == {Outcome.NOT_RUN}


def test_a_run_older_than_its_rule_is_judged_as_exploratory(recorded):
    judged = [entry for entry in ledger("laptop", recorded) if entry.claim.study == "failure-mode"]
    assert not any(entry.exploratory for entry in judged)
    record = read_record(recorded / "failure-mode" / "laptop" / "none-20.json")
    write_record(replace(record, finished="2026-01-01T00:00:00Z"), recorded)
    again = [entry for entry in ledger("laptop", recorded) if entry.claim.study == "failure-mode"]
    assert again == [replace(entry, exploratory=True) for entry in judged]


def test_neighbours_are_read_by_claims_about_accuracy_alone():
    for entry in ledger("laptop"):
        if not isinstance(entry.claim, Contrast | BestLevel):
            assert entry.with_knn == entry.own_error_only == entry.verdict.outcome
            assert set(entry.at_margins) == {entry.verdict.outcome}


@pytest.mark.parametrize(
    ("said", "inside"), [((), None), ((0.5,), True), ((0.5, 2.5), False), ((None,), None)]
)
def test_whether_the_papers_number_lies_inside(said, inside):
    claim = replace(
        all_claims()[0],
        terms=(Term("a", 1.0),),
        published=tuple(Published("there", d) for d in said),
    )
    verdict = Verdict(claim, "holds", Interval(1.0, 0.0, 2.0, 3))
    line = LedgerEntry(verdict, (), "", "", None, False, "laptop", 0, 0)
    assert line.published_inside is inside
    assert replace(line, verdict=Verdict(claim, Outcome.NOT_RUN)).published_inside is None


def test_the_committed_ledger_reads_what_was_run():
    entries = ledger("laptop")
    run = [entry for entry in entries if entry.verdict.outcome != Outcome.NOT_RUN]
    assert run and all(entry.registration for entry in run if not entry.exploratory)
    # all claims of a study stand alike
    stands = {(entry.claim.study, entry.exploratory, str(entry.registration)) for entry in entries}
    assert len(stands) == len({entry.claim.study for entry in entries})


def test_showing_the_ledger_is_cheap_to_import():
    heavy = ("torch", "scipy.stats", "sklearn")
    code = f"import sys; {{}}; print([m for m in {heavy} if m in sys.modules])"
    for module in ("judging.claims", "judging.verdicts"):
        command = [sys.executable, "-c", code.format(f"import adainf_core.evidence.{module}")]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        assert found.stdout.strip() == "[]", module

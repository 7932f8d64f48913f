"""The ledger: every claim once, judged on the records there are, and nothing judged too early."""

from dataclasses import replace

import pytest

from adainf_core.evidence.judging.claims import Published, Term
from adainf_core.evidence.judging.verdicts import Outcome, Verdict, by_seed
from adainf_core.evidence.ledger import MARGINS, Line, ledger
from adainf_core.evidence.runs.records import RESULTS, config_hash, write_record
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.evidence.studies.claimed import LEDGER
from adainf_core.statistics.intervals import Interval


@pytest.fixture
def recorded(make_record, tmp_path):
    """Records of every arm of failure-mode: none best by 5 points and seeds apart by 1."""
    (tmp_path / "registrations.json").write_text((RESULTS / "registrations.json").read_text())
    study = named_study("failure-mode")
    for arm, seed in study.plan("laptop"):
        config = study.experiment("laptop", arm, seed).config()
        linear = 40.0 + seed + 5 * (arm == "none") + 0.1 * ((7 * seed + len(arm)) % 3)
        write_record(
            make_record(
                arm, seed, linear, study="failure-mode", scale="laptop", config=config,
                config_hash=config_hash(config), finished="2027-01-01T00:00:00Z",
                metrics={"linear": linear, "knn": 60 - linear},
            ),
            tmp_path,
        )  # fmt: skip
    return tmp_path


def test_a_line_for_each_claim_and_what_it_reads(recorded):
    lines = ledger("laptop", recorded)
    assert [line.claim for line in lines] == list(LEDGER)
    by_key = {line.claim.key: line for line in lines}
    harm = by_key["harm"]
    assert harm.verdict.outcome == "holds" and harm.by_margin == ("holds",) * len(MARGINS)
    # the other probe has everything the other way round
    assert harm.neighbours == "does not hold" and harm.paired == "holds"
    assert harm.registration is not None
    assert (
        by_key["cure"].verdict.outcome == "does not hold" and by_key["cure"].neighbours == "holds"
    )
    assert by_key["crop_shift"].verdict.outcome == by_key["crop_shift"].paired == Outcome.NOT_RUN
    assert {line.verdict.outcome for line in ledger("quick", recorded)} == {Outcome.NOT_RUN}


def test_a_rule_younger_than_its_runs_judges_nothing(recorded):
    path = recorded / "failure-mode" / "laptop" / "none-20.json"
    path.write_text(path.read_text().replace("2027-01-01", "2026-01-01"))
    with pytest.raises(ValueError, match="none-20 of 'failure-mode': began 2025-12-31"):
        ledger("laptop", recorded)


@pytest.mark.parametrize(
    ("said", "inside"), [((), None), ((0.5,), True), ((0.5, 2.5), False), ((None,), None)]
)
def test_whether_the_papers_number_lies_inside(said, inside):
    claim = replace(
        LEDGER[0], terms=(Term("a", 1.0),), published=tuple(Published("there", d) for d in said)
    )
    verdict = Verdict(claim, "holds", Interval(1.0, 0.0, 2.0, 3))
    line = Line(verdict, (), "", "", None)
    assert line.published_inside is inside
    assert replace(line, verdict=Verdict(claim, Outcome.NOT_RUN)).published_inside is None


def test_the_committed_ledger_reads_what_was_run():
    records = ledger("laptop")
    run = [line for line in records if line.verdict.outcome != Outcome.NOT_RUN]
    assert run and all(line.registration for line in run)
    assert by_seed([], "none") == {}

"""The ledger: every claim once, judged on the records there are, and nothing judged too early."""

import re
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from adainf_core.cli import main
from adainf_core.configuration import to_plain
from adainf_core.evidence import registration
from adainf_core.evidence.judging.claims import BestLevel, Contrast, Published, Term
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.evidence.ledger import MARGINS, LedgerEntry, ledger, settled
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS, read_record, write_record
from adainf_core.evidence.studies import catalogue, failure_mode_sprites
from adainf_core.evidence.studies.catalogue import all_claims, named_study
from adainf_core.findings import Findings, registration_table
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


def test_fresh_seeds_answer_once_they_are_in():
    entries = ledger()
    before = settled(entries)
    keys = [entry.claim.key for entry in before]
    assert not any(key.endswith("_again") for key in keys) and "harm" in keys
    held = Interval(2.0, 1.0, 3.0, 12)
    answered = [
        replace(e, verdict=Verdict(e.claim, Outcome.HOLDS, held))
        if e.claim.key == "harm_again"
        else e
        for e in entries
    ]
    after = settled(answered)
    changed = [(a.claim.key, b.claim.key) for a, b in zip(before, after, strict=True) if a != b]
    assert changed == [("harm", "harm_again")]


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


def test_neighbours_are_read_by_claims_about_accuracy_alone(laptop_ledger):
    for entry in laptop_ledger:
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


def test_the_committed_ledger_reads_what_was_run(laptop_ledger):
    run = [entry for entry in laptop_ledger if entry.verdict.outcome != Outcome.NOT_RUN]
    assert run and all(entry.registration for entry in run if not entry.exploratory)
    # all claims of a study stand alike
    stands = {
        (entry.claim.study, entry.exploratory, str(entry.registration)) for entry in laptop_ledger
    }
    assert len(stands) == len({entry.claim.study for entry in laptop_ledger})


# ---- a study at quick alone

QUICK = Study(
    "narrow",
    "Does it?",
    {arm: failure_mode_sprites.ARMS[arm] for arm in ("none", "weak")},
    {"quick": replace(failure_mode_sprites.STUDY.layout("quick"), seeds=(3, 3), first_seed=70)},
    (control("narrow_weak", "Weak gains", "narrow", "weak", "none", short="weak > none"),),
)


@pytest.fixture
def quick(monkeypatch):
    """The catalogue, had it one more study, at quick alone."""
    module = ModuleType("narrow")
    module.STUDY = QUICK
    monkeypatch.setitem(sys.modules, "adainf_core.evidence.studies.narrow", module)
    monkeypatch.setattr(catalogue, "MODULES", (*catalogue.MODULES, "narrow"))
    catalogue.studies.cache_clear()
    yield QUICK
    monkeypatch.undo()
    catalogue.studies.cache_clear()


def written(make_record, root, runs):
    for arm, seed in runs:
        experiment = QUICK.experiment("quick", arm, seed)
        write_record(
            make_record(
                arm, seed, 50.0 + 5 * (arm == "weak") + 0.1 * seed, study="narrow", scale="quick",
                kind=experiment.kind, config=to_plain(experiment), finished="2027-01-01T00:00:00Z",
            ),
            root,
        )  # fmt: skip


def test_a_study_is_judged_at_the_scale_that_it_has():
    layout = failure_mode_sprites.STUDY.layout("quick")
    for has, judged in {
        ("quick",): "quick", ("quick", "laptop"): "laptop", ("laptop", "gpu"): "laptop",
        ("quick", "gpu"): "quick", ("gpu", "paper"): "gpu",
    }.items():  # fmt: skip
        assert replace(QUICK, layouts=dict.fromkeys(has, layout)).judged_scale == judged


def test_a_study_at_quick_alone_is_run_registered_judged_and_told(
    quick, make_record, tmp_path, capsys, monkeypatch
):
    where = ["--results", str(tmp_path / "new")]
    monkeypatch.setattr(registration, "_git", lambda *words: {"status": ""}.get(words[0], "f" * 40))
    assert main(["claims", "register", *where]) == 0  # the folder is made
    written(make_record, tmp_path / "new", QUICK.plan("quick")[:4])  # two of three seeds
    capsys.readouterr()
    assert main(["claims", "show", *where]) == 0
    registered, _, exploratory = capsys.readouterr().out.partition("exploratory")
    (line,) = (line for line in registered.splitlines() if "Weak gains" in line)
    assert "n = 2 (4 of 6 runs) at quick" in line and not exploratory
    assert main(["study", "status", "narrow", *where]) == 0
    assert " quick        6     4     4 " in capsys.readouterr().out  # of no code that there is
    # another scale than its own has nothing
    assert main(["claims", "show", "--scale", "laptop", *where]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "Weak gains" in x)
    assert line.split()[1:3] == ["not", "run"]

    root = tmp_path / "new"
    found = Findings("narrow", root=root)
    (entry,) = (e for e in ledger(root=root) if e.claim.study == "narrow")
    assert (found.scale, len(found.records), found.planned) == ("quick", 4, 6)
    assert entry.verdict == found.verdicts["narrow_weak"] and entry.verdict.outcome == "holds"
    assert found.forest().alt and "4 of 6 runs are in" in found.recorded
    (row,) = registration_table([entry], root).rows
    assert row[0] == "`narrow`" and row[2].strip("`") == "f" * 10 and row[5].startswith("4 of 6")


def test_what_show_refuses_the_register_that_it_names_mends(
    quick, make_record, tmp_path, capsys, monkeypatch
):
    """They look at one folder: also where it is not the book's."""
    monkeypatch.setattr(registration, "_git", lambda *words: {"status": ""}.get(words[0], "f" * 40))
    where = ["--results", str(tmp_path)]
    assert main(["claims", "register", *where]) == 0
    monkeypatch.setattr(registration, "MARGIN", 2.0)
    assert main(["claims", "show", *where]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    command = re.search(r"run adainf (claims register.*), which", line)[1]
    assert main(command.split()) == 0 and main(["claims", "show", *where]) == 0

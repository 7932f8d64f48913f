"""Registration: rules that are fixed before the runs they judge, and a file that says so."""

import inspect
import json
import subprocess
from dataclasses import asdict, field, fields, make_dataclass, replace

import pytest

from adainf_core.evidence import registration
from adainf_core.evidence.judging.claims import Contrast, Published, Term
from adainf_core.evidence.registration import (
    Registration,
    plan_hash,
    register,
    registrations,
    rule_hash,
    standing,
)
from adainf_core.evidence.runs.records import RESULTS, began
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import all_claims, family, studies
from adainf_core.evidence.studies.gap_experiment import GapExperiment
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.gap.report import gap_report
from adainf_core.learning import probing

STUDIES, LEDGER = studies(), all_claims()

STUDY = "failure-mode"
FIXED = "2026-11-23T10:00:00Z"
JUDGED = tuple(dict.fromkeys(claim.study for claim in LEDGER))


@pytest.fixture
def hash_of(monkeypatch):
    """The rule's hash were the ledger's claims about the study others."""

    def hashed(*claims):
        monkeypatch.setattr(registration, "family", lambda study: claims)
        return rule_hash(STUDY)

    return hashed


@pytest.fixture
def registered(tmp_path):
    """A folder of results whose one registration is of today's rule."""
    entry = {
        "rule": rule_hash(STUDY), "commit": "0" * 40, "registered": FIXED, "covers": "rule"
    }  # fmt: skip
    (tmp_path / "registrations.json").write_text(json.dumps({STUDY: entry}))
    return tmp_path


CLAIM = Contrast("k", "a beats b", STUDY, (Term("a", 1.0), Term("b", -1.0)))


def test_wording_is_not_the_rule(hash_of):
    same = replace(
        CLAIM,
        statement="A is better",
        published=(Published("Table 1", 0.2),),
        asked_by="control",
        short="A",
    )
    assert hash_of(CLAIM) == hash_of(same)


def test_whatever_decides_is_the_rule(hash_of, monkeypatch):
    (kind, *_), found = family("mixing-ratio"), set()
    turned = replace(CLAIM, terms=CLAIM.terms[::-1])
    variants = [
        (CLAIM,),
        (turned,),
        (replace(CLAIM, terms=(Term("a", 1.0), Term("b", -2.0))),),
        (replace(CLAIM, terms=(Term("a", 1.0, "knn"), Term("b", -1.0))),),
        (replace(CLAIM, key="other"),),
        (CLAIM, replace(CLAIM, key="second")),  # a larger family is corrected for more
        (kind,),
        (replace(kind, claimed=(5.0, 50.0)),),
        (replace(kind, levels=kind.levels[:-1]),),
    ]
    for claims in variants:
        found.add(hash_of(*claims))
    for name, value in (("MARGIN", 0.5), ("CONFIDENCE", 0.9), ("RULE", 2)):
        monkeypatch.setattr(registration, name, value)
        found.add(hash_of(CLAIM))
    assert len(found) == len(variants) + 3


@pytest.mark.parametrize("study", ["cifar-graph", "sprite-gap", "theory-predicts"])
def test_whatever_another_kind_of_claim_carries_is_the_rule(study, hash_of):
    claims = family(study)
    found = {hash_of(*claims), hash_of(*claims[1:])}
    for change in ({"margin": 0.02}, {"comparisons": ()}, {"same_side": True}, {"threshold": 0.9},
                   {"sign": -claims[0].sign if hasattr(claims[0], "sign") else 0},
                   {"ranked": ()}, {"truth": "other"}, {"measure": "other"}):  # fmt: skip
        if all(hasattr(claims[0], name) for name in change):
            found.add(hash_of(replace(claims[0], **change), *claims[1:]))
    assert len(found) == 2 + (3 if hasattr(claims[0], "margin") else 5)


RUNS = STUDIES[STUDY]


def test_what_began_before_is_exploratory(registered, make_record):
    late = make_record(arm="vanilla", seed=10, finished="2026-11-23T10:05:00Z", wall_seconds=300.0)
    early = replace(late, seed=11, wall_seconds=301.0)
    found = registrations(registered)[STUDY]
    assert standing(RUNS, "laptop", [late], registered) == (found, False)
    assert standing(RUNS, "laptop", [], registered) == (found, False)
    assert standing(RUNS, "laptop", [late, early], registered) == (found, True)
    # what no claim reads does not matter
    unread = replace(early, arm="nobody")
    assert standing(RUNS, "laptop", [late, unread], registered) == (found, False)


def test_a_day_without_a_time_may_have_been_its_earliest(registered, make_record):
    record = make_record(arm="vanilla", finished="2026-11-23", wall_seconds=60.0)
    assert began(record) == "2026-11-22T23:59:00Z"
    assert standing(RUNS, "laptop", [record], registered).exploratory
    later = replace(record, finished="2026-11-24")
    assert not standing(RUNS, "laptop", [later], registered).exploratory


def test_a_repeated_run_counts_from_the_first(registered, make_record):
    """What was looked at before the rule is not confirmed by running it again."""
    again = make_record(arm="vanilla", finished="2026-11-24T10:00:00Z")
    assert not standing(RUNS, "laptop", [again], registered).exploratory
    again = replace(again, first_began="2026-11-22T10:00:00Z")
    assert standing(RUNS, "laptop", [again], registered).exploratory


def test_an_unregistered_study_is_exploratory_once_it_has_run(registered, make_record):
    run = make_record(arm="vanilla", finished="2027-01-01T00:00:00Z")
    for folder, study in ((registered, "ablation"), (registered / "nowhere", STUDY)):
        assert standing(STUDIES[study], "laptop", [], folder) == (None, False)
        assert standing(STUDIES[study], "laptop", [run], folder) == (None, True)


def test_a_changed_rule_is_refused(registered, monkeypatch):
    monkeypatch.setattr(registration, "MARGIN", 2.0)
    with pytest.raises(
        ValueError, match="the rule of study 'failure-mode' is another one than was registered"
    ):
        standing(RUNS, "laptop", [], registered)


# ---- plans

SPRITES = STUDIES["sprite-gap"]


def test_arms_seeds_and_settings_are_the_plan():
    layout = SPRITES.layout("laptop")
    layouts = {
        "laptop": layout,
        "other": replace(layout, seeds=(2, 2)),
        "larger": replace(layout, base=replace(layout.base, n=6000)),
    }
    study = replace(SPRITES, layouts=layouts)
    fewer = replace(study, arms=dict(list(study.arms.items())[1:]))
    hashes = [plan_hash(study, scale) for scale in layouts] + [plan_hash(fewer, "laptop")]
    assert len(set(hashes)) == 4
    # the order of the arms is no matter, nor what the study is called
    shuffled = replace(study, name="x", arms=dict(reversed(study.arms.items())))
    assert plan_hash(shuffled, "laptop") == hashes[0] == plan_hash(SPRITES, "laptop")


def test_a_neutral_field_does_not_change_the_plan():
    class Widened:
        """The study, had its experiments been given one more field."""

        def __init__(self, value):
            self.value = value

        def plan(self, scale):
            return SPRITES.plan(scale)

        def experiment(self, scale, arm, seed):
            found = SPRITES.experiment(scale, arm, seed)
            wider = make_dataclass(
                "Wider", [("erase", float, field(default=0.0))], bases=(type(found),), frozen=True
            )
            return wider(
                **{f.name: getattr(found, f.name) for f in fields(found)}, erase=self.value
            )

    assert plan_hash(Widened(0.0), "laptop") == plan_hash(SPRITES, "laptop")
    assert plan_hash(Widened(0.5), "laptop") != plan_hash(SPRITES, "laptop")


def test_a_changed_plan_is_refused_and_a_new_registration_takes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(registration, "_git", lambda *words: {"status": ""}.get(words[0], "f" * 40))
    register(tmp_path, looks=3)
    entry = registrations(tmp_path)["sprite-gap"]
    assert entry.plan == {"laptop": plan_hash(SPRITES, "laptop")}
    assert (entry.covers, entry.looks) == ("rule, plan and protocol", 3)
    more = replace(SPRITES, layouts={"laptop": replace(SPRITES.layout("laptop"), seeds=(2, 2))})
    with pytest.raises(ValueError, match="the plan of study 'sprite-gap' is another one"):
        standing(more, "laptop", [], tmp_path)
    monkeypatch.setattr(registration, "studies", lambda: STUDIES | {"sprite-gap": more})
    assert register(tmp_path) == ["sprite-gap"]
    assert standing(more, "laptop", [], tmp_path).registration.looks == 1


# ---- protocols


def test_what_measures_is_registered_anew_only(tmp_path, monkeypatch):
    monkeypatch.setattr(registration, "_git", lambda *words: {"status": ""}.get(words[0], "f" * 40))
    register(tmp_path)
    entries = registrations(tmp_path)
    earlier = replace(
        entries["sprite-gap"], covers="rule and plan",
        plan={"laptop": plan_hash(SPRITES, "laptop", protocol=False)},
    )  # fmt: skip
    monkeypatch.setattr(GapExperiment, "protocol", {**GapExperiment.protocol, "confidence": 0.9})
    with pytest.raises(ValueError, match="the plan of study 'sprite-gap' is another one"):
        standing(SPRITES, "laptop", [], tmp_path)
    entries["sprite-gap"] = earlier
    written = {name: asdict(entry) for name, entry in entries.items()}
    (tmp_path / "registrations.json").write_text(json.dumps(written))
    assert standing(SPRITES, "laptop", [], tmp_path).registration == earlier
    assert "sprite-gap" not in register(tmp_path)  # another kind's has changed nothing


def test_what_a_kind_says_of_its_protocol_is_what_the_code_does():
    said = TrainingExperiment.protocol
    assert said["linear"]["penalties"] == probing.PENALTIES
    assert said["linear"]["folds"] == probing._FOLDS
    for name, probe in (("linear", probing.linear_probe), ("knn", probing.knn_probe)):
        defaults = inspect.signature(probe).parameters
        for key, value in said[name].items():
            if key in defaults and key != "penalties":
                assert defaults[key].default == value
    assert (
        GapExperiment.protocol["confidence"]
        == inspect.signature(gap_report).parameters["confidence"].default
    )


@pytest.mark.parametrize("covers", ["rule", "plan", "nothing"])
def test_what_is_covered_agrees_with_what_is_there(covers):
    with pytest.raises(ValueError, match=f"covers='{covers}'"):
        Registration("r", "c", FIXED, covers, {} if covers == "plan" else {"laptop": "h"})


ENTRY = {"rule": "x", "commit": "y", "registered": FIXED, "covers": "rule"}


@pytest.mark.parametrize(
    "damage",
    ["", "[1, 2]", "{", '{"failure-mode": {"rule": "x"}}', '{"failure-mode": 3}']
    + [json.dumps({"failure-mode": entry}) for entry in (
        ENTRY | {"registered": "z"}, ENTRY | {"covers": "all"}, ENTRY | {"more": 1},
        ENTRY | {"plan": 3, "covers": "rule and plan"},
        {key: value for key, value in ENTRY.items() if key != "covers"})]
    + [json.dumps({"failure-mood": ENTRY})],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "registrations.json"
    path.write_text(damage)
    with pytest.raises(ValueError, match=f"{path}: not a list of registrations"):
        registrations(tmp_path)


def test_registering_keeps_what_has_not_changed(registered, monkeypatch):
    monkeypatch.setattr(registration, "_git", lambda *words: {"status": ""}.get(words[0], "f" * 40))
    changed = register(registered)
    assert changed == [study for study in JUDGED if study != STUDY]
    found = registrations(registered)
    assert tuple(found) == JUDGED and found[STUDY].registered == FIXED
    assert {found[study].commit for study in changed} == {"f" * 40}
    assert found[STUDY].covers == "rule"  # as it was: its plan is not looked at
    assert register(registered) == [] and registrations(registered) == found


def test_claims_have_to_be_committed_first(tmp_path, monkeypatch):
    monkeypatch.setattr(registration, "_git", lambda *words: " M judging/claims.py")
    with pytest.raises(ValueError, match="judging has changes that are not committed"):
        register(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_study_is_looked_at_at_least_once(tmp_path):
    with pytest.raises(ValueError, match="looks = 0"):
        register(tmp_path, looks=0)


def test_without_git_the_error_says_so(tmp_path, monkeypatch):
    def absent(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    with pytest.raises(ValueError, match="registering needs it"):
        register(tmp_path)


# ---- what is committed


@pytest.mark.parametrize("study", JUDGED)
def test_the_rule_of_every_study_is_registered_as_it_stands(study):
    assert registrations()[study].rule == rule_hash(study)


@pytest.mark.parametrize("study", JUDGED)
def test_only_first_studies_of_other_kinds_ran_before_they_were_registered(study):
    scale = STUDIES[study].judged_scale
    records = study_records(STUDIES[study], scale)
    early = study in ("cifar-graph", "sprite-gap", "theory-predicts")
    assert standing(STUDIES[study], scale, records, RESULTS).exploratory == early

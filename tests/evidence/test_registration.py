"""Registration: rules that are fixed before the runs they judge, and a file that says so."""

import json
import subprocess
from dataclasses import replace

import pytest

from adainf_core.evidence import registration
from adainf_core.evidence.judging.claims import Contrast, Published, Term
from adainf_core.evidence.registration import (
    check_registered,
    register,
    registrations,
    rule_hash,
)
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import STUDIES
from adainf_core.evidence.studies.claimed import LEDGER, family

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
    entry = {"rule": rule_hash(STUDY), "commit": "0" * 40, "registered": FIXED}
    (tmp_path / "registrations.json").write_text(json.dumps({STUDY: entry}))
    return tmp_path


CLAIM = Contrast("k", "a beats b", STUDY, (Term("a", 1.0), Term("b", -1.0)))


def test_wording_is_not_the_rule(hash_of):
    same = replace(
        CLAIM, statement="A is better", published=(Published("Table 1", 0.2),), asked_by="control"
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


def test_a_run_that_began_before_is_refused_with_its_name(registered, make_record):
    late = make_record(arm="vanilla", seed=10, finished="2026-11-23T10:05:00Z", wall_seconds=300.0)
    early = replace(late, seed=11, wall_seconds=301.0)
    assert check_registered(STUDY, [late], registered).registered == FIXED
    assert check_registered(STUDY, [], registered).commit == "0" * 40
    with pytest.raises(
        ValueError, match=r"vanilla-11 of 'failure-mode': began 2026-11-23T09:59:59Z"
    ):
        check_registered(STUDY, [late, early], registered)


def test_an_unregistered_or_changed_rule_is_refused(registered, monkeypatch):
    for folder, study in ((registered, "ablation"), (registered / "nowhere", STUDY)):
        with pytest.raises(
            ValueError, match=rf"registrations.json: .* '{study}' is not registered"
        ):
            check_registered(study, [], folder)
    monkeypatch.setattr(registration, "MARGIN", 2.0)
    with pytest.raises(ValueError, match="'failure-mode' is another one than was registered"):
        check_registered(STUDY, [], registered)


@pytest.mark.parametrize(
    "damage",
    ["", "[1, 2]", "{", '{"failure-mode": {"rule": "x"}}', '{"failure-mode": 3}',
     '{"failure-mode": {"rule": "x", "commit": "y", "registered": "z", "more": 1}}'],
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
    assert register(registered) == [] and registrations(registered) == found


def test_claims_have_to_be_committed_first(tmp_path, monkeypatch):
    monkeypatch.setattr(registration, "_git", lambda *words: " M claims.py")
    with pytest.raises(ValueError, match=r"claims\.py has changes that are not committed"):
        register(tmp_path)
    assert list(tmp_path.iterdir()) == []


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
def test_no_committed_run_is_older_than_its_rule(study):
    for scale in STUDIES[study].layouts:
        check_registered(study, study_records(STUDIES[study], scale), RESULTS)

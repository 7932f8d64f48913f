"""Records: whole or absent, faithful, and suspicious of what they read."""

import json
import os
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from adainf_core.evidence.runs import records
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.runs.records import (
    check_agreement,
    load_records,
    read_record,
    recorded,
    source_commit,
    write_record,
)


@dataclass(frozen=True)
class Trial:
    world: str
    seed: int
    added: float = 0.5  # a field that has joined since the records of these tests

    kind: ClassVar[str] = "trial"
    quantities: ClassVar[dict[str, Quantity]] = {"linear": PERCENT}


def test_comes_back_as_written(make_record, tmp_path):
    for arm, seed in (("weak", 1), ("none", 2), ("none", 0)):
        write_record(make_record(arm=arm, seed=seed), tmp_path)
    loaded = load_records("trial", "quick", tmp_path)
    assert loaded == [make_record(seed=0), make_record(seed=2), make_record(arm="weak", seed=1)]


def test_an_interrupted_write_leaves_the_old_record(make_record, tmp_path, monkeypatch):
    path = write_record(make_record(linear=1.0), tmp_path)

    def no_space(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="No space"):
        write_record(make_record(linear=2.0), tmp_path)
    assert read_record(path).metrics == {"linear": 1.0}
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def sealed_anew(path, change):
    """Change a record's file as somebody would who also knows how its checksum is made."""
    content = json.loads(path.read_text())
    change(content)
    if content.pop("checksum", None) is not None:
        content["checksum"] = records._checksum(content)
    path.write_text(json.dumps(content))


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.pop("metrics"), "lacks field 'metrics'"),
        (lambda c: c.pop("checksum"), "lacks field 'checksum'"),
        (lambda c: c.update(extra=1), "has unknown field 'extra'"),
        (lambda c: c.update(schema=2), "schema 2, this version reads 3; delete it and run the"),
        (lambda c: c.update(schema=4), "schema 4, this version reads 3; update adainf_core"),
        (lambda c: c.update(schema=True), "schema True, this version reads 3"),
        (lambda c: c.update(schema="3"), "schema '3', this version reads 3"),
        (lambda c: c.update(study=""), "study='' has to be a text"),
        (lambda c: c.update(code={"a": 5}), "code={'a': 5} has to be a text"),
        (lambda c: c.update(commit=7), "commit=7 has to be a text or null"),
        (lambda c: c.update(rehearsed_on=None), "rehearsed_on=None has to be a text"),
        (lambda c: c.update(clean="yes"), "clean='yes' has to be true, false or null"),
        (lambda c: c.update(clean=1), "clean=1 has to be true, false or null"),
        (lambda c: c.update(seed="0"), "seed='0' is no seed"),
        (lambda c: c.update(seed=-1), "seed=-1 is no seed"),
        (lambda c: c.update(seed=True), "seed=True is no seed"),
        (lambda c: c.update(seed=0.0), "seed=0.0 is no seed"),
        (lambda c: c.update(wall_seconds="x"), "wall_seconds='x' is no number from 0 to inf"),
        (lambda c: c.update(wall_seconds=INF), "wall_seconds=inf is no number from 0 to inf"),
        (lambda c: c.update(wall_seconds=-1), "wall_seconds=-1 is no number from 0 to inf"),
        (lambda c: c.update(beta=1.5), "beta=1.5 is no number from 0 to 1"),
        (lambda c: c.update(beta=True), "beta=True is no number from 0 to 1"),
        (lambda c: c.update(finished="soon"), "finished='soon' is no time"),
        (lambda c: c.update(versions=["2.0"]), r"versions=\['2.0'\] is of the wrong type"),
        (lambda c: c["versions"].pop("torch"), "versions lacks 'torch'"),
        (lambda c: c["versions"].update(torch=2), "versions.torch=2 is no text"),
        (lambda c: c.update(protocols={"linear": 5}), "protocols.linear=5 is no text"),
        (lambda c: c.update(metrics={}), "metrics={} holds no number"),
        (lambda c: c.update(metrics=None), "metrics=None is of the wrong type"),
        (lambda c: c["metrics"].update(linear="x"), "metrics.linear='x' is no number"),
        (lambda c: c["metrics"].update(linear=True), "metrics.linear=True is no number"),
        (lambda c: c["metrics"].update(linear=NAN), "metrics.linear=nan is no number"),
        (lambda c: c["metrics"].update(linear=INF), "metrics.linear=inf is no number"),
        (lambda c: c.update(rehearsal={"linear": INF}), "rehearsal.linear=inf is no number"),
        (lambda c: c.update(rehearsal=[1]), r"rehearsal=\[1\] is of the wrong type"),
        (lambda c: c.update(probes={"linear": 5}), "probes.linear=5 is no table of plain values"),
        (lambda c: c.update(probes={"linear": {"penalty": NAN}}), "probes.linear=.* is no table"),
        (lambda c: c["config"].update(seed=NAN), "config=.* is no table of plain values"),
        (lambda c: c.update(history={}), "history={} is of the wrong type"),
        (lambda c: c.update(history=[5]), "history holds 5, which is no step with its loss"),
        (lambda c: c["history"][0].pop("loss"), "history holds {'step': 1}, which is no step"),
        (lambda c: c["history"][0].update(loss=INF), "history holds .*inf.*, which is no later"),
        (lambda c: c["history"].append(c["history"][0]), "history holds .*, which is no later"),
        (lambda c: c.update(arm="weak"), "holds arm 'weak', seed 0; its name has to say the same"),
    ],
)
def test_an_unsound_record_is_refused_with_its_file(make_record, tmp_path, change, says):
    path = write_record(make_record(), tmp_path)
    sealed_anew(path, change)
    with pytest.raises(ValueError, match=f"{path.name}: .*{says}") as error:
        read_record(path)
    assert "\n" not in str(error.value)


def test_what_would_not_be_read_is_not_written(make_record, tmp_path):
    with pytest.raises(ValueError, match=r"none-0.json is not written: metrics.linear=inf"):
        write_record(make_record(linear=INF), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "found", "says"),
    [
        ("metrics", {"linear": 144.47}, "metrics.linear=144.47 lies outside 0 to 100"),
        ("metrics", {"linear": -1.0}, "metrics.linear=-1.0 lies outside 0 to 100"),
        ("metrics", {"lineaz": 44.0}, "metrics.lineaz is nothing that 'trial' experiments measure"),
        ("rehearsal", {"linear": 101.0}, "rehearsal.linear=101.0 lies outside 0 to 100"),
    ],
)
def test_a_number_that_its_kind_cannot_find_is_refused(make_record, tmp_path, name, found, says):
    path = write_record(make_record(**{name: found}), tmp_path)
    with pytest.raises(ValueError, match=f"{path.name}: {says}; delete it"):
        recorded(Trial, "quick", tmp_path)


# ---- damage


def damaged(text: bytes, rng: np.random.Generator) -> bytes:
    """`text` with one bit of one of its bytes the other way round."""
    changed = bytearray(text)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def test_no_flipped_bit_changes_a_number_in_silence(tmp_path):
    rng, said = np.random.default_rng(0), []
    files = rng.choice(sorted(records.RESULTS.glob("*/*/*.json")), 300)
    for number, path in enumerate(files):
        copy = tmp_path / str(number) / path.name
        copy.parent.mkdir()
        copy.write_bytes(damaged(path.read_bytes(), rng))
        try:
            # what is read has to be the record; a blank that became another one harms nothing
            assert read_record(copy) == read_record(path)
        except ValueError as error:
            said.append(str(error).removeprefix(f"{copy}: "))
    assert len(said) > 150
    assert not any("\n" in line or str(tmp_path) in line for line in said)


def test_a_swapped_digit_is_damage(make_record, tmp_path):
    path = write_record(make_record(linear=44.47), tmp_path)
    path.write_text(path.read_text().replace("44.47", "94.47"))
    with pytest.raises(ValueError, match=r"none-0.json: damaged: its checksum is of another"):
        read_record(path)


def test_spaces_and_the_order_of_fields_are_no_damage(make_record, tmp_path):
    path = write_record(make_record(), tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(content.items()))))
    assert read_record(path) == make_record()


def test_facts_of_probes_are_kept(make_record, tmp_path):
    facts = {"linear": {"penalty": 1e-3, "path": [[1.0, 0.4], [1e-3, 0.5]], "converged": True}}
    path = write_record(make_record(probes=facts), tmp_path)
    assert read_record(path).probes == facts


def test_a_truncated_record_is_refused(make_record, tmp_path):
    path = write_record(make_record(), tmp_path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match="not JSON"):
        read_record(path)


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    path = tmp_path / "list.json"
    path.write_text("[1, 2]")
    with pytest.raises(ValueError, match="holds no record"):
        read_record(path)


def test_a_file_is_read_once_and_again_when_it_has_changed(make_record, tmp_path, monkeypatch):
    path = write_record(make_record(linear=1.0), tmp_path)
    assert read_record(path) is read_record(path)
    write_record(make_record(linear=2.0), tmp_path)
    assert read_record(path).metrics == {"linear": 2.0}


def test_records_of_one_configuration_are_found_together(make_record, tmp_path):
    # the same run under two studies, another run, one at another scale, one of another kind
    for change in (
        {}, {"study": "other", "arm": "b"}, {"seed": 1}, {"scale": "gpu", "seed": 2},
        {"study": "alien", "kind": "alien", "config": {"legs": 6}},
    ):  # fmt: skip
        write_record(make_record(**change), tmp_path)
    found = recorded(Trial, "quick", tmp_path)
    assert {key: len(same) for key, same in found.items()} == {
        Trial("sprites", 0): 2,
        Trial("sprites", 1): 1,
    }
    assert recorded(Trial, "paper", tmp_path) == {}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"world": "sprites", "seed": 0, "gone": 1}, "unknown key 'gone'"),
        ({"world": "sprites", "seed": "first"}, "seed='first': need int"),
        ({"world": "sprites"}, "missing 1 required"),
    ],
)
def test_a_configuration_that_no_longer_parses_is_one_line(make_record, tmp_path, config, says):
    path = write_record(make_record(config=config), tmp_path)
    with pytest.raises(ValueError, match=says) as error:
        recorded(Trial, "quick", tmp_path)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and "delete the record" in said and "\n" not in said


def test_the_commit_is_that_of_the_tree(tmp_path, monkeypatch):
    commit, clean = source_commit()
    assert commit is None or (len(commit) == 40 and clean in (True, False))
    monkeypatch.setattr(records, "PACKAGE", tmp_path)  # no repository
    assert source_commit() == (None, None)


def test_two_records_that_disagree_are_refused_with_both_and_the_metric(make_record, tmp_path):
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    with pytest.raises(ValueError, match=r"metrics\.linear=50\.0 against 50\.1; keep one") as error:
        check_agreement(make_record(), make_record(linear=50.1), one, other)
    assert str(one) in str(error.value) and str(other) in str(error.value)
    more = make_record(metrics={"linear": 50.0, "knn": 1.0})
    with pytest.raises(ValueError, match=r"metrics\.knn=None against 1\.0"):
        check_agreement(make_record(), more, one, other)
    # another time or machine is no disagreement
    check_agreement(make_record(), make_record(device="cpu 2", wall_seconds=2.0), one, other)


def test_committed_records_are_sound():
    for path in records.RESULTS.glob("*/*/*.json"):
        record = read_record(path)
        assert path == records.record_path(record.study, record.scale, record.arm, record.seed)

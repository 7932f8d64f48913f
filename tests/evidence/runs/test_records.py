"""Records: whole or absent, faithful, and suspicious of what they read."""

import json
import os
from dataclasses import dataclass
from typing import ClassVar

import pytest

from adainf_core.evidence.runs import records
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


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.pop("metrics"), "lacks field 'metrics'"),
        (lambda c: c.update(extra=1), "has unknown field 'extra'"),
        (lambda c: c.update(schema=1), "schema 1, this version reads 2; run the study again"),
        (lambda c: c.update(schema=3), "schema 3, this version reads 2; update adainf_core"),
        (lambda c: c.update(clean="yes"), "clean='yes' is of the wrong type"),
        (lambda c: c.update(code={}), "code={} is of the wrong type"),
        (lambda c: c.update(metrics=None), "metrics=None is of the wrong type"),
        (lambda c: c.update(wall_seconds="x"), "wall_seconds='x' is of the wrong type"),
        (lambda c: c.update(seed="0"), "seed='0' is of the wrong type"),
        (lambda c: c["metrics"].update(linear="x"), "metrics.linear='x' is no number"),
        (lambda c: c["metrics"].update(linear=float("nan")), "metrics.linear=nan is no number"),
        (lambda c: c.update(arm="weak"), "holds arm 'weak', seed 0; its name has to say the same"),
    ],
)
def test_an_unsound_record_is_refused_with_its_file(make_record, tmp_path, change, says):
    path = write_record(make_record(), tmp_path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{path.name}: .*{says}"):
        read_record(path)


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

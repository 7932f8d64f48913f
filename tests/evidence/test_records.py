"""Records: whole or absent, faithful, and suspicious of what they read."""

import ast
import json
import os

import pytest

from adainf_core.evidence import records
from adainf_core.evidence.records import (
    _bones,
    code_hashes,
    config_hash,
    load_records,
    provenance,
    read_record,
    write_record,
)


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
        (lambda c: c.update(schema=2), "schema 2"),
        (lambda c: c["config"].update(seed=7), "edited by hand"),
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


def test_config_hash_sees_values_not_order():
    assert config_hash({"a": 1, "b": (2, 3)}) == config_hash({"b": [2, 3], "a": 1})
    assert config_hash({"a": 1}) != config_hash({"a": 2})


def bones(source: str) -> str:
    return _bones(ast.parse(source))


def test_code_hash_is_blind_to_comments_docstrings_and_layout():
    plain = "def f(x):\n    return x + 1\n"
    dressed = '"""Module."""\n# note\ndef f(x):\n    """Doc."""\n    return (x\n            + 1)\n'
    assert bones(plain) == bones(dressed)
    assert bones(plain) != bones(plain.replace("1", "2"))
    assert bones("def f(x):\n    return x\n") != bones("def f(x, y=1):\n    return x\n")


def test_changed_code_makes_a_record_stale(make_record):
    current = code_hashes(("data/images.py", "data/inflation.py"))
    assert make_record(code=current).stale == []
    assert make_record(code=current | {"data/images.py": "0"}).stale == ["data/images.py"]
    assert make_record(code={"data/gone.py": "0"}).stale == ["data/gone.py"]


def test_provenance_says_stale_or_unchanged(make_record):
    assert provenance([make_record(), make_record(seed=1)]).startswith("2 runs of `trial`")
    assert "unchanged" in provenance([make_record()])
    assert "**stale**: data/gone.py" in provenance([make_record(code={"data/gone.py": "0"})])
    with pytest.raises(ValueError, match="run the study first"):
        provenance([])


def test_committed_records_are_sound():
    for path in records.RESULTS.glob("*/*/*.json"):
        record = read_record(path)
        assert path == records.record_path(record.study, record.scale, record.arm, record.seed)

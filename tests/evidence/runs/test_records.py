"""Records: whole or absent, faithful, and suspicious of what they read."""

import ast
import json
import os

import pytest

from adainf_core.evidence.runs import records
from adainf_core.evidence.runs.records import (
    _bones,
    check_agreement,
    code_hashes,
    config_hash,
    load_records,
    provenance,
    read_record,
    records_by_config,
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


def test_one_class_of_a_file_is_hashed_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PACKAGE", tmp_path)
    file = tmp_path / "dial.py"

    def hashes(text: str) -> dict[str, str]:
        records._source_hash.cache_clear()
        file.write_text(text)
        return code_hashes(("dial.py", "dial.py:A", "dial.py:B", "dial.py:C"))

    try:
        before = hashes("class A:\n    x = 1\n\nclass B:\n    y = 2\n")
        after = hashes("class B:\n    y = 3\n\nclass A:\n    'doc'\n    x = 1\n")
    finally:
        records._source_hash.cache_clear()
    assert before["dial.py:A"] == after["dial.py:A"] and before["dial.py:B"] != after["dial.py:B"]
    assert before["dial.py"] != after["dial.py"] and before["dial.py:C"] == "absent"


def test_weights_count_byte_by_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PACKAGE", tmp_path)
    found = []
    for content in (b"\x00\xff weights", b"\x00\xfe weights", b"\x00\xff weights"):
        records._source_hash.cache_clear()
        (tmp_path / "model.bin").write_bytes(content)
        found.append(code_hashes(("model.bin",))["model.bin"])
    records._source_hash.cache_clear()
    assert found[0] == found[2] != found[1]


def test_provenance_says_stale_or_unchanged(make_record):
    assert provenance([make_record(), make_record(seed=1)]).startswith("2 runs of `trial`")
    assert "unchanged" in provenance([make_record()])
    assert "**stale**: data/gone.py" in provenance([make_record(code={"data/gone.py": "0"})])
    with pytest.raises(ValueError, match="run the study first"):
        provenance([])


def test_provenance_has_the_days_of_times_and_dates(make_record):
    early = make_record(finished="2026-11-22")
    late = make_record(seed=1, finished="2026-11-23T23:59:59Z")
    assert ", 2026-11-22, cpu" in provenance([early])
    assert ", 2026-11-23, cpu" in provenance([late, late])
    assert ", 2026-11-22 to 2026-11-23, cpu" in provenance([late, early])


def test_records_of_one_configuration_are_found_once(make_record, tmp_path):
    # the same run under two studies, another run, and one at another scale
    for change in ({}, {"study": "other", "arm": "b"}, {"seed": 1}, {"scale": "gpu", "seed": 2}):
        write_record(make_record(**change), tmp_path)
    found = records_by_config("quick", tmp_path)
    assert {digest: record.seed for digest, record in found.items()} == {
        make_record(seed=seed).config_hash: seed for seed in (0, 1)
    }
    assert records_by_config("paper", tmp_path) == {}


def test_two_records_that_disagree_are_refused_with_both_and_the_metric(make_record, tmp_path):
    one = write_record(make_record(), tmp_path)
    other = write_record(make_record(study="other", metrics={"linear": 50.0, "knn": 1.0}), tmp_path)
    with pytest.raises(ValueError, match=r"metrics\.knn=1\.0 against None; keep one") as error:
        records_by_config("quick", tmp_path)
    assert str(one) in str(error.value) and str(other) in str(error.value)
    with pytest.raises(ValueError, match=r"metrics\.linear=50\.0 against 50\.1"):
        check_agreement(make_record(), make_record(linear=50.1), one, other)
    # another time or machine is no disagreement
    check_agreement(make_record(), make_record(device="cpu 2", wall_seconds=2.0), one, other)


def test_committed_records_are_sound():
    for path in records.RESULTS.glob("*/*/*.json"):
        record = read_record(path)
        assert path == records.record_path(record.study, record.scale, record.arm, record.seed)

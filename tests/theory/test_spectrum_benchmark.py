"""The benchmark of the eigensolver, in its small form."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_small_form_runs_and_both_sides_agree(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(importlib.import_module("common"), "RESULTS", tmp_path)
    importlib.import_module("spectrum").main(["--small"])
    record = json.loads((tmp_path / "spectrum.json").read_text())
    assert set(record["cases"]) == {"clusters", "bulk", "neighbours", "kernel"}
    for case in record["cases"].values():
        assert case["eigenvalues"][0] == pytest.approx(0, abs=1e-9)
        # eigsh is the coarser side: tol = 1e-4 errs by its square over gaps of about 1e-3.
        assert case["largest_difference"] < 1e-5
    assert record["targets_met"]["error"]

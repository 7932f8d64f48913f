"""The benchmark of the toy's sweep in a small form: it runs, and its findings are what it swept."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from adainf_core.theory.gaussian_toy import gaussian_toy_labeling_error

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the script would set it for good
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("toy_sweep")
    monkeypatch.setattr(module, "STRENGTHS", (0.2, 1.0, 2.0))
    return module


def test_findings_of_a_small_sweep(benchmark):
    sweep, wall, processor = benchmark.measure(sizes=(30, 40), draws=3, processes=1)
    assert wall > 0 and processor > 0
    found = json.loads(json.dumps(benchmark.findings(sweep)))
    assert found["sizes"] == [30, 40] and found["draws"] == 3
    assert found["labeling_error"][1] == pytest.approx(gaussian_toy_labeling_error(1), abs=1e-5)
    gaps = np.array(found["curves"]["8"]["spectral_gap"])
    assert gaps.shape == (2, 3, 3)
    np.testing.assert_allclose(gaps[..., 0], sweep.spectral_gap[..., 3].mean(-1), atol=1e-5)
    assert (gaps[..., 1] <= gaps[..., 0]).all() and (gaps[..., 0] <= gaps[..., 2]).all()
    # Most of 30 points share no view at strength 0.2: two dimensions are not determined.
    assert found["curves"]["2"]["real_error"][0][0] is None
    # At n ≤ k, λ = 1 at every strength, and the ratio takes the smallest α.
    assert found["best_strength"]["32"]["bound"][0] == [0.2, 0.2, 0.2]


def test_the_committed_record_is_complete(benchmark):
    record = json.loads((BENCHMARKS / "results" / "toy_sweep.json").read_text())
    found = record["findings"]
    assert found["sizes"] == list(benchmark.SIZES) and found["draws"] == benchmark.DRAWS
    assert record["target"] == benchmark.TARGET and isinstance(record["target_met"], bool)
    for k in benchmark.SHOWN:
        for rows in found["curves"][str(k)].values():
            assert [len(row) for row in rows] == [len(found["strengths"])] * len(rows)

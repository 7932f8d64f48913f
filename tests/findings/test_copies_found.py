"""What is said of copies is what the benchmarks recorded."""

import re

import pytest

from adainf_core.findings import copies
from adainf_core.findings.benchmarks import benchmark


@pytest.mark.parametrize("name", copies.SETS)
def test_counts_of_test_images_add_up(name):
    told, record = copies.repeated_test_images(name), benchmark(f"copies_{name}")
    assert told["again"] == told["same"] + told["similar"] + told["new"]
    assert told["same"] <= told["listed"]
    assert float(told["share"].split()[0]) == pytest.approx(told["again"] / 100, abs=0.05)
    assert record["figures"]["processor seconds"]["median"] <= record["targets"]["seconds"]
    assert record["memory_gigabytes"] <= record["targets"]["gigabytes"]


def test_exact_copies_are_all_found():
    rows = {row[0]: row[1:] for row in copies.planted_table().rows}
    assert rows["exact"] == rows["mirrored"] == ("100.0%",) * 4 and len(rows) == 6


def test_the_worst_arrangement_is_told():
    told, record = copies.claims_under_copies(), benchmark("copies_bound")
    value, low, high = map(float, re.findall(r"[\d.]+(?=[ ,%\]])", told["worst"])[:3])
    shares = [row["claimed"] for name, row in record["claimed"].items() if "ignored" not in name]
    assert value == pytest.approx(100 * max(shares), abs=0.05) and low <= value <= high
    assert len(shares) == told["kinds"]


def test_what_is_allowed_is_what_the_bounds_leave(monkeypatch):
    def image_tv(real, generated, *, confidence=0.9): ...

    assert copies.claims_under_copies()["allowed"] == "5 %"
    monkeypatch.setattr(copies, "image_tv", image_tv)
    assert copies.claims_under_copies()["allowed"] == "10 %"

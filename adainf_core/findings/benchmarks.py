"""What a benchmark of the repository has recorded."""

from __future__ import annotations

import json
from typing import Any

from adainf_core.evidence.runs.records import RESULTS


def benchmark(name: str) -> dict[str, Any]:
    """The record of `benchmarks/NAME.py`, as it wrote it; FileNotFoundError if there is none."""
    path = RESULTS.parent / "benchmarks" / "results" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found

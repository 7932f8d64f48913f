"""The committed records of the scripts in benchmarks/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_RECORDS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def benchmark(name: str) -> dict[str, Any]:
    """The record of benchmarks/NAME.py, as it was written; ValueError where there is none."""
    path = _RECORDS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"no record of benchmark {name!r}: run benchmarks/{name}.py")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found

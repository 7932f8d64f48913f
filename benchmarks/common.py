"""What the benchmarks share: contestants timed side by side, and one file of results each."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.evidence.runs.records import machine

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def paired(
    contestants: Mapping[str, Callable[[], int]], seconds: float = 1.0, rounds: int = 9
) -> dict[str, dict[str, float]]:
    """Rates of `contestants`, each a function that does some work and returns its units.

    They take turns in one process, `seconds` each a turn for `rounds` rounds, so that a slow spell
    of the machine meets all of them; a first call of each is not counted. The result maps a name
    to the median and the quartiles (`low`, `high`) of its units per second of wall time.
    """
    for work in contestants.values():
        work()
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            units, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < seconds:
                units += work()
            rates[name].append(units / elapsed)
    figures = {}
    for name, values in rates.items():
        low, median, high = np.percentile(values, (25, 50, 75))
        figures[name] = {"median": float(median), "low": float(low), "high": float(high)}
    return figures


def report(
    name: str,
    figures: Mapping[str, Mapping[str, float]],
    unit: str,
    peers: tuple[str, ...] = (),
    device: str | None = None,
    **extra: Any,
) -> Path:
    """Print `figures` (of `paired`) as a table and write them to results/<name>.json.

    With them go the versions of what computes and of the packages in `peers` ("missing" where one
    is not installed), the machine, the commit, the date and whatever `extra` says. The file
    appears whole or not at all.
    """
    versions, where = machine(device)
    record = {
        "benchmark": name,
        "unit": unit,
        "figures": figures,
        "versions": versions | {peer: _version(peer) for peer in peers},
        "device": where,
        "commit": _commit(),
        "finished": datetime.now(UTC).date().isoformat(),
        **extra,
    }
    print(f"\n{name}: {unit} on {where}; median (quartiles)")
    for contestant, rate in figures.items():
        median, low, high = rate["median"], rate["low"], rate["high"]
        print(f"  {contestant:<44}{median:>12,.0f}  ({low:,.0f} to {high:,.0f})")
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)
    return path


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _commit() -> str:
    """The checkout's commit, marked where tracked files differ from it; "unknown" outside git."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

"""What a study costs on a Dask cluster of two slots here: its start, its memory, its pace, a death.

`python benchmarks/study_engine.py` starts `local:2` and lets the runs of `tests/evidence/runs`
(`toy_runs.Nap`) take place there: none, to see what the engine costs; eight, of which one kills its
worker and one raises twice; and two hundred that do next to nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from common import report

TOYS = Path(__file__).resolve().parents[1] / "tests" / "evidence" / "runs"
sys.path.insert(0, str(TOYS))
os.environ["PYTHONPATH"] = os.pathsep.join([str(TOYS), os.environ.get("PYTHONPATH", "")])

from toy_runs import Nap, naps  # noqa: E402

from adainf_core.cluster import connected  # noqa: E402
from adainf_core.evidence.runs.running import run_study  # noqa: E402

PACE, START, MEMORY = 20.0, 5.0, 400.0  # the targets: runs a second, seconds, megabytes
RUNS = 200


def megabytes() -> float:
    """Resident memory of this process's children, and theirs."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        process = int(folder.name)
        parents[process] = int(told["PPid"])
        sizes[process] = int(told.get("VmRSS", "0 kB").split()[0]) / 1e3
    ours = {os.getpid()}
    while more := {one for one, above in parents.items() if above in ours} - ours:
        ours |= more
    return sum(sizes[one] for one in ours - {os.getpid()})


def main() -> None:
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    figures: dict[str, float] = {}
    begun, spent = time.perf_counter(), time.process_time()
    with connected("local:2") as cluster:
        cluster.wait_for_workers(2)
        figures["start, seconds"] = time.perf_counter() - begun
        figures["start, CPU seconds of the client"] = time.process_time() - spent
        figures["memory, MB"] = megabytes()
        arms = {
            "raises": {"does": "raise", "times": 2},
            "dies": {"does": "kill worker", "times": 1},
            "c": {},
            "d": {},
        }
        eight = run_study(naps(folder, arms), "quick", store=folder / "eight", cluster=cluster)
        one = naps(folder, {"a": {}}, seeds=RUNS, steps=0)
        run_study(
            one, "quick", seeds=2, store=folder / "first", cluster=cluster
        )  # a process a slot has begun
        begun, store = time.perf_counter(), folder / "many"
        many = run_study(one, "quick", store=store, cluster=cluster)
        pace = len(many) / (time.perf_counter() - begun)
    figures[f"{RUNS} runs, a second"] = pace
    recorded = len(list((folder / "eight").rglob("*.json")))
    report(
        "study_engine",
        {name: dict.fromkeys(("low", "median", "high"), value) for name, value in figures.items()},
        "as named",
        peers=("dask", "distributed"),
        load=os.getloadavg()[0],
        experiment=Nap.kind,
        targets_met={
            "eight runs, one killed, one raising twice: recorded once": (len(eight), recorded)
            == (8, 8),
            f"idle in {START:g} s": figures["start, seconds"] <= START,
            f"idle in {MEMORY:g} MB": figures["memory, MB"] <= MEMORY,
            f"{PACE:g} runs a second": pace >= PACE,
        },
    )


if __name__ == "__main__":
    main()

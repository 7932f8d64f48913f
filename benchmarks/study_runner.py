"""What the runner of studies costs, and what a thousand records cost.

`python benchmarks/study_runner.py` runs a study of sprites (SimCLR, two arms) by `run_study`, one
run at a time, and the same experiments one after the other in this process, in turns. The runner's
share is its start (a process that imports torch), looking for what is recorded, checkpoints and
records. Then a thousand made-up records of the failure-mode study, as large as real ones, are
written, found as a study finds them, loaded, and tabulated with intervals.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import report

from adainf_core.configuration import to_plain
from adainf_core.evidence.judging.verdicts import by_seed
from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS as RECORDS
from adainf_core.evidence.runs.records import (
    Record,
    load_records,
    machine,
    source_commit,
    write_record,
)
from adainf_core.evidence.runs.running import run_study, study_records
from adainf_core.evidence.studies import failure_mode, failure_mode_sprites
from adainf_core.figures import Table
from adainf_core.statistics.intervals import t_interval

TWO_MINUTES = 120.0
SHARE, LOADING = 0.02, 1.0  # the targets


def small_study(steps: int) -> Study:
    """Two arms of the sprites, `steps` steps a run."""
    layout = failure_mode_sprites.STUDY.layouts["quick"]
    pretrain = replace(layout.base.pretrain, steps=steps, warmup=min(20, steps))
    return replace(
        failure_mode_sprites.STUDY,
        name="runner",
        arms={arm: failure_mode_sprites.STUDY.arms[arm] for arm in ("none", "vanilla")},
        layouts={"quick": replace(layout, base=replace(layout.base, pretrain=pretrain))},
    )


def directly(study: Study, seeds: int) -> float:
    """Seconds for the study's experiments, run one after the other."""
    started = time.perf_counter()
    for arm, seed in study.plan("quick", seeds):
        study.experiment("quick", arm, seed).run()
    return time.perf_counter() - started


def by_runner(study: Study, seeds: int) -> tuple[float, float]:
    """Seconds for `run_study`, and those of them that its runs say they took."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        records = run_study(study, "quick", seeds=seeds, store=Path(folder), processes=1)
        return time.perf_counter() - started, sum(record.wall_seconds for record in records)


def overhead(steps: int, seeds: int, rounds: int) -> dict:
    """Seconds a run on either side, in turns, and the difference."""
    study = small_study(steps)
    runs = len(study.plan("quick", seeds))
    torch.set_num_threads(1)
    directly(small_study(2), 1)  # what is loaded once is not the experiments'
    alone, runner, inside = [], [], []
    for _ in range(rounds):
        alone.append(directly(study, seeds) / runs)
        total, claimed = by_runner(study, seeds)
        runner.append(total / runs)
        inside.append(claimed / runs)
    return {
        "runs": runs,
        "directly": alone,
        "by run_study": runner,
        "overhead": [r - a for r, a in zip(runner, alone, strict=True)],
        "outside the runs": [r - i for r, i in zip(runner, inside, strict=True)],
    }


def made_up(count: int) -> list[Record]:
    """`count` records of the failure-mode study, as large as real ones."""
    rng = np.random.default_rng(0)
    versions, device = machine("cpu")
    commit, clean = source_commit()
    records = []
    for arm, seed in failure_mode.STUDY.plan("laptop", -(-count // len(failure_mode.STUDY.arms)))[
        :count
    ]:
        experiment = failure_mode.STUDY.experiment("laptop", arm, seed)
        losses = [{"step": 20 * k, "loss": round(float(rng.uniform(3, 6)), 4)} for k in range(50)]
        metrics = {"linear": float(rng.normal(50)), "knn": float(rng.normal(45))}
        records.append(
            Record(
                study="failure-mode",
                scale="laptop",
                arm=arm,
                seed=seed,
                kind=experiment.kind,
                config=to_plain(experiment),
                commit=commit,
                clean=clean,
                code=code_fingerprint(experiment),
                versions=versions,
                device=device,
                wall_seconds=200.0,
                finished="2026-01-01T00:00:00Z",
                beta=1.0,
                metrics=metrics,
                protocols=dict.fromkeys(metrics, "made up"),
                history=losses,
            )
        )
    return records


def tabulated(records: Sequence[Record]) -> Table:
    """Mean and interval of each arm."""
    rows = []
    for arm in dict.fromkeys(record.arm for record in records):
        found = t_interval(list(by_seed(records, arm).values()))
        rows.append((arm, f"{found:.2f}", str(found.n)))
    return Table(("arm", "linear accuracy, %", "seeds"), rows)


def thousand(count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds to write, to look for, and to load and tabulate `count` records."""
    seconds: dict[str, list[float]] = {"write": [], "look for": [], "load and tabulate": []}
    records = made_up(count)
    tabulated(records)  # scipy is imported once in a process, and not what is measured
    seeds = -(-count // len(failure_mode.STUDY.arms))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _timed(seconds["write"], lambda: [write_record(r, folder) for r in records])  # noqa: B023
            _timed(
                seconds["look for"],
                lambda: study_records(failure_mode.STUDY, "laptop", folder, seeds),  # noqa: B023
            )
            _timed(
                seconds["load and tabulate"],
                lambda: tabulated(load_records("failure-mode", "laptop", folder)),  # noqa: B023
            )
    return seconds


def _timed(into: list[float], work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    into.append(time.perf_counter() - started)


def laptop_runs() -> list[float]:
    """Wall seconds of the committed runs at laptop scale (of their last part, where continued)."""
    return [r.wall_seconds for r in load_records("failure-mode", "laptop", RECORDS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=900, help="steps a run: about 15 seconds")
    parser.add_argument("--seeds", type=int, default=2, help="seeds of the two arms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=1000)
    options = parser.parse_args()
    runs = overhead(options.steps, options.seeds, options.rounds)
    files = thousand(options.records, options.rounds)
    a_run = runs.pop("runs")
    figures = {f"a run, {name}": seconds for name, seconds in runs.items()}
    figures |= {f"{options.records} records, {name}": seconds for name, seconds in files.items()}
    costs, loading = (
        float(np.median(runs["overhead"])),
        float(np.median(files["load and tabulate"])),
    )
    laptop = laptop_runs()
    report(
        "study_runner",
        {
            name: dict(
                zip(("low", "median", "high"), 1000 * np.percentile(s, (25, 50, 75)), strict=True)
            )
            for name, s in figures.items()
        },
        "milliseconds",
        runs_in_a_call=a_run,
        steps=options.steps,
        rounds=options.rounds,
        overhead_seconds_a_call=costs * a_run,
        overhead_seconds_a_run=costs,
        share_of_two_minutes=costs / TWO_MINUTES,
        laptop_runs=len(laptop),
        share_of_a_laptop_run=costs / float(np.median(laptop)) if laptop else None,
        targets_met={
            f"at most {SHARE:.0%} of a run of two minutes": costs <= SHARE * TWO_MINUTES,
            f"{options.records} records in {LOADING:g} s": loading <= LOADING,
        },
    )


if __name__ == "__main__":
    main()

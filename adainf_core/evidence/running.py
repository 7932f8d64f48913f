"""Running: any study, arm by arm and seed by seed, into records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from adainf_core.evidence.records import (
    Record,
    code_hashes,
    config_hash,
    machine,
    read_record,
    record_path,
    write_record,
)

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Outcome:
    """What one run found: numbers by name, how each was measured, beta, and the loss curve.

    Accuracies are in percent. `beta` is the share of real draws, 0 where there are none.
    """

    metrics: dict[str, float]
    protocols: dict[str, str]
    beta: float
    history: list[dict[str, float]]


class Runnable(Protocol):
    """One experiment of a study: plain values that decide it, where it computes, and the run."""

    def config(self) -> dict[str, Any]: ...

    @property
    def device(self) -> str | None: ...

    def run(self) -> Outcome: ...


class AnyStudy(Protocol):
    """A named grid of arms over seeds, at one or more scales; it is sent to other processes.

    `layouts` has a key for each scale, `arms` one for each arm; `code` lists the source files that
    decide a run.
    """

    @property
    def name(self) -> str: ...

    @property
    def arms(self) -> Mapping[str, Any]: ...

    @property
    def layouts(self) -> Mapping[str, Any]: ...

    @property
    def code(self) -> tuple[str, ...]: ...

    def seeds(self, scale: str) -> int: ...

    def experiment(self, scale: str, arm: str, seed: int) -> Runnable: ...


def entry(study: str, what: str, table: Mapping[str, Entry], key: str) -> Entry:
    """The arm or scale (`what`) of a study called `key`; ValueError naming those there are."""
    if key not in table:
        raise ValueError(f"study {study!r} has no {what} {key!r}; it has {', '.join(table)}")
    return table[key]


def run_study(
    study: AnyStudy,
    scale: str,
    *,
    seeds: int | None = None,
    store: Path | None = None,
    processes: int = 1,
    budget: float = float("inf"),
    progress: bool = False,
) -> list[Record]:
    """Run what has no record yet, seed by seed across all arms, and return every record.

    Each run has a process and one thread of its own, `processes` at a time. With `store` (a results
    folder) finished runs are read from there and new ones written; without it everything runs and
    nothing is kept. No run starts after `budget` seconds, so a prefix of the grid, balanced over
    arms, is what remains of a budget that was too small. `progress` shows a bar in the terminal.
    Raises ValueError where the store holds a run of another configuration.
    """
    started = time.monotonic()
    records: dict[tuple[int, str], Record] = {}
    pending = []
    for seed in range(study.seeds(scale) if seeds is None else seeds):
        for arm in study.arms:
            path = store and record_path(study.name, scale, arm, seed, store)
            if path and path.is_file():
                records[seed, arm] = read_record(path)
                if records[seed, arm].config_hash != config_hash(
                    study.experiment(scale, arm, seed).config()
                ):
                    raise ValueError(
                        f"{path}: ran under another configuration than the study has now; "
                        "move it away to run again"
                    )
            else:
                pending.append((study, scale, arm, seed))
    finished = _run_all(pending, processes, started + budget)
    if progress:
        from tqdm import tqdm

        finished = tqdm(finished, total=len(pending), unit="run")
    for record in finished:
        records[record.seed, record.arm] = record
        if store:
            write_record(record, store)
    return [
        records[key] for key in sorted(records, key=lambda k: (k[0], list(study.arms).index(k[1])))
    ]


def run_one(study: AnyStudy, scale: str, arm: str, seed: int) -> Record:
    """Run one arm and seed on one thread and return its record."""
    import torch

    torch.set_num_threads(1)
    experiment = study.experiment(scale, arm, seed)
    config = experiment.config()
    code = code_hashes(study.code)
    started = time.monotonic()
    outcome = experiment.run()
    versions, device = machine(experiment.device)
    return Record(
        study=study.name,
        scale=scale,
        arm=arm,
        seed=seed,
        config=config,
        config_hash=config_hash(config),
        code=code,
        versions=versions,
        device=device,
        wall_seconds=round(time.monotonic() - started, 1),
        finished=datetime.now(UTC).strftime("%Y-%m-%d"),
        beta=outcome.beta,
        metrics={name: float(f"{value:.6g}") for name, value in outcome.metrics.items()},
        protocols=outcome.protocols,
        history=[{"step": h["step"], "loss": round(h["loss"], 4)} for h in outcome.history],
    )


def _run_all(pending: list[tuple], processes: int, deadline: float) -> Iterator[Record]:
    """Records as they finish; work is handed out late, so that the deadline is kept."""
    queue = iter(pending)
    # spawned, not forked: a forked child inherits torch's locked thread pools
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running: set[Future[Record]] = set()
        while True:
            while len(running) < processes and time.monotonic() < deadline:
                job = next(queue, None)
                if job is None:
                    break
                running.add(pool.submit(run_one, *job))
            if not running:
                return
            done = next(as_completed(running))
            running.remove(done)
            if done.exception():
                # what runs beside the failed one is not lost with it
                yield from (other.result() for other in running if not other.exception())
            yield done.result()

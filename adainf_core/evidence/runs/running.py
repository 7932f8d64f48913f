"""Running: any study, arm by arm and seed by seed, into records."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from adainf_core.evidence.runs.records import (
    RESULTS,
    Record,
    code_hashes,
    config_hash,
    machine,
    read_record,
    record_path,
    records_by_config,
    write_record,
)

Entry = TypeVar("Entry")
#: Folder of a results folder in which runs wait at a checkpoint.
UNFINISHED = ".unfinished"
_LOOK = 1.0  # seconds between two looks at whether the parent process is still there
_LAST = 60.0  # seconds that a run has to write its checkpoint when it has to stop


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


@runtime_checkable
class Resumable(Protocol):
    """An experiment long enough to be worth continuing: None where it was stopped on the way."""

    def resume(self, checkpoint: Path | None, max_seconds: float) -> Outcome | None: ...


class AnyStudy(Protocol):
    """A named grid of arms over seeds, at one or more scales; it is sent to other processes.

    `layouts` has a key for each scale, `arms` one for each arm; `code` lists the source files that
    decide a run. `plan` is the runs at a scale as (arm, seed), the most valuable first, so that
    any beginning of it is a balanced design; `seeds` replaces the study's own number of them.
    """

    @property
    def name(self) -> str: ...

    @property
    def arms(self) -> Mapping[str, Any]: ...

    @property
    def layouts(self) -> Mapping[str, Any]: ...

    @property
    def code(self) -> tuple[str, ...]: ...

    def plan(self, scale: str, seeds: int | None = None) -> list[tuple[str, int]]: ...

    def experiment(self, scale: str, arm: str, seed: int) -> Runnable: ...


def entry(study: str, what: str, table: Mapping[str, Entry], key: str) -> Entry:
    """The arm or scale (`what`) of a study called `key`; ValueError naming those there are."""
    if key not in table:
        raise ValueError(f"study {study!r} has no {what} {key!r}; it has {', '.join(table)}")
    return table[key]


def seed_by_seed(arms: Mapping[str, int], first: int = 0) -> list[tuple[str, int]]:
    """A plan from each arm's number of seeds: the first seed of every arm, then the second, ..."""
    return [
        (arm, first + number)
        for number in range(max(arms.values(), default=0))
        for arm, seeds in arms.items()
        if number < seeds
    ]


def study_records(
    study: AnyStudy, scale: str, root: Path = RESULTS, seeds: int | None = None
) -> list[Record]:
    """The records there are of a study's plan, in its order.

    A configuration that another study has run at this scale counts, under this study's name for
    it: every run is done once. Raises ValueError where a record is of another configuration than
    the study has now, or two of one configuration disagree.
    """
    found = _existing(study, scale, study.plan(scale, seeds), root)
    return list(found.values())


def run_study(
    study: AnyStudy,
    scale: str,
    *,
    seeds: int | None = None,
    store: Path | None = None,
    processes: int | None = 1,
    budget: float = float("inf"),
    stale: bool = False,
    progress: bool = False,
) -> list[Record]:
    """Run what has no record yet, in the order of the study's plan, and return every record.

    Each run has one thread of its own in one of `processes` processes (None: as many as `default_
    processes` says). With `store` (a results folder) finished runs are read from there and new
    ones written, each whole or not at all; without it everything runs and nothing is kept. After
    `budget` seconds no run starts, and those that can be continued stop at a checkpoint in
    `store`, as they do when this process is interrupted or killed; the next call goes on. Several
    calls may share a `store`: what one of them is at is left to it. `stale`
    repeats runs whose code has changed since. A run whose data are not on this machine is left out
    with a warning. `progress` shows a bar in the terminal. Raises ValueError where the store holds
    a run of another configuration, and RuntimeError, when all others are done, where runs failed.
    """
    deadline = time.monotonic() + budget
    plan = study.plan(scale, seeds)
    records = {} if store is None else _existing(study, scale, plan, store)
    if stale:
        records = {key: record for key, record in records.items() if not record.stale}
    pending = [key for key in plan if key not in records]

    def jobs() -> Iterator[tuple]:
        for key in pending:
            # somebody else may have run it in the meantime: here, or for another study
            if store is not None and not stale:
                records.update(_existing(study, scale, [key], store))
            if key not in records:
                yield study, scale, *key, store, deadline

    if processes is None:
        processes = default_processes(study, scale)
    finished = _run_all(jobs(), processes, deadline)
    if progress:
        from tqdm import tqdm

        finished = tqdm(finished, total=len(pending), unit="run")
    for record in finished:
        records[record.arm, record.seed] = record
        if store:
            write_record(record, store)
            done = _checkpoint(store, study, scale, record.arm, record.seed)
            for path in done.parent.glob(f"{record.arm}-{record.seed}.*{done.suffix}"):
                path.unlink(missing_ok=True)
    return [records[key] for key in plan if key in records]


def default_processes(study: AnyStudy, scale: str) -> int:
    """How many runs go side by side: one a processor core, but one at a time on an accelerator."""
    arm, seed = study.plan(scale, 1)[0]
    _, device = machine(study.experiment(scale, arm, seed).device)
    if not device.startswith("cpu"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_one(
    study: AnyStudy,
    scale: str,
    arm: str,
    seed: int,
    store: Path | None = None,
    deadline: float = float("inf"),
) -> Record | None:
    """Run one arm and seed on one thread and return its record.

    None where it was stopped at a checkpoint, by `deadline` (`time.monotonic`) or SIGTERM, and
    where another process is at the same configuration in the same `store`.
    """
    import torch

    torch.set_num_threads(1)
    experiment = study.experiment(scale, arm, seed)
    config = experiment.config()
    code = code_hashes(study.code)
    started = time.monotonic()
    outcome: Outcome | None
    if store is None:
        outcome = experiment.run()
    else:
        with _reserved(store / UNFINISHED / scale / f"{config_hash(config)}.lock") as free:
            if not free:
                return None
            if isinstance(experiment, Resumable):
                checkpoint = _checkpoint(store, study, scale, arm, seed)
                checkpoint.parent.mkdir(parents=True, exist_ok=True)
                outcome = experiment.resume(checkpoint, max(0.0, deadline - started))
            else:
                outcome = experiment.run()
    if outcome is None:
        return None
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
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        beta=outcome.beta,
        metrics={name: float(f"{value:.6g}") for name, value in outcome.metrics.items()},
        protocols=outcome.protocols,
        history=[{"step": h["step"], "loss": round(h["loss"], 4)} for h in outcome.history],
    )


def _existing(
    study: AnyStudy, scale: str, plan: list[tuple[str, int]], root: Path
) -> dict[tuple[str, int], Record]:
    """Records of the plan, by (arm, seed): the study's own, else those of the same runs."""
    found: dict[tuple[str, int], Record] = {}
    elsewhere = records_by_config(scale, root)
    for arm, seed in plan:
        digest = config_hash(study.experiment(scale, arm, seed).config())
        path = record_path(study.name, scale, arm, seed, root)
        if path.is_file():
            own = read_record(path)
            if own.config_hash != digest:
                raise ValueError(
                    f"{path}: ran under another configuration than the study has now; "
                    "move it away to run again"
                )
            if not own.stale or elsewhere[digest].stale:
                found[arm, seed] = own
                continue
        if digest in elsewhere:
            found[arm, seed] = replace(elsewhere[digest], study=study.name, arm=arm, seed=seed)
    return found


def _checkpoint(store: Path, study: AnyStudy, scale: str, arm: str, seed: int) -> Path:
    """Where an unfinished run waits: in a folder without records, a file for each version of it."""
    path = record_path(study.name, scale, arm, seed, store / UNFINISHED)
    config = study.experiment(scale, arm, seed).config()
    version = config_hash({"config": config, "code": code_hashes(study.code)})
    # not `with_suffix`: names of arms may hold a dot
    return path.with_name(f"{arm}-{seed}.{version}.pt")


@contextmanager
def _reserved(path: Path) -> Iterator[bool]:
    """Whether this process alone may do the run; the system gives it back when a process dies."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _run_all(queue: Iterator[tuple], processes: int, deadline: float) -> Iterator[Record]:
    """Records as they finish; work is handed out late, so that the deadline is kept.

    Raises RuntimeError naming the runs that failed when all others are done.
    """
    before, failed = set(active_children()), list[tuple[str, Exception]]()
    # spawned, not forked: a forked child inherits torch's locked thread pools
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_obey, initargs=(os.getpid(),)
    ) as pool:
        running: dict[Future[Record | None], str] = {}
        try:
            while True:
                while len(running) < processes and time.monotonic() < deadline:
                    job = next(queue, None)
                    if job is None:
                        break
                    running[pool.submit(run_one, *job)] = f"{job[2]}-{job[3]}"
                if not running:
                    break
                done = wait(running, return_when=FIRST_COMPLETED).done.pop()
                name = running.pop(done)
                error = done.exception()
                if isinstance(error, FileNotFoundError) and error.filename is None:
                    # the message of `load_images`, not a file that the system misses
                    warnings.warn(f"{name} is left out: {error}", stacklevel=3)
                elif isinstance(error, Exception) and not isinstance(error, BrokenProcessPool):
                    failed.append((name, error))
                else:
                    record = done.result()
                    if record is not None:
                        yield record
        except BaseException:
            # an interrupt is the parent's alone: its children write their checkpoints and stop
            for child in set(active_children()) - before:
                child.terminate()
            raise
    if failed:
        error = failed[0][1]
        names = ", ".join(name for name, _ in failed)
        raise RuntimeError(f"{names} failed, the other runs are done: {error!r}") from error


def _obey(parent: int) -> None:
    """Leave interrupts to the parent process, and stop when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

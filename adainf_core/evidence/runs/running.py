"""Running: any study, arm by arm and seed by seed, into records."""

from __future__ import annotations

import glob
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from adainf_core.cluster import Slots
from adainf_core.configuration import differences, to_plain
from adainf_core.evidence.runs.freshness import is_fresh
from adainf_core.evidence.runs.grid import Reading, Study
from adainf_core.evidence.runs.one_run import UNFINISHED, Run, run_one, short_hash
from adainf_core.evidence.runs.records import (
    RESULTS,
    Record,
    began,
    check_agreement,
    machine,
    path_of,
    read_record,
    record_path,
    recorded,
    write_record,
)
from adainf_core.evidence.runs.sending import run_slots, sent
from adainf_core.files import claim_output, remove_partials
from adainf_core.progress import RetryWarning, progress_bar
from adainf_core.workers import WorkerDiedError, Workers


def study_records(
    study: Study, scale: str, root: Path = RESULTS, seeds: int | None = None
) -> list[Record]:
    """The records there are of a study's plan, in its order.

    A configuration that another study has run at this scale counts, under this study's name for
    it: every run is done once. Raises ValueError where a record is of another configuration than
    the study has now, or two of one configuration disagree.
    """
    found = _existing(study, scale, study.plan(scale, seeds), root)
    return list(found.values())


def run_study(
    study: Study,
    scale: str,
    *,
    seeds: int | None = None,
    store: Path | None = None,
    processes: int | None = 1,
    cluster: Any = None,
    budget: float = float("inf"),
    stale: bool = False,
    progress: bool = False,
    wanted: Callable[[str, int], bool] | None = None,
    told: Callable[[Record], object] | None = None,
) -> list[Record]:
    """Run what has no record yet, in the order of the study's plan, and return every record.

    Each run has one thread of its own in one of `processes` processes (None: as many as
    `default_processes` says), or in a slot of `cluster` (`cluster.connected`), from where its
    record is sent back. With `store` (a results folder) finished runs are read from there and new
    ones written, atomically; without it everything runs and nothing is kept. After `budget`
    seconds no run starts, and those that can be continued stop, at a checkpoint where there is a
    `store`, as they do when this process is interrupted or killed; the next call goes on.
    Concurrent calls may share a `store`; each skips runs that another holds. `stale` repeats runs
    that are neither of the code as it is now nor replayed under it; what is repeated still counts
    from when it was run first. A run whose data are not on this machine is left out with a warning,
    as are those that read what another study has not left in the store yet;
    one whose process dies (of a SIGTERM to it alone, too) is tried once more, from its checkpoint,
    with one too; `Slots` says what a cluster tries again. `progress` shows a bar in the terminal.
    `wanted` is asked about each run just before it starts, by arm and seed, and leaves it out by
    False; `told` is called with each new record.

    Raises ValueError where the store holds a run of another configuration, and RuntimeError, when
    all others are done, where runs failed or ended their process twice. Of a cluster
    ConnectionError where it is lost, and UnfitWorkerError where no worker can do a run.
    """
    deadline = time.monotonic() + budget
    plan = study.plan(scale, seeds)
    records = {} if store is None else _existing(study, scale, plan, store)
    before = {key: began(record) for key, record in records.items()}
    if stale and store is not None:
        records = {
            key: record
            for key, record in records.items()
            if is_fresh(record, study.experiment(scale, *key), store)
        }
    if store is not None:
        for partial in (store / study.name / scale).glob(".*.partial"):
            remove_partials(partial.with_name(partial.name[1:].rsplit(".", 2)[0]))
        _remove_left_over(store, study, scale, records)
    pending = [key for key in plan if key not in records]
    waiting = awaited(study, scale, pending, RESULTS if store is None else store)
    for command, count in Counter(waiting.values()).items():
        text = f"{study.name}: {count} of {len(plan)} runs need `{command}` first"
        warnings.warn(text, RetryWarning, stacklevel=2)
    pending = [key for key in pending if key not in waiting]

    held = dict[tuple[str, int], ExitStack]()  # runs that are sent, against others at this store

    def jobs() -> Iterator[tuple]:
        for key in pending:
            if wanted is not None and not wanted(*key):
                continue
            run = Run.of(study, scale, *key)
            if cluster is not None and store is not None:
                held[key] = every.enter_context(ExitStack())
                if not held[key].enter_context(run.reserved(store)):
                    continue
            # somebody else may have run it in the meantime: here, or for another study
            if store is not None and not stale:
                records.update(_existing(study, scale, [key], store))
            if key in records:
                continue
            yield (
                (study, scale, *key, store, deadline)
                if cluster is None
                else sent(run, store, deadline)
            )

    pool: Workers | Slots
    if cluster is None:
        pool = Workers(run_one, processes or default_processes(study, scale))
    else:
        pool = run_slots(cluster, study, scale, deadline)
    # closed with the block: an error here stops the workers before it is told
    with ExitStack() as every, closing(_run_all(study.name, jobs(), pool, deadline)) as finished:
        for record in _shown(finished, len(pending)) if progress else finished:
            key = record.arm, record.seed
            if key in before:
                record = replace(record, first_began=before[key])
            records[key] = record
            if store is not None:
                write_record(record, store)
                _remove_left_over(store, study, scale, [key])
            if key in held:
                held[key].close()
            if told is not None:
                told(record)
    return [records[key] for key in plan if key in records]


def awaited(
    study: Study, scale: str, runs: Iterable[tuple[str, int]], root: Path
) -> dict[tuple[str, int], str]:
    """Of `runs`, (arm, seed), those that read what `root` lacks, with the command to run first."""
    found = {}
    for key in runs:
        experiment = study.experiment(scale, *key)
        if isinstance(experiment, Reading) and (command := experiment.waits_for(root)):
            found[key] = command
    return found


def default_processes(study: Study, scale: str) -> int:
    """How many runs go side by side: one a processor core, but one at a time on an accelerator."""
    arm, seed = study.plan(scale, 1)[0]
    _, device = machine(study.experiment(scale, arm, seed).device)
    if not device.startswith("cpu"):
        return 1
    return cores()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _existing(
    study: Study, scale: str, plan: list[tuple[str, int]], root: Path
) -> dict[tuple[str, int], Record]:
    """Records of the plan, by (arm, seed): the study's own, else those of the same runs."""
    found: dict[tuple[str, int], Record] = {}
    known = recorded(type(study.layout(scale).base), scale, root)
    for arm, seed in plan:
        experiment = study.experiment(scale, arm, seed)
        path = record_path(study.name, scale, arm, seed, root)
        same = known.get(experiment, [])
        if path.is_file():
            own = read_record(path)
            if own.kind != experiment.kind:
                raise ValueError(
                    f"{path}: kind={own.kind!r}, where {study.name!r} has "
                    f"{experiment.kind!r} experiments; move it away to run again"
                )
            if own not in same:
                there, here = own.config, to_plain(experiment)
                raise ValueError(
                    f"{path}: ran under another configuration than the study has now "
                    f"({', '.join(differences(there, here)[:2])}); move it away to run again"
                )
            same = [own, *(record for record in same if record != own)]
        for record in same[1:]:
            if record.code == same[0].code:
                check_agreement(same[0], record, path_of(same[0], root), path_of(record, root))
        if len({record.code for record in same}) > 1:  # rather one of the code as it is now
            same.sort(key=lambda record: not is_fresh(record, experiment, root))
        if same:
            home = same[0].home or same[0].study
            found[arm, seed] = replace(same[0], study=study.name, arm=arm, seed=seed, home=home)
    return found


def _remove_left_over(
    store: Path, study: Study, scale: str, done: Iterable[tuple[str, int]]
) -> None:
    """Remove the checkpoints of runs that are `done`, and what killed processes left of these.

    Nothing that a living process is at.
    """
    names = {f"{arm}-{seed}": (arm, seed) for arm, seed in done}
    waiting, locks = store / UNFINISHED / study.name / scale, store / UNFINISHED / scale
    # of every version; names of arms may hold a dot
    checkpoint = re.compile(r"\.?((.+)\.[0-9a-f]{16}\.pt)(\..+)?")
    found = map(checkpoint.fullmatch, os.listdir(waiting) if waiting.is_dir() else ())
    left = {waiting / match[1] for match in found if match and match[2] in names}
    if locks.is_dir() and any(locks.iterdir()):
        left |= {locks / short_hash(study.experiment(scale, *key)) for key in names.values()}
    for path in left:
        if path.exists() or any(path.parent.glob(f".{glob.escape(path.name)}.*")):
            with suppress(BlockingIOError), claim_output(path, "file"):
                path.unlink(missing_ok=True)


def _shown(finished: Iterator[Record], total: int) -> Iterator[Record]:
    with progress_bar(total, "run", shown=True) as advance:
        for record in finished:
            yield record
            advance(1)


def _run_all(
    study: str, queue: Iterator[tuple], pool: Workers | Slots, deadline: float
) -> Generator[Record, None, None]:
    """Records as they finish; work is handed out late, so that the deadline is kept.

    Raises RuntimeError naming the runs that failed when all others are done.
    """
    failed = list[tuple[str, Exception]]()
    again, died = list[tuple](), set[str]()
    with pool as workers:
        while True:
            while workers.busy < workers.size and time.monotonic() < deadline:
                job = again.pop() if again else next(queue, None)
                if job is None:
                    break
                workers.start(job)
            if not workers.busy:
                break
            job, record, error = workers.next_ended()
            name = f"{job[2]}-{job[3]}"
            if isinstance(error, FileNotFoundError) and error.filename is None:
                # the message of `load_images`, not a file that the system misses
                warnings.warn(f"{name} is left out: {error}", RetryWarning, stacklevel=3)
            elif isinstance(error, WorkerDiedError) and name not in died:
                died.add(name)
                again.append(job)
                warnings.warn(f"{study} {name}: {error}; once more", RetryWarning, stacklevel=3)
            elif error is not None:
                failed.append((name, error))
            elif record is not None:
                yield record if isinstance(record, Record) else Record(**record)
    if failed:
        names, error = ", ".join(name for name, _ in failed), failed[0][1]
        said = repr(error)
        if isinstance(error, WorkerDiedError):
            said = f"{error} at it twice; if memory ran out, take fewer processes"
        raise RuntimeError(f"{study}: {names} failed, the other runs are done: {said}") from error

"""Runs sent to a cluster: in names and plain values there, as a record's fields back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adainf_core.cluster import GPU, SLOT, Slots, named
from adainf_core.configuration import from_plain, to_plain
from adainf_core.data.cache import cache_folder
from adainf_core.evidence.runs.grid import Reading, Study
from adainf_core.evidence.runs.one_run import Run
from adainf_core.files import claim_output

_PATIENCE = 10.0  # seconds in which a run that was called off leaves its checkpoint alone


def run_slots(cluster: Any, study: Study, scale: str, deadline: float) -> Slots:
    """The slots of a cluster (`cluster.connected`) for `sent` runs, with a GPU each if they ask."""
    first = study.experiment(scale, *study.plan(scale, 1)[0])
    return Slots(
        cluster,
        f"{__name__}:run_sent",
        lambda job: f"{job[0]} {job[2]}-{job[3]}",
        needs=GPU if first.device == "cuda" else SLOT,
        deadline=deadline,
    )


def sent(run: Run, store: Path | None, deadline: float) -> tuple[Any, ...]:
    """A run as a job: the arguments of `run_sent`."""
    kind = type(run.experiment)
    folder = None
    if store is not None:
        store.mkdir(parents=True, exist_ok=True)
        folder = str(store.resolve()), store.stat().st_ino
    return (
        *(run.study, run.scale, run.arm, run.seed, run.first_seed, run.keep),
        *(f"{kind.__module__}:{kind.__qualname__}", to_plain(run.experiment)),
        *(folder, deadline - time.monotonic()),
    )


def run_sent(
    study: str,
    scale: str,
    arm: str,
    seed: int,
    first_seed: int,
    keep: bool,
    kind: str,
    config: dict[str, Any],
    folder: tuple[str, int] | None,
    longest: float,
) -> dict[str, Any] | None:
    """Run what was `sent`, and return the fields of its record; None where it was stopped.

    It then waits at a checkpoint: in the client's results `folder` (path and inode) where this
    machine has it, too, else in this machine's cache. ValueError where an encoder is to be kept
    or read there, and this machine has it not.
    """
    run = Run(study, scale, arm, seed, from_plain(named(kind), config), first_seed, keep)
    with ExitStack() as stack:
        checkpoint = None
        if folder is not None:
            shared = _is_here(*folder)
            reads = isinstance(run.experiment, Reading)
            if (keep or reads) and not shared:
                raise ValueError(
                    f"study {study!r} {'reads' if reads else 'keeps its'} encoders in {folder[0]}, "
                    "which a worker does not see: name a --results folder that the machines share"
                )
            checkpoint = run.checkpoint(Path(folder[0]) if shared else cache_folder() / "runs")
            stack.enter_context(_claimed_soon(checkpoint))
        store = None if folder is None else Path(folder[0])
        rehearsed = run.first or (store is not None and run.of_other_code(store))
        record = run.record(checkpoint, rehearsed and folder is not None, longest, store)
        if record is None:
            return None
        if checkpoint is not None and not shared:  # else it goes when the record is written
            checkpoint.unlink(missing_ok=True)
    return asdict(record)


def _is_here(path: str, inode: int) -> bool:
    with suppress(OSError):
        return os.stat(path).st_ino == inode
    return False


@contextmanager
def _claimed_soon(path: Path) -> Iterator[None]:
    """Hold a checkpoint, which a run that was called off may be at for some seconds."""
    ends = time.monotonic() + _PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(claim_output(path, "file"))
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)
        yield

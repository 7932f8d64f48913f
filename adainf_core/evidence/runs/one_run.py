"""One run: from an experiment to its record, by way of a checkpoint."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adainf_core.configuration import to_plain
from adainf_core.evidence.runs.fingerprints import code_fingerprint, configured
from adainf_core.evidence.runs.grid import Experiment, Resumable, Study, ready
from adainf_core.evidence.runs.kept_encoders import encoder_path, write_encoder
from adainf_core.evidence.runs.records import (
    RESULTS,
    Record,
    machine,
    read_record,
    record_path,
    source_commit,
)
from adainf_core.files import claim_output

#: Folder of a results folder in which runs wait at a checkpoint.
UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Run:
    """A run of a study's experiment, under its name.

    `first_seed` is an arm's; with `keep` its encoder is kept beside the record.
    """

    study: str
    scale: str
    arm: str
    seed: int
    experiment: Any
    first_seed: int
    keep: bool = False

    @classmethod
    def of(cls, study: Study, scale: str, arm: str, seed: int) -> Run:
        """The run of one arm and seed."""
        layout, experiment = study.layout(scale), study.experiment(scale, arm, seed)
        first, keep = layout.first_seed, layout.keep_encoders
        return cls(study.name, scale, arm, seed, experiment, first, keep)

    @property
    def first(self) -> bool:
        """Whether it is of the arm's first seed."""
        return self.seed == self.first_seed

    def checkpoint(self, store: Path) -> Path:
        """Where it waits: in a folder without records, a file for each version of it."""
        folder = store / UNFINISHED
        path = record_path(self.study, self.scale, self.arm, self.seed, folder)
        version = short_hash(self.experiment, code_fingerprint(self.experiment))
        # not `with_suffix`: names of arms may hold a dot
        return path.with_name(f"{self.arm}-{self.seed}.{version}.pt")

    @contextmanager
    def reserved(self, store: Path) -> Iterator[bool]:
        """Whether this process alone may do it; the system gives it back when a process dies."""
        path = store / UNFINISHED / self.scale / short_hash(self.experiment)
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(claim_output(path, "file"))
            except BlockingIOError:
                free = False
            else:
                free = True
            yield free

    def of_other_code(self, store: Path) -> bool:
        """Whether the arm's first seed, which was rehearsed, was run by other code than today's."""
        path = record_path(self.study, self.scale, self.arm, self.first_seed, store)
        if self.first or not path.is_file():
            return False
        return read_record(path).code != code_fingerprint(self.experiment)

    def record(
        self, checkpoint: Path | None, rehearsed: bool, longest: float, store: Path | None = None
    ) -> Record | None:
        """Run it on one thread: its record.

        None where it was stopped, at its checkpoint if there is one: after `longest` seconds, or by
        SIGTERM. With `rehearsed` the experiment's small version is run as well. An encoder that is
        to be kept goes to the results folder `store`, and what it reads lies there (None: the
        book's own).
        """
        with one_thread():
            return self._record(checkpoint, rehearsed, longest, store)

    def _record(
        self, checkpoint: Path | None, rehearsed: bool, longest: float, store: Path | None
    ) -> Record | None:
        experiment = self.experiment
        code, (commit, clean) = code_fingerprint(experiment), source_commit()
        started = time.monotonic()
        given = ready(experiment, RESULTS if store is None else store)
        if isinstance(given, Resumable):
            if checkpoint is not None:
                checkpoint.parent.mkdir(parents=True, exist_ok=True)
            outcome = given.resume(checkpoint, max(0.0, longest))
        else:
            outcome = given.run()
        if outcome is None:
            return None
        versions, device = machine(experiment.device)
        seconds, kept = round(time.monotonic() - started, 1), dict[str, str]()
        if store is not None and self.keep:
            path = encoder_path(self.study, self.scale, self.arm, self.seed, store)
            kept["encoder"] = write_encoder(outcome.encoder, experiment, path)
        return Record(
            study=self.study,
            scale=self.scale,
            arm=self.arm,
            seed=self.seed,
            kind=experiment.kind,
            config=to_plain(experiment),
            commit=commit,
            clean=clean,
            code=code,
            versions=versions,
            device=device,
            wall_seconds=seconds,
            finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            beta=outcome.beta,
            metrics=rounded(outcome.metrics),
            protocols=outcome.protocols | _models(experiment) | kept,
            history=[{"step": h["step"], "loss": round(h["loss"], 4)} for h in outcome.history],
            rehearsal=rehearse(given) if rehearsed else {},
            rehearsed_on=device if rehearsed else "",
            probes=outcome.probes,
        )


def run_one(
    study: Study,
    scale: str,
    arm: str,
    seed: int,
    store: Path | None = None,
    deadline: float = math.inf,
) -> Record | None:
    """Run one arm and seed on one thread and return its record.

    None where it was stopped at a checkpoint, by `deadline` (`time.monotonic`) or SIGTERM, and
    where another process is at the same configuration in the same `store`. With a `store`, an
    arm's first seed is rehearsed as well, and every seed where other code ran that one: replay
    needs a rehearsal of each code.
    """
    run = Run.of(study, scale, arm, seed)
    if store is None:
        return run.record(None, False, deadline - time.monotonic())
    with run.reserved(store) as free:
        if not free:
            return None
        rehearsed = run.first or run.of_other_code(store)
        return run.record(run.checkpoint(store), rehearsed, deadline - time.monotonic(), store)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch and for the linear algebra below numpy: sums in one order."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def _models(experiment: Any) -> dict[str, str]:
    """What a record says of a trained model whose images the run was given."""
    found = [value.origin() for value in configured(experiment) if hasattr(value, "origin")]
    return {"generator": "; ".join(found)} if found else {}


def rehearse(experiment: Experiment) -> dict[str, float]:
    """Metrics of the experiment's small version and, where it has a loss curve, its last loss."""
    outcome = experiment.small().run()
    last = {"last_loss": outcome.history[-1]["loss"]} if outcome.history else {}
    return rounded(outcome.metrics | last)


def rounded(metrics: dict[str, float]) -> dict[str, float]:
    """Metrics as records keep them: to six significant digits, without infinite ones."""
    return {name: float(f"{value:.6g}") for name, value in metrics.items() if not math.isinf(value)}


def short_hash(experiment: Any, code: str = "") -> str:
    """A name for files of this experiment, 16 hexadecimal digits."""
    text = json.dumps(to_plain(experiment), sort_keys=True) + code
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""The loss curve in the file format of TensorBoard."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Log = Callable[[int, dict[str, float]], None]


@contextmanager
def event_log(folder: str | Path | None, step: int) -> Iterator[Log]:
    """Context manager: a function that writes scalars, by name, of a step to a file in `folder`.

    The run goes on from `step`: TensorBoard passes over what an earlier part logged beyond it.
    Without a `folder` the function does nothing. Raises ImportError where tensorboard is not
    installed, OSError naming the folder where nothing can be written there; a disk that fails later
    ends the log with a warning, not the run.
    """
    if folder is None:
        yield lambda step, values: None
        return
    try:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise ImportError(
            "tensorboard is not installed: pip install 'adainf-core[tensorboard]'"
        ) from None
    name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        file = (Path(folder) / name).open("xb")
    except OSError as error:
        raise _named(error, folder) from None
    records, alive = RecordWriter(file), True

    def put(event: Event) -> None:
        event.wall_time = time.time()
        records.write(event.SerializeToString())
        file.flush()

    def log(step: int, values: dict[str, float]) -> None:
        nonlocal alive
        if not alive:
            return
        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        try:
            put(Event(step=step, summary=Summary(value=scalars)))
        except OSError as error:
            alive = False
            warnings.warn(
                f"could not write the log in {folder} ({os.strerror(error.errno or 0)}) at step "
                f"{step}: the run goes on without it; free some space before the next",
                stacklevel=2,
            )

    try:
        try:
            put(Event(file_version="brain.Event:2"))
            put(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        except OSError as error:
            raise _named(error, folder) from None
        yield log
    finally:
        with suppress(OSError):  # what it could not write it tries once more
            file.close()


def _named(error: OSError, folder: str | Path) -> OSError:
    return OSError(
        error.errno,
        f"could not write the log in {folder} ({os.strerror(error.errno or 0)}): free some space, "
        "name another folder or leave it out",
    )

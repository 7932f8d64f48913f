"""Worker processes: a job at a time each; one that dies takes no other along, none outlives us."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Self

from adainf_core.stopping import was_terminated

Job = tuple[Any, ...]
_LOOK = 0.5  # seconds between two looks at whether a process is still there
_LAST = 2.0  # seconds that a job has to save what it can when the parent process is gone
_END = b""  # in place of a job
_PR_SET_PDEATHSIG = 1  # of Linux's prctl: the signal to get when the parent dies


class WorkerDiedError(RuntimeError):
    """The process of a job ended before the job did; says how."""


class Workers:
    """Up to `size` processes that call `function` with the arguments of one job at a time.

    A context: without an error it ends when its idle processes have; with one, such as Ctrl-C,
    which is the parent's alone, the busy ones get SIGTERM first and may save what they can. When
    the parent is killed, they get SIGTERM, too, and have 2 seconds. A process that gets it from
    anyone else has died, even where its job saves what it can and returns. `function` and the jobs
    are pickled; processes start by "spawn", for a forked one inherits torch's locked thread pools.
    """

    def __init__(self, function: Callable[..., Any], size: int) -> None:
        self.function, self.size = function, size
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._stop()
        every = self._idle + self._busy
        for worker in every:
            with suppress(OSError):  # it is gone already
                worker.connection.send_bytes(_END)
            worker.connection.close()
        for worker in every:
            worker.process.join()

    def _stop(self) -> None:
        for worker in self._busy:
            worker.process.terminate()

    @property
    def busy(self) -> int:
        """How many jobs are going on; `start` takes another one while that is less than `size`."""
        return len(self._busy)

    def start(self, job: Job) -> None:
        """Give `job` to a process that is idle, or else to a new one."""
        while self._idle:
            worker = self._idle.pop()
            with suppress(OSError):  # it has died idle
                worker.connection.send((self.function, job))
                break
            worker.how_it_ended()
        else:
            worker = _Worker()
        worker.job = self.function, job
        self._busy.append(worker)

    def next_ended(
        self, wanted: Callable[[], bool] = lambda: True
    ) -> tuple[Job, Any, Exception | None]:
        """Wait for a job to end: the job, what it returned, and the error that it raised instead.

        A WorkerDiedError where its process is gone. RuntimeError where processes cannot be started.
        The busy ones get SIGTERM when they are not `wanted` any more, and may save what they can.
        """
        stopped = False
        while True:
            # not the connections alone: a process of the worker's own may hold its end open
            wait([part for worker in self._busy for part in worker.signs()], _LOOK)
            if not stopped and not wanted():
                stopped = True
                self._stop()
            for worker in self._busy:
                try:
                    answer = worker.answer()
                except (EOFError, OSError):
                    answer = None, WorkerDiedError(worker.how_it_ended())
                if answer is not None:
                    self._busy.remove(worker)
                    if not isinstance(answer[1], WorkerDiedError):
                        self._idle.append(worker)
                    elif not worker.begun and (worker.process.exitcode or 0) > 0:
                        raise RuntimeError(
                            f"{answer[1]} before it could begin: in a script, "
                            "keep the call below `if __name__ == '__main__':`"
                        )
                    return worker.job[1], *answer


class _Worker:
    """A process, this end of its pipe and what it is at."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        # a daemon is ended with a parent that ends without a word, instead of being waited for
        self.process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
        self.job: tuple[Callable[..., Any], Job]
        self.begun = False
        with theirs:
            self.process.start()

    def signs(self) -> tuple[Connection, int]:
        """What becomes ready when there is an answer or the process is gone."""
        return self.connection, self.process.sentinel

    def answer(self) -> tuple[Any, Exception | None] | None:
        """What the job returned or raised, None before that; EOFError or OSError after a death."""
        alive = self.process.is_alive()  # asked first: what it sent before its death counts
        if not self.connection.poll():
            if not alive:
                raise EOFError
            return None
        answer = self.connection.recv()
        if answer is None:
            self.begun = True
            self.connection.send(self.job)
        return answer

    def how_it_ended(self) -> str:
        """In words; closes this end."""
        self.connection.close()
        self.process.join(2 * _LOOK)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        status = self.process.exitcode or 0
        if status < 0:
            names = {one.value: one.name for one in signal.Signals}  # without the real-time ones
            return f"a worker process was killed ({names.get(-status, f'signal {-status}')})"
        return f"a worker process ended (exit status {status})"


def _stop_with_parent(parent: int) -> None:
    """Leave Ctrl-C to the process `parent`, ours, and end soon after it.

    With SIGTERM, after which there are 2 seconds to save what can be saved.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = sys.platform == "linux" and _signalled_by_system() and os.getppid() == parent

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        signal.setitimer(signal.ITIMER_REAL, _LAST)  # ends the process whatever it is at
        if not told:  # once alone: a second SIGTERM would leave no time
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _signalled_by_system() -> bool:
    """Let the system send SIGTERM when the parent dies, even amid a call that holds the GIL."""
    return ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) == 0


def _work(connection: Connection, parent: int) -> None:
    """Say that we are there, and do jobs until there are no more."""
    _stop_with_parent(parent)
    current_process().daemon = False  # as which it could have no processes of its own
    with suppress(EOFError, OSError):
        connection.send(None)
        while (job := connection.recv_bytes()) != _END:
            answer = _done(job)
            if was_terminated():  # whoever sent it: the job has saved what it could, and stopped
                signal.raise_signal(signal.SIGTERM)
            connection.send_bytes(answer)


def _done(job: bytes) -> bytes:
    """What the job returned or raised, pickled, so that the other end can read it."""
    try:
        # not before we watch our parent: this may import for seconds
        function, arguments = pickle.loads(job)
        return bytes(ForkingPickler.dumps((function(*arguments), None)))
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        try:
            answer = bytes(ForkingPickler.dumps((None, error)))
            pickle.loads(answer)
        except Exception:  # an error of many arguments, say
            return bytes(ForkingPickler.dumps((None, RuntimeError(repr(error)))))
        return answer

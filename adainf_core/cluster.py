"""Jobs on a Dask cluster: slots of several machines, used as the processes of one are.

The extra "cluster" installs the engine; nothing else here needs it. Whoever reaches a scheduler can
run code on its workers, so that beyond this machine only TLS is spoken, which asks for
certificates. What is sent are names of functions and plain data. Each job is done in a process of
its own below a worker: it can be stopped, may die, and leaves the worker able to answer.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import logging
import math
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from multiprocessing import current_process
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from adainf_core import __version__
from adainf_core.progress import RetryWarning
from adainf_core.workers import Job, WorkerDiedError, Workers

#: What a worker offers, and a job takes: `dask worker ... --resources "slot=1 GPU=1"`.
SLOT, GPU = {"slot": 1}, {"slot": 1, "GPU": 1}
_AGAIN = 2  # times that a job which raised, or whose process died, is tried again
_PATIENCE = 10  # seconds in which a scheduler has to answer
_LOOK = 1.0  # seconds between two looks at who is there
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_own = threading.local()  # on a worker: the process below each of its threads


class UnfitWorkerError(RuntimeError):
    """This worker cannot do a job that another one may do: says what it lacks."""


# ---- which cluster


def check_address(address: str) -> str:
    """`address` where it is local:N, tcp://HOST:PORT on this machine, or tls://HOST:PORT.

    Raises ValueError in one line for anything else.
    """
    kind, _, rest = address.partition(":")
    if kind == "local" and rest.isdecimal() and 1 <= int(rest) <= 1024:
        return address
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port and not parts.path:
            _refuse_open(address)
            return address
    raise ValueError(
        f"{address} is no cluster: give local:N for N slots here, tcp://HOST:PORT of a scheduler "
        "on this machine, or tls://HOST:PORT"
    )


def _refuse_open(address: str) -> None:
    """ConnectionRefusedError where others than this machine could speak there unencrypted."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "tls" and not all(map(_is_loopback, _addresses(host))):
        raise ConnectionRefusedError(
            f"{address} lies beyond this machine, where anybody could run code on the workers: use "
            "tls:// there, with certificates, or bind scheduler and workers to 127.0.0.1"
        )


def _addresses(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]
    except OSError:
        return [host]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the Dask cluster at `address` (`check_address`), for `Slots`.

    "local:N" starts one of N slots on this machine's loopback, which ends with the block, or within
    seconds of this process. Raises ImportError without the extra "cluster", ConnectionError where
    no scheduler answers, and where one or its workers could be reached unencrypted from beyond this
    machine, ValueError for TLS without certificates.
    """
    check_address(address)
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.security import Security
    except ImportError:
        raise ImportError(
            f"{address} needs Dask, which is not installed: pip install 'adainf-core[cluster]'"
        ) from None
    kind, _, slots = address.partition(":")
    if kind == "tls" and Security().get_connection_args("client")["ssl_context"] is None:
        raise ValueError(
            f"{address}: no certificates: name them in Dask's configuration (distributed.comm.tls)"
        )
    with ExitStack() as stack:
        stack.enter_context(_silent("distributed"))
        place: Any = address
        if kind == "local":
            # a run whose worker dies is tried once more
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 1}))
            with _leaving_interrupts():
                here = LocalCluster(
                    n_workers=int(slots),
                    threads_per_worker=1,
                    resources=GPU,
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            place = stack.enter_context(here)
        try:
            client = Client(place, timeout=_PATIENCE, set_as_default=False)
        except OSError as error:
            raise ConnectionError(
                f"no scheduler answers at {address} ({error}): start one (dask scheduler --host "
                "127.0.0.1), or take --on local:N"
            ) from None
        with client:
            yield client


@contextmanager
def _leaving_interrupts() -> Iterator[None]:
    """Processes that are started leave Ctrl-C to this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _silent(package: str) -> Iterator[None]:
    """What a package logs is not said: errors are raised anyway."""
    every = logging.Logger.manager.loggerDict.items()
    loggers = [one for name, one in every if name.partition(".")[0] == package]
    said = [one for one in loggers if isinstance(one, logging.Logger) and not one.disabled]
    for one in said:
        one.disabled = True
    try:
        yield
    finally:
        for one in said:
            one.disabled = False


# ---- jobs


@dataclass
class _Try:
    job: Job
    future: Any
    allowed: set[str]  # the workers that may do it; empty: all
    tried: set[str]  # those that could not
    failures: int


class Slots:
    """The slots of a cluster, with the interface of `Workers`: a job at a time on each.

    `function` is a name, "module:function", and the jobs are plain data: both are sent. A worker
    whose code is another, which lacks a job's data (FileNotFoundError without a file's name) or
    disk space, or which says so (`UnfitWorkerError`), is passed over for it; a job that raises
    anything else, or whose process dies, is tried twice more, elsewhere if it can be; the job of a
    worker that is lost goes to another one, as often as the scheduler allows. Each is told by a
    warning with the name that `named` gives the job. Workers may come and go; where none has what
    `needs` asks for (`SLOT`, `GPU`), jobs wait for one until `deadline` (`time.monotonic`).
    """

    def __init__(
        self,
        client: Any,
        function: str,
        named: Callable[[Job], str],
        *,
        needs: Mapping[str, int] = SLOT,
        deadline: float = math.inf,
    ) -> None:
        self.client, self.function, self.named = client, function, named
        self.needs, self.deadline = dict(needs), deadline
        self._tries: dict[str, _Try] = {}
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._there: dict[str, int] = {}
        self._looked = -math.inf
        self._waits = False

    def __enter__(self) -> Self:
        self.client.subscribe_topic("all", lambda event: self._events.put(event[1]))
        return self

    def __exit__(self, *_: object) -> None:
        """Jobs that are going on are stopped, and may save what they can."""
        with suppress(Exception):  # the scheduler has gone, with all that was to be stopped
            self.client.unsubscribe_topic("all")
            self.client.cancel([each.future for each in self._tries.values()])
        self._tries.clear()

    @property
    def busy(self) -> int:
        """How many jobs are going on."""
        return len(self._tries)

    @property
    def size(self) -> int:
        """How many can go on now; 1 where there is no worker, so that one waits for it."""
        self._look()
        return max(1, sum(self._there.values()))

    def start(self, job: Job) -> None:
        """Send `job` to whichever slot is free, or will be."""
        self._send(job, set(), 0)

    def next_ended(self) -> tuple[Job, Any, Exception | None]:
        """Wait for a job to end: the job, what it returned, and the error that it raised instead.

        None for both where the deadline has come before a worker. ConnectionError where the
        scheduler is lost.
        """
        while True:
            try:
                event = self._events.get(timeout=_LOOK)
            except Empty:
                event = None
            self._look()
            if event is None:
                if not self._there and time.monotonic() > self.deadline:
                    each = self._tries.pop(next(iter(self._tries)))
                    return each.job, None, None
            elif isinstance(event, str):
                if event in self._tries and (ended := self._ended(event)):
                    return ended
            elif event.get("action") == "remove-worker":
                for key in self._tries.keys() & event["processing-tasks"]:
                    name = self.named(self._tries[key].job)
                    _tell(f"{name}: lost its worker {event['worker']}; once more")

    def _send(self, job: Job, tried: set[str], failures: int) -> None:
        key = f"{self.named(job)} {uuid4().hex}"
        allowed = self._there.keys() - tried if tried else set()
        future = self.client.submit(
            _call,
            self.function,
            job,
            _code(),
            key=key,
            resources=self.needs,
            workers=sorted(allowed) or None,
        )
        self._tries[key] = _Try(job, future, allowed, tried, failures)
        future.add_done_callback(lambda done: self._events.put(done.key))

    def _ended(self, key: str) -> tuple[Job, Any, Exception | None] | None:
        """What came of a try; None where the job goes on elsewhere."""
        each = self._tries.pop(key)
        if each.future.cancelled():
            raise self._lost()
        if (found := each.future.exception()) is not None:
            return each.job, None, _not_begun(found)
        where, value, error = each.future.result()
        if error is None:
            return each.job, value, None
        tried = each.tried | {where}
        elsewhere, unfit = self._there.keys() - tried, _is_unfit(error)
        if elsewhere if unfit else each.failures < _AGAIN:
            said, then = f"worker {where}: {error}", "its jobs go elsewhere"
            if not unfit:
                said, then = f"{self.named(each.job)} on {said}", "once more"
            _tell(f"{said}; {then}")
            self._send(each.job, tried if elsewhere else set(), each.failures + (not unfit))
            return None
        if isinstance(error, UnfitWorkerError):
            raise UnfitWorkerError(f"worker {where}: {error}, and there is no other")
        if isinstance(error, WorkerDiedError):
            error = RuntimeError(f"{error} at each of {1 + each.failures} tries")
        return each.job, None, error

    def _look(self) -> None:
        """See who is there, once a second; nobody else can do what only lost workers might."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if self.client.status != "running":
            raise self._lost()
        found = self.client.scheduler_info()
        for address in (found["address"], *found["workers"]):
            _refuse_open(address)
        slots = {
            address: min(int(worker["resources"].get(need, 0)) for need in self.needs)
            for address, worker in found["workers"].items()
        }
        self._there = {address: count for address, count in slots.items() if count}
        if not self._there and not self._waits:
            offered = " ".join(f"{need}={count}" for need, count in self.needs.items())
            place = found["address"]
            _tell(
                f"no worker of {place} offers {offered}: waiting for one (dask worker {place} "
                f'--nthreads 1 --resources "{offered}")'
            )
        self._waits = not self._there
        for key, each in list(self._tries.items()):
            if each.allowed and not each.allowed & self._there.keys():
                del self._tries[key]
                self._send(each.job, set(), each.failures)

    def _lost(self) -> ConnectionError:
        return ConnectionError(
            "the scheduler is lost, and with it what was going on: start it and its workers again, "
            "and the same command goes on"
        )


def _tell(what: str) -> None:
    warnings.warn(what, RetryWarning, stacklevel=4)


def _is_unfit(error: Exception) -> bool:
    if isinstance(error, FileNotFoundError):
        return error.filename is None  # the message of `load_images`, not a file that is missed
    return isinstance(error, UnfitWorkerError) or getattr(error, "errno", None) in _FULL


def _not_begun(error: BaseException) -> Exception:
    """Why the engine itself could not have a job done."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return RuntimeError(f"its worker was lost at each of {error.allowed_failures + 1} tries")
    if isinstance(error, ImportError | AttributeError):
        raise UnfitWorkerError(f"a worker has another adainf_core, or none ({error})")
    return error if isinstance(error, Exception) else RuntimeError(repr(error))


# ---- on the worker


def _call(function: str, job: Job, code: tuple[str, str]) -> tuple[str, Any, Exception | None]:
    """The worker's address, and what the function of that name returns or raises in a process."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    if code != _code():
        told = f"has another adainf_core ({' '.join(_code())}) than is here ({' '.join(code)})"
        return worker.address, None, UnfitWorkerError(told)

    def wanted() -> bool:  # not where the client has taken it back, it or the scheduler is gone
        task = worker.state.tasks.get(key)
        closing = worker.status.name in ("closing", "closed")
        return not closing and task is not None and task.state == "executing"

    current_process().daemon = False  # as which Dask's workers could have no process of their own
    if not hasattr(_own, "workers"):
        _own.workers = Workers(function_named, 1)
    _own.workers.start((function, *job))
    _, value, error = _own.workers.next_ended(wanted)
    return worker.address, value, error


def function_named(name: str, *job: Any) -> Any:
    """What the function "module:function" returns for `job`."""
    return named(name)(*job)


def named(name: str) -> Any:
    """What "module:name" names."""
    module, _, attribute = name.partition(":")
    found = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


@cache
def _code() -> tuple[str, str]:
    """The version of this package and a hash of its source."""
    digest, package = hashlib.sha256(), Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return __version__, digest.hexdigest()[:12]

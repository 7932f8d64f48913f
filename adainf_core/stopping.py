"""Stopping where it does no harm: Ctrl-C and SIGTERM as requests that long work looks at."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ECHO = 2.0  # seconds in which a second SIGTERM is taken for the first
_seen: set[signal.Signals] = set()  # what has made requests true


@dataclass
class StopRequest:
    """Which signal has asked the process to stop; true once one has."""

    signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def raise_interrupt(self, message: str) -> None:
        """KeyboardInterrupt with `message` where Ctrl-C has asked; nothing where SIGTERM has.

        For when all that the work had to do has been done: Ctrl-C ends the caller too, SIGTERM
        leaves to it what a part of the work is worth.
        """
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt(message)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM has ended what `interruptible` runs."""


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the block by an exception (`TerminatedError`), as Ctrl-C does.

    What is half done is taken back or kept on the way out, as it is then. Nothing is changed
    outside the main thread, which alone may handle signals, or where SIGTERM is handled already.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise TerminatedError

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def telling_what_stays(what: Callable[[], str]) -> Iterator[None]:
    """A Ctrl-C or SIGTERM that ends the block says `what` stays, unless it says so itself."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:
            raise
        raise type(stop)(f"stopped; {what()}") from None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """A `StopRequest` that SIGINT (Ctrl-C) or SIGTERM makes true while the block runs.

    The block looks at it where it can stop, instead of being ended anywhere. A second signal does
    what it did before the block; a SIGTERM that comes again within 2 seconds is the same one, for
    who sends it to a whole process group is followed by the parent that hands it on. A signal that
    is ignored stays so. Outside the main thread, which alone may handle signals, nothing is caught
    and the request never comes.
    """
    request, asked = StopRequest(), 0.0
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        now = time.monotonic()
        if request:
            if now - asked >= _ECHO:
                restore(signal.SIGTERM)
                signal.raise_signal(number)
            return
        request.signal, asked = signal.Signals(number), now
        _seen.add(request.signal)
        restore(*before.keys() - {signal.SIGTERM} if number == signal.SIGTERM else before)

    def restore(*which: signal.Signals) -> None:
        for one in which:
            signal.signal(one, before[one])

    # None: a handler that was not installed from Python, which could not be put back; and who
    # ignores Ctrl-C leaves it to another process
    before = {
        one: handler
        for one in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(one)) not in (None, signal.SIG_IGN)
    }
    try:
        for one in before:
            signal.signal(one, ask)
        yield request
    finally:
        restore(*before)


def was_terminated() -> bool:
    """Whether SIGTERM has ever made a `StopRequest` of this process true."""
    return signal.SIGTERM in _seen

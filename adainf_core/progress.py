"""Progress of long work: a bar in a terminal, plain lines where stderr is a file or a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LINE_SECONDS = 10.0  # between two lines
_PATIENCE = 2.0  # seconds of work that nobody asked about
_told: ContextVar[bool] = ContextVar("told", default=False)


class RetryWarning(UserWarning):
    """A part of long work is tried again, is left out or waits."""


@contextmanager
def progress_told(told: bool = True) -> Iterator[None]:
    """Context manager: work inside that is not asked about tells its progress, if it takes long.

    The command line's switch; without it a library is silent.
    """
    before = _told.set(told)
    try:
        yield
    finally:
        _told.reset(before)


@contextmanager
def progress_bar(
    total: int, unit: str, *, done: int = 0, shown: bool | None = None, about: str = ""
) -> Iterator[Callable[[int], object]]:
    """A bar on stderr of `total` units, `done` of them already; yields what is told of more.

    `about` says what is done. Where stderr is no terminal there is a line every ten seconds
    instead. Nothing is written where it is not `shown`; None, for work that is part of other work,
    is shown within `progress_told` from two seconds on, and leaves no bar behind.
    """
    if not (_told.get() if shown is None else shown):
        yield lambda more: None
    elif not sys.stderr.isatty():
        yield _Lines(total, unit, done, about).tell
    else:
        from tqdm import tqdm

        late = _PATIENCE if shown is None else 0
        with tqdm(
            total=total, initial=done, unit=unit, desc=about or None, delay=late, leave=bool(shown)
        ) as bar:
            yield bar.update


def progress_range(start: int, stop: int, unit: str, *, shown: bool = True) -> Iterator[int]:
    """The numbers from `start` up to `stop`, each counted in a `progress_bar` when done with."""
    with progress_bar(stop, unit, done=start, shown=shown) as advance:
        for number in range(start, stop):
            yield number
            advance(1)


def duration(seconds: float) -> str:
    """Seconds in words."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.1f} {unit}"
    return "about a second" if 0.5 < seconds < 1.5 else f"about {seconds:.0f} seconds"


class _Lines:
    """Progress as plain lines: how far, and how long the rest takes at the pace so far."""

    def __init__(self, total: int, unit: str, done: int, about: str) -> None:
        self.total, self.unit, self.first, self.done = total, unit, done, done
        self.about = f"{about}: " if about else ""
        self.begun = self.last = time.monotonic()

    def tell(self, more: int) -> None:
        self.done += more
        now = time.monotonic()
        if now - self.last < _LINE_SECONDS:
            return
        self.last = now
        left = (now - self.begun) / max(1, self.done - self.first) * (self.total - self.done)
        rest = f", {duration(left)} left" if left > 0 else ""
        line = f"{self.about}{self.done:,} of {self.total:,} {self.unit}s{rest}"
        print(line, file=sys.stderr, flush=True)

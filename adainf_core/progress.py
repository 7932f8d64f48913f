"""Progress: the one bar that long work shows in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(
    total: int, unit: str, *, done: int = 0, shown: bool = True
) -> Iterator[Callable[[int], object]]:
    """A bar on stderr of `total` units, `done` of them already; yields what is told of more.

    Nothing is written where it is not `shown` or stderr is no terminal.
    """
    if not shown:
        yield lambda more: None
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, unit=unit, disable=None) as bar:
        yield bar.update


def progress_range(start: int, stop: int, unit: str, *, shown: bool = True) -> Iterator[int]:
    """The numbers from `start` up to `stop`, each counted in a `progress_bar` when done with."""
    with progress_bar(stop, unit, done=start, shown=shown) as advance:
        for number in range(start, stop):
            yield number
            advance(1)

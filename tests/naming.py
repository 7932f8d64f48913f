"""A test of many cases says at which one it failed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def named(case: object) -> Iterator[None]:
    """Context manager: a failure within is of this `case`, and says so."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"the case: {case!r}")
        raise

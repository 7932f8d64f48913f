"""What holds for all tests; nothing heavy, for the process that hands them out imports it too."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from adainf_core.evidence.runs.records import Record

# Arrays and tensors are small: more threads would only wait for each other. The numerical libraries
# read it when they load, here, in the processes that hold the tests and in those that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests with the garbage collector off, and keep from it all that is there then.

    What importing leaves, half a million objects, lives to the end: looking through it over and
    over takes a quarter of the time of the imports, and a third of a second whenever it happens in
    a test. What tests make is looked through less often than by default, too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


def pytest_unconfigure() -> None:
    """Give back what was kept: libraries that count it at the exit would call it a leak."""
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    # a shell that starts tests in the background has them ignore Ctrl-C, which some are about
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _copies_kept_elsewhere(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("copies")
        patch.setattr("adainf_core.data.known_copies._folder", lambda: folder)
        yield


@pytest.fixture(scope="session")
def laptop_ledger():
    """Every claim judged on the committed records at scale "laptop"."""
    from adainf_core.evidence.ledger import ledger

    return ledger("laptop")


@pytest.fixture(scope="module")
def few_penalties():
    """Two for linear probes to choose from: fitting all takes most of a run as short as tests'."""
    from adainf_core.learning.probing import linear_probe

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))
        yield


@pytest.fixture
def make_record():
    """Makes a record of the smallest possible run."""
    from adainf_core.evidence.runs.records import Record

    def make(arm="none", seed=0, linear=50.0, **changes) -> Record:
        config = {"world": "sprites", "seed": seed}
        return Record(
            **{
                "study": "trial",
                "scale": "quick",
                "arm": arm,
                "seed": seed,
                "config": config,
                "kind": "trial",
                "commit": "0" * 40,
                "clean": True,
                "code": "0123456789abcdef",
                "versions": {"torch": "2.0", "python": "3.11"},
                "device": "cpu",
                "wall_seconds": 1.0,
                "finished": "2026-11-22",
                "beta": 1.0,
                "metrics": {"linear": linear},
                "protocols": {"linear": "made up"},
                "history": [{"step": 1, "loss": 5.0}],
            }
            | changes
        )

    return make

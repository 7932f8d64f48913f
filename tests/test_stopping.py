"""Requests to stop: seen while the block runs, everything as before afterwards."""

import signal
import threading

import pytest

from adainf_core import stopping
from adainf_core.stopping import StopRequest, stop_requests

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_is_a_request_and_a_second_one_acts_as_before(number, monkeypatch):
    monkeypatch.setattr(stopping, "_ECHO", 0.0)
    before = [signal.getsignal(one) for one in BOTH]
    seen = []
    signal.signal(number, lambda *_: seen.append(number))
    try:
        with stop_requests() as stop:
            assert not stop and stop.signal is None
            signal.raise_signal(number)
            assert stop and stop.signal == number and not seen
            signal.raise_signal(number)
            assert seen == [number]
        signal.raise_signal(number)
        assert seen == [number, number]
    finally:
        for one, handler in zip(BOTH, before, strict=True):
            signal.signal(one, handler)


def test_sigterm_comes_once_by_a_group_and_again_by_the_parent(monkeypatch):
    before, clock, seen = signal.getsignal(signal.SIGTERM), [], []
    monkeypatch.setattr(stopping.time, "monotonic", lambda: clock[-1])
    signal.signal(signal.SIGTERM, lambda *_: seen.append(clock[-1]))
    try:
        with stop_requests() as stop:
            for now in (1.0, 1.1, 2.9, 3.1, 3.2):
                clock.append(now)
                signal.raise_signal(signal.SIGTERM)
                assert stop and seen == [late for late in clock if late > 3]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopping.was_terminated()


def test_handlers_come_back_after_an_error_too():
    before = [signal.getsignal(one) for one in BOTH]
    with pytest.raises(ValueError, match="inside"), stop_requests():
        raise ValueError("inside")
    assert [signal.getsignal(one) for one in BOTH] == before


@pytest.mark.parametrize("number", BOTH)
def test_an_ignored_signal_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_requests() as stop:
            signal.raise_signal(number)
            assert not stop
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_only_ctrl_c_interrupts_the_caller():
    StopRequest().raise_interrupt("why")
    StopRequest(signal.SIGTERM).raise_interrupt("why")
    with pytest.raises(KeyboardInterrupt, match="why"):
        StopRequest(signal.SIGINT).raise_interrupt("why")


def test_other_threads_are_not_asked():
    seen = []

    def work():
        with stop_requests() as stop:
            seen.append(bool(stop))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]

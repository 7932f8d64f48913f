"""Progress: a bar on a terminal, lines elsewhere, and nothing where nobody asks for it."""

import sys

import pytest

from adainf_core import progress
from adainf_core.progress import progress_bar, progress_range, progress_told


@pytest.fixture
def clock(monkeypatch):
    """The clock of lines, to be set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_written_unless_asked_for(terminal, capfd, monkeypatch, clock):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    for number in progress_range(2, 5, "step", shown=False):
        clock[0] += 100 * number
    with progress_bar(5, "step") as advance:
        clock[0] += 100
        advance(3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("asked", [True, False])
def test_where_no_terminal_is_lines_come_every_ten_seconds(asked, capfd, clock):
    with (
        progress_told(),
        progress_bar(
            3000, "image", done=1000, shown=True if asked else None, about="reading x"
        ) as advance,
    ):
        for seconds in (6, 6, 6, 9, 1):  # 200 images in each
            clock[0] += seconds
            advance(200)
    # after 12 s 400 of the 2,000 that were left at the start, after 27 s 800
    assert capfd.readouterr().err.splitlines() == [
        "reading x: 1,400 of 3,000 images, about 48 seconds left",
        "reading x: 1,800 of 3,000 images, about 40 seconds left",
    ]


def test_the_last_line_promises_nothing_more(capfd, clock):
    with progress_bar(2, "run", shown=True) as advance:
        clock[0] += 60
        advance(2)
    assert capfd.readouterr().err == "2 of 2 runs\n"


def test_unasked_work_in_a_terminal_has_a_bar_from_two_seconds_on(capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_told(), progress_bar(10, "block", about="searching") as advance:
        advance(9)
    assert not capfd.readouterr().err
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    with progress_told(), progress_bar(10, "block", about="searching") as advance:
        advance(9)
    err = capfd.readouterr().err
    assert "searching" in err and "0/10" in err and err.endswith("\r")  # and is wiped at the end


def test_work_done_before_counts_and_work_in_hand_does_not(capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for number in progress_range(2, 5, "step"):
        if number == 4:
            break
    assert "4/5" in (err := capfd.readouterr().err) and "5/5" not in err
    with progress_bar(10, "image", done=3, shown=True) as advance:
        advance(7)
    assert "10/10" in capfd.readouterr().err

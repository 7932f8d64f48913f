"""The bar: on a terminal where it is asked for, and nowhere else."""

import sys

import pytest

from adainf_core.progress import progress_bar, progress_range


@pytest.mark.parametrize(("terminal", "shown"), [(True, False), (False, True)])
def test_nothing_is_written_unless_asked_for_on_a_terminal(terminal, shown, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(progress_range(2, 5, "step", shown=shown)) == [2, 3, 4]
    assert capfd.readouterr() == ("", "")


def test_work_done_before_counts_and_work_in_hand_does_not(capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for number in progress_range(2, 5, "step"):
        if number == 4:
            break
    assert "4/5" in (err := capfd.readouterr().err) and "5/5" not in err
    with progress_bar(10, "image", done=3) as advance:
        advance(7)
    assert "10/10" in capfd.readouterr().err

"""A reservation holds against the living, and not against the dead."""

import os
import socket
import subprocess
import sys

import pytest

from adainf_core.evidence.reservation import PATIENCE, reserved


def test_the_second_comer_is_turned_away_until_the_first_is_done(tmp_path):
    path = tmp_path / "somewhere" / "run.reserved"
    with reserved(path) as first:
        path.write_text(f"{socket.gethostname()} {os.getppid()}")  # a process that is alive
        with reserved(path) as second:
            assert first and not second
        assert path.exists()  # not the second's to give back
    assert not path.exists()
    with reserved(path) as third:
        assert third


def test_it_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), reserved(tmp_path / "r") as free:
        raise RuntimeError(free)
    assert not (tmp_path / "r").exists()


def test_what_a_killed_process_left_is_taken_over(tmp_path):
    path = tmp_path / "r"
    code = "import os, sys; from adainf_core.evidence.reservation import reserved\n"
    code += f"with reserved(__import__('pathlib').Path({str(path)!r})): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert path.exists()
    with reserved(path) as free:
        assert free


def test_another_machines_is_respected_for_a_day(tmp_path):
    path = tmp_path / "r"
    path.write_text("elsewhere 1")
    with reserved(path) as free:
        assert not free
    old = path.stat().st_mtime - PATIENCE - 60
    os.utime(path, (old, old))
    with reserved(path) as free:
        assert free

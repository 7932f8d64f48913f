"""Files and folders appear whole or not at all, whatever goes wrong."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from adainf_core.files import atomic_file, atomic_folder, claim_output, remove_partials


def fail(whole, path, error):
    with whole(path) as target:
        if whole is atomic_file:
            target.write(b"new")
        else:
            (target / "content").write_bytes(b"new")
        raise error


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "file"
    with atomic_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


def test_a_failed_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyError):
        fail(atomic_file, path, KeyError())
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (events.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("name"), replace(*paths)))
    with atomic_file(tmp_path / "file") as file:
        file.write(b"new")
    assert events == ["fsync", "name", "fsync"]  # the last one is the folder's


def test_files_are_readable_by_whom_the_umask_says(tmp_path):
    with atomic_file(tmp_path / "ours") as file:
        file.write(b"")
    (tmp_path / "plain").write_bytes(b"")
    modes = {(tmp_path / name).stat().st_mode for name in ("ours", "plain")}
    assert len(modes) == 1


def test_a_folder_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "folder"
    with atomic_folder(path) as folder:
        (folder / "content").write_text("new")
        assert not path.exists()
    assert (path / "content").read_text() == "new" and list(path.parent.iterdir()) == [path]


def test_a_failed_block_leaves_no_folder(tmp_path):
    with pytest.raises(KeyError):
        fail(atomic_folder, tmp_path / "folder", KeyError())
    assert not list(tmp_path.iterdir())


def test_a_taken_folder_is_refused(tmp_path):
    with pytest.raises(FileExistsError, match="choose another place"), atomic_folder(tmp_path):
        pass


def make_folder_beside(path, take, at_the_last_moment, monkeypatch):
    if at_the_last_moment:
        rename = type(path).rename
        monkeypatch.setattr(type(path), "rename", lambda *paths: (take(path), rename(*paths)))
    with atomic_folder(path) as folder:
        (folder / "content").write_text("ours")
        if not at_the_last_moment:
            take(path)


TAKEN = {
    "full folder": lambda path: (path.mkdir(), (path / "content").write_text("theirs")),
    "file": lambda path: path.write_text("theirs"),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "empty folder": lambda path: path.mkdir(),  # which rename alone would replace
}


@pytest.mark.parametrize(
    ("theirs", "at_the_last_moment"),
    # at the very last moment rename does replace an empty folder
    [(kind, False) for kind in TAKEN] + [(kind, True) for kind in TAKEN if kind != "empty folder"],
)
def test_a_folder_taken_meanwhile_is_left_alone(tmp_path, monkeypatch, theirs, at_the_last_moment):
    path = tmp_path / "folder"
    with pytest.raises(FileExistsError, match="choose another place"):
        make_folder_beside(path, TAKEN[theirs], at_the_last_moment, monkeypatch)
    assert list(tmp_path.iterdir()) == [path]
    if theirs == "full folder":
        assert (path / "content").read_text() == "theirs"
    if theirs == "empty folder":
        assert not list(path.iterdir())


def test_partials_are_removed_and_nothing_else(tmp_path):
    left = tmp_path / ".run[1]*.pt.0a1b2c3d.partial"
    others = [
        tmp_path / name for name in (".run1x.pt.0a1b2c3d.partial", "run[1]*.pt", ".run[1]*.pt")
    ]
    for path in (left, *others):
        path.write_bytes(b"")
    remove_partials(tmp_path / "run[1]*.pt")
    assert set(tmp_path.iterdir()) == set(others)


@pytest.mark.parametrize("whole", [atomic_file, atomic_folder])
def test_a_full_disk_names_the_path_and_the_remedy(tmp_path, whole):
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match=r"could not write .*target .*free some space") as caught:
        fail(whole, tmp_path / "target", full)
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("whole", [atomic_file, atomic_folder])
def test_other_errors_of_the_block_pass_unchanged(tmp_path, whole):
    error = FileNotFoundError(errno.ENOENT, "No such file", "source")
    with pytest.raises(FileNotFoundError) as caught:
        fail(whole, tmp_path / "target", error)
    assert caught.value is error


@pytest.mark.parametrize("whole", [atomic_file, atomic_folder])
def test_errors_about_the_unfinished_name_the_file_that_was_wanted(tmp_path, whole):
    (tmp_path / "file").write_bytes(b"")
    long = tmp_path / ("n" * 250)  # short enough for itself
    with pytest.raises(OSError, match=f"could not write {long} .*choose another place") as caught:
        fail(whole, long, KeyError())
    assert "partial" not in str(caught.value)


# ---- one writer


@contextmanager
def another(code, path):
    """Another process that runs `code` with `path` up to where it sleeps; killed at the end."""
    lines = [
        "import sys, time; from pathlib import Path",
        "from adainf_core.files import *",
        "path = Path(sys.argv[1])",
        code.replace("SLEEP", "print('there', flush=True); time.sleep(600)"),
    ]
    command = [sys.executable, "-c", "\n".join(lines), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "there\n"
            yield process
        finally:
            process.kill()


HOLDS = """
with claim_output(path, 'file'):
    SLEEP
"""
WRITES = """
with atomic_file(path) as file:
    file.write(b'half'); SLEEP
"""
FILLS = """
with atomic_folder(path) as folder:
    (folder / 'half').write_bytes(b''); SLEEP
"""


@pytest.mark.parametrize("kind", ["file", "new folder"])
def test_a_second_writer_is_refused_and_told_who_is_first(tmp_path, kind):
    path = tmp_path / "deep" / "run.pt"
    with another(HOLDS, path) as first:
        says = f"run.pt is being written by process {first.pid} on {socket.gethostname()}: wait"
        for _ in range(2):  # who is refused takes nothing away
            with pytest.raises(BlockingIOError, match=says), claim_output(path, kind):
                pass
        with claim_output(tmp_path / "deep" / "other.pt", kind):
            pass
    # killed: its lock is nobody's
    with claim_output(path, kind):
        assert [part.name for part in path.parent.iterdir()] == [".run.pt.lock"]
    assert not list(path.parent.iterdir())


def test_a_claim_within_a_claim_is_its_own_threads_alone(tmp_path):
    path, seen = tmp_path / "run.pt", []

    def claim():
        try:
            with claim_output(path, "file"):
                seen.append("granted")
        except BlockingIOError as error:
            seen.append(str(error))

    with claim_output(path, "file"):
        claim()
        thread = threading.Thread(target=claim)
        thread.start()
        thread.join()
        claim()
    claim()
    assert seen[0] == seen[2] == seen[3] == "granted"
    assert f"process {os.getpid()} on" in seen[1]


@pytest.mark.parametrize("code", [WRITES, FILLS])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_writer_leaves_is_removed_and_a_living_ones_is_not(tmp_path, code, number):
    path = tmp_path / "out"
    with another(code, path) as writer:
        (left,) = tmp_path.iterdir()
        remove_partials(path)
        with claim_output(path, "file"), atomic_file(path) as file:
            file.write(b"ours")
        assert left.exists() and path.read_bytes() == b"ours"
        path.unlink()
        writer.send_signal(number)
        writer.wait()
        assert left.exists()
        with claim_output(path, "file"):
            assert not left.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("whole", [atomic_file, atomic_folder])
def test_the_next_to_write_takes_away_what_a_killed_one_left(tmp_path, whole):
    path = tmp_path / "out"
    (tmp_path / ".out.0a1b2c3d.partial").mkdir()
    (tmp_path / ".out.0a1b2c3d.partial" / "half").write_bytes(b"")
    (tmp_path / ".out.4e5f6a7b.partial").write_bytes(b"")
    with whole(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_end_each_other(tmp_path):
    path = tmp_path / "run.pt"
    with atomic_file(path) as one:
        one.write(b"one")
        with atomic_file(path) as other:
            other.write(b"other")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("kind", "place", "says"),
    [
        ("file", "folder", "folder is a folder: name a file"),
        ("file", "file/below", "below cannot be made, for .*file is a file"),
        ("file", "file/deep/below", "below cannot be made, for .*file is a file"),
        ("file", "pipe", "pipe is no plain file, and would be replaced"),
        ("file", "n" * 252, "cannot be written .File name too long"),
        ("new folder", "folder", "folder is there already"),
        ("new folder", "file", "file is there already"),
        ("shared folder", "file", "file is a file: name a folder"),
        ("shared folder", "file/below", "below cannot be made"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, kind, place, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=says) as caught, claim_output(tmp_path / place, kind):
        pass
    assert str(caught.value).startswith(str(tmp_path / place))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["file", "new folder", "shared folder"])
def test_a_read_only_place_is_refused_at_once(tmp_path, kind, monkeypatch):
    """As a mounted disk answers; permissions would not stop whoever runs this as root."""
    opened = os.open

    def read_only(path, flags, *more, **options):
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", read_only)
    path = tmp_path / "deep" / "out"
    says = r"out cannot be written \(Read-only file system\)"
    with pytest.raises(OSError, match=says) as caught, claim_output(path, kind):
        pass
    assert "partial" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_claim_leaves_no_trace_but_what_was_made(tmp_path):
    with claim_output(tmp_path / "a" / "b" / "file", "file"):
        pass
    with claim_output(tmp_path / "c" / "folder", "shared folder"):
        pass
    assert not list(tmp_path.iterdir())
    with claim_output(tmp_path / "a" / "file", "file"):
        (tmp_path / "a" / "file").write_text("made")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "file"]


def test_a_shared_folder_is_everybodys(tmp_path):
    holds = HOLDS.replace("'file'", "'shared folder'")
    with another(holds, tmp_path), claim_output(tmp_path, "shared folder"):
        (tmp_path / "mine").write_text("")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

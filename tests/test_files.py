"""Files and folders appear whole or not at all, whatever goes wrong."""

import errno
import os

import pytest

from adainf_core.files import atomic_file, atomic_folder, remove_partials


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

"""Stores that grow: the same bytes however often they are stopped, else one clear error."""

import errno
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count as counter
from pathlib import Path

import numpy as np
import pytest

from adainf_core.data.generated import GeneratedImages, ImportLimits
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet, image_digest
from adainf_core.data.store_meta import as_json, read_meta

SHAPE = (3, 4, 6)
ORIGIN = {"generator": {"name": "noise", "digest": "ab"}, "seed": 3}


def truth(start: int, stop: int) -> np.ndarray:
    """Images that are a function of their index."""
    return np.stack(
        [np.random.default_rng(i).integers(0, 256, SHAPE, np.uint8) for i in range(start, stop)]
    )


@pytest.fixture
def tmp_path(tmp_path):
    """A folder in memory where the system has one: flushing to a busy disk takes its time."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


class Draw:
    """`truth`, and which ranges were asked for."""

    def __init__(self):
        self.ranges = []

    def __call__(self, start, stop):
        self.ranges.append((start, stop))
        return truth(start, stop)


def grown(path, count=25, draw=truth, **options):
    return grown_store(path, draw, count, SHAPE, **({"origin": ORIGIN, "block": 10} | options))


def state(path, name: str | None = None) -> dict[str, bytes]:
    """The store's files; with `name` as if it were called so."""
    files = {file.name: file.read_bytes() for file in path.iterdir() if file.name != ".lock"}
    if name is not None:
        files["meta.json"] = as_json(read_meta(path) | {"name": name})
    return files


def test_a_store_is_named_by_the_hash_of_its_images_which_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "s"
    assert grown(path).digest == image_digest(truth(0, 25))
    short = grown(path, 12)
    assert short.digest is None and short._digest() == image_digest(truth(0, 12))
    assert not grown(path, 45, max_seconds=0).complete
    assert GeneratedImages.open(path).digest is None
    assert grown(path, 45).digest == image_digest(truth(0, 45))
    monkeypatch.setattr("adainf_core.data.images.image_digest", None)
    assert GeneratedImages.open(path)._digest() == grown(path, 45)._digest()


def test_a_store_that_was_stopped_as_copies_were_searched_is_searched_again(tmp_path, monkeypatch):
    def stopped(*sets, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("adainf_core.data.tally.find_copies", stopped)
        with pytest.raises(KeyboardInterrupt):
            grown(tmp_path / "s")
    assert len(GeneratedImages.open(tmp_path / "s")) == 20  # the last block is not counted yet
    grown(tmp_path / "s")
    grown(tmp_path / "t")
    assert state(tmp_path / "s", "x") == state(tmp_path / "t", "x")


def test_a_store_is_drawn_in_fixed_blocks_and_opened_at_once_later(tmp_path):
    draw = Draw()
    made = grown(tmp_path / "deep" / "noise.images", draw=draw)
    assert draw.ranges == [(0, 10), (10, 20), (20, 25)]
    assert np.array_equal(made.images, truth(0, 25)) and not made.images.flags.owndata
    assert made.name == "noise" and made.labels is None and made.origin == ORIGIN
    assert made.complete and made.planned == 25 and made.compared is None
    assert made.checks == {
        "constant": 0, "duplicates": 0, "memorised": None, "order": "undecided",
        "kinds": {"duplicates": {"exact": 0, "mirrored": 0, "near": None}},
    }  # fmt: skip
    assert sorted(state(made.path)) == ["images.npy", "meta.json"]
    assert np.array_equal(np.load(made.path / "images.npy"), truth(0, 25))  # a plain npy file
    before = state(made.path)
    again = grown(made.path, draw=None, block=7)  # nothing to draw: blocks do not matter
    assert np.array_equal(again.images, made.images) and state(made.path) == before


def test_a_stopped_run_goes_on_without_repeats_or_holes(tmp_path):
    grown(tmp_path / "whole")
    draw = Draw()
    for finished in (10, 20, 25):
        made = grown(tmp_path / "parts", draw=draw, max_seconds=0)
        assert len(made) == finished and made.planned == 25
        assert made.complete == (finished == 25)
        assert np.array_equal(GeneratedImages.open(made.path).images, truth(0, finished))
    assert draw.ranges == [(0, 10), (10, 20), (20, 25)]
    assert state(tmp_path / "parts")["images.npy"] == state(tmp_path / "whole")["images.npy"]
    assert made.checks == GeneratedImages.open(tmp_path / "whole").checks


def test_a_larger_count_goes_on_and_a_smaller_one_gives_the_first(tmp_path):
    path, draw = tmp_path / "store", Draw()
    small = grown(path, 25)
    assert len(grown(path, 13, draw=draw)) == 13 and not draw.ranges
    large = grown(path, 42, draw=draw)
    assert draw.ranges == [(20, 30), (30, 40), (40, 42)]  # the block that was cut short, whole
    assert np.array_equal(large.images, truth(0, 42)) and large.complete
    assert np.array_equal(small.images, truth(0, 25))  # opened before, still readable
    grown(tmp_path / "whole", 42)
    assert state(path)["images.npy"] == state(tmp_path / "whole")["images.npy"]
    first = grown(path, 30, draw=draw)
    assert len(first) == 30 and first.complete and np.array_equal(first.images, truth(0, 30))


def test_a_cut_block_that_is_drawn_otherwise_ends_as_undisturbed(tmp_path):
    def rough(start, stop):  # as arithmetic that rounds by the size of its batch
        return truth(start, stop) // 2 + np.uint8(stop - start)

    grown(tmp_path / "store", 25, rough)
    grown(tmp_path / "store", 32, rough)
    grown(tmp_path / "whole", 32, rough)
    assert state(tmp_path / "store", "whole") == state(tmp_path / "whole")


def test_a_cut_block_is_sound_while_it_is_drawn_again(tmp_path, monkeypatch):
    path = tmp_path / "store"
    grown(path, 25, lambda start, stop: truth(start, stop) // 2)
    place, fsync = (path / "images.npy").stat(), os.fsync

    def interrupted(handle):  # once the block is written, and before its description is
        if os.path.samestat(os.fstat(handle), place):
            raise KeyboardInterrupt
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            grown(path, 32)
    assert np.array_equal(GeneratedImages.open(path).images, truth(0, 20) // 2)


def test_a_smaller_wish_for_an_unfinished_store(tmp_path):
    grown(tmp_path / "s", 42, max_seconds=0)
    made = grown(tmp_path / "s", 15)
    assert np.array_equal(made.images, truth(0, 15)) and made.complete
    opened = GeneratedImages.open(tmp_path / "s")
    assert opened.planned == 42 and len(opened) == 15 and not opened.complete
    assert np.array_equal(grown(tmp_path / "s", 42).images, truth(0, 42))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"origin": ORIGIN | {"seed": 4}}, r"asked for seed=4 against 3 there\): delete it or"),
        ({"origin": {"seed": 3}}, "asked for generator=None against"),
        (
            {"origin": ORIGIN | {"generator": {"name": "noise", "digest": "cd"}}},
            "generator.digest='cd' against 'ab'",
        ),
        ({"block": 9}, "in blocks of 10, not 9: give block=10"),
        ({"origin": {"seed": object()}}, "origin is not plain JSON"),
        ({"origin": {"seed": float("nan")}}, "origin is not plain JSON"),
        ({"count": 0}, "count = 0 must be at least 1"),
        ({"block": 0}, "block = 0 must be at least 1"),
        ({"max_seconds": -1}, "max_seconds = -1"),
    ],
)
def test_what_differs_is_named_and_nothing_is_touched(tmp_path, options, says):
    grown(tmp_path / "store")
    before = state(tmp_path / "store")
    with pytest.raises(ValueError, match=says):
        grown(tmp_path / "store", **({"count": 50, "draw": None} | options))
    assert state(tmp_path / "store") == before


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (3, 0, 6)])
def test_image_shapes_have_three_channels(tmp_path, shape):
    with pytest.raises(ValueError, match="image_shape"):
        grown_store(tmp_path / "store", truth, 5, shape, origin=ORIGIN)
    assert not (tmp_path / "store").exists()


def test_another_image_shape_is_refused(tmp_path):
    grown(tmp_path / "store")
    with pytest.raises(ValueError, match=r"image_shape=\[3, 8, 8\] against \[3, 4, 6\]"):
        grown_store(tmp_path / "store", truth, 5, (3, 8, 8), origin=ORIGIN)


def test_what_is_no_growing_store_is_left_alone(tmp_path):
    np.savez(tmp_path / "a.npz", images=truth(0, 40))
    imported = GeneratedImages.from_npz(tmp_path / "a.npz").path
    before = state(imported)
    with pytest.raises(ValueError, match=r"imported from a\.npz: choose another place"):
        grown(imported)
    assert state(imported) == before
    for name in ("notes.txt", "images.npy"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(FileExistsError, match="choose another place"):
            grown(folder)
        assert state(folder) == {name: b"mine"}
    with pytest.raises(FileExistsError, match=r"a\.npz is there"):
        grown(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (truth(0, 9), r"draw\(10, 20\) returned uint8 of shape \(9, 3, 4, 6\), .* \(10, 3, 4, 6\)"),
        (truth(0, 10)[:, :, :, :4], "returned uint8 of shape"),
        (truth(0, 10) / 255, "returned float64 of shape"),
        (truth(0, 10).tolist(), "returned list"),
    ],
)
def test_what_is_no_block_of_images_is_named(tmp_path, returned, says):
    def draw(start, stop):
        return returned if start else truth(start, stop)

    with pytest.raises(ValueError, match=says):
        grown(tmp_path / "store", draw=draw)
    assert np.array_equal(GeneratedImages.open(tmp_path / "store").images, truth(0, 10))
    assert np.array_equal(grown(tmp_path / "store").images, truth(0, 25))


def test_an_exception_of_draw_passes_and_what_was_drawn_stays(tmp_path):
    def draw(start, stop):
        if start == 20:
            raise KeyError("lost")
        return truth(start, stop)

    for finished in (20, 20):
        with pytest.raises(KeyError, match="lost"):
            grown(tmp_path / "store", draw=draw)
        assert len(GeneratedImages.open(tmp_path / "store")) == finished
    assert np.array_equal(grown(tmp_path / "store").images, truth(0, 25))


def test_an_error_before_the_first_image_leaves_nothing(tmp_path):
    def draw(start, stop):
        shutil.copytree(tmp_path / "store", tmp_path / "killed")
        raise KeyError

    with pytest.raises(KeyError):
        grown(tmp_path / "store", draw=draw)
    assert [path.name for path in tmp_path.iterdir()] == ["killed"]
    # what a killed process would have left
    with pytest.raises(ValueError, match="holds none of its 25 images yet"):
        GeneratedImages.open(tmp_path / "killed")
    assert (grown(tmp_path / "killed").images == truth(0, 25)).all()


def test_a_store_that_was_altered_is_not_continued(tmp_path):
    grown(tmp_path / "store", max_seconds=0)
    with (tmp_path / "store" / "images.npy").open("r+b") as file:
        file.seek(128)
        file.write(bytes(100))
    with pytest.raises(ValueError, match="is damaged"):
        grown(tmp_path / "store")


# ---- what is counted


def test_checks_are_those_of_an_import_however_the_images_came(tmp_path):
    images = np.concatenate([truth(0, 30), truth(7, 9), truth(3, 4)])
    images[[4, 12]] = 9  # two constant ones, the second a duplicate too
    real = ImageSet(np.concatenate([truth(100, 110), truth(20, 23)]), None, "real")
    np.savez(tmp_path / "a.npz", images=images)
    imported = GeneratedImages.from_npz(tmp_path / "a.npz", real=real, limits=ImportLimits(1, 1, 1))
    assert imported.checks["duplicates"] == 4 and imported.checks["memorised"] == 3

    def draw(start, stop):
        return images[start:stop]

    for name, counts in (("once", [33]), ("growing", [5, 14, 14, 33])):
        for count in counts:
            made = grown(tmp_path / name, count, draw, real=real, max_seconds=0)
            while not made.complete:
                made = grown(tmp_path / name, count, draw, real=real, max_seconds=0)
        assert made.checks == imported.checks and made.compared == "real"


def test_real_images_that_come_late_are_compared(tmp_path):
    grown(tmp_path / "store")
    real = ImageSet(truth(20, 30), None, "real")
    made = grown(tmp_path / "store", draw=None, real=real)
    assert made.checks["memorised"] == 5 and made.compared == "real"


def test_a_pickle_of_an_unfinished_store_keeps_its_length(tmp_path):
    part = grown(tmp_path / "store", max_seconds=0)
    carried = pickle.dumps(part)
    grown(tmp_path / "store")
    back = pickle.loads(carried)
    assert np.array_equal(back.images, truth(0, 10)) and back.planned == 25 and not back.complete


def test_no_bar_unless_on_a_terminal(tmp_path, capsys):
    grown(tmp_path / "store", progress=True)
    assert capsys.readouterr() == ("", "")


# ---- one writer


def test_two_writers_at_once_are_one_error(tmp_path):
    def draw(start, stop):
        with pytest.raises(BlockingIOError, match="is being filled by another process"):
            grown(tmp_path / "store", draw=None)
        return truth(start, stop)

    assert np.array_equal(grown(tmp_path / "store", draw=draw).images, truth(0, 25))


def test_a_store_that_cannot_be_locked_is_named(tmp_path):
    (tmp_path / "store" / ".lock").mkdir(parents=True)  # as good as a read-only place
    with pytest.raises(OSError, match=r"could not write .*/store \(Is a directory\): choose"):
        grown_store(tmp_path / "store", truth, 5, (3, 4, 4), origin={})


def test_a_writer_that_is_killed_leaves_no_lock(tmp_path):
    path = tmp_path / "store"
    code = (
        "import os, pathlib; from adainf_core.data.growing_file import locked_images\n"
        f"with locked_images(pathlib.Path({str(path)!r})): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert np.array_equal(grown(path).images, truth(0, 25))


# ---- a full disk


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_no_room_for_a_new_store_leaves_nothing(tmp_path, monkeypatch):
    says = r"no room for 25 images .*nothing was left behind: free some space"
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=says):
        grown(tmp_path / "store", draw=None)
    assert not list(tmp_path.iterdir())


def test_no_room_on_a_real_disk_is_told_before_anything_is_drawn(tmp_path):
    with pytest.raises(OSError, match=r"no room for 1,000,000,000,000,000 images"):
        grown(tmp_path / "store", 10**15, draw=None)
    assert not list(tmp_path.iterdir())


def test_no_room_for_more_images_keeps_those_there(tmp_path, monkeypatch):
    grown(tmp_path / "store", 25)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match=r"no room for 90 images .* the 25 images there are kept"):
            grown(tmp_path / "store", 90, draw=None)
    assert np.array_equal(GeneratedImages.open(tmp_path / "store").images, truth(0, 25))
    assert (tmp_path / "store" / "images.npy").stat().st_size == 128 + 25 * 72
    assert np.array_equal(grown(tmp_path / "store", 30).images, truth(0, 30))


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_disk_that_fills_while_drawing_keeps_the_finished_blocks(tmp_path, monkeypatch, place):
    def draw(start, stop):
        if start == 20:
            monkeypatch.setattr(os, place, full)
        return truth(start, stop)

    with monkeypatch.context():
        says = "could not write .*its first 20 images are kept: free some space, and the same call"
        with pytest.raises(OSError, match=says) as caught:
            grown(tmp_path / "store", draw=draw)
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert np.array_equal(GeneratedImages.open(tmp_path / "store").images, truth(0, 20))
    assert np.array_equal(grown(tmp_path / "store").images, truth(0, 25))


def test_room_that_was_reserved_by_a_run_that_was_killed_then_does_no_harm(tmp_path):
    grown(tmp_path / "store", 25)
    with (tmp_path / "store" / "images.npy").open("r+b") as file:
        file.truncate(100_000)
    assert np.array_equal(grown(tmp_path / "store", 30).images, truth(0, 30))


def test_a_system_that_cannot_reserve_is_served_too(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    assert np.array_equal(grown(tmp_path / "store").images, truth(0, 25))


# ---- killed: children of a small process of its own, which starts one in a millisecond


def _die_at_call(calls: int) -> None:
    """SIGKILL this process at a call of a C function, which every system call is."""
    passed = counter()

    def watch(frame, event, argument):
        if event == "c_call" and next(passed) == calls:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)


def _four_blocks(start, stop, passed=counter()):  # noqa: B008
    """Blocks as `truth` draws them, four of them in one process."""
    time.sleep(0.003 if next(passed) < 4 else 100)
    return truth(start, stop)


def finished_in(path: Path) -> int:
    return read_meta(path)["shape"][0] if (path / "meta.json").is_file() else 0


def fill_and_die(path: Path, total: int, moment: float) -> None:
    """Fill the store in a child that is killed: at a call (int), or some seconds after a block."""
    before = finished_in(path)
    child = os.fork()
    if child == 0:
        try:
            if isinstance(moment, int):
                _die_at_call(moment)
            grown(path, total, truth if isinstance(moment, int) else _four_blocks)
        finally:
            os._exit(0)
    if isinstance(moment, float):
        while finished_in(path) == before:
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGKILL, status


def kill_many_times(folder: Path, moments: list[float], total: int) -> list[int]:
    """Images finished after each kill; the store has to be sound each time, and right at last."""
    whole = grown(folder / "whole", total)  # also imports what is needed
    path, finished = folder / "store", [0]
    for moment in moments:
        fill_and_die(path, total, moment)
        finished.append(0)
        if finished[-2] or finished_in(path):
            opened = GeneratedImages.open(path)
            assert np.array_equal(opened.images, whole.images[: len(opened)])
            assert opened.planned == total
            finished[-1] = len(opened)
        assert finished[-1] >= finished[-2]
    assert np.array_equal(grown(path, total).images, whole.images)
    assert state(path, "whole") == state(folder / "whole")
    assert sorted(state(path)) == ["images.npy", "meta.json"]
    assert sorted(place.name for place in folder.iterdir()) == ["store", "whole"]
    return finished[1:]


def kill_at_each_call(folder: Path, step: int) -> int:
    """Make small stores, killed at ever later calls, and finish them; how many were killed."""
    grown(folder / "whole", 10)
    for kills in counter():
        path = folder / str(kills)
        try:
            fill_and_die(path, 10, kills * step)
        except AssertionError:  # it came to its end
            return kills
        assert np.array_equal(grown(path, 10).images, truth(0, 10))
        # a complete store is opened as it is, with a description of its that was half written
        whole = [name for name in state(path) if not name.endswith(".partial")]
        assert sorted(whole) == ["images.npy", "meta.json"]


def apart(tmp_path, call: str):
    """The result of a call of this module in a process of its own."""
    folder = Path(__file__).parent
    code = (
        f"import sys; sys.path[:0] = {[str(folder), *map(str, folder.parents[1:2])]!r}\n"
        f"import json; from pathlib import Path; from {Path(__file__).stem} import *\n"
        f"print(json.dumps({call}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["at a call", "at a time"])
def test_twenty_kills_leave_a_usable_store_and_the_undisturbed_bytes(tmp_path, kind):
    rng = random.Random(1)
    moments = [
        rng.randrange(6000) if kind == "at a call" else 0.02 * rng.random() for _ in range(20)
    ]
    finished = apart(tmp_path, f"kill_many_times(Path(sys.argv[1]), {moments}, 1000)")
    assert len(finished) == 20 and len(set(finished)) > 5 and finished[-1] < 1000


def test_killed_at_any_step_of_its_making_a_store_is_made_all_the_same(tmp_path):
    assert apart(tmp_path, "kill_at_each_call(Path(sys.argv[1]), 31)") > 20

"""Copies are searched once: kept by what the sets hold, found again, made anew where damaged."""

import tracemalloc

import numpy as np
import pytest
from photo_tiles import saved, tiles

from adainf_core.cli import main
from adainf_core.data import copies, known_copies
from adainf_core.data.copies import find_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import SourceCopies
from adainf_core.data.sources import npz_source

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def photographs():
    return tiles()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of what is kept, empty."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(known_copies, "_folder", lambda: folder)
    return folder


def repeating(photographs):
    """60 photographs, one of them again, one mirrored, five saved anew."""
    again = [photographs[3], photographs[7, ..., ::-1], *(saved(x, 92) for x in photographs[50:55])]
    return np.concatenate([photographs[:60], np.stack(again)])


def a_set(images, name="set"):
    return ImageSet(np.ascontiguousarray(images), None, name)


def same(one, other):
    return (
        np.array_equal(one.group, other.group)
        and np.array_equal(one.kind, other.kind)
        and one.near_searched == other.near_searched
    )


def never(*_, **__):
    raise AssertionError("searched again")


def test_a_second_look_searches_nothing(photographs, kept, monkeypatch):
    images = a_set(repeating(photographs))
    found = known_copies.known_copies(images)
    assert same(found, find_copies(images.images)) and found.counts["near"] == 5
    monkeypatch.setattr(known_copies, "find_copies", never)
    assert same(known_copies.known_copies(a_set(images.images, "another name")), found)
    with pytest.raises(AssertionError):
        known_copies.known_copies(a_set(images.images[1:]))
    with pytest.raises(AssertionError):  # another question
        known_copies.known_copies(images, near=False)
    assert len(list(kept.iterdir())) == 1 and next(kept.iterdir()).stat().st_size < 300


@pytest.mark.parametrize("place", [0, 20, 40, 70, -1])
def test_what_is_damaged_is_made_anew(photographs, kept, place):
    images = a_set(repeating(photographs))
    found = known_copies.known_copies(images)
    (path,) = kept.iterdir()
    whole = bytearray(path.read_bytes())
    for content in (whole[:place], b"", b"\0" * len(whole)):
        path.write_bytes(content)
        assert same(known_copies.known_copies(images), found)
        assert path.read_bytes() == whole
    changed = whole.copy()
    changed[place] ^= 1
    path.write_bytes(changed)
    assert same(known_copies.known_copies(images), found) and path.read_bytes() == whole


def test_without_a_place_to_keep_them_copies_are_searched_each_time(photographs, monkeypatch, kept):
    kept.write_bytes(b"a file in the place of the folder")
    images = a_set(repeating(photographs))
    assert str(known_copies.known_copies(images)).startswith("7 of 67 images")

    def homeless():
        raise RuntimeError("there is no home directory")

    monkeypatch.setattr(known_copies, "_folder", homeless)
    assert str(known_copies.known_copies(images)).startswith("7 of 67 images")


@pytest.mark.parametrize("side", [32, 64])
def test_a_stream_has_the_copies_of_the_set(photographs, kept, tmp_path, monkeypatch, side):
    images = repeating(photographs)
    if side == 64:  # averaged alike on both ways
        images = images.repeat(2, axis=2).repeat(2, axis=3)
    np.savez(tmp_path / "a.npz", images=images)
    monkeypatch.setattr("adainf_core.data.npz_members._CHUNK_BYTES", 40_000)

    def streamed(near=None):
        source = npz_source(tmp_path / "a.npz")
        watch = SourceCopies(source, near)
        assert sum(map(len, watch.watching(source.chunks()))) == len(images)
        return watch.copies()

    expected = find_copies(images)
    assert same(streamed(), expected) and expected.counts["near"] == 5
    monkeypatch.setattr(known_copies, "image_hashes", never)
    assert same(streamed(), expected)
    monkeypatch.undo()
    monkeypatch.setattr(known_copies, "_folder", lambda: kept.with_name("afresh"))
    monkeypatch.setattr(copies, "MOST_PAIRS", 100)
    assert streamed().counts == {"exact": 1, "mirrored": 1, "near": 0}
    assert streamed(near=True).counts["near"] == 5


def test_pairs_of_the_first_set_are_left_out_on_request(photographs, monkeypatch):
    first = repeating(photographs)
    second = np.stack([saved(x, 90) for x in photographs[:20]])
    second = np.concatenate([second, second[:1], photographs[100:105]])
    whole, across = find_copies(first, second), find_copies(first, second, within_first=False)
    assert across.near_searched and (across.kind[: len(first)] == 3).sum() == 0
    assert whole.counts["near"] - across.counts["near"] == 5  # those of the first set
    n = len(first)
    assert np.array_equal(across.group[n:] < n, whole.group[n:] < n)
    assert np.array_equal(across.kind[n:], whole.kind[n:])
    for name, size in {"_ROWS": 7, "_COLUMNS": 11, "_BATCH": 5, "_CHUNK": 13}.items():
        monkeypatch.setattr(copies, name, size)
    assert same(find_copies(first, second, within_first=False), across)


def test_images_too_small_to_be_told_apart_are_searched_only_on_request():
    small = a_set(RNG.integers(0, 256, (5, 3, 16, 16), np.uint8)).images
    almost = (small * 0.9).astype(np.uint8)
    found = find_copies(small, almost)
    assert not found.near_searched and len(found.distinct) == 10
    assert find_copies(small, almost, near=True).counts["near"] == 5


def test_the_most_images_have_no_more_pairs_than_the_limit(monkeypatch):
    for limit in range(1, 60):
        monkeypatch.setattr(copies, "MOST_PAIRS", limit)
        for apart in range(6):
            most = copies.most_images(apart)
            pairs = [n * (n - 1) // 2 - apart * (apart - 1) // 2 for n in (most, most + 1)]
            assert pairs[0] <= limit < pairs[1]


# ---- data show


def test_data_show_counts_copies(photographs, tmp_path, capsys, monkeypatch):
    images = repeating(photographs)
    np.savez(tmp_path / "a.npz", images=images)
    shown = ["data", "show", str(tmp_path / "a.npz")]
    line = ("copies       7 of 67 images repeat an earlier one (exact 1, mirrored 1, near 5): "
            "60 distinct\n")  # fmt: skip
    assert main(shown) == 0 and line in capsys.readouterr().out
    assert main([*shown, "--size", "32"]) == 0 and line in capsys.readouterr().out
    np.savez(tmp_path / "none.npz", images=photographs[:40])
    assert main(["data", "show", str(tmp_path / "none.npz")]) == 0
    assert "copies       none among 40 images\n" in capsys.readouterr().out
    monkeypatch.setattr(copies, "MOST_PAIRS", 100)
    np.savez(tmp_path / "b.npz", images=images[1:])
    shown = ["data", "show", str(tmp_path / "b.npz")]
    assert main(shown) == 0
    assert "near copies not searched (--near-copies searches them)" in capsys.readouterr().out
    assert (
        main([*shown, "--near-copies"]) == 0 and "near 5): 59 distinct" in capsys.readouterr().out
    )


def test_data_show_of_nothing_but_copies(photographs, tmp_path, capsys):
    np.savez(tmp_path / "a.npz", images=photographs[:1].repeat(30, axis=0))
    assert main(["data", "show", str(tmp_path / "a.npz")]) == 0
    said = "copies       29 of 30 images repeat an earlier one (exact 29): 1 distinct"
    assert said in capsys.readouterr().out


def test_copies_in_a_large_archive_are_counted_without_holding_it(tmp_path, capsys, monkeypatch):
    rows = RNG.integers(0, 256, (20_000, 1, 32, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images=np.broadcast_to(rows, (20_000, 32, 32, 3)))  # 61 MB
    monkeypatch.setattr(copies, "MOST_PAIRS", 1_000_000)
    tracemalloc.start()
    assert main(["data", "show", str(tmp_path / "a.npz")]) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 45e6 and "none among 20,000 images; near" in capsys.readouterr().out

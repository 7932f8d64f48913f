"""Damage to stores and caches: found at the first use, never a number in silence."""

import json
import os
import warnings

import numpy as np
import pytest
from damage import as_written_earlier, damaged, outcome, without_seal

from adainf_core.data import npy_files
from adainf_core.data.folder_files import ReadingWarning
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.npy_files import memory_map, sealed, write_sealed
from adainf_core.data.store_meta import as_json, read_meta

SHAPE = (3, 8, 8)
IMAGES = np.random.default_rng(0).integers(0, 256, (300, *SHAPE), np.uint8)
GIVEN = {"origin": {"seed": 3, "scale": 0.25}, "block": 70}


def draw(start, stop):
    return IMAGES[start:stop]


def imported(folder) -> GeneratedImages:
    np.savez(folder / "a.npz", images=IMAGES)
    return GeneratedImages.from_npz(folder / "a.npz", store=folder / "store")


def drawn(folder, count=300) -> GeneratedImages:
    return grown_store(folder / "store", draw, count, SHAPE, **GIVEN)


def told(store: GeneratedImages) -> tuple:
    """All that a store says."""
    return (store.name, store.checks, store.compared, store.channel_order, store.caveats,
            store.origin, store.planned)  # fmt: skip


@pytest.mark.parametrize("make", [imported, drawn])
@pytest.mark.parametrize("name", ["images.npy", "meta.json"])
def test_no_damage_to_a_store_changes_a_number_in_silence(tmp_path, make, name):
    rng, made = np.random.default_rng(len(name)), make(tmp_path)
    path, noticed = made.path / name, 0
    whole, said = path.read_bytes(), told(made)
    for _ in range(60):
        path.write_bytes(whole)
        what = damaged(path, rng)
        opened, error = outcome(lambda: GeneratedImages.open(made.path))
        if opened is None:
            assert str(path) in error and "make it anew" in error, what
            noticed += 1
        else:  # in the blanks of a header
            assert told(opened) == said and np.array_equal(opened.images, IMAGES), what
    assert noticed >= 55
    path.write_bytes(whole)
    assert np.array_equal(GeneratedImages.open(made.path).images, IMAGES)


def test_no_damage_to_a_cache_changes_a_number_in_silence(tmp_path):
    images, rng, noticed = ImageSet(IMAGES, None, "some"), np.random.default_rng(2), 0
    expected = images.resized(5, cache=tmp_path).images
    expected = np.array(expected)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for _ in range(60):
        path.write_bytes(whole)
        what = damaged(path, rng)
        again, error = outcome(lambda: images.resized(5, cache=tmp_path))
        if again is None:
            assert str(path) in error and "delete it to have it made anew" in error, what
            noticed += 1
        else:
            assert np.array_equal(again.images, expected), what
    assert noticed >= 55
    path.unlink()
    assert np.array_equal(images.resized(5, cache=tmp_path).images, expected)


def test_images_between_those_of_a_sample_are_compared_too(tmp_path):
    store = imported(tmp_path).path
    content = bytearray((store / "images.npy").read_bytes())
    for i in range(2, 42):  # of 64 evenly spaced ones every fourth or fifth is among these
        content[128 + 192 * i] ^= 255 * (i % 4 == 2)
    (store / "images.npy").write_bytes(content)
    npy_files._known.clear()
    with pytest.raises(ValueError, match=r"images\.npy is damaged \(checksum \w{8}, not \w{8}\)"):
        GeneratedImages.open(store)


def test_a_file_is_compared_once_a_process_and_again_when_it_was_written(tmp_path, monkeypatch):
    store, looks, blocks = imported(tmp_path).path, [], npy_files._blocks
    monkeypatch.setattr(npy_files, "_blocks", lambda *a: (looks.append(a[0].name), blocks(*a))[1])
    GeneratedImages.open(store)
    assert looks == []  # the import has looked
    os.utime(store / "images.npy", ns=(0, 0))
    for _ in range(3):
        GeneratedImages.open(store)
    assert looks == ["images.npy"]


def test_finished_blocks_are_compared_before_more_are_drawn(tmp_path):
    store = drawn(tmp_path, 140).path
    content = bytearray((store / "images.npy").read_bytes())
    content[128 + 192 * 71] ^= 1
    (store / "images.npy").write_bytes(content)
    npy_files._known.clear()
    before = (store / "meta.json").read_bytes()
    with pytest.raises(ValueError, match="is damaged"):
        drawn(tmp_path)
    assert (store / "meta.json").read_bytes() == before


# ---- files of earlier versions


def test_a_store_without_checksums_is_read_with_a_word(tmp_path):
    store = imported(tmp_path).path
    as_written_earlier(store, IMAGES)
    says = r"images\.npy carries no checksum, .*: delete the folder .*store and make it anew"
    with pytest.warns(ReadingWarning, match=says.replace(": delete", ".*delete")):
        opened = GeneratedImages.open(store)
    assert np.array_equal(opened.images, IMAGES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a word a process
        GeneratedImages.open(store)
        made = GeneratedImages.from_npz(tmp_path / "a.npz", store=store, channel_order="as_is")
    assert made.channel_order == "as_is"  # which is written, and with it the checksums
    assert "images_crc32" in read_meta(store) and "sample" not in read_meta(store)


def test_a_store_without_checksums_goes_on_and_has_them_then(tmp_path):
    store = drawn(tmp_path, 140).path
    as_written_earlier(store, IMAGES[:140])
    with pytest.warns(ReadingWarning, match="carries no checksum"):
        made = drawn(tmp_path)
    assert np.array_equal(made.images, IMAGES)
    assert read_meta(store)["schema"] == 4 and "sample" not in read_meta(store)


def test_an_altered_store_without_checksums_is_refused_as_before(tmp_path):
    store = imported(tmp_path).path
    as_written_earlier(store, IMAGES)
    content = bytearray((store / "images.npy").read_bytes())
    content[128] ^= 1  # the first image is in the sample
    (store / "images.npy").write_bytes(content)
    with pytest.raises(ValueError, match="was altered: delete the folder"):
        GeneratedImages.open(store)


def test_a_cache_without_a_checksum_is_read_with_a_word(tmp_path):
    images = ImageSet(IMAGES, None, "some")
    expected = np.array(images.resized(5, cache=tmp_path).images)
    (path,) = tmp_path.iterdir()
    without_seal(path)
    with pytest.warns(ReadingWarning, match=r"npy carries no checksum, .* delete it to have it"):
        again = images.resized(5, cache=tmp_path)
    assert np.array_equal(again.images, expected)


# ---- what is no store


WRONG = {
    "name": [3, None, ["a"]],
    "shape": ["abc", [300, 3, 8], [300, 1, 8, 8], [300, 3, 8, 0], [300.0, 3, 8, 8],
              [True, 3, 8, 8], [-1, 3, 8, 8], {"a": 1}, None, 5],
    "source": [3, None],
    "identity": [3, ["x"]],
    "channel_order": ["brg", 3, None, ["bgr"]],
    "real": [3, ["x"], {}],
    "checks": [["a"], 5, None, "abc", {"order": ["rgb"]}, {"kinds": {"duplicates": 3}}],
    "caveats": ["abc", 5, [3], None],
    "skipped": ["x", -1, 1.5, None, True],
    "planned": ["x", 299, -1, None, 1.5, [300]],
    "block": ["x", 0, None, 2.0],
    "origin": ["x", [1], None, 3],
    "images_crc32": [5, "xyz", "0" * 9, None],
    "digest": [5, "xyz", "0" * 8, None, "g" * 32],
    "crc32": [5, "xyz", None, "00000000"],
    "schema": ["x", 9, 0, 3.0, True, None, [3], {}],
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, each in WRONG.items() for v in each])
@pytest.mark.parametrize("make", [imported, drawn])
def test_a_wrong_value_is_named_with_its_file(tmp_path, make, key, value):
    store = make(tmp_path).path
    meta = json.loads((store / "meta.json").read_text()) | {key: value}
    content = json.dumps(meta).encode() if key == "crc32" else as_json(meta)
    (store / "meta.json").write_bytes(content)
    says = r"meta\.json(: schema .*| is damaged \(.*\): )delete the folder .*store and make it anew"
    with pytest.raises(ValueError, match=says) as caught:
        GeneratedImages.open(store)
    assert key in str(caught.value) or "checksum" in str(caught.value)


def test_every_key_has_its_wrong_values(tmp_path):
    (tmp_path / "drawn").mkdir()
    keys = {*json.loads((imported(tmp_path).path / "meta.json").read_text())}
    keys |= {*json.loads((drawn(tmp_path / "drawn").path / "meta.json").read_text())}
    assert keys == {*WRONG}


@pytest.mark.parametrize("key", sorted(WRONG))
def test_a_missing_value_is_named_or_not_needed(tmp_path, key):
    store = drawn(tmp_path).path
    meta = json.loads((store / "meta.json").read_text())
    if key in meta and key != "digest":  # which can be computed
        del meta[key]
        content = json.dumps(meta).encode() if key == "crc32" else as_json(meta)
        (store / "meta.json").write_bytes(content)
        with pytest.raises(ValueError, match=rf"meta\.json is damaged \(.*'{key}'.*make it anew"):
            GeneratedImages.open(store)


# ---- the file itself


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_numpy_reads_a_file_that_carries_a_checksum(tmp_path, dtype):
    values = np.random.default_rng(0).integers(0, 200, (7, 5)).astype(dtype)
    write_sealed(tmp_path / "a.npy", values.shape, [values[:3], values[3:]], dtype)
    for read in (np.load(tmp_path / "a.npy"), sealed(tmp_path / "a.npy", (7, None), dtype)):
        assert np.array_equal(read, values) and read.dtype == dtype


@pytest.mark.parametrize("shape", [(6, None), (7, 4), (7, None, 1), (8, None)])
def test_another_shape_is_refused_with_the_remedy(tmp_path, shape):
    values = np.zeros((7, 5), np.uint8)
    write_sealed(tmp_path / "a.npy", values.shape, [values])
    with pytest.raises(ValueError, match=r"holds uint8 of shape \(7, 5\), not uint8 .*: delete it"):
        memory_map(tmp_path / "a.npy", shape)
    with pytest.raises(ValueError, match="not float32 of shape"):
        memory_map(tmp_path / "a.npy", (7, 5), np.float32)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    with pytest.raises(ValueError, match=r"f\.npy holds"):
        memory_map(tmp_path / "f.npy", (7, 5))

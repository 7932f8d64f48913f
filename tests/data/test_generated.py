"""Generated sets: imported whole or not at all, checked once, memory-mapped after."""

import errno
import json
import os
import pickle
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
from photo_tiles import saved, tiles
from PIL import Image

from adainf_core.data import generated as generated_module
from adainf_core.data import npz_members, sources
from adainf_core.data.copies import image_hashes
from adainf_core.data.folder_files import ReadingWarning
from adainf_core.data.generated import (
    GeneratedImages,
    ImportLimits,
    default_store,
    generated_images,
)
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet, image_digest
from adainf_core.data.inflation import Inflation
from adainf_core.data.provenance import caveats
from adainf_core.data.sources import npz_source
from adainf_core.data.store_meta import as_json, read_meta
from adainf_core.data.tally import Tally


def warm(n=200, seed=0) -> np.ndarray:
    """Noise uint8 (n, 8, 8, 3) whose red lies above its blue, as real images have it."""
    rng = np.random.default_rng(seed)
    base = rng.normal((153, 128, 103), 40, (n, 3))
    pixels = base[:, None, None] + rng.normal(0, 20, (n, 8, 8, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def first(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(0, 3, 1, 2)


@pytest.fixture(scope="module")
def photographs():
    return tiles()


PIXELS = warm()
REAL = ImageSet(first(warm(seed=1)), None, "real")


def archive(tmp_path, pixels=PIXELS, **more):
    path = tmp_path / "edm.npz"
    np.savez(path, image=pixels, label=np.full(len(pixels), -1), **more)
    return path


def leftovers(tmp_path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir())


def test_what_names_a_stores_images_is_kept_with_them(tmp_path, monkeypatch):
    made = GeneratedImages.from_npz(archive(tmp_path))
    assert made.digest == image_digest(first(PIXELS)) == made.unlabelled()._digest()
    few = made.subset(np.arange(3))
    assert few._digest() == image_digest(first(PIXELS[:3])) == made.first(3)._digest()
    meta = read_meta(made.path)
    del meta["digest"]  # as an earlier version wrote it
    (made.path / "meta.json").write_bytes(as_json(meta))
    older = GeneratedImages.open(made.path)
    assert older.digest is None and older._digest() == made.digest
    kept = GeneratedImages.from_npz(tmp_path / "edm.npz", channel_order="as_is")
    assert kept.digest == made.digest


def test_an_npz_becomes_a_store(tmp_path):
    made = GeneratedImages.from_npz(archive(tmp_path), real=REAL)
    assert np.array_equal(made.images, first(PIXELS)) and not made.images.flags.owndata
    assert made.labels is None and made.name == "edm" and made.path == tmp_path / "edm.images"
    none = {"exact": 0, "mirrored": 0, "near": None}
    assert made.checks == {"constant": 0, "duplicates": 0, "memorised": 0, "order": "rgb",
                           "kinds": {"duplicates": none, "memorised": none}}  # fmt: skip
    opened = GeneratedImages.open(made.path)
    assert np.array_equal(opened.images, made.images) and opened.checks == made.checks
    assert sorted(path.name for path in made.path.iterdir()) == ["images.npy", "meta.json"]
    assert leftovers(tmp_path) == ["edm.images", "edm.npz"]


def test_a_folder_becomes_a_store(tmp_path):
    for i, pixels in enumerate(PIXELS[:4]):
        path = tmp_path / "samples" / "abcd"[i] / "0.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path)
    made = GeneratedImages.from_folder(tmp_path / "samples", store=tmp_path / "elsewhere")
    assert np.array_equal(made.images, first(PIXELS[:4]))
    assert made.labels is None and made.checks["order"] == "undecided"
    smaller = GeneratedImages.from_folder(tmp_path / "samples", size=4)
    assert smaller.image_size == 4 and smaller.path == tmp_path / "samples.images"


def test_broken_files_are_named_or_left_out_on_request(tmp_path):
    folder = tmp_path / "samples"
    folder.mkdir()
    for i, pixels in enumerate(PIXELS[:20]):
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    broken = [0, 3, 4, 11, 12, 17, 19]
    for i in broken:
        (folder / f"{i:02}.png").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"00\.png is no readable image .*skip_broken=True"):
        GeneratedImages.from_folder(folder)
    assert leftovers(tmp_path) == ["samples"]
    made = GeneratedImages.from_folder(folder, skip_broken=True)
    kept = np.setdiff1d(np.arange(20), broken)
    assert np.array_equal(made.images, first(PIXELS[kept])) and made.complete
    assert made.caveats == (
        "7 of 20 files are no readable images and were skipped: 00.png, 03.png, 04.png, 11.png, "
        "12.png and 2 more.",
    )
    assert np.array_equal(np.load(made.path / "images.npy"), made.images)
    again = GeneratedImages.from_folder(folder, skip_broken=True)
    assert np.array_equal(again.images, made.images) and again.caveats == made.caveats


def test_labels_and_names_become_caveats(tmp_path):
    made = GeneratedImages.from_npz(archive(tmp_path))
    assert made.caveats == caveats(npz_source(tmp_path / "edm.npz")) and len(made.caveats) == 3
    assert made.origin is None and made.planned == 200


def test_a_second_import_opens_the_store(tmp_path, monkeypatch):
    path = archive(tmp_path)
    made = GeneratedImages.from_npz(path)
    monkeypatch.setattr(generated_module, "write_npy", None)  # writing would fail
    assert np.array_equal(GeneratedImages.from_npz(path).images, made.images)
    archive(tmp_path, warm(seed=5))
    with pytest.raises(ValueError, match=r"edm\.images holds other images than .*edm\.npz"):
        GeneratedImages.from_npz(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_changed_far_behind_the_first_chunk_is_noticed(tmp_path, monkeypatch, save):
    monkeypatch.setattr(npz_members, "_CHUNK_BYTES", 10 * 3 * 8 * 8)
    path = tmp_path / "edm.npz"
    save(path, image=PIXELS)
    GeneratedImages.from_npz(path)
    changed = PIXELS.copy()
    changed[150, 3, 3] ^= 1
    save(path, image=changed)
    with pytest.raises(ValueError, match=r"edm\.images holds other images than .*edm\.npz"):
        GeneratedImages.from_npz(path)
    save(path, image=PIXELS, label=np.arange(200))  # written again, but with the same images
    assert np.array_equal(GeneratedImages.from_npz(path).images, first(PIXELS))


def test_a_folder_changed_far_behind_the_first_chunk_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_CHUNK_BYTES", 2 * 3 * 8 * 8)
    folder = tmp_path / "samples"
    folder.mkdir()
    for i, pixels in enumerate(PIXELS[:8]):
        Image.fromarray(pixels).save(folder / f"{i}.bmp")
    made = GeneratedImages.from_folder(folder)
    assert np.array_equal(GeneratedImages.from_folder(folder).images, made.images)
    last, status = folder / "7.bmp", (folder / "7.bmp").stat()
    Image.fromarray(PIXELS[8]).save(last)
    os.utime(last, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert last.stat().st_size == status.st_size
    with pytest.raises(ValueError, match=r"holds other images than .*, or that was written again"):
        GeneratedImages.from_folder(folder)
    last.rename(folder / "8.bmp")
    with pytest.raises(ValueError, match="holds other images"):
        GeneratedImages.from_folder(folder)


def image_folder(path, pixels):
    path.mkdir(parents=True)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(path / f"{i}.png")
    return path


def test_folders_whose_names_hold_a_dot_have_stores_of_their_own(tmp_path):
    halves = {"samples_cfg1.25": PIXELS[:8], "samples_cfg1.5": PIXELS[8:16]}
    for name, pixels in halves.items():
        made = GeneratedImages.from_folder(image_folder(tmp_path / name, pixels))
        assert made.path == tmp_path / f"{name}.images" and made.name == name
        assert np.array_equal(made.images, first(pixels))
    np.savez(tmp_path / "samples_cfg1.75.npz", image=PIXELS)
    assert GeneratedImages.from_npz(tmp_path / "samples_cfg1.75.npz").name == "samples_cfg1.75"


@pytest.mark.parametrize("path", [".", "../samples_1.5", "inner/.."])
def test_a_folder_is_imported_from_within(tmp_path, monkeypatch, path):
    folder = image_folder(tmp_path / "samples_1.5", PIXELS[:8])
    (folder / "inner").mkdir()
    monkeypatch.chdir(folder)
    assert default_store(path).resolve() == tmp_path / "samples_1.5.images"
    (folder / "inner").rmdir()
    assert GeneratedImages.from_folder(".").name == "samples_1.5"
    assert leftovers(tmp_path) == ["samples_1.5", "samples_1.5.images"]


def test_a_store_of_another_source_says_whose_it_is(tmp_path):
    path = archive(tmp_path)
    np.savez(tmp_path / "other.npz", image=PIXELS[:9])
    store = GeneratedImages.from_npz(path).path
    says = r"images than .*other\.npz \(it was made from edm\.npz\), .*: choose another place with"
    with pytest.raises(ValueError, match=says):
        GeneratedImages.from_npz(tmp_path / "other.npz", store=store)


def test_a_store_among_the_classes_of_a_set_is_none_of_them(tmp_path):
    for name in ("cat", "dog"):
        image_folder(tmp_path / "data" / name, PIXELS[:4])
    GeneratedImages.from_folder(tmp_path / "data" / "cat")
    with pytest.warns(ReadingWarning, match=r"stores of generated images 1"):
        assert ImageSet.from_folder(tmp_path / "data").class_names == ("cat", "dog")


def test_a_store_that_grows_here_is_called_by_its_folder(tmp_path, monkeypatch):
    (tmp_path / "drawn_1.5.images").mkdir()
    monkeypatch.chdir(tmp_path / "drawn_1.5.images")
    made = grown_store(".", lambda a, b: first(PIXELS[a:b]), 9, (3, 8, 8), origin={"seed": 0})
    assert made.name == "drawn_1.5"


def test_a_store_that_does_not_say_what_it_was_made_from_is_not_reused(tmp_path):
    path = archive(tmp_path)
    store = GeneratedImages.from_npz(path).path
    edit(store, identity=...)
    assert len(GeneratedImages.open(store)) == 200
    with pytest.raises(ValueError, match="holds other images"):
        GeneratedImages.from_npz(path)


def test_a_store_imported_without_real_images_is_compared_later(tmp_path):
    path = archive(tmp_path, PIXELS[..., ::-1].copy())
    store = GeneratedImages.from_npz(path).path
    says = r"fit real with red and blue swapped .* delete .*edm\.images and import with .*'bgr'"
    with pytest.raises(ValueError, match=says):
        GeneratedImages.from_npz(path, real=REAL)
    with pytest.raises(ValueError, match=says):
        GeneratedImages.open(store).check_against(REAL)
    GeneratedImages.from_npz(path, channel_order="as_is")  # said late, but kept
    GeneratedImages.open(store).check_against(REAL)


def test_a_set_taken_as_it_is_is_not_compared(tmp_path):
    path = archive(tmp_path, PIXELS[..., ::-1].copy())
    GeneratedImages.from_npz(path, channel_order="as_is")
    opened = GeneratedImages.open(tmp_path / "edm.images")
    assert opened.channel_order == "as_is" and opened.compared is None
    opened.check_against(REAL)


def test_a_set_reversed_by_mistake_is_noticed_later(tmp_path):
    made = GeneratedImages.from_npz(archive(tmp_path), channel_order="bgr")
    with pytest.raises(ValueError, match=r"delete .* and import without channel_order='bgr'"):
        made.check_against(REAL)


def test_a_set_in_order_is_compared_once_for_each_real_set(tmp_path, monkeypatch):
    made = GeneratedImages.from_npz(archive(tmp_path), real=REAL)
    made.check_against(ImageSet(REAL.images, None, "another"))
    monkeypatch.setattr(generated_module, "fitting_order", None)  # comparing would fail
    made.check_against(REAL)
    with pytest.raises(TypeError):
        made.check_against(ImageSet(REAL.images, None, "another"))


def test_a_set_undecided_beside_few_real_images_is_compared_with_more(tmp_path):
    path = archive(tmp_path, PIXELS[..., ::-1].copy())
    made = GeneratedImages.from_npz(path, real=REAL.subset(np.arange(9)))
    assert made.compared == "real" and made.checks["order"] == "undecided"
    with pytest.raises(ValueError, match="red and blue swapped"):
        made.check_against(REAL)


def test_swapped_channels_are_refused_unless_told(tmp_path):
    path = archive(tmp_path, PIXELS[..., ::-1].copy())
    with pytest.raises(ValueError, match=r"fit real with red and blue swapped .*'bgr' .*'as_is'"):
        GeneratedImages.from_npz(path, real=REAL)
    assert leftovers(tmp_path) == ["edm.npz"]
    mended = GeneratedImages.from_npz(path, real=REAL, channel_order="bgr", store=tmp_path / "rgb")
    assert np.array_equal(mended.images, first(PIXELS)) and mended.checks["order"] == "rgb"
    kept = GeneratedImages.from_npz(path, real=REAL, channel_order="as_is", store=tmp_path / "bgr")
    assert np.array_equal(kept.images, first(PIXELS)[:, ::-1]) and kept.checks["order"] == "bgr"


def test_reversing_a_set_in_order_is_refused(tmp_path):
    with pytest.raises(ValueError, match="import without channel_order='bgr'"):
        GeneratedImages.from_npz(archive(tmp_path), real=REAL, channel_order="bgr")


def test_copies_of_real_images_are_counted(tmp_path):
    mirrored = REAL.images[7:9, :, :, ::-1]
    pixels = np.concatenate([PIXELS, first_last(REAL.images[:7]), first_last(mirrored)])
    made = GeneratedImages.from_npz(archive(tmp_path, pixels), real=REAL)
    assert made.checks["memorised"] == 9
    assert made.checks["kinds"]["memorised"] == {"exact": 7, "mirrored": 2, "near": None}
    larger = ImageSet(REAL.images.repeat(2, 2).repeat(2, 3), None, "larger")
    made = GeneratedImages.from_npz(tmp_path / "edm.npz", real=larger, store=tmp_path / "s")
    assert made.checks["memorised"] is None and "memorised" not in made.checks["kinds"]


def first_last(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1)


def test_copies_are_counted_by_kind(tmp_path, photographs):
    real = ImageSet(photographs[:60], None, "real")
    near = np.stack([saved(image, 92) for image in photographs[20:25]])
    fresh = photographs[60:]
    own = np.concatenate([fresh[:2], fresh[2:3, :, :, ::-1], saved(fresh[3], 90)[None]])
    images = np.concatenate([fresh, photographs[:1], photographs[1:2, :, :, ::-1], near, own])
    path, limits = archive(tmp_path, first_last(images)), ImportLimits(pairs=0.01)
    made = GeneratedImages.from_npz(path, real=real, limits=limits)
    assert made.checks["kinds"] == {
        "duplicates": {"exact": 2, "mirrored": 1, "near": 1},
        "memorised": {"exact": 1, "mirrored": 1, "near": 5},
    }
    assert (made.checks["duplicates"], made.checks["memorised"]) == (4, 7)
    other = tmp_path / "other"
    made = GeneratedImages.from_npz(path, real=real, limits=limits, near_copies=False, store=other)
    assert (made.checks["duplicates"], made.checks["memorised"]) == (3, 2)


@pytest.mark.parametrize("change", ["none", "mirrored", "saved as JPEG"])
def test_real_images_as_generated_ones_are_refused(tmp_path, photographs, change):
    copied = {
        "none": photographs,
        "mirrored": photographs[..., ::-1],
        "saved as JPEG": np.stack([saved(image, 92) for image in photographs]),
    }[change]
    real = ImageSet(photographs, None, "real")
    path = archive(tmp_path, first_last(copied))
    with pytest.raises(ValueError, match=r"copies of real .*--memorised-limit") as refused:
        GeneratedImages.from_npz(path, real=real)
    named = "these are the real images themselves" in str(refused.value)
    assert named or change == "saved as JPEG"  # a few of which may be missed
    assert leftovers(tmp_path) == ["edm.npz"]
    made = GeneratedImages.from_npz(path, real=real, limits=ImportLimits(memorised=1))
    assert made.checks["memorised"] >= 0.95 * len(photographs)


def test_an_import_that_will_be_refused_ends_early(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_members, "_CHUNK_BYTES", 20 * 192)
    passed = []
    monkeypatch.setattr(
        "adainf_core.data.tally.image_hashes",
        lambda images: passed.append(len(images)) or image_hashes(images),
    )
    pixels = np.concatenate([np.repeat(PIXELS[:10], 2, axis=0), warm(2000, seed=3)])
    with pytest.raises(ValueError, match="10 of the first 20 images are duplicates"):
        GeneratedImages.from_npz(archive(tmp_path, pixels), limits=ImportLimits(pairs=1e-6))
    assert sum(passed) == 20


def birthday(n, share, rng):
    """n images of one pixel row, so many of them equal to another that the given share repeats."""
    images = rng.integers(0, 256, (n, 4, 4, 3), np.uint8)
    again = round(share * n)
    images[n - again :] = images[:again]
    return images


@pytest.mark.parametrize(
    ("n", "share", "accepted"),
    [
        (5000, 0.0014, True),  # CIFAKE at three sizes: one rate of pairs
        (20_000, 0.008, True),
        (50_000, 0.0184, True),
        (200, 0.01, True),  # one in a hundred matters at no size
        (500, 0.01, True),
        (1000, 0.01, True),
        (2000, 0.01, True),
        (20_000, 0.01, True),
        (200, 0.02, False),
        (2000, 0.02, False),
        (5000, 0.03, False),
        (200, 0.5, False),  # each twice
        (50_000, 0.5, False),
    ],
)
def test_duplicates_are_judged_by_the_rate_of_pairs(tmp_path, n, share, accepted):
    path = archive(tmp_path, birthday(n, share, np.random.default_rng(0)))
    with nullcontext() if accepted else pytest.raises(ValueError, match="--duplicate-limit"):
        made = GeneratedImages.from_npz(path)
        assert made.checks["duplicates"] == round(share * n)


def test_equal_pairs_are_counted_over_all_pairs():
    values = np.random.default_rng(0).integers(0, 9, 60)
    images = np.broadcast_to(values[:, None, None, None].astype(np.uint8), (60, 3, 4, 4))
    tally = Tally((3, 4, 4))
    for chunk in np.split(images, [7, 8, 30]):
        tally.counted(chunk)
    assert tally.pairs == sum(values[i] == values[j] for i in range(60) for j in range(i))
    assert tally.duplicates["exact"] == 60 - len(np.unique(values))


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        (
            np.eye(2)[np.arange(200) % 2],
            "Labels were left behind: 2 values from 0 to 1, 100 images",
        ),
        (np.arange(200)[:, None] % 2, "Labels were left behind: 2 values from 0 to 1, 100 images"),
        (np.arange(200) / 3, "Labels were left behind (labels are float64, and 0.333333 is no"),
        (np.array(["a", "b"] * 100), "Labels were left behind: 2 values from 0 to 1, 100 images"),
        (np.array([None] * 200), "Labels were left behind (labels cannot be read"),
        (np.arange(7), "Labels were left behind (labels are int64 of shape (7,)"),
    ],
)
def test_labels_that_are_left_behind_stop_no_import(tmp_path, labels, note):
    np.savez(tmp_path / "edm.npz", images=PIXELS, labels=labels)
    made = GeneratedImages.from_npz(tmp_path / "edm.npz")
    assert np.array_equal(made.images, first(PIXELS)) and note in " ".join(made.caveats)
    with pytest.warns(ReadingWarning) if "(" in note else nullcontext():
        assert np.array_equal(generated_images(tmp_path / "edm.npz").images, made.images)


def test_labels_without_a_name_are_noted(tmp_path):
    np.savez(tmp_path / "made.npz", PIXELS, np.arange(200) % 10)
    [note] = GeneratedImages.from_npz(tmp_path / "made.npz").caveats
    assert "set sampled class by class is not unsupervised" in note


def test_floats_are_converted_on_request_and_the_store_says_how(tmp_path):
    values = PIXELS.astype(np.float32) / 255
    values[5, 0, 0], values[9, 1, 1, 2] = (-0.02, 1.04, 0.5), 1.0001  # rounding mends the last
    path = archive(tmp_path, values)
    with pytest.raises(ValueError, match=r"from -0.02 to 1.04, .* clipping 2 of 38,400: np.clip"):
        GeneratedImages.from_npz(path)
    assert leftovers(tmp_path) == ["edm.npz"]
    made = GeneratedImages.from_npz(path, convert=True)
    expected = PIXELS.copy()
    expected[5, 0, 0], expected[9, 1, 1, 2] = (0, 255, 128), 255
    assert np.array_equal(made.images, first(expected))
    assert made.checks["clipped"] == 2
    assert made.caveats[-1] == (
        "Float32 values from -0.02 to 1.04 were taken as 0..1 and brought to 0..255; 2 of 38,400 "
        "values (0.0052 %) lay outside and were clipped."
    )
    again = GeneratedImages.from_npz(path, convert=True)
    assert again.caveats == made.caveats and again.checks == made.checks


def test_what_a_folder_holds_beside_its_images_is_noted(tmp_path):
    folder = tmp_path / "samples"
    folder.mkdir()
    for i, pixels in enumerate(PIXELS[:3]):
        Image.fromarray(pixels).save(folder / f"{i}.{'png' if i else 'gif'}")
    made = GeneratedImages.from_folder(folder)
    assert len(made) == 2 and made.caveats == ("Passed over: 1 file (.gif 1).",)


def constant(n):
    return np.arange(1, n + 1, dtype=np.uint8)[:, None, None, None] + np.zeros((n, 8, 8, 3), "u1")


def again(kind, pixels):
    """Copies of images uint8 (n, h, w, 3) in one of three ways."""
    return {
        "exact": lambda: pixels,
        "mirrored": lambda: pixels[:, :, ::-1],
        "near": lambda: (pixels * 0.9).astype(np.uint8),
    }[kind]()


@pytest.mark.parametrize("kind", ["exact", "mirrored", "near"])
def test_copies_of_every_kind_count_against_the_limit(tmp_path, kind):
    photos = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    path = archive(tmp_path, np.concatenate([photos, again(kind, photos[:20])]))
    says = rf"20 of 80 images are duplicates \({kind} 20; 20 pairs, .*--duplicate-limit"
    with pytest.raises(ValueError, match=says):
        GeneratedImages.from_npz(path)
    made = GeneratedImages.from_npz(path, limits=ImportLimits(pairs=0.01))
    assert made.checks["kinds"]["duplicates"][kind] == made.checks["duplicates"] == 20


def test_near_copies_that_are_not_searched_are_not_judged(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    path = archive(tmp_path, np.concatenate([photos, again("near", photos)]))
    made = GeneratedImages.from_npz(path, near_copies=False)
    assert made.checks["kinds"]["duplicates"]["near"] is None


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (
            np.concatenate([PIXELS, PIXELS[:4]]),
            r"4 of 204 images are duplicates .*--duplicate-limit",
        ),
        (np.concatenate([PIXELS, constant(3)]), r"3 of 203 images are constant, .*\(--limit\)"),
        ((PIXELS > 100).astype(np.uint8), "no pixel is above 1; .*--convert"),
        ((PIXELS / 255).astype(np.float32), "images are float32 from 0"),
        (PIXELS[:0], "the set is empty"),
        (PIXELS[..., :2], r"shape \(200, 8, 8, 2\)"),
    ],
)
def test_unsound_sets_are_refused_and_leave_nothing(tmp_path, pixels, says):
    with pytest.raises(ValueError, match=says):
        GeneratedImages.from_npz(archive(tmp_path, pixels))
    assert leftovers(tmp_path) == ["edm.npz"]


def test_a_few_flaws_are_counted_and_a_higher_limit_takes_more(tmp_path):
    pixels = np.concatenate([PIXELS, PIXELS[:2], constant(1)])
    assert GeneratedImages.from_npz(archive(tmp_path, pixels)).checks["duplicates"] == 2
    pixels = np.concatenate([PIXELS, PIXELS[:100]])
    path = archive(tmp_path, pixels)
    made = GeneratedImages.from_npz(path, limits=ImportLimits(pairs=0.01), store=tmp_path / "s")
    assert made.checks["duplicates"] == 100


def test_unknown_options_are_named(tmp_path):
    with pytest.raises(ValueError, match="channel_order='rgb'"):
        GeneratedImages.from_npz(archive(tmp_path), channel_order="rgb")
    for name in ("constant", "pairs", "memorised"):
        with pytest.raises(ValueError, match=rf"{name}=2 is outside \[0, 1\]"):
            ImportLimits(**{name: 2})


def test_a_truncated_npz_leaves_nothing(tmp_path):
    path = archive(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match="truncated or no npz archive"):
        GeneratedImages.from_npz(path)
    assert leftovers(tmp_path) == ["edm.npz"]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(file, shape, chunks):
        file.write(next(chunks).tobytes()[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(generated_module, "write_npy", full)
    with pytest.raises(OSError, match=r"could not write .*edm\.images .*free some space"):
        GeneratedImages.from_npz(archive(tmp_path))
    assert leftovers(tmp_path) == ["edm.npz"]


def edit(folder, **changes):
    """Change what meta.json says and its checksum; what is `...` is left out."""
    meta = json.loads((folder / "meta.json").read_text())
    changed = {key: value for key, value in (meta | changes).items() if value is not ...}
    (folder / "meta.json").write_bytes(as_json(changed))


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (lambda f: (f / "meta.json").unlink(), FileNotFoundError, "holds no generated set"),
        (lambda f: (f / "meta.json").write_text("{"), ValueError, r"meta\.json is damaged"),
        (lambda f: (f / "meta.json").write_text("{}"), ValueError, "'schema'"),
        (lambda f: edit(f, schema=9), ValueError, "schema 9, this version reads 1 to 4"),
        (lambda f: edit(f, shape=[5, 3, 8, 8]), ValueError, r"holds uint8 of shape \(200"),
        (lambda f: edit(f, images_crc32="0" * 8), ValueError, r"checksum \w+, not 00000000\): del"),
        (lambda f: edit(f, images_crc32=...), ValueError, "lacks 'images_crc32'"),
        (lambda f: (f / "images.npy").write_bytes(b""), ValueError, r"images\.npy is damaged"),
        (
            lambda f: (f / "images.npy").unlink(),
            FileNotFoundError,
            r"is missing: delete the folder",
        ),
    ],
)
def test_damaged_stores_are_named(tmp_path, damage, error, says):
    folder = GeneratedImages.from_npz(archive(tmp_path)).path
    damage(folder)
    with pytest.raises(error, match=says):
        GeneratedImages.open(folder)


def test_a_pickle_carries_the_place_not_the_pixels(tmp_path):
    made = GeneratedImages.from_npz(archive(tmp_path))
    carried = pickle.dumps(made)
    assert len(carried) < 1000
    assert np.array_equal(pickle.loads(carried).images, made.images)


def test_an_import_never_holds_the_whole_set(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20_000, 32, 32, 3), dtype=np.uint8)
    path = archive(tmp_path, pixels)  # 61 MB
    del pixels
    tracemalloc.start()
    made = GeneratedImages.from_npz(path, near_copies=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(made) == 20_000 and peak < 45e6


def test_inflation_takes_a_store(tmp_path):
    made = GeneratedImages.from_npz(archive(tmp_path))
    data = Inflation(REAL, made, replication=2, sampling="epoch", stratified=True)
    images, is_real = data.draw(60, np.random.default_rng(0))
    assert is_real.sum() == 40 and images.shape == (60, 3, 8, 8)
    with pytest.raises(ValueError, match="downsampled"):
        Inflation(REAL.downsampled(4), made)

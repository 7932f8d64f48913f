"""Pairs: row i is real image i's, or the error says why that cannot be known."""

import pickle
import re

import numpy as np
import pytest
from PIL import Image

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.paired import PairedImages, pairs_of

N, K = 12, 2
RNG = np.random.default_rng(0)
REAL = ImageSet(RNG.integers(0, 256, (N, 3, 8, 8), np.uint8), None, "real")
ROWS = RNG.integers(0, 256, (N, K, 3, 8, 8), np.uint8)  # (n, k, 3, h, w)
LAST = ROWS.transpose(0, 1, 3, 4, 2)


def grown(path, count=N * K, origin=None, **options):
    flat = ROWS.reshape(N * K, 3, 8, 8)
    origin = pairs_of(REAL, K) if origin is None else origin

    def draw(start, stop):
        return flat[start:stop]

    return grown_store(path, draw, count, (3, 8, 8), origin=origin, block=5, **options)


def test_a_store_is_read_row_by_row_from_the_disk(tmp_path):
    grown(tmp_path / "pairs.images", real=REAL)
    pairs = PairedImages.open(tmp_path / "pairs.images")
    assert len(pairs) == N and pairs.k == K and pairs.name == "pairs"
    assert np.array_equal(pairs.images, ROWS)
    assert not pairs.images.flags.owndata and not pairs.images.flags.writeable
    assert pairs.describe() == "2 variations of each of 12 images of real, 8x8 pixels"
    pairs.check_fits(REAL)
    again = pickle.loads(pickle.dumps(pairs))
    assert len(pickle.dumps(pairs)) < 500 and np.array_equal(again.images, ROWS)
    assert again.fingerprint() == pairs.fingerprint()


def test_pairs_in_memory_are_the_same_set_as_on_disk(tmp_path):
    grown(tmp_path / "pairs.images")
    stored = PairedImages.open(tmp_path / "pairs.images")
    made = PairedImages(ROWS, "pairs", REAL._digest())
    assert made.fingerprint() == stored.fingerprint()
    again = pickle.loads(pickle.dumps(made))
    assert np.array_equal(again.images, ROWS) and again.real_hash == made.real_hash
    turned = PairedImages(ROWS[:, ::-1], "pairs", REAL._digest())
    assert turned.fingerprint()["images"] != made.fingerprint()["images"]


@pytest.mark.parametrize(
    "images",
    [ROWS[0], ROWS.astype(np.float32), LAST, ROWS[:0], ROWS[:, :0], ROWS.tolist(), None],
)
def test_what_are_no_pairs_is_one_line(images):
    with pytest.raises(ValueError, match=r"mine: images = .* \(n, k, 3, h, w\)") as caught:
        PairedImages(images, "mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("real", "says"),
    [
        (REAL.subset(np.arange(N)[::-1]), "or of these in another order"),
        (ImageSet(255 - REAL.images, None, "others"), "of other images than others"),
        (REAL.subset(np.arange(5)), "of 12 images, and real has 5"),
        (ImageSet(REAL.images[:, :, :4, :4], None, "small"), "8x8 pixels, and small of 4x4"),
        ("cifar10", "must be an ImageSet"),
    ],
)
def test_pairs_of_other_images_or_in_another_order_are_refused(real, says):
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        PairedImages(ROWS, "mine", REAL._digest()).check_fits(real)
    assert "\n" not in str(caught.value)


def test_where_the_real_images_are_not_known_only_number_and_size_are_checked():
    pairs = PairedImages(ROWS, "mine")
    pairs.check_fits(ImageSet(255 - REAL.images, None, "others"))
    with pytest.raises(ValueError, match="real has 5"):
        pairs.check_fits(REAL.subset(np.arange(5)))


def test_a_store_without_pairs_and_one_not_finished_are_refused(tmp_path):
    grown(tmp_path / "plain", origin={"seed": 0})
    with pytest.raises(ValueError, match=r"plain holds generated images that are no pairs: make"):
        PairedImages.open(tmp_path / "plain")
    grown(tmp_path / "begun", max_seconds=0)
    with pytest.raises(ValueError, match="begun holds 5 of its 24 variations"):
        PairedImages.open(tmp_path / "begun")
    with pytest.raises(FileNotFoundError, match="holds no generated set"):
        PairedImages.open(tmp_path / "absent")


@pytest.mark.parametrize("k", [0, -1, 1.5, True, None])
def test_k_has_to_be_a_count(k):
    with pytest.raises(ValueError, match="k = "):
        pairs_of(REAL, k)


# ---- imports


def fortran(array):
    return np.asfortranarray(array)


@pytest.mark.parametrize(
    "array",
    [LAST, ROWS, fortran(LAST), LAST.reshape(-1, 8, 8, 3), ROWS.reshape(-1, 3, 8, 8)],
    ids=["channels last", "channels first", "fortran", "flat", "flat, channels first"],
)
@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_an_array_of_pairs_keeps_its_rows(array, ending, tmp_path, monkeypatch):
    monkeypatch.setattr("adainf_core.data.npz_members._CHUNK_BYTES", 1000)
    path = tmp_path / f"made.{ending}"
    np.savez(path, images=array) if ending == "npz" else np.save(path, array)
    pairs = PairedImages.imported(path, K, REAL)
    assert np.array_equal(pairs.images, ROWS) and pairs.store.path == tmp_path / "made.images"
    pairs.check_fits(REAL)
    again = PairedImages.imported(path, K, REAL)
    assert again.fingerprint() == pairs.fingerprint()


def test_an_array_of_floats_is_brought_to_bytes_with_its_rows(tmp_path):
    np.savez(tmp_path / "made.npz", images=LAST.astype(np.float32) / 255)
    pairs = PairedImages.imported(tmp_path / "made.npz", K, REAL, convert=True)
    assert np.array_equal(pairs.images, ROWS)


@pytest.mark.parametrize("layout", ["flat", "folders"])
def test_files_are_taken_in_the_order_of_their_names(layout, tmp_path):
    names = {"flat": "{:03}.png", "folders": "{0:03}/{1}.png"}[layout]
    for i in range(N):
        for j in range(K):
            number = (i * K + j,) if layout == "flat" else (i, j)
            path = tmp_path / "made" / names.format(*number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(LAST[i, j]).save(path)
    pairs = PairedImages.imported(tmp_path / "made", K, REAL)
    assert np.array_equal(pairs.images, ROWS) and pairs.store.caveats == ()
    with pytest.raises(ValueError, match=r"24 images, and 1 for each|sub-folders of 2 images"):
        PairedImages.imported(tmp_path / "made", 1, REAL, store=tmp_path / "other")


def test_numbers_that_are_not_in_alphabetical_order_are_refused(tmp_path):
    (tmp_path / "made").mkdir()
    for number, image in enumerate(LAST.reshape(-1, 8, 8, 3)):
        Image.fromarray(image).save(tmp_path / "made" / f"{number}.png")
    with pytest.raises(ValueError, match=r"19.png comes before 2.png .* leading zeros"):
        PairedImages.imported(tmp_path / "made", K, REAL)
    assert not (tmp_path / "made.images").exists()


@pytest.mark.parametrize(
    ("array", "k", "real", "says"),
    [
        (LAST, 3, REAL, r"images have shape \(12, 2, 8, 8, 3\), need \(n, 3, h, w, 3\)"),
        (LAST[:5], K, REAL, "holds 10 images, and 2 for each of 12 in real are 24"),
        (LAST.reshape(-1, 8, 8, 3), 3, REAL, "holds 24 images, and 3 for each of 12 in real are"),
        (LAST[:, :, :4, :4], K, REAL, "holds images of 4x4 pixels, and real of 8x8"),
        (LAST, 0, REAL, "k = 0 must be at least 1"),
        (LAST, K, None, "real = None must be an ImageSet"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_store_is_begun(array, k, real, says, tmp_path):
    np.savez(tmp_path / "made.npz", images=array)
    with pytest.raises(ValueError, match=says):
        PairedImages.imported(tmp_path / "made.npz", k, real)
    assert not (tmp_path / "made.images").exists()


def test_without_pairs_an_array_of_pairs_is_no_set(tmp_path):
    np.savez(tmp_path / "made.npz", images=LAST)
    with pytest.raises(ValueError, match=r"need \(n, h, w, 3\) or \(n, 3, h, w\)"):
        GeneratedImages.from_npz(tmp_path / "made.npz")


def test_a_store_is_not_taken_for_other_pairs(tmp_path):
    path = tmp_path / "made.npz"
    np.savez(path, images=LAST.reshape(-1, 8, 8, 3))
    PairedImages.imported(path, K, REAL)
    other = REAL.subset(np.arange(N)[::-1])
    for again in (
        lambda: PairedImages.imported(path, K, other),
        lambda: PairedImages.imported(path, 4, REAL.subset(np.arange(6))),
        lambda: GeneratedImages.from_npz(path),
    ):
        with pytest.raises(ValueError, match=r"made.images holds them already, imported otherwise"):
            again()
    # and of a store without pairs none are made
    GeneratedImages.from_npz(path, store=tmp_path / "plain")
    with pytest.raises(ValueError, match="imported otherwise"):
        PairedImages.imported(path, K, REAL, store=tmp_path / "plain")

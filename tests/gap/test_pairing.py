"""Nearest generated images by cosine: brute force in whole numbers, ties by index."""

import re
from fractions import Fraction

import numpy as np
import pytest

from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.paired import PairedImages
from adainf_core.gap.extractors import LABEL_FREE, Extractor, pixels, random_convolution
from adainf_core.gap.neighbours import cosine_neighbours, exact_blocks
from adainf_core.gap.pairing import neighbours_to_store


def by_hand(queries, rows, k):
    """Places of the k rows of highest cosine, exactly, for vectors of whole numbers."""

    def rank(query, row):
        product, squares = sum(query * row), sum(row * row)
        return -Fraction(int(product * abs(product)), int(squares))

    return [
        sorted(range(len(rows)), key=lambda i: (rank(query, rows[i]), i))[:k] for query in queries
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 40])
def test_neighbours_are_those_of_brute_force_with_ties_by_index(seed, k):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-50, 51, (40, 6))
    rows[20:30] = rows[rng.integers(0, 20, 10)]  # equal ones
    rows[30:35] = 4 * rows[rng.integers(0, 20, 5)]  # equal directions
    queries = np.concatenate([rng.integers(-50, 51, (7, 6)), rows[rng.integers(0, 40, 5)]])
    expected = by_hand(queries, rows, k)
    rows, queries = rows.astype(np.float32), queries.astype(np.float32)
    for size in (40, 13, 1):
        chunks = (rows[start : start + size] for start in range(0, 40, size))
        assert cosine_neighbours(queries, chunks, k).tolist() == expected


def test_the_rounding_of_products_decides_nothing(monkeypatch):
    """Other machines' products are off by other amounts, within the bound that comes with them."""
    rng = np.random.default_rng(0)
    rows = np.tile(rng.integers(-50, 51, (8, 6)), (5, 1)).astype(np.float32)
    expected = cosine_neighbours(rows[:8], [rows], 12)

    def jittered(queries, rows):
        for block, squared, rounding in exact_blocks(queries, rows):
            yield block, squared + rounding * rng.uniform(-0.9, 0.9, squared.shape), rounding

    monkeypatch.setattr("adainf_core.gap.neighbours.exact_blocks", jittered)
    for _ in range(5):
        assert np.array_equal(cosine_neighbours(rows[:8], [rows], 12), expected)


def test_many_equal_rows_are_taken_in_their_order(monkeypatch):
    monkeypatch.setattr("adainf_core.gap.neighbours._BLOCK", 2)
    rows = np.repeat(np.array([[1.0, 2, 3], [-1, 0, 5]], np.float32), 200, axis=0)
    found = cosine_neighbours(rows[[0, 0, 200]], [rows], 150)
    assert found.tolist() == [[*range(150)]] * 2 + [[*range(200, 350)]]


def test_far_from_the_origin_they_are_exact_too():
    rng = np.random.default_rng(0)
    rows = (10_000 + rng.integers(-3, 4, (300, 4))).astype(np.int64)
    expected = by_hand(rows[:20], rows, 5)
    values = rows.astype(np.float32)
    found = cosine_neighbours(values[:20], [values], 5)
    # rounding a cosine to double precision cannot tell apart what differs in its 17th digit
    assert np.mean(found == expected) > 0.9 and (found[:, 0] == np.array(expected)[:, 0]).all()


def test_a_row_of_zeros_is_near_to_none():
    rows = np.array([[0, 0], [1, 1], [2, -1]], np.float32)
    assert cosine_neighbours(np.array([[1, 0.5]], np.float32), [rows], 3)[0].tolist() == [1, 2, 0]


@pytest.mark.parametrize("k", [0, 4, 1.5])
def test_k_lies_within_the_rows(k):
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="k = "):
        cosine_neighbours(rows, [rows], k)


# ---- stores

RNG = np.random.default_rng(1)
GENERATED = ImageSet(RNG.integers(0, 256, (70, 3, 8, 8), np.uint8), None, "made")
REAL = ImageSet(RNG.integers(0, 256, (9, 3, 8, 8), np.uint8), None, "real")


@pytest.mark.parametrize("extractor", [pixels(4), random_convolution(8)], ids=["pixels", "conv"])
def test_the_store_holds_the_nearest_images_of_each(extractor, tmp_path, monkeypatch):
    monkeypatch.setattr("adainf_core.gap.pairing._CHUNK", 50)  # of which networks take batches
    found = neighbours_to_store(GENERATED, REAL, tmp_path / "pairs", 4, extractor)
    real, made = (
        side / np.linalg.norm(side, axis=1, keepdims=True)
        for side in (extractor(each.images).astype(np.float64) for each in (REAL, GENERATED))
    )
    nearest = np.argsort(-(real @ made.T), axis=1)[:, :4]
    assert np.array_equal(found.images, GENERATED.images[nearest])
    found.check_fits(REAL)
    before = (tmp_path / "pairs" / "images.npy").read_bytes()
    again = neighbours_to_store(GENERATED, REAL, tmp_path / "pairs", 4, extractor)
    assert again.fingerprint() == PairedImages.open(tmp_path / "pairs").fingerprint()
    assert (tmp_path / "pairs" / "images.npy").read_bytes() == before


def test_what_cannot_be_paired_is_one_line_before_any_feature(tmp_path):
    def begun(images):
        raise AssertionError("features were computed")

    extractor = Extractor("none", "nothing", begun)
    large = ImageSet(np.zeros((2, 3, 16, 16), np.uint8), None, "large")

    def draw(start, stop):
        return GENERATED.images[start:stop]

    half = grown_store(tmp_path / "half", draw, 70, (3, 8, 8), origin={}, block=20, max_seconds=0)
    for generated, real, k, says in (
        (GENERATED, REAL, 0, "k = 0 must be in 1..70, the images of made"),
        (GENERATED, REAL, 71, "k = 71 must be in 1..70, the images of made"),
        (GENERATED, large, 4, "large has images of 16x16 pixels, and made of 8x8"),
        (half, REAL, 4, "half holds 20 of its 70 images"),
    ):
        with pytest.raises(ValueError, match=re.escape(says)) as caught:
            neighbours_to_store(generated, real, tmp_path / "pairs", k, extractor)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "pairs").exists()


def test_a_store_of_other_neighbours_is_not_taken(tmp_path):
    neighbours_to_store(GENERATED, REAL, tmp_path / "pairs", 4, pixels(4))
    for generated, real, k, extractor in (
        (GENERATED.subset(np.arange(60)), REAL, 4, pixels(4)),
        (GENERATED, REAL.subset(np.arange(9)[::-1]), 4, pixels(4)),
        (GENERATED, REAL, 3, pixels(4)),
        (GENERATED, REAL, 4, pixels(2)),
    ):
        with pytest.raises(ValueError, match="holds images of another origin"):
            neighbours_to_store(generated, real, tmp_path / "pairs", k, extractor)


def test_the_extractors_that_pairs_are_made_with_say_that_they_saw_no_labels():
    assert "ssl_encoder" in LABEL_FREE  # its mixture, "self-supervised, no labels"
    assert all(made().saw.startswith("nothing") for made in (pixels, random_convolution))

"""Precision, recall, density, coverage: the authors' algorithm, and equal distributions."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from adainf_core.gap.neighbours import nearest, neighbour_distances
from adainf_core.gap.precision_recall import precision_recall
from adainf_core.statistics.intervals import wilson_interval

MEASURES = ("precision", "recall", "density", "coverage")


def by_full_matrices(real, generated, k):
    """The algorithm of the package prdc, with all matrices in memory."""
    own_real, own_generated = (np.sort(cdist(x, x), axis=1)[:, k] for x in (real, generated))
    across = cdist(real, generated)
    return (
        (across < own_real[:, None]).any(axis=0).mean(),
        (across < own_generated).any(axis=1).mean(),
        (across < own_real[:, None]).sum(axis=0).mean() / k,
        (across.min(axis=1) < own_real).mean(),
    )


@pytest.mark.parametrize("k", [1, 5])
def test_it_is_the_authors_algorithm(k):
    rng = np.random.default_rng(0)
    # more rows than a block holds, far from the origin
    real, generated = 30 + rng.normal(size=(620, 6)), 30.4 + 0.8 * rng.normal(size=(510, 6))
    found = precision_recall(real, generated, k=k)
    expected = by_full_matrices(real, generated, k)
    assert [getattr(found, m).value for m in MEASURES] == pytest.approx(expected, abs=1e-12)


def test_the_package_prdc_gives_the_same():
    # prdc 0.2, compute_prdc(real, generated, nearest_k=5)
    rng = np.random.default_rng(22)
    real = rng.normal(size=(300, 20)).astype(np.float32)
    generated = (0.9 * rng.normal(size=(250, 20)) + 0.1).astype(np.float32)
    found = precision_recall(real, generated)
    assert [getattr(found, m).value for m in MEASURES] == pytest.approx(
        [0.92, 0.7233333333333334, 1.556, 0.9933333333333333]
    )


def test_equal_distributions_in_many_dimensions_are_far_from_one():
    # The package's README has .477, .471, 1.056, .974 for 10,000 rows, d = 1000; these are the
    # means of 12 draws of 800 rows with d = 300 by prdc 0.2, within 4 deviations between draws.
    rng = np.random.default_rng(1)
    found = precision_recall(*rng.normal(size=(2, 800, 300)))
    expected, widths = (0.635, 0.659, 0.952, 0.966), (0.09, 0.08, 0.36, 0.035)
    for measure, value, width in zip(MEASURES, expected, widths, strict=True):
        assert getattr(found, measure).value == pytest.approx(value, abs=width), measure


def test_intervals_cover_the_draw_of_generated_rows():
    # One real sample; the truth is precision and density over a great many generated rows.
    rng = np.random.default_rng(2)
    real = rng.normal(size=(150, 3))
    inside = cdist(real, 1.2 * rng.normal(size=(20_000, 3))) < nearest_radii(real, 5)[:, None]
    truth = {"precision": inside.any(axis=0).mean(), "density": inside.sum(axis=0).mean() / 5}
    covered = dict.fromkeys(truth, 0)
    for _ in range(100):
        found = precision_recall(real, 1.2 * rng.normal(size=(200, 3)))
        for measure, value in truth.items():
            covered[measure] += getattr(found, measure).low <= value <= getattr(found, measure).high
    # 95 of 100; 88 is 3.2 standard deviations below
    assert min(covered.values()) >= 88


def nearest_radii(rows, k):
    return np.sort(cdist(rows, rows), axis=1)[:, k]


def test_neighbours_are_those_of_the_full_matrix():
    rng = np.random.default_rng(3)
    queries, rows = rng.normal(size=(530, 4)), rng.normal(size=(90, 4))
    distances, indices = nearest(queries.astype(np.float32), rows.astype(np.float32), 3)
    full = cdist(queries, rows)
    np.testing.assert_array_equal(indices, np.argsort(full, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :3], rtol=1e-4)
    ranked = neighbour_distances(queries.astype(np.float32), rows.astype(np.float32), (1, 3))
    np.testing.assert_allclose(ranked, distances[:, [0, 2]], rtol=1e-4)
    own, which = nearest(rows.astype(np.float32), rows.astype(np.float32), own=True)
    assert (which[:, 0] != np.arange(90)).all()
    np.testing.assert_allclose(own[:, 0], np.sort(cdist(rows, rows), axis=1)[:, 1], rtol=1e-4)


def brute_force(real, generated, k):
    """`by_full_matrices` on squares of whole numbers in float64: every tie is exact."""
    real, generated = real.astype(np.float64), generated.astype(np.float64)
    own_real, own_generated, across = (
        ((a[:, None] - b) ** 2).sum(axis=2)
        for a, b in ((real, real), (generated, generated), (real, generated))
    )
    own_real, own_generated = (np.sort(own, axis=1)[:, k] for own in (own_real, own_generated))
    inside = across < own_real[:, None]
    return (
        inside.any(axis=0).mean(),
        (across < own_generated).any(axis=1).mean(),
        inside.sum(axis=0).mean() / k,
        inside.any(axis=1).mean(),
    )


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("highest", "d"), [(4, 5), (40, 6), (256, 48)])
def test_a_point_on_the_edge_of_a_ball_is_outside(highest, d, k):
    rng = np.random.default_rng(highest + k)
    real, generated = rng.integers(0, highest, (310, d)), rng.integers(0, highest, (290, d))
    generated[:150] = real[rng.permutation(310)[:150]]
    for others in (generated, real, real[rng.permutation(310)]):
        found = precision_recall(real, others, k=k)
        values = [getattr(found, m).value for m in MEASURES]
        assert values == pytest.approx(brute_force(real, others, k), abs=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_a_set_against_itself_has_density_one(scale):
    rng = np.random.default_rng(4)
    rows = scale * (rng.normal(size=(700, 30)) + 100)  # more than a block, far from the origin
    for others in (rows, rows[rng.permutation(700)]):
        found = precision_recall(rows, others)
        assert [getattr(found, m).value for m in MEASURES] == [1, 1, 1, 1]


def test_distances_are_a_function_of_the_two_rows():
    rng = np.random.default_rng(5)
    rows = (1000 + rng.normal(size=(600, 20))).astype(np.float32)
    distances, indices = nearest(rows, rows[::-1].copy())
    assert (distances == 0).all() and (indices[:, 0] == np.arange(600)[::-1]).all()
    first, second = nearest(rows[:50], rows[50:], 3)[0], nearest(rows[7:50], rows[:49:-1], 3)[0]
    np.testing.assert_array_equal(first[7:], second)


def test_wilson_interval():
    # 10 of 50 at 95 %: statsmodels' proportion_confint(10, 50, method="wilson")
    found = wilson_interval(10, 50)
    assert (found.low, found.high) == pytest.approx((0.11243750, 0.33037110), abs=1e-7)
    assert wilson_interval(0, 20).low == 0
    assert wilson_interval(20, 20).high == 1


def test_bad_input_is_named():
    rows = np.zeros((6, 2))
    with pytest.raises(ValueError, match="real has 5 rows: at least 6"):
        precision_recall(rows[:5], rows)
    with pytest.raises(ValueError, match="k = 0 must be at least 1"):
        precision_recall(rows, rows, k=0)


def test_rows_that_single_precision_cannot_tell_apart_are_refused():
    rows = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(ValueError, match=r"varies by .* about values of 1e\+08"):
        precision_recall(rows + 1e8, rows + 1e8)
    assert precision_recall(rows + 100, rows + 100).density.value == 1


def test_a_side_of_copies_is_refused():
    rows = np.random.default_rng(0).normal(size=(30, 4)).repeat(6, axis=0)
    with pytest.raises(ValueError, match="180 of 180 real rows have 5 exact copies or more"):
        precision_recall(rows, rows)

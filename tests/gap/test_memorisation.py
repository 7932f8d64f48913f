"""Memorisation: planted copies are found, fresh draws raise nothing."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from adainf_core.gap.memorisation import memorisation


def test_fresh_draws_are_as_near_as_held_out_ones():
    rng = np.random.default_rng(0)
    train, held_out, fresh = (rng.normal(size=(n, 8)) for n in (1000, 2000, 3000))
    found = memorisation(train, fresh, held_out, quantile=0.05)
    # Share 0.05 with a standard error of 0.006 from both samples.
    assert found.near.value == pytest.approx(0.05, abs=0.02)
    assert abs(found.z) < 4
    assert found.copies == 0
    assert found.reference == "held-out real rows"


def test_copies_and_near_copies_are_found():
    rng = np.random.default_rng(1)
    train, held_out, made = rng.normal(size=(3, 500, 8)).astype(np.float32)
    made[10:20] = train[40:50]
    made[20:60] = train[100:140] + 0.01
    found = memorisation(train, made, held_out)
    assert found.copies == 10
    # 50 planted of 500 and about 1 % of the others
    assert 0.1 <= found.near.value <= 0.13 and found.near.low > 0.05
    assert found.z < -2
    assert set(found.closest(50)) == set(range(10, 60))
    np.testing.assert_array_equal(found.nearest_real[10:60], [*range(40, 50), *range(100, 140)])


def test_without_held_out_rows_the_training_rows_themselves_are_the_reference():
    rng = np.random.default_rng(2)
    train, made = rng.normal(size=(2, 2000, 4))
    found = memorisation(train, made, quantile=0.05)
    assert found.reference == "other training rows"
    assert found.near.value == pytest.approx(0.05, abs=0.025) and abs(found.z) < 4


def test_z_is_mann_and_whitneys():
    rng = np.random.default_rng(3)
    # whole numbers, for ties
    train, held_out, made = (rng.integers(0, 4, (n, 3)) for n in (20, 120, 150))
    found = memorisation(train, made + 1, held_out)
    distances = found.distances
    reference = memorisation(train, held_out, held_out).distances
    tested = mannwhitneyu(distances, reference, use_continuity=False, method="asymptotic")
    from scipy.stats import norm

    assert 2 * norm.sf(abs(found.z)) == pytest.approx(tested.pvalue, rel=1e-6)
    assert found.z > 0


def test_bad_input_is_named():
    rows = np.arange(30.0).reshape(15, 2)
    with pytest.raises(ValueError, match=r"quantile = 0.01 of 15 other .* at least 100"):
        memorisation(rows, rows)
    with pytest.raises(ValueError, match="quantile = 1 must"):
        memorisation(rows, rows, quantile=1)
    with pytest.raises(ValueError, match="held_out has 1 columns and real 2"):
        memorisation(rows, rows, rows[:, :1])


def test_zero_of_either_sign_is_a_copy():
    rng = np.random.default_rng(6)
    train, held_out, made = rng.normal(size=(3, 200, 4)).astype(np.float32)
    train[:5, 1], made[:5] = 0.0, train[:5]
    made[:5, 1] = -0.0
    found = memorisation(train, made, held_out)
    assert found.copies == 5
    assert (found.distances[:5] == 0).all() and (found.distances[5:] > 0).all()

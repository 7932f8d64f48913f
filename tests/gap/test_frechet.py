"""The Fréchet distance: closed forms, few rows, a bias taken out, intervals that cover."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from adainf_core.gap.frechet import frechet_distance, frechet_estimate


def gaussian(rng, n, mean, root):
    return rng.normal(size=(n, len(mean))) @ root + mean


def by_matrix_root(first, second):
    """The textbook formula, with scipy's root of a matrix that is not symmetric."""
    (m1, s1), (m2, s2) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (first, second))
    return (m1 - m2) @ (m1 - m2) + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)


def test_it_is_the_textbook_formula_in_every_shape():
    rng = np.random.default_rng(0)
    for m, n, d in ((40, 50, 6), (30, 9, 8), (200, 210, 1)):
        first = rng.normal(size=(m, d)) @ rng.normal(size=(d, d))
        second = 1 + rng.normal(size=(n, d))
        if d > 1:
            found = frechet_distance(first, second)
            # features are held in single precision
            assert found == pytest.approx(by_matrix_root(first, second), rel=1e-5)
        else:  # (μ₁ − μ₂)² + (σ₁ − σ₂)²
            moments = [(x.mean(), x.std(ddof=1)) for x in (first, second)]
            expected = sum((a - b) ** 2 for a, b in zip(*moments, strict=True))
            assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-5)


def test_fewer_rows_than_columns_agree_with_the_padded_problem():
    # columns of zeros change no distance, but turn a case of many rows into one of few
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(30, 7)), 0.5 + 2 * rng.normal(size=(25, 7))
    wide = [np.hstack([x, np.zeros((len(x), 60))]) for x in (first, second)]
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(first, second), rel=1e-6)


def test_a_set_is_at_distance_zero_of_itself_and_sides_do_not_matter():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 60, 5))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first))


def test_torch_fidelity_gives_the_same():
    # torch-fidelity 0.4.0, fid_statistics_to_metric on the means and covariances of these rows
    rng = np.random.default_rng(20)
    first = rng.normal(size=(300, 16)).astype(np.float32)
    second = (rng.normal(size=(250, 16)) * np.linspace(0.5, 1.5, 16) + 0.1).astype(np.float32)
    assert frechet_distance(first, second) == pytest.approx(FIDELITY, rel=1e-6)


FIDELITY = 2.4737177433330473


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.1, 1.2)])
def test_the_bias_goes_and_the_interval_covers(shift, scale):
    # N(0, I) against N(shift, scale² I): d (shift² + (1 − scale)²) is the truth
    d, n, runs = 10, 400, 120
    truth = d * (shift**2 + (1 - scale) ** 2)
    rng = np.random.default_rng(3)
    plain, limits, covered = [], [], 0
    for seed in range(runs):
        found = frechet_estimate(
            rng.normal(size=(n, d)), shift + scale * rng.normal(size=(n, d)), seed=seed
        )
        plain.append(found.plain)
        limits.append(found.extrapolated.value)
        covered += found.extrapolated.low <= truth <= found.extrapolated.high
    error = np.std(limits) / np.sqrt(runs)
    assert np.mean(plain) - truth > 8 * error
    assert abs(np.mean(limits) - truth) < 4 * error + 0.02 * (np.mean(plain) - truth)
    # 95 % of 120 are 114; 107 is 3 standard deviations below
    assert covered >= 107
    if scale == 1:
        # the limit falls on either side of a truth of 0, and its interval is not cut there
        assert min(limits) < 0 and found.extrapolated.low < 0
        assert found.extrapolated.low <= found.extrapolated.value <= found.extrapolated.high


def test_bad_input_is_named():
    rows = np.zeros((70, 3))
    with pytest.raises(ValueError, match="generated has 59 rows: at least 60"):
        frechet_estimate(rows, rows[:59])
    with pytest.raises(ValueError, match="confidence = 95"):
        frechet_estimate(rows, rows, confidence=95)
    with pytest.raises(ValueError, match="generated has 2 columns and real 3"):
        frechet_distance(rows, rows[:, :2])

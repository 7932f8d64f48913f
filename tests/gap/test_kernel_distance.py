"""The kernel distance: brute force, no bias, intervals that cover, published code's value."""

import numpy as np
import pytest

from adainf_core.gap.kernel_distance import kernel_distance


def brute(first, second):
    """Unbiased squared MMD by three loops."""

    def kernel(a, b):
        return (a @ b / len(a) + 1) ** 3

    m, n = len(first), len(second)
    within = sum(kernel(first[i], first[j]) for i in range(m) for j in range(m) if i != j)
    other = sum(kernel(second[i], second[j]) for i in range(n) for j in range(n) if i != j)
    cross = sum(kernel(a, b) for a in first for b in second)
    return within / m / (m - 1) + other / n / (n - 1) - 2 * cross / m / n


def test_it_is_the_unbiased_estimate_by_brute_force():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(13, 4)), 0.5 + rng.normal(size=(9, 4))
    assert kernel_distance(first, second).value == pytest.approx(brute(first, second), rel=1e-5)


def test_blocks_and_single_precision_change_nothing():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(1100, 6)), 0.2 + rng.normal(size=(700, 6))

    def kernel(a, b):
        return (a @ b.T / 6 + 1) ** 3

    within, other = kernel(first, first), kernel(second, second)
    expected = (
        (within.sum() - np.trace(within)) / 1100 / 1099
        + (other.sum() - np.trace(other)) / 700 / 699
        - 2 * kernel(first, second).mean()
    )
    assert kernel_distance(first, second).value == pytest.approx(expected, rel=1e-4)


def test_torch_fidelity_gives_the_same():
    # torch-fidelity 0.4.0, kid_features_to_metric with one subset of all 200 rows
    rng = np.random.default_rng(21)
    first = rng.normal(size=(200, 12)).astype(np.float32)
    second = (0.3 + rng.normal(size=(200, 12))).astype(np.float32)
    assert kernel_distance(first, second).value == pytest.approx(FIDELITY, rel=1e-5)


FIDELITY = 0.1499485969543457


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_no_bias_and_intervals_that_cover(shift):
    # E k(x, y) for d = 2 from a draw of a million pairs would do; here it is exact: with
    # x·y/2 + 1 and x ~ N(a, I), y ~ N(b, I) the third moment is a polynomial of a·b and norms.
    d, n, runs = 2, 120, 400
    mean = np.full(d, shift)

    def expected(a, b):
        # moments of s = x·y: mean a·b, variance d + |a|² + |b|², third central moment 6 a·b
        m, v, t = a @ b, d + a @ a + b @ b, 6 * (a @ b)
        m, v, t = m / d + 1, v / d**2, t / d**3
        return m**3 + 3 * m * v + t

    zero = np.zeros(d)
    truth = expected(zero, zero) + expected(mean, mean) - 2 * expected(zero, mean)
    rng = np.random.default_rng(4)
    found = [
        kernel_distance(rng.normal(size=(n, d)), mean + rng.normal(size=(n, d)))
        for _ in range(runs)
    ]
    values = np.array([one.value for one in found])
    # 4 standard errors
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(runs)
    covered = sum(one.low <= truth <= one.high for one in found)
    # 95 % of 400 are 380; 363 is 4 standard deviations below
    assert covered >= 363


def test_bad_input_is_named():
    rows = np.ones((5, 2))
    with pytest.raises(ValueError, match="real has 1 rows: at least 2"):
        kernel_distance(rows[:1], rows)
    with pytest.raises(ValueError, match="confidence = 0"):
        kernel_distance(rows, rows, confidence=0)

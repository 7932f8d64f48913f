"""Response curves: peaks and bands that cover the truth, the noise found, a dense solver."""

import numpy as np
import pytest
from scipy import optimize, stats

from adainf_core.statistics.response_curves import complete_seeds, response_curve, sweep_curve

AT = np.linspace(0, 1, 41)
ARMS = np.repeat(np.linspace(0, 1, 6), 5)
NOISE = 0.3


def points(curve, seed):
    return curve(ARMS) + NOISE * np.random.default_rng(seed).standard_normal(len(ARMS))


def quadratic(x):
    return 50 - 8 * (x - 0.4) ** 2


def averaged_posterior(x, y, at):
    """Mean and sd of the curve and sd of the noise, by dense algebra and a direct search."""
    level, scale = y.mean(), y.std()
    y = (y - level) / scale
    parts = []
    for length in np.geomspace(0.1, 2, 6):

        def kernel(a, b, amplitude, length=length):
            return 10 + amplitude * np.exp(-(np.subtract.outer(a, b) ** 2) / (2 * length**2))

        def evidence(logs):
            amplitude, noise = np.exp(logs)
            distribution = kernel(x, x, amplitude) + noise * np.eye(len(x))
            return stats.multivariate_normal.logpdf(y, np.zeros(len(x)), distribution)

        found = optimize.minimize(
            lambda logs: -evidence(logs),
            np.log([1, 0.1]),
            method="Nelder-Mead",
            bounds=np.log([(0.1, 100), (1e-6, 10)]),
            options={"xatol": 1e-5, "fatol": 1e-9},
        )
        amplitude, noise = np.exp(found.x)
        across = kernel(at, x, amplitude)
        solved = across @ np.linalg.inv(kernel(x, x, amplitude) + noise * np.eye(len(x)))
        variance = np.diag(kernel(at, at, amplitude) - solved @ across.T)
        parts.append((-found.fun, noise, solved @ y, variance))
    evidences, noises, means, variances = map(np.array, zip(*parts, strict=True))
    weights = np.exp(evidences) / np.exp(evidences).sum()
    mean = weights @ means
    sd = np.sqrt(weights @ (variances + means**2) - mean**2)
    return level + scale * mean, scale * sd, scale * np.sqrt(weights @ noises)


@pytest.mark.parametrize("curve", [quadratic, np.zeros_like])
def test_is_the_averaged_posterior(curve):
    x, at = ARMS[::2], np.array([0.0, 0.3, 0.55, 1.0])
    y = points(curve, 0)[::2]
    fit, (mean, sd, noise) = response_curve(x, y, at), averaged_posterior(x, y, at)
    # the two optimisers stop within about 1e-4 of each other
    assert fit.mean == pytest.approx(mean, rel=1e-3, abs=1e-3)
    assert fit.high - fit.mean == pytest.approx(1.959964 * sd, rel=5e-3)
    assert fit.mean - fit.low == pytest.approx(1.959964 * sd, rel=5e-3)
    assert fit.noise == pytest.approx(noise, rel=5e-3)


@pytest.fixture(scope="module")
def fits():
    """Twelve experiments on one quadratic."""
    return [response_curve(ARMS, points(quadratic, seed), AT) for seed in range(12)]


def test_band_covers_the_curve(fits):
    truth = quadratic(AT)
    covered = np.mean([(fit.low <= truth) & (truth <= fit.high) for fit in fits])
    # 0.95 pointwise; a fit is worth about three independent places: three standard errors are 0.11
    assert covered == pytest.approx(0.95, abs=0.11)
    # and it says something: seeds alone would give each arm ± 1.96 σ / √5 = 0.26
    assert np.mean([fit.high - fit.low for fit in fits]) < 2 * 0.3


def test_interval_of_the_maximum_covers_the_peak_and_is_narrow(fits):
    # 0.95 nominal over 12 draws: three standard errors below is 0.76
    assert np.mean([fit.peak.low <= 0.4 <= fit.peak.high for fit in fits]) >= 0.76
    assert np.mean([fit.peak.high - fit.peak.low for fit in fits]) < 0.3
    assert all(fit.peak.low <= fit.peak.value <= fit.peak.high for fit in fits)
    assert {fit.peak.value for fit in fits} <= set(AT)


def test_noise_is_found(fits):
    # the sd of one estimate is near 13 % (30 points), of the mean of 12 near 4 %; maximum
    # likelihood falls short by a few per cent
    assert np.mean([fit.noise for fit in fits]) == pytest.approx(NOISE, rel=0.1)
    exact = response_curve(ARMS, quadratic(ARMS), AT)
    assert exact.noise < 0.01 and np.abs(exact.mean - quadratic(AT)).max() < 0.02
    assert exact.peak.value == pytest.approx(0.4, abs=0.03)


def test_monotone_points_are_best_at_the_end():
    rising = response_curve(ARMS, points(lambda x: 3 * x, 0), AT)
    assert rising.peak.value == rising.peak.high == 1.0 and rising.peak.low > 0.9
    falling = response_curve(ARMS, points(lambda x: -3 * x, 0), AT)
    assert falling.peak.value == falling.peak.low == 0.0 and falling.peak.high < 0.1


def test_noise_alone_leaves_the_maximum_open_and_gives_the_means_interval():
    widths, halves, at = [], [], np.linspace(0, 1, 11)
    for seed in range(4):
        fit = response_curve(ARMS, points(lambda x: 0 * x, seed), at)
        widths.append(fit.peak.high - fit.peak.low)
        halves.append((fit.high - fit.low).min() / 2)
    assert np.mean(widths) > 0.8
    # nothing says more of a curve than a flat line does: 1.96 σ / √30, less the noise's own
    # sampling error (13 % each)
    assert np.mean(halves) > 0.85 * 1.96 * NOISE / np.sqrt(30)


def test_follows_units_shift_and_logarithm():
    y = points(quadratic, 3)
    plain = response_curve(ARMS, y, AT)
    scaled = response_curve(10 * ARMS - 3, 1000 * y + 7, 10 * AT - 3)
    # the optimiser stops at a relative step of about 1e-5
    assert scaled.mean == pytest.approx(1000 * plain.mean + 7, rel=1e-3)
    assert scaled.high - scaled.low == pytest.approx(1000 * (plain.high - plain.low), rel=1e-2)
    logarithmic = response_curve(10**ARMS, y, 10**AT, log_x=True)
    assert logarithmic.mean == pytest.approx(plain.mean, rel=1e-3)
    assert logarithmic.peak.value == pytest.approx(10**plain.peak.value)
    assert np.array_equal(logarithmic.at, 10**AT)


def test_repeats_leaves_its_input_and_formats():
    y = points(quadratic, 4)
    before = y.copy()
    one, again = (response_curve(ARMS, y, AT) for _ in range(2))
    assert np.array_equal(y, before) and y.flags.writeable
    assert np.array_equal(one.high, again.high) and one.peak.low == again.peak.low
    assert one.peak.n == 30 and one.peak.confidence == 0.95
    assert f"{one.peak:.1f}" == f"{one.peak.value:.1f} [{one.peak.low:.1f}, {one.peak.high:.1f}]"


def test_constant_points_give_a_flat_curve_with_the_maximum_anywhere():
    flat = response_curve([1, 2, 3, 3], [0.1 * 3, 0.3, 0.3, 0.3], [1, 2, 3])
    assert flat.mean == pytest.approx([0.3, 0.3, 0.3]) and np.array_equal(flat.low, flat.high)
    assert (flat.peak.low, flat.peak.high, flat.noise) == (1, 3, 0)


SWEEP = {1.0: {0: 3.0, 1: 5.0, 7: 9.0}, 2.0: {1: 6.0, 0: 4.5}, 4.0: {0: 4.0, 1: 5.5, 3: 1.0}}


def test_a_sweep_uses_the_seeds_that_every_level_has():
    np.testing.assert_array_equal(complete_seeds(SWEEP), [[3, 5], [4.5, 6], [4, 5.5]])
    assert complete_seeds({1.0: {0: 1.0}, 2.0: {1: 1.0}}).shape == (2, 0)
    assert complete_seeds({}).shape == (0, 0)


def test_a_seed_s_luck_moves_no_sweep():
    lucky = {x: {s: y + 100 * s for s, y in at.items()} for x, at in SWEEP.items()}
    plain, moved = sweep_curve(SWEEP), sweep_curve(lucky)
    np.testing.assert_allclose(
        moved.mean - moved.mean.mean(), plain.mean - plain.mean.mean(), atol=1e-6
    )
    np.testing.assert_allclose(moved.high - moved.low, plain.high - plain.low, atol=1e-6)
    assert plain.at[0] == 1 and plain.at[-1] == 4


def test_too_little_of_a_sweep_has_no_curve():
    assert sweep_curve({x: SWEEP[x] for x in (1.0, 2.0)}) is None
    assert sweep_curve({x: {0: 1.0} for x in (1.0, 2.0, 3.0)}) is None

"""Gaussian mixtures: densities and draws, and total variation against closed forms and grids."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from adainf_core.theory.gaussian_mixtures import GaussianMixture
from adainf_core.theory.total_variation import gaussian_total_variation


def random_mixture(rng, components, dimension):
    factors = rng.normal(size=(components, dimension, dimension))
    return GaussianMixture(
        rng.dirichlet(np.ones(components)),
        1.5 * rng.normal(size=(components, dimension)),
        factors @ factors.transpose(0, 2, 1) + 0.05 * np.eye(dimension),
    )


def riemann(p, q, points):
    """½ ∫ |p − q| on an even grid of `points` a side that reaches 9 standard deviations."""
    means = np.concatenate([p.means, q.means])
    reach = 9 * np.sqrt(np.concatenate([p.covariances, q.covariances]).max())
    low, high = means.min(axis=0) - reach, means.max(axis=0) + reach
    axes = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, p.dimension)
    cell = np.prod((high - low) / (points - 1))
    return 0.5 * np.abs(p.density(grid) - q.density(grid)).sum() * cell


def assert_honest(estimate, truth, slack=0.0, most=1e-7):
    """`slack` is what the truth itself may be wrong by."""
    assert abs(estimate.value - truth) <= estimate.error + slack
    assert estimate.error <= most


def test_density_is_the_weighted_sum_of_its_components():
    rng = np.random.default_rng(0)
    for dimension in (1, 2, 5):
        distribution = random_mixture(rng, 3, dimension)
        points = rng.normal(size=(20, dimension))
        expected = sum(
            w * multivariate_normal(m, c).pdf(points)
            for w, m, c in zip(
                distribution.weights, distribution.means, distribution.covariances, strict=True
            )
        )
        np.testing.assert_allclose(distribution.density(points), expected, rtol=1e-10)


def test_marginals_integrate_the_other_coordinates_out():
    rng = np.random.default_rng(0)
    roots = rng.standard_normal((2, 3, 3))
    whole = GaussianMixture(
        [0.3, 0.7], rng.standard_normal((2, 3)), roots @ roots.transpose(0, 2, 1) + np.eye(3)
    )
    nodes = np.linspace(-15, 15, 3001)
    for axes, point in (((2, 0), [0.4, -0.3]), ((0, 2), [-0.3, 0.4])):
        points = np.column_stack([np.full(3001, -0.3), nodes, np.full(3001, 0.4)])
        integral = whole.density(points).sum() * (nodes[1] - nodes[0])
        assert whole.marginal(*axes).density([point])[0] == pytest.approx(integral, rel=1e-6)
    with pytest.raises(ValueError, match="axis"):
        whole.marginal(3)


def test_sample_has_the_components_means_and_covariances():
    distribution = random_mixture(np.random.default_rng(1), 3, 2)
    points, drawn = distribution.sample(60_000, np.random.default_rng(2), components=True)
    np.testing.assert_array_equal(points, distribution.sample(60_000, np.random.default_rng(2)))
    # 5 standard errors of 60,000 draws each.
    shares = np.bincount(drawn) / len(drawn)
    np.testing.assert_allclose(shares, distribution.weights, atol=5 * 0.5 / math.sqrt(60_000))
    for j in range(3):
        part = points[drawn == j]
        scale = np.trace(distribution.covariances[j])
        error = 5 * math.sqrt(scale / len(part))
        np.testing.assert_allclose(part.mean(axis=0), distribution.means[j], atol=error)
        spread = 5 * scale * math.sqrt(2 / len(part))
        np.testing.assert_allclose(np.cov(part.T), distribution.covariances[j], atol=spread)


@pytest.mark.parametrize("dimension", [1, 2, 3, 40])
def test_equal_covariances_have_a_closed_form_in_any_dimension(dimension):
    rng = np.random.default_rng(dimension)
    p = random_mixture(rng, 1, dimension)
    q = GaussianMixture([1.0], p.means + rng.normal(size=dimension) / 4, p.covariances)
    white = np.linalg.solve(np.linalg.cholesky(p.covariances[0]), (q.means - p.means)[0])
    truth = gaussian_total_variation(0.0, np.linalg.norm(white), 1.0)
    estimate = p.total_variation(q)
    # Whitening by a random covariance costs up to its condition number in rounding.
    assert estimate.value == pytest.approx(truth, abs=1e-9)
    assert estimate.error < 1e-11


@pytest.mark.parametrize("ratio", [1.001, 1.5, 10.0, 1e4])
def test_unequal_variances_on_the_line_have_a_closed_form(ratio):
    p, q = (GaussianMixture.isotropic([1.0], [[0.3]], s) for s in (1.0, ratio))
    # The densities cross at ±r.
    r = math.sqrt(2 * math.log(ratio) / (1 - 1 / ratio**2))
    assert_honest(p.total_variation(q), 2 * (norm.cdf(r) - norm.cdf(r / ratio)))


@pytest.mark.parametrize("ratio", [1.1, 3.0, 300.0])
def test_unequal_variances_in_the_plane_have_a_closed_form(ratio):
    p, q = (GaussianMixture.isotropic([1.0], [[0.0, 2.0]], s) for s in (1.0, ratio))
    # The squared radius where they cross; its distributions are exponential.
    squared = 4 * math.log(ratio) / (1 - 1 / ratio**2)
    truth = math.exp(-squared / (2 * ratio**2)) - math.exp(-squared / 2)
    assert_honest(p.total_variation(q), truth, slack=1e-15)


def test_symmetric_mixtures_on_the_line_have_a_closed_form():
    # Both are even and cross where cosh(x) = exp(x²/2 + ...): once a side, found by bisection here.
    p = GaussianMixture.isotropic([0.5, 0.5], [[-1.0], [1.0]], 1.0)
    q = GaussianMixture.isotropic([1.0], [[0.0]], 1.0)
    crossing = math.acosh(math.exp(0.5))
    inside = [2 * norm.cdf(crossing) - 1, norm.cdf(crossing - 1) - norm.cdf(-crossing - 1)]
    assert_honest(p.total_variation(q), inside[0] - inside[1])


@pytest.mark.parametrize("seed", range(6))
def test_random_mixtures_on_the_line_against_a_fine_grid(seed):
    rng = np.random.default_rng(seed)
    p, q = random_mixture(rng, 1 + seed % 4, 1), random_mixture(rng, 1 + seed % 3, 1)
    # A kink costs the sum about step² |slope| / 4: below 1e-7 at a step of 2e-4.
    assert_honest(p.total_variation(q), riemann(p, q, 200_001), slack=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_random_mixtures_in_the_plane_against_a_fine_grid(seed):
    rng = np.random.default_rng(20 + seed)
    p, q = random_mixture(rng, 1 + seed % 3, 2), random_mixture(rng, 2, 2)
    # Kinks along a curve: an even grid of 701 a side errs by about 1e-5.
    assert_honest(p.total_variation(q), riemann(p, q, 701), slack=3e-5)


def test_far_clusters_add_up_their_closed_forms():
    # Cluster by cluster, 60 standard deviations apart: one shifts, one widens, in correlated axes.
    turn = np.array([[1.0, 0.4], [-0.3, 2.0]])
    centres = np.array([[0.0, 0.0], [50.0, 35.0]])
    shapes = np.stack([turn @ turn.T, np.diag([2.0, 0.5])])
    shift = turn @ [0.6, -0.8]  # one standard deviation
    p = GaussianMixture([0.3, 0.7], centres, shapes)
    q = GaussianMixture([0.3, 0.7], centres + [shift, [0, 0]], shapes * [[[1]], [[4]]])
    widened = math.exp(-math.log(4) / 3) - math.exp(-math.log(4) * 4 / 3)
    truth = 0.3 * gaussian_total_variation(0.0, 1.0, 1.0) + 0.7 * widened
    assert_honest(p.total_variation(q), truth, slack=1e-15)


def test_total_variation_ignores_the_coordinates():
    rng = np.random.default_rng(8)
    p, q = random_mixture(rng, 2, 2), random_mixture(rng, 3, 2)
    plain = p.total_variation(q)
    for _ in range(2):
        turn = rng.normal(size=(2, 2))
        bent = (
            GaussianMixture(g.weights, g.means @ turn.T + 5, turn @ g.covariances @ turn.T)
            for g in (q, p)
        )
        other = next(bent).total_variation(next(bent))
        assert abs(plain.value - other.value) <= plain.error + other.error


def test_a_coarser_answer_admits_its_error():
    rng = np.random.default_rng(3)
    for _ in range(2):
        p, q = random_mixture(rng, 2, 2), random_mixture(rng, 2, 2)
        fine = p.total_variation(q)
        for tolerance in (1e-2, 1e-5):
            rough = p.total_variation(q, tolerance)
            assert abs(rough.value - fine.value) <= rough.error + fine.error
            assert rough.error <= tolerance


def test_a_needle_is_not_overlooked():
    broad = GaussianMixture.isotropic([1.0], [[0.0, 0.0]], 1.0)
    needle = GaussianMixture.isotropic([0.9, 0.1], [[0.0, 0.0], [1.3, 2.7]], [1.0, 1e-3])
    # They differ by a tenth of a needle against a tenth of the broad one: all of it but the broad
    # mass under the needle, 2π σ² ln(...) times the density there, about 1e-6.
    estimate = broad.total_variation(needle)
    assert 0.1 - 1e-5 < estimate.value < 0.1
    assert estimate.error < 1e-7


def test_mixture_identity_of_theorem_3_1():
    rng = np.random.default_rng(4)
    for dimension in (1, 2):
        real, generated = (random_mixture(rng, 2, dimension) for _ in range(2))
        whole = real.total_variation(generated)
        for beta in (0.0, 0.3, 1.0):
            train = real.total_variation(real.mixture(generated, beta))
            slack = train.error + whole.error + 1e-14
            assert train.value == pytest.approx((1 - beta) * whole.value, abs=slack)


def test_directions_in_which_nothing_differs_are_integrated_out():
    rng = np.random.default_rng(5)
    p, q = random_mixture(rng, 2, 2), random_mixture(rng, 2, 2)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]

    def lifted(distribution):
        """The same distribution in six dimensions, beside an independent Gaussian of four,
        rotated."""
        means = np.concatenate([distribution.means, np.full((2, 4), 0.7)], axis=1)
        covariances = np.zeros((2, 6, 6))
        covariances[:, :2, :2] = distribution.covariances
        covariances[:, 2:, 2:] = np.diag([0.5, 1, 2, 3])
        return GaussianMixture(distribution.weights, means @ turn.T, turn @ covariances @ turn.T)

    plane, space = p.total_variation(q), lifted(p).total_variation(lifted(q))
    assert abs(plane.value - space.value) <= plane.error + space.error


def test_equal_distributions_are_at_distance_zero_however_written():
    distribution = random_mixture(np.random.default_rng(6), 3, 4)
    order = [2, 0, 1]
    again = GaussianMixture(
        distribution.weights[order], distribution.means[order], distribution.covariances[order]
    )
    assert distribution.total_variation(again).value == 0.0
    halves = GaussianMixture(
        np.repeat(distribution.weights / 2, 2),
        np.repeat(distribution.means, 2, 0),
        np.repeat(distribution.covariances, 2, 0),
    )
    assert distribution.total_variation(halves).value < 1e-15


def test_distant_distributions_are_at_distance_one():
    p, q = (GaussianMixture.isotropic([0.5, 0.5], [[0, 0], [a, 1]], [1, 2]) for a in (1, 2))
    far = GaussianMixture(q.weights, q.means + 1e4, q.covariances)
    assert_honest(p.total_variation(far), 1.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GaussianMixture.isotropic([0.5, 0.6], [[0.0], [1.0]], 1), "weights sums to 1.1"),
        (lambda: GaussianMixture.isotropic([1.0], [0.0, 1.0], 1), r"means have shape \(2,\)"),
        (lambda: GaussianMixture.isotropic([1.0], [[0.0], [1.0]], 1), "one row of means"),
        (
            lambda: GaussianMixture.isotropic([0.5, 0.5], [[0.0], [1.0]], [1, 0]),
            r"std = \[1.0, 0.0\]",
        ),
        (
            lambda: GaussianMixture.isotropic([0.5, 0.5], [[0.0], [1.0]], [1]),
            r"std = \[1.0\]: give one number",
        ),
        (lambda: GaussianMixture.isotropic([0.5, 0.5], [[0.0], [np.nan]], 1), r"means\[1\]"),
        (lambda: GaussianMixture([1.0], [[0.0, 0.0]], [np.eye(3)]), r"expected \(1, 2, 2\)"),
        (
            lambda: GaussianMixture([0.5, 0.5], np.eye(2), [np.eye(2), [[1, 2], [2, 1]]]),
            r"covariances\[1\] has eigenvalue -1",
        ),
        (
            lambda: GaussianMixture([1.0], [[0.0, 0.0]], [[[1, 0.5], [0, 1]]]),
            r"covariances\[0\] is not symmetric",
        ),
    ],
)
def test_bad_mixtures_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_what_quadrature_cannot_do_is_said():
    rng = np.random.default_rng(7)
    p, q = random_mixture(rng, 1, 3), random_mixture(rng, 1, 3)
    with pytest.raises(ValueError, match=r"differ in 3 dimensions .*tv_lower_bound"):
        p.total_variation(q)
    with pytest.raises(ValueError, match="3 and 2 dimensions"):
        p.total_variation(random_mixture(rng, 1, 2))
    with pytest.raises(ValueError, match="tolerance = 0"):
        p.total_variation(q, tolerance=0)
    with pytest.raises(ValueError, match=r"expected \(n, 3\)"):
        p.density([[0.0, 0.0]])


def test_the_error_is_honest_at_every_tolerance():
    rng = np.random.default_rng(0)

    def random_distribution():
        count = int(rng.integers(1, 4))
        factors = 0.6 * rng.normal(size=(count, 2, 2))
        covariances = factors @ factors.transpose(0, 2, 1) + 0.05 * np.eye(2)
        weights = rng.dirichlet(np.ones(count))
        return GaussianMixture(weights, 1.5 * rng.normal(size=(count, 2)), covariances)

    centres = [[-1, 0], [1, 0]]
    # the first pair's lobes begin and end inside a panel, where one rule alone is fooled
    narrow = [GaussianMixture.isotropic([0.5, 0.5], centres, s * 0.7**0.5) for s in (1, 0.3)]
    for p, q in [narrow, *((random_distribution(), random_distribution()) for _ in range(2))]:
        exact = p.total_variation(q, 1e-9)
        for tolerance in (1e-2, 1e-3, 1e-5):
            found = p.total_variation(q, tolerance)
            assert abs(found.value - exact.value) <= found.error + exact.error
            assert found.error <= 10 * tolerance

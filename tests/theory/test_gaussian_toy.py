"""The two-Gaussian toy: closed-form labeling error, tabulated values, sampling error."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.gaussian_mixtures import GaussianMixture
from adainf_core.theory.gaussian_toy import (
    disc_kernel,
    gaussian_toy_distribution,
    gaussian_toy_labeling_error,
    gaussian_toy_population,
)
from adainf_core.theory.toy_generators import TOY_GENERATORS


def sampled(n, strength, rng, cells=8):
    """Graph, points and views of n draws, on a grid of `cells` to the radius."""
    points = gaussian_toy_distribution().sample(n, rng)
    kernel, views = disc_kernel(points, strength, strength / cells)
    return AugmentationGraph(kernel, np.full(n, 1 / n)), points, views


@pytest.mark.parametrize(
    ("strength", "alpha"),
    [
        (0.1, 0.00991),
        (0.2, 0.0198),
        (0.3, 0.0298),
        (0.5, 0.05),
        (0.7, 0.0705),
        (1.0, 0.1019),
        (1.4, 0.1441),
        (2.0, 0.204),
        (3.0, 0.2816),
    ],
)
def test_labeling_error_reproduces_the_table(strength, alpha):
    # The table is rounded to 4 decimals (5 at 0.1).
    assert gaussian_toy_labeling_error(strength) == pytest.approx(alpha, abs=6e-5)


@pytest.mark.parametrize("strength", [0.01, 0.7, 3.0, 50.0, 1000.0])
@pytest.mark.parametrize("variance", [0.7, 0.05])
def test_labeling_error_matches_adaptive_quadrature(strength, variance):
    def integrand(t):
        s = t / strength
        beyond = (math.acos(s) - s * math.sqrt(1 - s * s)) / math.pi
        density = math.exp(-((t - 1) ** 2) / (2 * variance))
        density += math.exp(-((t + 1) ** 2) / (2 * variance))
        return density / (2 * math.sqrt(2 * math.pi * variance)) * beyond

    top = min(strength, 1 + 12 * math.sqrt(variance))
    points = [1.0] if top > 1 else None
    numeric = 2 * quad(integrand, 0, top, points=points, limit=200, epsabs=1e-13)[0]
    found = gaussian_toy_labeling_error(strength, gaussian_toy_distribution(variance))
    assert found == pytest.approx(numeric, abs=1e-10)


def test_small_strength_has_the_linear_distribution():
    density = math.exp(-1 / 1.4) / math.sqrt(2 * math.pi * 0.7)
    linear = density * 4 * 1e-3 / (3 * math.pi)
    # The next term is of relative order r².
    assert gaussian_toy_labeling_error(1e-3) == pytest.approx(linear, rel=1e-5)


def test_sampled_labeling_error_agrees_with_the_closed_form():
    for strength in (0.5, 1.0, 2.0):
        graph, points, views = sampled(4000, strength, np.random.default_rng(0))
        # A point's own error has a standard deviation of at most 0.2, so the mean of 4,000 has
        # 0.003; four of those. The grid's effect is far smaller.
        assert graph.labeling_error(points[:, 0] > 0, views[:, 0] > 0) == pytest.approx(
            gaussian_toy_labeling_error(strength), abs=0.013
        )


def test_kernel_is_uniform_over_the_cells_of_a_disc():
    graph, points, views = sampled(20, 0.8, np.random.default_rng(1))
    kernel = graph.kernel.toarray()
    offsets = views[None] - points[:, None]
    inside = np.linalg.norm(offsets, axis=2) <= 0.8
    np.testing.assert_array_equal(kernel > 0, inside)
    np.testing.assert_allclose(kernel[inside], (1 / inside.sum(axis=1)).repeat(inside.sum(axis=1)))
    # π 8² = 201 cells a disc, up to the cells its rim cuts.
    assert (np.abs(inside.sum(axis=1) - 201) < 12).all()
    assert np.abs(views).min() > 1e-9


@pytest.mark.parametrize(
    ("strength", "n", "k", "mean", "error"),
    [
        (0.5, 30, 8, 0.118, 0.012),
        (0.7, 30, 1, 0.021, 0.005),
        (0.7, 30, 2, 0.056, 0.011),
        (0.7, 30, 8, 0.339, 0.022),
        (0.7, 120, 4, 0.142, 0.008),
        (1.0, 9, 2, 0.212, 0.028),
        (1.0, 9, 8, 0.886, 0.020),
        (1.0, 30, 4, 0.341, 0.014),
        (1.0, 30, 8, 0.655, 0.014),
    ],
)
def test_spectrum_reproduces_the_table_within_sampling_error(strength, n, k, mean, error):
    rng = np.random.default_rng(2)
    draws = [sampled(n, strength, rng)[0].spectral_gap(k) for _ in range(24)]
    own = np.std(draws, ddof=1) / math.sqrt(len(draws))
    # Both sides are averages of independent draws; 3.5 joint standard errors over nine entries.
    assert abs(np.mean(draws) - mean) < 3.5 * math.hypot(error, own)


def test_the_grid_is_fine_enough():
    coarse, fine = (
        sampled(60, 1.0, np.random.default_rng(3), cells)[0].eigenvalues(9) for cells in (8, 24)
    )
    np.testing.assert_allclose(coarse[1:], fine[1:], rtol=0.03)


def test_labeling_error_of_any_distribution_matches_adaptive_quadrature():
    distribution = GaussianMixture(
        [0.3, 0.7], [(-0.4, 5.0), (1.5, 0.0)], [np.diag([0.01, 2]), np.eye(2)]
    )

    def integrand(t):
        beyond = (math.acos(abs(t)) - abs(t) * math.sqrt(1 - t * t)) / math.pi
        narrow = math.exp(-((t + 0.4) ** 2) / 0.02) / math.sqrt(0.02 * math.pi)
        wide = math.exp(-((t - 1.5) ** 2) / 2) / math.sqrt(2 * math.pi)
        return (0.3 * narrow + 0.7 * wide) * beyond

    numeric = quad(integrand, -1, 1, points=[-0.4, 0], epsabs=1e-13, limit=200)[0]
    assert gaussian_toy_labeling_error(1.0, distribution) == pytest.approx(numeric, abs=1e-9)


@pytest.mark.parametrize("name", TOY_GENERATORS)
def test_the_population_is_close_to_the_distributions_of_the_plane(name):
    distribution = TOY_GENERATORS[name](0.3)
    world = gaussian_toy_population(0.7, distribution)
    # What the docstring promises.
    assert world.total_variation == pytest.approx(0.3, abs=1e-3)
    for beta in (1.0, 0.0):
        alpha = gaussian_toy_labeling_error(0.7, None if beta else distribution)
        assert world.labeling_error(beta) == pytest.approx(alpha, abs=3e-3)


def test_the_population_does_not_know_inflation_by_the_real_distribution():
    world = gaussian_toy_population(1.5, cell=0.3)
    assert world.total_variation == 0
    assert (np.asarray(world.p_real) > 0).all()
    np.testing.assert_allclose(
        world.graph(0.2).eigenvalues(5), world.graph(1).eigenvalues(5), atol=1e-12
    )
    # By mirror symmetry the second eigenfunction is odd, and its sign is the label.
    assert world.graph().probe_error(world.view_labels, world.natural_labels, k=2) == 0


def test_samples_approach_the_population():
    population = gaussian_toy_population(1.5, cell=0.3).graph().eigenvalues(5)
    distance = []
    for n in (50, 800):
        rng = np.random.default_rng(6)
        draws = [sampled(n, 1.5, rng)[0].eigenvalues(5) for _ in range(3)]
        distance.append(np.abs(np.mean(draws, axis=0) - population).max())
    # A single draw of 800 strays by about 0.02, one of 50 by about 0.07.
    assert distance[1] < 0.025 < distance[0]


def test_the_populations_cells_are_fine_enough():
    coarse, fine = (
        gaussian_toy_population(1.5, cell=cell).graph().eigenvalues(5) for cell in (0.36, 0.24)
    )
    np.testing.assert_allclose(coarse[1:], fine[1:], rtol=0.01)


def test_long_cells_change_little():
    distribution = TOY_GENERATORS["mode drop"](0.3)
    square, long = (
        gaussian_toy_population(1.5, distribution, cell=cell) for cell in (0.3, (0.2, 0.45))
    )
    assert long.total_variation == pytest.approx(0.3, abs=2e-3)
    np.testing.assert_allclose(
        square.graph(0.3).eigenvalues(5), long.graph(0.3).eigenvalues(5), atol=5e-3
    )


def test_an_isolated_cluster_is_one_in_the_population():
    distribution = TOY_GENERATORS["isolated cluster"](0.3)
    world = gaussian_toy_population(1.5, distribution, cell=0.3)
    assert world.graph(1).spectral_gap(1) > 0.1
    for beta in (0.9, 0.1):
        graph = world.graph(beta)
        assert graph.component_count() == 2 and graph.spectral_gap(1) == 0


def test_bad_toys_are_named():
    line = GaussianMixture.isotropic([1.0], [[0.0]], 1.0)
    for message, arguments in (
        ("strength = 0", {"strength": 0.0}),
        ("strength = nan", {"strength": math.nan}),
        ("pitch = 2", {"pitch": 2}),
        ("1 dimensions", {"generator": line}),
        ("cell has 3 sides", {"cell": (1, 1, 1)}),
        ("cell = 0", {"cell": 0}),
    ):
        with pytest.raises(ValueError, match=message):
            gaussian_toy_population(**{"strength": 1.0} | arguments)
    with pytest.raises(ValueError, match="variance = -1"):
        gaussian_toy_distribution(-1)

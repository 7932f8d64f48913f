"""What is drawn over shares of real draws, over copies, and over what was simulated."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from adainf_core.figures import (
    BOUNDARY,
    SHARE_STYLE,
    bounds_over_share,
    exact_over_levels,
    measures_over_shares,
    mixture_and_batch,
    share_of_copies,
    simulated_counts,
    strength_curves,
    toy_samples,
    world_and_ratio,
)
from adainf_core.statistics.intervals import Interval, t_interval
from adainf_core.theory import replication_to_beta, ring_world, total_variation
from adainf_core.theory.toy_sweep import toy_sweep


@pytest.fixture
def ax():
    return Figure().subplots()


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_strength_curves_are_named_by_their_share_and_ring_the_least(ax):
    rows = {1: [3, 1, 2], 1 / 3: [1, 2, 3]}
    strength_curves(ax, (1, 2, 3), rows, least=True)
    first, ring, second, other = ax.lines
    assert [first.get_label(), second.get_label()] == [SHARE_STYLE[b][2] for b in rows]
    assert [(each.get_xdata()[0], each.get_ydata()[0]) for each in (ring, other)] == [
        (2, 1),
        (1, 1),
    ]


def test_measures_have_a_panel_each_and_a_curve_for_each_generator():
    axes = Figure().subplots(1, 2)
    rows = {"a": np.array([[0.1, 1], [0.2, 2]]), "b": np.array([[0.3, 3], [0.4, 4]])}
    measures_over_shares(axes, {"1": 1, "⅓": 1 / 3}, rows, {"α": -0.01, "λ": -0.1})
    for panel, (ax, title) in enumerate(zip(axes, "αλ", strict=True)):
        assert ax.get_title() == title and ax.get_xlim()[0] > ax.get_xlim()[1]
        for line, values in zip(ax.lines, rows.values(), strict=True):
            np.testing.assert_array_equal(line.get_xydata().T, [(1, 1 / 3), values[:, panel]])
    assert [text.get_text() for text in axes[0].figure.legends[0].texts] == list(rows)


def test_the_two_dots_of_copies_have_one_share(ax):
    share_of_copies(ax, (1, 10, 50), 10)
    *curves, _, dots = ax.lines
    for times, line in zip((1, 2, 20), curves, strict=True):
        expected = [replication_to_beta(1, times, n) for n in line.get_xdata()]
        np.testing.assert_allclose(line.get_ydata(), expected)
    assert dots.get_xdata().tolist() == [1, 10]
    np.testing.assert_allclose(dots.get_ydata(), replication_to_beta(1, 2, 1))


def test_a_bound_is_marked_where_it_is_least_unless_it_has_no_marker(ax):
    grid = np.array([0.2, 0.6, 1])
    dips, flat = np.array([2, 0.1, 0.5]), np.array([0.4, 0.4, 0.4])
    bounds_over_share(ax, grid, {"a": (dips, "red", "-", "D"), "b": (flat, "grey", "--", "")})
    marks = [line for line in ax.lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(0.6, 0.1)]
    assert ax.lines[-1].get_ydata() == [1, 1] and words(ax) == ["above: says nothing"]


def test_counts_stand_beside_their_probabilities_and_zero_is_marked(ax):
    simulated_counts(ax, [0.1, 0.6, 0.3], [0.2, 0.5, 0.3], "none")
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.6, 0.3]
    (dashes,) = ax.lines
    assert dashes.get_marker() == "_" and [*dashes.get_ydata()] == [0.2, 0.5, 0.3]
    colours = [bar.get_facecolor()[:3] for bar in ax.patches]
    assert colours[0] != colours[1] == colours[2] and words(ax) == ["none"]
    assert ax.texts[0].get_color() == BOUNDARY


def test_exact_values_are_those_of_the_function_and_bars_end_where_the_axis_can(ax):
    found = {2: Interval(4.0, -1.0, 5.0, 9), 8: Interval(60.0, 50.0, 70.0, 9)}
    exact_over_levels(ax, lambda n: n**2, (2, 8, 50), "red", found=found, marker="s")
    line, marks = ax.lines
    assert (line.get_ydata() == line.get_xdata() ** 2).all() and {2, 50} <= {*line.get_xdata()}
    assert [*marks.get_ydata()] == [4, 60]
    ends = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
    assert ends == [[1e-3, 5], [50, 70]]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_without_simulations_there_is_the_curve_alone(ax):
    exact_over_levels(ax, float, (2, 5), "red", "--")
    assert len(ax.lines) == 1 and not ax.collections


def test_a_mixture_tells_its_distance_and_a_batch_its_counts():
    axes = Figure().subplots(2)
    real, generated = [0.5, 0.5], [1.0, 0.0]
    images = np.zeros((3, 3, 4, 4), np.uint8)
    mixture_and_batch(axes, real, generated, 0.75, images, [1, 0, 0], xlabel="hue")
    left = 0.25 * total_variation(real, generated)
    assert f"distance to real {left:.3f} = 0.250 × 0.5" in words(axes[0])[-1]
    assert axes[0].get_xlabel() == "hue"
    assert axes[1].get_xlabel() == "a batch of 3: 1 real (dots), 2 generated (crosses)"


def test_a_world_stands_beside_its_ratios():
    axes = Figure().subplots(1, 2)
    world_and_ratio(axes, ring_world(), range(1, 4), {1: [0.3, 0.2, 0.4]})
    assert axes[0].collections and axes[1].get_title() == "α / λ₃"
    assert axes[1].get_xlim() == (0.7, 3.3)
    assert axes[1].lines[-1].get_xdata() == [2]


def test_samples_of_the_toy_are_means_over_draws():
    sweep = toy_sweep(
        (0.5, 1.0, 1.5, 2.0, 2.5, 3.0), (0, 5, 10, 15), n_real=10, draws=3, dimensions=(2, 4)
    )
    axes = Figure().subplots(2, 2)
    toy_samples(axes, sweep)
    titles = [ax.get_title() for ax in axes.flat]
    assert titles == ["labeling error α", *(f"connectivity λ{i}" for i in "₃₃₅")]
    expected = [[t_interval(sweep.labeling_error[g, s]).value for s in range(6)] for g in (0, 3)]
    drawn = [line.get_ydata() for line in axes[0, 0].lines[1:]]  # behind the closed form
    np.testing.assert_allclose(drawn, expected)
    gaps = [line.get_ydata() for line in axes[1, 1].lines]
    np.testing.assert_allclose(gaps, sweep.spectral_gap[:, 2:4, :, 1].mean(axis=2).T)

"""Curves, strips, legends and names of rows: what they draw, read back from the axes."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from adainf_core.figures import (
    compact_legend,
    curve,
    interval_curve,
    legend_below,
    quantile_strips,
    row_names,
)
from adainf_core.statistics.intervals import Interval


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_curve_has_gaps_where_it_is_not_finite_and_circles_its_least_value(ax):
    curve(ax, range(4), [3.0, np.inf, 1.0, 2.0], "red", "o", "name", least=True, lw=3)
    line, circle = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), [3, np.nan, 1, 2])
    assert (line.get_label(), line.get_color(), line.get_linewidth()) == ("name", "red", 3)
    assert ([*circle.get_xdata()], [*circle.get_ydata()]) == ([2], [1])


def test_a_curve_without_a_label_stays_out_of_the_legend(ax):
    curve(ax, [0, 1], [0, 1], "red", "o")
    assert ax.get_legend_handles_labels() == ([], [])


def test_the_band_of_a_curve_spans_its_edges(ax):
    curve(ax, [0, 1], [1, 2], "red", "o", band=([0, 1], [2, 5]))
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0, 5)


@pytest.mark.parametrize("joined", [True, False])
def test_an_interval_curve_has_a_bar_for_each_interval(ax, joined):
    found = [Interval(1.0, 0.5, 2.0, 5), Interval(3.0, 2.0, 3.5, 5)]
    interval_curve(ax, [10, 20], iter(found), "red", "o", joined=joined)
    (bars,), (means,) = ax.collections, ax.lines
    np.testing.assert_array_equal(bars.get_segments(), [[(10, 0.5), (10, 2)], [(20, 2), (20, 3.5)]])
    assert [*means.get_ydata()] == [1, 3] and bool(means.get_linewidth()) == joined


def test_strips_read_from_the_top_and_show_all_six_numbers(ax):
    quantile_strips(ax, {"first": (0.1, 0.2, 0.3, 0.4, 0.5, 0.9), "second": (0, 0, 0, 0, 0, 1)})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    thin, thick = ax.collections[:2]
    assert thin.get_segments()[0][:, 0].tolist() == [0.1, 0.5]
    assert thick.get_segments()[0][:, 0].tolist() == [0.2, 0.4]
    assert [line.get_xdata()[0] for line in ax.lines[:2]] == [0.3, 0.9]


def test_legends_name_what_is_labelled(ax):
    curve(ax, [0, 1], [0, 1], "red", "o", "a curve")
    compact_legend(ax, "upper left", handlelength=3)
    legend_below(ax, 2)
    inside, below = ax.get_legend(), ax.figure.legends[0]
    assert [text.get_text() for text in (*inside.texts, *below.texts)] == ["a curve"] * 2
    assert inside.handlelength == 3 and not inside.get_frame_on()


def test_names_stand_beside_the_first_column():
    axes = Figure().subplots(2, 3)
    row_names(axes, ("above", "below"))
    assert [[text.get_text() for text in ax.texts] for ax in axes[:, 0]] == [["above"], ["below"]]
    assert not any(ax.texts for ax in axes[:, 1:].flat)
    with pytest.raises(ValueError, match="shorter"):
        row_names(axes, ("above",))

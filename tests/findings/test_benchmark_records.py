"""What is read of the records of benchmarks."""

import math

import numpy as np
import pytest

from adainf_core.figures import draw
from adainf_core.findings import SweptToy, benchmark, coverage_rows, recovered
from adainf_core.theory import gaussian_toy_labeling_error


def test_an_unknown_benchmark_is_named():
    with pytest.raises(ValueError, match="no record of benchmark 'none'"):
        benchmark("none")


@pytest.fixture(scope="module")
def toy():
    return SweptToy()


@pytest.mark.parametrize("k", [2, 8, 32])
def test_the_best_strength_is_where_its_curve_is_least(toy, k):
    for n in toy.sizes:
        errors = [found.value for found in toy.over_strengths(k, "real_error", n)]
        best, there = toy.error_at_best(k, "real_error", n)
        assert (
            best == toy.strengths[int(np.nanargmin(errors))] == toy.best(k, "real_error", n).value
        )
        assert there.value == np.nanmin(errors) and there.low <= there.value <= there.high


def test_the_ratio_is_that_of_its_parts_and_has_gaps_where_nothing_connects(toy):
    alphas = [gaussian_toy_labeling_error(r) for r in toy.strengths]
    for n in toy.sizes:
        gaps = toy.over_strengths(2, "spectral_gap", n)
        for ratio, alpha, gap in zip(toy.over_gap(2, n, least=0.1), alphas, gaps, strict=True):
            for found, end in (
                (ratio.value, gap.value),
                (ratio.low, gap.high),
                (ratio.high, gap.low),
            ):
                assert (
                    math.isnan(found)
                    if not end > 0.1
                    else found == pytest.approx(alpha / end, rel=1e-3)
                )


def test_the_median_of_the_recovered_shares_is_the_recorded_one():
    for row in recovered():
        assert row.median == pytest.approx(np.median(row.shares))
        assert row.name.startswith(row.flaw.replace("_", " ")) and row.reach <= 100


def test_rows_of_coverage_are_counts_over_pairs():
    record = benchmark("tv_coverage")["coverage"]
    table = {(shape, float(distance)): rest for shape, distance, *rest in coverage_rows(1500)}
    for row in record:
        if row["n_real"] == 1500:
            place = ("ks", "adaptive").index(row["method"])
            rest = table[row["shape"], row["distance"]]
            share = 100 * row["misses"] / row["pairs"]
            assert float(rest[place].split()[0]) == pytest.approx(share, abs=0.051)
            assert float(rest[place + 2]) == pytest.approx(row["median_lower"], abs=6e-4)


def test_curves_are_ringed_where_they_are_least_and_best_strengths_stand_at_their_sizes(toy):
    def curves(axes):
        toy.draw_curves(axes, {2: 1.2, 8: 0.7}, {250: ("red", "o")})
        line, ring = axes[1, 0].lines
        errors = [found.value for found in toy.over_strengths(2, "real_error", 250)]
        assert np.array_equal(line.get_ydata(), errors, equal_nan=True)
        assert ring.get_xdata()[0] == toy.best(2, "real_error", 250).value
        assert [ax.get_title() for ax in axes[0]] == ["k = 2", "k = 8"]

    def best(ax):
        toy.draw_best(ax, 8)
        by_ratio, by_error = ax.lines
        assert list(by_ratio.get_ydata()) == [toy.best(8, "bound", n).value for n in toy.sizes]
        assert np.allclose(by_error.get_xdata(), 1.06 * np.array(toy.sizes))

    draw(curves, alt="Curves.", nrows=2, ncols=2)
    draw(best, alt="Best strengths.")

"""Findings of the gap studies against the numbers in their records."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from adainf_core.data.sprites import FLAWS
from adainf_core.figures import draw
from adainf_core.findings import GapFindings, benchmark
from adainf_core.findings.gaps import MEASURES, MORE_IS_BETTER, number, written
from adainf_core.gap.estimate import GapEstimate

BOUNDS = ("tv_images", "tv_features")


@pytest.fixture(scope="module")
def photos():
    return GapFindings("generator-gap")


@pytest.fixture(scope="module")
def sprites():
    return GapFindings("sprite-gap")


@pytest.mark.parametrize("measure", MEASURES)
def test_excess_is_signed_so_that_more_is_worse(photos, measure):
    numbers = photos.by_arm["pca_gaussian"].metrics
    end = "_low" if measure in BOUNDS else ""
    zero = f"mirrored_{measure}{end}"
    reference = numbers[zero] if zero in numbers else photos.by_arm["held_out"].metrics["near"]
    sign = -1 if measure in MORE_IS_BETTER else 1
    expected = sign * (numbers[measure + end] - reference)
    assert photos.excess("pca_gaussian", measure) == pytest.approx(expected)


def test_told_apart_where_intervals_do_not_overlap(photos):
    signs = set()
    for arm in photos.by_arm:
        for measure in MEASURES:
            found, zero = photos.measured(arm, measure), photos.zero_line(arm, measure)
            told = photos.told_apart(arm, measure)
            signs.add(told)
            if measure in BOUNDS:
                assert told == (found.low > zero.low)
                continue
            apart = max(found.low, zero.low) > min(found.high, zero.high)
            assert told == (np.sign(photos.excess(arm, measure)) if apart else 0)
    assert signs == {-1, 0, 1}


def test_a_measure_in_words_has_its_zero_line_beside_it(photos):
    found, zero = (f("memorised", "frechet") for f in (photos.measured, photos.mirrored))
    said = photos.in_words("memorised", "frechet", ".3f")
    assert said == f"{found:.3f} (real against real {zero:.3f})"
    near = photos.measured("held_out", "near")
    assert f"(held-out photographs {near:.2f})" in photos.in_words("memorised", "near")
    assert photos.in_words("memorised", "tv_images") == written(
        photos.measured("memorised", "tv_images"), "tv_images"
    )
    assert photos.told_in_words("held_out", "frechet") == "does not tell them apart"


def test_of_a_total_variation_the_bound_is_read_and_rounded_down():
    found = GapEstimate(0.5, 0.12987, 0.9, 10, 10)
    assert number(found, "tv_images") == found.low
    assert number(found, "frechet") == found.value
    assert written(found, "tv_images") == "0.129"
    assert written(found, "precision") == "0.50 [0.13, 0.90]"
    small = GapEstimate(0.0016, -0.0004, 0.0126, 10, 10)
    assert written(small, "kernel_distance") == "1.6 [-0.4, 13]"


def test_pairs_out_of_order_are_those_that_ranks_disagree_about(sprites):
    for measure, verdict in sprites.verdicts.items():
        claim = verdict.claim
        for flaw, count in sprites.out_of_order(measure).items():
            arms = [arm for arm in sprites.by_arm if arm.startswith(flaw)]
            truth = rankdata([sprites.true_tv(arm) for arm in arms])
            found = [claim.sign * sprites.by_arm[arm].metrics[claim.measure] for arm in arms]
            assert count == sum(
                found[i] >= found[j]
                for i in range(len(arms))
                for j in range(len(arms))
                if truth[i] < truth[j]
            )


def test_measures_are_drawn_over_the_truth(sprites):
    def paint(ax):
        sprites.against_truth(ax, "tv_images")
        _, labels = ax.get_legend_handles_labels()
        assert labels == [flaw.replace("_", " ") for flaw in FLAWS]
        zero, *rest = ax.lines
        assert zero.get_ydata()[0] == sprites.zero_line("perfect", "tv_images").low
        diagonals, lines = rest[::2], rest[1::2]
        for diagonal, line in zip(diagonals, lines, strict=True):
            np.testing.assert_array_equal(*diagonal.get_data())
            np.testing.assert_array_equal(line.get_xdata(), diagonal.get_xdata()[1:])
            assert (line.get_ydata() <= line.get_xdata()).all()

    assert draw(paint, alt="Bounds.").svg


def test_a_benchmark_is_read_as_it_was_written():
    path = Path(__file__).parents[2] / "benchmarks" / "results" / "sprite_gap.json"
    assert benchmark("sprite_gap") == json.loads(path.read_text())
    with pytest.raises(ValueError, match="no record of benchmark 'no such'"):
        benchmark("no such")


def test_pictures_stand_above_dials_on_which_their_arm_is_ringed(photos):
    dial = {500: "diffusion_500", 8000: "diffusion_8000"}
    dials = {"training steps": dial, "again": dial}

    def drawn(arm):
        shown = photos.on_dials(arm, dials, "frechet", alt="D.", ylabel="far", most=40, linear=0.1)
        return shown.svg

    first = drawn("diffusion_500")
    assert all(f">{text}<" in first for text in ("training steps", "again", "real against real"))
    assert first != drawn("diffusion_8000")


def test_panels_against_the_truth_are_titled_by_their_measures(sprites):
    def paint(axes):
        sprites.panels_against_truth(axes, ["frechet", "recall", "tv_images", "tv_features"])
        titles = [ax.get_title() for ax in axes.flat]
        assert titles[:2] == [MEASURES["frechet"], MEASURES["recall"]]
        assert all(title.startswith("TV lower bound") for title in titles[2:])
        (legend,) = axes[0, 0].figure.legends
        named = [text.get_text() for text in legend.get_texts()]
        assert named == [flaw.replace("_", " ") for flaw in FLAWS]

    draw(paint, alt="Panels.", nrows=2, ncols=2, height=5)

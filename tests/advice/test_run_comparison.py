"""Runs compared: the right numbers from what was told, and what cannot be compared in one line."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from adainf_core.advice import run_comparison, run_probing
from adainf_core.advice.run_comparison import compare_runs
from adainf_core.advice.run_files import open_runs, sides_of
from adainf_core.configuration import to_plain
from adainf_core.evidence.judging.verdicts import Outcome, outcome_of
from adainf_core.evidence.runs.records import RESULTS, read_record
from adainf_core.learning.predictions import (
    LabelledSet,
    Predictions,
    Trained,
    write_predictions,
)
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.statistics.crossed import crossed_interval, images_interval

TRAIN, TEST = LabelledSet("mine", 900, "a" * 32), LabelledSet("mine-test", 400, "b" * 32)
LABELS = np.arange(400) % 5
COUNTED = np.arange(400) % 20 > 0  # 380 images


def told(side, seed, share=0.6, protocols=("linear",), **changes):
    """Predictions of a run that tells about `share` of the images right."""
    rng = np.random.default_rng([len(side), seed, int(1000 * share)])
    hard = np.random.default_rng(7).random(400)
    right = 0.7 * hard + 0.3 * rng.random(400) < share
    predicted = np.where(right, LABELS, (LABELS + 1) % 5)
    config = to_plain(replace(PretrainConfig(), seed=seed, width=8 + len(side)))
    data = {"shape": [3, 8, 8], "mixture": f"mine: {side}", "real": {"hash": "0"}}
    run = Trained(config | changes.pop("config", {}), data, f"{side}{seed}", config["steps"], 8)
    run = replace(run, **{name: changes.pop(name) for name in list(changes) if hasattr(run, name)})
    return Predictions(
        run,
        changes.get("train", TRAIN),
        changes.get("test", TEST),
        None,
        LABELS,
        COUNTED,
        dict.fromkeys(protocols, predicted),
        dict.fromkeys(protocols, "a probe"),
    )


def sides(seeds=(0, 1, 2), first=0.6, second=0.66):
    return {
        "weak": [told("weak", seed, first) for seed in seeds],
        "adainf": [told("adainf", seed, second) for seed in seeds],
    }


def test_the_numbers_are_those_of_the_images_that_count():
    given = sides()
    found = compare_runs(given)
    right = {side: np.stack([(one.predicted["linear"] == LABELS)[COUNTED] for one in runs])
             for side, runs in given.items()}  # fmt: skip
    for side in found.sides:
        assert list(side.accuracy.values()) == pytest.approx(100 * right[side.name].mean(1))
    (only,) = found.differences
    values = 100 * (right["adainf"].astype(float) - right["weak"])
    assert only.difference == crossed_interval(values, step=100)
    assert only.on_images == images_interval(values, step=100)
    assert only.outcome == outcome_of(only.difference)
    assert (only.side, only.reference, only.seeds) == ("adainf", "weak", (0, 1, 2))
    assert found.images == 380 and "380 of 400 images of mine-test" in found.table()
    assert any(each.startswith("width=12 against 14") for each in only.differing)


def test_runs_are_paired_by_seed_whatever_their_order():
    given = sides()
    mixed = given | {"adainf": [given["adainf"][place] for place in (2, 0, 1)]}
    assert compare_runs(mixed).differences == compare_runs(given).differences


def test_seeds_of_one_side_alone_are_left_out_and_named():
    given = sides()
    given["weak"].append(told("weak", 9))
    found = compare_runs(given)
    assert found.differences == compare_runs(sides()).differences
    assert any("seeds 9" in note for note in found.notes)


def test_several_sides_share_the_confidence():
    given = sides() | {"none": [told("none", seed, 0.5) for seed in (0, 1, 2)]}
    found = compare_runs(given)
    assert [each.difference.confidence for each in found.differences] == pytest.approx([0.975] * 2)
    assert {each.reference for each in found.differences} == {"weak"}


def test_a_verdict_never_stands_without_what_it_is_over():
    found = compare_runs(sides((0, 1), 0.5, 0.8))
    assert found.differences[0].outcome_on_images == Outcome.HOLDS
    lines = [line for line in found.table().splitlines()
             if any(line.endswith(str(word)) for word in Outcome)]  # fmt: skip
    assert len(lines) == 2 and "over seeds and test images: " in lines[0]
    assert "over test images alone, for these runs: holds" in lines[1]
    assert any(note.startswith("two seeds hardly tell") for note in found.notes)
    page = found._repr_html_()
    for over in ("seeds and test images", "test images alone, for these runs"):
        assert f"<td>{over}</td><td>" in page


def test_one_seed_is_for_images_alone_and_says_so():
    given = sides((0,), 0.5, 0.8)
    with pytest.raises(ValueError, match=r"share one seed, 0: .*\(--images-alone\)"):
        compare_runs(given)
    (found,) = compare_runs(given, over="images").differences
    assert found.over == "test images alone, for these runs" and found.outcome == Outcome.HOLDS
    assert found.detectable is found.seeds_needed is None


def test_the_protocol_is_one_that_all_have():
    both = {"weak": [told("weak", seed, protocols=("knn, k = 10", "linear")) for seed in (0, 1)]}
    one = {"adainf": [told("adainf", seed, protocols=("knn, k = 10",)) for seed in (0, 1)]}
    assert compare_runs(both | one).protocol == "knn, k = 10"
    with pytest.raises(ValueError, match=r"adainf\[0\] has no predictions by linear, but by knn"):
        compare_runs(both | one, protocol="linear")
    other = {"adainf": [told("adainf", seed, protocols=("knn, k = 3",)) for seed in (0, 1)]}
    with pytest.raises(ValueError, match="were probed differently"):
        compare_runs(other | {"weak": sides()["weak"]})


def test_plain_values_hold_all_that_is_said(tmp_path):
    found = compare_runs(sides())
    plain = json.loads(json.dumps(found.plain(), allow_nan=False))
    (row,) = plain["differences"]
    (only,) = found.differences
    assert (row["low"], row["high"]) == (only.difference.low, only.difference.high)
    assert row["outcome"] == str(only.outcome) and row["differing"] == list(only.differing)
    assert plain["sides"]["weak"]["1"] == found.sides[0].accuracy[1]
    assert set(found.rows()[0]) <= row.keys()


def test_names_are_escaped_in_notebooks():
    given = {"<b>": sides()["weak"], "adainf": sides()["adainf"]}
    page = compare_runs(given)._repr_html_()
    assert "&lt;b&gt;" in page and "<b>" not in page


def _swapped(place, value):
    given = sides()
    given["adainf"][place] = value
    return given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "takes two sides, and there is none"),
        ({"weak": sides()["weak"]}, "weak is the only one"),
        (sides() | {"adainf": []}, "side adainf"),
        (sides() | {"adainf": sides()["weak"]}, r"weak\[0\] and adainf\[0\] are one run"),
        (_swapped(1, told("adainf", 0, encoder="x")), "both have seed 0"),
        (_swapped(1, told("adainf", 1, steps=3)), r"has stopped after 3 of 1000 steps: the same"),
        (_swapped(1, told("adainf", 1, image_size=16)),
         r"learnt from images of 8 pixels, adainf\[1\] from 16: runs"),
        (_swapped(1, told("adainf", 1, config={"steps": 5}, steps=5)),
         r"differ in steps=1000 against 5: a side is one recipe"),
        (_swapped(1, told("adainf", 1, test=replace(TEST, fingerprint="c"))),
         r"tested on mine-test \(400\), and these are other"),
        (_swapped(1, told("adainf", 1, train=replace(TRAIN, fingerprint="c"))),
         "probed by the labels of mine .*other images or labels"),
        (sides() | {"adainf": [told("adainf", 7)]}, "weak has the seeds 0, 1, 2, adainf 7"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_line_before_anything_is_probed(given, says, monkeypatch):
    monkeypatch.setattr(run_probing, "probed", lambda *_, **__: pytest.fail("probed"))
    with pytest.raises(ValueError, match=says) as error:
        compare_runs(given)
    assert "\n" not in str(error.value)


def test_files_are_refused_by_name(tmp_path):
    one = tmp_path / "weak-0.predictions.npz"
    write_predictions(told("weak", 0), one)
    other = tmp_path / "adainf-0.predictions.npz"
    write_predictions(told("adainf", 0), other)
    record = next((RESULTS / "failure-mode" / "laptop").glob("none-*.json"))
    for given, says in (
        ({"weak": [one], "adainf": [one]}, f"{one} is in weak and adainf"),
        ({"weak": [one, one], "adainf": [other]}, "in weak twice"),
        ({"weak": [one], "adainf": [tmp_path]}, "is a folder: name the files"),
        ({"weak": [one], "adainf": [record]}, "is a record"),
    ):
        with pytest.raises(ValueError, match=re.escape(says)):
            open_runs(given)
    copy = tmp_path / record.name
    copy.write_bytes(record.read_bytes())
    with pytest.raises(ValueError, match="are one run, or copies of one"):
        open_runs({"none": [record], "again": [copy]}, "images")
    with pytest.raises(FileNotFoundError, match="no run at"):
        open_runs({"weak": [one], "adainf": [tmp_path / "gone-0.pt"]})


def test_records_are_compared_over_seeds_alone():
    folder = RESULTS / "failure-mode" / "laptop"
    files = {arm: sorted(folder.glob(f"{arm}-*.json")) for arm in ("vanilla", "weak")}
    files = {arm: found for arm, found in files.items() if found}
    assert len(files) == 2
    found = compare_runs(files)
    (only,) = found.differences
    records = [read_record(path) for paths in files.values() for path in paths]
    assert only.over.startswith("seeds alone")
    by_seed = [{r.seed: r.metrics["linear"] for r in records if r.arm == arm} for arm in files]
    pairs = [[side[seed] for seed in only.seeds] for side in by_seed]
    t = ttest_rel(pairs[1], pairs[0]).confidence_interval(0.95)
    assert (only.difference.low, only.difference.high) == pytest.approx((t.low, t.high))
    assert only.on_images is None and any("keep no predictions" in note for note in found.notes)
    with pytest.raises(ValueError, match="keeps no predictions: over test images alone"):
        compare_runs(files, over="images")


def test_sides_are_told_by_the_names_before_the_number(tmp_path):
    names = ["weak-0.pt", "b/weak-1.predictions.npz", "adainf_lr0.1-10.pt", "alone.pt", "c/3.pt"]
    found = sides_of([tmp_path / name for name in names])
    assert {side: [path.name for path in paths] for side, paths in found.items()} == {
        "weak": ["weak-0.pt", "weak-1.predictions.npz"],
        "adainf_lr0.1": ["adainf_lr0.1-10.pt"],
        "alone": ["alone.pt"],
        "c": ["3.pt"],
    }


@pytest.mark.parametrize("detectable", [99.0, 202.3])
def test_no_difference_beyond_a_hundred_points_is_promised(detectable):
    found = SimpleNamespace(
        seeds=(0, 1), detectable=detectable, seeds_needed=None, images_needed=None
    )
    said = run_comparison._power(found)
    assert ("99.0 points" in said) == (detectable < 100) and "202" not in said


# ---- in words


def test_settings_that_are_absent_are_said_in_words():
    folder = RESULTS / "failure-mode" / "laptop"
    files = {arm: sorted(folder.glob(f"{arm}-*.json")) for arm in ("weak", "adainf")}
    (found,) = compare_runs(files).differences
    assert "None" not in " ".join(found.differing)
    assert any(
        each.startswith("no generated images against generator ") for each in found.differing
    )


@pytest.mark.parametrize(
    ("key", "values", "says"),
    [
        ("replication", (None, 1.0), "no generated images against replication 1"),
        ("replication", (2.5, None), "replication 2.5 against no generated images"),
        ("amount", (120, None), "amount 120 against all generated images"),
        ("online_learning_rate", (None, 0.1), "no online probe against online_learning_rate 0.1"),
    ],
)
def test_none_has_a_meaning_of_its_own(key, values, says):
    sides = [SimpleNamespace(settings={key: value, "width": 8}) for value in values]
    assert run_comparison._differing(*sides) == (says,)


def test_why_intervals_have_their_confidence_is_said():
    one = compare_runs(sides()).table()
    assert (
        "paired, each at 95 %" in one and "note: one question is asked; adainf plan asks 5" in one
    )
    several = compare_runs(sides() | {"none": [told("none", seed, 0.5) for seed in (0, 1, 2)]})
    assert "paired, each at 97.5 %" in several.table()
    assert "note: 2 questions are asked, so that all together have 95 %; " in several.table()
    assert "each at 99 %" in several.table()

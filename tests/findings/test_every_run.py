"""Every recorded arm is drawn on the page of all runs, with its values and what lies beneath."""

from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.evidence.runs.records import RESULTS, read_record
from adainf_core.findings import Findings
from adainf_core.findings import beneath as beneath_arms
from adainf_core.findings.beneath import generators_beneath, levels_beneath, levels_in_words
from adainf_core.findings.every_run import all_arms, recorded_arms, studies_of_accuracy


def test_every_recorded_arm_is_drawn():
    drawn = {(found.name, found.scale, arm)
             for found in studies_of_accuracy() for arm in recorded_arms(found)}  # fmt: skip
    recorded = set()
    for path in sorted(RESULTS.glob("*/*/*.json")):
        record = read_record(path)
        if "linear" in record.metrics:
            recorded.add((record.study, record.scale, record.arm))
    assert len(recorded) > 100 and recorded <= drawn


def test_a_figure_names_all_its_arms():
    found = Findings("training-length")
    (ax,) = all_arms(found).figure.axes
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert len(set(names)) == len(names)
    for arm in recorded_arms(found):
        assert {found.label(arm), f"{found.label(arm)} ({arm})"} & set(names)


def test_levels_beneath_are_those_of_the_same_images_and_labels():
    found = Findings("failure-mode")
    beneath = levels_beneath(found, "adainf")
    recorded = Findings("levels")
    for feature, (name, values) in beneath.items():
        assert values == recorded.values(f"{feature}_cifar10") and values
        assert f"{name} {np.mean(values):.1f}" in levels_in_words(found)
    # a quarter of the labels is another task, and sprites have no such levels
    assert levels_beneath(Findings("data-scarce"), "none_quarter") == {}
    assert levels_in_words(Findings("theory-predicts")) == ""


@pytest.mark.parametrize(
    ("study", "arms", "used"),
    [
        ("diffusion", ("none", "mixture_weak"), False),
        ("diffusion", ("none", "diffusion_weak"), True),
        ("roles", ("third",), False),
        ("roles", ("weak", "positive_diffusion"), True),  # its variations
        ("data-scarce", ("none_quarter",), False),
    ],
)
def test_features_of_the_model_stand_beside_the_arms_that_use_it(study, arms, used, monkeypatch):
    found, read = Findings(study), beneath_arms.study_records
    own = [
        SimpleNamespace(arm=arm, seed=seed, metrics={"linear": value, "knn": 1.0})
        for arm, seed, value in (("shipped", 20, 44.0), ("shipped", 21, 46.0), ("own", 20, 3.0))
    ]
    monkeypatch.setattr(
        beneath_arms, "study_records",
        lambda of, *rest: own if of.name == "generator-features" else read(of, *rest),
    )  # fmt: skip
    beside = generators_beneath(found, arms)
    assert beside == ({"cifar10-16": ("features of the generator", [44.0, 46.0])} if used else {})

"""What `plan --run` says of runs that are few, unfinished or undecided."""

from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.advice.own_study import SCALE, compared, own_study
from adainf_core.advice.planning import ARMS, QUESTIONS, seeds_to_find
from adainf_core.cli.plan_run import show_rest
from adainf_core.cli.plan_words import show_comparison
from adainf_core.learning.pretrain_config import PretrainConfig


def records(accuracies):
    """Records of the arms in their order: a list of accuracies each, seed by seed."""
    return [
        SimpleNamespace(arm=arm, seed=seed, metrics={"linear": value}, wall_seconds=30.0)
        for arm, values in zip(ARMS, accuracies, strict=True)
        for seed, value in enumerate(values)
    ]


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("real", "fakes"):
        images = rng.integers(0, 256, (40, 3, 8, 8), np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=images, labels=np.arange(40) % 2)
    paths = (str(tmp_path / f"{name}.npz") for name in ("real", "fakes"))
    return own_study(*paths, pretrain=PretrainConfig(batch_size=16, policy=None), seeds=3)


def test_the_first_minutes_serve_all_four_arms(study):
    plan = study.plan(SCALE)
    for begun in range(1, len(plan) + 1):
        counts = [sum(arm == name for arm, _ in plan[:begun]) for name in ARMS]
        assert max(counts) - min(counts) <= 1


def test_an_arm_with_one_run_is_not_called_unrun(capsys):
    show_comparison(compared(records([[50.0, 52.0], [51.0, 50.0], [60.5], []])), "accuracy", 0.8)
    shown = capsys.readouterr().out.splitlines()
    lines = {label: next(line for line in shown if line.startswith(f"{label} "))[15:]
             for label in (arm.label for arm in ARMS.values())}  # fmt: skip
    first, second, third, fourth = lines.values()
    assert first.startswith("51.0 [") and first.endswith("n = 2") and second.endswith("n = 2")
    assert third == "60.5, n = 1" and fourth == "not run"
    assert f"fewer than 2 seeds of all arms decide none of the {len(QUESTIONS)} questions" in shown


def test_undecided_rows_come_with_the_seeds_that_decide(capsys):
    found = compared(records([[50.0, 52.0], [51.0, 50.0], [52.5, 51.5], [51.5, 52.5]]))
    show_comparison(found, "accuracy", 0.8)
    out = capsys.readouterr().out
    assert all(f"{claim.statement}\n" in out for claim in QUESTIONS)
    assert out.count("not decided ") == len(QUESTIONS) + 1  # the amounts, too
    needed = seeds_to_find(1.0, found.noise)
    assert f"2 seeds of all arms decide none of the {len(QUESTIONS)} questions" in out
    assert f"{needed} seeds find a difference of 1 point, {needed - 2} more than these" in out


def test_rows_are_shown_once_one_is_decided(capsys):
    rng = np.random.default_rng(0)
    apart = [level + rng.normal(0, 0.2, 6) for level in (50.0, 50.1, 60.0, 70.0)]
    show_comparison(compared(records(apart)), "accuracy", 0.8)
    out = capsys.readouterr().out
    assert all(claim.statement in out for claim in QUESTIONS) and "holds" in out
    assert "decide none" not in out and "more than these" not in out
    # why the intervals are wider than those of two sides alone
    assert "each at 99 %, so that the five together\nhave 95 % (adainf compare has 95 % for" in out


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (None, "nothing is kept: name --records to go on from"),
        ("runs", "finished runs are recorded in runs and begun ones wait there at a checkpoint"),
    ],
)
def test_what_the_budget_left_is_said_with_the_time_it_takes(kept, says, capsys):
    found = compared(records([[50.0, 52.0], [51.0, 50.0], [60.5], []]))
    show_rest(found, 8, 45.0, kept)
    assert f"5 of 8 runs are done, the others take about 45 seconds; {says}" in (
        capsys.readouterr().out
    )
    show_rest(found, 5, 0.0, kept)
    assert capsys.readouterr().out == ""
    show_rest(compared([]), 8, 100.0, kept)
    assert (
        f"\n0 of 8 runs are done, the others take about 100 seconds; {says}"
        in capsys.readouterr().out
    )

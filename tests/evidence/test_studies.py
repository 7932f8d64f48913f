"""Studies: arms that share what they should, and a runner that loses nothing."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.evidence.experiments import Experiment, experiment_data
from adainf_core.evidence.records import PACKAGE, config_hash, load_records
from adainf_core.evidence.running import run_study
from adainf_core.evidence.studies import (
    FAILURE_MODE,
    FAILURE_MODE_SPRITES,
    STUDIES,
    Study,
)
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretraining import PretrainConfig

TINY = replace(
    FAILURE_MODE_SPRITES.layouts["quick"].base,
    n_real=60,
    n_test=40,
    pretrain=PretrainConfig(
        steps=2, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu"
    ),
)


@pytest.fixture
def tiny() -> Study:
    layout = replace(FAILURE_MODE_SPRITES.layouts["quick"], base=TINY, n_generated=50, seeds=2)
    arms = {key: FAILURE_MODE_SPRITES.arms[key] for key in ("none", "adainf")}
    return replace(FAILURE_MODE_SPRITES, name="tiny", arms=arms, layouts={"quick": layout})


def test_arms_of_one_seed_share_real_and_test_images():
    sets = {
        arm: experiment_data(FAILURE_MODE_SPRITES.experiment("quick", arm, 3))
        for arm in FAILURE_MODE_SPRITES.arms
    }
    real, _, test = sets["none"]
    for other_real, _, other_test in sets.values():
        assert np.array_equal(real.images, other_real.images)
        assert np.array_equal(test.images, other_test.images)
    another = experiment_data(FAILURE_MODE_SPRITES.experiment("quick", "none", 4))
    assert not np.array_equal(real.images, another[0].images)
    assert np.array_equal(test.images, another[2].images)


def test_generated_images_carry_no_labels_and_the_flaw():
    _, generated, _ = experiment_data(FAILURE_MODE_SPRITES.experiment("quick", "vanilla", 0))
    assert generated.labels is None and len(generated) == 10_000


@pytest.mark.parametrize("study", [FAILURE_MODE, FAILURE_MODE_SPRITES], ids=lambda s: s.name)
def test_adainf_has_the_papers_share_and_the_weaker_policy(study):
    for scale in study.layouts:
        none, vanilla, adainf = (
            study.experiment(scale, a, 0) for a in ("none", "vanilla", "adainf")
        )
        weighted = adainf.replication * adainf.n_real
        assert weighted / (weighted + adainf.n_generated) == pytest.approx(1 / 3)
        assert vanilla.replication == 1 and none.generator is None
        assert vanilla.pretrain == none.pretrain
        assert adainf.pretrain.policy.crop_scale[0] > none.pretrain.policy.crop_scale[0]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_code_that_decides_a_run_exists(study):
    assert all((PACKAGE / path).is_file() for path in study.code)


@pytest.mark.slow
def test_runs_are_recorded_once_and_repeat_themselves(tiny, tmp_path):
    first = run_study(tiny, "quick", store=tmp_path)
    assert [(r.seed, r.arm) for r in first] == [
        (0, "none"),
        (0, "adainf"),
        (1, "none"),
        (1, "adainf"),
    ]
    assert sorted(first, key=lambda r: (r.arm, r.seed)) == load_records("tiny", "quick", tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    assert run_study(tiny, "quick", store=tmp_path) == first  # nothing runs again
    assert stamps == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    (tmp_path / "tiny" / "quick" / "adainf-1.json").unlink()
    again = run_study(tiny, "quick", store=tmp_path)
    assert [r.metrics for r in again] == [r.metrics for r in first]
    assert [r.history for r in again] == [r.history for r in first]


@pytest.mark.slow
def test_a_record_of_another_configuration_is_not_mixed_in(tiny, tmp_path):
    run_study(tiny, "quick", store=tmp_path, seeds=1)
    layout = replace(tiny.layouts["quick"], base=replace(TINY, n_test=50))
    with pytest.raises(ValueError, match=r"none-0.json: ran under another configuration"):
        run_study(replace(tiny, layouts={"quick": layout}), "quick", store=tmp_path, seeds=1)


def test_committed_records_are_of_the_studies_as_they_stand():
    for study in STUDIES.values():
        for scale in study.layouts:
            for record in load_records(study.name, scale):
                now = study.experiment(scale, record.arm, record.seed).config()
                assert record.config_hash == config_hash(now)


def test_the_books_study_is_recorded_whole():
    found = {(r.arm, r.seed) for r in load_records("failure-mode", "laptop")}
    seeds = range(FAILURE_MODE.layout("laptop").seeds)
    assert found == {(arm, seed) for arm in FAILURE_MODE.arms for seed in seeds}


@pytest.mark.slow
def test_a_failing_run_does_not_take_its_neighbour_along(tiny, tmp_path):
    broken = replace(tiny.arms["adainf"], policy="missing")
    study = replace(tiny, arms={"none": tiny.arms["none"], "adainf": broken})
    with pytest.raises(KeyError, match="missing"):
        run_study(study, "quick", store=tmp_path, processes=2, seeds=1)
    assert [r.arm for r in load_records("tiny", "quick", tmp_path)] == ["none"]


def test_an_exhausted_budget_starts_nothing(tiny, tmp_path):
    assert run_study(tiny, "quick", store=tmp_path, budget=0) == []
    assert list(tmp_path.iterdir()) == []


def test_unknown_arm_and_scale_are_named():
    with pytest.raises(ValueError, match="no arm 'wild'"):
        FAILURE_MODE.experiment("laptop", "wild", 0)
    with pytest.raises(ValueError, match="no scale 'paper'"):
        FAILURE_MODE.experiment("paper", "none", 0)


def test_largest_scale_does_not_exceed_the_wanted_one():
    assert FAILURE_MODE_SPRITES.largest_scale("quick") == "quick"
    assert FAILURE_MODE_SPRITES.largest_scale("paper") == "laptop"
    with pytest.raises(ValueError, match="starts at scale 'laptop'"):
        FAILURE_MODE.largest_scale("quick")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"world": "mars"}, "world='mars'"),
        ({"generator": "gan", "n_generated": 5}, "generator='gan'"),
        ({"generator": "perfect"}, "give both or neither"),
    ],
)
def test_impossible_experiments_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        replace(TINY, **changes)


def test_more_images_than_cifar10_has_are_refused(monkeypatch):
    from adainf_core.evidence import experiments

    rng = np.random.default_rng(0)
    small = experiments.ImageSet(
        rng.integers(0, 256, (30, 3, 16, 16), dtype=np.uint8), rng.integers(0, 10, 30), "small"
    )
    monkeypatch.setattr(experiments, "_small_cifar10", lambda split, size: small)
    wanted = Experiment("cifar10", 16, 20, 30, TINY.pretrain, "perfect", n_generated=11)
    with pytest.raises(ValueError, match="needs 31 of CIFAR-10's 30"):
        experiment_data(wanted)
    real, held_out, _ = experiment_data(replace(wanted, n_generated=10))
    together = np.concatenate([real.images, held_out.images])
    assert {i.tobytes() for i in together} == {i.tobytes() for i in small.images}  # disjoint, all

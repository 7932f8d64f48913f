"""The grid of recipes without labels: its arms, what is picked, and what ends in one line."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.advice import own_recipes, proposing
from adainf_core.advice.designing import Cost
from adainf_core.advice.own_images import own_images
from adainf_core.advice.own_recipes import (
    LABELS,
    SCORES,
    chosen_recipes,
    recipes_of_own,
    recipes_study,
)
from adainf_core.advice.own_study import SCALE
from adainf_core.advice.proposing import propose
from adainf_core.advice.timing import measured
from adainf_core.data.sprites import SpriteWorld
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.statistics.intervals import best_level, paired_difference, t_interval

pytestmark = pytest.mark.usefixtures("few_penalties")
SMALL = PretrainConfig(steps=3, batch_size=16, width=4, warmup=1, device="cpu")
ARMS = list(LABELS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Real images with labels of no sense, the same without, generated ones, and test images."""
    folder, world = tmp_path_factory.mktemp("recipes"), SpriteWorld(hues=12, places=5)
    rng = np.random.default_rng(0)
    real = world.sample(world.real_distribution(), 70, rng).images
    made = world.sample(world.generated_distribution("background", 0.9), 90, rng).images
    np.savez(folder / "real.npz", images=real, labels=np.arange(70) % 3)
    np.savez(folder / "single.npz", images=real, labels=np.arange(70))  # what no probe takes
    np.savez(folder / "plain.npz", images=real)
    np.savez(folder / "fakes.npz", images=made)
    test = world.sample(world.real_distribution(), 40, rng).images
    np.savez(folder / "test.npz", images=test, labels=np.arange(40) % 3)
    return folder


def study_on(folder, real, *more, **changes):
    names = [str(folder / name) for name in (real, "fakes.npz", *more)]
    return recipes_study(*names, pretrain=SMALL, **changes)


def test_the_grid_is_real_images_alone_and_shares_of_generated_ones(folder):
    study = study_on(folder, "plain.npz")
    own = own_images(folder / "plain.npz", folder / "fakes.npz")
    found = {}
    for arm in study.arms:
        run = study.experiment(SCALE, arm, 5)
        assert run.pretrain.seed == 5
        found[arm] = (run.pretrain.policy, run.data(own).beta)
    strong, weak = (
        POLICIES[name].for_image_size(own.real.image_size)
        for name in ("symmetric", "symmetric_adainf")
    )
    shares = {"beta_1_3": 1 / 3, "beta_2_3": 2 / 3, "beta_1_6": 1 / 6}
    expected = {"weak": (weak, 1.0), "none": (strong, 1.0)}
    assert found == expected | {arm: (weak, beta) for arm, beta in shares.items()}
    assert list(study_on(folder, "plain.npz", arms=2).arms) == ["weak", "none"]


def test_scores_see_no_label_and_probes_see_those_that_are_named(folder):
    runs = [study_on(folder, real).experiment(SCALE, "beta_1_3", 0).run()
            for real in ("plain.npz", "single.npz")]  # fmt: skip
    assert runs[0].metrics == runs[1].metrics and set(runs[0].metrics) == set(SCORES)
    named = ("real.npz", "test.npz")
    probed = study_on(folder, "plain.npz", *named).experiment(SCALE, "beta_1_3", 0).run()
    assert set(probed.metrics) == {*SCORES, "linear", "knn"}
    assert probed.metrics | runs[0].metrics == probed.metrics


def test_a_run_that_cannot_be_scored_says_why_and_ends_nothing(folder, monkeypatch):
    def collapsed(*_, **__):
        raise ValueError("features are one point")

    monkeypatch.setattr(own_recipes, "panel_of", collapsed)
    run = study_on(folder, "plain.npz").experiment(SCALE, "weak", 0).run()
    assert list(run.metrics) == ["score_loss"]
    assert run.protocols["unscored"] == "features are one point"


@pytest.fixture
def records(make_record):
    """Three seeds of all arms: RankMe by a table, the loss its reverse, accuracies with noise."""
    rng = np.random.default_rng(0)
    level = {"weak": 5.0, "none": 1.0, "beta_1_3": 5.2, "beta_2_3": 3.0, "beta_1_6": 2.0}
    found = []
    for arm in ARMS:
        for seed in range(3):
            score = level[arm] + 0.3 * rng.normal()
            metrics = {"score_rankme": score, "score_loss": -score, "linear": 50 + rng.normal()}
            found.append(make_record(arm, seed, metrics=metrics))
    return found


def table(records, metric):
    values = {(r.arm, r.seed): r.metrics[metric] for r in records}
    return np.array([[values[arm, seed] for seed in range(3)] for arm in ARMS])


def test_picks_are_those_of_brute_force(records):
    found, values = chosen_recipes(records), table(records, "score_rankme")
    pick = found.picks["score_rankme"]
    order = np.argsort(values.mean(1))[::-1]
    assert pick.arm == ARMS[order[0]] and pick.seeds == 3
    assert pick.lead == t_interval(values[order[0]] - values[order[1]])
    assert pick.values == {a: t_interval(v) for a, v in zip(ARMS, values, strict=True)}
    assert pick.first == sum(np.argmax(values[:, seed]) == order[0] for seed in range(3))
    alike = best_level(range(5), values).plausible
    assert set(pick.alike) == {ARMS[int(place)] for place in alike} and "none" not in pick.alike
    # the same order, less being better
    assert found.picks["score_loss"].arm == pick.arm
    assert found.picks["score_loss"].lead == pick.lead
    assert set(found.picks) == {"score_rankme", "score_loss"}


def test_labels_say_what_the_picks_of_scores_lose(records):
    found, accuracy = chosen_recipes(records), table(records, "linear")
    best = ARMS[accuracy.mean(1).argmax()]
    assert found.by_labels.arm == best
    by_seed = [dict(enumerate(accuracy[ARMS.index(arm)]))
               for arm in (best, found.picks["score_rankme"].arm)]  # fmt: skip
    assert found.lost["score_rankme"] == paired_difference(*by_seed)


def test_arms_that_were_not_scored_are_left_out_and_named(records):
    broken = [
        replace(r, metrics={"score_loss": 0.0}, protocols={"unscored": "one point"})
        if (r.arm, r.seed) == ("weak", 1)
        else r
        for r in records
    ]
    found = chosen_recipes(broken)
    assert found.unscored == {"weak": "one point"}
    assert "weak" not in found.picks["score_loss"].values and len(found.picks) == 2


def test_what_the_time_was_too_short_for_does_not_keep_the_others_from_being_compared(records):
    """Two seeds of the first three arms, one of the others: as a budget that was up leaves it."""
    known = [r for r in records if r.seed == 0 or (r.seed == 1 and ARMS.index(r.arm) < 3)]
    pick = chosen_recipes(known).picks["score_rankme"]
    assert list(pick.values) == ARMS[:3] and pick.seeds == 2


def test_fewer_than_two_seeds_or_arms_pick_nothing(records):
    for few in ([r for r in records if r.seed == 0], [r for r in records if r.arm == "weak"], []):
        assert chosen_recipes(few).picks == {}


@pytest.mark.parametrize(
    ("count", "made", "says"),
    [
        (1, "fakes", "1 different real image is left, and scores want 40"),
        (39, "fakes", "39 different real images are left"),
        (70, "real", "all 70 generated images are copies of real ones"),
    ],
)
def test_images_that_no_grid_can_be_made_of_are_refused(folder, tmp_path, count, made, says):
    with np.load(folder / "plain.npz") as archive:
        np.savez(tmp_path / "few.npz", images=archive["images"][:count])
    made = folder / ("plain.npz" if made == "real" else "fakes.npz")
    with pytest.raises(ValueError, match=says):
        recipes_study(tmp_path / "few.npz", made)


def test_a_budget_has_as_many_arms_as_fit_and_two_at_least(folder, monkeypatch):
    own = own_images(folder / "plain.npz", folder / "fakes.npz", real_labels=False)
    cost = Cost(step=0.1, rest=5.0, start=1.0)
    monkeypatch.setattr(proposing, "measured", lambda *_, **__: cost)
    monkeypatch.setattr(proposing, "faster_precision", lambda *_: "fp32")

    def proposed(budget):
        return propose(own, SMALL, budget=budget, processes=1, clock=lambda: 0.0,
                       grid=lambda config: recipes_of_own(own, config)).design  # fmt: skip

    # two seeds of an arm take 2 (5 + 50 · 0.1) seconds, the start one, and a fifth is left over
    for arms in (2, 3, 4):
        design = proposed((1 + 20 * arms) / 0.8 + 0.01)
        assert (design.arms, design.seeds, design.steps) == (arms, 2, 50)
    assert proposed(1000.0).arms == 5
    with pytest.raises(ValueError, match="fits no design: the smallest, 2 arms on 2 seeds"):
        proposed(50.0)


def test_the_time_of_a_run_has_that_of_its_scores(folder, monkeypatch):
    own = own_images(folder / "plain.npz", folder / "fakes.npz", real_labels=False)
    now = [0.0]

    def scores(*_):
        now[0] += 7.0
        return {}

    def clock():
        now[0] += 1e-3
        return now[0]

    monkeypatch.setattr(own_recipes.RecipeExperiment, "scores", scores)
    grid = recipes_of_own(own, SMALL)
    cost = measured(grid, own, 1, 0.0, clock=clock)
    assert cost.rest == pytest.approx(7.0, abs=0.01)

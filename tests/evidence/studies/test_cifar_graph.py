"""The graph study: arms that share what they should, metrics that mean what they say, verdicts."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from adainf_core.evidence.judging.verdicts import judge
from adainf_core.evidence.runs.grid import Arm, Layout
from adainf_core.evidence.studies import cifar_graph, cifar_graph_choices
from adainf_core.evidence.studies.cifar_graph import ARMS, CLAIMS, JUDGED
from adainf_core.evidence.studies.graph_experiment import (
    DIAL,
    PROTOCOLS,
    STRENGTHS,
    GraphExperiment,
)
from adainf_core.evidence.studies.graph_measurement import (
    _dealt,
    _images,
    _reserved_order,
    _sampled,
)
from adainf_core.learning.pretrain_config import PretrainConfig

_CONFIG = PretrainConfig(policy=None, steps=2, batch_size=16, width=2, warmup=0, device="cpu")
TINY = GraphExperiment(
    dataset="digits", size=8, n_labeler=200, n_space=150, n_real=40, n_held_out=80,
    mixture=(2, 4), space="pixels", principal=8, cells=24, views_alone=8, views=4,
    views_labelled=2, dimensions=(1, JUDGED), labeler=_CONFIG, pretrain=_CONFIG,
)  # fmt: skip
_MIXED = {"n_generated": 80, "beta": 1 / 3}
STUDY = replace(
    cifar_graph.STUDY,
    name="tiny",
    arms={
        "none": ARMS["none"],
        "vanilla": Arm("mixture", {"generator": "gaussian_mixture", **_MIXED}),
        "reweighted": Arm(
            "weighed", {"generator": "gaussian_mixture", "n_generated": 80, "beta": 2 / 3}
        ),
        "perfect_vanilla": Arm("held-out", {"generator": "perfect", **_MIXED}),
    },
    layouts={"quick": Layout(TINY, seeds=(2, 2))},
)


@pytest.fixture(scope="module")
def outcomes():
    return {arm: STUDY.experiment("quick", arm, 0).run() for arm in ("none", "perfect_vanilla")}


def test_no_field_of_the_dial_ever_weakens():
    signs = {"crop_scale": -1, "crop_ratio": None, "blur_sigma": None, "solarize_p": None}
    policies = list(DIAL.values())
    for before, after in pairwise(policies):
        for field in fields(before):
            a, b = getattr(before, field.name), getattr(after, field.name)
            match signs.get(field.name, 1):
                case 1:
                    assert b >= a, field.name
                case -1:
                    assert b[0] <= a[0] and b[1] <= a[1]
                case None if field.name == "crop_ratio":
                    assert b[0] <= a[0] and b[1] >= a[1]
                case _:
                    assert b == a


def test_deals_are_disjoint_and_leave_the_labelers_images():
    count = 1442  # digits to train on
    parts = _dealt(replace(TINY, seed=3))
    assert [len(part) for part in parts] == [40, 80, 150]
    reserved = set(_reserved_order(count)[: TINY.n_labeler])
    order = np.random.default_rng(3).permutation(_reserved_order(count)[TINY.n_labeler :])
    assert reserved.isdisjoint(order) and len(set(order)) == count - TINY.n_labeler
    with pytest.raises(ValueError, match="leaves 1242"):
        _dealt(replace(TINY, n_space=2000))


def test_arms_of_a_seed_share_images_views_and_cells():
    none, vanilla, reweighted = (
        STUDY.experiment("quick", arm, 0) for arm in ("none", "vanilla", "reweighted")
    )
    assert _sampled(none, "strong", "real")[0] is _sampled(vanilla, "strong", "real")[0]
    generated = [_sampled(e, "strong", "generated")[0] for e in (vanilla, reweighted)]
    assert generated[0] is generated[1]
    assert vanilla.beta == pytest.approx(1 / 3) and reweighted.beta == pytest.approx(2 / 3)
    other = STUDY.experiment("quick", "none", 1)
    assert not np.array_equal(_images(none)[0].images, _images(other)[0].images)


def test_the_papers_shares_at_laptop_scale():
    arms = ("none", "vanilla", "reweighted", "perfect_vanilla", "perfect_reweighted")
    betas = [cifar_graph.STUDY.experiment("laptop", arm, 0).beta for arm in arms]
    assert betas == pytest.approx([1, 1 / 9, 1 / 3, 1 / 9, 1 / 3])


def test_without_augmentation_there_is_nothing_to_join_or_to_mislabel(outcomes):
    for outcome in outcomes.values():
        assert outcome.metrics["alpha@none"] == 0
        assert outcome.metrics["components@none"] > JUDGED
        for k in TINY.dimensions:
            assert outcome.metrics[f"gap_low_{k}@none"] == 0
            assert outcome.metrics[f"gap_high_{k}@none"] == pytest.approx(0, abs=1e-9)


def test_metrics_are_finite_explained_and_in_range(outcomes):
    for outcome in outcomes.values():
        for name, value in outcome.metrics.items():
            quantity, strength = name.split("@")
            assert any(quantity.startswith(known) for known in PROTOCOLS) and strength in DIAL
            if not quantity.startswith(("components", "arc")):
                assert 0 <= value <= 1, name
    # strength joins: from islands to one piece
    found = outcomes["none"].metrics
    assert found["components@none"] > found["components@beyond"]
    assert found[f"gap_low_{JUDGED}@none"] < found[f"gap_low_{JUDGED}@beyond"]


def test_a_run_repeats_itself_in_another_cache(outcomes):
    for cached in (_images,):
        cached.cache_clear()
    again = STUDY.experiment("quick", "none", 0).run()
    assert again.metrics == outcomes["none"].metrics and again.beta == 1


def test_a_real_image_counts_as_often_as_the_arm_says():
    for arm, copies in (("vanilla", 1), ("perfect_reweighted", 4)):
        run = cifar_graph.STUDY.experiment("laptop", arm, 0)
        assert run.beta == copies * run.n_real / (copies * run.n_real + run.n_generated)
        assert run.n_generated == 8000


@pytest.mark.parametrize(
    "study", [cifar_graph.STUDY, cifar_graph_choices.STUDY], ids=lambda s: s.name
)
def test_studies_are_sound(study):
    with pytest.raises(ValueError, match="no arm 'other'"):
        study.experiment("laptop", "other", 0)
    with pytest.raises(ValueError, match="no scale 'paper'"):
        study.plan("paper")


# ---- verdicts


@pytest.fixture
def made_up(make_record):
    """Records in which everything rises by `step` a strength, inflation adds `gain` to λ."""

    def make(step=0.1, gain=0.05, width=0.01, tilt=None):
        noise = np.random.default_rng(0).normal(size=(5, 5)) * 1e-3
        records = []
        for a, arm in enumerate(ARMS):
            for seed in range(5):
                metrics = {}
                for place, name in enumerate(DIAL):
                    gap = step * place + gain * (arm != "none" and place > 0) + noise[a, seed]
                    gap = 0.2 + gap if place else 0.0
                    metrics[f"gap_low_{JUDGED}@{name}"] = gap
                    metrics[f"gap_high_{JUDGED}@{name}"] = gap + width
                    ratio = (place - (tilt or {}).get(arm, 3)) ** 2 + 1
                    metrics[f"alpha@{name}"] = ratio * gap if tilt else step * place
                records.append(make_record(arm, seed, metrics=metrics))
        return records

    return make


def words(records):
    return {verdict.claim.key: verdict.outcome for verdict in judge(CLAIMS, records)}


def test_clear_effects_hold(made_up):
    found = words(made_up())
    assert found["alpha_rises"] == found["gap_rises"] == "holds"
    assert found["gap_vanilla"] == found["gap_perfect_reweighted"] == "holds"


def test_an_effect_inside_the_bracket_is_not_decided(made_up):
    # noise of 0.001 over five seeds is far smaller than the bracket of 0.06
    assert words(made_up(gain=0.05, width=0.06))["gap_vanilla"] == "not decided"
    assert words(made_up(gain=0.0, width=0.06))["gap_vanilla"] == "not decided"


def test_no_effect_and_the_opposite_do_not_hold(made_up):
    assert words(made_up(gain=0.0, width=0.001))["gap_vanilla"] == "does not hold"
    assert words(made_up(gain=-0.1))["gap_vanilla"] == "does not hold"
    assert words(made_up(step=-0.02))["alpha_rises"] == "does not hold"


def test_the_best_strength_is_compared_by_its_place(made_up):
    found = words(made_up(tilt={"none": 4, "vanilla": 2, "reweighted": 4, "perfect_vanilla": 5}))
    assert found["best_vanilla"] == "holds"
    assert found["best_reweighted"] == found["best_perfect_vanilla"] == "does not hold"


def test_intervals_are_corrected_for_every_comparison(made_up):
    verdicts = judge(CLAIMS, made_up())
    comparisons = sum(len(claim.comparisons) for claim in CLAIMS)
    assert len(verdicts[0].brackets) == len(STRENGTHS) == 5
    assert verdicts[0].brackets[0].least.confidence == pytest.approx(1 - 0.05 / comparisons)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": "gan", "n_generated": 5}, "generator='gan'"),
        ({"space": "supervised"}, "space='supervised'"),
        ({"n_generated": 5}, "give both or neither"),
        ({"beta": 0.5}, "beta=0.5"),
        ({"generator": "perfect", "n_generated": 90, "beta": 0.5}, "n_held_out=80"),
    ],
)
def test_bad_experiments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)

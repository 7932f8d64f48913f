"""How many generated images: which arms, and the sentence that their intervals allow."""

from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.advice.amounts import amount_claims, answer, arms_of, axis, between
from adainf_core.data.inflation import paper_replication
from adainf_core.evidence.judging.verdicts import judge

ARMS = ("weak", "adainf_1x", "adainf_3x", "adainf")


def said(levels, noise=0.05, seeds=4, arms=ARMS):
    """The answer where the arms have these accuracies."""
    rng = np.random.default_rng(0)
    records = [
        SimpleNamespace(arm=arm, seed=seed, metrics={"linear": level + rng.normal(0, noise)})
        for arm, level in zip(arms, levels, strict=True)
        for seed in range(seeds)
    ]
    return answer(judge(amount_claims(arms), records))


def test_amounts_are_arms_of_adainf_with_a_share_of_their_own():
    assert between((3, 1, 1), 100, 1000) == (1, 3)
    assert between((1, 3), 2250, 5950) == (1,)  # three times are more than there are
    assert between((1, 3), 1000, 900) == ()
    arms = arms_of((1, 3), 100, 1000)
    assert list(arms) == ["adainf_1x", "adainf_3x"]
    assert [arm.changes["amount"] for arm in arms.values()] == [100, 300]
    assert [arm.changes["replication"] for arm in arms.values()] == [
        paper_replication(100, 100), paper_replication(100, 300)
    ]  # fmt: skip
    assert {arm.changes["pretrain.policy"] for arm in arms.values()} == {"weak"}
    assert axis(["vanilla", *reversed(ARMS)]) == ARMS


def test_every_pair_of_amounts_is_compared_in_one_family():
    claims = amount_claims([*ARMS, "none"])
    assert len({claim.arms for claim in claims}) == 6
    assert all(ARMS.index(more) > ARMS.index(fewer) for more, fewer in (c.arms for c in claims))


def test_the_best_amount_is_named_with_its_intervals():
    assert said((40, 42, 44, 46)).startswith("all (all less 3x: +")
    assert said((40, 46, 44, 42)).startswith("1x (1x less none: +")
    assert "3x less 1x: -" in said((40, 46, 44, 42))
    assert said((46, 44, 42, 40)).startswith("none (1x less none: -")


def test_what_is_not_told_apart_is_not_decided():
    text = said((40, 44, 46, 46))
    assert text.startswith("some, rather than none (all less none: +")
    assert "not decided between 3x or all (all less 3x:" in text
    text = said((40, 40, 40, 40), noise=1)
    assert text.startswith("not decided between none, ")
    assert said((40, 46), arms=("weak", "adainf")).startswith("all (all less none: +")


def test_one_seed_answers_nothing():
    assert said((40, 41, 42, 43), seeds=1) == "not run: the amounts share fewer than two seeds"


@pytest.mark.parametrize("amount", [0, -1, float("nan")])
def test_an_amount_is_positive(amount):
    with pytest.raises(ValueError, match="amounts"):
        between((amount,), 100, 1000)

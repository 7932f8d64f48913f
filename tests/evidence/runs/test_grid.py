"""Grids: arms are labels and changes; a plan runs seed by seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times


@dataclass(frozen=True)
class Inner:
    policy: str = "hard"
    steps: int = 10
    seed: int = 0


@dataclass(frozen=True)
class Outer:
    n: int = 100
    made: int = 0
    rate: float = 0.5
    inner: Inner = field(default_factory=Inner)
    seed: int = 0

    seeded: ClassVar[tuple[str, ...]] = ("seed", "inner.seed")


def study(**changes) -> Study:
    arms = {"plain": Arm("plain", headline=True), "changed": Arm("changed", changes)}
    words = {"inner.policy": {"hard": "HARD", "soft": "SOFT"}}
    layout = Layout(Outer(), seeds=(3, 1), first_seed=7, words=words)
    return Study("s", "Why?", arms, {"quick": layout})


def changed(**changes) -> Outer:
    return study(**changes).experiment("quick", "changed", 5)


def test_an_arm_is_its_changes_and_the_seed_goes_where_the_experiment_says():
    assert study().experiment("quick", "plain", 5) == Outer(seed=5, inner=Inner(seed=5))
    found = changed(**{"inner.steps": 20, "rate": 0.1})
    assert found == Outer(rate=0.1, seed=5, inner=Inner(steps=20, seed=5))


def test_factors_are_of_the_base_or_of_the_arm_s_own_field_and_whole_where_it_is():
    found = changed(**{"n": Times(0.255), "made": Times(3.0, of="n"), "inner.steps": Times(0.25)})
    assert (found.n, found.made, found.inner.steps) == (26, 78, 2)
    assert changed(rate=Times(0.3)).rate == 0.3 * 0.5
    assert changed(made=Times(2.0, of="n")).made == 200


def test_words_mean_what_the_layout_says_and_others_are_named():
    assert changed(**{"inner.policy": "soft"}).inner.policy == "SOFT"
    with pytest.raises(ValueError, match=r"study 's' has no policy 'wild'; it has hard, soft"):
        changed(**{"inner.policy": "wild"})


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match="unknown key 'warmth' of Outer; known: n, made"):
        changed(warmth=1)
    with pytest.raises(ValueError, match="unknown key 'warmth' of Inner; known: policy"):
        changed(**{"inner.warmth": 1})


def test_a_plan_goes_seed_by_seed_from_the_first():
    assert study().plan("quick") == [("plain", 7), ("changed", 7), ("plain", 8), ("plain", 9)]
    assert study().plan("quick", 1) == [("plain", 7), ("changed", 7)]


def test_changing_keeps_what_it_does_not_name():
    arm = Arm("a", {"n": 1}, headline=True)
    assert arm.changing({"rate": 2.0}) == Arm("a", {"n": 1, "rate": 2.0}, True)
    assert arm.changing({"n": 3}, "b", headline=False) == Arm("b", {"n": 3}, False)


def test_a_wave_of_arms_is_whole_before_the_next_begins():
    arms = {name: Arm(name, {"n": n}) for n, name in enumerate("abcde")}

    def runs(*waves: int) -> str:
        layout = Layout(Outer(), seeds=(2, 2), without=("b",), waves=waves)
        return "".join(arm for arm, _ in Study("s", "Why?", arms, {"quick": layout}).plan("quick"))

    assert runs() == "acde" * 2
    assert runs(2) == "acac" + "dede"
    assert runs(1, 2) == "aa" + "cdcd" + "ee"

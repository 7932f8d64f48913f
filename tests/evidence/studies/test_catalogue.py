"""What holds for every study: plans of which any beginning is balanced, sound grids and names."""

import json
from collections import Counter

import pytest

from adainf_core.configuration import from_plain, to_plain
from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.records import load_records, recorded
from adainf_core.evidence.studies.catalogue import named_study, studies

STUDIES = studies()

LAYOUTS = [(study, scale) for study in STUDIES.values() for scale in study.layouts]
each_study = pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
each_layout = pytest.mark.parametrize(
    ("study", "scale"), LAYOUTS, ids=[f"{study.name}-{scale}" for study, scale in LAYOUTS]
)


def balanced(plan: list[tuple[str, int]]) -> bool:
    """Whether arms that still have runs to come differ by one seed at the most, at any moment."""
    to_come, done = Counter(arm for arm, _ in plan), Counter()
    for arm, _ in plan:
        to_come[arm] -= 1
        done[arm] += 1
        waiting = [done[other] for other in to_come if to_come[other]]
        if waiting and max(done.values()) > min(waiting) + 1:
            return False
    return True


def test_what_balanced_means():
    assert balanced([("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("a", 3)])
    assert not balanced([("a", 0), ("a", 1), ("b", 0)])
    assert balanced([])


def laid_out(study, scale) -> list[str]:
    """Arms that the scale does not leave out."""
    return [arm for arm in study.arms if arm not in study.layout(scale).without]


@each_layout
def test_any_beginning_of_a_plan_is_balanced(study, scale):
    arms, waves = laid_out(study, scale), study.layout(scale).waves
    wave_of = {arm: sum(place >= sum(waves[: n + 1]) for n in range(len(waves)))
               for place, arm in enumerate(arms)}  # fmt: skip
    for plan in (study.plan(scale), study.plan(scale, 2)):
        numbers = [wave_of[arm] for arm, _ in plan]
        assert numbers == sorted(numbers) and len(set(plan)) == len(plan)
        for wave in set(numbers):
            assert balanced([run for run in plan if wave_of[run[0]] == wave])
        assert {arm for arm, _ in plan} == set(laid_out(study, scale))
    first = min(seed for _, seed in study.plan(scale))
    assert Counter(study.plan(scale, 2)) == Counter(
        (arm, first + number) for number in range(2) for arm in laid_out(study, scale)
    )


@each_layout
def test_runs_of_a_layout_are_different_and_plain(study, scale):
    found = set()
    for arm, seed in study.plan(scale, 2):
        experiment = study.experiment(scale, arm, seed)
        config = to_plain(experiment)
        assert json.loads(json.dumps(config)) == config
        # what a record says is enough to know the experiment again, defaults apart, too
        for plain in (config, to_plain(experiment, defaults=False)):
            assert from_plain(type(experiment), plain) == experiment
        found.add(experiment)
    assert len(found) == 2 * len(laid_out(study, scale))


@each_layout
def test_a_small_version_is_of_the_same_kind_and_code(study, scale):
    arm, seed = study.plan(scale, 1)[-1]
    experiment = study.experiment(scale, arm, seed)
    small = experiment.small()
    assert type(small) is type(experiment) and small != experiment
    assert code_fingerprint(small) == code_fingerprint(experiment)


@each_study
def test_unknown_arms_and_scales_are_named(study):
    scale = next(iter(study.layouts))
    with pytest.raises(ValueError, match=f"study '{study.name}' has no arm 'wild'; it has "):
        study.experiment(scale, "wild", 0)
    for asked in (study.plan, lambda scale: study.experiment(scale, next(iter(study.arms)), 0)):
        with pytest.raises(ValueError, match=f"study '{study.name}' has no scale 'huge'; it has "):
            asked("huge")


def test_an_unknown_study_is_named():
    assert all(named_study(name).name == name for name in STUDIES)
    with pytest.raises(ValueError, match="unknown study 'nothing'; known: failure-mode, "):
        named_study("nothing")


@each_layout
def test_committed_records_are_of_the_study_as_it_stands(study, scale):
    known = recorded(type(study.layout(scale).base), scale)
    for record in load_records(study.name, scale):
        assert record in known[study.experiment(scale, record.arm, record.seed)], record.name

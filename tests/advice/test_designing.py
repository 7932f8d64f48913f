"""Which design fits a budget: the rule by brute force, and a comparison as it comes along."""

import math
from bisect import bisect_right
from dataclasses import replace
from itertools import product

import pytest

from adainf_core.advice.designing import (
    FILLED,
    STEPS_A_SEED,
    WIDTHS,
    Cost,
    Course,
    Design,
    choose,
    rounds,
)

COSTS = {width: Cost(0.01 * width, 1.0 + 0.1 * width, 4.0) for width, _ in WIDTHS}


def every_design(budget, arms, processes, longest, costs):
    """All designs that fit, by playing each through: workers that take the next run when free."""
    for width, seeds in product(costs, range(2, 21)):
        design = Design(width, 0, seeds, arms, processes, costs[width])
        lengths = range(longest + 1)  # longer ones take longer
        steps = bisect_right(
            lengths, FILLED * budget + 1e-6, key=lambda n, d=design: played(replace(d, steps=n))
        )
        if steps - 1 >= 50:
            yield replace(design, steps=steps - 1)


def played(design):
    """Seconds until the last worker is free; rehearsals follow an arm's first run."""
    free = [design.cost.start] * design.processes
    for number in range(design.runs):
        worker = free.index(min(free))
        free[worker] += design.run_seconds
        if number < design.arms:
            free[worker] += design.cost.rehearsal
    return max(free)


@pytest.mark.parametrize("budget", [70, 120, 400, 900, 4000])
@pytest.mark.parametrize(("arms", "processes"), [(4, 1), (4, 2), (5, 2), (4, 8)])
def test_the_chosen_design_is_the_first_by_the_rule(budget, arms, processes):
    longest = 3000
    fits = list(every_design(budget, arms, processes, longest, COSTS))
    enough = dict(WIDTHS)
    # the widest whose two seeds are long enough, and so all narrower ones' are
    admitted = [d.width for d in fits if d.seeds == 2 and d.steps >= enough[d.width]]
    width = max(admitted)
    seeds = max(
        d.seeds
        for d in fits
        if d.width == width and (d.seeds == 2 or d.steps >= STEPS_A_SEED * d.seeds)
    )
    (expected,) = (d for d in fits if (d.width, d.seeds) == (width, seeds))
    chosen = choose(budget, COSTS.__getitem__, arms=arms, processes=processes, longest=longest)
    assert chosen == expected and chosen.seconds == pytest.approx(played(chosen))
    # there is no room for another step
    if chosen.steps < longest:
        assert replace(chosen, steps=chosen.steps + 1).seconds > FILLED * budget


def test_rehearsals_take_their_time():
    cost = replace(COSTS[8], rehearsed=True)
    chosen = choose(300, lambda _: cost, arms=4, processes=2, longest=10**6)
    plain = choose(300, lambda _: COSTS[8], arms=4, processes=2, longest=10**6)
    assert chosen.seconds == pytest.approx(played(chosen)) and chosen.steps < plain.steps


def test_what_is_given_stays():
    options = {"arms": 4, "processes": 2, "longest": 10**6}
    assert choose(2000, COSTS.__getitem__, seeds=7, **options).seeds == 7
    chosen = choose(2000, COSTS.__getitem__, steps=200, **options)
    assert chosen.steps == 200 and chosen.seconds <= FILLED * 2000
    assert replace(chosen, seeds=chosen.seeds + 1).seconds > FILLED * 2000 or chosen.seeds == 20
    narrow = choose(2000, COSTS.__getitem__, widths=((8, 50),), **options)
    assert narrow.width == 8


def test_a_wide_network_is_timed_only_where_it_may_fit():
    timed = []

    def measure(width):
        timed.append(width)
        return COSTS[width]

    choose(50, measure, arms=4, processes=2, longest=3000)
    assert timed == [8]


@pytest.mark.parametrize("spent", [0, 25])
def test_a_budget_that_nothing_fits_is_refused_with_one_that_does(spent):
    options = {"arms": 4, "processes": 2, "longest": 3000, "spent": spent}
    with pytest.raises(ValueError, match="a budget of 20 seconds fits no design") as refused:
        choose(20, COSTS.__getitem__, **options)
    least = float(str(refused.value).rpartition("takes ")[2].split()[0].replace(",", ""))
    chosen = choose(least, COSTS.__getitem__, **options)
    assert (chosen.seeds, chosen.width) == (2, 8) and 50 <= chosen.steps < 80
    with pytest.raises(ValueError, match="fits no design"):
        choose(0.8 * least, COSTS.__getitem__, **options)


def simulated(design, deadline, speed):
    """The runs that a course begins, where a run that starts at t takes `speed(t)` times as long.

    One process after another, by a clock of its own.
    """
    now = [design.cost.start]
    course = Course(design, deadline, clock=lambda: now[0])
    begun = []
    for number in range(design.runs):
        arm, seed = f"arm {number % design.arms}", number // design.arms
        if not course.begins(seed) or now[0] >= deadline:
            continue
        took = design.run_seconds * speed(now[0])
        now[0] += took
        course.ended(arm, seed, took)
        begun.append((arm, seed))
    return course, begun, now[0]


DESIGN = Design(16, 500, 5, 4, 1, Cost(0.1, 2.0, 4.0))


def test_a_machine_that_keeps_its_pace_carries_out_the_design():
    course, begun, ended = simulated(DESIGN, DESIGN.budget, lambda now: 1.0)
    assert len(begun) == DESIGN.runs and course.note == "" and course.left == 0
    assert ended == pytest.approx(DESIGN.seconds)


@pytest.mark.parametrize("slower", [2.0, 3.0, 4.0])
def test_a_machine_that_slows_down_gets_fewer_seeds_and_they_are_whole(slower):
    half = DESIGN.seconds / 2
    course, begun, ended = simulated(DESIGN, DESIGN.budget, lambda now: slower if now > half else 1)
    seeds = [seed for _, seed in begun]
    assert 2 <= course.seeds < DESIGN.seeds and ended <= DESIGN.budget
    assert [seeds.count(seed) for seed in range(course.seeds)] == [4] * course.seeds
    assert f"{course.seeds} seeds in place of 5" in course.note and course.left == 0


def test_two_seeds_are_begun_however_slow():
    course, begun, _ = simulated(DESIGN, DESIGN.budget, lambda now: 4.0)
    assert len(begun) <= 8 and course.seeds >= 2
    assert Course(DESIGN, 0.0, clock=lambda: 10.0).begins(1)
    assert not Course(DESIGN, 0.0, clock=lambda: 10.0).begins(2)


def test_runs_that_are_there_count():
    done = [(f"arm {number}", seed) for seed in range(3) for number in range(4)] + [("arm 0", 3)]
    course = Course(DESIGN, math.inf, done)
    assert course.left == pytest.approx((20 - 13) * DESIGN.run_seconds)
    late = Course(DESIGN, 0.0, done, clock=lambda: 1.0)
    assert late.begins(3) and not late.begins(4)  # what is begun is gone on with
    assert rounds(7, 2) == 4

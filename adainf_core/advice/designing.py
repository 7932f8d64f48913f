"""Designing: the comparison that fits a budget of seconds, from what a step and a probe take here.

The rule, in this order:

- at least two seeds of every arm, of `FEWEST_STEPS` steps or more: a budget without room for that
  is refused;
- of `WIDTHS`, the widest network whose two seeds still have its fewest steps;
- a third seed and each further one only while every run keeps `STEPS_A_SEED` steps for each seed,
  so that runs grow longer as they grow more;
- then all steps that fit, up to `longest`.

A fifth of the budget is left over (`FILLED`): what a few steps tell may be a quarter too little.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from adainf_core.validation import as_count

#: Networks that a design may have, narrow to wide: the width, and the fewest steps it is worth.
WIDTHS = ((8, 50), (16, 250), (32, 3000))
#: Steps below which a run has hardly begun to learn, and those that further seeds leave to each.
FEWEST_STEPS, STEPS_A_SEED = 50, 100
#: The share of a budget that a design fills.
FILLED = 0.8
FEWEST_SEEDS, _MOST_SEEDS = 2, 20
_REHEARSED = 10  # steps of the small version of an arm's first seed


@dataclass(frozen=True)
class Cost:
    """Seconds that a network takes on this machine, as many runs side by side as there will be.

    `step` is that of a step, `rest` what a run takes besides (its probes), `start` what a process
    takes before its first run. Where records are kept, `rehearsed`, an arm's first run is followed
    by a small version of itself.
    """

    step: float
    rest: float
    start: float
    rehearsed: bool = False

    @property
    def rehearsal(self) -> float:
        """What follows an arm's first run."""
        return self.rehearsed * (_REHEARSED * self.step + self.rest)


@dataclass(frozen=True)
class Design:
    """`arms` arms on `seeds` seeds, runs of `steps` steps, `processes` of them side by side."""

    width: int
    steps: int
    seeds: int
    arms: int
    processes: int
    cost: Cost

    @property
    def runs(self) -> int:
        """Runs in all."""
        return self.arms * self.seeds

    @property
    def run_seconds(self) -> float:
        """Seconds of a run."""
        return self.cost.rest + self.steps * self.cost.step

    @property
    def seconds(self) -> float:
        """Seconds of all runs."""
        return (
            self.cost.start
            + rounds(self.arms, self.processes) * self.cost.rehearsal
            + rounds(self.runs, self.processes) * self.run_seconds
        )

    @property
    def budget(self) -> int:
        """The budget in whole seconds that leaves room for it, with what is left over."""
        return math.ceil(self.seconds / FILLED)


def rounds(runs: int, processes: int) -> int:
    """How often `processes` runs go side by side until all are done."""
    return -(-runs // processes)


def fitting_steps(
    seconds: float, cost: Cost, arms: int, seeds: int, processes: int, longest: int
) -> int:
    """The most steps, up to `longest`, of runs that take no more than `seconds` together."""
    left = seconds - cost.start - rounds(arms, processes) * cost.rehearsal
    each = left / rounds(arms * seeds, processes) - cost.rest
    return max(0, min(longest, math.floor(each / cost.step + 1e-9)))


def choose(
    budget: float,
    measure: Callable[[int], Cost],
    *,
    arms: int,
    processes: int,
    longest: int,
    spent: float = 0.0,
    widths: Sequence[tuple[int, int]] = WIDTHS,
    steps: int | None = None,
    seeds: int | None = None,
) -> Design:
    """The design that the rule above gives `budget` seconds, of which so many are `spent` already.

    `measure` says what a network of a width costs; wider ones are asked for only where the next
    narrower one leaves them the steps. `steps` and `seeds` are kept where given. ValueError with
    the smallest budget that would do, where no design fits.
    """
    as_count(arms, "arms", 2)
    usable, least = (budget - spent) * FILLED, FEWEST_SEEDS if seeds is None else seeds
    (width, fewest), *wider = widths
    fewest = min(fewest, longest) if steps is None else steps
    cost = measure(width)

    def fits(cost: Cost, seeds: int) -> int:
        found = fitting_steps(usable, cost, arms, seeds, processes, longest)
        return found if steps is None else steps * (found >= steps)

    smallest = Design(width, fewest, least, arms, processes, cost)
    if fits(cost, least) < fewest:
        raise ValueError(
            f"a budget of {budget:g} seconds fits no design: the smallest, {arms} arms on {least} "
            f"seeds in {fewest:,} steps, takes {_roundly(spent + smallest.budget):,} here"
        )
    for width_, fewest_ in wider:
        if fits(cost, least) < fewest_:
            break  # and a wider network takes longer
        cost_ = measure(width_)
        if fits(cost_, least) < fewest_:
            break
        width, cost = width_, cost_
    if seeds is None:
        seeds = least
        while seeds < _MOST_SEEDS and fits(cost, seeds + 1) >= (
            STEPS_A_SEED * (seeds + 1) if steps is None else steps
        ):
            seeds += 1
    return Design(width, fits(cost, seeds), seeds, arms, processes, cost)


def _roundly(seconds: float) -> int:
    """Up to two digits, a little more: the next measurement will differ."""
    unit = 10 ** max(0, len(str(math.ceil(seconds))) - 2)
    return math.ceil(1.05 * seconds / unit) * unit


class Course:
    """How a comparison comes along: which seeds it still begins, and how long it will take.

    Its arms go round seed by seed. Two seeds are always begun; a further one only where its runs
    would end before the `deadline` (by `clock`) at the pace of the latest ones, and else it and
    all after it are left out: `seeds` is lowered, and `note` says why. Steps are never changed.
    `done` are the runs (arm, seed) that there were before.
    """

    def __init__(
        self,
        design: Design,
        deadline: float = math.inf,
        done: Collection[tuple[str, int]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.design, self.deadline, self.clock = design, deadline, clock
        self.seeds, self.note = design.seeds, ""
        self._done = set(done)
        self._begun = {seed for _, seed in self._done}
        self._took: list[float] = []

    @property
    def pace(self) -> float:
        """Seconds of a run: the mean of the latest, as many as there are arms, or as planned.

        The last one alone where it took longer: a machine that slows down is believed at once.
        """
        latest = self._took[-self.design.arms :]
        return max(sum(latest) / len(latest), latest[-1]) if latest else self.design.run_seconds

    @property
    def left(self) -> float:
        """Seconds that the runs take which are not done."""
        runs = self.design.arms * self.seeds - sum(seed < self.seeds for _, seed in self._done)
        return rounds(max(0, runs), self.design.processes) * self.pace

    def begins(self, seed: int) -> bool:
        """Whether a run of this seed is begun; asked in the order of the runs, from seed 0 on."""
        if seed >= self.seeds:
            return False
        if seed >= FEWEST_SEEDS and seed not in self._begun:
            ends = self.clock() + rounds(self.design.arms, self.design.processes) * self.pace
            if ends > self.deadline:
                self.note = (
                    f"a run takes {self.pace:.0f} seconds here now, {self.design.run_seconds:.0f} "
                    f"were planned: {seed} seeds in place of {self.seeds}"
                )
                self.seeds = seed
                return False
        self._begun.add(seed)
        return True

    def ended(self, arm: str, seed: int, seconds: float) -> None:
        """Take note of a run that took so long."""
        self._took.append(seconds)
        self._done.add((arm, seed))

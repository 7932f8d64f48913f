"""`adainf plan --run`: the design carried out, its results told as they come in."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli import plan_words as words
from adainf_core.cli.common import duration, runs_kept

if TYPE_CHECKING:
    from adainf_core.advice.designing import Course
    from adainf_core.advice.own_study import Comparison
    from adainf_core.advice.planning import Plan
    from adainf_core.advice.proposing import Proposal
    from adainf_core.evidence.runs.grid import Study
    from adainf_core.evidence.runs.records import Record
    from adainf_core.learning.policies import AugmentationPolicy
    from adainf_core.learning.pretrain_config import PretrainConfig

    Policies = tuple[AugmentationPolicy, AugmentationPolicy]


def going_on(
    kept: Proposal,
    config: PretrainConfig,
    options: argparse.Namespace,
    amounts: Sequence[float] | None,
) -> Proposal:
    """The design that the records are of; ValueError where another one is asked for."""
    from adainf_core.configuration import override
    from adainf_core.learning.recipes import Recipe

    place = options.records
    asked = override(Recipe(pretrain=kept.pretrain), options.settings).pretrain
    if asked != kept.pretrain or config.method != kept.pretrain.method:
        raise ValueError(f"{place} has runs of other settings: name another --records")
    for option, given, there in (
        ("--steps", options.steps, kept.design.steps),
        ("--batch-size", options.batch_size, kept.pretrain.batch_size),
        ("--amounts", _spelt(amounts), _spelt(kept.amounts)),
    ):
        if given is not None and given != there:
            raise ValueError(
                f"{option} {given}: {place} has runs of {there}; leave it out, or name another "
                "--records"
            )
    design = replace(
        kept.design,
        seeds=options.seeds or kept.design.seeds,
        processes=options.processes or kept.design.processes,
    )
    return replace(kept, design=design)


def _spelt(amounts: Sequence[float] | None) -> str | None:
    """Amounts as the option has them."""
    return None if amounts is None else ",".join(f"{one:g}" for one in amounts) or "none"


def study_of(
    options: argparse.Namespace, policies: Policies, plan: Plan, proposal: Proposal
) -> Study:
    """The comparison that is run."""
    from adainf_core.advice.own_study import own_study

    return own_study(
        options.real,
        options.generated,
        options.labels,
        options.test,
        pretrain=proposal.pretrain,
        replication=plan.replication,
        policies=policies,
        seeds=proposal.design.seeds,
        probe=options.probe,
        amounts=proposal.amounts,
        root=options.root,
    )


def noise_of_kept(study: Study, records: Path | None) -> float | None:
    """The noise of its runs in `records`; None where there are none, or too few to tell."""
    from adainf_core.advice.own_study import SCALE, compared
    from adainf_core.evidence.runs.running import study_records

    return compared(study_records(study, SCALE, records)).noise or None if records else None


def course_of(
    options: argparse.Namespace, study: Study, proposal: Proposal, deadline: float
) -> tuple[Course, list[Record], Callable[[str, int], bool]]:
    """How a design comes along, the runs that --records has, and whether a run is begun.

    The last is for `run_study` to ask; what it leaves out it says why.
    """
    from adainf_core.advice.designing import Course
    from adainf_core.advice.own_study import SCALE
    from adainf_core.evidence.runs.running import study_records

    done = [] if options.records is None else study_records(study, SCALE, options.records)
    before = [(record.arm, record.seed) for record in done]
    course = Course(proposal.design, deadline, before, time.monotonic)

    def wanted(arm: str, seed: int) -> bool:
        said, begins = course.note, course.begins(seed)
        if course.note != said:
            print(course.note, flush=True)
        return begins

    return course, done, wanted


def run_design(
    options: argparse.Namespace, study: Study, proposal: Proposal, noise: float, deadline: float
) -> None:
    """Carry the design out until `deadline` (`time.monotonic`), and say how it stands on the way.

    A line for each run with what is left, the state of all questions after each round of the arms.
    `noise` is what it was planned with, until two seeds of all arms have one of their own.
    """
    from adainf_core.advice.own_study import SCALE, compare, compared
    from adainf_core.advice.proposing import write_proposal

    records, design = options.records, proposal.design
    course, done, wanted = course_of(options, study, proposal, deadline)
    if records is not None and math.isfinite(options.budget):
        write_proposal(proposal, records)
    called = words.labels_of(study.arms)
    print(flush=True)

    def told(record: Record) -> None:
        done.append(record)
        course.ended(record.arm, record.seed, record.wall_seconds)
        planned = design.arms * course.seeds
        print(words.run_line(len(done), planned, record, called[record.arm], course.left),
              flush=True)  # fmt: skip
        if 2 * design.arms <= len(done) < planned and len(done) % design.arms == 0:
            words.show_so_far(compared(done), noise)

    found = compare(
        study,
        store=records,
        processes=design.processes,
        budget=max(0.0, deadline - time.monotonic()),
        wanted=wanted,
        told=told,
    )
    words.show_comparison(found, f"{options.probe} accuracy", noise)
    show_rest(found, design.arms * course.seeds, course.left, records)
    if records is not None:
        words.show_kept(records, study.name, SCALE)


def show_rest(found: Comparison, planned: int, left: float, records: Path | None) -> None:
    """What the budget has left to run, and how long that takes."""
    if len(found.records) >= planned:
        return
    print(f"\n{len(found.records)} of {planned} runs are done", end="")
    print(f", the others take {duration(left)}; {runs_kept(records)}")

"""`adainf plan --without-labels`: a grid of recipes run, scored, and the answer."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli import plan_words as words
from adainf_core.cli.common import claimed, duration, runs_kept
from adainf_core.cli.gap import page_name
from adainf_core.cli.plan_run import course_of, going_on
from adainf_core.cli.plan_settings import BATCH, policies_of, shared_config
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.advice.own_images import OwnImages
    from adainf_core.advice.own_recipes import RecipeChoice
    from adainf_core.advice.proposing import Proposal
    from adainf_core.evidence.runs.grid import Study
    from adainf_core.evidence.runs.records import Record

_SEEDS = 3  # where neither --seeds nor a budget says how many
# what is of the comparison by labels alone, with what each is where it is not given
_OF_LABELS = {"amounts": None, "replication": None, "noise": None, "scale": "laptop"}


def recipes(options: argparse.Namespace, began: float) -> None:
    """Run the grid, write page and numbers, and print the answer; all else goes to stderr."""
    for name, absent in _OF_LABELS.items():
        if (given := getattr(options, name)) != absent:
            raise ValueError(f"--{name} {given} is not of --without-labels: leave it out")
    page = options.html or Path(page_name(options.real, "train", options.generated, "plan"))
    numbers = options.json or page.with_suffix(".json")
    with (
        claimed(
            options.real,
            options.generated,
            options.labels,
            options.test,
            html=(page, "file"),
            json=(numbers, "file"),
            records=(options.records, "shared folder"),
        ),
        telling_what_stays(lambda: runs_kept(options.records)),
    ):
        _answered(options, page, numbers, began)


def _answered(options: argparse.Namespace, page: Path, numbers: Path, began: float) -> None:
    from adainf_core.advice.own_recipes import LABELS
    from adainf_core.cli.plan_answer import answer
    from adainf_core.cli.plan_page import write_answer

    with contextlib.redirect_stdout(sys.stderr):
        own, study, proposal = _designed(options, began)
        gap, notes = _looked_at(options, own)
        choice = _run(options, study, proposal, began + options.budget)
    done = [record.arm for record in choice.records]
    if few := [label for arm, label in LABELS.items() if done.count(arm) < 2]:
        left = f"Not compared, for want of time: {'; '.join(few)} ({runs_kept(options.records)})."
        notes = (left, *notes)
    found = answer(choice, notes)
    # before anything is shown: a terminal that fails loses nothing
    write_answer(found, own, gap, page, numbers)
    for word, text in found.lines:
        words.fill(word, text)
    print(page)
    print(numbers)


def _designed(options: argparse.Namespace, began: float) -> tuple[OwnImages, Study, Proposal]:
    """The images, the grid on them, and what it takes; told as it is known."""
    from dataclasses import replace

    from adainf_core.advice.own_images import own_images
    from adainf_core.advice.own_recipes import check_scorable, recipes_of_own, recipes_study
    from adainf_core.advice.own_study import largest_batch
    from adainf_core.advice.proposing import propose, read_proposal, write_proposal

    config = shared_config(options)
    named = (options.real, options.generated, options.labels, options.test, options.root)
    own = own_images(*named, real_labels=False)
    check_scorable(own)
    start = max(time.process_time(), time.monotonic() - began)
    if options.batch_size is None:
        config = replace(config, batch_size=largest_batch(len(own.real), BATCH["laptop"]))
    policies = policies_of(options.method, own)
    place = None if options.records is None else options.records / "own-recipes"
    kept = None if place is None else read_proposal(place)
    if kept is not None:
        proposal = going_on(kept, config, options, None)
    else:
        limited = math.isfinite(options.budget)
        proposal = propose(
            own,
            config,
            budget=options.budget,
            spent=time.monotonic() - began,
            steps=options.steps,
            seeds=options.seeds or (None if limited else _SEEDS),
            processes=options.processes,
            fixed={setting.partition("=")[0].split(".")[1] for setting in options.settings},
            start=start,
            rehearsed=options.records is not None,
            grid=partial(recipes_of_own, own, policies=policies, probe=options.probe),
        )
    design = proposal.design
    study = recipes_study(
        *named[:4],
        pretrain=proposal.pretrain,
        policies=policies,
        seeds=design.seeds,
        arms=design.arms,
        probe=options.probe,
        root=options.root,
    )
    if place is not None and math.isfinite(options.budget):
        write_proposal(proposal, place)
    words.fill(
        "design",
        f"{words.spell(design.arms)} recipes on {words.seeds_in_words(design.seeds)}, runs of "
        f"{design.steps:,} steps of {proposal.pretrain.batch_size:,} images, "
        f"{words.spell(min(design.processes, design.runs))} side by side: "
        f"{duration(design.seconds)}",
    )
    return own, study, proposal


def _looked_at(options: argparse.Namespace, own: OwnImages) -> tuple[object, tuple[str, ...]]:
    """The quick bound on the gap, and what there is to know of the images."""
    from adainf_core.advice.planning import quick_gap
    from adainf_core.data.generated import generated_caveats
    from adainf_core.gap.checks import preparation

    words.show_images(own)
    gap = quick_gap(own.real, own.generated, own.new, options.gap_images)
    shared = len(own.generated) - len(own.new)
    copied = [
        f"Of the {side} images copies were left out: {copies}."
        for side, copies in own.copies.items()
        if len(copies.distinct) < len(copies)
    ]
    if shared:
        copied.append(
            f"{shared:,} of {len(own.generated):,} generated images are copies of real ones."
        )
    looked = preparation(own.real, own.generated)
    return gap, (*copied, *looked, *generated_caveats(options.generated))


def _run(
    options: argparse.Namespace, study: Study, proposal: Proposal, deadline: float
) -> RecipeChoice:
    from adainf_core.advice.own_recipes import score_recipes

    design = proposal.design
    course, done, wanted = course_of(options, study, proposal, deadline)

    def told(record: Record) -> None:
        done.append(record)
        course.ended(record.arm, record.seed, record.wall_seconds)
        label, planned = study.arms[record.arm].label, design.arms * course.seeds
        print(f"{len(done)} of {planned} runs: {label}, seed {record.seed}; "
              f"{duration(course.left)} left", flush=True)  # fmt: skip

    found = score_recipes(
        study,
        store=options.records,
        processes=design.processes,
        budget=max(0.0, deadline - time.monotonic()),
        wanted=wanted,
        told=told,
    )
    if not found.picks:
        raise ValueError(_nothing_picked(options, found, design.arms * 2))
    return found


def _nothing_picked(options: argparse.Namespace, found: RecipeChoice, least: int) -> str:
    if found.unscored:
        from adainf_core.cli.plan_answer import REMEDY

        arm, why = next(iter(found.unscored.items()))
        return f"fewer than two recipes could be scored ({arm}: {why}): {REMEDY}"
    return (
        f"{len(found.records)} of {least} runs of two seeds were done within --budget "
        f"{options.budget:g}, too few to choose by; {runs_kept(options.records)}"
    )

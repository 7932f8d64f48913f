"""`adainf plan`: from real and generated images to the comparison that decides."""

from __future__ import annotations

import argparse
import math
import shlex
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli import plan_words as words
from adainf_core.cli.common import (
    DATASET,
    add_root,
    claimed,
    count,
    duration,
    folder_to_be,
    positive,
    processes,
    runs_kept,
    seconds,
    seeds,
)
from adainf_core.cli.plan_commands import arm_commands, refused_import, typed
from adainf_core.cli.plan_recipes import recipes
from adainf_core.cli.plan_run import going_on, noise_of_kept, run_design, study_of
from adainf_core.cli.plan_settings import BATCH, PAPER_STEPS, policies_of, shared_config
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.advice.own_images import OwnImages
    from adainf_core.advice.planning import Plan
    from adainf_core.advice.proposing import Proposal
    from adainf_core.learning.policies import AugmentationPolicy
    from adainf_core.learning.pretrain_config import PretrainConfig

    Policies = tuple[AugmentationPolicy, AugmentationPolicy]  # strong and weak

HELP = "whether generated images help yours: the numbers, the commands, the comparison"


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say what it costs on this machine to find out whether generated images help, and what can "
        "be found; what the weights of real images mean at these sizes; look at the gap; and print "
        "the commands of the four arms that decide, or with --run carry them out. With --budget "
        "the comparison is made to fit. With --without-labels train a small grid of recipes at "
        "once, and say which one scores pick that read no label, and what that is worth."
    )
    parser.set_defaults(run=_plan)
    parser.add_argument("real", help=f"images to learn from: {DATASET}")
    parser.add_argument("generated", help="a store of generated images, an npz or a folder")
    parser.add_argument("--labels", help="labelled images, where REAL has no labels")
    parser.add_argument(
        "--test", help="labelled images to test on; default: of a named set its own, else a quarter"
    )
    parser.add_argument("--run", dest="run_now", action="store_true", help="compare the arms now")
    parser.add_argument(
        "--budget",
        type=seconds,
        default=math.inf,
        help="what the comparison may take, in seconds, or as 45m or 2h: steps, seeds and network "
        "are chosen to fit; default: no limit",
    )
    parser.add_argument(
        "--without-labels",
        action="store_true",
        help="run a grid of recipes and choose by scores that read no label; with --labels both "
        "answers stand side by side",
    )
    parser.add_argument(
        "--html",
        type=Path,
        help="page of --without-labels; default: plan-GENERATED-vs-REAL.html here",
    )
    parser.add_argument(
        "--json", type=Path, help="its numbers; default: beside the page, ending in .json"
    )
    parser.add_argument(
        "--records", type=folder_to_be, help="folder that keeps the runs; the same goes on"
    )
    parser.add_argument(
        "--scale",
        choices=tuple(BATCH),
        default="laptop",
        help="which runs the commands are of: laptop, the small ones of the design, or paper, the "
        "official ones; default: laptop",
    )
    parser.add_argument("--method", default="simclr", help="default: simclr")
    parser.add_argument(
        "--batch-size", type=count(2), help="default: 256 (paper: 512), or what fits"
    )
    parser.add_argument(
        "--steps",
        type=count(),
        help="default: what the budget allows, 1000 without one (paper: 100000)",
    )
    parser.add_argument(
        "--seeds",
        type=seeds,
        help="of each arm; default: by the budget, else 5, or 3 with --without-labels",
    )
    parser.add_argument(
        "--amounts",
        type=_amounts,
        help="arms between none and all of the generated images, so many for every real one, such "
        "as 1,3, or none; default: 1,3 where the budget allows three seeds of all arms",
    )
    parser.add_argument(
        "--processes", type=processes, help="runs side by side; default: one a core"
    )
    parser.add_argument(
        "--probe", choices=("linear", "knn"), default="linear", help="default: linear"
    )
    parser.add_argument(
        "--replication", type=count(1, 10**6), help="AdaInf's N; default: beta nearest to 1/3"
    )
    parser.add_argument(
        "--noise",
        type=positive,
        help="standard deviation over seeds of a paired difference, in points; default: recorded",
    )
    parser.add_argument(
        "--gap-images", type=count(), default=1000, help="a side, for the quick look; default: 1000"
    )
    parser.add_argument("settings", nargs="*", help="of every arm, such as pretrain.width=32")
    add_root(parser)


def _amounts(text: str) -> tuple[float, ...]:
    return () if text == "none" else tuple(positive(part) for part in text.split(","))


def _plan(options: argparse.Namespace) -> None:
    began = time.monotonic()
    if options.without_labels:
        recipes(options, began)
        return
    for name in ("html", "json"):
        if (place := getattr(options, name)) is not None:
            raise ValueError(f"--{name} {place} is of --without-labels: leave it out")
    if not options.run_now:
        _planned(options, began)
        return
    with (
        claimed(records=(options.records, "shared folder")),
        telling_what_stays(lambda: runs_kept(options.records)),
    ):
        _planned(options, began)


def _planned(options: argparse.Namespace, began: float) -> None:
    from adainf_core.advice.own_images import own_images
    from adainf_core.advice.own_study import largest_batch
    from adainf_core.advice.planning import make_plan
    from adainf_core.advice.proposing import SEEDS
    from adainf_core.data.generated import generated_caveats
    from adainf_core.gap.checks import preparation

    paper = options.scale == "paper" and not options.run_now
    config = shared_config(options)
    own = own_images(options.real, options.generated, options.labels, options.test, options.root)
    if options.run_now and own.labelled is None:
        raise ValueError(
            f"{options.real} has no labels to decide by: label some images, and name them"
        )
    # what this process has done, each of its workers will do again
    start = max(time.process_time(), time.monotonic() - began)
    if options.batch_size is None:
        batch = largest_batch(len(own.real), BATCH["paper" if paper else "laptop"])
        config = replace(config, batch_size=batch)
    noise, whose = _noise(options.noise, None if own.test is None else len(own.test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the bound says it in words
        plan = make_plan(
            own.real,
            own.generated,
            config.batch_size,
            options.steps or PAPER_STEPS,
            noise=noise,
            replication=options.replication,
            gap_images=options.gap_images,
            new=own.new,
        )
    policies = policies_of(options.method, own)
    words.show_shared(plan)
    if paper:
        here, trained = _show_official(options, own, plan), None
    else:
        proposal = _proposed(options, own, config, policies, start, began)
        plan = plan.lasting(proposal.design.steps)
        if options.run_now:
            study = study_of(options, policies, plan, proposal)
            if (measured := noise_of_kept(study, options.records)) is not None:
                plan, whose = replace(plan, noise=measured), "measured on the runs in --records"
        words.show_design(proposal, plan, whose)
        _show_left_out(options, own)
        here, trained = proposal.design.run_seconds, proposal.pretrain
    if not (options.run_now or paper):
        if own.labelled is not None and options.seeds != 1:
            fit = "" if math.isfinite(options.budget) else "   # --budget SECONDS makes it fit"
            words.fill("to do it", _run_command(options) + fit)
        _show_official(options, own, plan, proposal)
    words.show_images(own)
    for note in (*preparation(own.real, own.generated), *generated_caveats(options.generated)):
        words.fill("note", note)
    words.show_plan(plan)
    words.show_seeds(plan, whose)
    if options.run_now:
        run_design(options, study, proposal, plan.noise, began + options.budget)
    else:
        count = proposal.design.seeds if trained else options.seeds or SEEDS
        _show_commands(options, own, plan, policies, count, here, trained)


def _proposed(
    options: argparse.Namespace,
    own: OwnImages,
    config: PretrainConfig,
    policies: Policies,
    start: float,
    began: float,
) -> Proposal:
    """The design that the records are of, or else a new one."""
    from adainf_core.advice.proposing import propose, read_proposal

    kept = read_proposal(options.records) if options.run_now and options.records else None
    if kept is not None:
        return going_on(kept, config, options, _amounts_that_are_arms(options, own))
    return propose(
        own,
        config,
        budget=options.budget,
        spent=time.monotonic() - began,
        steps=options.steps,
        seeds=options.seeds,
        processes=options.processes,
        amounts=options.amounts,
        fixed={setting.partition("=")[0].split(".")[1] for setting in options.settings},
        policies=policies,
        probe=options.probe,
        start=start,
        rehearsed=options.records is not None,
    )


def _show_official(
    options: argparse.Namespace, own: OwnImages, plan: Plan, proposal: Proposal | None = None
) -> float:
    """What an official run takes on all cores here, in seconds, is told and returned.

    From a step of it or, with `proposal`, from one of its network in proportion to multiply-adds.
    """
    from adainf_core.advice.timing import step_multiply_adds, step_seconds

    config, size = _official(options, plan), own.real.image_size
    if proposal is None:
        seconds = config.steps * step_seconds(config, own)
    else:
        design = proposal.design
        times = step_multiply_adds(config, size) / step_multiply_adds(proposal.pretrain, size)
        seconds = config.steps * times * design.cost.step / design.processes
    words.show_official(config, seconds, size, proposal is None)
    return seconds


def _show_left_out(options: argparse.Namespace, own: OwnImages) -> None:
    """Amounts that were asked for and are no arms."""
    kept = _amounts_that_are_arms(options, own) or ()
    if out := [f"{one:g}x" for one in options.amounts or () if one not in kept]:
        every = len(own.generated) / len(own.real)
        words.fill("", f"left out: {', '.join(out)}, as all are {every:.2g}x")


def _amounts_that_are_arms(options: argparse.Namespace, own: OwnImages) -> tuple[float, ...] | None:
    """The amounts that were asked for, as a design has them; None where none were."""
    from adainf_core.advice.amounts import between

    if options.amounts is None:
        return None
    return between(options.amounts, len(own.real), len(own.generated))


def _noise(asked: float | None, tested: int | None) -> tuple[float, str]:
    """The noise before there are runs, on so many test images, and in words what it is of."""
    from adainf_core.advice.planning import RECORDED_IMAGES, noise_on, recorded_noise

    if asked is not None:
        return asked, "as given"
    found, whose = recorded_noise(), "recorded on CIFAR-10 at laptop scale"
    if found is None:
        found, whose = 1.0, "assumed, as there are no records to tell"
    if tested is None or tested >= RECORDED_IMAGES:
        return found, whose
    noise = noise_on(tested, found)
    part = math.sqrt(noise**2 - found**2)
    return noise, f"{found:.2f} {whose}, and up to {part:.1f} from {tested:,} test images"


# ---- commands


def _run_command(options: argparse.Namespace) -> str:
    """The command that carries the design out."""
    chosen: list[str] = []
    for option in ("labels", "test", "method", "root"):
        value = getattr(options, option)
        if value is not None and (option, value) != ("method", "simclr"):
            chosen += [f"--{option}", value]
    budget = [] if math.isinf(options.budget) else ["--budget", f"{options.budget:g}"]
    for option in ("steps", "seeds", "batch_size", "replication"):
        value = getattr(options, option)
        if value is not None:
            chosen += [f"--{option.replace('_', '-')}", str(value)]
    if options.amounts is not None:
        chosen += ["--amounts", ",".join(f"{one:g}" for one in options.amounts) or "none"]
    if options.probe != "linear":
        chosen += ["--probe", options.probe]
    return shlex.join(
        ["adainf", "plan", options.real, options.generated, "--run", *budget, *chosen,
         "--records", "FOLDER", *options.settings]
    )  # fmt: skip


def _official(options: argparse.Namespace, plan: Plan) -> PretrainConfig:
    """The official run, with what the options change."""
    from adainf_core.advice.own_study import largest_batch
    from adainf_core.configuration import override
    from adainf_core.learning.recipes import recipe

    steps = options.steps or PAPER_STEPS
    found = recipe(options.real, options.method)
    paper = options.scale == "paper"
    batch = plan.batch_size if paper else largest_batch(plan.n_real, BATCH["paper"])
    chosen = replace(found.pretrain, steps=steps, warmup=steps // 100, batch_size=batch)
    return override(replace(found, pretrain=chosen), options.settings).pretrain


def _show_commands(
    options: argparse.Namespace,
    own: OwnImages,
    plan: Plan,
    policies: Policies,
    seeds: int,
    here: float,
    config: PretrainConfig | None,
) -> None:
    """The commands of official runs or of `config`, each below its time here and on a GPU.

    Those of a seed, in a loop of the shell over `seeds` of them.
    """
    from adainf_core.advice.own_study import arms_of_own
    from adainf_core.advice.timing import GPU_RATE, GPU_STEPS, gpu_seconds

    print("\nCommands:")
    if why := refused_import(options, plan):
        print(f"# none: {why}")
        return
    on_gpu = gpu_seconds(config or _official(options, plan), own.real.image_size)
    print(
        f"# on a GPU: reckoned from multiply-adds at {GPU_RATE / 1e12:.3g} million million a second"
    )
    print(
        f"# (a tenth of an A100's list in bf16), {GPU_STEPS} steps a second at most; not measured"
    )
    trained = None
    if config is not None:
        arms = arms_of_own(own, config, policies, options.probe)
        trained = {arm: experiment.pretrain for arm, experiment in arms.items()}
    imported, of_a_seed = arm_commands(options, own, plan, trained)
    if imported is not None:
        print(typed(imported))
    print(f"for seed in {' '.join(map(str, range(seeds)))}; do")
    for arm, commands in of_a_seed.items():
        print(f"  # {arm}, of each seed: {duration(here)} here, {duration(on_gpu)} on a GPU")
        for command in commands:
            print(f"  {typed(command)}")
    print("done")
    if options.test is None and own.test_kept:
        print("# TEST: labelled images that are in no other set; these commands learn from what is")
        print("# held out above, too, so that beta is larger")
    if any(len(found.distinct) < len(found) for found in own.copies.values()):
        print("# these read the sets as they are, copies and all: the numbers above are of sets")
        print("# from which the copies were removed")
    if own.labelled is None:
        print("# nothing is labelled, so nothing is probed: name labelled images by --labels")

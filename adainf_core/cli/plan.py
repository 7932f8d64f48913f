"""`adainf plan`: from real and generated images to the comparison that decides."""

from __future__ import annotations

import argparse
import shlex
import statistics
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from adainf_core.cli.common import (
    DATASET,
    add_root,
    check_named,
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
from adainf_core.stopping import telling_what_stays

if TYPE_CHECKING:
    from adainf_core.advice.own_images import Comparison, OwnImages
    from adainf_core.advice.planning import Plan
    from adainf_core.learning.recipes import Recipe

HELP = "whether generated images help yours: the numbers, the commands, the comparison"
# of a plan for a real run, and of one that runs now; batches are smaller among fewer images
_STEPS, _BATCH = {False: 100_000, True: 1000}, {False: 512, True: 256}


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say what the weights of real images mean at these sizes, look at the gap, and print the "
        "commands of the four arms that decide; with --run carry them out on a small network."
    )
    parser.set_defaults(run=_plan)
    parser.add_argument("real", help=f"images to learn from: {DATASET}")
    parser.add_argument("generated", help="a store of generated images, an npz or a folder")
    parser.add_argument("--labels", default=None, help="labelled images, where REAL has no labels")
    parser.add_argument(
        "--test",
        default=None,
        help="labelled images to test on; default: of a named set its own, else a quarter",
    )
    parser.add_argument("--method", default="simclr", help="of the commands; --run takes simclr")
    parser.add_argument(
        "--batch-size", type=count(2), default=None, help="default: 512, 256 to --run, or what fits"
    )
    parser.add_argument(
        "--steps", type=count(), default=None, help="default: 100000, 1000 to --run"
    )
    parser.add_argument(
        "--replication",
        type=count(1, 10**6),
        default=None,
        help="AdaInf's N; default: beta nearest to 1/3",
    )
    parser.add_argument(
        "--noise",
        type=positive,
        default=None,
        help="standard deviation over seeds of a paired difference, in points; default: recorded",
    )
    parser.add_argument(
        "--gap-images", type=count(), default=1000, help="a side, for the quick look"
    )
    parser.add_argument("--seeds", type=seeds, default=5, help="of each arm")
    parser.add_argument("--run", dest="run_now", action="store_true", help="compare the arms now")
    parser.add_argument("--probe", choices=("linear", "knn"), default="linear", help="of --run")
    parser.add_argument("--processes", type=processes, default=1, help="runs side by side")
    parser.add_argument("--budget", type=seconds, default=float("inf"), help="seconds of --run")
    parser.add_argument(
        "--records",
        type=folder_to_be,
        default=None,
        help="folder that keeps the runs; the same goes on",
    )
    parser.add_argument("settings", nargs="*", help="of every arm, such as pretrain.width=32")
    add_root(parser)


def _plan(options: argparse.Namespace) -> None:
    if not options.run_now:
        _planned(options)
        return
    with (
        claimed(records=(options.records, "shared folder")),
        telling_what_stays(lambda: runs_kept(options.records)),
    ):
        _planned(options)


def _planned(options: argparse.Namespace) -> None:
    from adainf_core.advice.own_images import own_images
    from adainf_core.advice.planning import make_plan
    from adainf_core.configuration import override
    from adainf_core.learning.recipes import Recipe, recipe

    now = options.run_now
    if now and options.seeds < 2:
        raise ValueError(f"--seeds {options.seeds}: --run compares arms over two seeds or more")
    check_named(labels=options.labels, test=options.test)
    steps = _STEPS[now] if options.steps is None else options.steps
    _check_settings(options.settings)
    override(Recipe(), options.settings)  # an unknown key ends here
    recipe(method=options.method)  # and an unknown method
    own = own_images(options.real, options.generated, options.labels, options.test, options.root)
    batch_size = options.batch_size
    if batch_size is None:  # at most the largest power of two among the real images
        batch_size = min(_BATCH[now], 1 << (len(own.real).bit_length() - 1))
    noise, whose = _noise(options.noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the bound says it in words
        plan = make_plan(
            own.real,
            own.generated,
            batch_size,
            steps,
            noise=noise,
            replication=options.replication,
            gap_images=options.gap_images,
            new=own.new,
        )
    _show_shared(plan)
    _show_images(own)
    _show_plan(plan, whose)
    if now:
        _run(options, plan)
        return
    print("\nCommands:")
    for command in arm_commands(options, own, plan):
        print(shlex.join(command))
    if options.test is None and own.test_kept:
        print("# TEST: labelled images that are in no other set")
    if any(len(found.distinct) < len(found) for found in own.copies.values()):
        print("# these read the sets as they are, copies and all: the numbers above are of sets")
        print("# from which the copies were removed")
    if own.labelled is None:
        print("# nothing is labelled, so nothing is probed: name labelled images by --labels")


def _noise(asked: float | None) -> tuple[float, str]:
    from adainf_core.advice.planning import recorded_noise

    if asked is not None:
        return asked, "as given"
    found = recorded_noise()
    if found is None:
        return 1.0, "assumed: there are no records to tell"
    return found, "recorded on CIFAR-10 at laptop scale"


def _check_settings(settings: list[str]) -> None:
    for setting in settings:
        key = setting.partition("=")[0]
        if not key.startswith("pretrain."):
            raise ValueError(f"{setting!r}: the settings of a plan are of pretrain.…")
        if key.split(".")[1] in ("policy", "seed", "steps", "batch_size"):
            raise ValueError(f"{setting!r}: a plan sets {key} itself, see its options")


def _show_shared(plan: Plan) -> None:
    """What both sides share is said first."""
    if plan.shared == plan.n_generated:
        _fill("shared", "the generated images are the real images themselves, or copies of them")
    elif plan.shared:
        _fill(
            "shared",
            f"{plan.shared:,} of {plan.n_generated:,} generated images are copies of real ones",
        )


def _fill(word: str, text: str) -> None:
    print(textwrap.fill(f"{word:12} {text}", 79, subsequent_indent=" " * 13))


def _show_images(own: OwnImages) -> None:
    sets = {"real": own.real, "generated": own.generated, "labelled": own.labelled,
            "test": own.test}  # fmt: skip
    for word, images in sets.items():
        if images is None:
            print(f"{word:12} none")
            continue
        classes = "unlabelled" if images.classes is None else f"{images.classes} classes"
        note = ""
        if word == "test" and own.test_kept:
            note = ", held out of the others"
        elif word == "test" and own.test_copied:
            note = f"; copies of labelled images left out: {own.test_copied:,}"
        elif word in own.copies:
            note = f"; copies: {own.copies[word]}"
        side = "x".join(map(str, images.images.shape[2:]))
        _fill(word, f"{images.name}: {len(images):,} images of {side}, {classes}{note}")


def _show_plan(plan: Plan, whose: str) -> None:
    new = plan.n_generated - plan.shared
    if plan.gap is not None:
        of = " Of the generated images that are no copies of real ones." if plan.shared else ""
        _fill("gap", f"{plan.gap}{of}")
    elif new:
        sides = f"{plan.n_real:,} real and {new:,} generated images"
        _fill("gap", f"no distance is claimed: {sides} are too few")
    else:
        _fill("gap", "no distance is claimed between images and their copies")
    print(f"\n{plan.steps:,} steps of {plan.batch_size:,}, in shuffled epochs:\n")
    print("  N    beta   passes of a real   of a generated   copies in its batch")
    for row in plan.weights:
        mark = " <- AdaInf" if row.replication == plan.replication else ""
        print(
            f"{row.replication:3} {row.beta:7.4f} {row.real_passes:18.1f} "
            f"{row.generated_passes:16.1f} {row.copies:21.4f}{mark}"
        )
    print(f"\nSeeds for a difference, at a noise of {plan.noise:.2f} points")
    print(f"({whose}):")
    for points, needed in plan.seeds:
        print(f"{points:7.1f} points: {'more than 200' if needed is None else needed}")


# ---- commands


def arm_commands(options: argparse.Namespace, own: OwnImages, plan: Plan) -> list[list[str]]:
    """The words of the commands that import, train and probe, for every arm and seed."""
    from adainf_core.data.generated import default_store
    from adainf_core.learning.recipes import recipe

    store, commands = options.generated, []
    if not (Path(store) / "meta.json").is_file():
        path = Path(store)
        store = str(default_store(path))
        commands.append(["adainf", "generate", "import", str(path), "--real", options.real])
        size = own.real.image_size
        if path.is_dir():
            commands[-1] += ["--size", str(size)]
    root = [] if options.root is None else ["--root", options.root]
    labelled, test = options.labels or options.real, options.test
    if test is None and own.test_kept:
        test = "TEST"
    probed = [] if test is None else ["--test", test]
    weak = _policy_name(recipe(options.real, options.method, "adainf", store))
    arms = {
        "none": ("none", []),
        "weak": ("none", [f"pretrain.policy={weak}"]),
        "vanilla": ("vanilla", []),
        "adainf": ("adainf", [f"replication={plan.replication}"]),
    }
    commands = [command + root for command in commands]
    for seed in range(options.seeds):
        for arm, (preset, changes) in arms.items():
            file = f"{arm}-{seed}.pt"
            generated = [] if preset == "none" else ["--generated", store]
            settings = [
                f"size={own.real.image_size}",
                *changes,
                f"pretrain.steps={plan.steps}",
                f"pretrain.batch_size={plan.batch_size}",
                f"pretrain.warmup={plan.steps // 100}",  # the paper's share
                f"pretrain.seed={seed}",
                *options.settings,
            ]
            commands.append(
                ["adainf", "pretrain", "--dataset", options.real, "--method", options.method,
                 "--preset", preset, *generated, "--checkpoint", file, *root, *settings]
            )  # fmt: skip
            if own.labelled is not None:
                commands.append(
                    ["adainf", "probe", file, "--dataset", labelled, *probed, *root,
                     "--protocol", "linear", "--protocol", "knn"]
                )  # fmt: skip
    return commands


def _policy_name(chosen: Recipe) -> str:
    from adainf_core.learning.policies import POLICIES

    return next(name for name, policy in POLICIES.items() if policy == chosen.pretrain.policy)


# ---- the comparison


def _run(options: argparse.Namespace, plan: Plan) -> None:
    from adainf_core.advice.own_images import compare, own_study
    from adainf_core.advice.planning import ARMS
    from adainf_core.configuration import override
    from adainf_core.learning.pretrain_config import PretrainConfig
    from adainf_core.learning.recipes import Recipe

    base = PretrainConfig(steps=plan.steps, batch_size=plan.batch_size, warmup=plan.steps // 20)
    study = own_study(
        options.real,
        options.generated,
        options.labels,
        options.test,
        pretrain=override(Recipe(pretrain=base), options.settings).pretrain,
        replication=plan.replication,
        seeds=options.seeds,
        probe=options.probe,
        root=options.root,
    )
    found = compare(
        study,
        store=options.records,
        processes=options.processes,
        budget=options.budget,
        progress=True,
    )
    show_comparison(found, f"{options.probe} accuracy")
    _show_rest(found, len(ARMS) * options.seeds, options)


def show_comparison(found: Comparison, what: str) -> None:
    """Print each arm's accuracy, each question with its interval, and the word of the rule.

    Where no question is decided, the seeds that would decide stand in place of the rows.
    """
    from adainf_core.advice.planning import ARMS, LEVEL
    from adainf_core.evidence.judging.verdicts import Outcome
    from adainf_core.statistics.intervals import t_interval

    metric = "linear" if all("linear" in r.metrics for r in found.records) else "knn"
    print(f"\n{what} in %, mean and 95 % interval over seeds:\n")
    for arm, treatment in ARMS.items():
        values = [r.metrics[metric] for r in found.records if r.arm == arm]
        shown = "not run" if not values else f"{values[0]:.1f}, n = 1"
        if len(values) > 1:
            shown = f"{t_interval(values):.1f}, n = {len(values)}"
        print(f"{treatment.label:14} {shown}")
    shared = min((v.difference.n if v.difference else 0 for v in found.verdicts), default=0)
    undecided = (Outcome.NOT_DECIDED, Outcome.NOT_RUN)
    if all(verdict.outcome in undecided for verdict in found.verdicts):
        few = shared or "fewer than 2"
        print(f"\n{few} seeds of all arms decide none of the {len(found.verdicts)} questions")
    else:
        print(f"\nin points, paired by seed, each at {100 * LEVEL:.4g} %:\n")
        for verdict in found.verdicts:
            value = "" if verdict.difference is None else f"{verdict.difference:+.1f}"
            print(f"{verdict.outcome_and_sign:24} {value:24} {verdict.claim.statement}")
    _show_needed(found.noise, shared)


def _show_needed(noise: float | None, done: int) -> None:
    """The seeds that find a difference of a point, and how many more that are than are `done`."""
    from adainf_core.advice.planning import seeds_needed

    if not noise:
        return
    needed = seeds_needed(1.0, noise)
    words = "more than 200" if needed is None else f"{needed:,}"
    print(f"noise {noise:.2f} points: {words} seeds find a difference of 1 point", end="")
    print(f", {needed - done:,} more than these" if needed and needed > done else "")


def _show_rest(found: Comparison, planned: int, options: argparse.Namespace) -> None:
    """What the budget has left to run, and how long that takes."""
    left = planned - len(found.records)
    if not left:
        return
    print(f"\n{len(found.records)} of {planned} runs are done", end="")
    if found.records:
        each = statistics.median(record.wall_seconds for record in found.records)
        print(f", the others take {duration(left * each / options.processes)}", end="")
    print(f"; {runs_kept(options.records)}")

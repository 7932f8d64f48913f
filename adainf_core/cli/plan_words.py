"""What `adainf plan` says: the design first, then the images, the weights and the results."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from adainf_core.cli.common import duration

if TYPE_CHECKING:
    from pathlib import Path

    from adainf_core.advice.own_images import OwnImages
    from adainf_core.advice.own_study import Comparison
    from adainf_core.advice.planning import Plan
    from adainf_core.advice.proposing import Proposal
    from adainf_core.evidence.judging.verdicts import Verdict
    from adainf_core.evidence.runs.records import Record
    from adainf_core.learning.pretrain_config import PretrainConfig


def fill(word: str, text: str) -> None:
    """A paragraph behind its word, 79 columns wide where no path or option is longer."""
    print(_filled(f"{word:12} {text}", " " * 13))


def _filled(text: str, indent: str = "") -> str:
    """Lines of 79 columns, cut between words alone: an option is typed as it stands."""
    return textwrap.fill(
        text, 79, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def spell(count: int) -> str:
    """A number, in words up to nine."""
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[count] if count < len(words) else f"{count:,}"


def seeds_in_words(count: int) -> str:
    """So many seeds."""
    return "one seed" if count == 1 else f"{spell(count)} seeds"


# ---- the plan


def show_shared(plan: Plan) -> None:
    """What both sides share is said first."""
    if plan.shared == plan.n_generated:
        fill("shared", "the generated images are the real images themselves, or copies of them")
    elif plan.shared:
        fill(
            "shared",
            f"{plan.shared:,} of {plan.n_generated:,} generated images are copies of real ones",
        )


def show_design(proposal: Proposal, plan: Plan, whose: str) -> None:
    """What a run costs here, what the comparison is and takes, and what it can find.

    `whose` says in words what the plan's noise is of.
    """
    from adainf_core.advice.planning import RECORDED_STEPS, found_difference, seeds_to_find

    design, config = proposal.design, proposal.pretrain
    width = f" of width {config.width}" if config.encoder == "small_cnn" else ""
    network = f"{config.encoder}{width}"
    fill(
        "a run",
        f"{design.steps:,} steps of {config.batch_size:,} images, {network}, {config.precision}: "
        f"{duration(design.run_seconds)} here, by a few steps of each arm",
    )
    fill(
        "design",
        f"{spell(design.arms)} arms on {seeds_in_words(design.seeds)}, {design.runs} runs, "
        f"{spell(min(design.processes, design.runs))} side by side: {duration(design.seconds)}",
    )
    if design.seeds > 1:
        least = found_difference(plan.noise, design.seeds, design.arms)
        needed = seeds_to_find(1.0, plan.noise, design.arms)
        told = ""
        if "recorded" in whose and design.steps < RECORDED_STEPS:
            told = f"; runs of fewer than {RECORDED_STEPS} steps may have more"
        more = "more than 200" if needed is None else f"{needed}"
        more = "" if needed and needed <= design.seeds else f"; {more} seeds would find 1 point"
        fill(
            "finds",
            f"a difference of {least:.1f} points with 80 % probability{more} (noise "
            f"{plan.noise:.2f} points, {whose}{told})"
            + ("" if whose == "as given" or "measured" in whose else "; --run measures the noise"),
        )
    if proposal.amounts:
        amounts = ", ".join(f"{amount:g}x" for amount in proposal.amounts)
        fill("amounts", f"none, {amounts} and all of the generated images, under AdaInf")
    else:
        later = proposal.amounts_from
        more = "" if later is None else f"; amounts between join from --budget {later}"
        fill("amounts", f"none and all of the generated images{more}")


def show_official(config: PretrainConfig, seconds: float, size: int, measured: bool) -> None:
    """What an official run takes here and on a GPU."""
    from adainf_core.advice.timing import gpu_seconds

    how = "by a step of a few images" if measured else "by its multiply-adds"
    more = "" if measured else "; --scale paper prints its commands"
    fill(
        "paper",
        f"a run of {config.steps:,} steps of {config.batch_size:,} images, {config.encoder}: "
        f"{duration(seconds)} here, {how}, {duration(gpu_seconds(config, size))} on a GPU{more}",
    )


def show_images(own: OwnImages) -> None:
    """The sets, their copies, and pictures that lie under two classes."""
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
        fill(word, f"{images.name}: {len(images):,} images of {side}, {classes}{note}")
    for word, count in own.two_classes.items():
        if count:
            verb = "repeats" if count == 1 else "repeat"
            kept = "" if word == "test" else "; the first is kept"
            fill(
                "two classes",
                f"{count:,} of the {word} images {verb} a picture that lies under another class, "
                f"too{kept}",
            )


def show_plan(plan: Plan) -> None:
    """The gap, and what the weights mean."""
    new = plan.n_generated - plan.shared
    if plan.gap is not None:
        of = " Of the generated images that are no copies of real ones." if plan.shared else ""
        fill("gap", f"{plan.gap}{of}")
    elif new:
        sides = f"{plan.n_real:,} real and {new:,} generated images"
        fill("gap", f"no distance is claimed: {sides} are too few")
    else:
        fill("gap", "no distance is claimed between images and their copies")
    print(f"\n{plan.steps:,} steps of {plan.batch_size:,}, in shuffled epochs:\n")
    print("  N    beta   passes of a real   of a generated   copies in its batch")
    for row in plan.weights:
        mark = " <- AdaInf" if row.replication == plan.replication else ""
        print(
            f"{row.replication:3} {row.beta:7.4f} {row.real_passes:18.1f} "
            f"{row.generated_passes:16.1f} {row.copies:21.4f}{mark}"
        )
    if plan.replication == 1:
        print("\nwith N = 1 AdaInf weighs as vanilla does, and only augments less")


def show_seeds(plan: Plan, whose: str) -> None:
    """How many seeds a difference takes."""
    print()
    text = f"Seeds for a difference, at a noise of {plan.noise:.2f} points ({whose}):"
    print(_filled(text))
    for points, needed in plan.seeds:
        print(f"{points:7.1f} points: {'more than 200' if needed is None else needed}")


# ---- the comparison


def run_line(done: int, planned: int, record: Record, label: str, left: float) -> str:
    """A run that has ended: which, its accuracy, and the time that is left."""
    name, value = next(iter(record.metrics.items()))
    rest = f"; {duration(left)} left" if left > 0 and math.isfinite(left) else ""
    return f"{done} of {planned} runs: {label}, seed {record.seed}: {name} {value:.1f} %{rest}"


def show_so_far(found: Comparison, planned: float) -> None:
    """The state of all questions, in a line each, and the noise in place of the `planned` one."""
    print(f"so far, on {spell(_shared(found.verdicts))} seeds:", flush=True)
    _show_verdicts(found.verdicts)
    _show_needed(found.noise, _shared(found.verdicts), planned)
    _show_amounts(found)


def show_comparison(found: Comparison, what: str, planned: float) -> None:
    """Each arm's accuracy, each question with its interval, the rule's word, and the amounts.

    With the noise that was found, in place of the `planned` one.
    """
    from adainf_core.advice.planning import LEVEL, QUESTIONS
    from adainf_core.evidence.judging.claims import CONFIDENCE
    from adainf_core.evidence.judging.verdicts import Outcome
    from adainf_core.statistics.intervals import t_interval

    metric = "linear" if all("linear" in r.metrics for r in found.records) else "knn"
    print(f"\n{what} in %, mean and 95 % interval over seeds:\n")
    for arm, label in labels_of(r.arm for r in found.records).items():
        values = [r.metrics[metric] for r in found.records if r.arm == arm]
        shown = "not run" if not values else f"{values[0]:.1f}, n = 1"
        if len(values) > 1:
            shown = f"{t_interval(values):.1f}, n = {len(values)}"
        print(f"{label:14} {shown}")
    undecided = (Outcome.NOT_DECIDED, Outcome.NOT_RUN)
    shared = _shared(found.verdicts)
    asked, whole = spell(len(QUESTIONS)), f"{100 * CONFIDENCE:.4g} %"
    print(f"\nin points, paired by seed, each at {100 * LEVEL:.4g} %, so that the {asked} together")
    print(
        f"have {whole} (adainf compare has {whole} for the pairs of sides that it is asked about):"
    )
    print()
    _show_verdicts(found.verdicts)
    if all(verdict.outcome in undecided for verdict in found.verdicts):
        few = shared or "fewer than 2"
        print(f"\n{few} seeds of all arms decide none of the {len(found.verdicts)} questions")
    _show_needed(found.noise, shared, planned)
    print()
    _show_amounts(found)


def show_kept(records: Path, name: str, scale: str) -> None:
    """Where the records are, how to compare them, and how to add to them."""
    sides = [str(records / name / scale / f"{arm}-*.json") for arm in ("weak", "adainf")]
    print(f"\n{'compare':12} adainf compare {' '.join(sides)}")
    fill(
        "more",
        "the same command with a larger --seeds and --budget adds seeds; longer runs or other "
        "amounts are another design: name other --records",
    )


def labels_of(arms: Iterable[str]) -> dict[str, str]:
    """What the arms are called: the four, and those of amounts among `arms`."""
    from adainf_core.advice.amounts import axis, name_of
    from adainf_core.advice.planning import ARMS

    called = {arm: treatment.label for arm, treatment in ARMS.items()}
    between = [arm for arm in axis(arms) if arm not in ARMS]
    return called | {arm: f"AdaInf, {name_of(arm)}" for arm in between}


def _shared(verdicts: Iterable[Verdict]) -> int:
    return min((v.difference.n if v.difference else 0 for v in verdicts), default=0)


def _show_verdicts(verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        value = "" if verdict.difference is None else f"{verdict.difference:+.1f}"
        print(f"{verdict.words:24} {value:24} {verdict.claim.statement}", flush=True)


def _show_amounts(found: Comparison) -> None:
    from adainf_core.advice.amounts import answer

    pairs = [one.difference for one in found.amounts if one.difference is not None]
    level = f"; each pair of amounts at {100 * pairs[0].confidence:.4g} %" if pairs[1:] else ""
    fill("how many generated images?", f"{answer(found.amounts)}{level}")


def _show_needed(noise: float | None, done: int, planned: float) -> None:
    """The seeds that find a difference of a point, and how many more that are than are `done`.

    By the noise of these seeds, in place of the one that was `planned` with.
    """
    from adainf_core.advice.planning import seeds_to_find

    if not noise:
        return
    needed = seeds_to_find(1.0, noise)
    words = "more than 200" if needed is None else f"{needed:,}"
    print(f"noise {noise:.2f} points, measured on these seeds (planned with: {planned:.2f}):")
    print(f"{words} seeds find a difference of 1 point", end="")
    print(f", {needed - done:,} more than these" if needed and needed > done else "")

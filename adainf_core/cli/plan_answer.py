"""The answer of `adainf plan --without-labels`: which recipe, how sure, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adainf_core.advice.own_recipes import DEFAULT, LABELS
from adainf_core.evidence.studies import failure_mode, share_grid
from adainf_core.findings.choices import ADAINF, RANDOM, WEAK, ChoiceFindings
from adainf_core.findings.findings import Findings

if TYPE_CHECKING:
    from adainf_core.advice.own_recipes import Pick, RecipeChoice

#: The scores that are proposed most for this, and that the study's claims are of.
PROPOSED = tuple(share_grid.SCORES)
#: What to do about a run that cannot be scored.
REMEDY = "take more steps (--steps), or a lower pretrain.learning_rate"
_UNKNOWN = (
    "whether labels would agree (no score sees what the images are for), and anything of recipes "
    "that are not in this grid, of longer training, of another network or method"
)


@dataclass(frozen=True)
class Answer:
    """What is said of a choice: the arm to take, why, and everything else, a paragraph a line.

    The arm is what a score picks that has earned its place, else the default; where labels exclude
    that, it is what they pick.
    """

    arm: str
    choice: RecipeChoice
    earned: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        found = self.choice
        return {
            "recipe": self.arm,
            "label": LABELS[self.arm],
            "earned": list(self.earned),
            "answer": [list(line) for line in self.lines],
            "scores": {metric: asdict(pick) for metric, pick in found.picks.items()},
            "by_labels": None if found.by_labels is None else asdict(found.by_labels),
            "lost_by_labels": {metric: asdict(lost) for metric, lost in found.lost.items()},
            "unscored": dict(found.unscored),
            "notes": list(self.notes),
        }


def answer(
    choice: RecipeChoice,
    notes: Sequence[str] = (),
    grid: ChoiceFindings | None = None,
    records: Findings | None = None,
) -> Answer:
    """What to say of a choice, by what the study of choosing, `grid`, has found.

    `records` are those of the failure mode, by which the default recipe stands.
    """
    grid = ChoiceFindings() if grid is None else grid
    records = Findings(failure_mode.NAME) if records is None else records
    earned = tuple(metric for metric in grid.earned if metric in choice.picks)
    arm, how = DEFAULT, "the default"
    if earned:
        arm, how = choice.picks[earned[0]].arm, f"by {choice.picks[earned[0]].label}"
    shown = tuple(metric for metric in PROPOSED if metric in choice.picks) or tuple(choice.picks)
    recipe = [("recipe", f"{_in_full(arm)}: {how}")]
    if choice.by_labels is not None and arm in choice.by_labels.alike:
        recipe = [("recipe", f"{_in_full(arm)}: {how}, and labels do not exclude it")]
    elif choice.by_labels is not None:
        without, arm = recipe[0][1], choice.by_labels.arm
        recipe = [("recipe", f"{_in_full(arm)}: by the labels"), ("without", without)]
    lines = [*recipe, ("why", f"{_earned(grid, earned)}. {_supported(records)}")]
    if choice.by_labels is not None:
        lines.append(("by labels", f"{_said(choice.by_labels)}. {_lost(choice, shown)}"))
    lines += [
        *((f"by {_short(choice.picks[metric])}", _said(choice.picks[metric])) for metric in shown),
        ("regret", _regret(grid, shown)),
        *(
            ("left out", f"{LABELS[arm_]}: {why}; {REMEDY}")
            for arm_, why in choice.unscored.items()
        ),
        ("not known", _UNKNOWN),
        *(("note", note) for note in notes),
    ]
    return Answer(arm, choice, earned, tuple(notes), tuple(lines))


def _in_full(arm: str) -> str:
    """A recipe as a sentence has it."""
    what, _, policy = LABELS[arm].rpartition(", ")
    share = what.removeprefix("real share ")
    if share != what:
        what = f"generated images too, {share} of the draws real"
    return f"{what}, under {policy} augmentation"


def _earned(grid: ChoiceFindings, earned: Sequence[str]) -> str:
    study = f"the study that asks what choosing by one loses ({grid.name})"
    if not grid.complete:
        return f"no score has yet been shown to earn its place: {study} has not been run"
    if earned:
        gained = grid.worths[earned[0]].gained[WEAK]
        return (
            f"choosing by {grid.worths[earned[0]].label} gained {gained:+.1f} points over "
            f"{LABELS[DEFAULT]} in {study}, n = {gained.n}"
        )
    best = next(iter(grid.worths.values()), None)
    if best is None:
        return f"no score has earned its place: {study} could compare none"
    gained = best.gained[WEAK]
    return (
        f"no score has earned its place: in {study} the best, {best.label}, gained {gained:+.1f} "
        f"points over {LABELS[DEFAULT]}, n = {gained.n}"
    )


def _supported(records: Findings) -> str:
    """What the records say of the default, in numbers."""
    strong, adainf = (records.difference("weak", other) for other in ("none", "adainf"))
    if strong is None or adainf is None:
        return "There are no records here to support the default with a number"
    return (
        f"The records support {LABELS[DEFAULT]}: {strong:+.1f} points over strong, {adainf:+.1f} "
        f"over AdaInf ({records.name}, CIFAR-10, n = {strong.n})"
    )


def _short(pick: Pick) -> str:
    return pick.label.removeprefix("the ").removesuffix(" at the end")


def _said(pick: Pick) -> str:
    """What one number picks, how sure that is, and what it cannot tell apart."""
    alike = [LABELS[arm] for arm in pick.alike if arm != pick.arm]
    apart = [LABELS[arm] for arm in pick.values if arm not in pick.alike]
    if not apart:
        told = "not told from any other"
    elif not alike:
        told = "told from all others"
    elif len(apart) < len(alike):
        told = f"told from no other but {'; '.join(apart)}"
    else:
        told = f"not told from {'; '.join(alike)}"
    return (
        f"{LABELS[pick.arm]}: {pick.values[pick.arm]:.3g}, ahead of the next by "
        f"{pick.lead:.2g}, first in {pick.first} of {pick.seeds} seeds; {told}"
    )


def _regret(grid: ChoiceFindings, shown: Sequence[str]) -> str:
    """Points that choosing is expected to lose, by the study."""
    if not grid.complete:
        return f"not known, what choosing by a score is expected to lose: {grid.name} has not run"
    ways = {grid.worths[m].label: grid.worths[m].lost for m in shown if m in grid.worths}
    ways |= {
        way: lost for way in (WEAK, ADAINF, RANDOM) if (lost := grid.lost_without(way)) is not None
    }
    said = "; ".join(f"{way} {lost:.1f}" for way, lost in ways.items())
    only = [
        grid.worths[m].label for m in shown if m in grid.worths and grid.worths[m].only_strength
    ]
    tracking = f"; only tracks how strong the augmentation is: {', '.join(only)}" if only else ""
    return f"expected, points lost against the best of a menu ({grid.name}): {said}{tracking}"


def _lost(choice: RecipeChoice, shown: Sequence[str]) -> str:
    """What labels say that the scores' picks lose here."""
    said = "; ".join(
        f"{_short(choice.picks[metric])} {choice.lost[metric]:.1f}" for metric in shown
    )
    return f"Points that picks by scores lose to it here: {said}"

"""What a gap report says in words: how far, what it is made of, what it changes in the decision.

Plain words first, numbers behind them; nothing that was not measured, and no more than the
intervals allow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adainf_core.gap.estimate import GapEstimate
from adainf_core.gap.rows import rounded_down
from adainf_core.statistics.intervals import wilson_interval

if TYPE_CHECKING:
    from adainf_core.gap.format_share import FormatRow, FormatShare
    from adainf_core.gap.report import GapReport

#: Weights of real images at which the distance of the mixture is given: AdaInf's share, and most.
BETAS = (1 / 3, 0.8)
_KEPT = 0.8  # share of a bound that is left from which the format is not what tells the sides apart


@dataclass(frozen=True)
class Sentences:
    """A report in words; each part has a sentence or more."""

    how_far: tuple[str, ...]
    made_of: tuple[str, ...]
    decision: tuple[str, ...]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The sentences under the heading of their part."""
        return {
            "How far": self.how_far,
            "What it is made of": self.made_of,
            "What it changes": self.decision,
        }

    @property
    def all(self) -> tuple[str, ...]:
        """A paragraph for each part."""
        return tuple(f"{part}: {' '.join(said)}" for part, said in self.parts.items())


def sentences(report: GapReport) -> Sentences:
    """The report in words; the same report gives the same words."""
    return Sentences(_how_far(report), _made_of(report), _decision(report))


# ---- how far


def _how_far(report: GapReport) -> tuple[str, ...]:
    row, accuracy = report.row("total variation, images"), report.row("accuracy, images")
    bound, n = (
        row.found,
        f"{len(report.real):,} real and {len(report.generated):,} generated images",
    )
    level = f"{100 * bound.confidence:g} %"
    if _same(report):
        return ("Both sides are the same images: there is no distance between them.",)
    if _unsound(report):
        return (
            "This cannot be said yet: real images are told from real ones, too, and should not be "
            f"(total variation >= {_down(row.mirrored)} at {level}). Settle the cause first.",
        )
    if bound.low <= 0:
        return (
            "No distance is proven, and none is excluded: a classifier does not tell "
            f"{n} apart with certainty (total variation >= 0 at {level}). More images prove more.",
        )
    return (
        f"At least {math.floor(100 * bound.low)} of 100 generated images would have to be "
        "exchanged to give them the real ones' distribution (total variation >= "
        f"{_down(bound)} at {level}, from {n}).",
        f"A classifier of the images is right about {100 * accuracy.found.value:.0f} times in 100 "
        f"({_range(accuracy.found, 100, 0)}; 50 is guessing). Fewer images prove less: a plan's "
        "quick look at some of them tends to a smaller bound.",
    )


def _same(report: GapReport) -> bool:
    return report.shared == len(report.generated) == len(report.real)


def _unsound(report: GapReport) -> bool:
    mirrored = report.row("total variation, images").mirrored
    return mirrored is not None and mirrored.low > 0


# ---- what it is made of


def _made_of(report: GapReport) -> tuple[str, ...]:
    by_name = {check.name: check for check in report.checks}
    said = []
    if report.shared and not _same(report):
        said.append(
            f"{report.shared:,} of {len(report.generated):,} generated images are copies of real "
            "ones: they make the distance smaller and bring nothing new."
        )
    if report.format_share is not None:
        said += _format(report.format_share)
    elif by_name["file format"].differs:
        said.append(
            f"The files differ ({by_name['file format'].says}); what that makes of the distance is "
            "not known and not subtracted."
        )
    detail = by_name["fine detail"]
    if detail.differs and detail.found is not None and detail.control is not None:
        said.append(
            f"Generated images have {'more' if detail.found.value > 1 else 'less'} fine detail: "
            f"{detail.found.value:.2f} times the real ones' ({_range(detail.found)}; real against "
            f"real {_range(detail.control)})."
        )
    if by_name["colour"].differs:
        said.append(f"Colours differ: {by_name['colour'].says}.")
    if by_name["sizes"].differs:
        said.append(
            f"The sides had different sizes ({by_name['sizes'].says}): resizing leaves traces that "
            "are measured as distance."
        )
    said += _ground(report)
    alike = [name for name, check in by_name.items() if not check.differs and name != "copies"]
    if alike:
        said.append(f"No difference is seen in {', '.join(alike)}.")
    return tuple(said)


def _format(share: FormatShare) -> list[str]:
    bound, *distances = share.rows
    other = "generated" if share.resaved == "real" else "real"
    saved = (
        f"The {other} images were saved as JPEG of quality {share.quality}, the {share.resaved} "
        "ones were not."
    )
    n = f"{bound.as_is.n_real:,} + {bound.as_is.n_generated:,} images"
    alone = (
        f"That alone is told apart (total variation >= {_down(bound.alone)})"
        if bound.alone.low > 0
        else "That alone is not told apart with certainty"
    )
    left = f"{_down(bound.alike)} with both sides saved so"
    numbers = f"the bound is {_down(bound.as_is)} as they are, {left}, {n}"
    if bound.as_is.low <= 0:
        meaning = "nothing is proven with it or without it"
    elif bound.alike.low >= _KEPT * bound.as_is.low:
        meaning = "it is not what tells these images apart"
    elif bound.alike.low > 0:
        meaning = "it is a part of what tells these images apart"
    else:
        meaning = "without it no distance is proven"
    joined = "and" if bound.alone.low <= 0 or "not" not in meaning else "but"
    return [saved, f"{alone}, {joined} {meaning}: {numbers}.", *map(_explained, distances)]


def _explained(row: FormatRow) -> str:
    """Of a distance that is an estimate: what is left of it when both sides are saved alike."""
    numbers = (
        f"{row.as_is:.3f} as they are, {row.alike:.3f} saved alike, {row.alone:.3f} the format "
        "alone"
    )
    name = row.measure[0].upper() + row.measure[1:]
    if row.as_is.low <= 0:
        return f"{name}: there is hardly a distance to explain ({numbers})."
    if row.alike.low > row.as_is.high:
        return f"{name}: saved alike the sides are farther apart ({numbers})."
    if row.alike.high >= row.as_is.low:
        return f"{name}: what the format makes of it is within the intervals ({numbers})."
    explained = 100 * (1 - row.alike.value / row.as_is.value)
    much = "most" if explained > 50 else "a part"
    return f"{name}: the format makes {much} of it, about {explained:.0f} % ({numbers})."


def _ground(report: GapReport) -> list[str]:
    """Where generated images lie among the real ones, as far as real ones do it otherwise."""
    words = {
        "precision": "Some generated images lie where real ones do not",
        "coverage": "Parts of the real images' ground have no generated image",
    }
    said = []
    for measure, meaning in words.items():
        row = report.row(measure)
        if row.mirrored is not None and row.found.high < row.mirrored.low:
            said.append(
                f"{meaning} ({measure} {row.found.value:.2f}, {_range(row.found)}; real against "
                f"real {_range(row.mirrored)})."
            )
    near, chance = report.memorised.near, _chance(report)
    if near.low > chance.high:
        said.append(
            "More generated images lie very near to training images than chance brings there: "
            f"{_range(near, 100, 1)} %, of real ones {_range(chance, 100, 1)} %."
        )
    return said


def _chance(report: GapReport) -> GapEstimate:
    """How many real images lie as near: a threshold that few of them set may be another one."""
    found = report.memorised
    n = found.near.n_real
    if found.reference == "held-out real rows":
        others = report.row("kernel distance").mirrored
        assert others is not None
        n = others.n_generated
    level = found.near.confidence
    near = wilson_interval(math.ceil(found.quantile * n), n, level)
    return GapEstimate(found.quantile, near.low, near.high, found.near.n_real, n, confidence=level)


# ---- what it changes


def _decision(report: GapReport) -> tuple[str, ...]:
    bound = report.row("total variation, images").found
    said = []
    if bound.low > 0 and not _unsound(report):
        left = " and ".join(f"{_down(bound, 1 - beta)} at {beta:.2g}" for beta in BETAS)
        said.append(
            "Real images of weight beta in the mixture leave 1 - beta of the distance: at least "
            f"{left}."
        )
    share = report.format_share
    if share is not None:
        said.append(
            f"To rule the format out, save the {share.resaved} images as JPEG of quality "
            f"{share.quality}, too, before training."
        )
    by_name = {check.name: check for check in report.checks}
    if by_name["sizes"].differs:
        said.append("Bring both sides to one size in one way.")
    if "red and blue swapped" in by_name["colour"].says:
        said.append("Import the generated images with --channel-order bgr.")
    if report.shared:
        said.append("A plan counts generated images without these copies.")
    said.append(
        "Whether these images help a learner is not measured here: adainf plan --run compares the "
        "arms."
    )
    return tuple(said)


# ---- numbers


def _down(estimate: GapEstimate | None, times: float = 1.0) -> str:
    assert estimate is not None
    return rounded_down(times * max(0.0, estimate.low))


def _range(estimate: GapEstimate, times: float = 1.0, digits: int = 2) -> str:
    return f"{times * estimate.low:.{digits}f} to {times * estimate.high:.{digits}f}"

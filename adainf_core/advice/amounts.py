"""How many generated images: arms of AdaInf with fewer of them, and the answer they give.

The axis runs from none (the arm *weak*: real images alone, under AdaInf's augmentation) to all (the
arm *adainf*). Each amount has the N whose share of real draws is nearest to the paper's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from adainf_core.data.inflation import paper_replication
from adainf_core.evidence.judging.claims import Contrast, beats
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.evidence.runs.grid import Arm
from adainf_core.validation import as_positive

#: Generated images for every real one that a comparison looks at between none and all.
AMOUNTS = (1.0, 3.0)
NONE, ALL = "weak", "adainf"
_BETWEEN = re.compile(r"adainf_(.+)x")


def between(amounts: Sequence[float], n_real: int, n_generated: int) -> tuple[float, ...]:
    """Those of `amounts`, ascending, that are clearly fewer than all: four fifths or less."""
    wanted = sorted({as_positive(amount, "amounts") for amount in amounts})
    return tuple(one for one in wanted if 1 <= round(one * n_real) <= 0.8 * n_generated)


def arms_of(amounts: Sequence[float], n_real: int, n_generated: int) -> dict[str, Arm]:
    """An arm of AdaInf for each of `amounts` that is `between` none and all."""
    counts = {one: round(one * n_real) for one in between(amounts, n_real, n_generated)}
    return {
        f"{ALL}_{one:g}x": Arm(
            f"AdaInf, {one:g}x",
            {
                "pretrain.policy": "weak",
                "amount": count,
                "replication": float(paper_replication(n_real, count)),
            },
        )
        for one, count in counts.items()
    }


def axis(arms: Iterable[str]) -> tuple[str, ...]:
    """The arms of the axis that are among `arms`, from none to all."""
    there = set(arms)
    found = [(float(match[1]), arm) for arm in there if (match := _BETWEEN.fullmatch(arm))]
    middle = [arm for _, arm in sorted(found)]
    return tuple(arm for arm in (NONE, *middle, ALL) if arm in there)


def name_of(arm: str) -> str:
    """An amount in words."""
    match = _BETWEEN.fullmatch(arm)
    return f"{match[1]}x" if match else {NONE: "none", ALL: "all"}[arm]


def amount_claims(arms: Iterable[str]) -> tuple[Contrast, ...]:
    """That more beats fewer, for each pair of the amounts among `arms`: one family."""
    return tuple(
        beats(
            f"{more}_{fewer}", f"{name_of(more)} beats {name_of(fewer)}", "own-images", more, fewer,
            asked_by="control",
        )
        for fewer, more in combinations(axis(arms), 2)
    )  # fmt: skip


def answer(verdicts: Sequence[Verdict]) -> str:
    """The sentence on how many generated images to take, from the verdicts on `amount_claims`.

    An amount is out of the question where another one's interval lies wholly above its own. The
    least and the most that are left, and the interval between them, are what is said.
    """
    known = [found for found in verdicts if found.outcome != Outcome.NOT_RUN]
    if not known:
        return "not run: the amounts share fewer than two seeds"
    order = axis({arm for found in known for arm in found.claim.arms})
    beaten = set()
    for found in known:
        more, fewer = found.claim.arms
        assert found.difference is not None  # it has run
        if found.difference.low > 0:
            beaten.add(fewer)
        elif found.difference.high < 0:
            beaten.add(more)
    left = [arm for arm in order if arm not in beaten] or list(order)

    def gain(more: str, fewer: str) -> str:
        (found,) = (one for one in known if one.claim.arms == (more, fewer))
        return f"{name_of(more)} less {name_of(fewer)}: {found.difference:+.1f} points"

    if len(left) == 1:
        (best,) = left
        place = order.index(best)
        others = [
            gain(best, order[place - 1]) if place else "",
            gain(order[place + 1], best) if place + 1 < len(order) else "",
        ]
        return f"{name_of(best)} ({'; '.join(filter(None, others))})"
    names = ", ".join(map(name_of, left[:-1])) + f" or {name_of(left[-1])}"
    if NONE in left:
        return f"not decided between {names} ({gain(left[-1], NONE)})"
    return (
        f"some, rather than none ({gain(left[-1], NONE)}); not decided between {names} "
        f"({gain(left[-1], left[0])})"
    )

"""Forest plots of claims, and alt texts that are made of what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from adainf_core.evidence.judging.claims import Claim, Contrast
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.figures import Shown, differences, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 300  # characters of an alt text (`figures.draw`)


def alt_text(lead: str, parts: Iterable[str] = (), separator: str = "; ") -> str:
    """`lead` and as many of `parts` as an alt text has room for; it says how many it leaves out."""
    parts = list(parts)
    for kept in range(len(parts), -1, -1):
        left = len(parts) - kept
        shown = separator.join(parts[:kept] + ([f"and {left} more"] if left else []))
        text = f"{lead} {shown}." if shown else lead
        if len(text) <= LONGEST:
            return text
    raise ValueError(f"the alt text begins with {len(lead)} characters: at most {LONGEST} fit")


def short_name(claim: Claim) -> str:
    """A claim's name beside a mark in a figure; its whole statement if it has no short one."""
    return claim.short or claim.statement


def forest(
    verdicts: Iterable[Verdict],
    *,
    what: str = "paired differences",
    names: Mapping[str, str] | None = None,
    height: float | None = None,
    dress: Callable[[Axes], None] | None = None,
) -> Shown:
    """Forest plot of the differences among `verdicts`, a row each with its interval and verdict.

    Claims of another kind are left out. `what` is what the alt text calls the rows, `names` maps
    claims' keys to other names than their short ones, and `dress(axes)` draws what is particular to
    one page on top. The alt text gives each row's verdict.
    """
    rows = [v for v in verdicts if v.outcome == Outcome.NOT_RUN or v.difference is not None]
    rows = [v for v in rows if isinstance(v.claim, Contrast)]
    labels = [(names or {}).get(v.claim.key, short_name(v.claim)) for v in rows]

    def paint(ax: Axes) -> None:
        differences(ax, rows, labels)
        if dress is not None:
            dress(ax)

    said = [f"{' '.join(name.split())}: {v.words}" for name, v in zip(labels, rows, strict=True)]
    if height is None:
        height = 0.75 + (0.42 if any("\n" in name for name in labels) else 0.36) * len(rows)
    alt = alt_text(f"Forest plot of {len(rows)} {what} with corrected intervals:", said)
    return draw(paint, height=height, alt=alt)

"""Numbers for prose: glued under a name, in one format for each kind of number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.figures.typesetting import typeset
from adainf_core.statistics.intervals import Interval

#: The word for a claim that more seeds have to decide.
NOT_DECIDED = "not decided"
_NOT_YET = "not run yet"


def tell(prefix: str, named: Mapping[str, Any] | None = None, /, **values: Any) -> None:
    """Glue values for prose: {glue:text}`prefix-name` shows each.

    Names that are no Python names stand in the mapping `named`. Text is shown as it is, a whole
    number with commas between thousands, an `Interval` as points with its n (`points`), another
    number in its shortest form, and None as "not run yet"; numbers are `typeset`.
    """
    from myst_nb import glue

    for name, value in (dict(named or {}) | values).items():
        glue(f"{prefix}-{name}", typeset(_text(value)), display=False)


def points(found: Interval | None, spec: str = "+.2f", unit: str = " points") -> str:
    """A difference for a sentence, "+1.20 [+0.70, +1.70] points, n = 5"; None: "not run yet"."""
    return _NOT_YET if found is None else f"{found:{spec}}{unit}, n = {found.n}"


def said(verdict: Verdict) -> str:
    """What was read of a claim: its difference in points, best level, correlation or bracket."""
    return verdict.summary


def brief(verdict: Verdict) -> str:
    """As `said`, without the unit: "+1.20 [+0.70, +1.70], n = 5"."""
    return said(verdict).replace(" points", "")


def phrase(verdict: Verdict) -> str:
    """The verdict in words: "holds", "costs accuracy" ..."""
    return verdict.words


def in_full(verdict: Verdict) -> str:
    """What was read and the verdict: "+1.20 [+0.70, +1.70] points, n = 5: holds"."""
    read, word = said(verdict), phrase(verdict)
    return read if word in (read, Outcome.NOT_RUN) else f"{read}: {word}"


def published(verdict: Any, source: str = "") -> float | None:
    """The first difference in points that the paper gives for a claim; None if it gives none.

    `source` begins the place in the paper that it is read from, if one has to be chosen.
    """
    for entry in getattr(verdict.claim, "published", ()):
        if entry.difference is not None and entry.source.startswith(source):
            return entry.difference
    return None


def inside(verdict: Any, source: str = "") -> bool | None:
    """Whether our interval holds that number; None where either is missing."""
    theirs = published(verdict, source)
    return None if None in (theirs, verdict.difference) else theirs in verdict.difference


def holds(sentence: str, so: bool) -> None:
    """Guard a sentence of the page that no number is glued into: AssertionError if it is false."""
    if not so:
        raise AssertionError(f"no longer true, rewrite it: {sentence}")


def _text(value: Any) -> str:
    if value is None or isinstance(value, Interval):
        return points(value)
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)

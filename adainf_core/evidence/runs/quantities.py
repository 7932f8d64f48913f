"""Kinds of numbers: where each lies, and how far a repetition on another machine may be off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """A kind of number that lies from `low` to `high`.

    With the versions and on the device of a record it repeats to the last digit. Elsewhere sums
    have another order, and it may be off by `apart`, in its own unit, or by `share` of its size,
    whichever is more.
    """

    low: float = -math.inf
    high: float = math.inf
    apart: float = 0.0
    share: float = 0.0

    def tolerance(self, value: float) -> float:
        """How far from `value` a repetition elsewhere may be."""
        return max(self.apart, self.share * abs(value))


# With a processor's wide instructions switched off, ten steps moved the loss by up to 2.2 % of its
# size, and accuracies on some hundred images by up to 4.5 points.
LOSS = Quantity(share=0.03)
#: Accuracies and errors in percent, of networks whose training begins to differ in the last digit.
PERCENT = Quantity(0.0, 100.0, apart=8.0)
#: Scores of features, in many units, of networks whose training begins to differ likewise.
SCORE = Quantity(share=0.3, apart=0.1)
#: What an experiment's small version gives beside its metrics (`one_run.rehearse`).
LAST_LOSS = {"last_loss": LOSS}


@lru_cache(maxsize=4096)
def quantity_of(kind: Any, metric: str) -> Quantity | None:
    """What kind of number `metric` is in experiments of class `kind`; None where it is none.

    `kind.quantities` maps names of metrics, or patterns of them with "*", to quantities; the first
    that fits counts.
    """
    table: Mapping[str, Quantity] = {**kind.quantities, **LAST_LOSS}
    fits = (quantity for name, quantity in table.items() if fnmatchcase(metric, name))
    return next(fits, None)


def misplaced(kind: Any, metric: str, value: float) -> str:
    """Why experiments of class `kind` cannot have found `value`; nothing where they can."""
    quantity = quantity_of(kind, metric)
    if quantity is None:
        return f"{metric} is nothing that {kind.kind!r} experiments measure"
    if not quantity.low <= value <= quantity.high:
        return f"{metric}={value!r} lies outside {quantity.low:g} to {quantity.high:g}"
    return ""

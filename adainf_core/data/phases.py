"""Phases: a mixture whose weights change in training, such as generated first, real last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adainf_core.data.inflation import Inflation
from adainf_core.validation import as_count


@dataclass(frozen=True)
class Phases:
    """Mixtures of the same two sides, one after another: (its last step, `Inflation`) each.

    The last phase goes on for ever. Raises ValueError for steps that do not rise, and for mixtures
    of other images than the first's.
    """

    phases: tuple[tuple[int, Inflation], ...]

    def __post_init__(self) -> None:
        as_count(len(self.phases), "the number of phases", 1)
        ends = [as_count(end, "the end of a phase", 1) for end, _ in self.phases]
        if ends != sorted(set(ends)):
            raise ValueError(f"phases end at steps {ends}: each has to end after the one before")
        first = self.phases[0][1]
        for _, other in self.phases[1:]:
            if [id(side) for side in other.images] != [id(side) for side in first.images]:
                raise ValueError(
                    f"phases are of other images, {first.describe()} and {other.describe()}: make "
                    "them of the same two sides, by dataclasses.replace(first, beta=...)"
                )

    def at(self, step: int) -> Inflation:
        """The mixture of `step`."""
        return next((data for end, data in self.phases if step < end), self.phases[-1][1])

    @property
    def real(self) -> Any:
        """The real images."""
        return self.phases[0][1].real

    @property
    def images(self) -> Sequence[np.ndarray]:
        """The two sides, real first."""
        return self.phases[0][1].images

    @property
    def labels(self) -> np.ndarray | None:
        """Those of the real images; None where they have none."""
        return self.phases[0][1].labels

    def batch(
        self, step: int, batch_size: int, seed: int, rows: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Inflation.batch`, of the mixture of `step`."""
        return self.at(step).batch(step, batch_size, seed, rows)

    def describe(self) -> str:
        """The phases in one line."""
        parts = [f"until step {end:,}: beta = {data.beta:.4f}" for end, data in self.phases]
        return f"{self.phases[0][1].describe()}; {', '.join(parts)}"

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell this training set from others."""
        own = self.phases[0][1].fingerprint()
        plan = [[end, data.beta] for end, data in self.phases]
        return own | {"phases": plan, "mixture": f"{self.real.name}: {self.describe()}"}

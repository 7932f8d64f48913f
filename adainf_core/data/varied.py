"""Varied images: an inflation whose real images have variations, for the roles of `learning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adainf_core.data.inflation import Inflation
from adainf_core.data.paired import PairedImages
from adainf_core.validation import in_words


@dataclass(frozen=True)
class Varied:
    """An `inflation`, and `pairs`: variations of its real images.

    Batches are those of the inflation; `variations` is what roles draw besides. Raises ValueError
    for anything else, and where the pairs are of other images.
    """

    inflation: Inflation
    pairs: PairedImages

    def __post_init__(self) -> None:
        for name, kind in (("inflation", Inflation), ("pairs", PairedImages)):
            given = getattr(self, name)
            if not isinstance(given, kind):
                raise ValueError(f"{name}={in_words(given)} must be {kind.__name__}(...)")
        self.pairs.check_fits(self.inflation.real)

    @property
    def k(self) -> int:
        """How many variations an image has."""
        return self.pairs.k

    @property
    def images(self) -> Sequence[np.ndarray]:
        """The inflation's sides, real first."""
        return self.inflation.images

    @property
    def labels(self) -> np.ndarray | None:
        """Those of the real images; None where they have none."""
        return self.inflation.labels

    def batch(
        self, step: int, batch_size: int, seed: int, rows: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Inflation.batch`."""
        return self.inflation.batch(step, batch_size, seed, rows)

    def variations(self, ids: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Variation `which` of each of `ids`, both int (n,), as uint8 (n, 3, h, w).

        A generated image has none, and is its own.
        """
        found = self.inflation.gather(ids)
        real = self.inflation.is_real(ids)
        found[real] = self.pairs.images[ids[real], which[real]]
        return found

    def describe(self) -> str:
        """The mixture and the variations, in one line."""
        return f"{self.inflation.describe()}; {self.pairs.describe()}"

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell this training set from others."""
        own = self.inflation.fingerprint()
        mixture = f"{own['mixture']}; {self.pairs.describe()}"
        return own | {"pairs": self.pairs.fingerprint(), "mixture": mixture}

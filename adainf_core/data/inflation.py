"""Inflation: the training law P_t = beta P_d + (1 - beta) P_g by index arithmetic, no copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adainf_core.data.images import ImageSet


@dataclass(frozen=True)
class Inflation:
    """Real images, a generator's images, and the weight each side carries.

    Give `replication` N (each real image counts N times beside every generated one, paper section
    3.1) or `beta`, the share of real draws, not both; N = 1 is the paper's vanilla inflation.
    Without generated images beta is 1. Draws are i.i.d. from P_t: an image is real with probability
    `beta`, then uniform within its side. That is the law replication stands for, at the cost of
    no memory.

    Raises ValueError for beta outside [0, 1], N below 1, both given, or images of two sizes.
    """

    real: ImageSet
    generated: ImageSet | None = None
    replication: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        if self.replication is not None and self.beta is not None:
            raise ValueError(
                f"both replication={self.replication} and beta={self.beta} given: one fixes the "
                "other, drop one"
            )
        if self.generated is None:
            if self.beta not in (None, 1.0):
                raise ValueError(f"beta={self.beta} asks for generated images, but none are given")
            object.__setattr__(self, "beta", 1.0)
            return
        if self.real.images.shape[1:] != self.generated.images.shape[1:]:
            raise ValueError(
                f"real images are {self.real.images.shape[1:]}, generated ones "
                f"{self.generated.images.shape[1:]}: resize one side, e.g. with downsampled()"
            )
        if self.beta is None:
            replication = 1.0 if self.replication is None else self.replication
            if not replication >= 1:
                raise ValueError(
                    f"replication={replication} is below 1; use beta for smaller shares"
                )
            weighted = replication * len(self.real)
            object.__setattr__(self, "beta", weighted / (weighted + len(self.generated)))
        elif not 0 <= self.beta <= 1:
            raise ValueError(f"beta={self.beta} is outside [0, 1]: it is the share of real draws")

    @property
    def images(self) -> list[np.ndarray]:
        """The two sides, real first; indices from `draw_indices` run through them in this order."""
        sides = [self.real, self.generated]
        return [side.images for side in sides if side is not None]

    def draw_indices(
        self, batch_size: int, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Indices int64 (batch_size,) into real-then-generated, and the mask of the real ones."""
        assert self.beta is not None  # settled when the mixture was made
        n_real = len(self.real)
        is_real = generator.random(batch_size) < self.beta
        indices = generator.integers(0, n_real, batch_size)
        if self.generated is not None:
            other = n_real + generator.integers(0, len(self.generated), batch_size)
            indices = np.where(is_real, indices, other)
        return indices, is_real

    def draw(
        self, batch_size: int, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """A batch from P_t: images uint8 (batch_size, 3, h, w) and the mask of the real ones."""
        indices, is_real = self.draw_indices(batch_size, generator)
        batch = np.empty((batch_size, *self.real.images.shape[1:]), dtype=np.uint8)
        batch[is_real] = self.real.images[indices[is_real]]
        if self.generated is not None:
            batch[~is_real] = self.generated.images[indices[~is_real] - len(self.real)]
        return batch, is_real

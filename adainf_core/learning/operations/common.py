"""What every operation can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    import torch


class ViewOperation(ABC):
    """What a view may undergo; `uniforms` is how many random numbers a view takes for it."""

    name: str
    uniforms: ClassVar[int]

    @abstractmethod
    def apply(self, views: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The views afterwards: float32 (n, 3, h, w) in [0, 1], as before.

        `noise` (n, `uniforms`) is uniform on [0, 1), row i that of view i. Branches on no value
        of a tensor, so that views compile to one graph.
        """

    @abstractmethod
    def scaled(self, strength: float) -> Self:
        """The operation at another strength, as in `AugmentationPolicy.scaled`: 0 does nothing."""

    def for_image_size(self, size: int, reference: int) -> Self:
        """The operation on images of `size` pixels instead of `reference`."""
        return self

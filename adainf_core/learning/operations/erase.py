"""Random erasing (Zhong et al. 2020): a box of the view becomes one grey."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from adainf_core.learning.operations.common import ViewOperation
from adainf_core.validation import as_number, in_words

if TYPE_CHECKING:
    import torch

_TRIES = 10
_WIDTHS = (1, _TRIES, _TRIES, 1, 1)


@dataclass(frozen=True)
class Erase(ViewOperation):
    """A box of a share `p` of the views becomes `value`, as by torchvision's RandomErasing.

    The box has a share of the view's area in `scale` and a height over width in `ratio`, uniform
    in the logarithm; the first of ten tries that is smaller than the view both ways is taken, and
    nothing is erased where none is. Raises ValueError for a probability or value outside [0, 1]
    or a range that is not one.
    """

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0.0
    name: Literal["erase"] = "erase"

    uniforms: ClassVar[int] = sum(_WIDTHS)

    def __post_init__(self) -> None:
        for name in ("p", "value"):
            if not 0 <= as_number(getattr(self, name), f"erase: {name}") <= 1:
                raise ValueError(f"erase: {name}={getattr(self, name)} lies outside [0, 1]")
        for name in ("scale", "ratio"):
            value = getattr(self, name)
            if not (isinstance(value, tuple) and len(value) == 2):
                raise ValueError(f"erase: {name}={in_words(value)}: give a pair of numbers")
            low, high = (as_number(end, f"erase: {name}") for end in value)
            if not 0 < low <= high < math.inf:
                raise ValueError(f"erase: {name}={(low, high)}: need 0 < low <= high < inf")
        if self.scale[1] > 1:
            raise ValueError(f"erase: scale={self.scale}: a box is at most the whole view, 1")

    def scaled(self, strength: float) -> Erase:
        """The operation `strength` times as often."""
        return replace(self, p=strength * self.p)

    def apply(self, views: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The views (n, 3, h, w) with boxes drawn by `noise` (n, `uniforms`) erased."""
        import torch

        h, w = views.shape[2:]
        chance, area, aspect, down, right = noise.split(_WIDTHS, 1)
        box = h * w * (self.scale[0] + (self.scale[1] - self.scale[0]) * area)
        low, high = map(math.log, self.ratio)
        ratio = (low + (high - low) * aspect).exp()
        heights, widths = (box * ratio).sqrt().round(), (box / ratio).sqrt().round()
        fits = (heights < h) & (widths < w)
        first = fits.int().argmax(1, keepdim=True)
        height, width = heights.gather(1, first), widths.gather(1, first)
        erased = fits.gather(1, first) & (chance < self.p)
        rows = _within(down, height, torch.arange(h, device=views.device))
        columns = _within(right, width, torch.arange(w, device=views.device))
        inside = (erased & rows)[:, None, :, None] & columns[:, None, None, :]
        return views.masked_fill(inside, self.value)


def _within(uniform: torch.Tensor, length: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Which `places` (m,) are in a stretch of `length`, put down by `uniform`: bool (n, m)."""
    room = len(places) - length
    start = (uniform * (room + 1)).floor().minimum(room)  # rounding may reach room + 1
    return (places >= start) & (places < start + length)

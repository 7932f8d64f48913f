"""Dilution: a perfect generator that now and then hands out another's image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.generators.generator import Generator, stream
from adainf_core.validation import as_count, as_share


@dataclass(frozen=True, eq=False)
class Diluted:
    """The mixture distribution P_g = (1 - τ) P_d + τ Q, with τ the `share` in [0, 1].

    Each image comes from `other`, Q, with probability τ, independently of all else, and otherwise
    from `perfect`, P_d. So D_TV(P_g, P_d) = τ D_TV(Q, P_d): at most τ, and τ itself exactly where Q
    and P_d never make the same image; a test that tells Q's images from real ones with balanced
    accuracy a shows that it is at least τ (2a - 1). Where both sides draw i.i.d. so does the
    mixture. With held-out images as `perfect` (see `HeldOut`) they are exchangeable draws of a
    finite pool, so this is the mixture's distribution if the pool is an i.i.d. sample of P_d.
    """

    perfect: Generator
    other: Generator
    share: float

    def __post_init__(self) -> None:
        as_share(self.share, "share")

    def is_other(self, count: int, seed: int = 0) -> np.ndarray:
        """Mask bool (count,): which images of `sample(count, seed)` come from Q."""
        return stream(seed, "coins").random(as_count(count, "count", 1)) < self.share

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images, deterministic given `seed`.

        Raises ValueError where the two sides make images of different sizes.
        """
        from_other = self.is_other(count, seed)
        sides = []
        pairs = ((self.perfect, ~from_other), (self.other, from_other))
        for number, (side, chosen) in enumerate(pairs):
            if chosen.any():
                own = int(stream(seed, "side", number).integers(2**32))
                sides.append((chosen, side.sample(int(chosen.sum()), own).images))
        shapes = {images.shape[1:] for _, images in sides}
        if len(shapes) > 1:
            raise ValueError(f"perfect and other make images of shapes {shapes}: resize one side")
        drawn = np.empty((count, *shapes.pop()), np.uint8)
        for chosen, images in sides:
            drawn[chosen] = images
        return ImageSet(drawn, None, f"diluted-{self.share:g}")

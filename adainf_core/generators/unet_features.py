"""A diffusion model as an encoder: what a block of its network makes of slightly noisy images.

An unconditional diffusion model has learnt from images alone, as a contrastive encoder has, so its
own features are the control that generated images have to beat (Xiang et al. 2023).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import training_schedule
from adainf_core.validation import as_choice, as_number

#: Noise levels, as shares of the model's chain, that are tried where none is named.
NOISES = (0.02, 0.1, 0.3)


def blocks_of(generator: DiffusionGenerator) -> tuple[str, ...]:
    """The blocks whose features can be asked for, from the image in to the image out."""
    unet = generator.unet
    downs, ups = (range(len(blocks)) for blocks in (unet.down_blocks, unet.up_blocks))
    return (*(f"down{n}" for n in downs), "mid", *(f"up{n}" for n in ups))


def depths_of(generator: DiffusionGenerator) -> tuple[str, str, str]:
    """The three blocks that are tried where none is named: before, in and after the middle."""
    blocks = blocks_of(generator)
    middle = blocks.index("mid")
    return blocks[middle - 1], "mid", blocks[min(middle + 1 + (middle > 1), len(blocks) - 1)]


class UNetFeatures(nn.Module):
    """The mean over places of what `block` gives for images at `noise`, a share of the chain.

    Called on float images (b, 3, h, w) in [0, 1] of the model's size it returns features (b, d).
    The noise is one picture for all images, so that features are a function of the image alone.
    ValueError for a block that the network has not and a noise outside [0, 1).
    """

    def __init__(
        self, generator: DiffusionGenerator, block: str = "mid", noise: float = 0.1
    ) -> None:
        super().__init__()
        as_choice(block, "block", blocks_of(generator))
        if not 0 <= as_number(noise, "noise") < 1:
            raise ValueError(
                f"noise={noise} is outside [0, 1): a share of the model's noise levels"
            )
        self.unet, self.block, self.noise = generator.unet, block, float(noise)
        squares = training_schedule(generator.schedule).alphas_cumprod
        self.level = math.floor(noise * len(squares))
        self.signal = float(squares[self.level])
        draw = torch.randn((1, *generator.image_shape), generator=torch.Generator().manual_seed(0))
        self.register_buffer("picture", draw.to(next(generator.unet.parameters()).device))

    def extra_repr(self) -> str:
        """What a cache of features tells encoders apart by, besides their weights."""
        return f"block={self.block}, level={self.level}"

    def _hooked(self) -> nn.Module:
        if self.block == "mid":
            return self.unet.mid_block
        side, number = self.block.rstrip("0123456789"), int(self.block.lstrip("downup"))
        return (self.unet.down_blocks if side == "down" else self.unet.up_blocks)[number]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen: list[Any] = []
        noisy = self.signal**0.5 * (2 * images - 1) + (1 - self.signal) ** 0.5 * self.picture
        level = torch.tensor(self.level, device=images.device)
        # for this call alone: other encoders may share the network
        hook = self._hooked().register_forward_hook(lambda _, given, output: seen.append(output))
        try:
            self.unet(noisy, level, return_dict=False)
        finally:
            hook.remove()
        state = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
        return state.float().mean((2, 3))

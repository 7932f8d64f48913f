"""Contrastive objectives."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def nt_xent(z1: torch.Tensor, z2: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """The SimCLR loss (Chen et al. 2020): find your other view among the batch's 2n - 1 others.

    `z1`, `z2` are (n, d) projections of two views, row i of both from one image; they are
    normalised here, in float32 whatever the input. Returns the scalar mean over all 2n views. With
    all embeddings equal it is log(2n - 1). Raises ValueError for n < 2 or a temperature <= 0.
    """
    if z1.shape != z2.shape or len(z1) < 2:
        raise ValueError(
            f"views have shapes {tuple(z1.shape)} and {tuple(z2.shape)}: need two equal (n, d) "
            "with n >= 2"
        )
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} has to be positive")
    n = len(z1)
    # bf16 keeps 8 bits: similarities divided by a small temperature need more
    with torch.autocast(z1.device.type, enabled=False):
        z = F.normalize(torch.cat([z1, z2]).float(), dim=1)
        logits = z @ z.T / temperature
        logits.fill_diagonal_(float("-inf"))
        partner = torch.arange(2 * n, device=z.device).roll(n)
        return F.cross_entropy(logits, partner)

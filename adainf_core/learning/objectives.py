"""Objectives: the losses of two views, as pure functions of embeddings.

All take (n, d) embeddings, row i of both views from one image, and compute in float32 whatever the
input: bf16 keeps eight bits, and similarities divided by a small temperature need more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F


def _in_float32(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @wraps(loss)
    def exact(z1: torch.Tensor, z2: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        if z1.ndim != 2 or z1.shape != z2.shape or len(z1) < 2:
            raise ValueError(
                f"views have shapes {tuple(z1.shape)} and {tuple(z2.shape)}: need two equal "
                "(n, d) with n >= 2"
            )
        with torch.autocast(z1.device.type, enabled=False):
            return loss(z1.float(), z2.float(), *rest, **options)

    return exact


@_in_float32
def nt_xent(
    z1: torch.Tensor,
    z2: torch.Tensor,
    temperature: float = 0.2,
    image_ids: torch.Tensor | None = None,
) -> torch.Tensor:
    """The SimCLR loss (Chen et al. 2020): find your other view among the batch's 2n - 1 others.

    Embeddings are normalised here. Returns the scalar mean over all 2n views; with all embeddings
    equal it is log(2n - 1). With `image_ids` (n,) views of another copy of the same image are left
    out of the others: replication puts copies into a batch, and as negatives they are false.
    Raises ValueError for n < 2 or a temperature <= 0.
    """
    _check_temperature(temperature)
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = z @ z.T / temperature
    partner = torch.arange(2 * n, device=z.device).roll(n)
    excluded = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    if image_ids is not None:
        ids = image_ids.repeat(2)
        excluded = ids[:, None] == ids
        excluded = excluded.scatter(1, partner[:, None], False)
    return F.cross_entropy(logits.masked_fill(excluded, float("-inf")), partner)


@_in_float32
def info_nce(
    q: torch.Tensor, k: torch.Tensor, queue: torch.Tensor, temperature: float = 0.2
) -> torch.Tensor:
    """The MoCo loss (He et al. 2020): find the key `k` of your image among it and a `queue`.

    `queue` is (m, d) keys of earlier batches, normalised; `q` and `k` are normalised here and no
    gradient flows into `k`. With all keys equal it is log(m + 1).
    """
    _check_temperature(temperature)
    q, k = F.normalize(q, dim=1), F.normalize(k.detach(), dim=1)
    positive = (q * k).sum(1, keepdim=True)
    logits = torch.cat([positive, q @ queue.float().T], 1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))


@_in_float32
def byol(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The BYOL loss (Grill et al. 2020): 2 - 2 cos of a prediction and its constant target.

    Between 0 (aligned) and 4 (opposite); no gradient flows into `target`.
    """
    return 2 - 2 * F.cosine_similarity(prediction, target.detach(), dim=1).mean()


@_in_float32
def barlow_twins(
    z1: torch.Tensor, z2: torch.Tensor, redundancy: float = 0.0051, scale: float = 0.1
) -> torch.Tensor:
    """The Barlow Twins loss (Zbontar et al. 2021): cross-correlation of the views near identity.

    Coordinates are standardised over the batch; off-diagonal squares weigh `redundancy` (lambda),
    and all of it `scale`. Zero for uncorrelated coordinates that both views agree on.
    """
    z1, z2 = (F.batch_norm(z, None, None, training=True) for z in (z1, z2))
    correlation = z1.T @ z2 / len(z1)
    diagonal = correlation.diagonal()
    off_diagonal = correlation.square().sum() - diagonal.square().sum()
    return scale * ((1 - diagonal).square().sum() + redundancy * off_diagonal)


@_in_float32
def spectral_contrastive(
    z1: torch.Tensor, z2: torch.Tensor, mu: float | None = None
) -> torch.Tensor:
    """The spectral contrastive loss (HaoChen et al. 2021), whose minimiser the theory speaks of.

    -2 E f(x).f(x+) + E (f(x).f(x'))^2, the second mean over pairs of different images: unbiased
    for the population loss, which is |A - F F^T|^2 up to a constant (chapter on augmentation
    graphs). With `mu` embeddings longer than sqrt(mu) are cut to that length and the loss is
    divided by mu, as the authors train.
    """
    if mu is not None:
        # the norm bounded from below: an embedding of zero would have a gradient of 0 / 0
        z1, z2 = (
            z * (mu**0.5 / z.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1)
            for z in (z1, z2)
        )
    n = len(z1)
    similarity = z1 @ z2.T
    aligned = similarity.diagonal()
    apart = (similarity.square().sum() - aligned.square().sum()) / (n * (n - 1))
    loss = -2 * aligned.mean() + apart
    return loss if mu is None else loss / mu


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} has to be positive")

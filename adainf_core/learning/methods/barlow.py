"""Barlow Twins (Zbontar et al. 2021): coordinates that both views agree on, and uncorrelated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adainf_core.learning.methods.common import Official, check, in_full_precision
from adainf_core.validation import as_number

if TYPE_CHECKING:
    import torch

    from adainf_core.learning.encoders import Encoder
    from adainf_core.learning.networks import Method


@dataclass(frozen=True)
class BarlowTwins:
    """Barlow Twins (Zbontar et al. 2021) on a three-layer projector with batch norm.

    `hidden` and `out` are the projector's sizes; `redundancy` and `scale` go to `barlow_twins`.
    Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 256
    redundancy: float = 0.0051
    scale: float = 0.1
    name: Literal["barlow"] = "barlow"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """The paper's code, scripts/pretrain/cifar (rates times batch x GPUs / 256)."""
        return Official(
            cls(2048, 2048, 0.0051, 0.1),
            optimizer="lars",
            learning_rate=0.3,
            online_learning_rate=0.1,
            weight_decay=1e-4,
            policies=("asymmetric", "asymmetric_adainf"),
            tiny_imagenet={"learning_rate": 0.15, "batch_size": 256},  # one GPU instead of two
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import TwoViewMethod, mlp

        sizes = (encoder.feature_dim, self.hidden, self.hidden, self.out)
        return TwoViewMethod(encoder, mlp(*sizes, batch_norm=True), self.loss)

    def loss(self, z1: torch.Tensor, z2: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """`barlow_twins` of all ranks' embeddings."""
        return barlow_twins(z1, z2, self.redundancy, self.scale)


@in_full_precision
def barlow_twins(
    z1: torch.Tensor, z2: torch.Tensor, redundancy: float = 0.0051, scale: float = 0.1
) -> torch.Tensor:
    """The Barlow Twins loss (Zbontar et al. 2021): cross-correlation of the views near identity.

    Coordinates of the embeddings (n, d) are standardised over the batch; off-diagonal squares
    weigh `redundancy` (lambda), and all of it `scale`. Zero for uncorrelated coordinates that both
    views agree on. Raises ValueError for n < 2.
    """
    import torch.nn.functional as F

    redundancy, scale = as_number(redundancy, "redundancy"), as_number(scale, "scale")
    z1, z2 = (F.batch_norm(z, None, None, training=True) for z in (z1, z2))
    correlation = z1.T @ z2 / len(z1)
    diagonal = correlation.diagonal()
    off_diagonal = correlation.square().sum() - diagonal.square().sum()
    return scale * ((1 - diagonal).square().sum() + redundancy * off_diagonal)

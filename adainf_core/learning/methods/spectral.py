"""The spectral contrastive loss (HaoChen et al. 2021), whose minimiser the theory speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adainf_core.learning.methods.common import Official, check, in_full_precision
from adainf_core.validation import as_positive

if TYPE_CHECKING:
    import torch

    from adainf_core.learning.encoders import Encoder
    from adainf_core.learning.networks import Method


@dataclass(frozen=True)
class Spectral:
    """The spectral contrastive loss (HaoChen et al. 2021) on a two-layer projector.

    `hidden` and `out` are the projector's sizes. `mu` bounds the embeddings' squared length; None
    leaves the loss as the theory has it. Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 64
    mu: float | None = 10.0
    name: Literal["spectral"] = "spectral"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """The CIFAR-10 configuration of the loss's authors; the paper does not train it."""
        return Official(
            cls(1000, 1000, 1.0),
            optimizer="sgd",
            learning_rate=0.06,
            online_learning_rate=0.06,
            weight_decay=5e-4,
            policies=("symmetric", "symmetric_adainf"),
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import TwoViewMethod, mlp

        return TwoViewMethod(encoder, mlp(encoder.feature_dim, self.hidden, self.out), self.loss)

    def loss(self, z1: torch.Tensor, z2: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """`spectral_contrastive` of all ranks' embeddings."""
        return spectral_contrastive(z1, z2, self.mu)


@in_full_precision
def spectral_contrastive(
    z1: torch.Tensor, z2: torch.Tensor, mu: float | None = None
) -> torch.Tensor:
    """The spectral contrastive loss (HaoChen et al. 2021), whose minimiser the theory speaks of.

    -2 E f(x).f(x+) + E (f(x).f(x'))^2 of embeddings (n, d), the second mean over pairs of
    different images: unbiased for the population loss, which is |A - F F^T|^2 up to a constant
    (chapter on augmentation graphs). With `mu` embeddings longer than sqrt(mu) are cut to that
    length and the loss is divided by mu, as the authors train. Raises ValueError for n < 2.
    """
    if mu is not None:
        mu = as_positive(mu, "mu")
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

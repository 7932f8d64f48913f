"""VICReg (Bardes et al. 2022): views agree, coordinates vary, and do so without each other."""

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
class VICReg:
    """VICReg (Bardes et al. 2022) on a three-layer projector with batch norm.

    `hidden` and `out` are the projector's sizes; `invariance`, `variance` and `covariance` weigh
    the three terms of `vicreg`. Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 256
    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0
    name: Literal["vicreg"] = "vicreg"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """solo-learn's CIFAR configuration, its rate for 256 images doubled for 512.

        The paper does not train it; the policies are those of Barlow Twins, its nearest kin.
        """
        return Official(
            cls(2048, 2048),
            optimizer="lars",
            learning_rate=0.6,
            online_learning_rate=0.1,
            weight_decay=1e-4,
            policies=("asymmetric", "asymmetric_adainf"),
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import TwoViewMethod, mlp

        sizes = (encoder.feature_dim, self.hidden, self.hidden, self.out)
        return TwoViewMethod(encoder, mlp(*sizes, batch_norm=True), self.loss)

    def loss(self, z1: torch.Tensor, z2: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """`vicreg` of all ranks' embeddings."""
        return vicreg(z1, z2, self.invariance, self.variance, self.covariance)


@in_full_precision
def vicreg(
    z1: torch.Tensor,
    z2: torch.Tensor,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> torch.Tensor:
    """The VICReg loss (Bardes et al. 2022) of embeddings (n, d): a weighted sum of three terms.

    Invariance is the mean squared difference of the views, over coordinates too, as in the
    authors' code. For each view, and added up, variance is the mean of max(0, 1 - s) over the
    coordinates' standard deviations s = sqrt(Var + 1e-4), and covariance the sum of squared
    covariances of different coordinates, divided by d; both with n - 1 degrees of freedom. Zero
    for views that agree on uncorrelated coordinates of unit variance. Raises ValueError for n < 2.
    """
    invariance = as_number(invariance, "invariance")
    variance, covariance = as_number(variance, "variance"), as_number(covariance, "covariance")
    n, d = z1.shape
    loss = invariance * (z1 - z2).square().mean()
    for z in (z1, z2):
        centred = z - z.mean(0)
        products = centred.T @ centred / (n - 1)
        variances = products.diagonal()
        shortfall = (1 - (variances + 1e-4).sqrt()).clamp(min=0).mean()
        off_diagonal = products.square().sum() - variances.square().sum()
        loss = loss + variance * shortfall + covariance * off_diagonal / d
    return loss

"""BYOL (Grill et al. 2020): predict the other view's slow embedding, without negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adainf_core.learning.methods.common import Official, check, in_full_precision

if TYPE_CHECKING:
    import torch

    from adainf_core.learning.encoders import Encoder
    from adainf_core.learning.networks import Method


@dataclass(frozen=True)
class BYOL:
    """BYOL (Grill et al. 2020): predict the other view's momentum projection; no negatives.

    `hidden` and `out` are the sizes of projector and predictor; `momentum` rises from its first to
    its second value along a cosine. Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 64
    momentum: tuple[float, float] = (0.99, 1.0)
    name: Literal["byol"] = "byol"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """The paper's code, scripts/pretrain/cifar (rates times batch x GPUs / 256)."""
        return Official(
            cls(4096, 256, (0.99, 1.0)),
            optimizer="lars",
            learning_rate=1.0,
            online_learning_rate=0.1,
            weight_decay=1e-5,
            policies=("asymmetric", "asymmetric_adainf"),
            # one GPU instead of two
            tiny_imagenet={"learning_rate": 0.5, "weight_decay": 1e-6, "batch_size": 256},
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import PredictorMethod, mlp

        projector = mlp(encoder.feature_dim, self.hidden, self.out, batch_norm=True)
        predictor = mlp(self.out, self.hidden, self.out, batch_norm=True)
        return PredictorMethod(encoder, projector, self.momentum, predictor, byol)


@in_full_precision
def byol(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The BYOL loss (Grill et al. 2020): 2 - 2 cos of a prediction and its constant target.

    Both are (n, d). Between 0 (aligned) and 4 (opposite); no gradient flows into `target`. Raises
    ValueError for n < 2.
    """
    import torch.nn.functional as F

    return 2 - 2 * F.cosine_similarity(prediction, target.detach(), dim=1).mean()

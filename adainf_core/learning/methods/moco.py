"""MoCo (He et al. 2020): find your image's slow embedding among a queue of earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adainf_core.learning.methods.common import Official, check, in_full_precision
from adainf_core.validation import as_positive, in_words

if TYPE_CHECKING:
    import torch

    from adainf_core.learning.encoders import Encoder
    from adainf_core.learning.networks import Method


@dataclass(frozen=True)
class MoCo:
    """MoCo v2+ (Chen and He 2021): symmetric `info_nce` against a `queue` of momentum keys.

    `hidden` and `out` are the projector's sizes; `momentum` rises from its first to its second
    value along a cosine. Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 64
    temperature: float = 0.2
    queue: int = 4096
    momentum: tuple[float, float] = (0.99, 0.999)
    name: Literal["moco"] = "moco"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """The paper's code, scripts/pretrain/cifar (rates times batch x GPUs / 256).

        Which policy Table 1 used for MoCo without AdaInf is not said: its own file's default
        stands here.
        """
        return Official(
            cls(2048, 256, 0.2, 32768, (0.99, 0.999)),
            optimizer="sgd",
            learning_rate=0.3,
            online_learning_rate=0.3,
            weight_decay=1e-4,
            policies=("symmetric_weak", "symmetric_adainf"),
            tiny_imagenet={"learning_rate": 0.15, "batch_size": 256},  # one GPU instead of two
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import QueueMethod, mlp

        projector = mlp(encoder.feature_dim, self.hidden, self.out)
        return QueueMethod(encoder, projector, self.momentum, self.loss, (self.queue, self.out))

    def loss(self, query: torch.Tensor, key: torch.Tensor, queue: torch.Tensor) -> torch.Tensor:
        """`info_nce` of one view's queries among the other view's key and queue."""
        return info_nce(query, key, queue, self.temperature)


@in_full_precision
def info_nce(
    q: torch.Tensor, k: torch.Tensor, queue: torch.Tensor, temperature: float = 0.2
) -> torch.Tensor:
    """The MoCo loss (He et al. 2020): find the key `k` of your image among it and a `queue`.

    `queue` is (m, d) keys of earlier batches, normalised; `q` and `k` (n, d) are normalised here
    and no gradient flows into `k`. With all keys equal it is log(m + 1). Raises ValueError for
    n < 2 or a temperature <= 0.
    """
    import torch
    import torch.nn.functional as F

    temperature = as_positive(temperature, "temperature")
    if not torch.is_tensor(queue) or queue.ndim != 2 or queue.shape[1] != q.shape[1]:
        raise ValueError(
            f"queue is {in_words(queue)}: give a tensor (m, {q.shape[1]}) of earlier keys"
        )
    q, k = F.normalize(q, dim=1), F.normalize(k.detach(), dim=1)
    positive = (q * k).sum(1, keepdim=True)
    logits = torch.cat([positive, q @ queue.to(q.dtype).T], 1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))

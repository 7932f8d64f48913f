"""SimCLR (Chen et al. 2020): find the other view of your image among the batch."""

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
class SimCLR:
    """`nt_xent` on a two-layer projector (Chen et al. 2020).

    `hidden` and `out` are the projector's sizes. `mask_copies` leaves copies of an image out of
    its negatives, a control the paper lacks, and `own_negatives` takes negatives from the image's
    own side alone, real or generated. Raises ValueError for a value out of range.
    """

    hidden: int = 256
    out: int = 64
    temperature: float = 0.2
    mask_copies: bool = False
    own_negatives: bool = False
    name: Literal["simclr"] = "simclr"

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def official(cls) -> Official:
        """The paper's code, scripts/pretrain/cifar (rates times batch x GPUs / 256)."""
        return Official(
            cls(2048, 256, 0.2),
            optimizer="lars",
            learning_rate=0.4,
            online_learning_rate=0.1,
            weight_decay=1e-4,
            policies=("symmetric", "symmetric_adainf"),
            tiny_imagenet={"method": cls(4096, 512, 0.2), "learning_rate": 0.3},
        )

    def build(self, encoder: Encoder) -> Method:
        """The module that trains `encoder`."""
        from adainf_core.learning.networks import TwoViewMethod, mlp

        return TwoViewMethod(
            encoder,
            mlp(encoder.feature_dim, self.hidden, self.out),
            self.loss,
            by_side=self.own_negatives,
            temperature=self.temperature,
        )

    def loss(
        self,
        z1: torch.Tensor,
        z2: torch.Tensor,
        ids: torch.Tensor,
        real: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`nt_xent` of all ranks' embeddings; `ids` and `real` are of this rank's images."""
        from adainf_core.learning.distributed import gather

        copies = gather(ids) if self.mask_copies else None
        sides = None if real is None else gather(real)
        return nt_xent(z1, z2, self.temperature, copies, sides)


@in_full_precision
def nt_xent(
    z1: torch.Tensor,
    z2: torch.Tensor,
    temperature: float = 0.2,
    image_ids: torch.Tensor | None = None,
    sides: torch.Tensor | None = None,
) -> torch.Tensor:
    """The SimCLR loss (Chen et al. 2020): find your other view among the batch's 2n - 1 others.

    Embeddings (n, d) are normalised here. Returns the scalar mean over all 2n views; with all
    embeddings equal it is log(2n - 1). With `image_ids` (n,) views of another copy of the same
    image are left out of the others: replication puts copies into a batch, and as negatives they
    are false. With `sides` (n,) views of images whose side is another one are left out. Raises
    ValueError for n < 2 or a temperature <= 0.
    """
    import torch
    import torch.nn.functional as F

    temperature = as_positive(temperature, "temperature")
    n = len(z1)
    for name, given in (("image_ids", image_ids), ("sides", sides)):
        if given is not None and (not torch.is_tensor(given) or given.shape != (n,)):
            raise ValueError(f"{name} is {in_words(given)}: give a tensor ({n},), one a pair")
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = z @ z.T / temperature
    partner = torch.arange(2 * n, device=z.device).roll(n)
    excluded = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    if image_ids is not None:
        ids = image_ids.repeat(2)
        excluded = ids[:, None] == ids
        excluded = excluded.scatter(1, partner[:, None], False)
    if sides is not None:
        side = sides.repeat(2)
        excluded = excluded | (side[:, None] != side)
    return F.cross_entropy(logits.masked_fill(excluded, float("-inf")), partner)

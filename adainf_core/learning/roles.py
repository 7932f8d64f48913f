"""Roles: what a generated image is to a run, other than one more image.

Inflation mixes generated images among the real ones. Here they are variations of a real image
(`data.varied.Varied` has them), and a batch holds real images alone, or a mixture, in which a
generated image, having no variations, stands in for its own.

- `Positive`: a variation's view is pulled towards the first view, and is nobody's negative
  (CLSP, Zeng et al. 2024).
- `ThirdView`: the same pull towards a third view of the image itself, the control that costs as
  much (CLSP's "SimCLR-aug").
- `ReplaceView`: one of the two views is a variation's (GenView, Li et al. 2024; MixDiff, Bafghi
  et al. 2025).
- `Multi`: several variations' views are positives of both views and of each other (StableRep,
  Tian et al. 2023).

Nothing here loads torch before a loss is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from adainf_core.learning.methods.common import MOST, in_full_precision
from adainf_core.validation import as_choice, as_count, as_number, as_positive

if TYPE_CHECKING:
    import torch

_DRAWS = 7  # the stream of a seed that variations are drawn from
_PULLED = ("simclr", "moco", "barlow", "spectral", "vicreg")


@dataclass(frozen=True)
class _Pull:
    """A term of so much `weight` beside the method's loss; of none, there is no third view."""

    weight: float = 1.0

    methods: ClassVar[tuple[str, ...]] = _PULLED

    def __post_init__(self) -> None:
        if not 0 <= as_number(self.weight, "generated_role.weight") < float("inf"):
            raise ValueError(f"generated_role.weight={self.weight} is outside [0, inf)")

    @property
    def others(self) -> int:
        """How many views there are besides the two."""
        return int(self.weight > 0)


@dataclass(frozen=True)
class Positive(_Pull):
    """The method's loss, and `weight` times 2 - 2 cos(first view, a view of a variation).

    The variation is one of the image's at random. ValueError for a negative weight.
    """

    name: Literal["positive"] = "positive"

    varies: ClassVar[bool] = True


@dataclass(frozen=True)
class ThirdView(_Pull):
    """As `Positive`, with a third view of the image itself in place of the variation's."""

    name: Literal["third_view"] = "third_view"

    varies: ClassVar[bool] = False


@dataclass(frozen=True)
class ReplaceView:
    """With `probability` one view is a variation's: the second, or either ("random").

    ValueError for a probability outside [0, 1].
    """

    probability: float = 1.0
    side: Literal["second", "random"] = "second"
    name: Literal["replace_view"] = "replace_view"

    methods: ClassVar[tuple[str, ...]] = (*_PULLED, "byol")
    varies: ClassVar[bool] = True
    others: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not 0 <= as_number(self.probability, "generated_role.probability") <= 1:
            raise ValueError(f"generated_role.probability={self.probability} is outside [0, 1]")
        as_choice(self.side, "generated_role.side", ("second", "random"))


@dataclass(frozen=True)
class Multi:
    """Both views and those of `positives` variations are each other's positives: `multi_positive`.

    The variations are different ones where the image has so many.
    """

    positives: int = 2
    name: Literal["multi"] = "multi"

    methods: ClassVar[tuple[str, ...]] = ("simclr",)
    varies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        as_count(self.positives, "generated_role.positives", 1, MOST)

    @property
    def others(self) -> int:
        """How many views there are besides the two."""
        return self.positives


Role = Positive | ThirdView | ReplaceView | Multi

#: The roles by name; without one, generated images are images.
ROLES: dict[str, type[Role]] = {role.name: role for role in get_args(Role)}


def views_of(role: Role | None) -> int:
    """How many views of each image a batch has."""
    return 2 if role is None else 2 + role.others


def images_of_roles(
    role: Role,
    data: Any,
    batch: tuple[np.ndarray, np.ndarray, np.ndarray],
    step: int,
    batch_size: int,
    seed: int,
    rows: slice,
) -> tuple[np.ndarray, ...]:
    """The images uint8 (n, 3, h, w) of all views of the `rows` of a batch: first, second, others.

    `batch` has their ids and the images of the two views; a function of the arguments alone.
    """
    ids, first, second = batch
    if isinstance(role, ThirdView):
        return first, second, *(first,) * role.others
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_DRAWS, step)))
    # for the whole batch, whatever the number of ranks
    order = rng.random((batch_size, data.k)).argsort(1)[rows]
    if not isinstance(role, ReplaceView):
        chosen = (order[:, number % data.k] for number in range(role.others))
        return first, second, *(data.variations(ids, which) for which in chosen)
    replaced = (rng.random(batch_size) < role.probability)[rows]
    if not replaced.any():
        return first, second
    swapped = (rng.random(batch_size) < 0.5)[rows] & (role.side == "random")
    pair = np.stack([first, second])
    pair[1, replaced] = data.variations(ids[replaced], order[replaced, 0])
    turned = replaced & swapped
    pair[:, turned] = pair[::-1, turned]
    return pair[0], pair[1]


def loss_of_roles(
    role: Role | None,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    embeddings: Sequence[torch.Tensor],
    temperature: float = 1.0,
) -> torch.Tensor:
    """The loss of all views' embeddings (n, d) each, the two of the method's `loss` first."""
    first, second, *others = embeddings
    if isinstance(role, Multi):
        return multi_positive([first, second, *others], temperature)
    if others and isinstance(role, _Pull):
        return loss(first, second) + role.weight * alignment(first, others[0])
    return loss(first, second)


@in_full_precision
def alignment(z1: torch.Tensor, z2: torch.Tensor) -> torch.Tensor:
    """The mean of 2 - 2 cos between rows of two embeddings (n, d), CLSP's term: in [0, 4]."""
    import torch.nn.functional as F

    return (2 - 2 * F.cosine_similarity(z1, z2, dim=1)).mean()


def multi_positive(views: Sequence[torch.Tensor], temperature: float = 0.2) -> torch.Tensor:
    """Cross-entropy to a target uniform over an image's other views (StableRep, SupCon), scalar.

    `views` are embeddings (n, d), row i of each of image i; all other images' views are negatives.
    With two it is `nt_xent`. Raises ValueError for fewer than two, shapes that differ, n < 2 or a
    temperature <= 0.
    """
    import torch
    import torch.nn.functional as F

    temperature = as_positive(temperature, "temperature")
    as_count(len(views), "the number of views", 2)
    shapes = {tuple(view.shape) for view in views}
    if len(shapes) > 1 or views[0].ndim != 2 or len(views[0]) < 2:
        raise ValueError(f"views have shapes {sorted(shapes)}: need equal (n, d) with n >= 2")
    dtype = torch.promote_types(views[0].dtype, torch.float32)
    with torch.autocast(views[0].device.type, enabled=False):
        z = F.normalize(torch.cat([view.to(dtype) for view in views]), dim=1)
        own = torch.eye(len(z), dtype=torch.bool, device=z.device)
        logits = (z @ z.T / temperature).masked_fill(own, float("-inf"))
        ids = torch.arange(len(views[0]), device=z.device).repeat(len(views))
        positive = (ids[:, None] == ids) & ~own
        logs = logits.log_softmax(1).masked_fill(~positive, 0.0)
        return -(logs.sum(1) / positive.sum(1)).mean()

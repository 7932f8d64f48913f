"""What the files of the methods share: ranges, precision of losses, and the form of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

from adainf_core.validation import as_count, as_number, as_positive, in_words

if TYPE_CHECKING:
    import torch

#: The largest layer or queue that a method may ask for; what fits is told when it is built.
MOST = 2**24


@dataclass(frozen=True)
class Official:
    """A method's published settings; `learning_rate` is for the whole batch of `batch_size`.

    `policies` are the names of the method's own policy and of AdaInf's; `tiny_imagenet` holds the
    fields that differ on Tiny ImageNet.
    """

    method: Any
    optimizer: str
    learning_rate: float
    online_learning_rate: float
    weight_decay: float
    policies: tuple[str, str]
    batch_size: int = 512
    tiny_imagenet: Mapping[str, Any] = field(default_factory=dict)

    def on(self, dataset: str) -> Official:
        """The settings on the data set called so."""
        return replace(self, **self.tiny_imagenet) if dataset == "tinyimagenet" else self


def check(method: Any) -> None:
    """ValueError for a number among the fields of `method` that is out of range.

    Whole numbers are sizes in 1..`MOST`, pairs a momentum that rises within [0, 1], and all others
    positive and finite.
    """
    for part in fields(method):
        name, value = f"method.{part.name}", getattr(method, part.name)
        match part.type:
            case "int":
                as_count(value, name, 1, MOST)
            case "float":
                as_positive(value, name)
            case "float | None" if value is not None:
                as_positive(value, name)
            case "tuple[float, float]":
                if not (isinstance(value, tuple) and len(value) == 2):
                    raise ValueError(f"{name}={in_words(value)}: give (start, end)")
                start, end = (as_number(part, name) for part in value)
                if not 0 <= start <= end <= 1:
                    raise ValueError(f"{name}={value}: need 0 <= start <= end <= 1")


def in_full_precision(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A loss of two views' embeddings (n, d), row i of both from one image, in float32 or float64.

    In float64 where either view is, otherwise in float32: bf16 keeps eight bits, and similarities
    divided by a small temperature need more. Raises ValueError for what is no pair of tensors of
    real numbers, for shapes that differ and for n < 2.
    """

    names = list(signature(loss).parameters)
    views = names[:2]

    @wraps(loss)
    def exact(*given: Any, **options: Any) -> torch.Tensor:
        import torch

        rest = dict(zip(names, given, strict=False)) | options
        if len(given) > len(names) or not all(name in rest for name in views):
            return loss(*given, **options)  # Python's own error
        z1, z2 = (rest.pop(name) for name in views)
        for name, z in zip(views, (z1, z2), strict=True):
            if not torch.is_tensor(z) or z.is_complex():
                raise ValueError(f"{name} is {in_words(z)}: give a tensor of real numbers (n, d)")
        if z1.ndim != 2 or z1.shape != z2.shape or len(z1) < 2:
            raise ValueError(
                f"views have shapes {tuple(z1.shape)} and {tuple(z2.shape)}: need two equal "
                f"(n, d) with n >= 2, as {' and '.join(views)}"
            )
        dtype = torch.promote_types(torch.promote_types(z1.dtype, z2.dtype), torch.float32)
        with torch.autocast(z1.device.type, enabled=False):
            return loss(z1.to(dtype), z2.to(dtype), **rest)

    return exact

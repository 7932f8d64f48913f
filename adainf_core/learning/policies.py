"""Augmentation policies as data: the official presets and sweeps, and everything between.

A policy says what a view may do to its image and how often; `augmentation` does it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from adainf_core.learning.operations import Operation
from adainf_core.learning.operations.common import ViewOperation
from adainf_core.validation import as_count, as_number, in_words

# the fields that hold two numbers
_PAIRS = ("crop_scale", "crop_ratio", "blur_sigma", "solarize_p")


@dataclass(frozen=True)
class AugmentationPolicy:
    """What a view may do to its image; field by field the official yaml (paper's code).

    `crop_scale` is the range of the crop's share of the area and `crop_ratio` of its aspect;
    jitter fields are torchvision's `ColorJitter` strengths, applied with probability `jitter_p` in
    a random order per image; `blur_sigma` is in pixels; `solarize_p` has one entry per view.
    `extra` operations follow those of the yaml, in their order, on random numbers of their own.
    Raises ValueError for a probability outside [0, 1] or a range that is not one.
    """

    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    jitter_p: float = 0.8
    brightness: float = 0.8
    contrast: float = 0.8
    saturation: float = 0.8
    hue: float = 0.2
    grey_p: float = 0.2
    blur_p: float = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarize_p: tuple[float, float] = (0.0, 0.0)
    flip_p: float = 0.5
    extra: tuple[Operation, ...] = ()

    def __post_init__(self) -> None:
        for name in [field.name for field in fields(self) if field.name != "extra"]:
            value = getattr(self, name)
            if name in _PAIRS and not (isinstance(value, tuple) and len(value) == 2):
                raise ValueError(f"{name}={in_words(value)}: give a pair of numbers")
            numbers = [as_number(one, name) for one in (value if name in _PAIRS else (value,))]
            if name.endswith("_p"):
                if not all(0 <= p <= 1 for p in numbers):
                    raise ValueError(f"{name}={value}: a probability lies in [0, 1]")
            elif name in _PAIRS:
                if not 0 < numbers[0] <= numbers[1] < math.inf:
                    raise ValueError(f"{name}={value}: need 0 < low <= high < inf")
            elif not 0 <= numbers[0] < math.inf:
                raise ValueError(f"{name}={value}: a strength is finite and not negative")
        # operations have checked themselves
        if not isinstance(self.extra, tuple) or not all(
            isinstance(operation, ViewOperation) for operation in self.extra
        ):
            raise ValueError(f"extra={in_words(self.extra)}: give a tuple of operations")
        if self.crop_scale[1] > 1:
            raise ValueError(f"crop_scale={self.crop_scale}: a crop is at most the whole image, 1")
        if self.hue > 0.5:
            raise ValueError(f"hue={self.hue}: half a turn, 0.5, is the most")

    @classmethod
    def named(cls, name: str) -> AugmentationPolicy:
        """The official policy called `name`, of `POLICIES`."""
        if not isinstance(name, str) or name not in POLICIES:
            raise ValueError(f"unknown policy {name!r}; known: {', '.join(POLICIES)}")
        return POLICIES[name]

    def for_image_size(self, size: int, reference: int = 32) -> AugmentationPolicy:
        """The same policy on smaller or larger images: the blur shrinks and grows with them."""
        size, reference = as_count(size, "size", 1), as_count(reference, "reference", 1)
        low, high = self.blur_sigma
        return replace(
            self,
            blur_sigma=(low * size / reference, high * size / reference),
            extra=tuple(operation.for_image_size(size, reference) for operation in self.extra),
        )

    def scaled(self, strength: float) -> AugmentationPolicy:
        """The policy at another `strength`: 1 is itself, 0 leaves square images as they are.

        Between them every probability, jitter strength and end of the crop's range moves in a
        straight line, and the crop's aspect in the logarithm, in which it is uniform; the
        blur's range stays, for its probability already fades, and an extra operation follows a
        rule of its own. Above 1 the lines go on. Raises ValueError for a negative strength, and
        where a line leaves what a policy allows (nothing is clipped: `symmetric`, with crops from
        0.08, ends just above 1.08).
        """
        if not as_number(strength, "strength") >= 0:
            raise ValueError(f"strength={strength}: need 0 (no augmentation) or more")
        low, high = self.crop_scale
        changes: dict[str, Any] = {
            "crop_scale": (1 - strength + strength * low, 1 - strength + strength * high),
            "crop_ratio": (self.crop_ratio[0] ** strength, self.crop_ratio[1] ** strength),
            "blur_sigma": self.blur_sigma,
            "extra": tuple(operation.scaled(strength) for operation in self.extra),
        }
        for name in [field.name for field in fields(self) if field.name not in changes]:
            value = getattr(self, name)
            per_view = isinstance(value, tuple)
            changes[name] = tuple(strength * p for p in value) if per_view else strength * value
        return replace(self, **changes)


_WEAK = AugmentationPolicy(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
_ASYMMETRIC = replace(_WEAK, saturation=0.2, blur_p=0.0, solarize_p=(0.0, 0.2))


def _adainf(policy: AugmentationPolicy) -> AugmentationPolicy:
    """The paper's weakening: larger crops, and jitter half as often."""
    return replace(policy, crop_scale=(0.2, 1.0), jitter_p=0.4)


#: The official presets (paper's code, scripts/pretrain/cifar/augmentations).
POLICIES: dict[str, AugmentationPolicy] = {
    "symmetric": AugmentationPolicy(),
    "symmetric_weak": _WEAK,
    "symmetric_adainf": _adainf(_WEAK),
    "asymmetric": _ASYMMETRIC,
    "asymmetric_adainf": _adainf(_ASYMMETRIC),
}


def as_policy(policy: AugmentationPolicy, name: str = "policy") -> AugmentationPolicy:
    """`policy` as it is; ValueError for anything else, a policy's name included."""
    if not isinstance(policy, AugmentationPolicy):
        raise ValueError(
            f"{name}={in_words(policy)} is no AugmentationPolicy: give one of POLICIES "
            f"({', '.join(POLICIES)}), as POLICIES['symmetric']"
        )
    return policy


def as_policies(policies: Sequence[AugmentationPolicy]) -> list[AugmentationPolicy]:
    """A sequence of policies as a list; ValueError where it is empty or holds anything else."""
    if not isinstance(policies, list | tuple) or not policies:
        raise ValueError(f"policies={in_words(policies)}: give a list of at least one policy")
    return [as_policy(policy, f"policies[{place}]") for place, policy in enumerate(policies)]


def _jitter_times(factor: float) -> AugmentationPolicy:
    base = POLICIES["symmetric"]
    names = ("brightness", "contrast", "saturation", "hue")
    return replace(base, **{name: factor * getattr(base, name) for name in names})


#: The official sweeps around `symmetric` (same folder): "crop" by the smallest crop, "jitter" by
#: the factor on all four strengths. The file symmetric_crop_0.15.yaml really holds 0.1; here 0.15
#: is 0.15. The tiny-ImageNet files (symmetric_0.2_0.4_1 and the like) are left out: their names
#: alone do not say what they hold.
SWEEPS: dict[str, dict[float, AugmentationPolicy]] = {
    "crop": {
        low: replace(POLICIES["symmetric"], crop_scale=(low, 1.0))
        for low in (0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4)
    },
    "jitter": {factor: _jitter_times(factor) for factor in (0.1, 0.5, 1.0, 2.0)},
}

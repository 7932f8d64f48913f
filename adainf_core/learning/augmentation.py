"""Augmentation policies and one batched kernel that gives every image its own parameters.

Torchvision draws one set of parameters for a whole batch; contrastive learning needs one per image
and view. Here crop, flip and blur are small matrix products, one matrix per image, and the colour
operations are pointwise with per-image factors, so a batch costs a few passes over memory and no
loop over images. The order is the official one: crop, jitter, grey, blur, solarise, flip.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal, overload

import torch

# ITU-R 601 luma, as in PIL and torchvision
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class AugmentationPolicy:
    """What a view may do to its image; field by field the official yaml (paper's code).

    `crop_scale` is the range of the crop's share of the area and `crop_ratio` of its aspect;
    jitter fields are torchvision's `ColorJitter` strengths, applied with probability `jitter_p` in
    a random order per image; `blur_sigma` is in pixels; `solarize_p` has one entry per view.
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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_p"):
                for p in value if isinstance(value, tuple) else (value,):
                    if not 0 <= p <= 1:
                        raise ValueError(f"{field.name}={value}: a probability lies in [0, 1]")
            elif isinstance(value, tuple):
                if not 0 < value[0] <= value[1]:
                    raise ValueError(f"{field.name}={value}: need 0 < low <= high")
            elif value < 0:
                raise ValueError(f"{field.name}={value}: a strength is not negative")
        if self.crop_scale[1] > 1:
            raise ValueError(f"crop_scale={self.crop_scale}: a crop is at most the whole image, 1")
        if self.hue > 0.5:
            raise ValueError(f"hue={self.hue}: half a turn, 0.5, is the most")

    def for_image_size(self, size: int, reference: int = 32) -> AugmentationPolicy:
        """The same policy on smaller or larger images: the blur shrinks and grows with them."""
        low, high = self.blur_sigma
        return replace(self, blur_sigma=(low * size / reference, high * size / reference))


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


@dataclass(frozen=True)
class ViewParameters:
    """What was done to each image of a batch; every field has a leading axis of n images.

    `top`, `left`, `height`, `width` are the crop box in whole pixels; `order` (n, 4) lists the
    jitter operations in the order applied (0 brightness, 1 contrast, 2 saturation, 3 hue);
    `factors` (n, 3) are the first three's factors, 1 for none; `hue` is in turns; `blur_sigma`
    is 0 for none; `grey`, `solarize` and `flip` are masks.
    """

    top: torch.Tensor
    left: torch.Tensor
    height: torch.Tensor
    width: torch.Tensor
    flip: torch.Tensor
    order: torch.Tensor
    factors: torch.Tensor
    hue: torch.Tensor
    grey: torch.Tensor
    blur_sigma: torch.Tensor
    solarize: torch.Tensor


@overload
def augment(
    images: torch.Tensor,
    policy: AugmentationPolicy,
    generator: torch.Generator,
    view: int = 0,
    return_parameters: Literal[False] = False,
) -> torch.Tensor: ...
@overload
def augment(
    images: torch.Tensor,
    policy: AugmentationPolicy,
    generator: torch.Generator,
    view: int = 0,
    *,
    return_parameters: Literal[True],
) -> tuple[torch.Tensor, ViewParameters]: ...
def augment(
    images: torch.Tensor,
    policy: AugmentationPolicy,
    generator: torch.Generator,
    view: int = 0,
    return_parameters: bool = False,
) -> torch.Tensor | tuple[torch.Tensor, ViewParameters]:
    """One view of each image, every image with parameters of its own.

    `images` is uint8 (n, 3, h, w); the result is float32 of the same shape in [0, 1], on the same
    device. `view` (0 or 1) picks the entry of per-view probabilities. With `return_parameters` the
    drawn `ViewParameters` come along, so that the view can be replayed elsewhere.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images are {images.dtype} {tuple(images.shape)}, need torch.uint8 (n, 3, h, w)"
        )
    n, _, h, w = images.shape
    drawn = draw_parameters(n, h, w, policy, generator, view)
    views = apply_parameters(images, policy, drawn, view)
    return (views, drawn) if return_parameters else views


def draw_parameters(
    n: int, h: int, w: int, policy: AugmentationPolicy, generator: torch.Generator, view: int = 0
) -> ViewParameters:
    """Parameters for `n` views of h x w images, by torchvision's laws."""
    device = generator.device

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator, device=device)

    top, left, height, width = _draw_crops(n, h, w, policy, uniform)
    jitter = uniform(n, 1) < policy.jitter_p
    strengths = (policy.brightness, policy.contrast, policy.saturation)
    factors = torch.cat([uniform(n, 1, low=max(0.0, 1 - s), high=1 + s) for s in strengths], 1)
    hue = uniform(n, low=-policy.hue, high=policy.hue)
    low, high = policy.blur_sigma
    blurred = uniform(n) < policy.blur_p
    return ViewParameters(
        top, left, height, width,
        flip=uniform(n) < policy.flip_p,
        order=uniform(n, 4).argsort(1),
        factors=torch.where(jitter, factors, 1.0),
        hue=torch.where(jitter[:, 0], hue, 0.0),
        grey=uniform(n) < policy.grey_p,
        blur_sigma=torch.where(blurred, uniform(n, low=low, high=high), 0.0),
        solarize=uniform(n) < policy.solarize_p[view],
    )  # fmt: skip


def _draw_crops(
    n: int, h: int, w: int, policy: AugmentationPolicy, uniform: Callable[..., torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Torchvision's RandomResizedCrop: ten tries, the first that fits, else the central crop."""
    tries = 10
    area = h * w * uniform(n, tries, low=policy.crop_scale[0], high=policy.crop_scale[1])
    low, high = (math.log(r) for r in policy.crop_ratio)
    aspect = uniform(n, tries, low=low, high=high).exp()
    widths = (area * aspect).sqrt().round().long()
    heights = (area / aspect).sqrt().round().long()
    fits = (widths > 0) & (widths <= w) & (heights > 0) & (heights <= h)
    first = fits.long().argmax(1, keepdim=True)
    any_fits = fits.any(1)
    ratio = min(max(w / h, policy.crop_ratio[0]), policy.crop_ratio[1])
    central_w, central_h = min(w, round(h * ratio)), min(h, round(w / ratio))
    width = torch.where(any_fits, widths.gather(1, first)[:, 0], central_w)
    height = torch.where(any_fits, heights.gather(1, first)[:, 0], central_h)
    top = torch.where(any_fits, (uniform(n) * (h - height + 1)).long(), (h - central_h) // 2)
    left = torch.where(any_fits, (uniform(n) * (w - width + 1)).long(), (w - central_w) // 2)
    return top, left, height, width


def apply_parameters(
    images: torch.Tensor, policy: AugmentationPolicy, drawn: ViewParameters, view: int = 0
) -> torch.Tensor:
    """The views `drawn` describes; `policy` only says which operations can be left out."""
    n, _, h, w = images.shape
    x = images.float() / 255
    rows = _resize_matrix(drawn.top, drawn.height, h)
    columns = _resize_matrix(drawn.left, drawn.width, w)
    columns = torch.where(drawn.flip[:, None, None], columns.flip(1), columns)
    # PIL resizes along x, rounds into 0..255, then along y: the clamp between matters
    x = (x.reshape(n, 3 * h, w) @ columns.mT).clamp_(0, 1).reshape(n, 3, h, w)
    x = (rows[:, None] @ x).clamp_(0, 1)
    if policy.jitter_p > 0:
        x = _jitter(x.flatten(2), drawn).reshape(n, 3, h, w)
    if policy.grey_p > 0:
        x = torch.where(drawn.grey[:, None, None, None], _luma(x.flatten(2)).view(n, 1, h, w), x)
    if policy.blur_p > 0:
        blur_rows = _blur_matrix(drawn.blur_sigma, h, policy.blur_sigma[1])
        blur_columns = (
            blur_rows if h == w else _blur_matrix(drawn.blur_sigma, w, policy.blur_sigma[1])
        )
        x = (x.reshape(n, 3 * h, w) @ blur_columns.mT).reshape(n, 3, h, w)
        x = blur_rows[:, None] @ x
    if policy.solarize_p[view] > 0:
        x = torch.where(drawn.solarize[:, None, None, None] & (x >= 128 / 255), 1 - x, x)
    return x


def _resize_matrix(start: torch.Tensor, length: torch.Tensor, size: int) -> torch.Tensor:
    """Weights (n, size, size) of bicubic resampling from [start, start + length) to `size`.

    PIL's convention: a = -0.5, taps outside the crop dropped and the rest renormalised. A crop is
    never larger than the view, so nothing shrinks and no antialiasing is needed.
    """
    grid = torch.arange(size, device=start.device, dtype=torch.float32)
    begin, extent = start[:, None, None].float(), length[:, None, None].float()
    stretch = extent / size
    centre = begin + (grid[:, None] + 0.5) * stretch
    distance = (grid + 0.5 - centre).abs()
    near = (1.5 * distance - 2.5) * distance.square() + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weight = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))
    weight = weight * ((grid >= begin) & (grid < begin + extent))
    return weight / weight.sum(2, keepdim=True)


def _luma(x: torch.Tensor) -> torch.Tensor:
    """Grey value (n, 1, pixels) of (n, 3, pixels)."""
    return LUMA[0] * x[:, 0:1] + LUMA[1] * x[:, 1:2] + LUMA[2] * x[:, 2:3]


def _jitter(x: torch.Tensor, drawn: ViewParameters) -> torch.Tensor:
    """Brightness, contrast, saturation and hue of (n, 3, pixels), each image in its own order.

    Three of the four are blends towards a reference (black, mean grey, grey), so one masked blend
    serves all; those before an image's hue come first, then every hue, then those after.
    """
    hue_position = (drawn.order == 3).int().argmax(1)
    padded = torch.cat([drawn.factors, torch.ones_like(drawn.factors[:, :1])], 1)
    factors = padded.gather(1, drawn.order)
    for after_hue in (False, True):
        if after_hue:
            x = _rotate_hue(x, drawn.hue)
        for position in range(1, 4) if after_hue else range(3):
            active = position > hue_position if after_hue else position < hue_position
            factor = torch.where(active, factors[:, position], 1.0)[:, None, None]
            operation = drawn.order[:, position, None, None]
            grey = _luma(x)
            reference = grey * (operation == 2) + grey.mean(2, keepdim=True) * (operation == 1)
            x = torch.lerp(reference, x, factor).clamp_(0, 1)
    return x


def _rotate_hue(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Exact HSV hue rotation of (n, 3, pixels) by (n,) `turns`, without branches."""
    red, green, blue = x.unbind(1)
    value, minimum = x.amax(1), x.amin(1)
    chroma = value - minimum
    safe = torch.where(chroma > 0, chroma, 1.0)
    sixths = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixths = sixths + 6 * turns[:, None]
    # channel = value - chroma * clamp(min(k, 4 - k), 0, 1), k = (offset + sixths) mod 6
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(sixths + offset, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(channels, 1)


def _blur_matrix(sigma: torch.Tensor, size: int, largest: float) -> torch.Tensor:
    """Gaussian blur along one axis as (n, size, size), edges repeated; sigma 0 is the identity."""
    radius = max(1, math.ceil(4 * largest))
    offsets = torch.arange(-radius, radius + 1, device=sigma.device)
    taps = torch.exp(-0.5 * (offsets / sigma.clamp(min=1e-3)[:, None]).square())
    taps = taps / taps.sum(1, keepdim=True)
    position = torch.arange(size, device=sigma.device)
    source = (position[None, :] + offsets[:, None]).clamp(0, size - 1)
    spread = torch.nn.functional.one_hot(source, size).float()  # (taps, size, size)
    return (taps @ spread.flatten(1)).view(len(sigma), size, size)

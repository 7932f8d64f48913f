"""Augmentation: one batched kernel that gives every image parameters of its own.

Crop, flip and blur are small matrix products, one matrix per image, and the colour operations are
pointwise with per-image factors: a few passes over memory and no loop over images. The order is the
official one: crop, jitter, grey, blur, solarise, flip.

Chance enters once, as a table of uniforms (`view_noise`), one row a view. What follows is a pure
function of bytes and table: `view_parameters` reads the table with torchvision's distributions and
`apply_parameters` does the work. Neither branches on values, so `torch.compile(two_views,
fullgraph=True)` sees one graph, and a rank that takes its rows of the table makes the very views
that the whole batch would have had there. A policy's extra operations come last, each on columns
of the table that are a random stream of their own: what comes before them stays to the bit.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, overload

import torch

from adainf_core.learning.operations import Operation
from adainf_core.learning.policies import AugmentationPolicy, as_policy
from adainf_core.validation import as_count, in_words

# ITU-R 601 luma, as in PIL and torchvision
LUMA = (0.299, 0.587, 0.114)

# Pixels that a processor core works on at once: their three float32 planes fit a cache of 1 MiB
CHUNK = 65_536


@dataclass(frozen=True)
class ViewParameters:
    """What was done to each image of a batch; every field has a leading axis of n images.

    `top`, `left`, `height`, `width` (int64) are the crop box in whole pixels; `order` (n, 4; int64)
    lists the jitter operations in the order applied (0 brightness, 1 contrast, 2 saturation,
    3 hue); `factors` (n, 3; float32) are the first three's factors, 1 for none; `hue` (float32) is
    in turns, 0 for none; `blur_sigma` (float32) is in pixels, 0 for none; `grey`, `solarize` and
    `flip` are bool masks.
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


# Columns of the noise table, in the order in which `view_parameters` unpacks them
_TRIES = 10
_WIDTHS = (_TRIES, _TRIES, 1, 1, 1, 3, 1, 4, 1, 1, 1, 1, 1)

#: How many uniforms one view takes, extra operations apart.
NOISE = sum(_WIDTHS)


def view_noise(
    n: int, generator: torch.Generator, extra: tuple[Operation, ...] = ()
) -> torch.Tensor:
    """All the chance in `n` views: uniforms on [0, 1), float32 (n, columns), one row a view.

    The first `NOISE` columns are drawn from `generator`, on its device; those of each `extra`
    operation follow, a function of the generator's state before, of the operation's name, and of
    how many called so precede it. They do not move the generator.
    """
    n = as_count(n, "n", 0)
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator={in_words(generator)}: give a torch.Generator, such as "
            "torch.Generator().manual_seed(0)"
        )
    streams = [_stream(generator, name) for name in _numbered(extra)]
    tables = [
        torch.rand((n, columns), generator=source, device=source.device, dtype=torch.float32)
        for source, columns in zip([generator, *streams], _columns(extra), strict=True)
    ]
    return torch.cat(tables, 1) if extra else tables[0]


def _columns(extra: tuple[Operation, ...]) -> list[int]:
    """How many columns of the noise belong to the official operations, and to each `extra` one."""
    return [NOISE, *(operation.uniforms for operation in extra)]


def _numbered(extra: tuple[Operation, ...]) -> list[str]:
    """The operations' names, each with how many of them went before."""
    names = [operation.name for operation in extra]
    return [f"{name} {names[:place].count(name)}" for place, name in enumerate(names)]


def _stream(generator: torch.Generator, name: str) -> torch.Generator:
    """A generator on the same device, seeded by a hash of the state of `generator` and `name`."""
    digest = hashlib.sha256(generator.get_state().numpy().tobytes() + name.encode()).digest()
    return torch.Generator(generator.device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


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
    drawn `ViewParameters` come along, so that the view can be replayed elsewhere (up to the extra
    operations, which they do not cover). Raises ValueError for images of another dtype or shape and
    for another view.
    """
    n, view = _image_shape(images)[0], as_count(view, "view", 0, 1)
    as_policy(policy)
    noise = view_noise(n, generator, policy.extra).to(images.device)
    views, parameters = _augmented(images, policy, noise, view)
    return (views, parameters) if return_parameters else views


def two_views(
    first: torch.Tensor, second: torch.Tensor, policy: AugmentationPolicy, noise: torch.Tensor
) -> torch.Tensor:
    """Both views of each pair in one pass: float32 (2n, 3, h, w), views of `first`, then `second`.

    Both are uint8 (n, 3, h, w), as a rule one tensor: two views of each image. `noise` is
    `view_noise(2 * n, generator, policy.extra)` on the same device; its rows i and n + i belong to
    pair i. Raises ValueError for anything else.
    """
    n = _image_shape(first, "first")[0]
    as_policy(policy)
    if _image_shape(second, "second") and first.shape != second.shape:
        raise ValueError(f"first images are {tuple(first.shape)}, second {tuple(second.shape)}")
    needed = 2 * n, sum(_columns(policy.extra))
    if not isinstance(noise, torch.Tensor) or noise.shape != needed:
        raise ValueError(f"noise is {in_words(noise)}, {n} images need {needed}")
    return _augmented(torch.cat([first, second]), policy, noise, view=None)[0]


def views_of_noise(
    images: torch.Tensor, policy: AugmentationPolicy, noise: torch.Tensor, view: int = 0
) -> torch.Tensor:
    """One view of each image, float32 (n, 3, h, w), as `noise` has it.

    `images` are uint8 (n, 3, h, w), `noise` is `view_noise(n, generator, policy.extra)` on their
    device, and `view` (0 or 1) picks the entry of per-view probabilities. ValueError as `augment`.
    """
    as_policy(policy)
    return _augmented(images, policy, noise, view)[0]


def _augmented(
    images: torch.Tensor, policy: AugmentationPolicy, noise: torch.Tensor, view: int | None
) -> tuple[torch.Tensor, ViewParameters]:
    """The views that `noise` means: the official operations, then the policy's extra ones."""
    _, h, w = _image_shape(images)
    official, *others = noise.split(_columns(policy.extra), 1)
    parameters = view_parameters(official, h, w, policy, view)
    views = apply_parameters(images, policy, parameters, view)
    for operation, uniforms in zip(policy.extra, others, strict=True):
        views = operation.apply(views, uniforms)
    return views, parameters


def _image_shape(images: torch.Tensor, name: str = "images") -> tuple[int, int, int]:
    if (
        not isinstance(images, torch.Tensor)
        or images.dtype != torch.uint8
        or images.ndim != 4
        or images.shape[1] != 3
    ):
        raise ValueError(
            f"{name} are {in_words(images)}, need a torch.uint8 tensor (n, 3, h, w), "
            "such as torch.from_numpy(image_set.images)"
        )
    return images.shape[0], images.shape[2], images.shape[3]


def _solarize_p(policy: AugmentationPolicy, view: int | None) -> tuple[float, ...]:
    return policy.solarize_p if view is None else (policy.solarize_p[view],)


def view_parameters(
    noise: torch.Tensor, height: int, width: int, policy: AugmentationPolicy, view: int | None = 0
) -> ViewParameters:
    """What `noise` (n, `NOISE`) means for images of `height` x `width`, with torchvision's
    distributions.

    `view` is 0 or 1, or None where the rows' first half are first views, the rest second ones.
    """
    (
        area, aspect, down, right, jitter, factor, hue, order, grey, blur, sigma, solarize, flip
    ) = noise.split(_WIDTHS, 1)  # fmt: skip
    top, left, crop_height, crop_width = _crop_boxes(
        area, aspect, down, right, height, width, policy
    )
    jittered = jitter < policy.jitter_p
    strengths = (policy.brightness, policy.contrast, policy.saturation)
    factors = [
        _between(max(0.0, 1 - s), 1 + s, u)
        for s, u in zip(strengths, factor.unbind(1), strict=True)
    ]
    probabilities = _solarize_p(policy, view)
    parts = solarize[:, 0].chunk(len(probabilities))
    sigma = torch.where(blur < policy.blur_p, _between(*policy.blur_sigma, sigma), 0.0)
    return ViewParameters(
        top=top,
        left=left,
        height=crop_height,
        width=crop_width,
        flip=flip[:, 0] < policy.flip_p,
        order=order.argsort(1),
        factors=torch.where(jittered, torch.stack(factors, 1), 1.0),
        hue=torch.where(jittered, _between(-policy.hue, policy.hue, hue), 0.0)[:, 0],
        grey=grey[:, 0] < policy.grey_p,
        blur_sigma=sigma[:, 0],
        solarize=torch.cat([u < p for u, p in zip(parts, probabilities, strict=True)]),
    )


def _between(low: float, high: float, uniform: torch.Tensor) -> torch.Tensor:
    return low + (high - low) * uniform


def _crop_boxes(
    area: torch.Tensor,
    aspect: torch.Tensor,
    down: torch.Tensor,
    right: torch.Tensor,
    h: int,
    w: int,
    policy: AugmentationPolicy,
) -> tuple[torch.Tensor, ...]:
    """Torchvision's RandomResizedCrop: ten tries, the first that fits, else the central crop."""
    low, high = policy.crop_scale
    size = _between(h * w * low, h * w * high, area)
    ratio = _between(math.log(policy.crop_ratio[0]), math.log(policy.crop_ratio[1]), aspect).exp()
    widths, heights = (size * ratio).sqrt().round(), (size / ratio).sqrt().round()
    fits = (widths > 0) & (widths <= w) & (heights > 0) & (heights <= h)
    first = fits.int().argmax(1, keepdim=True)
    fitted = fits.gather(1, first)
    shape = min(max(w / h, policy.crop_ratio[0]), policy.crop_ratio[1])
    central_w, central_h = min(w, round(h * shape)), min(h, round(w / shape))
    width = torch.where(fitted, widths.gather(1, first), central_w)
    height = torch.where(fitted, heights.gather(1, first), central_h)
    box = (
        torch.where(fitted, down * (h - height + 1), (h - central_h) // 2),
        torch.where(fitted, right * (w - width + 1), (w - central_w) // 2),
        height,
        width,
    )
    return tuple(side[:, 0].long() for side in box)


def apply_parameters(
    images: torch.Tensor,
    policy: AugmentationPolicy,
    parameters: ViewParameters,
    view: int | None = 0,
) -> torch.Tensor:
    """The views that `parameters` describe: float32 (n, 3, h, w) in [0, 1] of uint8 `images`.

    `policy` and `view` (None where `parameters` are those of both views) only say which operations
    can be left out; the extra ones are not done here. Autocast is off within, for bfloat16 would
    cost a level of brightness. A processor works in chunks that suit its cache; a compiled graph
    and a GPU take the batch at once, and the arithmetic is the same. TF32 products, where a caller
    allows them, cost a thirtieth of a level on average and less than one at worst.
    """
    _, h, w = _image_shape(images)
    solarize = max(_solarize_p(policy, view)) > 0
    with torch.autocast(images.device.type, enabled=False):
        by = _coefficients(parameters, policy, h, w)
        vertical = _spread(by.taps.shape[1], h, images.device)
        spreads = vertical, vertical if h == w else _spread(by.taps.shape[1], w, images.device)
        size = max(1, CHUNK // (h * w))
        if torch.compiler.is_compiling() or images.device.type != "cpu" or len(images) <= size:
            return _views(images, policy, by, spreads, solarize)
        views = torch.empty(images.shape, dtype=torch.float32)
        parts = zip(*(column.split(size) for column in by), strict=True)
        for out, some, part in zip(views.split(size), images.split(size), parts, strict=True):
            out.copy_(_views(some, policy, _Coefficients(*part), spreads, solarize))
        return views


class _Coefficients(NamedTuple):
    """`ViewParameters` as the pixel code wants them; small beside the pixels, n first.

    `row_taps` and `row_weights` (n, 4 h) are places and values in the matrix that resamples along
    the columns, `column_taps` and `column_weights` (n, 4 w) those along the rows; `amount`,
    `to_luma` and `to_mean` (n, 6, 1, 1) belong to the steps of `_jitter`, `turns` (n, 1) to its
    hue; `grey` (n, 1, 1) is 0 or 1; `taps` (n, 2 radius + 1) is the blur's kernel; `solarize`
    (n, 1, 1, 1) is bool.
    """

    row_taps: torch.Tensor
    row_weights: torch.Tensor
    column_taps: torch.Tensor
    column_weights: torch.Tensor
    amount: torch.Tensor
    to_luma: torch.Tensor
    to_mean: torch.Tensor
    turns: torch.Tensor
    grey: torch.Tensor
    taps: torch.Tensor
    solarize: torch.Tensor


def _coefficients(
    drawn: ViewParameters, policy: AugmentationPolicy, h: int, w: int
) -> _Coefficients:
    row_taps, row_weights = _bicubic(drawn.top, drawn.height, h)
    column_taps, column_weights = _bicubic(drawn.left, drawn.width, w, drawn.flip)
    amount, to_luma, to_mean = _blends(drawn)
    return _Coefficients(
        row_taps,
        row_weights / 255,  # bytes become [0, 1] along with the second product
        column_taps,
        column_weights,
        amount,
        to_luma,
        to_mean,
        turns=drawn.hue[:, None],
        grey=drawn.grey[:, None, None].float(),
        taps=_gaussian(drawn.blur_sigma, policy.blur_sigma[1]),
        solarize=drawn.solarize[:, None, None, None],
    )


def _views(
    images: torch.Tensor,
    policy: AugmentationPolicy,
    by: _Coefficients,
    spreads: tuple[torch.Tensor, torch.Tensor],
    solarize: bool,
) -> torch.Tensor:
    """The pixel work on one chunk; `spreads` are `_spread` for the height and the width."""
    n, _, h, w = images.shape
    rows = _matrix(by.row_taps, by.row_weights, h)
    columns = _matrix(by.column_taps, by.column_weights, w)
    # PIL resizes along x, rounds into 0..255, then along y: the clamp between matters
    x = _along_rows(columns, images.float()).clamp_(0, 255)
    x = (rows[:, None] @ x).clamp_(0, 1)
    x = x.view(n, 3, h * w)
    if policy.jitter_p > 0:
        x = _jitter(x, policy, by)
    if policy.grey_p > 0:
        x = x.lerp_(_luma(x), by.grey)
    x = x.view(n, 3, h, w)
    if policy.blur_p > 0:
        vertical = _convolution(by.taps, spreads[0])
        horizontal = vertical if h == w else _convolution(by.taps, spreads[1])
        x = (vertical[:, None] @ _along_rows(horizontal, x)).clamp_(0, 1)
    if solarize:
        x = torch.where(by.solarize & (x >= 128 / 255), 1 - x, x)
    return x


def _along_rows(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Each image's (w, w) matrix applied to all rows of (n, 3, h, w): one product an image."""
    n, _, h, w = x.shape
    return (x.reshape(n, 3 * h, w) @ matrix.mT).view(n, 3, h, w)


def _bicubic(
    start: torch.Tensor, length: torch.Tensor, size: int, mirror: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bicubic resampling of [start, start + length) to `size` pixels, as taps for `_matrix`.

    PIL's convention: Keys' cubic with a = -0.5, taps outside the crop dropped and the rest
    renormalised. A crop is never larger than the view, so four taps do and nothing is antialiased.
    `mirror` (n, bool) flips the view. Returns places (int64) and weights (float32), (n, 4 size).
    At t pixels past a pixel's centre, the cubic is four polynomials in t and s = 1 - t.
    """
    pixel = torch.arange(size, device=start.device)
    begin, extent = start[:, None].float(), length[:, None].float()
    way = (pixel.float() + 0.5) * (extent / size)
    if mirror is not None:
        way = torch.where(mirror[:, None], extent - way, way)
    centre = begin + way - 0.5
    floor = centre.floor()
    t = centre - floor
    s = 1 - t
    outer = -0.5 * t * s
    weight = torch.stack(
        [outer * s, s * (1 + t * (1 - 1.5 * t)), t * (1 + s * (1 - 1.5 * s)), outer * t], 1
    )
    # float steps: a sum of mixed dtypes would leave the vectorised path
    tap = floor[:, None] + torch.arange(-1.0, 3.0, device=start.device)[:, None]
    outside = (tap < begin[:, None]) | (tap >= (begin + extent)[:, None])
    weight.masked_fill_(outside, 0)
    first = floor.long() + (1 + (size + 4) * pixel)
    place = first[:, None] + torch.arange(4, device=start.device)[:, None]
    return place.flatten(1), weight.div_(weight.sum(1, keepdim=True)).flatten(1)


def _matrix(places: torch.Tensor, weights: torch.Tensor, size: int) -> torch.Tensor:
    """The taps of `_bicubic` as matrices (n, size, size); two spare columns a side take strays."""
    n = len(places)
    wide = weights.new_zeros(n, size * (size + 4)).scatter_(1, places, weights)
    return wide.view(n, size, size + 4)[:, :, 2:-2]


def _blends(drawn: ViewParameters) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The steps of `_jitter`: how far each blends, and whether to luma or mean; (n, 6, 1, 1)."""
    hue_position = drawn.order.argmax(1, keepdim=True)
    position = torch.arange(4, device=drawn.order.device)
    amounts = torch.nn.functional.pad(1 - drawn.factors, (0, 1)).gather(1, drawn.order)
    before = torch.where(position < hue_position, amounts, 0.0)[:, :3]
    after = torch.where(position > hue_position, amounts, 0.0)[:, 1:]
    operation = torch.cat([drawn.order[:, :3], drawn.order[:, 1:]], 1)
    steps = torch.cat([before, after], 1), (operation == 2).float(), (operation == 1).float()
    amount, to_luma, to_mean = (step[:, :, None, None] for step in steps)
    return amount, to_luma, to_mean


def _jitter(x: torch.Tensor, policy: AugmentationPolicy, by: _Coefficients) -> torch.Tensor:
    """Jitter of (n, 3, pixels), each image in its own order.

    All but hue are blends towards a reference (black, the mean luma, luma), so one step serves
    all. An image's blends before its hue are steps 0 to 2, then comes every hue, and the blends
    after it are steps 3 to 5; an amount of 0 is no blend.
    """
    steps = zip(by.amount.unbind(1), by.to_luma.unbind(1), by.to_mean.unbind(1), strict=True)
    for step, (amount, to_luma, to_mean) in enumerate(steps):
        if step == 3 and policy.hue > 0:
            x = _rotate_hue(x, by.turns)
        luma = _luma(x)
        mean = luma.mean(2, keepdim=True)
        reference = luma.mul_(to_luma).add_(mean.mul_(to_mean))
        x = x.lerp_(reference, amount).clamp_(0, 1)
    return x


def _luma(x: torch.Tensor) -> torch.Tensor:
    """Grey value (n, 1, pixels) of (n, 3, pixels)."""
    red, green, blue = x.split(1, 1)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


def _rotate_hue(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Exact HSV hue rotation of (n, 3, pixels) by (n, 1) `turns`, without branch or selection.

    In sixths of a turn from green, hue is 1 + (b + r - g - min) / chroma on the side of blue and
    minus that on the side of red. Rotated and brought back into [-3, 3], green lies one chroma
    above the minimum up to 1 away and at the minimum from 2 on; red and blue, 2 off, mirror it.
    """
    red, green, blue = x.unbind(1)
    largest, smallest = x.amax(1), x.amin(1)
    hue = (blue + red).sub_(green).sub_(smallest)
    hue = hue.div_((largest - smallest).clamp_(min=1e-9)).add_(1)
    hue = hue.copysign_(blue - red).add_(6 * turns)
    hue = hue.sub_((hue / 6).round_(), alpha=6)
    levels = hue[:, None] + torch.arange(-1.0, 2.0, device=x.device)[:, None]
    levels.abs_().sub_(1).clamp_(0, 1)
    levels[:, 1].neg_().add_(1)
    return torch.lerp(smallest[:, None], largest[:, None], levels)


def _gaussian(sigma: torch.Tensor, largest: float) -> torch.Tensor:
    """Normalised kernels (n, 2 radius + 1), four of the `largest` sigma wide on either side."""
    radius = max(1, math.ceil(4 * largest))
    offsets = torch.arange(-radius, radius + 1, device=sigma.device)
    taps = torch.exp(-0.5 * (offsets / sigma.clamp(min=1e-3)[:, None]).square())
    return taps / taps.sum(1, keepdim=True)


def _spread(width: int, size: int, device: torch.device) -> torch.Tensor:
    """Where the `width` taps of a convolution fall, edges repeated: 0 or 1, (width, size, size)."""
    position = torch.arange(size, device=device)
    offset = torch.arange(width, device=device)[:, None] - width // 2
    source = (position + offset).clamp_(0, size - 1)
    return (source[:, :, None] == position).float()


def _convolution(taps: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Convolution with each image's `taps` (n, width) as matrices (n, size, size)."""
    return (taps @ spread.flatten(1)).view(len(taps), *spread.shape[1:])

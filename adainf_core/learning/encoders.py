"""Encoders: images in [0, 1] to features, normalisation included."""

from __future__ import annotations

import copy
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from adainf_core.learning.pretrain_config import ENCODERS, WIDEST, PretrainConfig
from adainf_core.validation import as_choice, as_count

PIXEL_MEAN, PIXEL_STD = 0.5, 0.25


class Encoder(nn.Module):
    """A backbone behind the pixel normalisation it was trained with.

    Called on float images (b, 3, h, w) in [0, 1] it returns features (b, feature_dim). The
    normalisation lives here so that no probe can forget it.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: nn.Module, feature_dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.feature_dim = feature_dim
        self.normalize((PIXEL_MEAN,), (PIXEL_STD,))

    def normalize(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Set the pixel `mean` and `std` that are taken out, one of each or one per channel."""
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone((images - self.mean) / self.std)


class ColourShares(nn.Module):
    """The share of pixels (b, 64) that each of 64 colours has, four equal steps a channel."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        steps = (4 * images).long().clamp(0, 3)
        colours = (16 * steps[:, 0] + 4 * steps[:, 1] + steps[:, 2]).flatten(1)
        counts = torch.zeros(len(images), 64, device=images.device)
        counts.scatter_add_(1, colours, torch.ones_like(colours, dtype=counts.dtype))
        return counts / colours.shape[1]


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x)


def small_cnn(width: int = 16) -> Encoder:
    """A laptop's encoder: a stem and three residual stages of `width`, 2x, 4x and 8x channels.

    Made for 16x16 images (features come from a 2x2 map, averaged); feature_dim is 8 * width.
    """
    width = as_count(width, "width", 1, WIDEST)
    layers: list[nn.Module] = [_conv(3, width)]
    for scale in (1, 2, 4):
        layers += [_conv(scale * width, 2 * scale * width, stride=2), _Residual(2 * scale * width)]
    return Encoder(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 8 * width)


class _Block(nn.Module):
    """A block of a ResNet: convolutions of (outputs, kernel size, stride), and what goes past them.

    It is torchvision's to the bit, whose package takes as long to load as torch itself.
    """

    def __init__(
        self, inputs: int, convolutions: list[tuple[int, int, int]], shortcut: nn.Module | None
    ) -> None:
        super().__init__()
        self.depth = len(convolutions)
        for number, (outputs, size, stride) in enumerate(convolutions, start=1):
            conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", nn.BatchNorm2d(outputs))
            inputs = outputs
        self.downsample = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x
        for number in range(1, self.depth + 1):
            out = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(out))
            if number == self.depth:
                out += x if self.downsample is None else self.downsample(x)
            out = F.relu(out, inplace=True)
        return out


#: Residual blocks of each stage.
_STAGES = {
    "resnet10": (1, 1, 1, 1),
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
}


def resnet(name: str, base_width: int = 64, stem_padding: int = 1, stem_stride: int = 1) -> Encoder:
    """ResNet-10, -18, -34 or -50 for small images: no max pooling, four stages.

    They have `base_width` (published: 64), 2x, 4x and 8x channels; feature_dim is the last (50:
    four times that). The stem is a 3x3 convolution, or 2x2 where `stem_stride` is 2: a quarter of
    the work in all stages. The official code inherits `stem_padding=2`, which widens the maps from
    32 to 34 pixels and the cost by about a quarter. Blocks and the names of weights are
    torchvision's.
    """
    as_choice(name, "name", _STAGES)
    as_count(stem_padding, "stem_padding", 1, 2)
    as_count(stem_stride, "stem_stride", 1, 2)
    if stem_stride == 2 and stem_padding != 1:
        raise ValueError(
            f"stem_padding={stem_padding} widens a stem of stride 1, and a 2x2 one has no padding: "
            "leave it at 1, or take stem_stride=1"
        )
    inputs = base_width = as_count(base_width, "base_width", 1, WIDEST)
    stem = (3, 1, stem_padding) if stem_stride == 1 else (2, 2, 0)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(3, base_width, *stem, bias=False),
        "bn1": nn.BatchNorm2d(base_width),
        "relu": nn.ReLU(inplace=True),
    }
    for stage, blocks in enumerate(_STAGES[name]):
        planes, stride = base_width * 2**stage, 1 if stage == 0 else 2
        outputs = 4 * planes if name == "resnet50" else planes
        shortcut: nn.Module | None = None
        if stride == 2 or inputs != outputs:
            shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        within: list[nn.Module] = []
        for _ in range(blocks):
            convolutions = [(planes, 3, stride), (planes, 3, 1)]
            if name == "resnet50":
                convolutions = [(planes, 1, 1), (planes, 3, stride), (outputs, 1, 1)]
            within.append(_Block(inputs, convolutions, shortcut))
            inputs, stride, shortcut = outputs, 1, None
        layers[f"layer{stage + 1}"] = nn.Sequential(*within)
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    backbone = nn.Sequential(OrderedDict(layers))
    for module in backbone[1:].modules():  # as torchvision does; the stem as the official code
        # a draw that is for nobody, on the device "meta", would load torch's compiler
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return Encoder(backbone, inputs)


def build_encoder(
    name: str,
    width: int = 16,
    base_width: int = 64,
    stem_padding: int = 1,
    stem_stride: int = 1,
) -> Encoder:
    """The encoder called `name`: "small_cnn" of `width`, or a ResNet, of which the others tell."""
    as_choice(name, "name", ENCODERS)
    if name == "small_cnn":
        return small_cnn(width)
    return resnet(name, base_width, stem_padding, stem_stride)


def multiply_adds(encoder: Encoder, size: int) -> int:
    """Multiply-adds of one image of `size` pixels a side: convolutions and matrix products."""
    from torch.utils.flop_counter import FlopCounterMode

    counted = copy.deepcopy(encoder).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        counted(torch.zeros(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


def encoder_of(config: PretrainConfig) -> Encoder:
    """The encoder that a run of `config` begins with, its normalisation included."""
    encoder = build_encoder(
        config.encoder, config.width, config.base_width, config.stem_padding, config.stem_stride
    )
    encoder.normalize(config.pixel_mean, config.pixel_std)
    return encoder

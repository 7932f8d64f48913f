"""Encoders: images in [0, 1] to features, normalisation included."""

from __future__ import annotations

import torch
from torch import nn

PIXEL_MEAN, PIXEL_STD = 0.5, 0.25


class Encoder(nn.Module):
    """A backbone behind the pixel normalisation it was trained with.

    Called on float images (b, 3, h, w) in [0, 1] it returns features (b, feature_dim). The
    normalisation lives here so that no probe can forget it.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.feature_dim = feature_dim

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone((images - PIXEL_MEAN) / PIXEL_STD)


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


def small_cnn(width: int = 24) -> Encoder:
    """A laptop's encoder: a stem and three residual stages of `width`, 2x, 4x and 8x channels.

    Made for 16x16 images (features come from a 2x2 map, averaged); feature_dim is 8 * width.
    """
    if width < 1:
        raise ValueError(f"width={width} has to be at least 1")
    layers: list[nn.Module] = [_conv(3, width)]
    for scale in (1, 2, 4):
        layers += [_conv(scale * width, 2 * scale * width, stride=2), _Residual(2 * scale * width)]
    return Encoder(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 8 * width)


def resnet18(stem_padding: int = 1) -> Encoder:
    """ResNet-18 with the CIFAR stem: 3x3 stride-1 convolution, no max pooling; feature_dim 512.

    The official code inherits `stem_padding=2`, which widens the maps from 32 to 34 pixels and the
    cost by about a quarter.
    """
    from torchvision.models import resnet18 as imagenet_resnet18

    backbone = imagenet_resnet18(weights=None)
    backbone.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=stem_padding, bias=False)
    backbone.maxpool = nn.Identity()
    backbone.fc = nn.Identity()
    return Encoder(backbone, 512)


def build_encoder(name: str, width: int = 24) -> Encoder:
    """The encoder called `name`: "small_cnn" (with `width`) or "resnet18"."""
    if name == "small_cnn":
        return small_cnn(width)
    if name == "resnet18":
        return resnet18()
    raise ValueError(f"unknown encoder {name!r}; known: small_cnn, resnet18")


def projection_head(feature_dim: int, hidden: int, out: int) -> nn.Sequential:
    """SimCLR's two-layer projector: feature_dim -> hidden -> out; thrown away after training."""
    return nn.Sequential(
        nn.Linear(feature_dim, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out)
    )

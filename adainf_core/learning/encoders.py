"""Encoders: images in [0, 1] to features, normalisation included."""

from __future__ import annotations

import torch
from torch import nn

from adainf_core.learning.pretrain_config import ENCODERS, WIDEST
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


def resnet(name: str, stem_padding: int = 1) -> Encoder:
    """ResNet-18, -34 or -50 with the CIFAR stem: 3x3 stride-1 convolution, no max pooling.

    feature_dim is 512 (50: 2048). The official code inherits `stem_padding=2`, which widens the
    maps from 32 to 34 pixels and the cost by about a quarter.
    """
    from torchvision import models

    as_choice(name, "name", ENCODERS[1:])
    as_count(stem_padding, "stem_padding", 1, 2)
    backbone = getattr(models, name)(weights=None)
    feature_dim = backbone.fc.in_features
    backbone.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=stem_padding, bias=False)
    backbone.maxpool = nn.Identity()
    backbone.fc = nn.Identity()
    return Encoder(backbone, feature_dim)


def build_encoder(name: str, width: int = 16, stem_padding: int = 1) -> Encoder:
    """The encoder called `name`: "small_cnn" (with `width`) or a ResNet (with `stem_padding`)."""
    as_choice(name, "name", ENCODERS)
    return small_cnn(width) if name == "small_cnn" else resnet(name, stem_padding)

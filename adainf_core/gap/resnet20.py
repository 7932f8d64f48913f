"""ResNet-20 for CIFAR-10 with option-A shortcuts, as its published weights were trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

WEIGHTS = "resnet20-12fca82f.th"


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        # option A: every second pixel, and channels of zeros on either side
        half = self.added // 2
        return torch.relu(
            kept + functional.pad(x[:, :, :: self.stride, :: self.stride], (0,) * 4 + (half,) * 2)
        )


class ResNet20(nn.Module):
    """He et al. (2016), section 4.2, with 0.27 million parameters; `forward` gives features.

    Normalised float images (b, 3, h, w) to the averaged last maps, (b, 64).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(
                _Block(inputs, outputs, stride), *(_Block(outputs, outputs, 1) for _ in "23")
            )
            for inputs, outputs, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        )
        self.linear = nn.Linear(64, 10)  # the published weights have it

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.bn1(self.conv1(images)))
        return self.layer3(self.layer2(self.layer1(maps))).mean((2, 3))


def load_resnet20(path: Path) -> ResNet20:
    """The network with the weights at `path`, a file or a folder that holds `WEIGHTS`.

    FileNotFoundError or ValueError in one line that names the file; nothing is unpickled but
    tensors.
    """
    file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"no ResNet-20 weights at {file}: get {WEIGHTS} from "
            "https://github.com/akamaster/pytorch_resnet_cifar10 and name it here"
        )
    network = ResNet20()
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
        tensors = {key.removeprefix("module."): value for key, value in found["state_dict"].items()}
        network.load_state_dict(tensors)
    except Exception as error:  # whatever a damaged file makes torch raise
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"{file} holds no ResNet-20 for CIFAR-10 ({reason})") from None
    return network.eval()

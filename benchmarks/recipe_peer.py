"""What lightly's documented SimCLR reaches on CIFAR-10 in so many minutes of one core.

    python benchmarks/recipe_peer.py [--minutes 30]      # peer: benchmarks/requirements.txt

The loop is that of its CIFAR-10 benchmark: `ResNetGenerator("resnet-18")`, `SimCLRTransform` at 32
pixels without blur, its projection head and `NTXentLoss`, SGD at 0.06 for batches of 128 with
momentum 0.9 and decay 5e-4, float32, a cosine over the run (here in steps, that it ends well in so
short a time), whose length is known from the time of a few steps. All 50,000 images; CPU time, data
and augmentation included, one thread. Its features then meet our neighbours' probe, as a recipe's
do in the study "recipe-race".
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import torch
from common import report
from torch import nn
from torch.utils.data import DataLoader
from training import Pictures

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.learning.probing import knn_probe

BATCH, RATE = 128, 0.06
TIMED = 3  # steps that say how many there will be


class Contestant(nn.Module):
    """Its network, loss, optimiser and batches."""

    def __init__(self, images: ImageSet) -> None:
        from lightly.data import LightlyDataset
        from lightly.loss import NTXentLoss
        from lightly.models import ResNetGenerator
        from lightly.models.modules import SimCLRProjectionHead
        from lightly.transforms import SimCLRTransform

        super().__init__()
        layers = list(ResNetGenerator("resnet-18").children())[:-1]
        self.backbone = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = SimCLRProjectionHead(512, 512, 128)
        self.criterion = NTXentLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), RATE, momentum=0.9, weight_decay=5e-4)
        transform = SimCLRTransform(input_size=32, gaussian_blur=0.0)
        pictures = LightlyDataset.from_torch_dataset(Pictures(images), transform=transform)
        self.loader = DataLoader(pictures, BATCH, shuffle=True, drop_last=True)
        self.batches = self._batches()

    def _batches(self) -> Iterator[list[torch.Tensor]]:
        while True:
            for views, *_ in self.loader:
                yield views

    def step(self) -> None:
        loss = self.criterion(*(self.head(self.backbone(view)) for view in next(self.batches)))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class Normalised(nn.Module):
    """A backbone on images in [0, 1], as its transform hands them over."""

    def __init__(self, backbone: nn.Module) -> None:
        from lightly.transforms.utils import IMAGENET_NORMALIZE

        super().__init__()
        self.backbone = backbone
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(IMAGENET_NORMALIZE[name]).view(-1, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone((images - self.mean) / self.std)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    train, test = (load_images("cifar10", split=part, download=False) for part in ("train", "test"))
    peer = Contestant(train)
    started = time.process_time()
    for _ in range(TIMED):
        peer.step()
    each = (time.process_time() - started) / TIMED
    steps = max(1, round(60 * options.minutes / each) - TIMED)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(peer.optimizer, steps)
    for number in range(steps):
        peer.step()
        schedule.step()
        if number % 50 == 0:
            print(f"{number} of {steps} steps, {time.process_time() - started:.0f} s", flush=True)
    minutes = (time.process_time() - started) / 60
    found = knn_probe(Normalised(peer.backbone).eval(), train, test)
    figures = {"lightly, its CIFAR-10 benchmark": dict.fromkeys(("median", "low", "high"),
                                                                100 * found.accuracy)}  # fmt: skip
    report("recipe_peer", figures, "% right by ten nearest neighbours", ("lightly",),
           minutes=minutes, steps=steps + TIMED, batch=BATCH, seed=options.seed)  # fmt: skip


if __name__ == "__main__":
    main()

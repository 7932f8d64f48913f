"""Inflation and augmentation in a training loop of your own, with your own model and loss.

    python examples/in_a_plain_loop.py

Three calls are all it takes: `Inflation.batch_indices` says which images batch number `step` holds,
`gather` copies them, and `augment` makes a view of each. They know nothing of the model. Here that
is a plain convolutional network under the alignment and uniformity loss (Wang and Isola 2020).
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from adainf_core import POLICIES, Inflation, augment, knn_probe, load_images, make_generator

real, test = load_images("digits"), load_images("digits", split="test")
generated = make_generator("gaussian_mixture", real).sample(2000, seed=1)
mixture = Inflation(real, generated, replication=10)
policy = replace(POLICIES["symmetric_adainf"], crop_scale=(0.4, 1.0), flip_p=0.0)
policy = policy.for_image_size(real.image_size)


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


def alignment_and_uniformity(z1: torch.Tensor, z2: torch.Tensor) -> torch.Tensor:
    """Views of one image lie close, and all images spread over the sphere."""
    alignment = (z1 - z2).square().sum(1).mean()
    first, second = (torch.pdist(z).square().mul(-2).exp().mean().log() for z in (z1, z2))
    return alignment + (first + second) / 2


torch.manual_seed(0)
backbone = nn.Sequential(convolution(3, 64), convolution(64, 128), nn.Flatten())
model = nn.Sequential(backbone, nn.Linear(512, 32))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
noise = torch.Generator().manual_seed(0)
untrained = knn_probe(backbone, real, test)

for step in range(250):
    ids = mixture.batch_indices(step, 128, seed=0)
    images = torch.from_numpy(mixture.gather(ids))  # uint8 (128, 3, 8, 8); to your device here
    # two of the policies treat the second view unlike the first, so say which one it is
    first, second = (augment(images, policy, noise, view) for view in (0, 1))
    z1, z2 = (F.normalize(model(view)) for view in (first, second))
    loss = alignment_and_uniformity(z1, z2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# The probes take any module that maps images in [0, 1] to features.
trained = knn_probe(backbone, real, test)
print(f"kNN accuracy {100 * trained.accuracy:.1f} %, {100 * untrained.accuracy:.1f} untrained")

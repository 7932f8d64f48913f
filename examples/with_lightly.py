"""Inflation and augmentation under the loss and the projection head of lightly.

    pip install lightly
    python examples/with_lightly.py

lightly (https://github.com/lightly-ai/lightly) has many methods; images and views come from here,
in the place of its data sets and transforms. Last run with lightly 1.6.0.
"""

from dataclasses import replace

import torch

from adainf_core import (
    POLICIES,
    Inflation,
    augment,
    linear_probe,
    load_images,
    make_generator,
    small_cnn,
)

try:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
except ModuleNotFoundError as missing:
    raise SystemExit(f"no module named {missing.name}: pip install lightly") from None

real, test = load_images("digits"), load_images("digits", split="test")
generated = make_generator("gaussian_mixture", real).sample(2000, seed=1)
mixture = Inflation(real, generated, replication=10)
policy = replace(POLICIES["symmetric_adainf"], crop_scale=(0.4, 1.0), flip_p=0.0)
policy = policy.for_image_size(real.image_size)

torch.manual_seed(0)
encoder = small_cnn()
head = SimCLRProjectionHead(encoder.feature_dim, 256, 64)
criterion = NTXentLoss(temperature=0.2)
optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=2e-3)
noise = torch.Generator().manual_seed(0)
untrained = linear_probe(encoder, real, test)

for step in range(250):
    images = torch.from_numpy(mixture.gather(mixture.batch_indices(step, 128, seed=0)))
    first, second = (augment(images, policy, noise, view) for view in (0, 1))
    loss = criterion(head(encoder(first)), head(encoder(second)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

trained = linear_probe(encoder, real, test)
print(f"linear accuracy {100 * trained.accuracy:.1f} %, {100 * untrained.accuracy:.1f} untrained")

"""The whole method at a glance: images, generated ones, inflation, views, loss, probe.

    python examples/pretrain_in_forty_lines.py

It takes scikit-learn's digits (nothing is downloaded) and some seconds, and prints the accuracy.
`adainf_core.pretrain` is this loop with checkpoints, several GPUs, and every official recipe.
"""

from dataclasses import replace

import torch

from adainf_core import (
    POLICIES,
    Inflation,
    SimCLR,
    linear_probe,
    load_images,
    make_generator,
    small_cnn,
    two_views,
    view_noise,
)

STEPS, BATCH = 100, 64

# Real images, and more of them from a generator that is not quite right: a mixture of Gaussians.
real, test = load_images("digits"), load_images("digits", split="test")
generated = make_generator("gaussian_mixture", real).sample(2000, seed=1)

# Data inflation: each real image counts N = 10 times beside every generated one.
mixture = Inflation(real, generated, replication=10)

# Augmentation as AdaInf weakens it, for images of 8 pixels of which a mirrored one is no digit.
policy = replace(POLICIES["symmetric_adainf"], crop_scale=(0.4, 1.0), flip_p=0.0)
policy = policy.for_image_size(real.image_size)
noise = torch.Generator().manual_seed(0)

# The encoder; the method adds its projector and its loss.
torch.manual_seed(0)
encoder = small_cnn()
method = SimCLR(temperature=0.2).build(encoder)
optimizer = torch.optim.AdamW(method.parameters(), lr=2e-3, weight_decay=1e-2)
untrained = linear_probe(encoder, real, test)

for step in range(STEPS):
    ids = mixture.batch_indices(step, BATCH, seed=0)
    images = torch.from_numpy(mixture.gather(ids))
    views = two_views(images, images, policy, view_noise(2 * BATCH, noise))
    loss, _ = method(views, torch.from_numpy(ids))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# Linear evaluation: logistic regression on frozen features, fitted to the real images alone.
trained = linear_probe(encoder, real, test)
print(f"{100 * mixture.beta:.0f} % of the images drawn were real; the last loss was {loss:.2f}")
print(f"linear accuracy {100 * trained.accuracy:.1f} %, {100 * untrained.accuracy:.1f} untrained")

"""A labeler: a small network trained with labels, to say which class a view looks like."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.eager_optimizers import eager
from adainf_core.learning.augmentation import augment
from adainf_core.learning.encoders import encoder_of
from adainf_core.learning.policies import AugmentationPolicy, as_policies
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import in_words


class Bfloat16(nn.Module):
    """A network run in bfloat16, which is half as fast again on the processors at hand."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            return self.network(images).float()


def train_labeler(
    images: ImageSet, policies: Sequence[AugmentationPolicy], config: PretrainConfig
) -> nn.Module:
    """An encoder and a linear head, cross-entropy on views: images (b, 3, h, w) to class scores.

    The views come from each of `policies` in turn, so that the labeler knows views of every
    strength. Of `config` it uses encoder, width, steps, batch_size, learning_rate, weight_decay and
    seed; AdamW under a one-cycle rate that peaks at twice the learning rate, in bfloat16 on the
    processor. Deterministic given the seed. ValueError for unlabelled images or no policy.
    """
    as_image_set(images, "images")
    if not isinstance(config, PretrainConfig):
        raise ValueError(f"config={in_words(config)} must be a PretrainConfig")
    if images.labels is None or images.classes is None:
        raise ValueError(f"{images.name} has no labels: a labeler learns from them")
    policies = as_policies(policies)
    pixels, labels = torch.from_numpy(images.images), torch.from_numpy(images.labels)
    generator = torch.Generator().manual_seed(config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        encoder = encoder_of(config)
        network = nn.Sequential(encoder, nn.Linear(encoder.feature_dim, images.classes))
    labeler = Bfloat16(network.to(memory_format=torch.channels_last)).train()
    optimizer = eager(torch.optim.AdamW)(network.parameters(), weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2 * config.learning_rate, total_steps=config.steps
    )
    for step in range(config.steps):
        batch = torch.randint(len(pixels), (config.batch_size,), generator=generator)
        views = augment(pixels[batch], policies[step % len(policies)], generator)
        scores = labeler(views.contiguous(memory_format=torch.channels_last))
        optimizer.zero_grad()
        nn.functional.cross_entropy(scores, labels[batch]).backward()
        optimizer.step()
        schedule.step()
    return labeler.eval()

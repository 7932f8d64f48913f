"""Probes of sprites against encoders that see all, one factor, or nothing."""

import numpy as np
import pytest
import torch
from torch import nn

from adainf_core.data.sprites import SpriteWorld
from adainf_core.learning.probing import linear_probe
from adainf_core.learning.sprite_probes import sprite_probes

WORLD = SpriteWorld(size=12, tilts=1)
LATENTS = np.random.default_rng(0).permutation(np.flatnonzero(WORLD.real_distribution()))
SIDES = LATENTS[:300], LATENTS[300:600]


class Knowing(nn.Module):
    """An encoder that knows the sprites' hue by heart, and nothing else."""

    def __init__(self):
        super().__init__()
        both = WORLD.labelled(np.concatenate(SIDES), "hue")
        self.known = {
            image.tobytes(): hue for image, hue in zip(both.images, both.labels, strict=True)
        }
        self.feature_dim = WORLD.hues

    def forward(self, views):
        images = (255 * views).round().byte().numpy()
        hues = torch.tensor([self.known[image.tobytes()] for image in images])
        return nn.functional.one_hot(hues, WORLD.hues).float()


def test_what_an_encoder_knows_is_read_off_and_nothing_else():
    encoder = Knowing().train()
    found = sprite_probes(encoder, WORLD, *SIDES)
    assert encoder.training
    assert found["hue, neighbours"].value == found["hue, linear"].value == 1
    chance = 1 / WORLD.shape[0]
    for how in ("neighbours", "linear"):
        assert found[f"shape, {how}"].value == pytest.approx(chance, abs=0.08)
        assert found[f"shape, {how}"].n == 300


def test_shares_are_those_of_the_probes():
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(3 * 144, 16)).eval()
    sides = (WORLD.labelled(latents, "shape") for latents in SIDES)
    expected = linear_probe(encoder, *sides, penalties=(1e-3, 1e-2)).accuracy
    found = sprite_probes(encoder, WORLD, *SIDES, penalties=(1e-3, 1e-2))
    assert found["shape, linear"].value == pytest.approx(expected)
    assert not encoder.training

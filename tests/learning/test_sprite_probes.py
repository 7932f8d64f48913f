"""Probes of sprites against encoders that see all, one factor, or nothing."""

import numpy as np
import pytest
import torch
from torch import nn

from adainf_core.data.sprites import SpriteWorld
from adainf_core.learning.probing import linear_probe
from adainf_core.learning.sprite_probes import (
    sprite_probes,
    sprite_regressions,
    sprite_targets,
)

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


def test_factors_as_numbers_are_those_that_are_drawn():
    found = sprite_targets(WORLD, LATENTS)
    _, _, hue, row, column, *_ = np.unravel_index(LATENTS, WORLD.shape)
    assert np.array_equal(found["place"], np.stack([row, column], 1))
    # a colour wheel: every hue is as far from the next one, the last from the first
    wheel = np.array([found["hue"][hue == h][0] for h in range(WORLD.hues)])
    steps = np.linalg.norm(wheel - np.roll(wheel, 1, 0), axis=1)
    assert np.allclose(steps, 2 * np.sin(np.pi / WORLD.hues))
    # and what has the larger radius covers more of the image
    three = SpriteWorld(size=24, scales=3, tilts=1)
    latents = np.flatnonzero(three.real_distribution())
    radius = sprite_targets(three, latents)["size"][:, 0]
    covered = three._masks.mean(axis=(-1, -2)).mean(axis=(0, 1, 2, 4))
    by_radius = [radius[np.unravel_index(latents, three.shape)[5] == s][0] for s in range(3)]
    assert np.array_equal(np.argsort(by_radius), np.argsort(covered))


def test_what_an_encoder_knows_is_told_in_full_by_regression_too(tmp_path):
    found = sprite_regressions(Knowing(), WORLD, *SIDES, tmp_path)
    assert found["hue"].r2 == pytest.approx(1, abs=1e-6)
    assert abs(found["place"].r2) < 0.05 and abs(found["size"].r2) < 0.05

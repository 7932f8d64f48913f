"""Features of a diffusion model's network, against its own blocks called by hand."""

import numpy as np
import pytest
import torch

from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.unet_features import NOISES, UNetFeatures, blocks_of, depths_of
from adainf_core.learning.features import extract_features


@pytest.fixture(scope="module")
def generator():
    return DiffusionGenerator.load("cifar10-16", device="cpu")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 3, 16, 16), dtype=np.uint8)


def by_hand(generator, images, noise):
    """The states after each down block, the middle, and each up block, mean over places."""
    unet, squares = generator.unet, None
    from diffusers import DDPMScheduler

    squares = DDPMScheduler.from_config(generator.schedule).alphas_cumprod
    level = int(noise * len(squares))
    x = torch.from_numpy(images).float() / 127.5 - 1
    picture = torch.randn((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    x = squares[level] ** 0.5 * x + (1 - squares[level]) ** 0.5 * picture
    times = torch.full((len(x),), level)
    embedded = unet.time_embedding(unet.time_proj(times))
    state, skips, found = unet.conv_in(x), [], {}
    skips.append(state)
    for n, block in enumerate(unet.down_blocks):
        state, kept = block(hidden_states=state, temb=embedded)
        skips.extend(kept)
        found[f"down{n}"] = state
    state = unet.mid_block(state, embedded)
    found["mid"] = state
    for n, block in enumerate(unet.up_blocks):
        mine = skips[-len(block.resnets) :]
        del skips[-len(block.resnets) :]
        state = block(state, tuple(mine), embedded)
        found[f"up{n}"] = state
    return {name: value.mean((2, 3)) for name, value in found.items()}


@pytest.mark.parametrize("noise", NOISES)
def test_features_are_the_blocks_own(generator, images, noise):
    with torch.inference_mode():
        expected = by_hand(generator, images, noise)
    assert tuple(expected) == blocks_of(generator)
    for block, value in expected.items():
        found = extract_features(UNetFeatures(generator, block, noise), images)
        np.testing.assert_allclose(found, value.numpy(), atol=2e-4, rtol=2e-4)


def test_features_are_a_function_of_the_image_alone(generator, images):
    encoder = UNetFeatures(generator, "up1", 0.1)
    together = extract_features(encoder, images)
    alone = extract_features(encoder, images[4:5], batch_size=1)
    np.testing.assert_allclose(together[4:5], alone, atol=1e-4, rtol=1e-4)
    other = extract_features(UNetFeatures(generator, "up1", 0.3), images)
    assert np.abs(other - together).max() > 0.01


def test_two_encoders_of_one_model_do_not_disturb_each_other(generator, images):
    first, second = (UNetFeatures(generator, block, 0.1) for block in ("mid", "up2"))
    alone = extract_features(first, images)
    extract_features(second, images)
    assert np.array_equal(extract_features(first, images), alone)


def test_the_depths_lie_about_the_middle(generator):
    assert blocks_of(generator) == ("down0", "down1", "down2", "mid", "up0", "up1", "up2")
    assert depths_of(generator) == ("down2", "mid", "up1")


def test_what_the_network_has_not_is_refused(generator):
    with pytest.raises(ValueError, match="block='up3'"):
        UNetFeatures(generator, "up3")
    for noise in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="noise"):
            UNetFeatures(generator, "mid", noise)

"""Sprites: an injective renderer carries exact total variation from latents to images."""

import numpy as np
import pytest

from adainf_core.data import sprites
from adainf_core.data.sprites import FACTORS, FLAWS, SHAPES, SpriteWorld
from adainf_core.theory.total_variation import total_variation

WORLD = SpriteWorld()


@pytest.mark.parametrize(
    "world", [WORLD, SpriteWorld(size=32, hues=2, places=2, backgrounds=2, unseen_backgrounds=1)]
)
def test_no_two_latents_render_alike(world):
    # a number of 64 bits for each image: the same for the same pixels
    factors = np.random.default_rng(0).integers(1, 2**63, 3 * world.size**2 // 8, np.uint64) | 1
    seen = []
    for start in range(0, world.count, 20_000):
        images = world.render(np.arange(start, min(start + 20_000, world.count)))
        seen.append(images.reshape(len(images), -1).view(np.uint64) @ factors)
    assert len(np.unique(np.concatenate(seen))) == world.count


def test_a_render_depends_on_its_latent_alone():
    latents = np.random.default_rng(0).integers(0, WORLD.count, 50)
    together = WORLD.render(latents)
    for latent, image in zip(latents, together, strict=True):
        assert np.array_equal(WORLD.render(np.array([latent]))[0], image)


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.5])
def test_generators_are_at_exactly_tau(flaw, tau):
    distribution = WORLD.generated_distribution(flaw, tau)
    assert total_variation(WORLD.real_distribution(), distribution) == pytest.approx(tau, abs=1e-12)


@pytest.mark.parametrize("flaw", ["chimera", "background", "blur"])
def test_off_support_flaws_reach_distance_one(flaw):
    assert total_variation(
        WORLD.real_distribution(), WORLD.generated_distribution(flaw, 1.0)
    ) == pytest.approx(1)


def test_a_flaw_that_cannot_reach_tau_is_refused():
    with pytest.raises(ValueError, match=r"tau=0.8 is outside \[0, 0.5\]"):
        WORLD.generated_distribution("mode_drop", 0.8)


def test_unknown_flaw_is_named():
    with pytest.raises(ValueError, match="'ghost'"):
        WORLD.flaw_distribution("ghost")


def test_samples_follow_the_distribution_and_carry_its_classes():
    images = WORLD.sample(WORLD.real_distribution(), 16_000, np.random.default_rng(0))
    counts = np.bincount(images.labels, minlength=len(SHAPES))
    # eight equally likely classes of 2,000: 5 standard deviations are 209
    assert len(counts) == len(SHAPES) and np.abs(counts - 2000).max() < 209


@pytest.mark.parametrize("factor", FACTORS)
def test_a_labelled_set_says_which_value_of_its_factor_each_image_has(factor):
    latents = np.random.default_rng(0).integers(0, WORLD.count, 20)
    found = WORLD.labelled(latents, factor, "drawn")
    assert np.array_equal(found.images, WORLD.render(latents)) and found.name == "drawn"
    at = FACTORS.index(factor)
    below = int(np.prod(WORLD.shape[at + 1 :]))  # latents are counted in C order
    assert found.labels.tolist() == [int(n) // below % WORLD.shape[at] for n in latents]


def test_an_unknown_factor_is_named():
    with pytest.raises(ValueError, match=r"'colour'; known: shape, .*hue"):
        WORLD.labelled(np.arange(3), "colour")


def test_a_sample_is_a_set_of_renders_of_the_support():
    distribution = WORLD.generated_distribution("background", 1.0)
    images = WORLD.sample(distribution, 20, np.random.default_rng(0)).images
    support = {image.tobytes() for image in WORLD.render(np.flatnonzero(distribution))}
    assert all(image.tobytes() in support for image in images)


def blurred_by_brute_force(images: np.ndarray) -> np.ndarray:
    h, w = images.shape[2:]
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge").astype(np.uint16)
    shifts = [padded[:, :, dy : dy + h, dx : dx + w] for dy in range(3) for dx in range(3)]
    return ((np.sum(shifts, axis=0, dtype=np.uint16) + 4) // 9).astype(np.uint8)


@pytest.mark.parametrize("shape", [(150, 3, 16, 16), (45, 3, 32, 32), (1, 3, 12, 13)])
def test_blur_is_the_rounded_mean_of_nine_pixels(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    images[-1] = 255
    kept = images.copy()
    assert np.array_equal(sprites._box_blur(images), blurred_by_brute_force(images))
    turned = images.transpose(0, 1, 3, 2)  # in another order in memory
    assert np.array_equal(sprites._box_blur(turned), blurred_by_brute_force(turned))
    assert np.array_equal(images, kept)


@pytest.mark.parametrize("size", [16, 32])
def test_blurred_sprites_are_sharp_ones_blurred(size):
    world = SpriteWorld(size=size)
    sharp = np.random.default_rng(0).integers(0, world.count // 2, 300) * 2
    mixed = world.render(np.concatenate([sharp, sharp + 1]))
    assert np.array_equal(mixed[300:], blurred_by_brute_force(mixed[:300]))


def test_every_shape_is_seen_in_every_pose():
    coverage = WORLD._masks.reshape(-1, WORLD.size**2).mean(1) / 255
    assert coverage.min() > 0.03 and coverage.max() < 0.6


@pytest.mark.parametrize("wrong", [{"size": 8}, {"tilts": 0}, {"unseen_backgrounds": 3}])
def test_impossible_worlds_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        SpriteWorld(**wrong)

"""Latent sprites: closed-form spectra, exact distances, and draws that follow the kernel."""

from dataclasses import replace

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.data.latent_sprites import (
    SMALL_SPRITES,
    LatentAugmentation,
    PicturedWorld,
    PopulationViews,
    latent_sprites,
)
from adainf_core.data.sprites import SHAPES, SHOWN, SpriteWorld

EXACT = 1e-10
AUGMENTATION = LatentAugmentation(shift=0.3, hue=0.2, scale=0.4, half=0.2, miss=0.1, close_up=0.15)


def eigenvalues_of_real_data(a: LatentAugmentation, sprites: SpriteWorld) -> np.ndarray:
    """λ of the real distribution alone: uniform latents, eigenfunctions are products of factors'.

    A function of the sources survives a round trip by the squares of its walks' eigenvalues, times
    the probability of the crops that show what it speaks about: all but `miss` for hue alone, all
    but `miss` and `close_up` for the rest.
    """
    ring = 1 - a.hue * (1 - np.cos(2 * np.pi * np.arange(sprites.hues) / sprites.hues))
    path = 1 - a.shift * (1 - np.cos(np.pi * np.arange(sprites.places) / sprites.places))
    redrawn = np.r_[1.0, np.full(sprites.scales - 1, 1 - a.scale)]
    gammas = []
    for hue, hue_value in enumerate(ring):
        for row, row_value in enumerate(path):
            for column, column_value in enumerate(path):
                for scale, scale_value in enumerate(redrawn):
                    for shape in range(len(SHAPES)):
                        survival = hue_value * row_value * column_value * scale_value
                        if not any((hue, row, column, scale, shape)):
                            seen = 1.0
                        elif not any((row, column, scale, shape)):
                            seen = 1 - a.miss
                        else:
                            seen = 1 - a.miss - a.close_up
                        gammas.append(seen * survival**2)
    return 1 - np.sort(gammas)[::-1]


@pytest.mark.parametrize(
    "augmentation", [AUGMENTATION, LatentAugmentation(), LatentAugmentation(hue=0.05)]
)
def test_spectrum_of_real_data_is_the_closed_form(augmentation):
    graph = latent_sprites(augmentation).world.graph()
    expected = eigenvalues_of_real_data(augmentation, SMALL_SPRITES)
    found = graph.eigenvalues(len(expected))
    np.testing.assert_allclose(found, expected, atol=EXACT)


def test_labeling_error_is_that_of_the_crops_that_hide_the_shape():
    world = latent_sprites(AUGMENTATION).world
    # views without a shape are called by class 0, which is wrong for 7 of 8 classes
    assert world.labeling_error() == pytest.approx((0.1 + 0.15) * 7 / 8, abs=EXACT)
    flawed = latent_sprites(AUGMENTATION, "chimera", 1.0).world
    # of a chimera, called by its left half, the right half alone is another class's view
    assert flawed.labeling_error(0) == pytest.approx(0.25 * 7 / 8 + 0.2 / 2, abs=EXACT)


@pytest.mark.parametrize("flaw", ["chimera", "background", "mode_drop", "blur"])
def test_distances_are_exact_and_every_picture_is_one_point(flaw):
    pictured = latent_sprites(AUGMENTATION, flaw, 0.3)
    assert pictured.world.total_variation == pytest.approx(0.3, abs=EXACT)
    for images, count in (
        (pictured.natural_images, pictured.world.kernel.shape[0]),
        (pictured.view_images, pictured.world.kernel.shape[1]),
    ):
        assert len({image.tobytes() for image in images}) == len(images) == count


def test_kernel_matches_moving_and_rendering_one_latent_at_a_time():
    sprites = replace(SMALL_SPRITES, hues=4, scales=1)
    augmentation = replace(AUGMENTATION, scale=0.0)
    pictured = latent_sprites(augmentation, "chimera", 0.5, sprites)
    latents = np.flatnonzero(
        sprites.real_distribution() + sprites.generated_distribution("chimera", 0.5)
    )
    column = {image.tobytes(): c for c, image in enumerate(pictured.view_images)}
    a, dense = augmentation, pictured.world.kernel.toarray()
    for point in np.random.default_rng(0).integers(len(latents), size=12):
        left, right, hue, row, col, scale, tilt, ground, blur = np.unravel_index(
            latents[point], sprites.shape
        )
        expected = np.zeros(len(pictured.view_images))
        for dh, ph in ((-1, a.hue / 2), (0, 1 - a.hue), (1, a.hue / 2)):
            for dr, pr in ((-1, a.shift / 2), (0, 1 - a.shift), (1, a.shift / 2)):
                for dc, pc in ((-1, a.shift / 2), (0, 1 - a.shift), (1, a.shift / 2)):
                    moved = (
                        left,
                        right,
                        (hue + dh) % 4,
                        min(max(row + dr, 0), 1),
                        min(max(col + dc, 0), 1),
                        scale,
                        tilt,
                        ground,
                        blur,
                    )
                    latent = np.array([np.ravel_multi_index(moved, sprites.shape)])
                    crops = (a.whole, a.half / 2, a.half / 2, a.miss, a.close_up)
                    for shown, crop in enumerate(crops):
                        image = sprites.render(latent, np.array([shown]))[0]
                        expected[column[image.tobytes()]] += ph * pr * pc * crop
        np.testing.assert_allclose(dense[point], expected, atol=EXACT)


def test_what_is_shown_is_rendered():
    latent = np.flatnonzero(SMALL_SPRITES.real_distribution())[:1].repeat(len(SHOWN))
    whole, right, left, background, colour = SMALL_SPRITES.render(latent, np.arange(len(SHOWN)))
    ground = background[:, :1, :1]
    assert (background == ground).all() and (colour == colour[:, :1, :1]).all()
    inside = (whole != ground).any(axis=0)
    in_left, in_right = ((half != ground).any(axis=0) for half in (left, right))
    assert in_left.any() and in_right.any() and not (in_left & in_right).any()
    assert np.array_equal(in_left | in_right, inside)
    assert np.array_equal(SMALL_SPRITES.render(latent[:1])[0], whole)


def test_unmoved_views_are_the_images_and_labels_those_of_the_shape_shown():
    pictured = latent_sprites(AUGMENTATION, "background", 0.6)
    assert np.array_equal(pictured.view_images[pictured.unmoved], pictured.natural_images)
    labels = pictured.world.view_labels[pictured.unmoved]
    assert np.array_equal(labels, pictured.world.natural_labels)
    real = pictured.world.natural_labels[pictured.world.p_real > 0]
    assert np.array_equal(np.bincount(real), np.full(8, 24))


def test_draws_follow_the_distribution_and_are_functions_of_the_step():
    rng = np.random.default_rng(3)
    world = random_world(rng, points=5, views=6)
    images = rng.integers(0, 255, (11, 3, 4, 4), dtype=np.uint8)
    views = PopulationViews(PicturedWorld(world, images[:5], images[5:], np.zeros(5, int)), 0.4)
    sources, pairs = views.draw(200_000, rng)
    counts = np.bincount(sources, minlength=5) / len(sources)
    # frequencies of 200,000 draws: five standard errors are at most 0.0056
    np.testing.assert_allclose(counts, world.p_train(0.4), atol=0.006)
    joint = np.zeros((6, 6))
    np.add.at(joint, tuple(pairs), 1 / len(sources))
    expected = np.einsum("i,ix,iy->xy", world.p_train(0.4), world.kernel, world.kernel)
    np.testing.assert_allclose(joint, expected, atol=0.006)
    batch, again, other, seeded = (
        views.batch(step, 10, seed) for step, seed in ((7, 1), (7, 1), (8, 1), (7, 2))
    )
    assert all(np.array_equal(mine, same) for mine, same in zip(batch, again, strict=True))
    assert not any(np.array_equal(batch[1], stranger[1]) for stranger in (other, seeded))
    rows = views.batch(7, 10, seed=1, rows=slice(4, 6))
    assert all(np.array_equal(mine[4:6], part) for mine, part in zip(batch, rows, strict=True))
    assert views.fingerprint() != PopulationViews(views.pictured, 0.5).fingerprint()


def test_no_distribution_puts_a_draw_outside_its_row():
    kernel = np.full((3, 7), 1 / 7)
    kernel[1] = np.eye(7)[6]
    world = random_world(np.random.default_rng(0), points=3, views=7)
    world = replace(world, kernel=kernel, p_real=[0, 1, 0], p_generated=[0, 1, 0])
    images = np.zeros((7, 3, 4, 4), np.uint8)
    views = PopulationViews(PicturedWorld(world, images[:3], images, np.zeros(3, int)), 1.0)
    sources, pairs = views.draw(5000, np.random.default_rng(1))
    assert (sources == 1).all() and (pairs == 6).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hue": 1.5}, "hue=1.5 is no probability"),
        ({"half": -0.1}, "half=-0.1"),
        ({"half": 0.5, "miss": 0.4, "close_up": 0.3}, "exceed 1 together"),
    ],
)
def test_bad_augmentations_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        LatentAugmentation(**change)


def test_the_dial_turns_the_crops_only_and_has_an_end():
    turned = AUGMENTATION.cropping(2)
    assert (turned.half, turned.miss, turned.close_up) == (0.4, 0.2, 0.3)
    assert (turned.shift, turned.hue, turned.scale) == (0.3, 0.2, 0.4)
    assert AUGMENTATION.cropping(0).whole == 1
    with pytest.raises(ValueError, match="exceed 1"):
        AUGMENTATION.cropping(3)
    with pytest.raises(ValueError, match="strength=-1"):
        AUGMENTATION.cropping(-1)


def test_an_image_that_no_view_shows_is_refused():
    with pytest.raises(ValueError, match="never shows an image as it is"):
        latent_sprites(replace(AUGMENTATION, half=0.5, miss=0.3, close_up=0.2))

"""Variations of sprites: closed-form spectra along the dial, and what it does to the error."""

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.data.latent_positives import LatentVariation, positive_dial, positive_sprites
from adainf_core.data.latent_sprites import LatentAugmentation
from adainf_core.data.sprites import SHAPES, SpriteWorld
from adainf_core.theory.positive_pairs import PositiveWorld

TINY = SpriteWorld(
    size=12, hues=3, places=2, scales=1, tilts=1, backgrounds=1, unseen_backgrounds=1
)
AUGMENTATION = LatentAugmentation(hue=0.05)  # so weak that colour is easier to tell than shape
CLASSES = len(SHAPES)


def closed_form(variation: LatentVariation, share: float) -> np.ndarray:
    """λ of real sprites: eigenfunctions are products over the factors, of variations as of views.

    A function of several factors survives a variation if none of them is redrawn, and a round trip
    of augmentation as in test_latent_sprites.
    """
    a = AUGMENTATION
    ring = 1 - a.hue * (1 - np.cos(2 * np.pi * np.arange(TINY.hues) / TINY.hues))
    path = 1 - a.shift * (1 - np.cos(np.pi * np.arange(TINY.places) / TINY.places))
    gammas = []
    for hue, row, column, shape in np.ndindex(TINY.hues, TINY.places, TINY.places, CLASSES):
        kept = (1 - variation.hue) ** bool(hue) * (1 - variation.shape) ** bool(shape)
        kept *= (1 - variation.place) ** (bool(row) + bool(column))
        seen = 1 - a.miss - a.close_up * bool(row or column or shape)
        seen = 1.0 if not any((hue, row, column, shape)) else seen
        survival = ring[hue] * path[row] * path[column] * (1 - share + share * kept)
        gammas.append(seen * survival**2)
    return 1 - np.sort(gammas)[::-1]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "variation",
    [LatentVariation(hue=1.0), LatentVariation(hue=0.4, place=0.7), LatentVariation(shape=0.5)],
)
def test_the_spectrum_is_the_closed_form(variation, share):
    graph = positive_sprites(AUGMENTATION, variation, sprites=TINY).graph(1.0, share)
    expected = closed_form(variation, share)
    np.testing.assert_allclose(graph.eigenvalues(len(expected)), expected, atol=1e-10)


def test_recolouring_leaves_alpha_alone_and_cures_the_error_past_a_known_share():
    world = positive_sprites(AUGMENTATION, LatentVariation(hue=1.0), sprites=TINY)
    a = AUGMENTATION
    colour, shape = (1 - a.miss) * (1 - 1.5 * a.hue) ** 2, 1 - a.miss - a.close_up
    turn = 1 - np.sqrt(shape / colour)  # share at which colour is no longer easier than shape
    assert 0.02 < turn < 0.1
    dial = positive_dial(world, (0.0, 0.9 * turn, 1.1 * turn, 0.5, 1.0), CLASSES)
    alphas = [row.labeling_error for row in dial]
    np.testing.assert_allclose(alphas, alphas[0])
    assert min(row.error for row in dial[:2]) > 0.02
    assert [row.error for row in dial[2:]] == [0, 0, 0]
    gaps = [row.spectral_gap for row in dial]
    assert gaps[0] == pytest.approx(gaps[1]) == pytest.approx(1 - shape)  # tied: shapes are cut
    assert (np.diff(gaps[1:]) > 1e-3).all()
    assert dial[2].spectral_gap == pytest.approx(1 - colour * (1 - dial[2].share) ** 2)


def test_a_generator_that_forgets_the_shape_pays_in_alpha():
    careful, careless = (
        positive_sprites(AUGMENTATION, LatentVariation(hue=1.0, shape=slip), sprites=TINY)
        for slip in (0.0, 1.0)
    )
    right, wrong = (positive_dial(world, (0.5, 1.0), CLASSES) for world in (careful, careless))
    # a view shows a shape with probability 1 − miss − close_up, and then one of eight at random
    shown = 1 - AUGMENTATION.miss - AUGMENTATION.close_up
    for row, other in zip(right, wrong, strict=True):
        lost = row.share * shown * (1 - 1 / CLASSES)
        assert other.labeling_error == pytest.approx(row.labeling_error + lost)
    assert right[1].error == 0 and wrong[1].error >= 1 - 1 / CLASSES - 1e-9


def test_a_dial_at_zero_is_the_world_without_variations():
    world = positive_sprites(AUGMENTATION, LatentVariation(), "background", 0.4, sprites=TINY)
    np.testing.assert_allclose(world.positives.toarray(), np.eye(len(world.world.natural_labels)))
    (row,) = positive_dial(world, (0.3,), 5, beta=0.5)
    graph = world.world.graph(0.5)
    assert row.labeling_error == pytest.approx(world.world.labeling_error(0.5))
    assert row.spectral_gap == pytest.approx(graph.spectral_gap(5))


def test_the_error_is_that_of_own_views_not_of_the_variations_they_were_trained_with():
    rng, differ = np.random.default_rng(0), 0
    for _ in range(60):
        base = random_world(rng)
        world = PositiveWorld(base, np.eye(6)[rng.integers(6, size=6)])
        beta, share = rng.random(2)
        graph = world.graph(beta, share)
        if len(graph.views) < 3 or graph.is_degenerate(2):
            continue
        (row,) = positive_dial(world, (share,), 2, beta)
        found = world.report(beta, share, 2)
        assert row.error == pytest.approx(found.real_error)
        assert row.labeling_error == pytest.approx(found.varied_labeling_error)
        assert row.spectral_gap == pytest.approx(found.spectral_gap)
        differ += abs(row.error - world.composed_bound(beta, share, 2).real_error) > 0.01
    assert differ > 3


@pytest.mark.parametrize("flaw", ["chimera", "background", "blur", "mode_drop"])
def test_variations_stay_in_the_world_of_a_flawed_generator(flaw):
    variation = LatentVariation(hue=0.5, place=0.5, shape=0.5)
    world = positive_sprites(AUGMENTATION, variation, flaw, 0.3, sprites=TINY)
    np.testing.assert_allclose(world.positives.sum(axis=1), 1)
    # uniform redraws leave uniform latents uniform: as images they are the real distribution
    assert world.as_images().total_variation == pytest.approx(0, abs=1e-12)


def test_a_probability_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"hue=1.5 is no probability"):
        LatentVariation(hue=1.5)

"""Channel order: reversed sets are found, other distributions are not mistaken for them."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from adainf_core.data.colour_order import _features, fitting_order
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import FLAWS, SpriteWorld
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator

# power, measured against CIFAR-10's training images, 200 draws at each sample size a side. Reversed
# sets found:                      n = 30    50   100   200   500
#   held-out CIFAR-10                 30    98   188   200   200
#   Tiny ImageNet at 32x32            56   122   194   200   200
#   Gaussian mixture                  44    96   192   200   200
# and none of the sets in order was called reversed.


def warm(n: int, seed: int, excess: int = 25) -> ImageSet:
    """Noise whose red lies above its blue."""
    rng = np.random.default_rng(seed)
    base = rng.normal((128 + excess, 128, 128 - excess), 40, (n, 3))
    pixels = base[:, :, None, None] + rng.normal(0, 20, (n, 3, 8, 8))
    return ImageSet(pixels.clip(0, 255).astype(np.uint8), None, "warm")


def test_features_change_sign_with_the_order():
    images = warm(20, 0).images
    assert np.allclose(_features(images[:, ::-1]), -_features(images))
    assert np.isfinite(_features(images[:, :, :1, :1])).all()


def test_a_reversed_set_is_found_and_one_in_order_is_not():
    real, generated = warm(400, 0), warm(300, 1).images
    kept, reversed_ = (fitting_order(real, x) for x in (generated, generated[:, ::-1]))
    assert kept.verdict == "rgb" and kept.agreement == pytest.approx(1, abs=0.4)
    assert reversed_ == ("bgr", pytest.approx(-kept.agreement), pytest.approx(-kept[2]))


def test_faint_agreement_is_undecided():
    assert fitting_order(warm(2000, 0), warm(2000, 1, excess=-8).images).verdict == "undecided"


def test_colourless_sets_are_undecided():
    grey = ImageSet(np.repeat(warm(100, 0).images[:, :1], 3, axis=1), None, "grey")
    for real, generated in ((grey, grey), (warm(100, 0), grey), (grey, warm(100, 0))):
        assert fitting_order(real, generated.images).verdict == "undecided"


def test_few_images_are_undecided():
    assert fitting_order(warm(400, 0), warm(29, 1).images[:, ::-1]).verdict == "undecided"


def test_a_sample_is_enough():
    real, generated = warm(5000, 0), warm(5000, 1).images[:, ::-1]
    assert fitting_order(real, generated, sample=200).verdict == "bgr"


@pytest.mark.parametrize("flaw", FLAWS)
def test_sprites_do_not_tell_their_order(flaw):
    world, rng = SpriteWorld(), np.random.default_rng(0)
    real = world.sample(world.real_distribution(), 2000, rng)
    flawed = world.sample(world.generated_distribution(flaw, 0.5), 2000, rng).images
    for generated in (flawed, flawed[:, ::-1]):
        assert fitting_order(real, generated).verdict == "undecided"


@cache
def needed(name: str, split: str) -> ImageSet:
    root = os.environ.get("ADAINF_DATA", "")
    try:
        return load_images(name, root=Path(root) if root else None, split=split, download=False)
    except FileNotFoundError:
        pytest.skip(f"{name} is not here: set ADAINF_DATA to the folder that holds it")


def assert_told_apart(real: ImageSet, generated: np.ndarray) -> None:
    assert fitting_order(real, generated).verdict == "rgb"
    assert fitting_order(real, generated[:, ::-1]).verdict == "bgr"


def test_cifar10_and_generators_of_it():
    both = needed("cifar10", "test")
    real, held_out = (both.subset(half) for half in np.split(np.arange(10_000), 2))
    assert_told_apart(real, held_out.images)
    few = real.subset(np.arange(2000))
    mixture = GaussianMixtureGenerator.fit(few, components=5, principal=40)
    assert_told_apart(real, mixture.sample(2000).images)
    # one class alone never looks reversed, not even blue ones
    for label in range(10):
        assert fitting_order(real, held_out.images[held_out.labels == label]).verdict != "bgr"


def test_another_distribution_in_the_right_order():
    cifar, tiny = needed("cifar10", "test"), needed("tinyimagenet32", "test")
    assert_told_apart(cifar, tiny.images)
    assert_told_apart(tiny, cifar.images)

"""Filters against brute force, and against images of which it is known what they are."""

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.generators.filtering import Filter
from adainf_core.generators.principal_axes import PrincipalAxes

RNG = np.random.default_rng(0)


def images(centres, each, spread):
    """So many noisy copies of each grey level."""
    levels = np.repeat(centres, each)[:, None, None, None] * np.ones((1, 3, 4, 4))
    noisy = levels + spread * RNG.standard_normal(levels.shape)
    return ImageSet(np.clip(noisy, 0, 255).astype(np.uint8), None, "grey")


REAL = images([40, 200], 50, 6.0)


def test_distance_is_that_to_the_fifth_nearest():
    generated, found = images([40, 200, 120], 10, 6.0), Filter(0.2, "distance", principal=5)
    axes = PrincipalAxes.fit(REAL, 5)
    ours, theirs = axes.project(REAL.images), axes.project(generated.images)
    distances = np.sort(np.linalg.norm(theirs[:, None] - ours[None], axis=2), axis=1)
    assert np.allclose(found.scores(generated, REAL), distances[:, 4])


@pytest.mark.parametrize("by", ["distance", "ambiguity"])
def test_what_lies_between_two_kinds_is_left_out(by):
    generated = images([40, 120, 200], 20, 6.0)
    kept = Filter(1 / 3, by, principal=5, clusters=2).kept(generated, REAL)
    assert np.array_equal(kept, [*range(20), *range(40, 60)])


def test_ambiguity_is_not_distance():
    # far beyond a kind there is nothing ambiguous, and nothing like the real images
    real, generated = images([60, 120], 50, 6.0), images([90, 250], 20, 3.0)
    for by, left in (("distance", range(20)), ("ambiguity", range(20, 40))):
        kept = Filter(0.5, by, principal=5, clusters=2).kept(generated, real)
        assert np.array_equal(kept, left)


@pytest.mark.parametrize("drop", [0.0, 0.25, 0.99])
def test_as_many_are_left_as_were_wanted(drop):
    found = Filter(drop, principal=5)
    made = images([40], found.needed(37), 6.0)
    assert len(found.kept(made, REAL)) >= 37 >= len(found.kept(made, REAL)) - 1 / (1 - drop)


def test_a_filter_that_leaves_nothing_is_refused():
    for drop in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match=r"filtered\.drop"):
            Filter(drop)
    with pytest.raises(ValueError, match=r"filtered\.by='size'"):
        Filter(0.1, "size")

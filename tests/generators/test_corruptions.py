"""Corruptions: against SciPy one image at a time, and on images that carry their own number."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from adainf_core.data.images import ImageSet
from adainf_core.generators.corruptions import blur, chimeras, clusters, colour_swap, mode_drop

LABELS = np.random.default_rng(1).permutation(np.repeat([0, 2, 3, 7], [5, 20, 60, 115]))


def numbered(labels: np.ndarray | None = LABELS, count: int = 200, width: int = 6) -> ImageSet:
    """Images of one colour each: red is the image's number."""
    images = np.zeros((count, 3, 4, width), np.uint8)
    images[:, 0] = np.arange(count, dtype=np.uint8)[:, None, None]
    return ImageSet(images, labels, "numbered")


def noise(shape: tuple[int, ...], seed: int = 0) -> ImageSet:
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return ImageSet(images, np.zeros(len(images), np.int64), "noise")


CORRUPTIONS = {
    "blur": lambda images: blur(images, 1),
    "colour_swap": colour_swap,
    "mode_drop": mode_drop,
    "chimeras": chimeras,
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_unlabelled_named_and_ready_for_torch(corrupt):
    images = numbered()
    before = images.images.copy()
    corrupted = corrupt(images)
    assert corrupted.labels is None
    assert corrupted.name.startswith("numbered-")
    assert np.array_equal(images.images, before)
    torch.from_numpy(corrupted.images)  # refuses reversed views


@pytest.mark.parametrize("shape", [(7, 3, 16, 16), (1003, 3, 5, 8), (2, 3, 32, 32)])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.0])
def test_blur_is_that_of_scipy(shape, sigma):
    images = noise(shape)
    blurred = blur(images, sigma).images
    for image, ours in list(zip(images.images, blurred, strict=True))[-20:]:
        for channel, our in zip(image.astype(float), ours, strict=True):
            theirs = ndimage.gaussian_filter(channel, sigma, mode="nearest", truncate=4)
            # both sides compute in float64: a value within 1e-9 of a half is not to be expected
            assert np.array_equal(our, np.rint(theirs))


def test_blur_leaves_plain_images_and_the_smallest_blur_leaves_all():
    plain = numbered()
    assert np.array_equal(blur(plain, 2).images, plain.images)
    assert np.array_equal(blur(noise((3, 3, 8, 8)), 1e-3).images, noise((3, 3, 8, 8)).images)


@pytest.mark.parametrize("sigma", [0, -1, np.nan, np.inf])
def test_bad_sigma(sigma):
    with pytest.raises(ValueError, match=f"sigma={sigma}"):
        blur(numbered(), sigma)


def test_colour_swap_exchanges_red_and_blue_and_back():
    images = noise((9, 3, 4, 4))
    swapped = colour_swap(images)
    for ours, theirs in ((0, 2), (1, 1), (2, 0)):
        assert np.array_equal(swapped.images[:, ours], images.images[:, theirs])
    assert np.array_equal(colour_swap(swapped).images, images.images)


class TestModeDrop:
    def kept_labels(self, **options) -> np.ndarray:
        found = mode_drop(numbered(), **options).images[:, 0, 0, 0]
        kept = np.unique(LABELS[found])
        # all images of the kept modes, in their order
        assert np.array_equal(found, np.flatnonzero(np.isin(LABELS, kept)))
        return kept

    @pytest.mark.parametrize(("kept", "modes"), [(0.5, 2), (0.75, 3), (0.01, 1), (0.99, 3)])
    def test_whole_modes_are_kept(self, kept, modes):
        assert len(self.kept_labels(kept=kept)) == modes

    def test_each_mode_is_as_likely_to_be_kept(self):
        counts = np.zeros(8)
        for seed in range(600):
            counts[self.kept_labels(seed=seed)] += 1
        # each is kept with probability 1/2, with a standard error of 12 in 600
        assert np.abs(counts[[0, 2, 3, 7]] - 300).max() < 50

    def test_modes_in_place_of_labels(self):
        images = numbered(labels=None)
        parity = np.arange(200) % 2
        found = mode_drop(images, modes=parity).images[:, 0, 0, 0]
        assert len(found) == 100 and len(set(found % 2)) == 1

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"is unlabelled: give modes.*clusters"):
            mode_drop(numbered(labels=None))
        for kept in (0, 1, -0.5, np.nan):
            with pytest.raises(ValueError, match=f"kept={kept}"):
                mode_drop(numbered(), kept)
        with pytest.raises(ValueError, match="has mode 0 alone"):
            mode_drop(noise((4, 3, 2, 2)))
        with pytest.raises(ValueError, match=r"modes has shape \(3,\)"):
            mode_drop(numbered(), modes=np.arange(3))


class TestClusters:
    def test_far_apart_groups_are_found(self):
        groups = np.random.default_rng(0).integers(0, 4, 300)
        images = noise((300, 3, 4, 4)).images // 16 + (60 * groups[:, None, None, None])
        found = clusters(ImageSet(images.astype(np.uint8), None, "groups"), 4)
        assert found.dtype == np.int64
        table = np.zeros((4, 4))
        np.add.at(table, (groups, found), 1)
        assert ((table > 0).sum(0) == 1).all() and ((table > 0).sum(1) == 1).all()

    def test_a_sample_stands_for_many(self, monkeypatch):
        monkeypatch.setattr("adainf_core.generators.corruptions._FITTED", 50)
        images = noise((120, 3, 4, 4)).unlabelled()
        one, two = clusters(images, 3, seed=1), clusters(images, 3, seed=1)
        assert len(one) == 120 and np.array_equal(one, two) and set(one) == {0, 1, 2}

    def test_too_many(self):
        with pytest.raises(ValueError, match=r"count = 5 must be in 2..4"):
            clusters(noise((5, 3, 4, 4)), 5)


class TestChimeras:
    @pytest.mark.parametrize("width", [6, 7])
    def test_halves_are_those_of_two_images_of_different_classes(self, width):
        joined = chimeras(numbered(width=width), seed=3).images
        left, right = joined[..., : width // 2], joined[..., width // 2 :]
        assert np.array_equal(left, numbered(width=width).images[..., : width // 2])
        partner = right[:, 0, 0, 0]
        assert np.array_equal(right, numbered(width=width).images[partner][..., width // 2 :])
        assert (LABELS[partner] != LABELS).all()

    def test_partners_are_uniform_among_the_other_classes(self):
        counts = np.zeros((200, 200))
        for seed in range(400):
            partner = chimeras(numbered(), seed).images[:, 0, 0, -1]
            counts[np.arange(200), partner] += 1
        allowed = LABELS[:, None] != LABELS
        assert (counts[~allowed] == 0).all()
        for label in np.unique(LABELS):
            observed = counts[label == LABELS].sum(0)[label != LABELS]
            assert stats.chisquare(observed).pvalue > 1e-3

    def test_unlabelled_images_meet_any_other(self):
        counts = np.zeros((4, 4))
        for seed in range(1000):
            partner = chimeras(numbered(None, 4), seed).images[:, 0, 0, -1]
            counts[np.arange(4), partner] += 1
        assert (np.diag(counts) == 0).all()
        assert stats.chisquare(counts[~np.eye(4, dtype=bool)]).pvalue > 1e-3

    def test_no_partner(self):
        with pytest.raises(ValueError, match="has one class alone"):
            chimeras(noise((4, 3, 2, 2)))
        with pytest.raises(ValueError, match="has one class alone"):
            chimeras(numbered(None, 1))

"""The mixture: its share of real draws, its uniformity, and what it refuses."""

import numpy as np
import pytest
from scipy import stats

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation


def marked(n: int, channel: int, size: int = 4) -> ImageSet:
    """Images that carry their index in one channel."""
    images = np.zeros((n, 3, size, size), np.uint8)
    images[:, channel] = np.arange(1, n + 1, dtype=np.uint8)[:, None, None]
    return ImageSet(images, None, f"marked-{channel}")


REAL, GENERATED = marked(20, 0), marked(100, 1)


@pytest.mark.parametrize("replication", [1, 2, 10, 2.5])
def test_beta_is_the_share_of_the_papers_concatenation(replication):
    copies = int(2 * 20 * replication)  # twice over, so that 2.5 copies count too
    assert Inflation(REAL, GENERATED, replication=replication).beta == copies / (copies + 200)


def test_papers_ten_copies_are_one_third_not_ten_elevenths():
    # 50,000 real and 1,000,000 generated, scaled down by a thousand
    data = Inflation(marked(50, 0), marked(200, 1), replication=2)
    assert data.beta == pytest.approx(1 / 3)


def test_without_generated_images_everything_is_real():
    data = Inflation(REAL)
    images, is_real = data.draw(50, np.random.default_rng(0))
    assert data.beta == 1 and is_real.all() and (images[:, 1] == 0).all()


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_draws_follow_the_mixture(beta):
    data = Inflation(REAL, GENERATED, beta=beta)
    n = 20_000
    images, is_real = data.draw(n, np.random.default_rng(0))
    assert np.array_equal(is_real, images[:, 0, 0, 0] > 0)  # the mask tells the truth
    assert (
        stats.binomtest(int(is_real.sum()), n, beta).pvalue > 1e-4
        if 0 < beta < 1
        else (is_real.all() if beta else not is_real.any())
    )
    for channel, side in ((0, REAL), (1, GENERATED)):
        drawn = images[:, channel, 0, 0]
        if (drawn > 0).any():
            counts = np.bincount(drawn[drawn > 0], minlength=len(side) + 1)[1:]
            assert stats.chisquare(counts).pvalue > 1e-4


def test_indices_and_images_agree():
    data = Inflation(REAL, GENERATED, beta=0.5)
    indices, _ = data.draw_indices(64, np.random.default_rng(3))
    images, _ = data.draw(64, np.random.default_rng(3))
    assert np.array_equal(np.concatenate(data.images)[indices], images)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"beta": 1.2}, r"beta=1.2 is outside \[0, 1\]"),
        ({"beta": float("nan")}, "beta=nan"),
        ({"replication": 0.5}, "replication=0.5 is below 1"),
        ({"beta": 0.5, "replication": 2}, "drop one"),
    ],
)
def test_wrong_weights_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        Inflation(REAL, GENERATED, **options)


def test_beta_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="none are given"):
        Inflation(REAL, beta=0.5)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="downsampled"):
        Inflation(REAL, marked(5, 1, size=8))

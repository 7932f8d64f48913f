"""Classical generators: the distributions they promise, in coordinates where nothing is clipped."""

import numpy as np
import pytest
from scipy import stats

from adainf_core.data.images import ImageSet
from adainf_core.data.sprites import SpriteWorld
from adainf_core.generators.classical import Bootstrap, GaussianCopula, HeldOut, KernelDensity
from adainf_core.generators.generator import BLOCK, Blockwise, InBlocks, stream
from adainf_core.generators.principal_axes import PrincipalAxes

RNG = np.random.default_rng(0)


def unlabelled(images: np.ndarray) -> ImageSet:
    return ImageSet(images, None, "tiny")


def faint(coordinates: np.ndarray) -> ImageSet:
    """Images 128 + coordinates on orthonormal directions: far from 0 and 255, so never clipped."""
    directions, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((48, 48)))
    pixels = 128 + coordinates @ directions[: coordinates.shape[1]]
    return unlabelled(np.rint(pixels).astype(np.uint8).reshape(-1, 3, 4, 4))


# skewed, uniform and Gaussian factors of very different spread
FACTORS = np.stack(
    [
        40 * (RNG.exponential(size=900) - 1).clip(-1, 2.5),
        RNG.uniform(-30, 30, 900),
        8 * RNG.standard_normal(900),
    ],
    axis=1,
)
REAL = faint(FACTORS)
NOISY = unlabelled(RNG.integers(0, 256, (300, 3, 4, 4), dtype=np.uint8))


def coordinates(axes: PrincipalAxes, images: ImageSet) -> np.ndarray:
    return axes.project(images.images)


class TestPrincipalAxes:
    @pytest.mark.parametrize("principal", [60, 40])  # by randomised and by full SVD
    def test_variances_and_axes_are_those_of_the_covariance(self, principal):
        world = SpriteWorld()
        real = world.sample(world.real_distribution(), 600, np.random.default_rng(0))
        if principal == 40:
            real = real.downsampled(4)
        axes = PrincipalAxes.fit(real, principal)
        pixels = real.images.reshape(len(real), -1).astype(float)
        exact = np.linalg.eigvalsh(np.cov(pixels.T, ddof=0))[::-1][:principal]
        found = axes.project(real.images)
        assert np.allclose(axes.mean, pixels.mean(0), atol=1e-3)
        assert np.allclose(axes.axes @ axes.axes.T, np.eye(principal), atol=1e-5)
        # with ten axes to spare the 60th variance is 3 % off; with float32's noise this is 1e-5
        assert np.allclose(found.var(0), exact, rtol=1e-3)
        assert np.abs(np.cov(found.T) - np.diag(np.diag(np.cov(found.T)))).max() < 1e-3 * exact[0]

    def test_all_axes_give_the_images_back(self):
        axes = PrincipalAxes.fit(NOISY, 48)
        assert np.array_equal(axes.images(axes.project(NOISY.images)), NOISY.images)

    def test_clipped_and_rounded(self):
        axes = PrincipalAxes(np.zeros(3), np.eye(3), (3, 1, 1))
        found = axes.images(np.array([[-3.0, 254.6, 300.0], [0.4, 1.6, 255.4]]))
        assert found.reshape(2, 3).tolist() == [[0, 255, 255], [0, 2, 255]]

    def test_what_the_images_cannot_carry_is_refused(self):
        with pytest.raises(ValueError, match=r"principal = 48 must be in 1..9, what 10 images"):
            PrincipalAxes.fit(NOISY.subset(np.arange(10)), 48)
        with pytest.raises(ValueError, match="principal = 0"):
            PrincipalAxes.fit(NOISY, 0)
        grey = unlabelled(np.repeat(NOISY.images[:, :1], 3, axis=1))
        with pytest.raises(ValueError, match="varies in 16 directions only: choose at most 16"):
            PrincipalAxes.fit(grey, 20)
        constant = unlabelled(np.full((9, 3, 4, 4), 7, np.uint8))
        with pytest.raises(ValueError, match="varies in 0 directions"):
            PrincipalAxes.fit(constant, 1)


class TestGaussianCopula:
    def drawn(self, generator: GaussianCopula, blocks: int = 40) -> np.ndarray:
        return np.concatenate([generator.coordinates(stream(0, "test", b)) for b in range(blocks)])

    def test_marginals_are_the_training_images_own(self):
        generator = GaussianCopula.fit(REAL, principal=3)
        drawn, own = self.drawn(generator), coordinates(generator.axes, REAL)
        for ours, theirs in zip(drawn.T, own.T, strict=True):
            grid = np.sort(theirs)
            distance = stats.kstest(ours, lambda x, g=grid: np.searchsorted(g, x, "right") / 900)
            # the interpolated distribution is within 1 / n of the empirical; 1.95 / sqrt(N) is
            # passed by chance once in a thousand times
            assert distance.statistic < 1 / 900 + 1.95 / len(drawn) ** 0.5
            assert theirs.min() <= ours.min() and ours.max() <= theirs.max()
        # a Gaussian of the same spread is much further from the skewed coordinate
        gaussian = stats.norm(0, own[:, 0].std()).cdf
        assert stats.kstest(drawn[:, 0], gaussian).statistic > 0.1

    def test_dependence_is_the_gaussian_one_of_the_normal_scores(self):
        # uncorrelated, but the ranks go together: most points lie along a line, few lie far off it
        t = np.random.default_rng(2).standard_normal(950)
        far = np.array([[7, -7], [-7, 7]]).repeat(25, 0) * np.sqrt((t @ t) / (50 * 49))
        both = np.concatenate([np.stack([t, t + 0.3 * np.roll(t, 1)], 1), far]) * [10, 5]
        generator = GaussianCopula.fit(faint(both), principal=2)
        own = coordinates(generator.axes, faint(both))
        assert abs(np.corrcoef(own.T)[0, 1]) < 1e-3
        scores = stats.norm.ppf((stats.rankdata(own, axis=0) - 0.5) / len(own))
        rho = np.corrcoef(scores.T)[0, 1]
        assert abs(rho) > 0.4
        found = stats.spearmanr(self.drawn(generator)).statistic
        # a Gaussian's rank correlation in closed form; its error at 20,000 draws is below 0.007
        assert found == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.025)

    def test_images_are_the_coordinates(self):
        generator = GaussianCopula.fit(REAL, principal=3)
        seen = coordinates(generator.axes, generator.sample(BLOCK, seed=3))
        block = generator.coordinates(stream(3, "block", 0))
        assert np.abs(seen - block).max() < 2.5  # rounding 48 pixels: half a level each, 5 s.d.

    def test_one_component(self):
        assert len(GaussianCopula.fit(REAL, principal=1).sample(3)) == 3


class TestKernelDensity:
    @pytest.mark.parametrize("bandwidth", [0.3, 1.0])
    def test_moments_in_closed_form(self, bandwidth):
        generator = KernelDensity.fit(REAL, bandwidth=bandwidth, principal=3)
        own = coordinates(generator.axes, REAL)
        drawn = coordinates(generator.axes, generator.sample(20_000, seed=1))
        variance = (1 + bandwidth**2) * own.var(0) + 1 / 12  # rounding's share
        # means and variances have errors of 0.007 and at most 0.018 of their scale here
        assert np.abs(drawn.mean(0) / np.sqrt(variance)).max() < 0.03
        assert np.allclose(drawn.var(0), variance, rtol=0.06)

    def test_the_distribution_is_that_of_scipy(self):
        generator = KernelDensity.fit(REAL, bandwidth=0.5, principal=1)
        own = coordinates(generator.axes, REAL)[:, 0]
        peer = stats.gaussian_kde(own, 0.5)
        drawn = coordinates(generator.axes, generator.sample(5000, seed=4))[:, 0]
        edges = np.quantile(own, np.linspace(0.05, 0.95, 10))
        expected = [peer.integrate_box_1d(-np.inf, edge) for edge in edges]
        found = (drawn[:, None] <= edges).mean(0)
        assert np.allclose(found, expected, atol=0.03)  # four standard errors of a share

    def test_without_width_it_is_the_bootstrap_of_the_projected_images(self):
        every = KernelDensity.fit(NOISY, bandwidth=0, principal=48)
        memorised = Bootstrap.fit(NOISY)
        assert np.array_equal(
            every.sample(700, seed=5).images, memorised.sample(700, seed=5).images
        )
        few = KernelDensity.fit(NOISY, bandwidth=0, principal=5)
        projected = few.axes.images(few.axes.project(NOISY.images))
        assert as_rows(few.sample(50)) <= as_rows(unlabelled(projected))

    @pytest.mark.parametrize("bandwidth", [-0.1, np.nan, np.inf])
    def test_bad_bandwidth(self, bandwidth):
        with pytest.raises(ValueError, match=f"bandwidth={bandwidth}"):
            KernelDensity.fit(REAL, bandwidth=bandwidth, principal=3)


class TestBootstrap:
    def test_without_noise_the_copies_are_uniform(self):
        drawn = Bootstrap.fit(NOISY).sample(30_000, seed=1).images
        index = {image.tobytes(): i for i, image in enumerate(NOISY.images)}
        counts = np.bincount([index[image.tobytes()] for image in drawn], minlength=len(NOISY))
        assert stats.chisquare(counts).pvalue > 1e-3

    def test_noise_is_gaussian_and_on_top(self):
        copies = Bootstrap.fit(REAL).sample(2000, seed=6).images.astype(float)
        noisy = Bootstrap.fit(REAL, noise=5).sample(2000, seed=6).images - copies
        # 96,000 values: the mean's error is 0.016, the variance's 0.12; rounding adds 1 / 12
        assert abs(noisy.mean()) < 0.07
        assert noisy.var() == pytest.approx(25 + 1 / 12, abs=0.5)
        assert (np.abs(noisy) <= 5).mean() == pytest.approx(2 * stats.norm.cdf(1.1) - 1, abs=0.01)
        assert abs(np.corrcoef(noisy.reshape(2000, -1)[:, :2].T)[0, 1]) < 0.1

    def test_strong_noise_is_clipped(self):
        drawn = Bootstrap.fit(REAL, noise=1000).sample(50).images
        assert drawn.min() == 0 and drawn.max() == 255

    @pytest.mark.parametrize("noise", [-1, np.nan])
    def test_bad_noise(self, noise):
        with pytest.raises(ValueError, match=f"noise={noise}"):
            Bootstrap.fit(REAL, noise=noise)


class TestHeldOut:
    def test_each_image_at_most_once(self):
        drawn = HeldOut(NOISY).sample(len(NOISY), seed=2)
        assert as_rows(drawn) == as_rows(NOISY)
        assert not np.array_equal(drawn.images, NOISY.images)

    def test_every_place_is_uniform_on_the_pool(self):
        pool = unlabelled(np.arange(5, dtype=np.uint8).repeat(3).reshape(5, 3, 1, 1))
        drawn = np.array([HeldOut(pool).sample(2, seed=s).images[:, 0, 0, 0] for s in range(2000)])
        pairs = np.zeros((5, 5))
        np.add.at(pairs, (drawn[:, 0], drawn[:, 1]), 1)
        assert (np.diag(pairs) == 0).all()
        assert stats.chisquare(pairs[~np.eye(5, dtype=bool)]).pvalue > 1e-3

    def test_labels_stay_behind(self):
        labelled = ImageSet(NOISY.images, np.arange(len(NOISY)), "labelled")
        assert HeldOut(labelled).sample(3).labels is None

    def test_more_than_there_are(self):
        with pytest.raises(ValueError, match=r"count = 301 must be in 1..300, the held-out"):
            HeldOut(NOISY).sample(301)


class TestBlocks:
    def test_blocks_have_streams_of_their_own(self):
        class Noise(Blockwise):
            name = "noise"

            def _block(self, rng):
                return rng.integers(0, 256, (BLOCK, 3, 1, 1), dtype=np.uint8)

        drawn = Noise().sample(2 * BLOCK + 1).images
        assert not np.array_equal(drawn[:BLOCK], drawn[BLOCK : 2 * BLOCK])
        assert np.array_equal(drawn[BLOCK : 2 * BLOCK], Noise()._block(stream(0, "block", 1)))
        for start, stop in ((0, 1), (BLOCK - 1, BLOCK + 1), (7, 2 * BLOCK + 1)):
            assert np.array_equal(Noise().draw(start, stop), drawn[start:stop])

    def test_another_generator_in_blocks(self):
        class Unstable:
            def sample(self, count, seed=0):
                return Bootstrap.fit(NOISY).sample(count, seed=seed + count)

        whole = InBlocks(Unstable(), "stable").sample(2 * BLOCK + 3, seed=1)
        assert np.array_equal(
            InBlocks(Unstable(), "").sample(BLOCK + 1, 1).images, whole.images[: BLOCK + 1]
        )
        assert whole.name == "stable" and as_rows(whole) <= as_rows(NOISY)
        assert not np.array_equal(whole.images[:9], whole.images[BLOCK : BLOCK + 9])

    @pytest.mark.parametrize(("count", "seed", "told"), [(0, 0, "count = 0"), (1, -1, "seed = -1")])
    def test_bad_numbers(self, count, seed, told):
        with pytest.raises(ValueError, match=told):
            Bootstrap.fit(NOISY).sample(count, seed=seed)


def as_rows(images: ImageSet) -> set[bytes]:
    return {image.tobytes() for image in images.images}

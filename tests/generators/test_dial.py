"""The quality dial: every setting by its name, and dilution on a world of known distribution."""

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from adainf_core.configuration import from_plain, override, to_plain
from adainf_core.data.images import ImageSet
from adainf_core.data.latent_sprites import SMALL_SPRITES
from adainf_core.generators import corruptions, dial, dilution
from adainf_core.generators.classical import Bootstrap, HeldOut
from adainf_core.generators.dial import GENERATORS, DilutedSetting, make_generator
from adainf_core.generators.generator import BLOCK
from adainf_core.theory.total_variation import total_variation
from adainf_core.theory.tv_estimation import tv_lower_bound

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2300, 3, 4, 4), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 2300)
REAL = ImageSet(IMAGES[:300], LABELS[:300], "real")
POOL = ImageSet(IMAGES[300:], LABELS[300:], "pool")

# what a test has time for; the images are 4 pixels a side, so there are 48 components
FITTED = [s for s in GENERATORS.values() if not isinstance(s, dial.Diffusion)]  # for that see below
SETTINGS = [replace(s, principal=12) if hasattr(s, "principal") else s for s in FITTED]
SETTINGS = [replace(s, components=2) if hasattr(s, "components") else s for s in SETTINGS]
SETTINGS[-1] = DilutedSetting(other=SETTINGS[0])
ALL = [*SETTINGS, dial.ModeDrop(modes="clusters"), DilutedSetting(other=dial.ModeDrop())]


def index_of(images: ImageSet) -> dict[bytes, int]:
    return {image.tobytes(): i for i, image in enumerate(images.images)}


@pytest.mark.parametrize("setting", ALL, ids=lambda setting: setting.name)
def test_deterministic_unlabelled_and_stable_prefixes(setting):
    generator = make_generator(setting, REAL, POOL, seed=3)
    # dilution hands a few hundred held-out images to its mode drop
    count = BLOCK + 20 if setting.name != "diluted" else 300
    drawn = generator.sample(count, seed=5)
    assert drawn.labels is None
    assert drawn.images.dtype == np.uint8 and drawn.images.shape == (count, 3, 4, 4)
    for prefix in (1, 9, count - 15):
        assert np.array_equal(generator.sample(prefix, seed=5).images, drawn.images[:prefix])
    again = make_generator(setting, REAL, POOL, seed=3).sample(count, seed=5)
    assert np.array_equal(again.images, drawn.images)
    assert not np.array_equal(generator.sample(count, seed=6).images, drawn.images)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_labels_of_the_training_images_are_not_looked_at(setting):
    drawn = make_generator(setting, REAL, POOL).sample(40)
    blind = make_generator(setting, REAL.unlabelled(), POOL).sample(40)
    assert np.array_equal(drawn.images, blind.images)


def test_every_kind_is_known_by_its_name():
    assert [setting.name for setting in GENERATORS.values()] == list(GENERATORS)
    assert {type(setting) for setting in GENERATORS.values()} == set(get_args(dial.Setting))
    assert list(GENERATORS) == [
        *("pca_gaussian", "gaussian_mixture", "copula", "kernel_density", "bootstrap_noise"),
        *(
            "memorised",
            "diffusion",
            "held_out",
            "held_out_blur",
            "held_out_colour_swap",
            "held_out_mode_drop",
        ),
        *("held_out_chimeras", "diluted"),
    ]


def test_one_gaussian_has_the_moments_of_its_principal_components():
    faint = ImageSet((100 + IMAGES[:300] // 5).astype(np.uint8), None, "faint")
    drawn = make_generator(dial.PCAGaussian(principal=48), faint).sample(20_000, seed=1)
    ours, theirs = (s.images.reshape(len(s), -1).astype(float) for s in (drawn, faint))
    # the mixture's ridge is 1e-3 of squared white, rounding adds 1 / 12, nothing is clipped;
    # entries of the covariance have errors of 0.7 % (on the diagonal 1 %) of the largest
    expected = np.cov(theirs.T, ddof=0) + (1e-3 * 255**2 + 1 / 12) * np.eye(48)
    assert np.abs(ours.mean(0) - theirs.mean(0)).max() < 5 * (expected.max() / 20_000) ** 0.5
    assert np.abs(np.cov(ours.T) - expected).max() < 0.05 * expected.max()


def test_settings_reach_their_generators():
    noisy = make_generator(dial.BootstrapNoise(noise=3), REAL)
    assert isinstance(noisy, Bootstrap) and noisy.noise == 3
    assert make_generator("memorised", REAL).noise == 0
    density = make_generator(dial.KernelDensitySetting(bandwidth=0.7, principal=5), REAL)
    assert density.bandwidth == 0.7 and len(density.deviations) == 5
    assert make_generator(dial.Copula(principal=4), REAL).quantiles.shape == (300, 4)
    mixture = make_generator(dial.GaussianMixtureSetting(components=3, principal=6), REAL).generator
    assert (mixture.components, mixture.principal) == (3, 6)
    assert make_generator(dial.PCAGaussian(principal=6), REAL).generator.components == 1


@pytest.mark.parametrize(
    ("setting", "pool"),
    [
        (dial.HeldOutSetting(), POOL),
        (dial.Blur(sigma=2), corruptions.blur(POOL, 2)),
        (dial.ColourSwap(), corruptions.colour_swap(POOL)),
        (dial.ModeDrop(kept=0.2), corruptions.mode_drop(POOL, 0.2, seed=4)),
        (dial.Chimeras(), corruptions.chimeras(POOL, seed=4)),
    ],
    ids=lambda value: value.name,
)
def test_held_out_images_as_they_are_or_corrupted(setting, pool):
    drawn = make_generator(setting, REAL, POOL, seed=4).sample(len(pool), seed=8)
    assert sorted(map(bytes, drawn.images)) == sorted(map(bytes, pool.images))
    with pytest.raises(ValueError, match=f"count = {len(pool) + 1}"):
        make_generator(setting, REAL, POOL, seed=4).sample(len(pool) + 1)


def test_mode_drop_says_what_a_mode_is():
    with pytest.raises(ValueError, match="pool is unlabelled: set modes=clusters"):
        make_generator("held_out_mode_drop", REAL, POOL.unlabelled())
    modes = corruptions.clusters(POOL, seed=2)
    expected = corruptions.mode_drop(POOL, modes=modes, seed=2)
    found = make_generator(dial.ModeDrop(modes="clusters"), REAL, POOL.unlabelled(), seed=2)
    assert np.array_equal(found.pool.images, expected.images)


class TestConfiguration:
    @dataclass(frozen=True)
    class Study:
        generator: dial.Setting = GENERATORS["held_out"]

    @pytest.mark.parametrize("setting", ALL, ids=lambda setting: setting.name)
    def test_there_and_back(self, setting):
        study = self.Study(setting)
        assert from_plain(self.Study, to_plain(study)) == study

    def test_dotted_overrides(self):
        study = override(
            self.Study(), ["generator=diluted", "generator.share=0.1", "generator.other=memorised"]
        )
        assert study.generator == DilutedSetting(share=0.1, other=dial.Memorised())
        deeper = override(study, ["generator.other=held_out_blur", "generator.other.sigma=2"])
        assert deeper.generator.other == dial.Blur(sigma=2.0)
        with pytest.raises(ValueError, match="choose pca_gaussian, gaussian_mixture"):
            override(study, ["generator=perfect"])


class TestBadInput:
    def test_unknown_name(self):
        with pytest.raises(ValueError, match="unknown generator 'gan'; known: pca_gaussian, "):
            make_generator("gan", REAL)

    @pytest.mark.parametrize("name", ["held_out", "held_out_chimeras", "diluted"])
    def test_held_out_images_that_will_not_do(self, name):
        with pytest.raises(ValueError, match=f"{name} needs held_out"):
            make_generator(name, REAL)
        with pytest.raises(ValueError, match="are the training images"):
            make_generator(name, REAL, REAL.unlabelled())
        with pytest.raises(ValueError, match="resize one side"):
            make_generator(name, REAL, POOL.downsampled(2))

    @pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
    def test_share(self, share):
        with pytest.raises(ValueError, match=f"share = {share}"):
            DilutedSetting(share=share)
        with pytest.raises(ValueError, match=f"share = {share}"):
            dilution.Diluted(HeldOut(POOL), HeldOut(POOL), share)

    def test_nothing_left_for_one_side(self):
        with pytest.raises(ValueError, match=r"share=0\.0001 of 2000 held-out images is 0 for"):
            make_generator(DilutedSetting(share=0.0001, other=dial.Blur()), REAL, POOL)

    def test_sides_of_two_sizes(self):
        mixed = dilution.Diluted(HeldOut(POOL), HeldOut(POOL.downsampled(2)), 0.5)
        with pytest.raises(ValueError, match="resize one side"):
            mixed.sample(20)


class Sprites:
    """Any object with `sample` will do as a generator: here one of known distribution."""

    def __init__(self, distribution: np.ndarray) -> None:
        self.distribution = distribution

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        rng = np.random.default_rng(seed)
        return SMALL_SPRITES.sample(self.distribution, count, rng).unlabelled()


class TestDilution:
    P = SMALL_SPRITES.real_distribution()

    @pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
    def test_total_variation_is_the_share_where_the_distributions_never_meet(self, share):
        q = SMALL_SPRITES.flaw_distribution("background")
        count = 20_000
        mixed = dilution.Diluted(Sprites(self.P), Sprites(q), share)
        counts = self.counts(mixed.sample(count, seed=1))
        distribution = (1 - share) * self.P + share * q
        assert total_variation(distribution, self.P) == pytest.approx(share)
        possible = distribution > 0
        assert counts[~possible].sum() == 0
        assert stats.chisquare(counts[possible], count * distribution[possible]).pvalue > 1e-3
        # the share itself is binomial, and known image by image
        from_other = counts[q > 0].sum()
        assert stats.binomtest(int(from_other), count, share).pvalue > 1e-3
        assert from_other == mixed.is_other(count, seed=1).sum()
        witnessed = np.repeat([1.0, 0.0], [from_other, count - from_other])
        assert 0.8 * share < tv_lower_bound(np.zeros(count), witnessed).lower <= share

    def test_and_less_where_they_overlap(self):
        q = SMALL_SPRITES.flaw_distribution("mode_drop")
        share, count = 0.6, 20_000
        mixed = dilution.Diluted(Sprites(self.P), Sprites(q), share)
        counts = self.counts(mixed.sample(count, seed=2))
        distribution = (1 - share) * self.P + share * q
        assert total_variation(distribution, self.P) == pytest.approx(
            share * total_variation(q, self.P)
        )
        assert total_variation(distribution, self.P) < share / 2
        possible = distribution > 0
        assert stats.chisquare(counts[possible], count * distribution[possible]).pvalue > 1e-3

    def test_the_mask_says_which_images_are_the_others(self):
        mixed = dilution.Diluted(HeldOut(POOL), Bootstrap.fit(REAL), 0.4)
        drawn, mask = mixed.sample(700, seed=3), mixed.is_other(700, seed=3)
        real = index_of(REAL)
        assert np.array_equal([image.tobytes() in real for image in drawn.images], mask)

    def test_a_prefix_from_one_side_alone_is_the_same(self):
        mixed = dilution.Diluted(HeldOut(POOL), Bootstrap.fit(REAL), 0.5)
        for seed in range(8):
            first = mixed.sample(1, seed=seed).images[0]
            assert np.array_equal(first, mixed.sample(30, seed=seed).images[0])
        assert len({bool(mixed.is_other(1, seed=seed)[0]) for seed in range(8)}) == 2

    @pytest.mark.parametrize("share", [0, 1])
    def test_the_ends(self, share):
        drawn = dilution.Diluted(HeldOut(POOL), Bootstrap.fit(REAL), share).sample(30)
        one_side = index_of(REAL if share else POOL)
        assert all(image.tobytes() in one_side for image in drawn.images)

    def test_no_held_out_image_is_handed_out_twice(self):
        generator = make_generator(
            DilutedSetting(share=0.4, other=dial.ColourSwap()), REAL, POOL, seed=1
        )
        drawn, mask = generator.sample(1800, seed=2), generator.is_other(1800, seed=2)
        clean, swapped = index_of(POOL), index_of(corruptions.colour_swap(POOL))
        used = [
            (swapped if flawed else clean)[image.tobytes()]
            for image, flawed in zip(drawn.images, mask, strict=True)
        ]
        assert len(set(used)) == 1800

    def counts(self, images: ImageSet) -> np.ndarray:
        """How often each latent is drawn: on this grid no two render alike."""
        latents = index_of(ImageSet(SMALL_SPRITES.render(np.arange(SMALL_SPRITES.count)), None, ""))
        assert len(latents) == SMALL_SPRITES.count
        found = [latents[image.tobytes()] for image in images.images]
        return np.bincount(found, minlength=SMALL_SPRITES.count)


def test_a_trained_diffusion_model_is_loaded(tmp_path):
    from adainf_core.generators.diffusion import DiffusionGenerator
    from adainf_core.generators.diffusion_config import DiffusionConfig

    config = DiffusionConfig(widths=(16,), attention=(False,), device="cpu")
    model = DiffusionGenerator(config.unet(4), dict(config.scheduler().config), "tiny")
    setting = dial.Diffusion(str(model.save(tmp_path / "model")), steps=2)
    generator = make_generator(setting, REAL)
    assert generator.sampler.steps == 2
    assert setting.origin() == f"{setting.model}, SHA-256 of its files: {generator.files}"
    assert generator.sample(3).images.shape == (3, 3, 4, 4)
    wide = ImageSet(np.zeros((4, 3, 8, 8), np.uint8), None, "wide")
    with pytest.raises(ValueError, match="wide are"):
        make_generator(setting, wide)


def test_the_chapters_table_has_every_setting_at_its_defaults():
    page = Path(__file__).resolve().parents[2] / "book" / "generators.md"
    head = "| name | what it hands out | settings |"
    rows = page.read_text(encoding="utf-8").partition(head)[2].split("\n\n")[0].splitlines()[2:]
    listed = {}
    for row in rows:
        name, _, settings = (cell.strip() for cell in row.strip("|").split("|"))
        listed[name.strip("`")] = re.findall(r"`(.+?)`", settings)
    assert listed == {
        name: [
            f"{each.name}={getattr(value, 'name', value)}"
            for each in fields(setting)
            if each.name != "name"
            for value in [getattr(setting, each.name)]
        ]
        for name, setting in GENERATORS.items()
    }
    # what the caption below the table says
    assert {name for name, setting in GENERATORS.items() if setting.needs_held_out} == {
        name for name in GENERATORS if name.startswith("held_out") or name == "diluted"
    }

"""Presets against the official files' figures, and what a recipe makes of its data."""

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.blank import blank
from adainf_core.data.inflation import Inflation
from adainf_core.learning import recipes
from adainf_core.learning.methods import BYOL, BarlowTwins, MoCo, SimCLR, Spectral
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.recipes import OFFICIAL_ONLINE_RATES, Recipe, recipe


@pytest.mark.parametrize(
    ("method", "config", "optimizer", "rate", "decay"),
    [
        ("simclr", SimCLR(2048, 256, 0.2), "lars", 0.4, 1e-4),
        ("moco", MoCo(2048, 256, 0.2, 32768, (0.99, 0.999)), "sgd", 0.3, 1e-4),
        ("byol", BYOL(4096, 256, (0.99, 1.0)), "lars", 1.0, 1e-5),
        ("barlow", BarlowTwins(2048, 2048, 0.0051, 0.1), "lars", 0.3, 1e-4),
    ],
)
def test_methods_have_the_official_hyper_parameters(method, config, optimizer, rate, decay):
    found = recipe("cifar10", method, "adainf", "store")
    assert found.replication == "paper" and found.sampling == "epoch"
    run = found.pretrain
    assert run.method == config and run.optimizer == optimizer
    assert (run.learning_rate, run.weight_decay) == (rate, decay)
    assert (run.steps, run.batch_size, run.warmup, run.momentum) == (100_000, 512, 1000, 0.9)
    assert run.encoder == "resnet18" and run.stem_padding == 2 and run.precision == "bf16"
    weak = "symmetric_adainf" if method in ("simclr", "moco") else "asymmetric_adainf"
    assert run.policy == POLICIES[weak]


def test_vanilla_keeps_the_baselines_augmentation_and_counts_once():
    for method in ("simclr", "byol"):
        none, vanilla = recipe("cifar10", method), recipe("cifar10", method, "vanilla", "store")
        assert vanilla.pretrain == none.pretrain and vanilla.replication == 1
        assert none.generated is None and none.replication is None
    for method, policy in (
        ("simclr", "symmetric"), ("moco", "symmetric_weak"), ("byol", "asymmetric"),
        ("barlow", "asymmetric"), ("spectral", "symmetric"),
    ):  # fmt: skip
        assert recipe("cifar10", method).pretrain.policy == POLICIES[policy]


def test_online_rates_are_the_official_ones():
    paper = {name: OFFICIAL_ONLINE_RATES[name] for name in ("simclr", "moco", "byol", "barlow")}
    assert paper == {"simclr": 0.1, "moco": 0.3, "byol": 0.1, "barlow": 0.1}


def test_the_spectral_loss_has_its_authors_configuration():
    run = recipe("cifar10", "spectral").pretrain
    assert run.method == Spectral(1000, 1000, 1.0)
    assert (run.optimizer, run.learning_rate, run.weight_decay) == ("sgd", 0.06, 5e-4)


def test_pixels_are_normalised_as_the_data_set_is():
    assert recipe("cifar100").pretrain.pixel_std == (0.2673, 0.2564, 0.2762)
    assert recipe("digits").pretrain.pixel_mean == (0.5,)


def test_tiny_imagenet_has_its_own():
    simclr, byol = (recipe("tinyimagenet", m).pretrain for m in ("simclr", "byol"))
    assert (simclr.method.hidden, simclr.method.out, simclr.learning_rate) == (4096, 512, 0.3)
    assert (byol.batch_size, byol.weight_decay, byol.learning_rate) == (256, 1e-6, 0.5)
    moco, barlow = (recipe("tinyimagenet", m).pretrain for m in ("moco", "barlow"))
    assert (moco.batch_size, moco.learning_rate) == (256, 0.15)
    assert (barlow.batch_size, barlow.learning_rate) == (256, 0.15)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": "dino"}, "method='dino'"),
        ({"preset": "AdaInf"}, "preset='AdaInf'"),
        ({"preset": "vanilla"}, "needs generated images"),
        ({"generated": "store"}, "wants no generated images"),
        ({"preset": "weak", "generated": "store"}, "preset='weak' wants no generated images"),
        ({"scale": "gpu"}, "scale='gpu'"),
    ],
)
def test_impossible_presets_are_named(given, says):
    with pytest.raises(ValueError, match=says):
        recipe(**given)


def test_data_is_loaded_resized_and_mixed():
    data = Recipe("digits", size=12).data()
    assert data.real.images.shape[2:] == (12, 12) and data.beta == 1
    assert len(np.unique(data.real.labels)) == 10


def test_weights_without_generated_images_are_refused():
    with pytest.raises(ValueError, match=r"replication=3.*generated is None"):
        Recipe("digits", replication=3).data()


@pytest.fixture
def sizes(monkeypatch):
    """A function that has recipes read so many real and generated images, which take no memory."""

    class Store:
        def __init__(self, count):
            self.images = blank(count)

        def open(self, path):
            return Checked(**vars(self.images))

    class Checked(type(blank(1))):
        def check_against(self, real):
            pass

    def read(n_real, n_generated):
        monkeypatch.setattr(recipes, "named_or_own", lambda *_: blank(n_real))
        monkeypatch.setattr(recipes, "GeneratedImages", Store(n_generated))

    return read


@pytest.mark.parametrize("sampling", ["epoch", "iid"])
def test_at_the_papers_sizes_the_presets_are_the_papers_to_the_letter(sampling, sizes):
    sizes(50_000, 1_000_000)
    for preset, copies in (("vanilla", 1), ("vanilla_weak", 1), ("reweighted", 10), ("adainf", 10)):
        data = replace(recipe("cifar10", "simclr", preset, "store"), sampling=sampling).data()
        mixed = Inflation(
            blank(50_000), blank(1_000_000), replication=float(copies), sampling=sampling
        )
        # what a checkpoint says of its data: one of an earlier version goes on
        assert data.fingerprint() == mixed.fingerprint()


@pytest.mark.parametrize("n_generated", [500, 2_000, 3_400, 40_000])
def test_adainf_is_the_papers_share_and_says_which_n_that_is(n_generated, sizes):
    sizes(1000, n_generated)
    chosen = recipe("cifar10", "simclr", "adainf", "store")
    data = chosen.data()
    shares = {n: n * 1000 / (n * 1000 + n_generated) for n in range(1, 50)}
    nearest = min(shares, key=lambda n: abs(shares[n] - 1 / 3))
    assert data.replication == nearest and data.beta == pytest.approx(shares[nearest])
    said = f"N = {nearest} is AdaInf's at these sizes: beta = {shares[nearest]:.4f} is nearest"
    assert said in chosen.describe(data)
    for copies in {nearest + 1, 10} - {nearest}:
        own = replace(chosen, replication=float(copies))
        assert f"N = {copies} is not AdaInf's at these sizes: that is N = {nearest}, w" in (
            own.describe(own.data())
        )


def test_without_generated_images_there_is_no_share_to_speak_of(sizes):
    sizes(1000, 1)
    lines = recipe("cifar10").describe(recipe("cifar10").data()).splitlines()
    assert [line.split()[0] for line in lines] == ["mixture", "exposures"]
    assert "51200.0 a real image" in lines[1] and "generated" not in lines[1]


@pytest.mark.parametrize("preset", ["none", "weak"])
def test_the_laptops_recipe_has_the_defaults_of_its_classes_and_the_official_policy(preset):
    official, laptop = (recipe("cifar100", "byol", preset, scale=scale).pretrain
                        for scale in ("paper", "laptop"))  # fmt: skip
    assert laptop == PretrainConfig(
        policy=official.policy, method=BYOL(), precision="bf16",
        pixel_mean=official.pixel_mean, pixel_std=official.pixel_std,
    )  # fmt: skip
    weak = {"none": "asymmetric", "weak": "asymmetric_adainf"}[preset]
    assert laptop.policy == POLICIES[weak]


def test_a_word_for_a_weight_is_paper_or_nothing():
    with pytest.raises(ValueError, match=r"replication='ten': give a number, 'paper' or None"):
        Recipe("digits", replication="ten")

"""Levels: what is there without training, on the very images that training runs are probed with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.data.images import ImageSet
from adainf_core.evidence.studies import levels, training
from adainf_core.evidence.studies.levels import LevelExperiment
from adainf_core.evidence.studies.training import TrainingExperiment, probed_data
from adainf_core.learning.encoders import ColourShares
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain, untrained_encoder
from adainf_core.learning.probing import linear_probe

CONFIG = PretrainConfig(
    steps=1, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu", seed=5
)
LEVEL = LevelExperiment("untrained", "cifar10", 8, 40, 15, CONFIG, seed=5)


@pytest.fixture(autouse=True)
def photographs(monkeypatch) -> dict[str, ImageSet]:
    """Images whose colours tell their class, half of the time."""
    rng, made = np.random.default_rng(0), {}
    for split, n in (("train", 60), ("test", 15)):
        labels = np.arange(n) % 3
        images = rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8)
        images[np.arange(n), labels] //= 2
        made[split] = ImageSet(images, labels, split)
    for module in (training, levels):
        monkeypatch.setattr(module, "small_images", lambda name, split, *rest: made[split])
    monkeypatch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))
    return made


def test_shares_of_colours_are_counts():
    images = np.random.default_rng(3).integers(0, 256, (5, 3, 6, 4), np.uint8)
    found = ColourShares()(torch.from_numpy(images) / 255)
    for image, shares in zip(images, found, strict=True):
        counts, _ = np.histogramdd(
            image.reshape(3, -1).T / 255, bins=(4, 4, 4), range=((0, 1),) * 3
        )
        assert np.allclose(shares.numpy(), counts.ravel() / 24)


def test_the_untrained_network_is_what_a_run_begins_with(photographs):
    begun = untrained_encoder(CONFIG)
    still = replace(CONFIG, learning_rate=1e-30)  # a step that leaves the weights where they are
    from adainf_core.data.inflation import Inflation

    ended = pretrain(still, Inflation(photographs["train"])).encoder
    assert not begun.training
    for name, value in begun.named_parameters():
        assert torch.allclose(value, ended.get_parameter(name), atol=1e-6), name


@pytest.mark.parametrize("features", ["untrained", "pixels", "colours"])
def test_probes_see_the_images_of_the_training_run_of_the_seed(features, monkeypatch):
    seen = []

    def probe(encoder, labelled, test):
        seen.append((labelled, test))
        return linear_probe(encoder, labelled, test)

    from adainf_core.learning import probing

    monkeypatch.setattr(probing, "linear_probe", probe)
    outcome = replace(LEVEL, features=features).run()
    assert outcome.metrics.keys() == {"linear", "knn"} == outcome.protocols.keys()
    run = TrainingExperiment("cifar10", 8, 40, 15, CONFIG, seed=5)
    for one, other in zip(seen[0], probed_data(run), strict=True):
        assert np.array_equal(one.images, other.images) and one.name == other.name
    assert outcome.metrics["linear"] > 50 or features == "untrained"  # chance is a third


def test_levels_stand_beside_the_studies_runs():
    for scale in ("laptop", "desktop"):
        runs = (levels.paper_model.LAYOUTS["laptop"].base, levels.desktop.BASE)[scale == "desktop"]
        own = levels.STUDY.experiment(scale, "untrained_cifar10", 20)
        assert own.n_labelled == (runs.n_labelled or runs.n_real) and own.size == runs.size
        assert replace(own.pretrain, seed=0) == replace(runs.pretrain, seed=0)
    assert {arm for arm, _ in levels.STUDY.plan("desktop")} == {
        f"{features}_cifar10" for features in levels._WORDS
    }
    for name, more in (("n_labelled", 61), ("n_test", 16)):
        with pytest.raises(ValueError, match=f"{name} = {more} must be"):
            replace(LEVEL, **{name: more}).probed()
    with pytest.raises(ValueError, match="features='dreams'"):
        replace(LEVEL, features="dreams")

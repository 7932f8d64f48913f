"""A generator as encoder: features chosen without test images, on a training run's own images."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.evidence.studies import generator_features, levels, training
from adainf_core.evidence.studies.gap_experiment import TrainedDiffusion
from adainf_core.evidence.studies.generator_features import STUDY, GeneratorFeatures
from adainf_core.evidence.studies.training import TrainingExperiment, experiment_data
from adainf_core.generators import diffusion_training
from adainf_core.generators.dial import Diffusion
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.unet_features import NOISES, UNetFeatures, depths_of
from adainf_core.learning import probing

TINY = TrainedDiffusion(
    1, training=DiffusionConfig(widths=(16, 16), attention=(False, False), batch_size=4)
)
STUDY_RUNS = generator_features.paper_model.LAYOUTS["laptop"].base
TRAINED = GeneratorFeatures(TINY, "cifar10", 8, 40, 15, seed=5)


@pytest.fixture(autouse=True)
def photographs(monkeypatch, tmp_path) -> dict[str, ImageSet]:
    """Images whose colours tell a little of their class."""
    rng, made = np.random.default_rng(0), {}
    for split, n in (("train", 60), ("test", 15)):
        labels = np.arange(n) % 3
        images = rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8)
        images[np.arange(n), labels] -= images[np.arange(n), labels] // 10
        made[split] = ImageSet(images, labels, split)
    for module in (levels, generator_features):
        monkeypatch.setattr(module, "small_images", lambda name, split, *rest: made[split])
    monkeypatch.setitem(probing.linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))
    monkeypatch.setenv("ADAINF_GENERATORS", str(tmp_path))
    return made


def test_features_are_chosen_on_the_labelled_images_and_probed_as_by_hand():
    labelled, test = TRAINED.probed()
    generator = TRAINED.generator()
    choices = [UNetFeatures(generator, *each) for each in product(depths_of(generator), NOISES)]
    shares = [
        probing.linear_probe(choice, labelled, test).details["held_out_accuracy"]
        for choice in choices
    ]
    assert len(set(shares)) > 1  # or there is nothing to choose
    best = choices[shares.index(max(shares))]
    outcome = TRAINED.run()
    for name, probe in (("linear", probing.linear_probe), ("knn", probing.knn_probe)):
        assert outcome.metrics[name] == 100 * probe(best, labelled, test).accuracy
        assert outcome.probes[name]["block"] == best.block
        assert f"block {best.block} at noise {best.noise:g}" in outcome.protocols[name]


@pytest.mark.parametrize("own", [None, 30])
def test_a_model_learns_from_all_images_or_from_the_run_s_own(own, monkeypatch, photographs):
    seen = []
    once = diffusion_training.cached_diffusion

    def kept(images, *rest):
        seen.append(images)
        return once(images, *rest)

    monkeypatch.setattr(diffusion_training, "cached_diffusion", kept)
    replace(TRAINED, own_images=own).generator()
    expected = photographs["train"].images
    if own is not None:
        monkeypatch.setattr(training, "small_images", lambda name, split, *_: photographs[split])
        pretrain = STUDY_RUNS.pretrain
        expected = experiment_data(
            TrainingExperiment("cifar10", 8, own, 15, pretrain, seed=5)
        )[0].images  # fmt: skip
    assert np.array_equal(seen[0].images, expected)


def test_the_study_stands_beside_the_runs_that_use_the_generators():
    own = STUDY.experiment("laptop", "own", 20)
    assert (own.size, own.own_images) == (STUDY_RUNS.size, STUDY_RUNS.n_real)
    assert own.n_labelled == (STUDY_RUNS.n_labelled or STUDY_RUNS.n_real)
    assert STUDY.experiment("laptop", "shipped", 20).model == Diffusion()
    small = own.small()
    assert small.model.steps == 2 and small.n_labelled < own.n_labelled


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="own_images=30: cifar10-16 is trained already"):
        replace(TRAINED, model=Diffusion(), own_images=30)
    with pytest.raises(ValueError, match="own_images"):
        replace(TRAINED, own_images=0)
    with pytest.raises(ValueError, match="world='dreams'"):
        replace(TRAINED, world="dreams")

"""Transfer on sprites: a training run, and what its encoder tells of the other factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.runs.grid import Curved, Resumable
from adainf_core.evidence.runs.quantities import misplaced
from adainf_core.evidence.studies import failure_mode_sprites, sprite_transfer
from adainf_core.evidence.studies.sprite_transfer import STUDY, SpriteTransferExperiment
from adainf_core.evidence.studies.training import TrainingExperiment, probed_data
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import untrained_encoder
from adainf_core.learning.probing import linear_probe
from adainf_core.learning.sprite_probes import sprite_regressions

TRAINING = TrainingExperiment(
    "sprites", size=12, n_real=60, n_test=40,
    pretrain=PretrainConfig(
        steps=3, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu",
        seed=5,
    ),
    seed=5,
)  # fmt: skip
RUN = SpriteTransferExperiment(TRAINING, n_labelled=50, n_test=30)


@pytest.fixture(autouse=True)
def _few_penalties(monkeypatch):
    monkeypatch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))


@pytest.mark.parametrize("trained", [True, False])
def test_it_is_the_run_and_the_regressions_of_its_encoder(trained):
    found = replace(RUN, trained=trained).run()
    if trained:
        alone = TRAINING.run()
        encoder = alone.encoder
        assert found.history == alone.history and found.beta == alone.beta
        assert alone.metrics.items() <= found.metrics.items()
    else:
        encoder = untrained_encoder(TRAINING.pretrain)
        linear = linear_probe(encoder, *probed_data(TRAINING))
        assert found.metrics["linear"] == pytest.approx(100 * linear.accuracy)
        assert not found.history
    world = SpriteWorld(size=12)
    order = np.random.default_rng(5).permutation(np.flatnonzero(world.real_distribution()))
    by_hand = sprite_regressions(encoder, world, order[:50], order[-30:])
    for name, fit in by_hand.items():
        assert found.metrics[name] == pytest.approx(100 * fit.r2)
        assert found.probes[name] == fit.details and found.protocols[name] == fit.protocol
    assert found.metrics.keys() == {"linear", "knn", "place", "hue", "size"}
    assert all(misplaced(type(RUN), *metric) == "" for metric in found.metrics.items())


def test_it_can_be_stopped_and_its_loss_begun_again(tmp_path):
    assert isinstance(RUN, Resumable) and isinstance(RUN, Curved)
    path, stops = tmp_path / "run.pt", 0
    while (parts := RUN.resume(path, 0.0)) is None:
        stops += 1
        assert stops < 5
    assert stops and parts.metrics == RUN.run().metrics
    step = round(parts.history[0]["step"])
    assert RUN.first_stretch(step) == parts.history[:1]


def test_arms_are_those_of_the_sprites_study():
    for scale in STUDY.layouts:
        for arm in failure_mode_sprites.ARMS:
            ours = STUDY.experiment(scale, arm, 20).training
            theirs = failure_mode_sprites.STUDY.experiment("quick", arm, 20)
            steps = ours.pretrain.steps
            assert ours == replace(theirs, pretrain=replace(theirs.pretrain, steps=steps))
        untrained = STUDY.experiment(scale, sprite_transfer.UNTRAINED, 20)
        assert not untrained.trained and untrained.training.generator is None
    for claim in STUDY.claims:
        assert claim.terms[0].metric in sprite_transfer.TASKS


def test_photographs_are_refused():
    with pytest.raises(ValueError, match=r"training.world='cifar10'"):
        replace(RUN, training=replace(TRAINING, world="cifar10"))

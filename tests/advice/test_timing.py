"""What a step and a probe take, by a clock that the test moves; multiply-adds in closed form."""

import time
from dataclasses import replace

import numpy as np
import pytest

from adainf_core.advice import timing
from adainf_core.advice.own_images import OwnImages
from adainf_core.advice.own_study import arms_of_own
from adainf_core.data.images import ImageSet
from adainf_core.learning.pretrain_config import PretrainConfig


@pytest.fixture(scope="module")
def own():
    rng = np.random.default_rng(0)
    real, made, test = (
        ImageSet(rng.integers(0, 256, (count, 3, 8, 8), np.uint8), np.arange(count) % 3, name)
        for name, count in (("real", 900), ("made", 200), ("test", 60))
    )
    new = np.arange(200)
    return OwnImages(real, made, real, test, False, {}, 0, {}, new, "digest")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a step moves by a second for 100 images (the first by ten), the probes by two.

    bf16 is twice as fast.
    """
    now, stepped = [0.0], []

    def advance(run, steps):
        assert steps == 1
        config = run.config
        seconds = config.batch_size / 100 / (2 if config.precision == "bf16" else 1)
        now[0] += seconds if run in stepped else 10 * seconds
        stepped.append(run)

    def probed(encoder, known, held):
        sizes.append((len(known), len(held)))
        now[0] += 1.0

    sizes = []
    monkeypatch.setattr(timing.Run, "advance", advance)
    for probe in ("knn_probe", "linear_probe"):
        monkeypatch.setattr(timing, probe, probed)

    def clock():
        return now[0]

    clock.sizes = sizes
    return clock


CONFIG = PretrainConfig(batch_size=200, width=4, device="cpu", steps=50, warmup=0)


def test_steps_and_probes_are_taken_in_proportion(own, clock):
    cost = timing.measured(arms_of_own(own, CONFIG), own, 1, 3.0, clock=clock)
    assert cost.step == pytest.approx(2.0) and cost.start == 3.0  # the first steps do not count
    # 600 of 900 and 60 images were looked at, by both probes
    assert clock.sizes == [(600, 60)] * 2
    assert cost.rest == pytest.approx(2.0 * 960 / 660)
    knn = timing.measured(arms_of_own(own, CONFIG, probe="knn"), own, 1, 3.0, clock=clock)
    assert knn.rest == pytest.approx(1.0 * 960 / 660)


def test_without_labels_nothing_is_probed(own, clock):
    bare = replace(own, labelled=None, test=None)
    assert timing.measured(arms_of_own(bare, CONFIG), bare, 1, 3.0, clock=clock).rest == 0


def test_precision_is_the_faster_one(own, clock, monkeypatch):
    example = arms_of_own(own, CONFIG)["none"]
    assert timing.faster_precision(example, own, clock) == "bf16"
    monkeypatch.setattr(timing, "_GAIN", 3.0)
    assert timing.faster_precision(example, own, clock) == "fp32"


def test_precision_is_timed_in_batches_that_there_are_images_for(own, clock):
    few = replace(own, real=own.real.subset(np.arange(40)))
    example = arms_of_own(few, replace(CONFIG, batch_size=32))["none"]
    assert timing.faster_precision(example, few, clock) == "bf16"


def test_arms_are_timed_side_by_side_as_they_are(own):
    cost = timing.measured(arms_of_own(own, CONFIG), own, 2, 0.0)
    assert 0 < cost.step < 60 and 0 < cost.rest < 60


def test_a_probed_part_holds_every_class_twice():
    rng = np.random.default_rng(0)
    labels = np.r_[np.zeros(3000, int), np.repeat(np.arange(1, 100), 2)]
    images = ImageSet(np.zeros((len(labels), 3, 2, 2), np.uint8), rng.permutation(labels), "many")
    part = timing._some(images)
    assert len(part) == 600 and np.bincount(part.labels).min() == 2


def test_multiply_adds_of_the_official_network():
    config = PretrainConfig(encoder="resnet18", batch_size=10)
    one = timing.step_multiply_adds(config, 32) / (3 * 2 * 10)
    assert one == pytest.approx(0.56e9, rel=0.02)  # as published, with the CIFAR stem
    wider = replace(config, stem_padding=2)
    assert timing.step_multiply_adds(wider, 32) > timing.step_multiply_adds(config, 32)


def test_multiply_adds_of_the_small_network():
    config = PretrainConfig(width=4, batch_size=10)
    # maps and channels of its convolutions on 16 pixels, nine places each
    layers = [(16, 3, 4), (8, 4, 8), (8, 8, 8), (4, 8, 16), (4, 16, 16), (2, 16, 32), (2, 32, 32)]
    one = sum(9 * side**2 * inputs * outputs for side, inputs, outputs in layers)
    assert timing.step_multiply_adds(config, 16) == 3 * 2 * 10 * one
    assert timing.gpu_seconds(replace(config, steps=1000), 16) == pytest.approx(10.0)


def test_multiply_adds_of_a_published_network():
    config = PretrainConfig(encoder="resnet18", batch_size=512)
    # ResNet-18 with the stem for 32 pixels: 0.56 thousand million an image (0.0005 at base width 1)
    assert timing.step_multiply_adds(config, 32) == pytest.approx(6 * 512 * 0.56e9, rel=0.01)
    narrow = replace(config, base_width=32)
    assert timing.step_multiply_adds(narrow, 32) < 0.3 * timing.step_multiply_adds(config, 32)


def test_sets_of_forty_images_are_timed(own):
    few = replace(own, real=own.real.subset(np.arange(40)))
    config = PretrainConfig(batch_size=32, width=4, steps=20, warmup=1)
    arms = arms_of_own(few, config)
    assert timing.faster_precision(arms["none"], few, time.perf_counter) in ("fp32", "bf16")
    assert timing.measured(arms, few, 1, 0.0).step > 0

"""The loop: it learns, it repeats itself, and it refuses before it starts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.learning import pretraining
from adainf_core.learning.augmentation import AugmentationPolicy
from adainf_core.learning.encoders import build_encoder
from adainf_core.learning.pretraining import PretrainConfig, pretrain, warmup_cosine

# one colour an image: views of one image are easy to match
COLOURS = np.random.default_rng(0).integers(0, 256, (64, 3, 1, 1), dtype=np.uint8)
DATA = Inflation(ImageSet(np.repeat(COLOURS, 16, 2).repeat(16, 3), None, "colours"))
GENTLE = AugmentationPolicy(crop_scale=(0.8, 1.0), jitter_p=0, grey_p=0, blur_p=0)
CONFIG = PretrainConfig(
    policy=GENTLE, steps=12, batch_size=32, width=4, hidden=16, out=8, warmup=2, device="cpu"
)


def test_loss_falls_from_chance():
    history = pretrain(replace(CONFIG, steps=40), DATA).history
    assert history[0]["loss"] == pytest.approx(np.log(63), rel=0.15)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]


def test_same_seed_same_weights():
    one, two = (pretrain(CONFIG, DATA) for _ in range(2))
    other = pretrain(replace(CONFIG, seed=1), DATA)
    weights = [torch.cat([p.flatten() for p in t.encoder.parameters()]) for t in (one, two, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert one.history == two.history


def test_bf16_stays_close_to_fp32():
    full, half = (pretrain(replace(CONFIG, precision=p), DATA).history for p in ("fp32", "bf16"))
    assert half[-1]["loss"] == pytest.approx(full[-1]["loss"], rel=0.05)


def test_warmup_and_cosine():
    config = replace(CONFIG, steps=100, warmup=10)
    assert [warmup_cosine(t, config) for t in (0, 9, 10)] == pytest.approx([0.1, 1, 1])
    assert warmup_cosine(55, config) == pytest.approx(0.5)
    assert warmup_cosine(100, config) == pytest.approx(0, abs=1e-12)


def test_a_loss_that_stops_being_finite_is_an_error(monkeypatch):
    monkeypatch.setattr(pretraining, "nt_xent", lambda z1, z2, t: (z1 * float("nan")).sum())
    with pytest.raises(FloatingPointError, match=r"learning_rate=0\.002"):
        pretrain(CONFIG, DATA)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"temperature": 0},
        {"precision": "fp16"},
        {"warmup": 99},
        {"learning_rate": -1},
    ],
)
def test_bad_config_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        replace(CONFIG, **wrong)


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="batch_size=65"):
        pretrain(replace(CONFIG, batch_size=65), DATA)


@pytest.mark.parametrize(("name", "dim"), [("small_cnn", 8 * 4), ("resnet18", 512)])
def test_encoders_give_their_feature_dim(name, dim):
    encoder = build_encoder(name, width=4).eval()
    assert encoder.feature_dim == dim
    assert encoder(torch.rand(2, 3, 32, 32)).shape == (2, dim)


def test_unknown_encoder_is_named():
    with pytest.raises(ValueError, match="vgg"):
        build_encoder("vgg")

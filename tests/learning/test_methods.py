"""Methods: what each trains, what follows slowly, and what the queue holds."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from adainf_core.configuration import from_plain, to_plain
from adainf_core.learning.encoders import build_encoder, multiply_adds, small_cnn
from adainf_core.learning.methods import BYOL, METHODS, BarlowTwins, MoCo, SimCLR, Spectral
from adainf_core.learning.methods.barlow import barlow_twins
from adainf_core.learning.methods.byol import byol
from adainf_core.learning.methods.moco import info_nce
from adainf_core.learning.methods.simclr import nt_xent
from adainf_core.learning.methods.spectral import spectral_contrastive
from adainf_core.learning.networks import mlp
from adainf_core.learning.pretrain_config import ENCODERS, PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.recipes import recipe

SIZES = {"hidden": 16, "out": 8}
SMALL = {name: kind(**SIZES) for name, kind in METHODS.items()} | {"moco": MoCo(**SIZES, queue=20)}
ALL = [*SMALL.values(), SimCLR(**SIZES, mask_copies=True)]


def made(config):
    torch.manual_seed(0)
    return config.build(small_cnn(4)).train()


def views(n: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.rand((2 * n, 3, 16, 16), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("method", ALL, ids=repr)
def test_every_trained_weight_gets_a_gradient_and_targets_none(method):
    module = made(method)
    loss, features = module(views(), torch.arange(6))
    loss.backward()
    assert features.shape == (12, 32) and not features.requires_grad
    for name, p in module.named_parameters():
        if name.startswith("target"):
            assert p.grad is None
        elif not name.endswith("bias"):  # batch norm makes some biases redundant
            assert p.grad is not None and p.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("method", "objective"),
    [
        (SimCLR(**SIZES, temperature=0.3), lambda a, b: nt_xent(a, b, 0.3)),
        (BarlowTwins(**SIZES), barlow_twins),
        (Spectral(**SIZES, mu=None), spectral_contrastive),
    ],
    ids=["simclr", "barlow", "spectral"],
)
def test_loss_is_the_objective_of_the_two_halves(method, objective):
    module = made(method)
    loss, _ = module(views(), torch.arange(6))
    first, second = module.projector(module.encoder(views())).chunk(2)
    assert loss.item() == pytest.approx(objective(first, second).item(), rel=1e-5)


def test_moco_asks_for_the_other_views_key_among_that_views_queue():
    module = made(MoCo(**SIZES, queue=20, temperature=0.3))
    queue, batch = module.queue.clone(), views()
    loss, _ = module(batch, torch.arange(6))
    q1, q2 = module.projector(module.encoder(batch)).chunk(2)
    with torch.no_grad():
        k1, k2 = module.target(batch).chunk(2)
    expected = (info_nce(q1, k2, queue[1], 0.3) + info_nce(q2, k1, queue[0], 0.3)) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_byol_predicts_the_other_views_target():
    module, batch = made(BYOL(**SIZES)), views()
    loss, _ = module(batch, torch.arange(6))
    p1, p2 = module.predictor(module.projector(module.encoder(batch))).chunk(2)
    with torch.no_grad():
        t1, t2 = module.target(batch).chunk(2)
    assert loss.item() == pytest.approx((byol(p1, t2) + byol(p2, t1)).item(), rel=1e-5)


def test_masked_copies_are_told_by_their_ids():
    module = made(SimCLR(**SIZES, mask_copies=True))
    distinct, _ = module(views(), torch.arange(6))
    copies, _ = module(views(), torch.tensor([0, 0, 1, 2, 3, 4]))
    assert copies < distinct


@pytest.mark.parametrize("method", [MoCo(**SIZES, queue=20), BYOL(**SIZES)], ids=["moco", "byol"])
def test_target_follows_by_its_momentum(method):
    module = made(replace(method, momentum=(0.9, 1.0)))
    before = [p.clone() for p in module.target.parameters()]
    with torch.no_grad():
        for p in module.encoder.parameters():
            p.add_(1.0)
    module.after_step(0.0)
    online = [*module.encoder.parameters(), *module.projector.parameters()]
    for old, new, p in zip(before, module.target.parameters(), online, strict=True):
        torch.testing.assert_close(new, 0.9 * old + 0.1 * p)
    kept = [p.clone() for p in module.target.parameters()]
    module.after_step(1.0)  # momentum has risen to one: nothing moves
    assert all(torch.equal(a, b) for a, b in zip(kept, module.target.parameters(), strict=True))
    halfway = made(replace(method, momentum=(0.0, 1.0)))
    with torch.no_grad():
        next(halfway.encoder.parameters()).zero_()
    start = next(halfway.target.parameters()).clone()
    halfway.after_step(0.5)
    torch.testing.assert_close(next(halfway.target.parameters()), 0.5 * start)


def test_queue_is_a_ring_of_the_latest_unit_keys():
    module = made(MoCo(**SIZES, queue=10))  # not a multiple of the batch
    expected: list[torch.Tensor] = []
    for seed in range(4):
        batch = views(seed=seed)
        with torch.no_grad():
            keys = F.normalize(module.target(batch), dim=1).chunk(2)
        expected += list(torch.stack(keys, 1))
        module(batch, torch.arange(6))
    held = module.queue.permute(1, 0, 2)
    for key in expected[-10:]:
        assert (held - key).abs().amax((1, 2)).min() < 1e-5
    for key in expected[:-10]:
        assert (held - key).abs().amax((1, 2)).min() > 1e-3


def test_queue_shorter_than_the_batch_keeps_its_end():
    module = made(MoCo(**SIZES, queue=4))
    with torch.no_grad():
        keys = F.normalize(module.target(views()), dim=1)[2:6]
    module(views(), torch.arange(6))
    distance = torch.cdist(module.queue[0], keys)
    assert distance.amin(0).max() < 1e-5


@pytest.mark.parametrize("name", METHODS)
def test_names_lead_to_a_configuration_and_its_official_run(name):
    assert METHODS[name]().name == name
    plain = to_plain(PretrainConfig(method=SMALL[name]))
    assert from_plain(PretrainConfig, plain).method == SMALL[name]
    run = recipe("cifar10", name).pretrain
    assert run.method.name == name and run.learning_rate == METHODS[name].official().learning_rate


@pytest.mark.parametrize("method", ALL, ids=repr)
def test_training_lowers_the_loss(method, data, config):
    history = pretrain(replace(config, method=method, steps=25), data).history
    # MoCo starts beside a queue of random keys, which are easy to tell apart
    early = history[10]["loss"] if method.name == "moco" else history[0]["loss"]
    assert history[-1]["loss"] < early - 0.05 * abs(early)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: SimCLR(temperature=0), "method.temperature = 0"),
        (lambda: MoCo(queue=0), "method.queue = 0"),
        (lambda: BYOL(momentum=(0.9, 0.5)), r"method.momentum=\(0.9, 0.5\)"),
        (lambda: BarlowTwins(out=0), "method.out = 0"),
        (lambda: BarlowTwins(redundancy=float("nan")), "method.redundancy = nan"),
        (lambda: SimCLR(temperature=float("inf")), "method.temperature = inf"),
        (lambda: Spectral(mu=-1), "method.mu = -1"),
    ],
)
def test_wrong_hyper_parameters_are_named(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


@pytest.mark.parametrize(
    ("name", "dim", "millions"),
    [
        ("resnet10", 512, 4.90),
        ("resnet18", 512, 11.17),
        ("resnet34", 512, 21.28),
        ("resnet50", 2048, 23.50),
    ],
)
def test_resnets_have_their_published_size(name, dim, millions):
    encoder = build_encoder(name).eval()
    assert encoder.feature_dim == dim
    assert encoder(torch.rand(2, 3, 32, 32)).shape == (2, dim)
    # CIFAR stem, no classifier
    assert sum(p.numel() for p in encoder.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


BLOCKS = {
    "resnet10": (BasicBlock, (1, 1, 1, 1)),
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


def torchvisions(name, width):
    """Torchvision's network of this name with the small stem, drawn as the official code does."""
    block, counts = BLOCKS[name]
    with torch.random.fork_rng():
        peer = ResNet(block, list(counts))
    peer.conv1, peer.bn1 = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
    peer.maxpool = peer.fc = nn.Identity()
    peer.inplanes = width
    for stage, count in enumerate(counts):
        made = peer._make_layer(block, width * 2**stage, count, stride=min(stage, 1) + 1)
        setattr(peer, f"layer{stage + 1}", made)
    for key, weight in peer.named_parameters():
        if weight.dim() == 4 and key != "conv1.weight":
            nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    return peer


@pytest.mark.parametrize("name", BLOCKS)
def test_resnets_are_torchvisions_to_the_bit(name):
    """The same draws under the same names in the same order, and after a step the same again."""
    torch.manual_seed(0)
    own = build_encoder(name, base_width=3)
    torch.manual_seed(0)
    peer = torchvisions(name, 3)
    images = torch.rand(5, 3, 16, 16)
    outputs = []
    for network, given in ((own, images), (peer, (images - 0.5) / 0.25)):
        outputs.append(network(given))
        outputs[-1].square().mean().backward()
        for weight in network.parameters():
            weight.data -= 0.1 * weight.grad
    assert torch.equal(*outputs) and own.feature_dim == outputs[1].shape[1]
    ours, theirs = own.backbone.state_dict(), peer.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_a_stem_of_stride_two_halves_the_maps():
    encoder = build_encoder("resnet10", base_width=4, stem_stride=2)
    assert encoder.backbone.conv1(torch.rand(1, 3, 32, 32)).shape == (1, 4, 16, 16)
    assert encoder.feature_dim == 32 and encoder(torch.rand(2, 3, 32, 32)).shape == (2, 32)
    with pytest.raises(ValueError, match="stem_padding=2 widens a stem of stride 1"):
        build_encoder("resnet10", stem_stride=2, stem_padding=2)


def test_official_stem_widens_the_maps():
    for padding, side in ((1, 32), (2, 34)):
        stem = build_encoder("resnet18", stem_padding=padding).backbone.conv1
        assert stem(torch.rand(1, 3, 32, 32)).shape[-1] == side


def test_normalisation_is_per_channel():
    encoder = small_cnn(4)
    encoder.normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))
    seen = []
    encoder.backbone = torch.nn.Module()
    encoder.backbone.forward = lambda x: seen.append(x)  # type: ignore[method-assign]
    encoder(torch.ones(1, 3, 2, 2))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([0.9, 0.4, 0.175]))


def test_mlp_has_norm_and_relu_between_layers_only():
    kinds = [type(layer).__name__ for layer in mlp(4, 8, 8, 2, batch_norm=True)]
    block = ["Linear", "BatchNorm1d", "ReLU"]
    assert kinds == [*block, *block, "Linear"]


def test_known_encoders_are_built_and_others_named():
    assert all(build_encoder(name).feature_dim for name in ENCODERS)
    with pytest.raises(ValueError, match="vgg"):
        build_encoder("vgg")
    with pytest.raises(ValueError, match="stem_padding = 3"):
        build_encoder("resnet18", stem_padding=3)


def test_multiply_adds_are_those_of_the_convolutions():
    width, size = 4, 16
    expected = 9 * 3 * width * size**2
    for scale in (1, 2, 4):
        inputs, outputs, size = scale * width, 2 * scale * width, size // 2
        expected += 9 * (inputs + outputs) * outputs * size**2
    assert multiply_adds(small_cnn(width), 16) == expected
    published = multiply_adds(build_encoder("resnet18"), 32)  # 0.56 G with the CIFAR stem
    assert published == pytest.approx(0.5554e9, rel=1e-3)

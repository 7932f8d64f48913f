"""LARS against its formula, one tensor at a time, and Muon against torch's, which has matrices."""

import copy

import pytest
import torch

from adainf_core.eager_optimizers import eager
from adainf_core.learning.optimizers import LARS, Muon, build_optimizer
from adainf_core.learning.pretrain_config import OPTIMIZERS


def parameters(seed: int = 0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator))
        for shape in ((4, 3), (5,), (2, 3, 3, 3))
    ]


def descend(optimizer: torch.optim.Optimizer, weights: list, steps: int = 3) -> None:
    for step in range(steps):
        generator = torch.Generator().manual_seed(100 + step)
        for p in weights:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("lr", [0.001, 0.4])
def test_is_its_formula(clip, lr):
    ours, slow = parameters(), [p.detach().clone() for p in parameters()]
    eta, decay, momentum = 0.02, 0.1, 0.9
    descend(LARS(ours, lr, momentum=momentum, weight_decay=decay, eta=eta, clip=clip), ours)
    velocity = [torch.zeros_like(p) for p in slow]
    for step in range(3):
        generator = torch.Generator().manual_seed(100 + step)
        for p, v in zip(slow, velocity, strict=True):
            update = torch.randn(p.shape, generator=generator)
            if p.ndim > 1:
                ratio = eta * p.norm() / (update.norm() + decay * p.norm())
                ratio = min(ratio / lr, 1) if clip else ratio
                update = ratio * (update + decay * p)
            v.mul_(momentum).add_(update)
            p.sub_(lr * v)
    for p, expected in zip(ours, slow, strict=True):
        torch.testing.assert_close(p.detach(), expected, rtol=1e-5, atol=1e-6)


def test_clipped_step_is_never_longer_than_plain_sgd():
    ours, plain = parameters(), parameters()
    descend(LARS(ours, 1e-6, momentum=0.0), ours, 1)
    descend(torch.optim.SGD(plain, 1e-6), plain, 1)
    for p, q in zip(ours, plain, strict=True):
        torch.testing.assert_close(p, q)  # ratio / lr is far above one: clipped to SGD


def test_biases_and_norms_take_a_plain_step_without_decay():
    (bias,) = weights = [torch.nn.Parameter(torch.ones(5))]
    bias.grad = torch.full((5,), 2.0)
    LARS(weights, 0.1, momentum=0.0, weight_decay=10.0).step()
    torch.testing.assert_close(bias.detach(), torch.full((5,), 1 - 0.1 * 2.0))


def test_no_gradient_means_no_step_and_zero_weights_can_leave_zero():
    still, zero = (torch.nn.Parameter(torch.full((2, 2), v)) for v in (1.0, 0.0))
    still.grad, zero.grad = torch.zeros(2, 2), torch.ones(2, 2)
    LARS([still, zero], 0.1, weight_decay=1.0).step()
    assert torch.equal(still, torch.ones(2, 2))
    torch.testing.assert_close(zero.detach(), torch.full((2, 2), -0.1))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(4, 3), (3, 7), (6, 6)])
def test_muon_is_torchs_on_matrices(shape, decay):
    ours, theirs = ([torch.nn.Parameter(torch.ones(shape))] for _ in range(2))
    descend(Muon(ours, 0.02, momentum=0.9, weight_decay=decay), ours)
    descend(torch.optim.Muon(theirs, 0.02, momentum=0.9, weight_decay=decay), theirs)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=1e-6)


def test_muon_takes_a_convolution_for_its_matrix():
    kernel = torch.nn.Parameter(torch.ones(8, 3, 2, 2))
    matrix = torch.nn.Parameter(torch.ones(8, 12))
    for p in (kernel, matrix):
        p.grad = torch.randn(8, 12, generator=torch.Generator().manual_seed(0)).view_as(p)
        Muon([p], 0.1).step()
    assert torch.equal(kernel.flatten(1), matrix)


def test_muon_steps_are_nearly_orthogonal_whatever_the_gradients_size():
    (weight,) = weights = [torch.nn.Parameter(torch.zeros(8, 32))]
    weight.grad = 1e-3 * torch.randn(8, 32, generator=torch.Generator().manual_seed(0))
    Muon(weights, 1.0).step()
    singular = torch.linalg.svdvals(weight.detach())
    assert singular.min() > 0.6 and singular.max() < 1.3


def test_muon_moves_biases_by_their_signs_alone():
    bias, still = weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    bias.grad = torch.tensor([2.0, -0.1, 0.0])
    Muon(weights, 0.1, weight_decay=10.0).step()
    torch.testing.assert_close(bias.detach(), torch.tensor([0.99, 1.01, 1.0]))
    assert torch.equal(still, torch.ones(3))


@pytest.mark.parametrize("kind", [LARS, Muon])
def test_momentum_survives_a_state_dict(kind):
    one, other = parameters(), parameters()
    first, second = kind(one, 0.1), kind(other, 0.1)
    descend(first, one)
    with torch.no_grad():
        for p, q in zip(other, one, strict=True):
            p.copy_(q)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    descend(first, one)
    descend(second, other)
    assert all(torch.equal(p, q) for p, q in zip(one, other, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_group_keeps_its_own_rate_and_decay(name):
    first, second = parameters()[:2]
    groups = [{"params": [first], "lr": 0.1}, {"params": [second], "lr": 0.2, "weight_decay": 0.0}]
    built = build_optimizer(name, groups, weight_decay=0.3, momentum=0.9).param_groups
    assert [(g["lr"], g["weight_decay"]) for g in built] == [(0.1, 0.3), (0.2, 0.0)]


def test_unknown_optimizer_is_named():
    with pytest.raises(ValueError, match="adam' is unknown; choose adamw, sgd, lars, muon"):
        build_optimizer("adam", [], 0, 0)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.2, "fused": True}),
        (torch.optim.Adam, {"lr": 0.1, "foreach": True}),
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "fused": True}),
        (torch.optim.LBFGS, {"lr": 0.1, "history_size": 3}),
    ],
)
def test_without_the_compiler_every_bit_is_torchs(kind, settings):
    weights, optimizers = (parameters(), parameters()), []
    for ours, build in zip(weights, (eager(kind), kind), strict=True):
        optimizers.append(build(ours, **settings))

    def move(optimizer, ours):
        def closure():
            optimizer.zero_grad()
            loss = sum((p - 1).square().sum() * torch.sin(p).sum() for p in ours)
            loss.backward()
            return loss

        return optimizer.step(closure)

    for step in range(4):
        losses = [move(*both) for both in zip(optimizers, weights, strict=True)]
        assert torch.equal(*losses)
        assert all(torch.equal(p, q) for p, q in zip(*weights, strict=True))
        if step == 1:  # what one has saved the other goes on from
            states = [copy.deepcopy(optimizer.state_dict()) for optimizer in optimizers]
            for optimizer, state in zip(optimizers, reversed(states), strict=True):
                optimizer.load_state_dict(state)
    assert isinstance(optimizers[0], kind) and eager(kind) is eager(kind)

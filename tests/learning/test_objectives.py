"""Objectives against their definitions, closed forms, and the numbers bf16 would ruin."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from adainf_core import barlow_twins, byol, info_nce, nt_xent, spectral_contrastive
from adainf_core.learning.methods.vicreg import vicreg


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_nt_xent(z1, z2, temperature, ids=None) -> float:
    z = [v / v.norm() for v in (*z1.double(), *z2.double())]
    n, losses = len(z1), []
    ids = list(range(n)) * 2 if ids is None else list(ids) * 2
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        similar = {
            j: math.exp(float(z[i] @ z[j]) / temperature)
            for j in range(2 * n)
            if j == partner or (j != i and ids[j] != ids[i])
        }
        losses.append(-math.log(similar[partner] / sum(similar.values())))
    return sum(losses) / (2 * n)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 1.0])
def test_nt_xent_is_its_definition(temperature):
    z1, z2 = normal(2, 5, 7)
    assert nt_xent(z1, z2, temperature) == pytest.approx(
        slow_nt_xent(z1, z2, temperature), abs=1e-4
    )


def test_nt_xent_leaves_copies_out_of_the_negatives():
    z1, z2 = normal(2, 6, 3)
    ids = [4, 2, 4, 4, 0, 2]
    masked = nt_xent(z1, z2, 0.5, torch.tensor(ids))
    assert masked.item() == pytest.approx(slow_nt_xent(z1, z2, 0.5, ids), abs=1e-5)
    assert masked < nt_xent(z1, z2, 0.5)  # fewer terms in the denominator
    distinct = nt_xent(z1, z2, 0.5, torch.arange(6))
    assert distinct.item() == pytest.approx(nt_xent(z1, z2, 0.5).item(), abs=1e-6)


@pytest.mark.parametrize("n", [2, 16])
def test_equal_embeddings_give_log_of_the_choices(n):
    z = torch.ones(n, 4)
    assert nt_xent(z, z).item() == pytest.approx(math.log(2 * n - 1), abs=1e-5)
    queue = F.normalize(torch.ones(9, 4), dim=1)
    assert info_nce(z, z, queue).item() == pytest.approx(math.log(10), abs=1e-5)


def test_info_nce_is_its_definition():
    q, k = normal(2, 5, 3)
    queue = F.normalize(normal(8, 3, seed=1), dim=1)
    losses = []
    for a, b in zip(F.normalize(q, dim=1), F.normalize(k, dim=1), strict=True):
        positive = math.exp(float(a @ b) / 0.1)
        negative = sum(math.exp(float(a @ old) / 0.1) for old in queue)
        losses.append(-math.log(positive / (positive + negative)))
    assert info_nce(q, k, queue, 0.1).item() == pytest.approx(np.mean(losses), abs=1e-4)


def test_byol_is_the_squared_distance_of_unit_vectors():
    p, t = normal(2, 6, 4)
    squared = (F.normalize(p, dim=1) - F.normalize(t, dim=1)).square().sum(1).mean()
    assert byol(p, t).item() == pytest.approx(squared.item(), abs=1e-5)
    assert byol(p, 3 * p).item() == pytest.approx(0, abs=1e-6)
    assert byol(p, -p).item() == pytest.approx(4, abs=1e-6)


def test_no_gradient_flows_into_targets():
    p, t = (z.clone().requires_grad_() for z in normal(2, 4, 3))
    byol(p, t).backward()
    assert p.grad is not None and t.grad is None
    info_nce(p, t, F.normalize(normal(5, 3), dim=1)).backward()
    assert t.grad is None


def test_barlow_twins_is_its_definition():
    z1, z2 = normal(2, 50, 4)
    a, b = ((z.numpy() - z.numpy().mean(0)) / z.numpy().std(0) for z in (z1, z2))
    correlation = a.T @ b / 50
    expected = 0.0
    for i, j in np.ndindex(4, 4):
        expected += (1 - correlation[i, i]) ** 2 if i == j else 0.01 * correlation[i, j] ** 2
    assert barlow_twins(z1, z2, 0.01, 0.5).item() == pytest.approx(0.5 * expected, rel=1e-3)


def test_barlow_twins_is_zero_where_coordinates_agree_and_are_uncorrelated():
    # columns of a Hadamard matrix: mean zero, uncorrelated
    z = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    assert barlow_twins(z, 5 * z + 2).item() == pytest.approx(0, abs=1e-5)


def test_spectral_contrastive_is_its_definition():
    z1, z2 = normal(2, 5, 3)
    aligned = np.mean([float(a @ b) for a, b in zip(z1, z2, strict=True)])
    apart = np.mean([float(z1[i] @ z2[j]) ** 2 for i in range(5) for j in range(5) if i != j])
    assert spectral_contrastive(z1, z2).item() == pytest.approx(-2 * aligned + apart, abs=1e-4)


def test_spectral_contrastive_is_the_factorisation_loss_of_the_graph():
    """On a finite world its expectation is |A - F F^T|^2 - |A|^2, A normalised: the theory's."""
    rng = np.random.default_rng(0)
    kernel, law = rng.dirichlet(np.ones(6), 4), rng.dirichlet(np.ones(4))
    f = rng.standard_normal((6, 2))
    joint = kernel.T @ np.diag(law) @ kernel
    w = joint.sum(1)
    normalised = joint / np.sqrt(np.outer(w, w))
    weighted = np.sqrt(w)[:, None] * f
    expected = ((normalised - weighted @ weighted.T) ** 2).sum() - (normalised**2).sum()
    n = 40_000
    pairs = rng.choice(36, n, p=joint.ravel())
    first, second = np.unravel_index(pairs, (6, 6))
    z = torch.from_numpy(f).float()
    # in slices of 2,000: a sample mean of an unbiased estimate
    losses = [
        spectral_contrastive(z[first[i : i + 2000]], z[second[i : i + 2000]]).item()
        for i in range(0, n, 2000)
    ]
    error = np.std(losses) / math.sqrt(len(losses))
    assert abs(np.mean(losses) - expected) < 5 * error


def test_spectral_contrastive_cuts_long_embeddings():
    z1, z2 = 10 * normal(2, 6, 4)
    short = F.normalize(z1, dim=1) * 2, F.normalize(z2, dim=1) * 2
    expected = spectral_contrastive(*short).item() / 4
    assert spectral_contrastive(z1, z2, mu=4.0).item() == pytest.approx(expected, rel=1e-4)


def test_an_embedding_of_zero_has_a_finite_gradient():
    z = torch.zeros(4, 3, requires_grad=True)
    for loss in (nt_xent, byol, barlow_twins, lambda a, b: spectral_contrastive(a, b, mu=1.0)):
        loss(z, torch.ones(4, 3)).backward()
        assert z.grad.isfinite().all()


def test_scale_of_the_embeddings_does_not_matter():
    z1, z2 = normal(2, 6, 3)
    for loss in (nt_xent, byol, barlow_twins):
        assert loss(z1, z2).item() == pytest.approx(loss(40 * z1, 0.5 * z2).item(), rel=1e-3)


@pytest.mark.parametrize("loss", [nt_xent, byol, barlow_twins, spectral_contrastive])
def test_gradient_matches_finite_differences(loss):
    z1, z2 = normal(2, 4, 3)
    z1.requires_grad_()
    loss(z1, z2).backward()
    step = 1e-2
    for i, j in ((0, 0), (3, 1)):
        shift = torch.zeros_like(z1)
        shift[i, j] = step
        with torch.no_grad():
            slope = (loss(z1 + shift, z2) - loss(z1 - shift, z2)) / (2 * step)
        assert z1.grad[i, j].item() == pytest.approx(slope.item(), abs=5e-3, rel=0.02)


@pytest.mark.parametrize("loss", [nt_xent, byol, barlow_twins, spectral_contrastive])
def test_bf16_embeddings_cost_only_their_own_rounding(loss):
    z1, z2 = normal(2, 64, 8)
    rounded = [z.bfloat16() for z in (z1, z2)]
    with torch.autocast("cpu", torch.bfloat16):
        half = loss(*rounded)
    # the same rounding, then float32 throughout: a bf16 product anywhere would show
    full = loss(*(z.float() for z in rounded))
    assert half.dtype == torch.float32 and half.item() == pytest.approx(full.item(), rel=1e-6)


def test_finite_in_bf16_at_a_small_temperature():
    z = normal(64, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(z, z.detach(), 0.05)
    loss.backward()
    assert loss.isfinite() and z.grad.isfinite().all()


@pytest.mark.parametrize("shapes", [((4, 2), (3, 2)), ((1, 2), (1, 2)), ((4,), (4,))])
@pytest.mark.parametrize("loss", [nt_xent, byol, barlow_twins, spectral_contrastive])
def test_impossible_shapes_are_refused(loss, shapes):
    with pytest.raises(ValueError, match="views have shapes"):
        loss(*(torch.ones(s) for s in shapes))


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="temperature = 0 must be finite and above 0"):
        nt_xent(torch.ones(4, 2), torch.ones(4, 2), 0)


LOSSES = {
    "nt_xent": lambda a, b: nt_xent(a, b, 0.05),
    "info_nce": lambda a, b: info_nce(a, b, F.normalize(normal(9, 4, seed=5).to(a.dtype), dim=1)),
    "byol": byol,
    "barlow_twins": barlow_twins,
    "spectral_contrastive": lambda a, b: spectral_contrastive(a, b, mu=2.0),
    "vicreg": vicreg,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_float64_are_float64(name):
    """Finite differences of a millionth, which nothing in float32 can follow."""
    z1, z2 = (z.double() for z in normal(2, 5, 4, seed=3))
    loss = LOSSES[name](z1, z2)
    assert loss.dtype == torch.float64
    assert torch.autograd.gradcheck(LOSSES[name], (z1.requires_grad_(), z2), rtol=1e-5)
    # a wider second view widens the loss, and narrower ones leave it what it was
    assert LOSSES[name](z1.float(), z2).dtype == torch.float64
    for narrow in (torch.float32, torch.bfloat16):
        assert LOSSES[name](z1.to(narrow), z2.to(narrow)).dtype == torch.float32


def test_nt_xent_of_float64_is_its_definition_to_twelve_digits():
    z1, z2 = (z.double() for z in normal(2, 5, 7))
    assert nt_xent(z1, z2, 0.05).item() == pytest.approx(slow_nt_xent(z1, z2, 0.05), rel=1e-12)


def test_views_may_be_named():
    a, b = normal(2, 5, 4)
    queue = F.normalize(normal(3, 4), dim=1)
    assert info_nce(q=a, k=b, queue=queue) == info_nce(a, b, queue)
    assert byol(a, target=b) == byol(a, b)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        byol(a)


@pytest.mark.parametrize("ids", [torch.arange(4), torch.arange(10), torch.zeros(5, 1), [0] * 5])
def test_ids_of_another_length_are_named(ids):
    a, b = normal(2, 5, 4)
    with pytest.raises(ValueError, match=r"image_ids is .*: give a tensor \(5,\), one a pair"):
        nt_xent(a, b, 0.2, ids)

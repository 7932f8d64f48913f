"""VICReg against its definition, where it vanishes, and what each term asks for."""

import math

import numpy as np
import pytest
import torch

from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.methods import VICReg
from adainf_core.learning.methods.vicreg import vicreg
from adainf_core.learning.recipes import recipe


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_vicreg(z1, z2, invariance, variance, covariance) -> float:
    """Equations 1 to 6 of the paper, entry by entry; the distance a mean over coordinates."""
    n, d = z1.shape
    loss = invariance * sum((z1[i, j] - z2[i, j]) ** 2 for i, j in np.ndindex(n, d)) / (n * d)
    for z in (z1, z2):
        mean = [sum(z[:, j]) / n for j in range(d)]
        for j, k in np.ndindex(d, d):
            product = sum((z[i, j] - mean[j]) * (z[i, k] - mean[k]) for i in range(n)) / (n - 1)
            if j == k:
                loss += variance * max(0, 1 - math.sqrt(product + 1e-4)) / d
            else:
                loss += covariance * product**2 / d
    return loss


@pytest.mark.parametrize("weights", [(25, 25, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_vicreg_is_its_definition(weights):
    z1, z2 = normal(2, 9, 4) * torch.tensor([0.2, 0.7, 1.0, 3.0])
    expected = slow_vicreg(z1.double().numpy(), z2.double().numpy(), *weights)
    assert expected > 0.1 and vicreg(z1, z2, *weights).item() == pytest.approx(expected, rel=1e-5)


def test_it_is_zero_where_views_agree_on_uncorrelated_coordinates_that_vary():
    # columns of a Hadamard matrix: mean zero, uncorrelated, variance 4/3
    z = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    assert vicreg(z, z.clone()).item() == 0
    assert vicreg(z, -z, 1.0, 1.0, 1.0).item() == pytest.approx(4)  # the distance alone is left
    # one coordinate thrice: variance 4/3 and six covariances of 4/3, over three, for two views
    thrice = z[:, :1].repeat(1, 3)
    assert vicreg(thrice, thrice, 1.0, 1.0, 1.0).item() == pytest.approx(2 * 6 * (4 / 3) ** 2 / 3)


def test_collapse_costs_the_whole_variance_term():
    z = torch.ones(6, 5, requires_grad=True)
    loss = vicreg(z, z)
    assert loss.item() == pytest.approx(2 * 25 * (1 - 1e-2))
    loss.backward()
    assert z.grad.isfinite().all()


def test_a_common_shift_costs_nothing_and_the_gradient_matches_finite_differences():
    z1, z2 = normal(2, 6, 3).double()
    assert vicreg(z1 + 2, z2 + 2).item() == pytest.approx(vicreg(z1, z2).item(), rel=1e-5)
    z1 = z1.float().requires_grad_()
    vicreg(z1, z2.float()).backward()
    for i, j in ((0, 0), (3, 1)):
        shift = torch.zeros_like(z1)
        shift[i, j] = 1e-2
        with torch.no_grad():
            slope = (vicreg(z1 + shift, z2.float()) - vicreg(z1 - shift, z2.float())) / 2e-2
        assert z1.grad[i, j].item() == pytest.approx(slope.item(), abs=5e-3, rel=0.02)


def test_embeddings_in_bf16_are_summed_in_float32():
    rounded = [z.bfloat16() for z in normal(2, 64, 8)]
    with torch.autocast("cpu", torch.bfloat16):
        half = vicreg(*rounded)
    full = vicreg(*(z.float() for z in rounded))
    assert half.dtype == torch.float32 and half.item() == pytest.approx(full.item(), rel=1e-6)


def test_the_method_hands_its_weights_to_the_loss_of_the_two_halves():
    torch.manual_seed(0)
    module = VICReg(16, 8, invariance=2.0, variance=3.0, covariance=4.0).build(small_cnn(4)).train()
    views = torch.rand((12, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    loss, _ = module(views, torch.arange(6))
    first, second = module.projector(module.encoder(views)).chunk(2)
    assert loss.item() == pytest.approx(vicreg(first, second, 2.0, 3.0, 4.0).item(), rel=1e-5)


@pytest.mark.parametrize("wrong", [{"out": 0}, {"invariance": 0}, {"covariance": math.inf}])
def test_wrong_hyper_parameters_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"method\.{name} = {wrong[name]}"):
        VICReg(**wrong)
    with pytest.raises(ValueError, match="views have shapes"):
        vicreg(torch.ones(4, 2), torch.ones(3, 2))


def test_the_recipe_is_solo_learns():
    run = recipe("cifar10", "vicreg").pretrain
    assert run.method == VICReg(2048, 2048, 25.0, 25.0, 1.0)
    assert (run.optimizer, run.learning_rate, run.weight_decay) == ("lars", 0.3 * 512 / 256, 1e-4)

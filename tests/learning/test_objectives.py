"""NT-Xent against its definition, a closed form, and the numbers bf16 would ruin."""

import math

import pytest
import torch

from adainf_core.learning.objectives import nt_xent


def slow(z1: torch.Tensor, z2: torch.Tensor, temperature: float) -> float:
    z = [v / v.norm() for v in (*z1, *z2)]
    n, losses = len(z1), []
    for i in range(2 * n):
        similar = {j: math.exp(float(z[i] @ z[j]) / temperature) for j in range(2 * n) if j != i}
        losses.append(-math.log(similar[(i + n) % (2 * n)] / sum(similar.values())))
    return sum(losses) / (2 * n)


@pytest.mark.parametrize("temperature", [0.2, 0.5, 1.0])
def test_is_its_definition(temperature):
    z1, z2 = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert nt_xent(z1, z2, temperature) == pytest.approx(slow(z1, z2, temperature), abs=1e-5)


@pytest.mark.parametrize("n", [2, 16])
def test_equal_embeddings_give_log_of_the_choices(n):
    z = torch.ones(n, 4)
    assert nt_xent(z, z).item() == pytest.approx(math.log(2 * n - 1), abs=1e-5)


def test_scale_of_the_embeddings_does_not_matter():
    z1, z2 = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    assert nt_xent(z1, z2).item() == pytest.approx(nt_xent(40 * z1, 0.01 * z2).item(), abs=1e-5)


def test_gradient_matches_finite_differences():
    z1, z2 = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(0))
    z1.requires_grad_()
    nt_xent(z1, z2, 0.5).backward()
    step = 1e-2
    for i, j in ((0, 0), (2, 1)):
        shift = torch.zeros_like(z1)
        shift[i, j] = step
        with torch.no_grad():
            slope = (nt_xent(z1 + shift, z2, 0.5) - nt_xent(z1 - shift, z2, 0.5)) / (2 * step)
        assert z1.grad[i, j].item() == pytest.approx(slope.item(), abs=2e-3)


def test_finite_in_bf16_at_a_small_temperature():
    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(z, z.detach(), 0.05)
    loss.backward()
    assert loss.isfinite() and z.grad.isfinite().all()


@pytest.mark.parametrize(
    ("shapes", "temperature"),
    [(((4, 2), (3, 2)), 0.2), (((1, 2), (1, 2)), 0.2), (((4, 2),) * 2, 0)],
)
def test_impossible_input_is_refused(shapes, temperature):
    with pytest.raises(ValueError, match=r"views have shapes|temperature=0"):
        nt_xent(*(torch.ones(s) for s in shapes), temperature)

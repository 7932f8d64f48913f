import pytest
import torch
from torch import nn

from adainf_core.generators.group_norm import ChannelsLastGroupNorm, channels_last

# float32 against float32: sums of at most a few hundred values in another order
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def both(shape, groups):
    torch.manual_seed(0)
    ours, theirs = ChannelsLastGroupNorm(groups, shape[1]), nn.GroupNorm(groups, shape[1])
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, 3 + 2 * torch.randn(shape)


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 6, 5, 3), 3), ((2, 8, 7), 1), ((3, 4, 2, 2), 4)]
)
def test_values_and_gradients_are_torchs(shape, groups):
    ours, theirs, images = both(shape, groups)
    results = []
    for norm in (ours, theirs):
        given = images.clone().requires_grad_()
        out = norm(given)
        (out * torch.arange(out.numel()).view(out.shape).cos()).sum().backward()
        results.append([out, given.grad, norm.weight.grad, norm.bias.grad])
    for ours_found, theirs_found in zip(*results, strict=True):
        torch.testing.assert_close(ours_found, theirs_found, **CLOSE)


def test_the_layout_of_memory_is_kept():
    ours, theirs, images = both((4, 6, 5, 3), 3)
    given = images.contiguous(memory_format=torch.channels_last)
    assert ours(given).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours(given), theirs(images), **CLOSE)


def test_half_precision_stays_within_its_rounding():
    ours, theirs, images = both((4, 32, 8, 8), 8)
    half = ours(images.bfloat16())
    assert half.dtype == torch.bfloat16
    # the inputs' own rounding is 2^-9 of values up to 10, in units of their deviation 2
    torch.testing.assert_close(half.float(), theirs(images), rtol=0.03, atol=0.06)


def test_without_parameters():
    images = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    ours = ChannelsLastGroupNorm(2, 4, affine=False)
    torch.testing.assert_close(ours(images), nn.GroupNorm(2, 4, affine=False)(images), **CLOSE)


def test_a_models_norms_are_replaced_and_parameters_shared():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.GroupNorm(2, 8), nn.SiLU()))
    before = dict(model.named_parameters())
    images = torch.randn(2, 3, 6, 6)
    expected = model(images)
    fast = channels_last(model)
    assert type(fast[1][0]) is ChannelsLastGroupNorm
    assert {name: id(p) for name, p in fast.named_parameters()} == {
        name: id(p) for name, p in before.items()
    }
    torch.testing.assert_close(fast(images), expected, **CLOSE)

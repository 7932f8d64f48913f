"""Random erasing against torchvision, and what an extra operation leaves as it was."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision import transforms
from torchvision.transforms import functional as TF

from adainf_core.configuration import from_plain, override, to_plain
from adainf_core.learning.augmentation import (
    NOISE,
    apply_parameters,
    augment,
    two_views,
    view_noise,
    view_parameters,
)
from adainf_core.learning.operations import Erase
from adainf_core.learning.policies import POLICIES, AugmentationPolicy

N, SIZE = 120, 24
BUSY = replace(POLICIES["symmetric"], solarize_p=(0.0, 0.5))
ERASED = replace(BUSY, extra=(Erase(value=0.25),))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    shape = (N, 3, SIZE, SIZE)
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniforms(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, Erase.uniforms), generator=generator(seed))


def box_of(operation: Erase, row: list[float], h: int, w: int) -> tuple[int, int, int, int] | None:
    """torchvision's RandomErasing.get_params, one view at a time, on the numbers given."""
    chance, area, aspect, down, right = row[0], row[1:11], row[11:21], row[21], row[22]
    if chance >= operation.p:
        return None
    low, high = (math.log(end) for end in operation.ratio)
    for share, lean in zip(area, aspect, strict=True):
        box = h * w * (operation.scale[0] + (operation.scale[1] - operation.scale[0]) * share)
        ratio = math.exp(low + (high - low) * lean)
        height, width = round(math.sqrt(box * ratio)), round(math.sqrt(box / ratio))
        if height < h and width < w:
            return int(down * (h - height + 1)), int(right * (w - width + 1)), height, width
    return None


@pytest.mark.parametrize(("h", "w"), [(24, 24), (24, 16), (9, 24)])
@pytest.mark.parametrize("operation", [Erase(), Erase(0.8, (0.3, 1.0), (0.2, 5.0), 0.5)])
def test_boxes_are_those_of_torchvision_on_the_same_numbers(operation, h, w):
    views, noise = torch.rand((400, 3, h, w), generator=generator(1)), uniforms(400)
    found, erased = operation.apply(views, noise), 0
    for view, after, row in zip(views, found, noise.double().tolist(), strict=True):
        box = box_of(operation, row, h, w)
        expected = view if box is None else TF.erase(view, *box, torch.tensor(operation.value))
        assert torch.equal(after, expected)
        erased += box is not None
    assert 0 < erased < 400


def test_boxes_follow_torchvisions_distribution():
    n = 3000
    # erased views of one: what is zero is the box
    views = Erase(p=1.0).apply(torch.ones(n, 3, 32, 32), uniforms(n))[:, 0] == 0
    rows, columns = views.any(2), views.any(1)
    assert torch.equal(views, rows[:, :, None] & columns[:, None, :])
    ours = [rows.int().argmax(1), columns.int().argmax(1), rows.sum(1), columns.sum(1)]
    torch.manual_seed(1)
    blank = torch.ones(3, 32, 32)
    theirs = torch.tensor(
        [
            transforms.RandomErasing.get_params(blank, (0.02, 0.33), (0.3, 3.3), [0.0])[:4]
            for _ in range(n)
        ]
    )
    for mine, column in zip(ours, theirs.T, strict=True):
        assert stats.ks_2samp(mine.numpy(), column.numpy()).pvalue > 1e-3


def test_a_share_p_is_erased():
    n = 20_000
    views = Erase(p=0.3).apply(torch.ones(n, 3, 8, 8), uniforms(n))
    share = (views == 0).any((1, 2, 3)).float().mean()
    assert abs(share - 0.3) < 4 * (0.21 / n) ** 0.5
    assert torch.equal(Erase(p=0.0).apply(views, uniforms(n)), views)


def test_what_comes_before_stays_to_the_bit(images):
    plain = view_noise(2 * N, generator())
    assert torch.equal(plain, torch.rand((2 * N, NOISE), generator=generator()))
    noise = view_noise(2 * N, generator(), ERASED.extra)
    assert torch.equal(noise[:, :NOISE], plain)
    # by hand, as before there were extra operations
    drawn = view_parameters(plain, SIZE, SIZE, BUSY, view=None)
    before = apply_parameters(images.repeat(2, 1, 1, 1), BUSY, drawn, view=None)
    assert torch.equal(two_views(images, images, BUSY, plain), before)
    after = two_views(images, images, ERASED, noise)
    assert torch.equal(after, Erase(value=0.25).apply(before, noise[:, NOISE:]))
    untouched = (after != 0.25).all(1, keepdim=True).expand_as(after)
    assert torch.equal(after[untouched], before[untouched]) and 0.3 < untouched.float().mean() < 1


def test_a_generator_goes_on_as_if_nothing_were_erased(images):
    one, other = generator(5), generator(5)
    streams = []
    for _ in range(2):
        views, erased = augment(images, BUSY, one), augment(images, ERASED, other)
        changed = (views != erased).any(1)
        assert torch.equal(one.get_state(), other.get_state())
        assert torch.equal(erased.amax(1)[changed], erased.amin(1)[changed])  # the box, grey
        streams.append(changed)
    assert not torch.equal(*streams)  # the second call erases elsewhere


def test_each_operation_has_a_stream_of_its_own():
    twice = view_noise(500, generator(), (Erase(), Erase(p=0.1)))[:, NOISE:].chunk(2, 1)
    alone = view_noise(500, generator(), (Erase(),))[:, NOISE:]
    assert torch.equal(twice[0], alone)
    correlation = np.corrcoef(twice[0].flatten(), twice[1].flatten())[0, 1]
    assert abs(correlation) < 5 / alone.numel() ** 0.5
    other = view_noise(500, generator(1), (Erase(),))[:, NOISE:]
    assert abs(np.corrcoef(other.flatten(), alone.flatten())[0, 1]) < 5 / alone.numel() ** 0.5


def test_a_share_of_the_rows_gives_that_share_of_the_views(images):
    noise, share = view_noise(2 * N, generator(), ERASED.extra), slice(30, 70)
    rows = torch.cat([half[share] for half in noise.split(N)])
    whole = two_views(images, images, ERASED, noise).split(N)
    part = two_views(images[share], images[share], ERASED, rows)
    torch.testing.assert_close(part, torch.cat([half[share] for half in whole]))


def test_policies_carry_it_along(images):
    assert ERASED.scaled(0.5).extra == (Erase(p=0.25, value=0.25),)
    assert ERASED.scaled(1) == ERASED and ERASED.for_image_size(16).extra == ERASED.extra
    noise = view_noise(2 * N, generator(), ERASED.extra)
    none = two_views(images, images, ERASED.scaled(0), noise)
    torch.testing.assert_close(none, (images / 255).repeat(2, 1, 1, 1), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match=r"erase: p=1\.1"):
        replace(POLICIES["symmetric_adainf"], extra=(Erase(p=1.0),)).scaled(1.1)


def test_plain_values_and_back():
    plain = to_plain(ERASED)
    assert plain["extra"][0]["name"] == "erase"
    assert from_plain(AugmentationPolicy, plain) == ERASED
    del plain["extra"]  # as written before there were extra operations
    assert from_plain(AugmentationPolicy, plain) == BUSY
    assert override(BUSY, ['extra=[{"name":"erase","value":0.25}]']) == ERASED


@pytest.mark.parametrize(
    "wrong",
    [{"p": 1.5}, {"value": -1}, {"scale": (0.5, 0.2)}, {"scale": (0.5, 2)}, {"ratio": (0, 1)}],
)
def test_a_bad_setting_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"erase: {name}="):
        Erase(**wrong)

"""The batched kernel against PIL and torchvision, one image at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision import transforms
from torchvision.transforms import functional as TF

from adainf_core.learning.augmentation import (
    POLICIES,
    AugmentationPolicy,
    augment,
    view_noise,
    view_parameters,
)

N, SIZE = 200, 32
PLAIN = AugmentationPolicy(
    jitter_p=0, grey_p=0, blur_p=0, flip_p=0, crop_scale=(1, 1), crop_ratio=(1, 1)
)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Smooth random fields with edges: hard for interpolation, like photographs."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE))) + 1 / SIZE
    noise = np.fft.fft2(rng.standard_normal((N, 3, SIZE, SIZE))) / frequency
    field = np.fft.ifft2(noise).real
    field = (field - field.min((2, 3), keepdims=True)) / np.ptp(field, axis=(2, 3), keepdims=True)
    return torch.from_numpy((255 * field).astype(np.uint8))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def as_pil(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def test_whole_image_without_operations_is_the_image(images):
    views = augment(images, PLAIN, generator())
    torch.testing.assert_close(views, images / 255, atol=1e-6, rtol=0)


def test_crop_and_flip_match_pil(images):
    policy = replace(PLAIN, crop_scale=(0.08, 1), crop_ratio=(3 / 4, 4 / 3), flip_p=0.5)
    views, drawn = augment(images, policy, generator(), return_parameters=True)
    errors = []
    for i in range(N):
        top, left, height, width = (
            int(getattr(drawn, f)[i]) for f in ("top", "left", "height", "width")
        )
        box = (left, top, left + width, top + height)
        expected = as_pil(images[i]).crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        if drawn.flip[i]:
            expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        errors.append(np.abs(255 * views[i].permute(1, 2, 0).numpy() - np.asarray(expected, float)))
    # PIL rounds to whole levels after each of its two passes: half a level and a bit
    assert np.mean(errors) <= 0.5 and np.max(errors) <= 2


def test_jitter_and_grey_match_torchvision(images):
    policy = replace(PLAIN, jitter_p=0.8, grey_p=0.2)
    views, drawn = augment(images, policy, generator(), return_parameters=True)
    for i in range(N):
        x = images[i] / 255
        for operation in drawn.order[i].tolist():
            if operation == 3:
                x = TF.adjust_hue(x, drawn.hue[i].item())
            else:
                adjust = (TF.adjust_brightness, TF.adjust_contrast, TF.adjust_saturation)[operation]
                x = adjust(x, drawn.factors[i, operation].item())
        if drawn.grey[i]:
            x = TF.rgb_to_grayscale(x, 3)
        # torchvision's luma weights are rounded to four digits: contrast and grey inherit that
        assert (255 * (views[i] - x)).abs().max() <= 1


def test_blur_matches_a_gaussian_with_repeated_edges(images):
    from scipy.ndimage import gaussian_filter

    policy = replace(PLAIN, blur_p=0.7)
    views, drawn = augment(images, policy, generator(), return_parameters=True)
    for i in range(40):
        sigma = drawn.blur_sigma[i].item()
        x = images[i].numpy() / 255
        expected = (
            x if sigma == 0 else gaussian_filter(x, (0, sigma, sigma), mode="nearest", truncate=8)
        )
        assert np.abs(255 * (views[i].numpy() - expected)).max() <= 0.1


def test_solarize_matches_torchvision(images):
    policy = replace(PLAIN, solarize_p=(0.0, 0.5))
    first = augment(images, policy, generator(), view=0)
    torch.testing.assert_close(first, images / 255, atol=1e-6, rtol=0)
    second, drawn = augment(images, policy, generator(), view=1, return_parameters=True)
    assert 0 < drawn.solarize.sum() < N
    expected = torch.stack(
        [TF.solarize(x, 128) if s else x for x, s in zip(images, drawn.solarize, strict=True)]
    )
    torch.testing.assert_close(second, expected / 255, atol=1e-5, rtol=0)


def test_crop_boxes_follow_torchvisions_law():
    drawn = view_parameters(view_noise(4000, generator()), SIZE, SIZE, POLICIES["symmetric"])
    torch.manual_seed(1)
    blank = torch.zeros(3, SIZE, SIZE)
    boxes = torch.tensor(
        [
            transforms.RandomResizedCrop.get_params(blank, [0.08, 1], [3 / 4, 4 / 3])
            for _ in range(4000)
        ]
    )
    for column, ours in enumerate((drawn.top, drawn.left, drawn.height, drawn.width)):
        # whole numbers: KS is conservative, so a small p means a real difference
        assert stats.ks_2samp(ours.numpy(), boxes[:, column].numpy()).pvalue > 1e-3


def test_jitter_law_is_uniform_with_every_order_equally_likely():
    n = 24_000
    drawn = view_parameters(view_noise(n, generator()), SIZE, SIZE, POLICIES["symmetric"])
    on = drawn.hue != 0
    assert abs(on.float().mean() - 0.8) < 4 * (0.16 / n) ** 0.5
    for column in range(3):
        assert stats.kstest(drawn.factors[on, column].numpy(), "uniform", (0.2, 1.6)).pvalue > 1e-3
    assert stats.kstest(drawn.hue[on].numpy(), "uniform", (-0.2, 0.4)).pvalue > 1e-3
    _, counts = torch.unique(drawn.order, dim=0, return_counts=True)
    assert len(counts) == 24 and stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_views_are_deterministic_given_the_generator(images):
    one, two = (augment(images, POLICIES["symmetric"], generator(7)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, augment(images, POLICIES["symmetric"], generator(8)))


@pytest.mark.parametrize("name", POLICIES)
def test_views_stay_in_range(images, name):
    for view in (0, 1):
        views = augment(images, POLICIES[name], generator(), view=view)
        assert views.isfinite().all() and views.min() >= 0 and views.max() <= 1 + 1e-6


@pytest.mark.parametrize(
    "wrong", [{"flip_p": 1.5}, {"crop_scale": (0.5, 0.2)}, {"hue": 0.6}, {"brightness": -1}]
)
def test_bad_policy_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        AugmentationPolicy(**wrong)


def test_float_images_are_refused(images):
    with pytest.raises(ValueError, match="uint8"):
        augment(images.float(), PLAIN, generator())

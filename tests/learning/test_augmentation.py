"""The batched kernel against PIL and torchvision, one image at a time."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision import transforms
from torchvision.transforms import functional as TF

from adainf_core.learning import augmentation
from adainf_core.learning.augmentation import (
    NOISE,
    apply_parameters,
    augment,
    two_views,
    view_noise,
    view_parameters,
)
from adainf_core.learning.policies import POLICIES, SWEEPS, AugmentationPolicy

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


#: Everything at once, and a second view unlike the first
BUSY = replace(POLICIES["symmetric"], solarize_p=(0.0, 0.5))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def as_pil(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def test_whole_image_without_operations_is_the_image(images):
    views = augment(images, PLAIN, generator())
    torch.testing.assert_close(views, images / 255, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 32), (32, 24)])
def test_crop_and_flip_match_pil(images, height, width):
    images = images[:, :, :height, :width]
    policy = replace(PLAIN, crop_scale=(0.08, 1), crop_ratio=(3 / 4, 4 / 3), flip_p=0.5)
    views, drawn = augment(images, policy, generator(), return_parameters=True)
    errors = []
    for i in range(N):
        top, left, h, w = (int(getattr(drawn, f)[i]) for f in ("top", "left", "height", "width"))
        box = (left, top, left + w, top + h)
        expected = as_pil(images[i]).crop(box).resize((width, height), Image.Resampling.BICUBIC)
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


@pytest.mark.parametrize("height", [32, 20])
def test_blur_matches_a_gaussian_with_repeated_edges(images, height):
    # PIL's GaussianBlur is no yardstick: it comes near a Gaussian by repeated box filters
    from scipy.ndimage import gaussian_filter

    images = images[:, :, :height]
    # the crop has the aspect of the image, for it to be the whole image
    policy = replace(PLAIN, blur_p=0.7, crop_ratio=(SIZE / height, SIZE / height))
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


def test_crop_boxes_follow_torchvisions_distribution():
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


def test_masks_and_blur_follow_their_distributions():
    n = 20_000
    policy = replace(BUSY, blur_sigma=(0.5, 1.5), flip_p=0.3)
    drawn = view_parameters(view_noise(n, generator()), SIZE, SIZE, policy, view=1)
    blurred = drawn.blur_sigma > 0
    for mask, p in ((drawn.flip, 0.3), (drawn.grey, 0.2), (drawn.solarize, 0.5), (blurred, 0.5)):
        assert abs(mask.float().mean() - p) < 4 * (p * (1 - p) / n) ** 0.5
    sigma = drawn.blur_sigma[blurred].numpy()
    assert stats.kstest(sigma, "uniform", (0.5, 1)).pvalue > 1e-3


def test_no_two_parameters_share_their_chance():
    n = 20_000
    policy = replace(BUSY, jitter_p=1, blur_p=1, crop_scale=(0.08, 0.5))
    drawn = view_parameters(view_noise(n, generator()), 256, 256, policy, view=1)
    height, width = drawn.height, drawn.width
    columns = [
        drawn.top / (257 - height), drawn.left / (257 - width), height * width, width / height,
        *drawn.factors.T, drawn.hue, drawn.grey, drawn.blur_sigma, drawn.solarize, drawn.flip,
        *(drawn.order == 0).T[:3],
    ]  # fmt: skip
    correlation = np.corrcoef(torch.stack([c.float() for c in columns]).numpy())
    among_order = np.s_[-3:, -3:]  # brightness comes first or second: those exclude each other
    correlation[among_order] = 0
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 5 / n**0.5


def test_two_views_are_two_single_views(images):
    noise = view_noise(2 * N, generator())
    expected = []
    for view, rows in enumerate(noise.split(N)):
        parameters = view_parameters(rows, SIZE, SIZE, BUSY, view)
        expected.append(apply_parameters(images, BUSY, parameters, view))
    assert not torch.allclose(*expected, atol=0.1)
    torch.testing.assert_close(two_views(images, images, BUSY, noise), torch.cat(expected))
    # a single view is what `augment` makes of the same chance
    torch.testing.assert_close(augment(images, BUSY, generator()), expected[0])


def test_a_share_of_the_rows_gives_that_share_of_the_views(images):
    noise = view_noise(2 * N, generator())
    share = slice(70, 110)
    rows = torch.cat([half[share] for half in noise.split(N)])
    expected = torch.cat([half[share] for half in two_views(images, images, BUSY, noise).split(N)])
    torch.testing.assert_close(two_views(images[share], images[share], BUSY, rows), expected)


def test_chunks_leave_no_trace(images, monkeypatch):
    whole = augment(images, BUSY, generator(), view=1)
    monkeypatch.setattr(augmentation, "CHUNK", 7 * SIZE * SIZE)  # 200 images: a rest of 4
    torch.testing.assert_close(augment(images, BUSY, generator(), view=1), whole)


def test_autocast_does_not_reach_the_views(images):
    expected = augment(images, BUSY, generator())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        views = augment(images, BUSY, generator())
    assert views.dtype == torch.float32 and torch.equal(views, expected)


ALL = POLICIES | {
    f"{sweep} {value:g}": policy
    for sweep, policies in SWEEPS.items()
    for value, policy in policies.items()
}


@pytest.mark.parametrize("name", ALL)
def test_views_stay_in_range(images, name):
    views = two_views(images, images, ALL[name], view_noise(2 * N, generator()))
    assert views.shape == (2 * N, 3, SIZE, SIZE) and views.dtype == torch.float32
    assert views.isfinite().all() and views.min() >= 0 and views.max() <= 1


def test_sweeps_are_the_official_ones():
    symmetric = POLICIES["symmetric"]
    for low, policy in SWEEPS["crop"].items():
        assert policy == replace(symmetric, crop_scale=(low, 1))
    assert list(SWEEPS["crop"]) == [0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4]
    assert list(SWEEPS["jitter"]) == [0.1, 0.5, 1, 2]
    assert SWEEPS["crop"][0.08] == SWEEPS["jitter"][1] == symmetric
    assert SWEEPS["jitter"][2] == replace(
        symmetric, brightness=1.6, contrast=1.6, saturation=1.6, hue=0.4
    )


@pytest.mark.parametrize("policy", [*POLICIES.values(), BUSY])
def test_strength_runs_from_nothing_to_the_policy(images, policy):
    assert policy.scaled(1) == policy
    views = two_views(images, images, policy.scaled(0), view_noise(2 * N, generator()))
    torch.testing.assert_close(views, (images / 255).repeat(2, 1, 1, 1), atol=1e-6, rtol=0)
    none, half = policy.scaled(0), policy.scaled(0.5)
    for field in fields(policy):
        ends = (np.atleast_1d(getattr(p, field.name)) for p in (none, policy))
        mean = stats.gmean if field.name == "crop_ratio" else np.mean
        np.testing.assert_allclose(getattr(half, field.name), np.squeeze(mean([*ends], axis=0)))


def test_strength_goes_beyond_one_as_far_as_a_policy_can():
    assert POLICIES["symmetric_adainf"].scaled(1.2).crop_scale[0] == pytest.approx(0.04)
    with pytest.raises(ValueError, match="crop_scale"):
        POLICIES["symmetric"].scaled(1.1)
    with pytest.raises(ValueError, match="jitter_p"):
        replace(POLICIES["symmetric"], crop_scale=(0.5, 1)).scaled(1.3)
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="strength"):
            POLICIES["symmetric"].scaled(wrong)


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


def test_noise_of_another_shape_is_refused(images):
    for shape in ((N, NOISE), (2 * N, NOISE - 1)):
        with pytest.raises(ValueError, match="noise"):
            two_views(images, images, PLAIN, torch.zeros(shape))


@pytest.mark.parametrize("view", [-1, 2, 1.0, None])
def test_there_are_two_views(view):
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"view = "):
        augment(images, POLICIES["asymmetric"], torch.Generator(), view)

"""Features: the encoder's, whatever the batch, the mode, or where they were kept."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from known_features import ENCODER, FLIP, PIXELS, STILL, coloured, labelled
from torch import nn

from adainf_core.learning.encoders import PIXEL_MEAN, PIXEL_STD, small_cnn
from adainf_core.learning.features import extract_features
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.probing import PROBE_AUGMENTATION


def test_features_are_the_normalised_pixels():
    images = coloured(10, 5, 0)
    expected = (images.images[:, :, 0, 0] / 255 - PIXEL_MEAN) / PIXEL_STD
    np.testing.assert_allclose(extract_features(ENCODER, images.images), expected, atol=1e-6)


@pytest.mark.parametrize("augmentation", [None, PROBE_AUGMENTATION])
def test_features_do_not_depend_on_the_batch(augmentation):
    encoder, images = small_cnn(4), labelled([0] * 7, 16).images
    one, many = (extract_features(encoder, images, b, augmentation=augmentation) for b in (2, 7))
    np.testing.assert_allclose(one, many, atol=1e-5)


def test_memory_mapped_images_are_read_as_they_are(tmp_path):
    images = coloured(10, 5, 0).images
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        extract_features(ENCODER, mapped, 3), extract_features(ENCODER, images)
    )


def test_every_module_keeps_its_mode():
    encoder, images = small_cnn(4).train(), labelled([0] * 4, 16).images
    frozen = encoder.backbone[0].eval()
    running = encoder.state_dict()["backbone.0.1.running_mean"].clone()
    extract_features(encoder, images)
    assert encoder.training and encoder.backbone[1].training and not frozen.training
    assert torch.equal(encoder.state_dict()["backbone.0.1.running_mean"], running)
    with pytest.raises(ValueError, match="need \\(images, features\\)"):
        extract_features(nn.Sequential(nn.Identity()).train(), images)
    assert encoder.training


def test_views_come_from_the_seed():
    images = labelled([0] * 40).images
    plain = extract_features(PIXELS, images)
    one, same, other = (
        extract_features(PIXELS, images, augmentation=FLIP, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    flipped = extract_features(PIXELS, np.ascontiguousarray(images[..., ::-1]))
    which = [np.abs(one - known).max(1) < 1e-5 for known in (plain, flipped)]
    assert (which[0] ^ which[1]).all() and 5 < which[1].sum() < 35


class Counting(nn.Module):
    """Encoder that counts its calls, with a parameter and a buffer no state_dict holds."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("shift", torch.zeros(1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x.flatten(1) * self.scale + self.shift


def test_cache_serves_what_it_has_seen_and_nothing_else(tmp_path):
    encoder, images = Counting(), labelled([0] * 6).images

    def calls(**view: object) -> int:
        before = encoder.calls
        found = extract_features(encoder, images, cache=tmp_path / "kept", **view)
        np.testing.assert_array_equal(found, extract_features(encoder, images, **view))
        return encoder.calls - before - 1

    assert [calls(), calls()] == [1, 0]
    with torch.no_grad():
        encoder.scale += 1
    assert [calls(), calls()] == [1, 0]
    encoder.shift += 1
    assert [calls(), calls()] == [1, 0]
    images[3, 0, 0, 0] += 1
    assert [calls(), calls()] == [1, 0]
    assert [calls(augmentation=FLIP), calls(augmentation=FLIP)] == [1, 0]
    assert [calls(augmentation=FLIP, seed=1), calls(augmentation=STILL)] == [1, 1]
    assert len(list((tmp_path / "kept").iterdir())) == 7


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-8])


def replaced(path):
    np.save(path, np.zeros((5, 48), np.float32))


@pytest.mark.parametrize("damage", [cut_short, replaced])
def test_damaged_cache_is_named(tmp_path, damage: Callable):
    images = labelled([0] * 6).images
    extract_features(PIXELS, images, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    damage(path)
    with pytest.raises(ValueError, match=rf"{path.name}: .*; delete it"):
        extract_features(PIXELS, images, cache=tmp_path)


def test_features_that_are_not_finite_are_named(tmp_path):
    images = np.zeros((5, 3, 2, 2), np.uint8)
    images[3] = 255

    class Diverged(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.where(x == 1, torch.nan, x).flatten(1)

    with pytest.raises(ValueError, match=r"not finite for 1 of 5 images, first for image 3"):
        extract_features(Diverged(), images, 2, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_an_encoder_of_another_precision_is_named(dtype):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).to(dtype)
    images = np.zeros((3, 3, 2, 2), np.uint8)
    with pytest.raises(ValueError, match=rf"holds {dtype} .* give encoder.float\(\)"):
        extract_features(encoder, images)
    assert extract_features(encoder.float(), images).shape == (3, 2)


def test_seeds_of_views_beyond_32_bits_are_refused():
    encoder, images = nn.Flatten(), np.zeros((3, 3, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=r"seed = 4294967296 must be in 0\.\.4294967295"):
        extract_features(encoder, images, augmentation=POLICIES["symmetric"], seed=2**32)

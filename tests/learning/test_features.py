"""Features: the encoder's, whatever the batch, the mode, or where they were kept."""

import resource
from collections.abc import Callable

import numpy as np
import pytest
import torch
from known_features import ENCODER, FLIP, PIXELS, STILL, coloured, labelled
from torch import nn

from adainf_core.data import npy_files
from adainf_core.data.folder_files import ReadingWarning
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
    with pytest.raises(ValueError, match=rf"{path.name} .*: delete it"):
        extract_features(PIXELS, images, cache=tmp_path)


@pytest.mark.parametrize("kind", ["zeroed", "inverted", "one NaN", "one bit"])
def test_no_damage_to_kept_features_changes_a_number_in_silence(tmp_path, kind):
    images, rng, noticed = labelled([0, 1] * 60).images, np.random.default_rng(0), 0
    expected = extract_features(PIXELS, images, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for _ in range(30):
        content = bytearray(whole)
        at = int(rng.integers(128, len(whole) - 60)) // 4 * 4
        if kind == "one NaN":
            content[at : at + 4] = np.float32(np.nan).tobytes()
        elif kind == "one bit":
            content[int(rng.integers(len(whole)))] ^= 1 << int(rng.integers(8))
        else:
            cut = np.frombuffer(whole[at : at + 2000], np.uint8)
            content[at : at + 2000] = (cut * 0 if kind == "zeroed" else ~cut).tobytes()
        path.write_bytes(content)
        npy_files._known.clear()
        try:
            kept = extract_features(PIXELS, images, cache=tmp_path)
        except ValueError as error:
            noticed += path.name in str(error)
        else:  # a stretch of zeros, or a blank of the header
            np.testing.assert_array_equal(kept, expected)
    assert noticed >= 25
    path.unlink()  # as the error advises
    np.testing.assert_array_equal(extract_features(PIXELS, images, cache=tmp_path), expected)


def test_features_that_find_no_room_are_named_with_their_file(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as a full disk cuts a write
    try:
        says = r"could not write .*\.npy \(File too large\), and left nothing behind: free some"
        with pytest.raises(OSError, match=says):
            extract_features(PIXELS, labelled([0] * 60).images, cache=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_kept_features_without_a_checksum_are_read_with_a_word(tmp_path):
    images = labelled([0] * 6).images
    expected = extract_features(PIXELS, images, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    np.save(path, expected)  # as an earlier version did
    with pytest.warns(ReadingWarning, match="carries no checksum, .* delete it to have it made"):
        kept = extract_features(PIXELS, images, cache=tmp_path)
    np.testing.assert_array_equal(kept, expected)


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

"""Copies are found: by hand, by brute force, and planted among photographs."""

import numpy as np
import pytest
from photo_tiles import saved, tiles
from PIL import Image

from adainf_core.data import copies
from adainf_core.data.copies import KINDS, find_copies


def noise(n, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, side, side), np.uint8)


@pytest.fixture(scope="module")
def photographs():
    return tiles()


def resized(image, side):
    picture = Image.fromarray(image.transpose(1, 2, 0))
    picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)


CHANGES = {
    "exact": lambda x: x,
    "mirrored": lambda x: x[:, :, ::-1],
    "saved as JPEG": lambda x: saved(x, 92),
    "saved as JPEG, mirrored": lambda x: saved(np.ascontiguousarray(x[:, :, ::-1]), 85),
    "moved by a pixel": lambda x: np.pad(x, ((0, 0), (0, 1), (0, 1)), "edge")[:, 1:, 1:],
    "brightened": lambda x: (x * 1.1 + 8).clip(0, 255).astype(np.uint8),
    "less contrast": lambda x: (x * 0.7 + 30).astype(np.uint8),
    "reduced and enlarged": lambda x: resized(x, 24),
}


@pytest.mark.parametrize("change", CHANGES)
def test_planted_copies_are_found_and_nothing_else(photographs, change):
    planted = np.stack([CHANGES[change](image) for image in photographs])
    n = len(photographs)
    found = find_copies(photographs, planted)
    own = find_copies(photographs).group
    assert (own == np.arange(n)).mean() >= 0.98  # tiles of one sky may pass for copies
    hit = found.group[n:] == own
    assert hit.all() if change in KINDS else hit.mean() >= 0.93
    assert (found.group[:n] == own).mean() >= 0.98
    if change in KINDS:
        assert found.counts[change] == n


def test_kinds_and_groups_by_hand():
    a, b, c, d = noise(4)
    images = np.stack([a, b, a, b[..., ::-1], c, a[..., ::-1], b[..., ::-1], d])
    found = find_copies(images)
    assert found.group.tolist() == [0, 1, 0, 1, 4, 0, 1, 7]
    assert [KINDS[kind - 1] if kind else "" for kind in found.kind] == [
        "", "", "exact", "mirrored", "", "mirrored", "exact", "",
    ]  # fmt: skip
    assert found.distinct.tolist() == [0, 1, 4, 7]
    assert str(found) == ("4 of 8 images repeat an earlier one (exact 2, mirrored 2): 4 distinct")
    split = find_copies(images[:3], images[3:])
    assert np.array_equal(split.group, found.group) and np.array_equal(split.kind, found.kind)


def test_a_chain_is_one_group():
    first = noise(1)[0].astype(float)
    other = noise(1, seed=1)[0]
    steps = [(1 - mix) * first + mix * other for mix in (0, 0.3, 0.5, 0.7, 1)]
    images = np.stack(steps).astype(np.uint8)
    ends = find_copies(images[[0, 4]])
    assert ends.group.tolist() == [0, 1]
    assert find_copies(images).group.tolist() == [0] * 5


def test_independent_images_are_no_copies():
    found = find_copies(noise(300), noise(300, seed=1))
    assert str(found) == "none among 600 images"
    assert found.group.tolist() == list(range(600))


def test_constant_images_are_copies_only_of_their_own_colour():
    flat = np.empty((4, 3, 16, 16), np.uint8)
    flat[:] = np.array([10, 200, 10, 90], np.uint8)[:, None, None, None]
    assert find_copies(flat).group.tolist() == [0, 1, 0, 3]


def test_a_copy_at_another_size_is_near():
    large = noise(5, 8).repeat(8, axis=2).repeat(8, axis=3)  # 64 pixels
    small = large[..., ::2, ::2]
    found = find_copies(large, small)
    assert found.group[5:].tolist() == list(range(5)) and found.counts["near"] == 5


def test_blocks_do_not_matter(monkeypatch, photographs):
    images = np.concatenate([photographs[:60], photographs[20:60, :, :, ::-1]])
    images = np.concatenate([images, np.stack([saved(x, 92) for x in photographs[:60]])])
    whole = find_copies(images)
    for name, size in {"_ROWS": 7, "_COLUMNS": 11, "_BATCH": 5, "_CHUNK": 13}.items():
        monkeypatch.setattr(copies, name, size)
    parts = find_copies(images)
    assert np.array_equal(whole.group, parts.group) and np.array_equal(whole.kind, parts.kind)
    assert whole.counts["near"] >= 50


def test_the_agreement_of_details_is_a_correlation_of_moved_pictures(photographs):
    """The spectra's answer against pictures moved in space, mirrored or not."""
    left, right = photographs[:20].astype(np.float32), photographs[20:40].astype(np.float32)
    spectra = [copies._detail(images) for images in (left, right, left[..., ::-1])]
    signals = [np.fft.irfft2(one, s=(32, 32)) for one in spectra]
    assert np.allclose([np.linalg.norm(x, axis=(1, 2)) for x in signals], 1, atol=1e-4)
    for first, one in ((0, spectra[0]), (2, copies._mirrored(spectra[0]))):
        expected = np.max(
            [
                (np.roll(signals[1], (down, across), (1, 2)) * signals[first]).sum((1, 2))
                for down in range(-2, 3)
                for across in range(-2, 3)
            ],
            axis=0,
        )
        assert copies._correlation(one, spectra[1]) == pytest.approx(expected, abs=1e-5)


def test_averaging_is_torchs_of_areas(photographs):
    import torch

    for side in (16, 32, 48, 50, 96):
        images = noise(3, side)
        ours = copies._averaged(images)
        times = 32 * side  # both grids divide it
        fine = np.kron(images.astype(np.float32), np.ones((1, 1, 32, 32), np.float32))
        expected = torch.nn.functional.avg_pool2d(torch.from_numpy(fine), times // 32).numpy()
        np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_many_images_are_searched_for_near_copies_only_on_request(monkeypatch, photographs):
    images = np.concatenate(
        [photographs[50:55], np.stack([saved(x, 92) for x in photographs[50:55]])]
    )
    monkeypatch.setattr(copies, "MOST_PAIRS", 44)  # ten images are 45 pairs
    found = find_copies(images)
    assert not found.near_searched and found.counts["near"] == 0
    assert str(found) == "none among 10 images; near copies not searched"
    assert find_copies(images, near=True).counts["near"] == 5


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (noise(2).astype(np.float32), "float32 of shape"),
        (noise(2)[:, :1], "give images"),
        (noise(2)[:0], "give images"),
        ("folder", "set 1 is str"),
    ],
)
def test_what_is_no_image_set_is_named(images, said):
    with pytest.raises(ValueError, match=said):
        find_copies(noise(2), images)


def test_many_copies_of_one_picture_are_not_compared_pair_by_pair(monkeypatch):
    """A collapsed generator, frames of one film: pairs that one chain holds are not looked at."""
    compared = []
    correlation = copies._correlation
    monkeypatch.setattr(
        copies, "_correlation", lambda a, b: compared.append(len(a)) or correlation(a, b)
    )
    monkeypatch.setattr(copies, "_BATCH", 500)
    rng = np.random.default_rng(0)
    picture = noise(1)[0].repeat(2, axis=1)[:, :32].repeat(2, axis=2)[:, :, :32] // 2
    frames = np.stack([picture + rng.integers(0, 9, picture.shape, np.uint8) for _ in range(300)])
    found = find_copies(frames)
    assert (found.group == 0).all() and found.counts["near"] == 299
    assert sum(compared) < 3000  # of 44,850 pairs

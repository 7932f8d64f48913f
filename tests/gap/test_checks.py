"""The checks before any distance: what is changed is seen, and nothing else."""

import numpy as np
import pytest
from photo_tiles import tiles
from PIL import Image
from scipy.ndimage import laplace

from adainf_core.data.images import ImageSet
from adainf_core.gap.checks import Files, _fineness, checked, preparation
from adainf_core.gap.jpeg import grey, saved_as_jpeg


@pytest.fixture(scope="module")
def photographs():
    order = np.random.default_rng(0).permutation(len(tiles()))
    return tiles()[order]


def a_set(images, name="a set"):
    return ImageSet(np.ascontiguousarray(images), None, name)


def differing(real, generated, files=None, held_out=None):
    checks, _ = checked(a_set(real), a_set(generated), held_out, files or {}, 0.95)
    assert [check.name for check in checks] == ["file format", "fine detail", "colour", "sizes"]
    return {check.name for check in checks if check.differs}, {c.name: c for c in checks}


def blurred(images):
    return ((images[..., 1:, :] // 2 + images[..., :-1, :] // 2)[..., :24, :24]).astype(np.uint8)


CHANGES = {
    "nothing": (lambda x: x, set()),
    "as JPEG": (lambda x: saved_as_jpeg(x, 75), {"file format"}),
    "noise": (
        lambda x: np.clip(x + np.random.default_rng(1).normal(0, 40, x.shape), 0, 255).astype(
            np.uint8
        ),
        {"fine detail"},
    ),
    "enlarged": (lambda x: x[:, :, ::2, ::2].repeat(2, axis=2).repeat(2, axis=3), {"fine detail"}),
    "reddened": (
        lambda x: np.clip(x + np.array([90, 0, 0])[:, None, None], 0, 255).astype(np.uint8),
        {"colour"},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_by_its_own_check(change, photographs):
    changed, seen = CHANGES[change]
    half = len(photographs) // 2
    found, checks = differing(photographs[:half], changed(photographs[:half]))
    assert seen <= found
    if change in ("nothing", "as JPEG"):
        assert found == seen
    for check in checks.values():
        assert (check.found is None) == (check.name in ("file format", "sizes"))


def test_fine_detail_is_the_energy_of_second_differences(photographs):
    images = photographs[:7]
    expected = []
    for image in grey(images).astype(float):
        rows = sum((image[2:] - 2 * image[1:-1] + image[:-2]).ravel() ** 2) / image[2:].size
        turned = image.T
        columns = sum((turned[2:] - 2 * turned[1:-1] + turned[:-2]).ravel() ** 2)
        expected.append(rows + columns / turned[2:].size)
    assert np.allclose(_fineness(images), expected, rtol=1e-5)
    # twice the contrast is four times the energy, brightness is nothing
    halved = (images // 2) * 1
    ratio = differing(halved[:7] * 2, halved)[1]["fine detail"].found
    assert ratio.value == pytest.approx(0.25, rel=1e-5) and ratio.low < 0.25 < ratio.high
    assert laplace(np.ones((4, 4))).any() == np.any(_fineness(np.ones((1, 3, 4, 4), np.uint8)))


def test_held_out_images_are_the_control(photographs):
    real, rest = photographs[:60], a_set(photographs[:60] // 2)
    control = differing(real, real, held_out=rest)[1]["fine detail"].control
    assert control.high < 0.5 and (control.n_real, control.n_generated) == (60, 60)


def test_colours_are_in_levels_and_against_the_real_ones(photographs):
    real = photographs[:80] // 2
    made = real + np.array([0, 20, 0], np.uint8)[:, None, None]
    colour = differing(real, made)[1]["colour"]
    assert colour.differs and colour.found.value == pytest.approx(20)
    assert "+0.0, +20.0, +0.0 of 255" in colour.says


def test_files_are_counted_by_ending_and_size(tmp_path, photographs):
    for i, image in enumerate(photographs[:5]):
        ending = "jpeg" if i == 0 else "jpg" if i < 3 else "png"
        side = 20 if i == 4 else 32
        Image.fromarray(image.transpose(1, 2, 0)[:side]).save(tmp_path / f"{i}.{ending}")
    (tmp_path / "5.png").write_bytes(b"no image")
    (tmp_path / "note.txt").write_text("no image")
    files = Files.in_folder(tmp_path)
    assert files.suffixes == {".jpg": 3, ".png": 3} and files.sizes == {(32, 32): 4, (20, 32): 1}
    other = Files.of(a_set(photographs))
    assert other.sizes == {(32, 32): len(photographs)}
    real = photographs[:40]
    found, checks = differing(real, real, {"real": other, "generated": files})
    assert found == {"sizes"}
    assert "generated 3 .jpg, 3 .png, no JPEG grid" in checks["file format"].says
    assert checks["sizes"].says == ("real 32x32; generated 32x32 and 20x32; compared at 32x32")
    named = Files({".png": 9}, {(32, 32): 9})
    found, _ = differing(real, real, {"real": named, "generated": Files({".jpg": 9}, named.sizes)})
    assert found == {"file format"}


def test_grey_images_beside_coloured_ones_differ_in_colour(photographs):
    half = len(photographs) // 2
    greys = photographs[:half].copy()
    # one channel thrice, with the channels' mean for its own
    greys[:] = greys.mean(1, keepdims=True).astype(np.uint8)
    found, checks = differing(greys, photographs[half:])
    assert "colour" in found
    assert (
        "near grey are 100 % of the real images and 0 % of the generated ones"
        in checks["colour"].says
    )
    assert "grey" not in differing(greys, greys)[1]["colour"].says


def test_a_tenth_more_near_grey_images_are_seen(photographs):
    half = len(photographs) // 2
    real, generated = photographs[:half], photographs[half : 2 * half].copy()
    faded = generated[: half // 2].mean(1, keepdims=True) + np.array([2, 0, -2])[:, None, None]
    generated[: half // 2] = np.clip(faded, 0, 255).astype(np.uint8)  # of which none is all grey
    found, checks = differing(real, generated)
    assert "colour" in found and "near grey are " in checks["colour"].says
    assert "near grey" not in differing(real, photographs[half:])[1]["colour"].says


def test_what_to_know_before_training_is_a_line_each(photographs):
    half = len(photographs) // 2
    real, other = a_set(photographs[:half]), photographs[half:]
    assert preparation(real, a_set(other)) == () == preparation(None, a_set(other))
    saved = a_set(saved_as_jpeg(other, 75))
    (line,) = preparation(real, saved)
    assert line.startswith("The generated images were JPEG files (quality 75") and "\n" not in line
    (line,) = preparation(saved, real)
    assert line.startswith("The real images were JPEG files (quality 75")
    assert preparation(saved, saved) == () == preparation(None, saved)  # nothing to compare with
    greys = other.copy()
    greys[: half // 2] = greys[: half // 2].mean(1, keepdims=True).astype(np.uint8)
    (line,) = preparation(real, a_set(greys))
    share = np.mean([(image.max(0) - image.min(0)).mean() < 6 for image in greys])
    assert line.startswith(f"{100 * share:.0f} % of the generated images are near grey")

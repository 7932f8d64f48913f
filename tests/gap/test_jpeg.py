"""JPEG in pixels: the quality is found, what never was JPEG is not, and both are told apart."""

import io

import numpy as np
import pytest
from photo_tiles import saved, tiles
from PIL import Image

from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import SpriteWorld
from adainf_core.gap.jpeg import SHARE, _steps, jpeg_grid, saved_as_jpeg

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def photographs():
    return tiles()[:120]


@pytest.mark.parametrize("quality", [20, 35, 50, 75, 90, 95, 97])
def test_the_quality_of_a_file_is_in_its_pixels(quality, photographs):
    found = jpeg_grid(saved_as_jpeg(photographs, quality))
    assert found.quality == quality and found.share > 0.9 and found.looked_at == 120


def test_what_was_no_jpeg_has_no_grid(photographs):
    world = SpriteWorld()
    for images in (
        photographs,
        photographs[:, :, ::2, ::2],
        RNG.integers(0, 256, (120, 3, 32, 32), np.uint8),
        world.sample(world.real_distribution(), 200, RNG).images,
        load_images("digits").images[:200],
        np.full((20, 3, 16, 16), 7, np.uint8),
        photographs[:, :, :7, :7],
    ):
        found = jpeg_grid(images)
        assert found.quality is None and found.share < SHARE


def test_the_grid_goes_where_pixels_move(photographs):
    jpegs = saved_as_jpeg(photographs, 60)
    assert jpeg_grid(jpegs[:, :, 3:, 2:]).quality is None  # off the grid
    assert jpeg_grid(jpegs[:, :, 8:, :24]).quality == 60  # on it
    # a part of a set is counted
    mixed = np.concatenate([photographs[:90], jpegs[90:]])
    found = jpeg_grid(mixed)
    assert found.quality == 60 and abs(found.share - 0.25) < 0.02


def test_steps_and_pixels_are_those_of_pillow(photographs):
    for quality in (10, 49, 50, 75, 97):
        file = io.BytesIO()
        Image.fromarray(photographs[0].transpose(1, 2, 0)).save(file, "JPEG", quality=quality)
        table = Image.open(file).quantization[0]
        assert (
            sorted(table) == sorted(_steps(quality).ravel()) and table[0] == _steps(quality)[0, 0]
        )
    assert np.array_equal(saved_as_jpeg(photographs[:3], 75)[1], saved(photographs[1], 75))


def test_bad_input_is_named(photographs):
    with pytest.raises(ValueError, match="quality = 101"):
        saved_as_jpeg(photographs, 101)
    with pytest.raises(ValueError, match="float"):
        jpeg_grid(photographs / 255)

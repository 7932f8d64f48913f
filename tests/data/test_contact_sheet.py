"""Contact sheets show the images that were asked for, pixel by pixel."""

import numpy as np
import pytest

from adainf_core.data.contact_sheet import contact_sheet
from adainf_core.data.images import ImageSet

PIXELS = np.random.default_rng(0).integers(0, 255, (30, 3, 5, 7), dtype=np.uint8)  # none is white
IMAGES = ImageSet(PIXELS, None, "noise")


def tiles(sheet, scale: int) -> list[np.ndarray]:
    """The images on a sheet, row by row."""
    pixels = np.asarray(sheet).transpose(2, 0, 1)[:, 2:, 2:]
    high, wide = 5 * scale + 2, 7 * scale + 2
    found = [
        pixels[:, top : top + 5 * scale : scale, left : left + 7 * scale : scale]
        for top in range(0, pixels.shape[1], high)
        for left in range(0, pixels.shape[2], wide)
    ]
    return [tile for tile in found if (tile < 255).any()]


@pytest.mark.parametrize("images", [IMAGES, PIXELS])
def test_the_first_images_in_rows(images):
    sheet = contact_sheet(images, 12, 5, scale=3)
    assert sheet.mode == "RGB" and sheet.size == (5 * (7 * 3 + 2) + 2, 3 * (5 * 3 + 2) + 2)
    assert np.array_equal(tiles(sheet, 3), PIXELS[:12])


def test_each_pixel_is_a_square_and_white_is_between():
    pixels = np.asarray(contact_sheet(IMAGES, 1, scale=4))[2:-2, 2:-2]
    assert np.array_equal(pixels, PIXELS[0].transpose(1, 2, 0).repeat(4, 0).repeat(4, 1))
    whole = np.asarray(contact_sheet(IMAGES, 4, 2, scale=4))
    assert (whole[:2] == 255).all() and (whole[22:24] == 255).all() and (whole[-2:] == 255).all()


def test_a_random_choice_has_no_image_twice_and_repeats_itself():
    found = tiles(contact_sheet(IMAGES, 12, scale=1, seed=1), 1)
    index = [int((tile == PIXELS).all((1, 2, 3)).argmax()) for tile in found]
    assert np.array_equal(found, PIXELS[index]) and index == sorted(set(index))
    assert index != list(range(12))
    again = contact_sheet(IMAGES, 12, scale=1, seed=1)
    assert np.array_equal(found, tiles(again, 1))
    everything = tiles(contact_sheet(IMAGES, 99, scale=1, seed=1), 1)
    assert np.array_equal(everything, PIXELS)


def test_images_are_large_enough_to_look_at():
    assert contact_sheet(IMAGES, 1).height == 13 * 5 + 4  # 13 is the least with 13 * 5 >= 64
    assert contact_sheet(np.zeros((1, 3, 100, 100), np.uint8)).size == (104, 104)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"count": 0}, "count = 0"),
        ({"columns": 0}, "columns = 0"),
        ({"scale": 0}, "scale = 0"),
        ({"scale": 1.5}, "scale = 1.5 must be an integer"),
        ({"images": PIXELS / 255}, "float64"),
    ],
)
def test_what_makes_no_sheet_is_named(options, says):
    with pytest.raises(ValueError, match=says):
        contact_sheet(**({"images": IMAGES} | options))

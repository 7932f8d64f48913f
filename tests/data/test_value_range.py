"""What values are taken for: judged by all of them, and never wrapped."""

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.data.value_range import RangeError, refusal, value_range

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)


def taken_as(values, blocks=7) -> str:
    return value_range(values.dtype, np.array_split(values, blocks)).name


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize(("name", "low", "high"), [("0..1", 0, 1), ("-1..1", -1, 1),
                                                   ("0..255", 0, 255)])  # fmt: skip
def test_bytes_come_back_from_every_range(dtype, name, low, high):
    values = (low + BYTES / 255 * (high - low)).astype(dtype)
    found = value_range(values.dtype, [values])
    assert found.name == name and found.clipped == 0
    assert np.array_equal(found.to_uint8(values), BYTES)


@pytest.mark.parametrize(("low", "high", "line"), [(-0.1, 1.1, "255 * x"), (-1.2, 1.2, "127.5"),
                                                   (-20, 280, "clip(x,")])  # fmt: skip
def test_values_a_little_outside_are_clipped_and_counted(low, high, line):
    values = RNG.uniform(low, high, 10_000)
    inner = (low + high) / 2 + 0.45 * (high - low) * RNG.uniform(-0.9, 0.9, 90_000)
    x = np.concatenate([values, inner])
    found = value_range(x.dtype, [x])
    # the line that is printed, carried out; and what values outside would have become without it
    assert line in found.advice
    by_line = eval(found.advice.rpartition(": ")[2], {"np": np, "x": x})
    assert np.array_equal(found.to_uint8(x), by_line)
    span = {"0..1": 255 * x, "-1..1": 127.5 * (x + 1), "0..255": x}[found.name]
    rounded = np.rint(span)
    assert found.clipped == ((rounded < 0) | (rounded > 255)).sum() > 0
    assert np.abs(span.clip(0, 255) - found.to_uint8(x)).max() <= 0.5


def test_a_set_that_begins_with_skies_is_judged_by_all_of_it():
    skies = RNG.uniform(0.5, 1, 100_000)
    whole = np.concatenate([skies, RNG.uniform(-1, 1, 1000)])
    assert taken_as(skies) == "0..1" and taken_as(whole) == "-1..1"
    dark = np.concatenate([RNG.uniform(0, 1, 100_000), RNG.uniform(0, 255, 1000)])
    assert taken_as(dark) == "0..255"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (RNG.normal(0, 1, 1000), "rescale them"),  # standardised
        (np.linspace(0, 30, 100), "rescale them"),
        (np.linspace(-0.4, 1, 100), "rescale them"),  # 0..1 and -1..1 alike
        (np.linspace(0.9, 1.25, 100), "rescale them"),  # most of it outside
        (np.array([0.5, np.inf]), "1 of 2 values are not finite"),
        (np.arange(4000, dtype=np.int16), "rescale them"),
        (np.array(["x"]), "images are <U1"),
    ],
)
def test_what_fits_no_range_is_refused(values, says):
    with pytest.raises(RangeError, match=says):
        value_range(values.dtype, [values])
    assert says in refusal(values)


def test_a_set_of_another_type_is_refused_with_the_line_that_mends_it():
    with pytest.raises(ValueError, match=r"mine: images are float64 .* np.clip\(127.5 \* \(x \+"):
        ImageSet(BYTES / 127.5 - 1, None, "mine")

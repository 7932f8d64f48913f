"""Images that are not uint8: what range their values have, and how they become 0..255."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# what a range is called: its ends, and how to bring values x of it to 0..255 without wrapping
_RANGES = {
    "0..1": (0.0, 1.0, "255 * x"),
    "-1..1": (-1.0, 1.0, "127.5 * (x + 1)"),
    "0..255": (0.0, 255.0, "x"),
}
_MOST_CLIPPED = 0.1  # a larger share outside says that the range is another one


class RangeError(ValueError):
    """Values that are no images in a range that is known."""


@dataclass(frozen=True)
class ValueRange:
    """What the values of images were taken for: `name` is "0..1", "-1..1" or "0..255".

    Of `total` values of type `dtype` the least is `low` and the greatest `high`; `clipped` lie
    outside by more than rounding mends.
    """

    name: str
    dtype: str
    low: float
    high: float
    clipped: int
    total: int

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """Values of the range as uint8 of 0..255, to the nearest; those outside are clipped."""
        low, high, _ = _RANGES[self.name]
        scaled = (values.astype(np.float64) - low) * (255 / (high - low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)

    def __str__(self) -> str:
        share = 100 * self.clipped / self.total
        clipped = f"{self.clipped:,} of {self.total:,} values ({share:.2g} %) lay outside and were"
        return (
            f"{self.dtype} values from {self.low:.4g} to {self.high:.4g} were taken as {self.name} "
            f"and brought to 0..255; {clipped if self.clipped else 'none had to be'} clipped"
        )

    @property
    def advice(self) -> str:
        """What is wrong with such values, and the line of numpy that mends an array x of them."""
        clipped = f"{self.clipped:,} of {self.total:,}" if self.clipped else "none"
        return (
            f"images are {self.dtype} from {self.low:.4g} to {self.high:.4g}, need uint8 in "
            f"0..255; read as {self.name}, clipping {clipped}: "
            f"np.clip({_RANGES[self.name][2]}, 0, 255).round().astype('uint8')"
        )


def value_range(dtype: np.dtype, blocks: Iterable[np.ndarray]) -> ValueRange:
    """The range of values that come in `blocks`, judged by all of them.

    It is 0..1 for values up to a quarter of it outside, -1..1 likewise where some lie below -0.5,
    and 0..255 where some lie above 64 or where they are whole numbers. Raises RangeError for values
    that are no real numbers, are not finite, fit no range, or lie outside it by more than one in
    ten.
    """
    if dtype.kind not in "iufb":
        raise RangeError(f"images are {dtype}, need uint8 in 0..255")
    low, high, total, endless = np.inf, -np.inf, 0, 0
    outside = dict.fromkeys(_RANGES, 0)
    for block in blocks:
        total += block.size
        if dtype.kind == "f":
            endless += block.size - int(np.isfinite(block).sum())
        if endless or not block.size:
            continue
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        for name, (least, most, _) in _RANGES.items():
            half = (most - least) / 510  # of a step between two of the 256 values
            if low < least - half or high > most + half:
                outside[name] += int(np.count_nonzero(block < least - half))
                outside[name] += int(np.count_nonzero(block > most + half))
    if endless:
        raise RangeError(
            f"images are {dtype}, and {endless:,} of {total:,} values are not finite: mend the set"
        )
    fitting = _fitting(dtype, low, high)
    if fitting is None or outside[fitting] > _MOST_CLIPPED * total:
        sixteen = dtype == np.uint16 and high > 4095
        remedy = (
            "if they span 0..65535 save (x / 257).round().astype('uint8')"
            if sixteen
            else "they fit none of 0..1, -1..1 and 0..255: rescale them to one of these"
        )
        raise RangeError(
            f"images are {dtype} from {low:.4g} to {high:.4g}, need uint8 in 0..255; {remedy}"
        )
    return ValueRange(fitting, str(dtype), low, high, outside[fitting], total)


def _fitting(dtype: np.dtype, low: float, high: float) -> str | None:
    if low > high:  # no values at all
        return "0..255"
    if dtype.kind in "iu":
        return "0..255" if low >= -64 and high <= 319 else None
    if low >= -0.25 and high <= 1.25:
        return "0..1"
    if -1.5 <= low < -0.5 and high <= 1.5:
        return "-1..1"
    return "0..255" if low >= -64 and 64 < high <= 319 else None


def refusal(images: np.ndarray) -> str:
    """Why images of another type are not taken as they are, and the line that mends them."""
    try:
        return value_range(images.dtype, [images]).advice
    except RangeError as error:
        return str(error)

"""What is looked at before any distance: sizes, file format, fine detail and colour of both sides.

Each is a line. What differs by preparation alone (another format, another way of resizing) would
otherwise be measured as a distance of the generator. Every ratio and difference stands beside the
same of real against real.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from adainf_core.data.colour_order import fitting_order
from adainf_core.data.images import ImageSet
from adainf_core.gap.estimate import GapEstimate, Rows, normal_quantile
from adainf_core.gap.jpeg import JpegGrid, grey, jpeg_grid

#: A ratio differs where its interval lies outside 1 ± this. Saving as JPEG at 75 or above and noise
#: of 4 levels of 255 leave fine detail within 5 % (CIFAR-10), halves of one set agree within the
#: interval; a set that was enlarged by an eighth has half of it, Stable Diffusion's at 32 pixels
#: 1.6 times as much.
RATIO = 0.1
#: Colours differ where the interval of a channel's mean difference lies beyond so many of 255.
LEVELS = 3.0
#: An image is near grey where its pixels' channels lie less than so many of 255 apart on average:
#: 15 % of CIFAKE's images, 3 % of CIFAR-10's and 6 % of Imagenette's.
NEAR_GREY = 6.0
_MOST = 4000  # images a side: of 1,000 an interval is ± 0.05 wide
_FILES = 500  # whose sizes are read
_PIXELS = 2**20  # at a time

Name = Literal["copies", "file format", "fine detail", "colour", "sizes"]


@dataclass(frozen=True)
class Check:
    """One check: what it `says` in a line, and whether the sides differ in it.

    `found` is generated over real (fine detail) or less real (colour, the channel that is farthest
    off), `control` the same of real against real; None where nothing is counted.
    """

    name: Name
    says: str
    differs: bool
    found: GapEstimate | None = None
    control: GapEstimate | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


@dataclass(frozen=True)
class Files:
    """What a side was before it was compared: endings of its files, with how many have each, and
    sizes (height, width), with how many of those looked at; no endings where it is no folder."""

    suffixes: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]

    @classmethod
    def of(cls, images: ImageSet) -> Files:
        """Of images that are no folder of files."""
        height, width = images.images.shape[2:]
        return cls({}, {(height, width): len(images)})

    @classmethod
    def in_folder(cls, path: Path) -> Files:
        """Of the image files below `path`; sizes of up to 500 evenly spaced ones by their heads."""
        from PIL import Image

        from adainf_core.data.folder_files import PassedOver, images_below

        files = images_below(path, PassedOver())
        suffixes = Counter(file.suffix.lower().replace(".jpeg", ".jpg") for file in files)
        sizes = Counter[tuple[int, int]]()
        for file in files[:: max(1, -(-len(files) // _FILES))]:
            try:
                with Image.open(file) as image:
                    sizes[image.height, image.width] += 1
            except OSError:  # that it is broken is said where it is read
                continue
        return cls(dict(suffixes.most_common()), dict(sizes.most_common()))


def checked(
    real: ImageSet,
    generated: ImageSet,
    held_out: ImageSet | None,
    files: Mapping[str, Files],
    confidence: float,
) -> tuple[tuple[Check, ...], dict[str, JpegGrid]]:
    """The checks of the pixels and files, and what the pixels say of JPEG on either side.

    Sets hold images of one size; `held_out` or else the second half of `real` is compared with the
    (rest of the) real ones as the control.
    """
    sides = {"real": real.images, "generated": generated.images}
    grids = {name: jpeg_grid(images) for name, images in sides.items()}
    first, second = np.array_split(real.images, 2)
    if held_out is not None:
        first, second = real.images, held_out.images
    pairs = [
        (one[:_MOST], other[:_MOST])
        for one, other in ((real.images, generated.images), (first, second))
    ]
    checks = (
        _format(grids, files),
        _detail(pairs, confidence),
        _colour(pairs, real, generated, confidence),
        _sizes(files, real.images.shape[2:]),
    )
    return checks, grids


def _format(grids: Mapping[str, JpegGrid], files: Mapping[str, Files]) -> Check:
    said = []
    for name, grid in grids.items():
        endings = files[name].suffixes if name in files else {}
        known = ", ".join(f"{count:,} {ending}" for ending, count in endings.items())
        if grid.quality is not None:
            pixels = f"JPEG of quality {grid.quality} in the pixels of {100 * grid.share:.0f} %"
        elif not grid.looked_at:
            pixels = "too small for JPEG's grid to be looked for"
        else:
            pixels = "no JPEG grid in the pixels"
        said.append(f"{name} {known + ', ' if known else ''}{pixels}")
    real, generated = grids["real"], grids["generated"]
    told = (real.quality, generated.quality)
    differs = told[0] != told[1] or (
        told[0] is not None and abs(real.share - generated.share) > 0.5
    )
    of_files = [set(side.suffixes) for side in files.values()]
    other_files = len(of_files) > 1 and all(of_files[:2]) and of_files[0] != of_files[1]
    return Check("file format", "; ".join(said), differs or other_files)


def _detail(pairs: Sequence[tuple[np.ndarray, np.ndarray]], confidence: float) -> Check:
    found, control = (_ratio(_fineness(one), _fineness(other), confidence) for one, other in pairs)
    differs = found.low > 1 + RATIO or found.high < 1 - RATIO
    says = (
        f"generated images have {found:.2f} times the real ones' (real against real {control:.2f})"
    )
    return Check("fine detail", says, differs, found, control)


def _fineness(images: np.ndarray) -> Rows:
    """Energy of an image's finest detail, (n,): mean squared second differences of its greys."""
    found = [
        sum((np.diff(some, 2, axis) ** 2).mean((1, 2)) for axis in (1, 2))
        for some in map(grey, _split(images))
    ]
    return np.concatenate(found)


def _split(images: np.ndarray) -> Sequence[np.ndarray]:
    """The images, a few megabytes at a time."""
    size = max(1, _PIXELS // int(np.prod(images.shape[2:])))
    return np.split(images, range(size, len(images), size))


def _ratio(first: Rows, second: Rows, confidence: float) -> GapEstimate:
    """Mean of the second over the mean of the first, with the interval of its logarithm."""
    z, sides = normal_quantile(confidence), [side.astype(np.float64) for side in (first, second)]
    means = [float(side.mean()) for side in sides]
    n = len(first), len(second)
    if not min(means):
        ends = (1.0, 1.0, 1.0) if not max(means) else (0.0, 0.0, np.inf)
        return GapEstimate(*ends, *n, confidence=confidence)
    spread = sum(
        float(side.var(ddof=1)) / len(side) / mean**2
        for side, mean in zip(sides, means, strict=True)
    )
    value, factor = means[1] / means[0], float(np.exp(z * np.sqrt(spread)))
    return GapEstimate(value, value / factor, value * factor, *n, confidence=confidence)


def _colour(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    real: ImageSet,
    generated: ImageSet,
    confidence: float,
) -> Check:
    found, control = (_shifts(one, other, confidence) for one, other in pairs)
    far = max(found, key=lambda each: abs(each.value))
    beyond = [each for each in found if each.low > LEVELS or each.high < -LEVELS]
    sample = max(50, 2 * _PIXELS // int(np.prod(real.images.shape[2:])))
    order = fitting_order(real, generated.images, min(2000, sample)).verdict
    swapped = ", and fit with red and blue swapped" if order == "bgr" else ""
    values = ", ".join(f"{each.value:+.1f}" for each in found)
    zero = ", ".join(f"{each.value:+.1f}" for each in control)
    half = max((each.high - each.low) / 2 for each in found)
    says = (
        f"red, green, blue of generated images differ by {values} of 255, ± {half:.1f} "
        f"(real against real {zero}){swapped}"
    )
    without = [_grey_share(side) for side in pairs[0]]
    spread = sum(
        share * (1 - share) / len(side) for share, side in zip(without, pairs[0], strict=True)
    )
    apart = abs(without[0] - without[1])  # means of channels may agree
    if grey_side := apart > max(RATIO, normal_quantile(confidence) * spread**0.5):
        says += (
            "; near grey are {:.0f} % of the real images and {:.0f} % of the generated ones".format(
                *(100 * share for share in without)
            )
        )
    at = found.index(far)
    return Check("colour", says, bool(beyond) or order == "bgr" or grey_side, far, control[at])


def _grey_share(images: np.ndarray) -> float:
    """The share of images with almost no colour (`NEAR_GREY`)."""
    found = [np.ptp(some, axis=1).mean((1, 2)) < NEAR_GREY for some in _split(images)]
    return float(np.concatenate(found).mean())


def preparation(real: ImageSet | None, generated: ImageSet) -> tuple[str, ...]:
    """What `checked` would find of file format and grey, a line each, where it is worth a word.

    Of format only where `real` is there to compare with, at whatever size.
    """
    found = []
    if real is not None:
        sides = {"real": real, "generated": generated}
        quality = {name: jpeg_grid(images.images).quality for name, images in sides.items()}
        one, other = quality if quality["real"] is not None else reversed(quality)
        if quality[other] is None and quality[one] is not None:
            found.append(
                f"The {one} images were JPEG files (quality {quality[one]}, by the grid in their "
                f"pixels), the {other} ones were not: that alone makes a distance. Save both "
                "alike; adainf gap measures its share."
            )
    share = _grey_share(generated.images[:: -(-len(generated) // _MOST)])
    if share > RATIO:
        found.append(
            f"{100 * share:.0f} % of the generated images are near grey: if the real ones are not, "
            "colour tells them apart."
        )
    return tuple(found)


def _shifts(first: np.ndarray, second: np.ndarray, confidence: float) -> list[GapEstimate]:
    """Difference of the mean of each channel, second less first, in levels of 255."""
    z = normal_quantile(confidence)
    means = [images.mean((2, 3), dtype=np.float64) for images in (first, second)]
    shift = means[1].mean(0) - means[0].mean(0)
    half = z * np.sqrt(sum(each.var(0, ddof=1) / len(each) for each in means))
    return [
        GapEstimate(
            float(s), float(s - h), float(s + h), len(first), len(second), confidence=confidence
        )
        for s, h in zip(shift, half, strict=True)
    ]


def _sizes(files: Mapping[str, Files], compared: Sequence[int]) -> Check:
    height, width = compared
    said = []
    for name, side in files.items():
        sizes = [f"{h}x{w}" for h, w in side.sizes]
        if len(sizes) > 2:
            sides = [min(size) for size in side.sizes]
            sizes = [f"{min(sides)} to {max(sides)} pixels, {len(sizes)} sizes"]
        said.append(f"{name} {' and '.join(sizes)}")
    at = f"compared at {height}x{width}"
    kinds = [{*side.sizes} for side in files.values()]
    differs = any(kind != kinds[0] for kind in kinds)
    return Check("sizes", "; ".join([*said, at]), differs)

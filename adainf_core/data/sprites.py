"""Sprites: rendered images of known distribution, so that total variation and labels are exact.

A sprite is a shape (its class) with a hue, a place, a size and a tilt before a background. All of
it comes from a finite grid of latents, and rendering is injective on that grid, so a distribution
over latents and the distribution of its images are at the same total variation distance.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.validation import as_choice, as_count, as_distribution, as_number, in_words

SHAPES = ("triangle", "square", "star", "cross", "bar", "crescent", "ell", "arrow")
#: The factors of a latent, in the order of `SpriteWorld.shape`.
FACTORS = (
    "shape", "right half", "hue", "row", "column", "scale", "tilt", "background", "blur",
)  # fmt: skip
FLAWS = ("chimera", "background", "blur", "mode_drop")
#: What `SpriteWorld.render` can show of a sprite; the last two are a crop that misses it and one
#: so close that it shows its colour alone.
SHOWN = ("whole", "right half", "left half", "background", "colour")

_SUPERSAMPLE = 8
_BLUR_BLOCK = 2**16  # values blurred at once: they stay in the processor's cache


@dataclass(frozen=True)
class SpriteWorld:
    """The grid of latents, its renderer, and the distributions on it: real and flawed.

    Latent factors in the order of `shape`: class; class of the right half (the same in a real
    sprite, another in a chimera); hue; row and column; size; tilt; background (the last
    `unseen_backgrounds` never occur in real images); blur (never in real images). A distribution is
    a float64 array over the flattened grid that sums to one. `size` is the image side in pixels.
    """

    size: int = 16
    hues: int = 6
    places: int = 3
    scales: int = 2
    tilts: int = 3
    backgrounds: int = 6
    unseen_backgrounds: int = 2

    def __post_init__(self) -> None:
        if as_count(self.size, "size", 1) < 12:
            raise ValueError(f"size={self.size}: below 12 pixels two sprites may render alike")
        limits = {"hues": 12, "places": 5, "scales": 3, "tilts": 4, "backgrounds": 6}
        for name, most in limits.items():
            as_count(getattr(self, name), name, 1, most)
        as_count(self.unseen_backgrounds, "unseen_backgrounds", 0, 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each latent factor."""
        places = (self.places, self.places)
        last = (self.backgrounds + self.unseen_backgrounds, 2)
        return (len(SHAPES), len(SHAPES), self.hues, *places, self.scales, self.tilts, *last)

    @property
    def count(self) -> int:
        """Number of latents on the grid."""
        return int(np.prod(self.shape))

    @cached_property
    def _is_real(self) -> np.ndarray:
        left, right, *_, background, blur = np.indices(self.shape, sparse=True)
        real = (left == right) & (background < self.backgrounds) & (blur == 0)
        return np.broadcast_to(real, self.shape).ravel()

    def real_distribution(self) -> np.ndarray:
        """P_d: uniform over the latents that real images come from."""
        return _uniform(self._is_real)

    def flaw_distribution(self, flaw: str) -> np.ndarray:
        """What a generator does when it goes wrong, as a distribution of its own.

        "chimera" joins halves of two shapes, "background" uses one that no real image has, "blur"
        smooths a real sprite: all three lie outside the real support. "mode_drop" stays within
        it and knows only the first half of the hues.
        """
        as_choice(flaw, "flaw", FLAWS)
        left, right, hue, *_, background, blur = np.indices(self.shape, sparse=True)
        same, seen, sharp = left == right, background < self.backgrounds, blur == 0
        if flaw == "chimera":
            chosen = ~same & seen & sharp
        elif flaw == "background":
            chosen = same & ~seen & sharp
        elif flaw == "blur":
            chosen = same & seen & ~sharp
        else:
            chosen = same & seen & sharp & (hue < (self.hues + 1) // 2)
        chosen = np.broadcast_to(chosen, self.shape).ravel()
        if not chosen.any():
            raise ValueError(f"this world has no latents for the flaw {flaw!r}")
        return _uniform(chosen)

    def generated_distribution(self, flaw: str, tau: float) -> np.ndarray:
        """P_g at total variation exactly `tau` from the real distribution, erring by `flaw`.

        P_g = (1 - s) P_d + s Q with Q the flaw's distribution and s = tau / TV(P_d, Q). Raises
        ValueError where the flaw cannot reach `tau`.
        """
        real, flawed = self.real_distribution(), self.flaw_distribution(flaw)
        most = 0.5 * np.abs(real - flawed).sum()
        if not 0 <= as_number(tau, "tau") <= most + 1e-12:
            raise ValueError(f"tau={tau} is outside [0, {most:.4g}], the reach of {flaw!r}")
        return real + min(1.0, tau / most) * (flawed - real) if tau else real

    def sample(
        self, distribution: np.ndarray, count: int, rng: np.random.Generator, name: str = "sprites"
    ) -> ImageSet:
        """`count` i.i.d. images from a distribution over the grid, labelled by shape."""
        as_distribution(distribution, "distribution", size=self.count)
        count = as_count(count, "count", 1)
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng={in_words(rng)}: give numpy's, such as np.random.default_rng(0)")
        edges = np.cumsum(distribution)
        latents = np.searchsorted(edges, rng.random(count) * edges[-1], side="right")
        return self.labelled(latents, name=name)

    def labelled(
        self, latents: np.ndarray, factor: str = "shape", name: str = "sprites"
    ) -> ImageSet:
        """The images of flat latent indices int (n,), labelled by one of the `FACTORS`."""
        if factor not in FACTORS:
            raise ValueError(f"unknown factor {factor!r}; known: {', '.join(FACTORS)}")
        labels = np.unravel_index(latents, self.shape)[FACTORS.index(factor)]
        return ImageSet(self.render(latents), labels.astype(np.int64), name)

    def classes(self, latents: np.ndarray) -> np.ndarray:
        """Class int64 of each latent; a chimera is called by its left half."""
        return np.unravel_index(latents, self.shape)[0].astype(np.int64)

    def render(self, latents: np.ndarray, shown: np.ndarray | None = None) -> np.ndarray:
        """Images uint8 (n, 3, size, size) of flat latent indices int (n,): a gather and a blend.

        `shown` int (n,) indexes `SHOWN`: what each image shows of its sprite, by default all of it.
        """
        left, right, hue, row, column, scale, tilt, background, blur = np.unravel_index(
            latents, self.shape
        )
        # the renderer's tables are uint8 coverage and colour: products fit uint16
        pose = (row, column, scale, tilt)
        in_left = self._left_half[pose]
        mask = np.where(in_left, self._masks[(left, *pose)], self._masks[(right, *pose)])
        if shown is not None:
            of_left, of_right = (np.isin(shown, kinds)[:, None, None] for kinds in ((0, 2), (0, 1)))
            mask = mask * np.where(in_left, of_left, of_right)
            mask[shown == 4] = 255
        mask = mask[:, None].astype(np.uint16)
        colour = self._colours[hue][:, :, None, None].astype(np.uint16)
        ground = self._grounds[background].astype(np.uint16)
        images = ((mask * colour + (255 - mask) * ground + 127) // 255).astype(np.uint8)
        blurred = blur == 1
        if blurred.any():
            images[blurred] = _box_blur(images[blurred])
        return images

    @cached_property
    def _poses(self) -> tuple[np.ndarray, ...]:
        """Pixel coordinates in each pose's own frame, (rows, columns, scales, tilts, y, x)."""
        fine = self.size * _SUPERSAMPLE
        grid = ((np.arange(fine) + 0.5) / fine * 2 - 1).astype(np.float32)
        offsets = np.linspace(-0.2, 0.2, self.places) if self.places > 1 else np.zeros(1)
        radii = (0.6, 0.8, 0.7)[: self.scales]
        angles = np.deg2rad((-32.0, 0.0, 29.0, 14.0)[: self.tilts])
        y = grid[:, None] - offsets[:, None, None, None, None, None].astype(np.float32)
        x = grid[None, :] - offsets[None, :, None, None, None, None].astype(np.float32)
        radius = np.asarray(radii, np.float32)[None, None, :, None, None, None]
        cos, sin = (f(angles).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
        return (cos * x + sin * y) / radius, (cos * y - sin * x) / radius

    @cached_property
    def _left_half(self) -> np.ndarray:
        middle = self._poses[0][
            ..., _SUPERSAMPLE // 2 :: _SUPERSAMPLE, _SUPERSAMPLE // 2 :: _SUPERSAMPLE
        ]
        return middle < 0

    @cached_property
    def _masks(self) -> np.ndarray:
        """Coverage 0..255 of each shape in each pose, (shapes, *poses, size, size)."""
        u, v = self._poses
        masks = []
        for name in SHAPES:
            inside = _inside(name, u, v)
            tiles = inside.reshape(
                *inside.shape[:-2], self.size, _SUPERSAMPLE, self.size, _SUPERSAMPLE
            )
            masks.append(np.round(255 * tiles.mean(axis=(-3, -1))))
        return np.stack(masks).astype(np.uint8)

    @cached_property
    def _colours(self) -> np.ndarray:
        hues = np.arange(self.hues) / self.hues
        return np.asarray(
            [[round(255 * c) for c in colorsys.hsv_to_rgb(h, 0.75, 0.95)] for h in hues]
        )

    @cached_property
    def _grounds(self) -> np.ndarray:
        """Backgrounds (n, 3, size, size): six plain muted colours, then two unseen textures."""
        y, x = np.mgrid[0 : self.size, 0 : self.size] * (16 / self.size)
        plain = np.zeros_like(x)
        textures = [plain] * 6 + [((x - y) // 3) % 2, (x * y) % 3 / 2]
        kept = [*range(self.backgrounds), *range(6, 6 + self.unseen_backgrounds)]
        grounds = []
        for index in kept:
            base = np.asarray(colorsys.hsv_to_rgb(index / 8, 0.3, 1.0))
            grounds.append(base[:, None, None] * (0.3 + 0.12 * textures[index]))
        return np.round(255 * np.asarray(grounds)).astype(np.uint8)


def _uniform(chosen: np.ndarray) -> np.ndarray:
    return chosen / chosen.sum()


def _inside(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Membership of points (u right, v down, in units of the sprite's radius) in a shape."""
    if shape == "triangle":
        return (v < 0.6) & (v > -1 + 1.85 * np.abs(u))
    if shape == "square":
        return np.maximum(np.abs(u), np.abs(v)) < 0.72
    if shape == "star":
        angle, radius = np.arctan2(u, -v), np.hypot(u, v)
        return radius < 0.62 + 0.38 * np.cos(5 * angle)
    if shape == "cross":
        thin, long = np.minimum(np.abs(u), np.abs(v)), np.maximum(np.abs(u), np.abs(v))
        return (thin < 0.28) & (long < 0.9)
    if shape == "bar":
        return (np.abs(u) < 0.95) & (np.abs(v) < 0.4)
    if shape == "crescent":
        return (np.hypot(u, v) < 0.92) & (np.hypot(u - 0.45, v) > 0.68)
    if shape == "ell":
        return (np.maximum(np.abs(u), np.abs(v)) < 0.78) & ((u < -0.2) | (v > 0.25))
    if shape == "arrow":
        head = (v < 0) & (v > -0.95 + 1.15 * np.abs(u))
        return head | ((np.abs(u) < 0.26) & (v >= 0) & (v < 0.9))
    raise ValueError(f"unknown shape {shape!r}; known: {', '.join(SHAPES)}")


def _box_blur(images: np.ndarray) -> np.ndarray:
    """A 3x3 box blur with repeated edges, rounded to uint8."""
    blurred = np.empty_like(images)
    block = max(1, _BLUR_BLOCK // images[0].size)
    for start in range(0, len(images), block):
        total = images[start : start + block].astype(np.uint16, order="C")
        for axis in (3, 2):
            total = _three_sums(total, axis)
        blurred[start : start + block] = (total + 4) // 9
    return blurred


def _three_sums(values: np.ndarray, axis: int) -> np.ndarray:
    """Each value plus its two neighbours along `axis` of an array in C order, edges repeated."""
    sums = values.copy()
    # shifts of the whole memory are quick, and wrong only at the edges, which are mended
    step = int(np.prod(values.shape[axis + 1 :]))
    flat, flat_sums = values.reshape(-1), sums.reshape(-1)
    flat_sums[step:] += flat[:-step]
    flat_sums[:-step] += flat[step:]
    along, sums_along = np.moveaxis(values, axis, 0), np.moveaxis(sums, axis, 0)
    sums_along[0] = 2 * along[0] + along[1]
    sums_along[-1] = 2 * along[-1] + along[-2]
    return sums

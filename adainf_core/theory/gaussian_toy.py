"""The paper's two-Gaussian toy (AdaInf, section 4.3): disc augmentation, closed-form α."""

from __future__ import annotations

import math

import numpy as np

from adainf_core.theory.validation import FloatArray, as_count, as_positive
from adainf_core.theory.worlds import FiniteWorld

VARIANCE = (
    0.7  # of each class; the reconstruction in use reads the paper's 0.7 as a variance, not a std
)
CENTRES = (-1.0, 1.0)  # on the first axis
PITCHES_PER_RADIUS = (
    8  # grid resolution: about 200 views per point; halving the pitch moves λ by 1 to 2 %
)


def gaussian_toy(
    n: int,
    strength: float,
    rng: np.random.Generator,
    *,
    n_generated: int = 0,
    generated_shift: float = 0.0,
    variance: float = VARIANCE,
    pitch: float | None = None,
) -> FiniteWorld:
    """The two-Gaussian toy under disc augmentation, as a world with a sparse kernel.

    The real law is ½ N((−1, 0), v I) + ½ N((1, 0), v I), v = `variance`.

    n ≥ 1 real draws, equally weighted; n_generated further draws of the same mixture moved by
    `generated_shift` along the second axis (none by default, and then P_g = P_d). A view is uniform
    over the cells of a square grid of side `pitch` (default strength / 8) whose centre lies within
    radius `strength` > 0. Labels are the sign of the first coordinate, 1 for positive, for points
    and cells alike; no cell centre lies on the border. positions (n, 2) and view_positions (m, 2)
    in the plane.

    The population's total variation is `gaussian_total_variation(0, generated_shift, √variance)`.
    The world's own is that of the drawn points, 1 as soon as n_generated > 0: a sample says nothing
    about a continuous law's distance.
    """
    real, generated = as_count(n, "n", 1), as_count(n_generated, "n_generated", 0)
    radius, spread = as_positive(strength, "strength"), math.sqrt(as_positive(variance, "variance"))
    side = radius / PITCHES_PER_RADIUS if pitch is None else as_positive(pitch, "pitch")
    if side > radius:
        raise ValueError(
            f"pitch = {side:g} is above strength = {radius:g}, so a disc may hold no cell: "
            "take an eighth of the strength"
        )
    count = real + generated
    points = rng.standard_normal((count, 2)) * spread
    points[:, 0] += rng.choice(CENTRES, size=count)
    points[real:, 1] += generated_shift
    kernel, cells = _disc_kernel(points, radius, side)
    p_real = np.zeros(count)
    p_real[:real] = 1 / real
    p_generated = np.zeros(count)
    p_generated[real:] = 1 / max(generated, 1)
    return FiniteWorld(
        kernel=kernel,
        p_real=p_real,
        p_generated=p_generated if generated else p_real,
        natural_labels=(points[:, 0] > 0).astype(np.int64),
        view_labels=(cells[:, 0] > 0).astype(np.int64),
        positions=points,
        view_positions=cells,
    )


def gaussian_toy_labeling_error(strength: float, *, variance: float = VARIANCE) -> float:
    """α(r) of the toy's population with the sign labeler: 2 ∫_0^r f(t) T_r(t) dt.

    f is the density of the first coordinate and T_r(t) = [arccos(t/r) − (t/r) √(1 − (t/r)²)] / π
    the share of a disc of radius r beyond distance t of its centre. About f(0) · 4 r / (3 π) for
    small r = `strength` > 0. Accurate to 1e-12 (Gauss–Legendre in the angle φ, t = r cos φ, in
    which the integrand is smooth).
    """
    radius, spread = as_positive(strength, "strength"), math.sqrt(as_positive(variance, "variance"))
    # Beyond 12 standard deviations the density is below 1e-31: leave it out, so that the nodes
    # resolve the rest.
    start = math.acos(min(1.0, (1 + 12 * spread) / radius))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    half = (math.pi / 2 - start) / 2
    angle = start + half * (nodes + 1)
    t = radius * np.cos(angle)
    density = np.exp(-0.5 * ((t[:, None] - CENTRES) / spread) ** 2).sum(axis=1)
    density /= 2 * spread * math.sqrt(2 * math.pi)
    beyond = (angle - np.sin(angle) * np.cos(angle)) / math.pi
    return float(2 * half * (weights * density * beyond * radius * np.sin(angle)).sum())


def _disc_kernel(points: FloatArray, radius: float, side: float) -> tuple[object, FloatArray]:
    """csr kernel, uniform over cells with centre within `radius` of each point; the centres."""
    from scipy.sparse import csr_array

    # Cell c covers [c, c + 1) · side, so no centre (c + ½) · side has a coordinate 0.
    home = np.floor(points / side).astype(np.int64)
    reach = math.ceil(radius / side) + 1
    steps = np.arange(-reach, reach + 1)
    stencil = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = home[:, None] + stencil
    inside = (((cells + 0.5) * side - points[:, None]) ** 2).sum(axis=2) <= radius**2
    # side ≤ radius: the centre of a point's own cell is at most side / √2 away, so no row is empty.
    rows = np.nonzero(inside)[0]
    chosen = cells[inside]
    low = chosen.min(axis=0)
    width = int(chosen[:, 1].max() - low[1]) + 1
    keys, columns = np.unique(
        (chosen[:, 0] - low[0]) * width + chosen[:, 1] - low[1], return_inverse=True
    )
    values = 1 / np.bincount(rows, minlength=len(points))[rows]
    kernel = csr_array((values, (rows, columns)), shape=(len(points), len(keys)))
    centres = (np.column_stack([keys // width, keys % width]) + low + 0.5) * side
    return kernel, centres

"""Five imperfect generators for the two-Gaussian toy, each dialled to a given total variation.

At one distance they do different things: that is what they are for. Each takes the distance
D_TV(P_g, P_d) it shall have and returns P_g; the dial is solved in closed form or by quadrature, to
1e-6 (`GaussianMixture.total_variation` measures it again).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from statistics import NormalDist
from types import MappingProxyType

import numpy as np

from adainf_core.theory.gaussian_mixtures import GaussianMixture
from adainf_core.theory.gaussian_toy import CENTRES, VARIANCE, gaussian_toy_distribution
from adainf_core.theory.total_variation import gaussian_total_variation

_STD = math.sqrt(VARIANCE)
BRIDGE = (0.0, 0.0), 0.3  # mean and std of the spurious component: on the classes' border
CLUSTER = (1.0, 12.0), 0.25  # out of reach of all real points at strengths up to 3


def mean_shift(tau: float) -> GaussianMixture:
    """Both classes moved along the second axis, along the border: α stays. 0 ≤ tau < 1."""
    distance = _distance(tau, 1.0)
    # 2 Φ(shift / 2 std) − 1 = tau: the first coordinate's distribution is the same on both sides.
    shift = 2 * _STD * NormalDist().inv_cdf((1 + distance) / 2)
    return GaussianMixture.isotropic([0.5, 0.5], [(c, shift) for c in CENTRES], _STD)


def variance_shrink(tau: float) -> GaussianMixture:
    """Both classes narrowed about their means, a generator without variety. 0 ≤ tau ≤ 0.95."""
    return _narrowed(_narrowing(_distance(tau, 0.95, closed=True)))


def dropped_mode(tau: float) -> GaussianMixture:
    """Class 1 rarer than class 0; at the largest distance, 0.384, it is missing."""
    # P_g − P_d is a multiple of the difference of the classes.
    apart = gaussian_total_variation(CENTRES[0], CENTRES[1], _STD)
    lost = _distance(tau, apart / 2, closed=True) / apart
    return GaussianMixture.isotropic([0.5 + lost, 0.5 - lost], [(c, 0.0) for c in CENTRES], _STD)


def spurious_bridge(tau: float) -> GaussianMixture:
    """A share of images between the classes, from N(0, 0.3² I); the rest is real."""
    return _contaminated(tau, *BRIDGE)


def isolated_cluster(tau: float) -> GaussianMixture:
    """A share of images unlike all others, from N((1, 12), 0.25² I); the rest is real."""
    return _contaminated(tau, *CLUSTER)


#: The five generators by their name in the book.
TOY_GENERATORS: Mapping[str, Callable[[float], GaussianMixture]] = MappingProxyType(
    {
        "mean shift": mean_shift,
        "variance shrink": variance_shrink,
        "mode drop": dropped_mode,
        "spurious bridge": spurious_bridge,
        "isolated cluster": isolated_cluster,
    }
)


@cache
def _narrowing(distance: float) -> float:
    """The factor of the standard deviation that puts the narrowed distribution at this distance."""
    from scipy.optimize import brentq

    real = gaussian_toy_distribution()

    def excess(factor: float) -> float:
        return _narrowed(factor).total_variation(real, tolerance=5e-7).value - distance

    return 1.0 if distance == 0 else float(brentq(excess, 0.02, 1.0, xtol=5e-7))


def _narrowed(factor: float) -> GaussianMixture:
    return gaussian_toy_distribution(factor**2 * VARIANCE)


def _contaminated(tau: float, mean: tuple[float, float], std: float) -> GaussianMixture:
    """(1 − s) P_d + s N(mean, std² I) with D_TV = s · D_TV(P_d, N(mean, std² I)) = tau."""
    real = gaussian_toy_distribution()
    added = GaussianMixture.isotropic([1.0], np.array([mean]), std)
    most = real.total_variation(added).value
    return added.mixture(real, _distance(tau, most, closed=True) / most)


def _distance(tau: float, most: float, *, closed: bool = False) -> float:
    value = float(tau)
    if not (0 <= value <= most if closed else 0 <= value < most):
        raise ValueError(
            f"tau = {value:g} must lie in [0, {most:.6g}{']' if closed else ')'}: "
            "this generator comes no further from the real distribution"
        )
    return value

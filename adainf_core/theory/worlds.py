"""Finite worlds: points, views, two distributions, labels; all of the theory is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.total_variation import mixture, total_variation
from adainf_core.validation import (
    FloatArray,
    IntArray,
    Matrix,
    as_count,
    as_distribution,
    as_kernel,
    as_labels,
    as_real,
    as_share,
    freeze,
)

if TYPE_CHECKING:
    from adainf_core.theory.bounds import BoundReport


@dataclass(frozen=True, eq=False)
class FiniteWorld:
    """n natural points, m views, two distributions and the labels; arrays checked, read-only.

    kernel (n, m): augmentation distribution 𝒜, dense or sparse, rows sum to one. p_real,
    p_generated (n,): P_d and P_g. natural_labels (n,), view_labels (m,): nonnegative integers; the
    labels of views are what α compares sources with. positions (n, 2), view_positions (m, 2): where
    to draw them, or None.
    """

    kernel: Matrix
    p_real: FloatArray
    p_generated: FloatArray
    natural_labels: IntArray
    view_labels: IntArray
    positions: FloatArray | None = None
    view_positions: FloatArray | None = None

    def __post_init__(self) -> None:
        kernel = as_kernel(self.kernel)
        n, m = kernel.shape
        checked = {
            "kernel": kernel,
            "p_real": as_distribution(self.p_real, "p_real", size=n),
            "p_generated": as_distribution(self.p_generated, "p_generated", size=n),
            "natural_labels": as_labels(self.natural_labels, n, "natural_labels"),
            "view_labels": as_labels(self.view_labels, m, "view_labels"),
        }
        for name, count in (("positions", n), ("view_positions", m)):
            if getattr(self, name) is not None:
                checked[name] = as_real(getattr(self, name), name)
                if checked[name].shape != (count, 2):
                    raise ValueError(
                        f"{name} has shape {checked[name].shape}, expected ({count}, 2)"
                    )
        for name, array in checked.items():
            object.__setattr__(self, name, freeze(array))

    def p_train(self, beta: float) -> FloatArray:
        """P_t = β P_d + (1 − β) P_g, (n,)."""
        return mixture(self.p_real, self.p_generated, beta)

    def graph(self, beta: float = 1.0) -> AugmentationGraph:
        """Augmentation graph at share β of real draws in training; β = 1: real alone."""
        return AugmentationGraph(self.kernel, self.p_train(beta))

    @property
    def total_variation(self) -> float:
        """D_TV(P_d, P_g); the training distribution is (1 − β) times as far from the real one."""
        return total_variation(self.p_real, self.p_generated)

    def labeling_error(self, beta: float = 1.0) -> float:
        """α under P_t = β α_d + (1 − β) α_g: linear in β."""
        return self.graph(beta).labeling_error(self.natural_labels, self.view_labels)

    def transfer_bound(self, beta: float, k: int) -> BoundReport:
        """The bound on the real error of k dimensions, and every step (`bounds.transfer_bound`)."""
        from adainf_core.theory.bounds import transfer_bound

        return transfer_bound(
            self.kernel,
            self.p_real,
            self.p_generated,
            beta,
            self.natural_labels,
            self.view_labels,
            k,
        )


def ring_world(strength: int = 1, *, points: int = 24, boundary_share: float = 0.1) -> FiniteWorld:
    """A ring cut into two class arcs: the smallest world with AdaInf's complementary roles.

    Views are the points themselves; augmentation moves a point uniformly by at most `strength`
    steps. Each arc is cut in sixths: real points fill the second and the fifth sixth (two clusters
    a class), the generator fills sixths two to five evenly (it closes the gap inside the class) but
    puts `boundary_share` of its mass on the outermost points of the arcs, where views cross into
    the next class. So strength raises both α and λ_{k+1}; inflation connects the graph at a lower
    strength, at a price in α. Exact: D_TV = (1 + boundary_share) / 2.

    The real clusters are evenly spaced: at β = 1 the encoder with k = 2 is not unique (λ_2 = λ_3, a
    DegenerateSpectrumWarning); any β < 1 settles it.

    strength: whole steps, 0 ≤ 2·strength < points. points: a multiple of 12. boundary_share in [0,
    1]. Deterministic, dense, positions on the unit circle (class 0 starts at the top, clockwise).
    """
    points = as_count(points, "points", 12)
    if points % 12:
        raise ValueError(f"points = {points} must be a multiple of 12: both arcs are cut in sixths")
    reach = as_count(strength, "strength", 0, (points - 1) // 2, ", at most once around the ring")
    share = as_share(boundary_share, "boundary_share")
    place = np.arange(points)
    steps = np.abs(place[:, None] - place)
    near = np.minimum(steps, points - steps) <= reach
    arc = points // 2
    offset = place % arc
    sixth = offset * 6 // arc
    real = (sixth == 1) | (sixth == 4)
    inside = (sixth >= 1) & (sixth <= 4)
    edge = (offset == 0) | (offset == arc - 1)
    angle = 2 * np.pi * (place + 0.5) / points
    circle = np.column_stack([np.sin(angle), np.cos(angle)])
    labels = place // arc
    return FiniteWorld(
        kernel=near / near.sum(axis=1, keepdims=True),
        p_real=real / real.sum(),
        p_generated=(1 - share) * inside / inside.sum() + share * edge / edge.sum(),
        natural_labels=labels,
        view_labels=labels,
        positions=circle,
        view_positions=circle,
    )


def bridge_world() -> FiniteWorld:
    """Two real points without common views, a generated one between: inflation raises λ_2.

    Exact: λ_2 = (1 − β) / (2 − β), so 0 at β = 1, 1/5 at β = 3/4, near 1/2 as β → 0; α = (1 − β)/2;
    D_TV = 1.
    """
    half = 0.5
    return FiniteWorld(
        kernel=np.array([[half, half, 0, 0], [0, 0, half, half], [0, half, half, 0]]),
        p_real=np.array([half, half, 0]),
        p_generated=np.array([0.0, 0, 1]),
        natural_labels=np.array([0, 1, 0]),
        view_labels=np.array([0, 0, 1, 1]),
        positions=np.array([[-1.0, 1], [1, 1], [0, 1]]),
        view_positions=np.array([[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]]),
    )


def isolated_cluster_world(overlap: float = 0.75) -> FiniteWorld:
    """Two overlapping real points and one generated point far from both: inflation lowers λ_2 to 0.

    The real points share views of mass `overlap` in [0, 1]. Exact: λ_2 = overlap at β = 1 and 0 for
    every 0 < β < 1 (two components), λ_3 = overlap there; α = 0; D_TV = 1.
    """
    shared = as_share(overlap, "overlap")
    return FiniteWorld(
        kernel=np.array([[1 - shared, shared, 0, 0], [0, shared, 1 - shared, 0], [0, 0, 0, 1]]),
        p_real=np.array([0.5, 0.5, 0]),
        p_generated=np.array([0.0, 0, 1]),
        natural_labels=np.array([0, 0, 1]),
        view_labels=np.array([0, 0, 0, 1]),
        positions=np.array([[-1.0, 1], [0, 1], [2, 1]]),
        view_positions=np.array([[-1.5, 0], [-0.5, 0], [0.5, 0], [2, 0]]),
    )


def barely_joined_world(
    generated: Sequence[Sequence[float]] = (), touch: float = 0.02, slip: float = 1e-3
) -> FiniteWorld:
    """Four real images, two a class, each mostly keeping one of four views of its own.

    An image shares the view of its class's other image with probability `touch`, and one of the
    other class with `slip`. `generated` has the views of two generated images, one a class, as
    probabilities; without them the generated distribution is the real one.
    """
    keep, more = 1 - touch - slip, len(generated)
    kernel = [[keep, touch, slip, 0], [touch, keep, 0, slip],
              [slip, 0, keep, touch], [0, slip, touch, keep], *generated]  # fmt: skip
    p_real = np.array([0.25] * 4 + [0.0] * more)
    return FiniteWorld(
        kernel=np.array(kernel),
        p_real=p_real,
        p_generated=np.array([0.0] * 4 + [1 / more] * more) if more else p_real,
        natural_labels=np.array([0, 0, 1, 1, 0, 1][: 4 + more]),
        view_labels=np.array([0, 0, 1, 1]),
    )

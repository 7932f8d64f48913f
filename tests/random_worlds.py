"""Random finite worlds, for statements that should hold in all of them."""

import numpy as np

from adainf_core.theory.worlds import FiniteWorld


def random_world(
    rng: np.random.Generator, *, points: int = 6, views: int = 8, classes: int = 2
) -> FiniteWorld:
    """A random world for checking statements that should hold in all of them.

    Each natural point reaches a random subset of views with exponential weights; each distribution
    lives on a random subset of points; a view is labelled after its heaviest source, so that α
    ranges from 0 to large. Dense, no positions.
    """
    density = 0.9 * rng.random() ** 2  # sparse more often than dense: several components
    kernel = rng.exponential(size=(points, views)) * (rng.random((points, views)) < density)
    # Every point keeps one view, every distribution one point.
    kernel[np.arange(points), rng.integers(views, size=points)] += (
        rng.exponential(size=points) + 0.1
    )
    distributions = rng.exponential(size=(2, points)) * (rng.random((2, points)) < 0.8)
    distributions[[0, 1], rng.integers(points, size=2)] += 0.1
    natural_labels = rng.integers(classes, size=points)
    return FiniteWorld(
        kernel=kernel / kernel.sum(axis=1, keepdims=True),
        p_real=distributions[0] / distributions[0].sum(),
        p_generated=distributions[1] / distributions[1].sum(),
        natural_labels=natural_labels,
        view_labels=natural_labels[kernel.argmax(axis=0)],
    )

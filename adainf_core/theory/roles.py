"""What a generator is good for: images of its own, variations of the real ones, or neither.

The same generator can be used in two ways. As *nodes* its images join the training set (inflation).
As *edges* an image and what the generator made of it are a positive pair. A filter takes nodes away
again.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from adainf_core.theory.positive_pairs import PositiveWorld
from adainf_core.theory.spectrum import DegenerateSpectrumWarning
from adainf_core.theory.worlds import FiniteWorld
from adainf_core.validation import FloatArray, as_choice, as_count, as_share

Generator = Literal["partner", "filler", "careless filler", "border"]
EQUAL = 1e-9  # errors and bounds closer than this are the same


def role_world(generator: Generator, slip: float = 0.05) -> PositiveWorld:
    """Three real images and a generator: a small world in which each role wins, or none; k = 2.

    Images A and A' have one class and no view in common, so augmentation never joins them; B has
    the other, and A' is taken for it with probability `slip` in (0, 1/2). Each has a view of its
    own. Real images alone are told apart as A against A' and B, and A' is judged wrong. The
    generator makes

    - "partner": A' of A and A of A', and B of B. P_g = P_d: as images it changes nothing, as
      positives it joins the class. Edges win.
    - "careless filler": A of A, A' of A', and of B an image G of the first class, which looks like
      A or A', half and half. As an image G joins the class, as B's positive it joins B to it. Nodes
      win.
    - "filler": G of A and of A', and B of B. Nodes and edges both win.
    - "border": of everything an image of the first class that looks like A' or B, half and half.
      Neither.
    """
    as_choice(generator, "generator", ("partner", "filler", "careless filler", "border"))
    s = as_share(slip, "slip")
    own = [[1, 0, 0], [0, 1 - s, s], [0, 0, 1]]
    made = {"partner": [1, 0, 2], "filler": [3, 3, 2], "careless filler": [0, 1, 3]}
    goals = made.get(generator, [3, 3, 3])
    new = (
        []
        if generator == "partner"
        else [[0, 0.5, 0.5] if generator == "border" else [0.5, 0.5, 0]]
    )
    n = 3 + len(new)
    p_real = np.array([1 / 3] * 3 + [0.0] * len(new))
    return PositiveWorld(
        FiniteWorld(
            kernel=np.array([*own, *new]),
            p_real=p_real,
            p_generated=p_real,
            natural_labels=np.array([0, 0, 1, 0][:n]),
            view_labels=np.array([0, 0, 1]),
        ),
        positives=np.eye(n)[[*goals, 3][:n]],
    )


def ambiguity(world: FiniteWorld) -> FloatArray:
    """Share of each point's views that carry another label than the point, (n,); α is its mean."""
    classes = np.unique(np.concatenate([world.view_labels, world.natural_labels]))
    shares = world.kernel @ (world.view_labels[:, None] == classes).astype(float)
    return np.asarray((shares * (world.natural_labels[:, None] != classes)).sum(axis=1))


def drop_ambiguous(world: FiniteWorld, level: float) -> tuple[FiniteWorld, float]:
    """A filter: P_g without the points whose `ambiguity` is above `level`, and the share it keeps.

    Nodes are removed, with all the edges among their views. The labeling error of P_g cannot rise;
    connectivity can do either, for what joins clusters is often ambiguous itself. ValueError where
    nothing is kept.
    """
    kept = world.p_generated * (ambiguity(world) <= as_share(level, "level"))
    share = float(kept.sum())
    if share == 0:
        raise ValueError(f"level={level} drops every generated image: choose a higher one")
    return replace(world, p_generated=kept / share), share


@dataclass(frozen=True)
class Use:
    """One use of a generator: exact error on real images, and the smallest bound on it."""

    error: float
    bound: float


def uses(world: PositiveWorld, k: int, beta: float = 0.5, share: float = 0.5) -> dict[str, Use]:
    """Error and bound of each use of the generator of a `PositiveWorld`, with k dimensions.

    "real": real images alone. "nodes": a share 1 − beta of images are variations of real ones, the
    pairs forgotten. "edges": real images, and each view is one of a variation with probability
    `share`. "both". Votes are over an image's own views.
    """
    images = world.as_images()
    alone, nodes = (images.transfer_bound(b, k) for b in (1.0, beta))
    edges = world.report(1.0, share, k)
    both = PositiveWorld(images, world.positives).report(beta, share, k)
    return {
        "real": Use(alone.real_error, float(alone.smallest_bound)),
        "nodes": Use(nodes.real_error, float(nodes.smallest_bound)),
        "edges": Use(edges.real_error, edges.bound),
        "both": Use(both.real_error, both.bound),
    }


def winner(real: float, nodes: float, edges: float) -> str:
    """Which role has the smaller error: "nodes", "edges", "alike", or "neither" beats `real`."""
    if min(nodes, edges) >= real - EQUAL:
        return "neither"
    if nodes < edges - EQUAL:
        return "nodes"
    return "edges" if edges < nodes - EQUAL else "alike"


@dataclass(frozen=True)
class RoleSearch:
    """How often each role wins in random small worlds, by the exact error and by the bound.

    Only worlds in which real images alone leave an error are counted: in others nothing can be won.

    `counts` maps (winner by error, winner by bound) to a number of worlds, `checked` in all, each
    with a unique optimal encoder for all three uses. `smallest` maps a winner by both to the number
    of a world with the fewest points and views (`drawn_role_world`).
    """

    seed: int
    checked: int
    counts: Mapping[tuple[str, str], int]
    smallest: Mapping[str, int]

    def share(self, by_error: str) -> float:
        """Share of the worlds that this role wins by the exact error."""
        won = sum(count for (error, _), count in self.counts.items() if error == by_error)
        return won / self.checked

    @property
    def agreement(self) -> float:
        """Share of the worlds in which error and bound name the same winner."""
        return sum(count for (a, b), count in self.counts.items() if a == b) / self.checked


def drawn_role_world(seed: int, index: int) -> tuple[PositiveWorld, int]:
    """Random world number `index`, and its k.

    2 to 4 real images, equally likely, the first two of different classes, 0 to 2 generated ones
    and 2 to 4 views. An image has one view; or two, half and half; or a second in 1 of 20. A view
    has the label of the image that shows it most. Every image has one variation. k in 1 … 3.
    """
    rng = np.random.default_rng([seed, index])
    n_real, more, m = rng.integers((2, 0, 2), (5, 3, 5))
    n = int(n_real + more)
    kernel = np.zeros((n, m))
    for row in kernel:
        first, second = rng.choice(m, 2, replace=False)
        row[second] = rng.choice([0, 0.5, 0.05])
        row[first] = 1 - row[second]
    labels = rng.integers(2, size=n)
    labels[:2] = 0, 1
    p_real = np.where(np.arange(n) < n_real, 1 / n_real, 0.0)
    world = FiniteWorld(kernel, p_real, p_real, labels, labels[kernel.argmax(axis=0)])
    return PositiveWorld(world, np.eye(n)[rng.integers(n, size=n)]), int(rng.integers(1, 4))


def search_roles(worlds: int = 300, seed: int = 0) -> RoleSearch:
    """The winner of each of `worlds` random small worlds, drawn by `drawn_role_world`."""
    counts: Counter[tuple[str, str]] = Counter()
    smallest: dict[str, tuple[int, int]] = {}
    index = -1
    while counts.total() < as_count(worlds, "worlds", 1):
        index += 1
        world, k = drawn_role_world(as_count(seed, "seed", 0), index)
        if k >= len(world.world.graph().views):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error", DegenerateSpectrumWarning)
            try:
                found = uses(world, k)
            except DegenerateSpectrumWarning:
                continue
        if found["real"].error <= EQUAL:
            continue
        three = [found[name] for name in ("real", "nodes", "edges")]
        by_error = winner(*(use.error for use in three))
        by_bound = winner(*(use.bound for use in three))
        counts[by_error, by_bound] += 1
        size = sum(world.world.kernel.shape)
        if by_error == by_bound and size < smallest.get(by_error, (size + 1, 0))[0]:
            smallest[by_error] = size, index
    return RoleSearch(
        seed, counts.total(), dict(counts), {name: index for name, (_, index) in smallest.items()}
    )

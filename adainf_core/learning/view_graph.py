"""View graphs: sampled views of images, made discrete in a feature space, as an augmentation graph.

The exact graph of photographs has no edge between two images: what counts as the same view is a
choice, here a map from views to m cells (`view_cells`) that uses no label. The graph on cells is
the graph on views sent through a channel; channels contract, so none of its eigenvalues λ_i is
below the fine graph's, and none of its labelings errs less than the best labeling of the views.
Cells flatter λ and are hard on α; the bound holds with encoders and labelings that see only cells.

With V views an image the kernel's rows are counts, and a view paired with itself would count as a
positive pair. Over distinct pairs the estimated adjacency is unbiased; with Ā from the counts and
the same degrees it is (V Ā − I) / (V − 1), so that its eigenvalues are V / (V − 1) times those of
the counts. What remains is that eigenvalues adapt to noise: see `ViewGraph.spectral_gap` and
`ViewGraph.held_out_gap`, which err to opposite sides.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.view_cells import Landmarks, read_views
from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.spectrum import DegenerateSpectrumWarning
from adainf_core.validation import (
    FloatArray,
    IntArray,
    Matrix,
    as_count,
    as_distribution,
    as_labels,
    as_real,
    as_seed,
    as_share,
    freeze,
    in_words,
)


@dataclass(frozen=True, eq=False)
class ViewGraph:
    """V sampled views of each of n images, in m cells; inflation is a choice of `weights`.

    cells: int64 (n, V), V ≥ 2, in 0 … cell_count − 1. Wherever `weights` (n,) is asked for it is
    the distribution of images (`source_weights`), by default uniform. ValueError on anything else.
    """

    cells: IntArray
    cell_count: int

    def __post_init__(self) -> None:
        cells, cell_count = as_real(self.cells, "cells"), as_count(self.cell_count, "cell_count", 1)
        if cells.ndim != 2 or cells.shape[1] < 2 or not len(cells):
            raise ValueError(f"cells has shape {cells.shape}, need (images, views), two or more")
        flat = as_labels(cells.ravel(), cells.size, "cells").reshape(cells.shape)
        if flat.max() >= cell_count:
            raise ValueError(f"cell {flat.max()} is outside 0..{self.cell_count - 1}")
        object.__setattr__(self, "cells", freeze(flat))

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def views(self) -> int:
        """V, the number of views an image."""
        return int(self.cells.shape[1])

    def graph(self, weights: ArrayLike | None = None) -> AugmentationGraph:
        """Augmentation graph of the counts, self-pairs included: rows images, columns cells."""
        return AugmentationGraph(self._kernel, image_distribution(weights, len(self)))

    def eigenvalues(self, count: int, weights: ArrayLike | None = None) -> FloatArray:
        """The `count` smallest Laplacian eigenvalues over distinct pairs of views, ascending.

        V / (V − 1) times those of `graph`; the unbiased adjacency need not be positive, so values
        up to V / (V − 1) occur, and mean 1.
        """
        return self.graph(weights).eigenvalues(count) * self.views / (self.views - 1)

    def spectral_gap(self, k: int, weights: ArrayLike | None = None) -> float:
        """λ_{k+1} over distinct pairs: tends to err low, as eigenvectors also fit the noise.

        Sums of leading eigenvalues of Ā are overestimated on average, being convex in Ā (apart from
        the estimated degrees). The error vanishes as V grows; in pure noise it is about
        (2 √(m/n) + m/n) / (V − 1) for n images of equal weight. With n ≤ k images the encoder
        memorises and this is 1.
        """
        return min(1.0, float(self.eigenvalues(_dimension(k) + 1, weights)[-1]))

    def held_out_gap(self, k: int, weights: ArrayLike | None = None) -> float:
        """λ_{k+1} of functions chosen on half of the views, judged on the rest: tends to err high.

        Of k + 1 functions on the cells that are optimal for one half, the largest Rayleigh quotient
        in their span over distinct pairs of the other half (Courant–Fischer: any k + 1 functions
        bound λ_{k+1} from above); the mean of both ways round. Needs V ≥ 4 and more than k cells.
        """
        if self.views < 4:
            raise ValueError(f"{self.views} views an image cannot be halved: draw 4 or more")
        distribution, middle = image_distribution(weights, len(self)), self.views // 2
        halves = [
            ViewGraph(part, self.cell_count)
            for part in (self.cells[:, :middle], self.cells[:, middle:])
        ]
        quotients = [
            judge._largest_quotient(
                fit._leading_functions(_dimension(k) + 1, distribution), distribution
            )
            for fit, judge in (halves, halves[::-1])
        ]
        return float(np.clip(np.mean(quotients), 0.0, 1.0))

    def cell_labeling_error(
        self, source_labels: ArrayLike, weights: ArrayLike | None = None, seed: int = 0
    ) -> float:
        """α of the majority label of each cell, cross-fitted: P(cell's label ≠ image's label).

        Cells are labelled by the views of one random half of the images and judged on the other
        half, and the other way round, so that no image votes for itself. No labeling of the cells
        has a smaller α in the limit of many images; with few, this errs high. A cell without votes
        takes the most frequent label. source_labels (n,).
        """
        labels = as_labels(source_labels, len(self), "source_labels")
        distribution = image_distribution(weights, len(self))
        classes, codes = np.unique(labels, return_inverse=True)
        half = np.random.default_rng(as_seed(seed)).permutation(len(self)) % 2
        error = 0.0
        for fold in (0, 1):
            votes = np.zeros((self.cell_count, len(classes)))
            voters, judged = half != fold, half == fold
            ballots = np.repeat(distribution[voters], self.views)
            where = (self.cells[voters].ravel(), np.repeat(codes[voters], self.views))
            np.add.at(votes, where, ballots)
            votes += 1e-12 * votes.sum(axis=0)  # decides empty cells, and little else
            wrong = votes.argmax(axis=1)[self.cells[judged]] != codes[judged][:, None]
            error += float(distribution[judged] @ wrong.mean(axis=1))
        return error

    def joined(self, other: ViewGraph) -> ViewGraph:
        """The images of both in one graph, on the same cells; these first."""
        if self.cell_count != other.cell_count or self.views != other.views:
            raise ValueError(
                f"{self.cell_count} cells and {self.views} views an image do not go with "
                f"{other.cell_count} and {other.views}: use the same landmarks and views"
            )
        return ViewGraph(np.concatenate([self.cells, other.cells]), self.cell_count)

    def first(self, views: int) -> ViewGraph:
        """The same images through their first `views` views."""
        views = as_count(views, "views", 2, self.views, ", the views at hand")
        return ViewGraph(self.cells[:, :views], self.cell_count)

    @cached_property
    def _kernel(self) -> Matrix:
        from scipy.sparse import csr_array

        n, views = self.cells.shape
        ones = np.full(n * views, 1 / views)
        starts = np.arange(0, n * views + 1, views)
        return csr_array((ones, self.cells.ravel(), starts), shape=(n, self.cell_count))

    def _leading_functions(self, count: int, distribution: FloatArray) -> FloatArray:
        """The `count` functions on cells (m, count) that vary least within pairs."""
        graph = self.graph(distribution)
        if len(graph.views) <= count:
            raise ValueError(f"{len(graph.views)} cells are in use: too few for {count} functions")
        functions = np.zeros((self.cell_count, count))
        with warnings.catch_warnings():
            # any choice among tied eigenvectors bounds the eigenvalue
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)
            functions[graph.views] = graph.embedding(count)
        return functions

    def _largest_quotient(self, functions: FloatArray, distribution: FloatArray) -> float:
        """Largest E (f(x) − f(x⁺))² / 2 E f² over the span of `functions` and distinct pairs."""
        from scipy.linalg import LinAlgError, eigh

        mean = self._kernel @ functions
        second = (functions.T * (self._kernel.T @ distribution)) @ functions
        pairs = (self.views * (mean.T * distribution) @ mean - second) / (self.views - 1)
        try:
            return float(eigh(second - pairs, second, eigvals_only=True)[-1])
        except LinAlgError:
            raise ValueError(
                "the halves of the views hardly share cells: draw more views or fewer landmarks"
            ) from None


def sample_view_graph(
    images: NDArray[np.uint8],
    policy: AugmentationPolicy,
    encoder: nn.Module,
    landmarks: Landmarks,
    *,
    views: int = 8,
    seed: int = 0,
) -> ViewGraph:
    """Draw `views` views of each image under `policy` and find their cells.

    images: uint8 (n, 3, h, w), may be memory-mapped. encoder: any module from float images in
    [0, 1] to features (b, d), run on its own device in eval mode. Memory is bounded: the features
    of 10,000 views at a time. Deterministic given `seed`, which should differ between sets that are
    joined.
    """
    if not isinstance(landmarks, Landmarks):
        raise ValueError(f"landmarks = {in_words(landmarks)} must be Landmarks")
    cells = read_views(images, policy, encoder, landmarks.nearest, views, seed)
    return ViewGraph(cells, len(landmarks))


def source_weights(n_real: int, n_generated: int = 0, beta: float | None = None) -> FloatArray:
    """P_t over real images, then generated ones: β / n_real and (1 − β) / n_generated each, (n,).

    beta defaults to n_real / (n_real + n_generated), every image alike; without generated images
    it is 1 whatever is given.
    """
    n_real = as_count(n_real, "n_real", 1)
    n_generated = as_count(n_generated, "n_generated", 0)
    if n_generated == 0:
        return np.full(n_real, 1 / n_real)
    share = n_real / (n_real + n_generated) if beta is None else as_share(beta, "beta")
    return np.concatenate(
        [np.full(n_real, share / n_real), np.full(n_generated, (1 - share) / n_generated)]
    )


def _dimension(k: int) -> int:
    return as_count(k, "k", 1)


def image_distribution(weights: ArrayLike | None, n: int) -> FloatArray:
    """`weights` checked as a distribution over n images; uniform where there are none."""
    return np.full(n, 1 / n) if weights is None else as_distribution(weights, "weights", size=n)

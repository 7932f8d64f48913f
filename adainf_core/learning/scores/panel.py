"""The panel: every score of one encoder, from features of images and of their views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.learning.hypersphere import alignment, uniformity
from adainf_core.learning.scores.alpha_req import alpha_req
from adainf_core.learning.scores.checks import as_features, as_views
from adainf_core.learning.scores.clid import intrinsic_dimension, learnability
from adainf_core.learning.scores.clusters import silhouette, stability
from adainf_core.learning.scores.idest import tree_dimension
from adainf_core.learning.scores.lidar import lidar
from adainf_core.learning.scores.neighbour_graph import cluster_error, neighbour_gap
from adainf_core.learning.scores.rankme import rankme
from adainf_core.validation import FloatArray

_PAIRS = 2000  # images of which all pairs are looked at


@dataclass(frozen=True)
class Score:
    """A score: what it is called, what it reads, whether more is better (1) or less (-1)."""

    label: str
    reads: Literal["images", "views"]
    better: Literal[1, -1]
    function: Callable[[ArrayLike], float]


def _unit(features: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    return features / np.maximum(lengths, np.finfo(float).tiny)


def _alignment(features: ArrayLike) -> float:
    x = _unit(as_views(features))
    return alignment(x[:, 0], x[:, 1])


def _uniformity(features: ArrayLike) -> float:
    return uniformity(_unit(as_features(features))[:_PAIRS])


def _confusion(features: ArrayLike) -> float:
    from adainf_core.learning.view_statistics import augmentation_confusion  # loads torch

    return augmentation_confusion(_unit(as_views(features))[:_PAIRS].astype(np.float32))


#: Every score by name.
PANEL: Mapping[str, Score] = MappingProxyType(
    {
        "alignment": Score("alignment of two views", "views", -1, _alignment),
        "uniformity": Score("uniformity", "images", -1, _uniformity),
        "confusion": Score("augmentation confusion (ACR)", "views", -1, _confusion),
        "rankme": Score("RankMe", "images", 1, rankme),
        "alpha_req": Score("α-ReQ", "images", 1, alpha_req),
        "lidar": Score("LiDAR", "views", 1, lidar),
        "learnability": Score("cluster learnability (CLID)", "images", 1, learnability),
        "dimension": Score("intrinsic dimension (CLID)", "images", 1, intrinsic_dimension),
        "silhouette": Score("silhouette", "images", 1, silhouette),
        "stability": Score("stability of clusters", "images", 1, stability),
        "tree_dimension": Score("tree dimension (IdEst)", "images", -1, tree_dimension),
        "neighbour_gap": Score("λ of the graph of views", "views", 1, neighbour_gap),
        "cluster_error": Score("α by clusters", "views", -1, cluster_error),
    }
)


def panel(images: ArrayLike, views: ArrayLike) -> dict[str, float]:
    """Every score of `PANEL` by name, of features of images (n, d) and of views (n, views, d)."""
    read = {"images": as_features(images), "views": as_views(views)}
    return {name: score.function(read[score.reads]) for name, score in PANEL.items()}

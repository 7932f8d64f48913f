"""View graphs: views a second from bytes to cells, and the seconds a graph of them takes.

    python benchmarks/view_graph.py [--views 1000000]

Views of 16x16 images under the official strong policy, on one thread: augmentation alone, the
laptop's encoder alone, the nearest of 1,000 landmarks alone (scikit-learn, exact), and all of it as
`sample_view_graph` does it. The targets are a million views in 10 minutes with whitened pixels
and in 20 with the encoder. Then, once, the seconds that a graph of so many views takes: 8 an image
in 1,000 cells, its components, and λ_11 from both sides. The images are noise; no figure depends on
what is seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from common import paired, report

from adainf_core.learning.augmentation import augment
from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.features import extract_features
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.view_cells import Landmarks, PixelPCA, UnitLength
from adainf_core.learning.view_graph import ViewGraph, sample_view_graph

COUNT, CELLS, VIEWS = 2000, 1000, 8
TARGETS = {"whitened pixels": 1e6 / 600, "encoder": 1e6 / 1200}


def contestants() -> dict[str, Callable[[], int]]:
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(COUNT, 3, 16, 16), dtype=np.uint8)
    policy = POLICIES["symmetric"].for_image_size(16)
    generator = torch.Generator().manual_seed(0)
    spaces = {
        "encoder": UnitLength(small_cnn(16)).eval(),
        "whitened pixels": PixelPCA.fit(images, 64),
    }
    found = {name: extract_features(space, images) for name, space in spaces.items()}
    landmarks = {name: Landmarks(features[:CELLS]) for name, features in found.items()}

    def whole(name: str) -> Callable[[], int]:
        def work() -> int:
            sample_view_graph(images, policy, spaces[name], landmarks[name], views=2)
            return 2 * COUNT

        return work

    def augmentation() -> int:
        return len(augment(torch.from_numpy(images), policy, generator))

    return {
        "augmentation": augmentation,
        "features, encoder": lambda: len(extract_features(spaces["encoder"], images)),
        "nearest of 1,000 landmarks, 128 features": lambda: len(
            landmarks["encoder"].nearest(found["encoder"])
        ),
        **{f"whole, {name}": whole(name) for name in spaces},
    }


def graph_seconds(views: int) -> dict[str, float]:
    """Seconds of each step on the graph of `views` views that cluster by image."""
    rng = np.random.default_rng(1)
    home = rng.integers(CELLS, size=(views // VIEWS, 1))
    step = rng.geometric(0.05, size=(len(home), VIEWS)) * rng.choice([-1, 1], (len(home), VIEWS))
    seconds = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = work()
        seconds[name] = round(time.perf_counter() - start, 3)
        return result

    graph = timed("graph", lambda: ViewGraph((home + step) % CELLS, CELLS))
    assert isinstance(graph, ViewGraph)
    timed("components", lambda: graph.graph().component_count())
    timed("lambda_11, below", lambda: graph.spectral_gap(10))
    timed("lambda_11, above", lambda: graph.held_out_gap(10))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=int, default=1_000_000, help="views in the graph")
    views = parser.parse_args().views
    torch.set_num_threads(1)
    figures = paired(contestants())
    seconds = graph_seconds(views)
    print(f"graph of {views:,} views: {seconds} seconds")
    report(
        "view_graph",
        figures,
        "views per second, one thread",
        peers=("scikit-learn",),
        batch=COUNT,
        cells=CELLS,
        graph_views=views,
        graph_seconds=seconds,
        targets=TARGETS,
        targets_met={
            name: figures[f"whole, {name}"]["median"] >= rate for name, rate in TARGETS.items()
        },
    )


if __name__ == "__main__":
    main()

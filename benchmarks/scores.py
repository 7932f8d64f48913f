"""Label-free scores beside independently coded ones on one checkpoint, and what the panel takes.

    python benchmarks/scores.py        # peers: pip install -r benchmarks/requirements.txt

The checkpoint is a small network after some hundred steps of SimCLR on the digits that ship with
scikit-learn; all sides get the same features, of 1,000 images and of eight views of each. RankMe
and LiDAR are held against stable-pretraining's callbacks, the dimension of CLID against
scikit-dimension's TwoNN, which fits a line to nine tenths of the ratios where ours takes the
maximum likelihood of all: another estimate of the same, so that a tenth apart is agreement.
stable-pretraining adds 1e-5 to each share before it takes the entropy of RankMe:
`without_its_constant` is its formula on these features with that left out. No package on PyPI was
found that has α-ReQ or CLID's learnability. The panel is timed on noise of 10,000 x 512, four views
of each.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from common import report

from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.learning.features import extract_features
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.scores.clid import intrinsic_dimension
from adainf_core.learning.scores.lidar import lidar
from adainf_core.learning.scores.panel import PANEL
from adainf_core.learning.scores.rankme import rankme

IMAGES, VIEWS, STEPS = 1000, 8, 300
SECONDS, GIGABYTES = 60.0, 1.0  # what the panel may take
#: Relative difference up to which values agree.
APART = {"rankme": 0.01, "lidar": 0.01, "dimension": 0.1}
Score = dict[str, float | None]


def checkpoint_features(steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Features of images (n, d) and of their views (n, views, d) of the checkpoint, float32."""
    digits = load_images("digits", split="train", download=False)
    policy = POLICIES["symmetric"].for_image_size(digits.image_size)
    config = PretrainConfig(policy=policy, steps=steps, warmup=steps // 20, device="cpu")
    encoder = pretrain(config, Inflation(digits)).encoder
    pixels = digits.images[:IMAGES]
    views = [extract_features(encoder, pixels, augmentation=policy, seed=s) for s in range(VIEWS)]
    return extract_features(encoder, pixels), np.stack(views, 1)


def their_rankme(features: np.ndarray) -> float | None:
    """RankMe of stable-pretraining's callback; None where it is not installed."""
    try:
        from stable_pretraining.callbacks.rankme import RankMe
    except ImportError:
        return None
    said: dict[str, float] = {}
    callback = RankMe("rankme", "x", len(features), features.shape[1], verbose=False)
    callback._target_queue = SimpleNamespace(data=torch.from_numpy(features))
    module = SimpleNamespace(log=lambda name, value: said.update({name: value}))
    callback.on_validation_batch_end(SimpleNamespace(global_rank=0), module, {}, {}, 0)
    return said["rankme"]


def their_lidar(views: np.ndarray) -> float | None:
    """LiDAR of stable-pretraining's callback; None where it is not installed."""
    try:
        from stable_pretraining.callbacks.lidar import LiDAR
    except ImportError:
        return None
    n, each, d = views.shape
    callback = LiDAR("lidar", "x", n * each, d, n, each, verbose=False)
    found = callback._compute_lidar(torch.from_numpy(views.reshape(-1, d)))
    return float(found["lidar"])


def their_dimension(features: np.ndarray) -> float | None:
    """TwoNN of scikit-dimension; None where it is not installed."""
    try:
        from skdim.id import TwoNN
    except ImportError:
        return None
    return float(TwoNN().fit(features.astype(np.float64)).dimension_)


def compared(features: np.ndarray, views: np.ndarray) -> dict[str, Score]:
    """Each score by ours and by its peer, and how far apart they are, of ours."""
    singular = np.linalg.svd(features.astype(np.float64), compute_uv=False)
    shares = singular / singular.sum()
    found: dict[str, Score] = {
        "rankme": {
            "ours": rankme(features),
            "peer": their_rankme(features),
            "without_its_constant": float(np.exp(-(shares * np.log(shares)).sum())),
        },
        "lidar": {"ours": lidar(views), "peer": their_lidar(views)},
        "dimension": {
            "ours": intrinsic_dimension(features),
            "peer": their_dimension(features),
        },
    }
    for sides in found.values():
        ours, peer = sides["ours"], sides["peer"]
        assert ours is not None
        sides["relative_difference"] = None if peer is None else abs(peer / ours - 1)
    return found


def panel_seconds(n: int = 10_000, d: int = 512) -> dict[str, float]:
    """CPU seconds of every score of the panel on noise (n, d) and four views of each."""
    rng, taken = np.random.default_rng(0), {}
    images = rng.standard_normal((n, d), dtype=np.float32)
    views = images[:, None] + 0.5 * rng.standard_normal((n, 4, d), dtype=np.float32)
    read: Mapping[str, Any] = {"images": images, "views": views}
    for name, score in PANEL.items():
        began = time.process_time()
        score.function(read[score.reads])
        taken[name] = time.process_time() - began
    return taken


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    scores = compared(*checkpoint_features())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = panel_seconds()
    whole = sum(taken.values())
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    for name, sides in scores.items():
        print(name, sides)
    report(
        "scores",
        {"panel of 10,000 x 512": dict.fromkeys(("median", "low", "high"), whole)},
        "CPU seconds",
        ("stable-pretraining", "scikit-dimension"),
        scores=scores,
        seconds_by_score=taken,
        grown_gb=memory,
        targets_met={
            "panel in 60 CPU seconds": whole <= SECONDS,
            "panel in 1 GB more": memory <= GIGABYTES,
            **{
                f"{name} as its peer": None if off is None else off <= APART[name]
                for name, sides in scores.items()
                for off in [sides["relative_difference"]]
            },
        },
    )


if __name__ == "__main__":
    main()

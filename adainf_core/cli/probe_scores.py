"""`adainf probe --protocol label-free`: what features tell of themselves."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adainf_core.cli.probed_sets import own_images, telling

if TYPE_CHECKING:
    from adainf_core.learning.predictions import Trained
    from adainf_core.learning.pretraining import Pretrained

LABEL_FREE = "label-free"


def show_scores(options: argparse.Namespace, run: Trained, trained: Pretrained) -> None:
    """Print every score of the run's encoder on real images, none of whose labels is read."""
    from adainf_core.configuration import from_plain
    from adainf_core.learning.policies import POLICIES
    from adainf_core.learning.pretrain_config import PretrainConfig
    from adainf_core.learning.scores import PANEL
    from adainf_core.learning.scores.of_encoder import IMAGES, VIEWS, panel_of

    name = str(options.checkpoint)
    images = own_images(run, name, options)
    policy = from_plain(PretrainConfig, run.config).policy or POLICIES["symmetric"]
    with telling(f"scores of {name}"):
        found = panel_of(trained.encoder, images, policy)
    print(
        f"{'label-free':16} {min(IMAGES, len(images)):,} images of {images.name}, {VIEWS} views of "
        "each under the run's own augmentation"
    )
    if trained.history:
        loss = trained.history[-1]["loss"]
        print(f"{'':16} {loss:10.4g}  loss at the end (less is meant to be better)")
    for key, score in PANEL.items():
        meant = "more" if score.better > 0 else "less"
        print(f"{'':16} {found[key]:10.4g}  {score.label} ({meant} is meant to be better)")

"""The panel of an encoder: its features of some real images, and of views of them."""

from __future__ import annotations

import numpy as np
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.learning.features import extract_features
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.scores.panel import panel
from adainf_core.validation import as_count, as_seed

#: Images and views of each that are looked at where nobody says how many.
IMAGES, VIEWS = 2000, 4


def panel_of(
    encoder: nn.Module,
    images: ImageSet,
    policy: AugmentationPolicy,
    *,
    count: int = IMAGES,
    views: int = VIEWS,
    seed: int = 0,
) -> dict[str, float]:
    """Every score of `PANEL` by name, of `count` of `images` drawn by `seed` and `views` of each.

    Views follow `policy`, that of the training. No label is looked at. ValueError where there are
    fewer than 40 images, or the encoder has collapsed.
    """
    views, seed = as_count(views, "views", 2), as_seed(seed)
    if len(images) < 40:
        raise ValueError(
            f"{images.name} has {len(images)} images: scores of features want 40 or more"
        )
    chosen = np.random.default_rng(seed).permutation(len(images))[: as_count(count, "count", 40)]
    pixels = images.images[np.sort(chosen)]
    seen = [
        extract_features(encoder, pixels, augmentation=policy, seed=seed + view)
        for view in range(views)
    ]
    return panel(extract_features(encoder, pixels), np.stack(seen, 1))

"""The lower bound on total variation for images, with the settings that serve them well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from adainf_core.gap.classifier_tv import ClassifierTV, classifier_tv, compared
from adainf_core.theory.tv_estimation import TVEstimate
from adainf_core.validation import IntArray, as_images, as_seed

#: Share of the rows that the classifier learns from; the rest is compared.
TRAINING_SHARE = 0.35


def image_tv(
    real: np.ndarray,
    generated: np.ndarray,
    *,
    real_again: np.ndarray | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    groups: Sequence[IntArray] | None = None,
) -> ClassifierTV:
    """Lower bound on D_TV(P_d, P_g) from uint8 images (n, 3, h, w) of both sides, no extractor.

    `classifier_tv` with a `NeighbourClassifier`, 35 % of the rows to learn from and the method
    "favoured". It sees images that no real one resembles, lost modes and wrong colours where real
    images are many beside the ways they differ, as with sprites; of photographs it sees colours
    and edges. `groups` are the copies, as in `classifier_tv`.
    """
    from adainf_core.gap.neighbour_classifier import NeighbourClassifier, described

    sides = {"real": real, "generated": generated}
    if real_again is not None:
        sides["real_again"] = real_again
    for name, images in sides.items():
        if as_images(images, name).shape[1:] != real.shape[1:]:
            raise ValueError(
                f"{name} has images of {images.shape[2:]} and real of {real.shape[2:]}: bring them "
                "to one size with ImageSet.resized"
            )
    with threadpool_limits(1):  # as in `classifier_tv`
        rows = {name: described(images) for name, images in sides.items()}
    return classifier_tv(
        rows["real"].rows,
        rows["generated"].rows,
        classifier=NeighbourClassifier(rows["real"].widths, as_seed(seed)),
        real_again=rows["real_again"].rows if "real_again" in rows else None,
        training_share=TRAINING_SHARE,
        groups=groups,
        confidence=confidence,
        seed=seed,
        method="favoured",
    )


def image_bound(
    real: np.ndarray, generated: np.ndarray, *, confidence: float = 0.95, seed: int = 0
) -> TVEstimate:
    """The bound of `image_tv` alone, of distinct images: no mirrored run, half of the time."""
    from adainf_core.gap.neighbour_classifier import NeighbourClassifier, described

    with threadpool_limits(1):
        sides = [described(as_images(images, "images")) for images in (real, generated)]
        return compared(
            sides[0].rows,
            sides[1].rows,
            None,
            NeighbourClassifier(sides[0].widths, as_seed(seed)),
            np.random.default_rng(as_seed(seed)),
            TRAINING_SHARE,
            "favoured",
            confidence,
        )[0]

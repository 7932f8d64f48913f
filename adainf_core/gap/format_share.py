"""How much of a distance the file format makes: each measure with its own control.

Where one side was saved as JPEG and the other was not, the other is saved so, too. Then each
measure is taken three times on as many images: of the sides as they are, of the format alone (one
half of the re-saved side against the other half as it was) and of the sides saved alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from adainf_core.gap.estimate import GapEstimate, Rows
from adainf_core.gap.extractors import Extractor
from adainf_core.gap.frechet import frechet_estimate
from adainf_core.gap.image_tv import image_bound
from adainf_core.gap.jpeg import JpegGrid, saved_as_jpeg
from adainf_core.gap.kernel_distance import kernel_distance
from adainf_core.theory.tv_estimation import TVEstimate

Side = Literal["real", "generated"]
#: Images a side at most: three bounds on 4,000 take about ten seconds of a core.
MOST = 4000


@dataclass(frozen=True)
class FormatRow:
    """One measure: of the sides as they are, of the format alone, of the sides saved alike."""

    measure: str
    as_is: GapEstimate
    alone: GapEstimate
    alike: GapEstimate


@dataclass(frozen=True)
class FormatShare:
    """The `resaved` side was saved as JPEG of `quality`, as the other one was; a row a measure."""

    resaved: Side
    quality: int
    rows: tuple[FormatRow, ...]


def format_share(
    images: Mapping[str, np.ndarray],
    features: Mapping[str, Rows],
    grids: Mapping[str, JpegGrid],
    extractor: Extractor,
    *,
    as_is: TVEstimate | None = None,
    frechet: str = "Fréchet, extrapolated",
    confidence: float = 0.95,
    seed: int = 0,
) -> FormatShare | None:
    """The control for "real" and "generated" `images`, uint8 (n, 3, h, w), and their `features`.

    They are distinct and in a random order; `grids` say what their pixels were saved as. None is
    returned where that is the same; of two qualities the finer side is saved at the coarser one.
    From either side the first `MOST` are taken, at least 120 are needed. `as_is` is the bound of
    as many of either side as they are, where it is known; `frechet` names the Fréchet distance.
    """
    qualities = {name: grids[name].quality or 100 for name in ("real", "generated")}
    if qualities["real"] == qualities["generated"]:
        return None
    resaved: Side = "real" if qualities["real"] > qualities["generated"] else "generated"
    quality = min(qualities.values())
    fewer = min(len(images[name]) for name in qualities)
    size = min(MOST, fewer)
    half, before = size // 2, images[resaved][:size]
    after = saved_as_jpeg(before, quality)
    own, saved = features[resaved][:size], extractor(after)
    plain = {name: (images[name][:size], features[name][:size]) for name in qualities}
    alike = plain | {resaved: (after, saved)}
    pairs = [
        (plain["real"], plain["generated"]),
        ((before[half:], own[half:]), (after[:half], saved[:half])),
        (alike["real"], alike["generated"]),
    ]
    bounds, distances, kernels = list[GapEstimate](), list[GapEstimate](), list[GapEstimate]()
    for (one, its), (other, others) in pairs:
        bound = as_is if not bounds else None
        if bound is None or size < fewer:
            bound = image_bound(one, other, confidence=confidence, seed=seed)
        sizes = {"n_real": len(one), "n_generated": len(other)}
        bounds.append(GapEstimate(bound.point, bound.lower, 1.0, **sizes, confidence=confidence))
        with threadpool_limits(1):  # as in `classifier_tv`
            distances.append(frechet_estimate(its, others, confidence=confidence).extrapolated)
            kernels.append(kernel_distance(its, others, confidence=confidence))
    named = {"total variation, images": bounds, frechet: distances, "kernel distance": kernels}
    rows = tuple(FormatRow(measure, *found) for measure, found in named.items())
    return FormatShare(resaved, quality, rows)

"""The five scales at which one code path runs: only the numbers in a study's table change."""

from __future__ import annotations

import os
from collections.abc import Iterable

SCALES = ("quick", "laptop", "desktop", "gpu", "paper")


def current_scale() -> str:
    """The scale named by the environment variable ADAINF_SCALE, "quick" where it is not set.

    Raises ValueError for a name that is not in `SCALES`.
    """
    scale = os.environ.get("ADAINF_SCALE") or "quick"
    if scale not in SCALES:
        raise ValueError(f"ADAINF_SCALE={scale!r} is not a scale; choose {', '.join(SCALES)}")
    return scale


def largest_within(study: str, scales: Iterable[str], wanted: str) -> str:
    """The largest of a study's `scales` that is not above `wanted`; ValueError where all are."""
    laid_out = list(scales)
    within = [scale for scale in SCALES[: SCALES.index(wanted) + 1] if scale in laid_out]
    if not within:
        raise ValueError(f"study {study!r} starts at scale {laid_out[0]!r}")
    return within[-1]

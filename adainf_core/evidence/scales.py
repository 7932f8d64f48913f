"""The four scales at which one code path runs: only the numbers in a study's table change."""

from __future__ import annotations

import os

SCALES = ("quick", "laptop", "gpu", "paper")


def current_scale() -> str:
    """The scale named by the environment variable ADAINF_SCALE, "quick" where it is not set.

    Raises ValueError for a name that is not in `SCALES`.
    """
    scale = os.environ.get("ADAINF_SCALE") or "quick"
    if scale not in SCALES:
        raise ValueError(f"ADAINF_SCALE={scale!r} is not a scale; choose {', '.join(SCALES)}")
    return scale

"""Crop strength: the paper's sweep of the smallest crop, with and without inflation."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import BestLevel, Published, gains_more
from adainf_core.evidence.studies.paper_model import paper_study, sweep

NAME = "crop-strength"
_CROPS = (0.03, 0.08, 0.2, 0.4, 0.6)

CLAIMS = (
    BestLevel(
        "best_crop", "Without inflation the best smallest crop is the default, 0.08", NAME,
        tuple((low, f"none_crop_{low:g}") for low in _CROPS), (0.08, 0.08),
        published=(Published("Figure 3(a): 0.08"),),
    ),
    BestLevel(
        "best_crop_inflated", "Under inflation the best smallest crop is 0.2 or larger", NAME,
        tuple((low, f"vanilla_crop_{low:g}") for low in _CROPS), (0.2, 0.6),
        published=(Published("Figure 3: 0.3 with 1M STF images"),),
    ),
    gains_more(
        "crop_shift", "Crops from 0.4 instead of 0.08 gain more under inflation than without", NAME,
        ("vanilla_crop_0.4", "vanilla_crop_0.08"), ("none_crop_0.4", "none_crop_0.08"),
        (Published("Figure 3, trend"),), short="gentle crops, mixture",
    ),
    gains_more(
        "crop_shift_perfect",
        "Crops from 0.4 instead of 0.08 gain more with a perfect generator than without", NAME,
        ("perfect_crop_0.4", "perfect_crop_0.08"), ("none_crop_0.4", "none_crop_0.08"),
        asked_by="control", short="gentle crops, perfect",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME,
    "Which smallest crop is best, and does inflation move it?",
    sweep({f"crop_{low:g}": f"crops from {low:g}" for low in _CROPS}),
    CLAIMS,
)

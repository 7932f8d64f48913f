"""Jitter strength: the paper's sweep of the colour jitter, with and without inflation."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published, gains_more
from adainf_core.evidence.studies.paper_model import paper_study, sweep

NAME = "jitter-strength"

CLAIMS = (
    gains_more(
        "jitter_shift", "Half the jitter gains more under inflation than without", NAME,
        ("vanilla_jitter_0.5", "vanilla_jitter_1"), ("none_jitter_0.5", "none_jitter_1"),
        (Published("Figure 3, trend; its values for jitter are not known"),),
        short="half the jitter, mixture",
    ),
    gains_more(
        "jitter_shift_perfect",
        "Half the jitter gains more with a perfect generator than without", NAME,
        ("perfect_jitter_0.5", "perfect_jitter_1"), ("none_jitter_0.5", "none_jitter_1"),
        asked_by="control", short="half the jitter, perfect",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME,
    "How strong a colour jitter is best, and does inflation move it?",
    sweep({f"jitter_{factor:g}": f"jitter x {factor:g}" for factor in (0.1, 0.5, 1.0, 2.0)}),
    CLAIMS,
)

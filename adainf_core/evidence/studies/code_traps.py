"""Traps: what three habits of the official code do to the comparison."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Contrast, Term, beats
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.studies.paper_model import (
    LAYOUTS,
    MAIN,
    MASKED,
    MIXTURE,
    NONE,
    PERFECT_VANILLA,
    VANILLA,
    WEAK,
    inflated,
)

NAME = "code-traps"
_ONLINE = {"pretrain.online_learning_rate": "official"}
_SWAPPED = {"swapped": True}
_FIFTY = inflated("N = 50, copies are negatives", MIXTURE, replication=50.0)
ARMS = {
    **{
        f"{arm}_online": standard.changing(_ONLINE, f"{standard.label}, online", headline=False)
        for arm, standard in MAIN.items()
    },
    "vanilla": VANILLA,
    "vanilla_swapped": VANILLA.changing(_SWAPPED, "vanilla, red and blue swapped", headline=False),
    "perfect_vanilla": PERFECT_VANILLA,
    "perfect_swapped": PERFECT_VANILLA.changing(
        _SWAPPED, "perfect, red and blue swapped", headline=False
    ),
    "none": NONE,
    "none_masked": NONE.changing(MASKED, "no inflation, copies masked", headline=False),
    "weak": WEAK,
    "weak_masked": WEAK.changing(MASKED, "weak only, copies masked", headline=False),
    "n_50": _FIFTY,
    "n_50_masked": _FIFTY.changing(MASKED, "N = 50, copies masked"),
}

CLAIMS = (
    beats(
        "swap_mixture", "Swapping red and blue in the mixture's images costs accuracy", NAME,
        "vanilla", "vanilla_swapped", asked_by="trap", short="right > swapped, mixture",
    ),
    beats(
        "swap_perfect", "Swapping red and blue in a perfect generator's images costs accuracy",
        NAME, "perfect_vanilla", "perfect_swapped", asked_by="trap",
        short="right > swapped, perfect",
    ),
    Contrast(
        "online_exaggerates", "The online probe makes vanilla inflation look worse than it is",
        NAME,
        (
            Term("none_online", 1.0, "online"), Term("vanilla_online", -1.0, "online"),
            Term("none_online", -1.0), Term("vanilla_online", 1.0),
        ),
        asked_by="trap", short="online probe exaggerates",
    ),
    beats(
        "copies_repel", "At N = 50, leaving an image's copies out of its negatives helps", NAME,
        "n_50_masked", "n_50", asked_by="trap", short="N = 50: masked > not",
    ),
)  # fmt: skip

STUDY = Study(
    NAME,
    "What do three habits of the official code do to the comparison?",
    ARMS,
    {"laptop": LAYOUTS["laptop"]},
    CLAIMS,
)

"""The mixing ratio: how much a real image weighs, from N = 1 to 50."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import BestLevel, Published
from adainf_core.evidence.published import control, paper
from adainf_core.evidence.studies.paper_model import (
    INFLATION,
    MIXTURE,
    NONE,
    PERFECT,
    N,
    inflated,
    paper_study,
)

NAME = "mixing-ratio"
_COPIES = (1, 2, 5, 10, 20, 50)
ARMS = {
    "none": NONE,
    **{f"n_{n}": inflated(f"N = {n}", MIXTURE, replication=float(n)) for n in _COPIES},
    # the paper's +0.1M: the β of N = 10 with a tenth of the images
    "tenth": inflated("N = 1, a tenth", MIXTURE, times=INFLATION / N),
    "perfect_tenth": inflated("N = 1, a tenth, perfect", PERFECT, times=INFLATION / N),
    "perfect_n_10": inflated("N = 10, perfect", PERFECT, replication=N),
}

CLAIMS = (
    BestLevel(
        "best_n", "The best replication is about N = 10, not the largest", NAME,
        tuple((float(n), f"n_{n}") for n in _COPIES), (5.0, 20.0),
        published=(Published("Figure 2: best about N = 10"),),
    ),
    paper(
        "too_many_copies", "N = 50 is worse than N = 10", NAME, "n_10", "n_50",
        Published("Figure 2: beyond 10 it gets worse"), short="N = 10 > N = 50",
    ),
    control(
        "diversity", "At the same β, ten times the generated images help (mixture)", NAME, "n_10",
        "tenth", short="all > a tenth, mixture",
    ),
    control(
        "diversity_perfect", "At the same β, ten times the generated images help (perfect)", NAME,
        "perfect_n_10", "perfect_tenth", short="all > a tenth, perfect",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME,
    "How much should a real image weigh, and is it β or the number of images that matters?",
    ARMS,
    CLAIMS,
)

"""Recipe race: the desktop recipe, for twenty minutes of a core, against the small recipe's sixty.

Two networks of one shape, on the same images: the optimiser, the size of the views and the number
of steps differ. `benchmarks/recipes.py` has what a step of each costs.
"""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Contrast, Term
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.studies.recipe_search import BASE, GROWING, training

NAME = "recipe-race"
ARMS = {
    "desktop": Arm("desktop recipe, 20 minutes", GROWING | training(steps=8000, warmup=400)),
    "small": Arm("small recipe, 60 minutes", training(steps=18_000, warmup=900)),
}

CLAIMS = tuple(
    Contrast(
        f"desktop_{metric}", f"A third of the time gives the desktop recipe more {what}", NAME,
        (Term("desktop", 1.0, metric), Term("small", -1.0, metric)),
        asked_by="control", short=f"desktop > small, {metric}",
    )
    for metric, what in (("knn", "by nearest neighbours"), ("linear", "by the linear probe"))
)  # fmt: skip

STUDY = Study(
    NAME,
    "Does the desktop recipe reach in a third of the time what the small one does?",
    ARMS,
    {"desktop": Layout(BASE, seeds=(3, 3), first_seed=20)},
    CLAIMS,
)

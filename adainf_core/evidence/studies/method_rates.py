"""Rates for methods: which learning rate suits MoCo v2, BYOL and Barlow Twins at laptop scale.

Each with a third of the rate that all methods of "methods" share, with that rate, and with three
times it, on real images alone under either policy; nothing is claimed. The rule, written before any
of these runs: a method's rate is the one with the greatest mean linear accuracy of its two arms, or
the shared one where that is within half a point of it. A method that ends within three points of
an untrained network (study "levels") under its rate does not count as one that was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.studies import methods
from adainf_core.evidence.studies.paper_model import LAYOUTS

NAME = "method-rates"
RATES = (0.0007, 0.002, 0.006)
METHODS = ("moco", "byol", "barlow")
#: The rate of "methods", and by how many points another has to be better to take its place.
SHARED, BETTER_BY = 0.002, 0.5
#: A method counts as tried where it ends by more points than these above an untrained network.
ABOVE_UNTRAINED = 3.0
ARMS = {
    f"{arm}_{method}_{rate:g}": methods.ARMS[f"{arm}_{method}"].changing(
        {"pretrain.learning_rate": rate},
        f"{methods.ARMS[f'{arm}_{method}'].label}, rate {rate:g}",
        headline=False,
    )
    for method in METHODS
    for rate in RATES
    for arm in ("none", "weak")
}

STUDY = Study(
    NAME,
    "Which learning rate suits each method?",
    ARMS,
    {"laptop": replace(LAYOUTS["laptop"], seeds=(1, 1), first_seed=10)},
)


def chosen_rate(accuracies: Mapping[float, float]) -> float:
    """A method's rate by the rule above, from the mean accuracy of its two arms under each rate."""
    best = max(accuracies, key=lambda rate: accuracies[rate])
    return best if accuracies[best] > accuracies[SHARED] + BETTER_BY else SHARED

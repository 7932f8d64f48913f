"""Every study, by its name on the command line, and the ledger of all their claims.

A question joins by its module here, which defines `STUDY`, or several as `STUDIES`; the order is
that of the ledger.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from adainf_core.evidence.judging.claims import Claim
from adainf_core.evidence.runs.grid import Study

MODULES = (
    "failure_mode",
    "ablation",
    "mixing_ratio",
    "crop_strength",
    "jitter_strength",
    "inflation_size",
    "quality",
    "diffusion",
    "method_rates",
    "methods",
    "datasets",
    "more_sets",
    "data_scarce",
    "training_length",
    "long_training",
    "desktop",
    "transfer",
    "levels",
    "generator_features",
    "roles",
    "share_grid",
    "recipe_search",
    "recipe_race",
    "code_traps",
    "second_waves",
    "failure_mode_sprites",
    "sprite_transfer",
    "latent_worlds",
    "role_worlds",
    "cifar_graph",
    "cifar_graph_choices",
    "generator_gap",
    "sprite_gap",
)


@cache
def studies() -> dict[str, Study]:
    """Every study by name, in the order of the ledger."""
    return {study.name: study for some in homes().values() for study in some}


def homes() -> dict[str, tuple[Study, ...]]:
    """The studies that each module defines, by its full name."""
    places = [f"{__name__.rpartition('.')[0]}.{name}" for name in MODULES]
    modules = {place: import_module(place) for place in places}
    return {
        place: tuple(getattr(module, "STUDIES", None) or (module.STUDY,))
        for place, module in modules.items()
    }


def named_study(name: str) -> Study:
    """The study called `name`; ValueError naming those there are."""
    if name not in studies():
        raise ValueError(f"unknown study {name!r}; known: {', '.join(studies())}")
    return studies()[name]


def all_claims() -> tuple[Claim, ...]:
    """Every claim of every study, in the order of the book's ledger."""
    return tuple(claim for study in studies().values() for claim in study.claims)


def family(study: str) -> tuple[Claim, ...]:
    """The claims that are decided together: those about one study."""
    return named_study(study).claims

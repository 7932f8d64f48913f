"""Every study, by its name on the command line; the most valuable first."""

from __future__ import annotations

from adainf_core.evidence.runs.running import AnyStudy
from adainf_core.evidence.studies.cifar_graph import CIFAR_GRAPH, CIFAR_GRAPH_CHOICES
from adainf_core.evidence.studies.generator_gap import GENERATOR_GAP, SPRITE_GAP
from adainf_core.evidence.studies.latent_worlds import LATENT_STUDY
from adainf_core.evidence.studies.training_studies import (
    ABLATION,
    CODE_TRAPS,
    CROP_STRENGTH,
    DATA_SCARCE,
    DATASETS,
    DIFFUSION,
    FAILURE_MODE,
    FAILURE_MODE_SPRITES,
    INFLATION_SIZE,
    JITTER_STRENGTH,
    METHODS,
    MIXING_RATIO,
    QUALITY,
    TRAINING_LENGTH,
)

STUDIES: dict[str, AnyStudy] = {
    study.name: study
    for study in (
        FAILURE_MODE,
        ABLATION,
        MIXING_RATIO,
        CROP_STRENGTH,
        QUALITY,
        DIFFUSION,
        METHODS,
        CODE_TRAPS,
        INFLATION_SIZE,
        DATA_SCARCE,
        JITTER_STRENGTH,
        DATASETS,
        TRAINING_LENGTH,
        FAILURE_MODE_SPRITES,
        LATENT_STUDY,
        CIFAR_GRAPH,
        CIFAR_GRAPH_CHOICES,
        GENERATOR_GAP,
        SPRITE_GAP,
    )
}


def named_study(name: str) -> AnyStudy:
    """The study called `name`; ValueError naming those there are."""
    if name not in STUDIES:
        raise ValueError(f"unknown study {name!r}; known: {', '.join(STUDIES)}")
    return STUDIES[name]

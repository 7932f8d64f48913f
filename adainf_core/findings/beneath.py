"""What lies beneath an accuracy: what probes of the same images reach without any training on them.

That is, of what was not trained at all, and of the features of a generator that training used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, get_args

import numpy as np

from adainf_core.evidence.judging.verdicts import by_seed
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies import generator_features, levels
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.generators.dial import Diffusion
from adainf_core.generators.variation_settings import DiffusionVariations

if TYPE_CHECKING:
    from adainf_core.findings.findings import Findings

#: What figures and sentences call them, by the feature that is probed.
NAMES = {"untrained": "untrained network", "pixels": "pixels", "colours": "colours alone"}
assert set(NAMES) == set(get_args(levels.Features))


def levels_beneath(
    found: Findings, arm: str, metric: str = "linear"
) -> Mapping[str, tuple[str, list[float]]]:
    """Levels beneath an arm, as `arm_dots` draws them: name and values, one a seed, by feature.

    They are those of study "levels" at the same scale whose probes have the arm's images and
    labels: empty where there are none, and for a study that trains nothing on photographs.
    """
    run = found.experiment(arm)
    if not isinstance(run, TrainingExperiment) or found.scale not in levels.STUDY.layouts:
        return {}
    plan = {name for name, _ in levels.STUDY.plan(found.scale)}
    records = study_records(levels.STUDY, found.scale, found.root)
    beneath = {}
    for feature, name in NAMES.items():
        level = f"{feature}_{run.world}"
        if level in plan and _same_images(found, level, run):
            values = list(by_seed(records, level, metric).values())
            if values:
                beneath[feature] = (name, values)
    return beneath


def generators_beneath(
    found: Findings, arms: Iterable[str], metric: str = "linear"
) -> Mapping[str, tuple[str, list[float]]]:
    """Features of the diffusion models whose images `arms` learn from, as `levels_beneath`.

    They are those of study "generator-features", by the model: empty where no arm uses one, and
    where the study has no runs on the arms' images and labels.
    """
    study, beneath = generator_features.STUDY, {}
    for run in map(found.experiment, arms):
        if not isinstance(run, TrainingExperiment) or found.scale not in study.layouts:
            continue
        used = {
            setting.model
            for setting in (run.generator, run.variations)
            if isinstance(setting, Diffusion | DiffusionVariations)
        }
        records = study_records(study, found.scale, found.root) if used else []
        for arm in study.arms:
            own = study.experiment(found.scale, arm, run.seed)
            if not isinstance(own.model, Diffusion) or own.model.model not in used:
                continue
            values = list(by_seed(records, arm, metric).values())
            asked = (own.world, own.size, own.n_labelled, own.n_test)
            if values and asked == (run.world, run.size, run.n_labelled or run.n_real, run.n_test):
                beneath[own.model.model] = ("features of the generator", values)
    return beneath


def levels_in_words(found: Findings) -> str:
    """A sentence on the levels beneath all arms of a study, one part a set; empty without any."""
    parts: dict[str, str] = {}
    for arm in found.study.arms:
        world = getattr(found.experiment(arm), "world", None)
        beneath = {} if world in parts else levels_beneath(found, arm)
        if world is not None and beneath:
            said = [f"{name} {np.mean(values):.1f}" for name, values in beneath.values()]
            n = min(len(values) for _, values in beneath.values())
            parts[world] = f"{', '.join(said)} % on {world} (n = {n})"
    return f"Without training: {'; '.join(parts.values())}." if parts else ""


def _same_images(found: Findings, level: str, run: TrainingExperiment) -> bool:
    asked = levels.STUDY.experiment(found.scale, level, run.seed)
    labelled = run.n_labelled or run.n_real
    same = (asked.size, asked.n_labelled, asked.n_test) == (run.size, labelled, run.n_test)
    if asked.features != "untrained":
        return same
    networks = [(p.encoder, p.width, p.stem_stride) for p in (asked.pretrain, run.pretrain)]
    return same and networks[0] == networks[1]

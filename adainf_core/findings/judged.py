"""The claims about a study of any kind, judged by the rule of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adainf_core.evidence.judging.verdicts import judge
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.cifar_graph import CIFAR_GRAPH, judge_graph
from adainf_core.evidence.studies.claimed import family
from adainf_core.evidence.studies.generator_gap import SPRITE_GAP, judge_rankings
from adainf_core.evidence.studies.latent_claims import judge_predictors
from adainf_core.evidence.studies.latent_worlds import LATENT_STUDY

#: Studies whose claims have a rule of their own, and what their verdicts are called by.
_OTHER_RULES: dict[str, tuple[Callable[[list[Record]], Any], Callable[[Any], str]]] = {
    CIFAR_GRAPH.name: (judge_graph, lambda verdict: verdict.claim.key),
    LATENT_STUDY.name: (judge_predictors, lambda verdict: verdict.predictor),
    SPRITE_GAP.name: (judge_rankings, lambda verdict: verdict.measure),
}


def judged(study: str, records: list[Record]) -> dict[str, Any]:
    """Verdicts of the claims about `study` on its records, by key (the predictor or measure where
    that is what is judged); empty where there is no claim, or no record to judge by another rule.
    """
    if study in _OTHER_RULES:
        rule, key = _OTHER_RULES[study]
        return {key(verdict): verdict for verdict in rule(records)} if records else {}
    claims = family(study)
    return {v.claim.key: v for v in judge(claims, records)} if claims else {}

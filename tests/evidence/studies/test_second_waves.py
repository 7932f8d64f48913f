"""Second waves: claims asked again as they were, on seeds of their own, enough of them."""

from dataclasses import replace

import pytest

from adainf_core.evidence.judging.claims import CONFIDENCE
from adainf_core.evidence.judging.verdicts import noise_of
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import all_claims, named_study, studies
from adainf_core.evidence.studies.second_waves import STUDIES
from adainf_core.statistics.intervals import smallest_detectable

KNOWN = {claim.key: claim for claim in all_claims()}
REPEATED = [(study, claim) for study in STUDIES for claim in study.claims if claim.repeats]


@pytest.mark.parametrize(("study", "claim"), REPEATED, ids=[c.key for _, c in REPEATED])
def test_a_claim_is_asked_as_it_was_on_seeds_that_no_run_has_seen(study, claim):
    first = KNOWN[claim.repeats]
    asked_first = named_study(first.study)
    assert claim.terms == first.terms and claim.published == first.published
    used = {seed for s in studies().values() if not s.name.endswith("-again")
            for scale in s.layouts if scale == "laptop" for _, seed in s.plan(scale)}  # fmt: skip
    for arm, seed in study.plan("laptop"):
        assert seed not in used
        if arm in claim.arms:
            run, before = (s.experiment("laptop", arm, seed) for s in (study, asked_first))
            assert run == before


def test_no_claim_is_asked_again_twice():
    keys = [claim.repeats for _, claim in REPEATED]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("study", "claim"), REPEATED, ids=[c.key for _, c in REPEATED])
def test_its_seeds_find_a_point_in_four_cases_of_five(study, claim):
    first = named_study(KNOWN[claim.repeats].study)
    deviation = noise_of(first.claims, study_records(first, "laptop"))
    weight = sum(term.weight**2 for term in claim.terms) ** 0.5
    level = 1 - (1 - CONFIDENCE) / len(study.claims)
    seeds, _ = study.layout("laptop").seeds
    assert smallest_detectable(weight * deviation, seeds, level) <= 1.0
    # and not with half of them
    assert smallest_detectable(weight * deviation, seeds // 2, level) > 0.9


def test_only_what_its_claims_read_is_run():
    for study in STUDIES:
        assert set(study.arms) == {arm for claim in study.claims for arm in claim.arms}
        assert study.strict and replace(study, strict=False) != study

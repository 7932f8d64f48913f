"""The verdict rule at its edges, and on records made for it."""

import pytest

from adainf_core.evidence.claims import (
    FAILURE_MODE_CLAIMS,
    MARGIN,
    Claim,
    by_seed,
    judge,
    verdict_word,
)
from adainf_core.evidence.statistics import Interval
from adainf_core.evidence.studies import FAILURE_MODE_ARMS


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.1, 2.0, "holds"),
        (0.1, 0.9, "holds, but negligible"),
        (-0.1, 2.0, "not decided"),
        (-0.5, 0.9, "does not hold"),
        (-3.0, -1.0, "does not hold"),
        (0.0, MARGIN, "not decided"),
    ],
)
def test_rule_at_its_edges(low, high, word):
    assert verdict_word(Interval((low + high) / 2, low, high, 5)) == word


def test_judges_the_paired_difference_in_the_claimed_direction(make_record):
    records = [make_record(arm="a", seed=s, linear=50 + s + 2 + 0.1 * s) for s in range(4)]
    records += [make_record(arm="b", seed=s, linear=50.0 + s) for s in range(4)]
    (up,) = judge((Claim("up", "a beats b", "a", "b"),), records)
    (down,) = judge((Claim("down", "b beats a", "b", "a"),), records)
    # seeds spread by 1 a step, pairs by 0.1: only pairing can see a difference of 2
    assert up.word == "holds" and down.word == "does not hold"
    assert up.difference.mean == pytest.approx(2.15) == -down.difference.mean
    assert (up.agreeing, down.agreeing) == (4, 0)


def test_more_claims_widen_the_intervals(make_record):
    records = [make_record(arm=a, seed=s, linear=s * 1.0) for a in "ab" for s in (0, 3, 4)]
    records += [make_record(arm="c", seed=s, linear=s * 2.0) for s in (0, 3, 4)]
    claim = Claim("x", "c beats a", "c", "a")
    (alone,), (among, *_) = judge((claim,), records), judge((claim,) * 5, records)
    assert alone.difference.confidence == pytest.approx(0.95)
    assert among.difference.confidence == pytest.approx(0.99)
    assert among.difference.low < alone.difference.low


def test_every_claim_names_arms_of_the_study():
    for claim in FAILURE_MODE_CLAIMS:
        assert {claim.better, claim.worse} <= FAILURE_MODE_ARMS.keys()


def test_by_seed_picks_the_arm_and_metric(make_record):
    records = [make_record(arm="a", seed=1, linear=3.0), make_record(arm="b", seed=2, linear=4.0)]
    assert by_seed(records, "b") == {2: 4.0}


def test_published_differences_are_those_of_the_papers_tables():
    published = {c.key: {p.source: p.difference for p in c.published} for c in FAILURE_MODE_CLAIMS}
    assert published["harm"] == {"Table 1, STF": 0.18, "Figure 1(b), DDPM": 1.06}
    assert published["cure"] == {"Table 1, STF": 1.86}
    assert published["rescue"] == {"Table 1, STF": 2.04}
    assert published["beyond_weak"] == {}

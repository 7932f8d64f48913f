"""Findings of the worlds against their records."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from adainf_core.findings.worlds import FLAWS, STRENGTHS, TAUS, WorldFindings


@pytest.fixture(scope="module")
def found():
    return WorldFindings()


def test_worlds_are_chosen_by_crops_and_generator(found):
    assert found.worlds() == list(found.study.arms)
    parts = [w for s in STRENGTHS for flaw in FLAWS for w in found.worlds((s,), (flaw,))]
    assert sorted(parts) == sorted(found.worlds())
    for world in found.worlds((1.5,), ("chimera",)):
        run = found.experiment(world)
        assert run.flaw == "chimera"
        assert run.tau in TAUS
        assert run.augmentation.half == 1.5 * found.study.layout("laptop").base.augmentation.half


def test_worlds_of_two_strengths_differ_in_the_strength_alone(found):
    for softer, harder in zip(found.worlds((1.0,)), found.worlds((1.5,)), strict=True):
        one, other = found.experiment(softer), found.experiment(harder)
        assert (one.flaw, one.tau, one.beta) == (other.flaw, other.tau, other.beta)


def test_ranks_are_those_of_the_means(found):
    hard = found.worlds((1.0, 1.5))
    trained = found.means_of("trained", hard)
    assert trained[0] == pytest.approx(np.mean(list(found.accuracy(hard[0], "trained").values())))
    expected = spearmanr(found.means_of("exact", hard), trained).statistic
    assert found.ranked("exact", (1.0, 1.5)).value == pytest.approx(expected)

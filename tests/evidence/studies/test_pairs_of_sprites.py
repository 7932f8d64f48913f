"""Worlds of pairs: without variations they are the worlds before, with them the exact dial's."""

from dataclasses import fields, replace

import numpy as np
import pytest

from adainf_core.data.latent_positives import LatentVariation, positive_dial, positive_sprites
from adainf_core.data.latent_sprites import PopulationViews
from adainf_core.evidence.studies import latent_worlds
from adainf_core.evidence.studies.latent_experiment import LatentExperiment
from adainf_core.evidence.studies.role_worlds import ARMS, STUDY


def test_without_variations_it_is_the_world_of_theory_against_training():
    for suffix, strength in (("", 1.0), ("_hard", 1.5)):
        own = STUDY.experiment("laptop", f"real{suffix}", 20)
        plain = latent_worlds.STUDY.experiment("laptop", f"real-s{strength:g}", 20)
        same = {each.name: getattr(own, each.name) for each in fields(LatentExperiment)}
        assert LatentExperiment(**same) == plain
        # where eigenvalues are tied the error is a mean over drawn encoders
        mine, theirs = own.theory(), plain.theory()
        for exact in ("alpha", "gap", "tv"):
            assert mine[exact] == pytest.approx(theirs[exact], abs=1e-9)
        assert abs(own.pictured.world.kernel - plain.pictured.world.kernel).max() < 1e-12
        one, other = (PopulationViews(e.pictured, e.beta).batch(3, 32, 7) for e in (own, plain))
        assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("arm", [arm for arm in ARMS if not arm.startswith("real")])
def test_alpha_and_gap_are_those_of_the_exact_dial(arm):
    own = STUDY.experiment("laptop", arm, 20)
    world = positive_sprites(own.augmentation, own.variation)
    (exact,) = positive_dial(world, [own.share], own.pretrain.method.out, draws=1)
    found = own.theory()
    assert found["gap"] == pytest.approx(exact.spectral_gap, abs=1e-9)
    assert found["alpha"] == pytest.approx(exact.labeling_error, abs=1e-9)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if not arm.startswith("real")])
def test_as_images_the_same_variations_are_no_new_distribution(arm):
    own = STUDY.experiment("laptop", arm, 20)
    assert own.variation != LatentVariation()
    nodes = positive_sprites(own.augmentation, own.variation).as_images()
    assert nodes.total_variation == pytest.approx(0, abs=1e-12)


def test_a_share_outside_zero_to_one_is_refused():
    with pytest.raises(ValueError, match=r"share = 1\.5"):
        replace(STUDY.experiment("laptop", "hue", 20), share=1.5)

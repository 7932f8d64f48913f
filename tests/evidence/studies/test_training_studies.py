"""The grids of training: the paper's shares, whole designs, treatments that are the same."""

import itertools
from dataclasses import replace

import pytest

from adainf_core.evidence.studies import (
    ablation,
    code_traps,
    crop_strength,
    data_scarce,
    datasets,
    diffusion,
    failure_mode,
    failure_mode_sprites,
    inflation_size,
    jitter_strength,
    method_rates,
    methods,
    mixing_ratio,
    quality,
    training_length,
)
from adainf_core.evidence.studies.catalogue import studies
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.learning.policies import POLICIES

TRAINING = {
    name: study
    for name, study in studies().items()
    if all(isinstance(layout.base, TrainingExperiment) for layout in study.layouts.values())
}
each_study = pytest.mark.parametrize("study", TRAINING.values(), ids=TRAINING)


def beta(experiment) -> float:
    """The share of real draws, by the paper's formula."""
    if experiment.generator is None:
        return 1.0
    if experiment.beta is not None:
        return experiment.beta
    weight = experiment.replication * experiment.n_real
    return weight / (weight + experiment.n_generated)


def same(study, arm, other_study, other_arm, scale="laptop", seed=10) -> bool:
    one, other = (
        where.STUDY.experiment(scale, name, seed)
        for where, name in ((study, arm), (other_study, other_arm))
    )
    return one == other


@pytest.mark.parametrize("scale", ["laptop", "gpu"])
def test_the_papers_shares(scale):
    found = {arm: failure_mode.STUDY.experiment(scale, arm, 10) for arm in failure_mode.STUDY.arms}
    shares = {arm: beta(experiment) for arm, experiment in found.items()}
    for arm in ("vanilla", "perfect_vanilla"):
        assert shares[arm] == pytest.approx(1 / 21)
    for arm in ("adainf", "reweighted", "perfect_adainf"):
        assert shares[arm] == pytest.approx(1 / 3)
    assert shares["none"] == shares["weak"] == 1 and shares["generated_only"] == 0
    # +0.1M at N = 1 has the share of +1M at N = 10
    tenth = mixing_ratio.STUDY.experiment(scale, "tenth", 10)
    assert beta(tenth) == pytest.approx(1 / 3)
    assert 10 * tenth.n_generated == mixing_ratio.STUDY.experiment(scale, "n_10", 10).n_generated


def test_the_sprites_keep_the_paper_s_share_of_adainf():
    for scale in failure_mode_sprites.STUDY.layouts:
        adainf = failure_mode_sprites.STUDY.experiment(scale, "adainf", 0)
        assert beta(adainf) == pytest.approx(1 / 3)


def test_a_gpu_run_has_the_papers_passes_through_its_real_images():
    base = failure_mode.STUDY.layout("gpu").base
    passes = base.pretrain.steps * base.pretrain.batch_size / base.n_real
    assert passes == 100_000 * 512 / 50_000
    # no photographs are left for a perfect generator at the paper's own scale
    assert failure_mode.STUDY.layout("paper").without == ("perfect_vanilla", "perfect_adainf")
    assert failure_mode.STUDY.layout("gpu").without == ()


@each_study
def test_vanilla_changes_the_images_alone_and_adainf_the_policy_too(study):
    for scale in study.layouts:
        for arm in study.arms:
            if not arm.startswith("vanilla") or arm.replace("vanilla", "none") not in study.arms:
                continue
            none, vanilla = (
                study.experiment(scale, a, 10) for a in (arm.replace("vanilla", "none"), arm)
            )
            assert none.generator is None and vanilla.generator is not None
            assert vanilla.pretrain == none.pretrain and vanilla.replication == 1
            adainf = arm.replace("vanilla", "adainf")
            if adainf in study.arms and adainf != arm:
                treated = study.experiment(scale, adainf, 10)
                assert treated.replication > 1 and treated.n_generated == vanilla.n_generated
                policy = treated.pretrain.policy
                assert policy.crop_scale[0] > vanilla.pretrain.policy.crop_scale[0]
                assert replace(treated.pretrain, policy=None) == replace(
                    vanilla.pretrain, policy=None
                )


def cell(study, arm) -> tuple:
    """What an arm of a study on photographs crosses: generator, N, images a real one, policy."""
    run, base = study.experiment("laptop", arm, 0), study.layout("laptop").base
    return (
        getattr(run.generator, "name", None),
        run.replication,
        run.n_generated / run.n_real,
        "strong" if run.pretrain.policy == base.pretrain.policy else run.pretrain.policy,
    )


def test_the_ablation_is_whole():
    # (generator, N, images, policy): weight means nothing without generated images
    cells = {cell(ablation.STUDY, arm) for arm in ablation.ARMS}
    weak = POLICIES["symmetric_adainf"].for_image_size(16)
    wanted = {(None, 1.0, 0.0, policy) for policy in ("strong", weak)} | set(
        itertools.product(("gaussian_mixture", "held_out"), (1.0, 10.0), (20.0,), ("strong", weak))
    )
    assert cells == wanted and len(ablation.ARMS) == len(wanted)


def test_sweeps_cross_every_level_with_every_generator():
    for study in (crop_strength.STUDY, jitter_strength.STUDY):
        cells = {(cell(study, arm)[0], cell(study, arm)[-1]) for arm in study.arms}
        sources = {None, "gaussian_mixture", "held_out"}
        assert cells == set(itertools.product(sources, {policy for _, policy in cells}))
        assert len(cells) == len(study.arms)
    sizes = {cell(inflation_size.STUDY, arm) for arm in inflation_size.ARMS}
    assert len({made for made in sizes if made[0]}) == 2 * 4 * 2 == len(inflation_size.ARMS) - 2


def test_the_same_treatment_is_the_same_run():
    pairs = [
        (crop_strength, "none_crop_0.08", failure_mode, "none"),
        (crop_strength, "vanilla_crop_0.08", failure_mode, "vanilla"),
        (crop_strength, "perfect_crop_0.08", failure_mode, "perfect_vanilla"),
        (jitter_strength, "none_jitter_1", failure_mode, "none"),
        (jitter_strength, "vanilla_jitter_1", failure_mode, "vanilla"),
        (mixing_ratio, "n_1", failure_mode, "vanilla"),
        (mixing_ratio, "n_10", ablation, "reweighted"),
        (mixing_ratio, "n_50", code_traps, "n_50"),
        (mixing_ratio, "perfect_n_10", ablation, "perfect_reweighted"),
        (inflation_size, "mixture_strong_20", failure_mode, "vanilla"),
        (inflation_size, "perfect_weak_20", ablation, "perfect_weak"),
        (quality, "gaussian_mixture", failure_mode, "vanilla"),
        (quality, "held_out", failure_mode, "perfect_vanilla"),
        (methods, "adainf", failure_mode, "adainf"),
        (data_scarce, "adainf", failure_mode, "adainf"),
        (training_length, "vanilla_weak", ablation, "vanilla_weak"),
        (code_traps, "perfect_vanilla", failure_mode, "perfect_vanilla"),
    ]
    assert [pair for pair in pairs if not same(*pair)] == []
    # and a relative that is not
    assert not same(failure_mode, "none", failure_mode, "weak")
    assert not same(code_traps, "vanilla", code_traps, "vanilla_swapped")
    assert not same(code_traps, "vanilla_online", failure_mode, "vanilla")
    assert not same(mixing_ratio, "tenth", mixing_ratio, "n_10")


def test_headline_arms_have_five_seeds_at_laptop_scale_and_others_three():
    for study in TRAINING.values():
        # strict ones have the seeds that their power asks for, and rates are chosen on one
        if study in (failure_mode_sprites.STUDY, diffusion.STUDY, method_rates.STUDY):
            continue
        if study.strict or "laptop" not in study.layouts:
            continue
        plan = study.plan("laptop")
        for key, arm in study.arms.items():
            assert sum(a == key for a, _ in plan) == (5 if arm.headline else 3)
        assert min(seed for _, seed in plan) == 20  # earlier ones went into design and probe
    assert all(arm.headline for arm in failure_mode.STUDY.arms.values())


def test_a_study_that_joined_later_shares_no_run_with_the_others():
    others = {
        study.experiment("laptop", *run)
        for study in TRAINING.values()
        if study is not diffusion.STUDY and "laptop" in study.layouts
        for run in study.plan("laptop")
    }
    plan = diffusion.STUDY.plan("laptop")
    own = [diffusion.STUDY.experiment("laptop", *run) for run in plan]
    assert len(own) == 24 == len(set(own)) and not others & set(own)
    for arm in ("diffusion", "mixture_weak"):
        assert beta(diffusion.STUDY.experiment("laptop", arm, 40)) == pytest.approx(1 / 3)


def test_factors_act_on_the_base():
    quarter = data_scarce.STUDY.experiment("laptop", "adainf_quarter", 10)
    whole = data_scarce.STUDY.experiment("laptop", "adainf", 10)
    assert 4 * quarter.n_real == whole.n_real and beta(quarter) == pytest.approx(beta(whole))
    assert quarter.pretrain == whole.pretrain
    steps = {
        suffix: training_length.STUDY.experiment("laptop", f"none{suffix}", 10).pretrain.steps
        for suffix in ("_quarter", "", "_fourfold")
    }
    assert steps == {"_quarter": 250, "": 1000, "_fourfold": 4000}
    assert datasets.STUDY.experiment("laptop", "none_stl10", 10).world == "stl10"
    byol = methods.STUDY.experiment("laptop", "adainf_byol", 10).pretrain
    assert byol.method.name == "byol"
    assert byol.policy == POLICIES["asymmetric_adainf"].for_image_size(16)
    online = code_traps.STUDY.experiment("laptop", "vanilla_online", 10).pretrain
    assert online.online_learning_rate == 2e-3


def test_largest_scale_does_not_exceed_the_wanted_one():
    assert failure_mode_sprites.STUDY.largest_scale("quick") == "quick"
    assert failure_mode_sprites.STUDY.largest_scale("paper") == "laptop"
    with pytest.raises(ValueError, match="starts at scale 'laptop'"):
        failure_mode.STUDY.largest_scale("quick")

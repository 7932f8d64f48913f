"""The grids of training: the paper's shares, whole designs, treatments that are the same."""

import itertools
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adainf_core.data.images import ImageSet
from adainf_core.evidence.runs.records import PACKAGE, config_hash
from adainf_core.evidence.studies import training as experiments
from adainf_core.evidence.studies.catalogue import STUDIES
from adainf_core.evidence.studies.study import Study
from adainf_core.evidence.studies.training import SPRITES, experiment_data
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
from adainf_core.generators.dial import Diffusion, Diluted, GaussianMixture, PCAGaussian
from adainf_core.learning.policies import POLICIES

TRAINING = {name: study for name, study in STUDIES.items() if isinstance(study, Study)}
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
        config_hash(where.experiment(scale, name, seed).config())
        for where, name in ((study, arm), (other_study, other_arm))
    )
    return one == other


def test_these_are_all():
    assert len(TRAINING) == 14


@pytest.mark.parametrize("scale", ["laptop", "gpu"])
def test_the_papers_shares(scale):
    found = {arm: FAILURE_MODE.experiment(scale, arm, 10) for arm in FAILURE_MODE.arms}
    shares = {arm: beta(experiment) for arm, experiment in found.items()}
    for arm in ("vanilla", "perfect_vanilla"):
        assert shares[arm] == pytest.approx(1 / 21)
    for arm in ("adainf", "reweighted", "perfect_adainf"):
        assert shares[arm] == pytest.approx(1 / 3)
    assert shares["none"] == shares["weak"] == 1 and shares["generated_only"] == 0
    # +0.1M at N = 1 has the share of +1M at N = 10
    tenth = MIXING_RATIO.experiment(scale, "tenth", 10)
    assert beta(tenth) == pytest.approx(1 / 3)
    assert 10 * tenth.n_generated == MIXING_RATIO.experiment(scale, "n_10", 10).n_generated


def test_the_sprites_keep_the_paper_s_share_of_adainf():
    for scale in FAILURE_MODE_SPRITES.layouts:
        adainf = FAILURE_MODE_SPRITES.experiment(scale, "adainf", 0)
        assert beta(adainf) == pytest.approx(1 / 3)


def test_a_gpu_run_has_the_papers_passes_through_its_real_images():
    base = FAILURE_MODE.layout("gpu").base
    passes = base.pretrain.steps * base.pretrain.batch_size / base.n_real
    assert passes == 100_000 * 512 / 50_000
    # no photographs are left for a perfect generator at the paper's own scale
    assert FAILURE_MODE.layout("paper").without == ("perfect_vanilla", "perfect_adainf")
    assert FAILURE_MODE.layout("gpu").without == ()


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


def test_the_ablation_is_whole():
    # (generator, N, policy): weight means nothing without generated images, the rest is there
    cells = {
        (getattr(t.generator, "name", None), t.replication, t.policy)
        for t in ABLATION.arms.values()
    }
    weights, policies = (1.0, 10.0), ("strong", "weak")
    wanted = {(None, 1.0, policy) for policy in policies} | set(
        itertools.product(("gaussian_mixture", "held_out"), weights, policies)
    )
    assert cells == wanted and len(ABLATION.arms) == len(wanted)
    assert all(treatment.inflation == 20 for treatment in ABLATION.arms.values())


def test_sweeps_cross_every_level_with_every_generator():
    for study in (CROP_STRENGTH, JITTER_STRENGTH):
        cells = {(getattr(t.generator, "name", None), t.policy) for t in study.arms.values()}
        sources = {None, "gaussian_mixture", "held_out"}
        assert cells == set(itertools.product(sources, {t.policy for t in study.arms.values()}))
        assert len(cells) == len(study.arms)
    sizes = {
        (t.generator.name, t.inflation, t.policy)
        for t in INFLATION_SIZE.arms.values()
        if t.generator
    }
    assert len(sizes) == 2 * 4 * 2 == len(INFLATION_SIZE.arms) - 2


def test_the_same_treatment_is_the_same_run():
    pairs = [
        (CROP_STRENGTH, "none_crop_0.08", FAILURE_MODE, "none"),
        (CROP_STRENGTH, "vanilla_crop_0.08", FAILURE_MODE, "vanilla"),
        (CROP_STRENGTH, "perfect_crop_0.08", FAILURE_MODE, "perfect_vanilla"),
        (JITTER_STRENGTH, "none_jitter_1", FAILURE_MODE, "none"),
        (JITTER_STRENGTH, "vanilla_jitter_1", FAILURE_MODE, "vanilla"),
        (MIXING_RATIO, "n_1", FAILURE_MODE, "vanilla"),
        (MIXING_RATIO, "n_10", ABLATION, "reweighted"),
        (MIXING_RATIO, "n_50", CODE_TRAPS, "n_50"),
        (MIXING_RATIO, "perfect_n_10", ABLATION, "perfect_reweighted"),
        (INFLATION_SIZE, "mixture_strong_20", FAILURE_MODE, "vanilla"),
        (INFLATION_SIZE, "perfect_weak_20", ABLATION, "perfect_weak"),
        (QUALITY, "gaussian_mixture", FAILURE_MODE, "vanilla"),
        (QUALITY, "held_out", FAILURE_MODE, "perfect_vanilla"),
        (METHODS, "adainf", FAILURE_MODE, "adainf"),
        (DATA_SCARCE, "adainf", FAILURE_MODE, "adainf"),
        (TRAINING_LENGTH, "vanilla_weak", ABLATION, "vanilla_weak"),
        (CODE_TRAPS, "perfect_vanilla", FAILURE_MODE, "perfect_vanilla"),
    ]
    assert [pair for pair in pairs if not same(*pair)] == []
    # and a relative that is not
    assert not same(FAILURE_MODE, "none", FAILURE_MODE, "weak")
    assert not same(CODE_TRAPS, "vanilla", CODE_TRAPS, "vanilla_swapped")
    assert not same(CODE_TRAPS, "vanilla_online", FAILURE_MODE, "vanilla")
    assert not same(MIXING_RATIO, "tenth", MIXING_RATIO, "n_10")


def test_headline_arms_have_five_seeds_at_laptop_scale_and_others_three():
    for study in TRAINING.values():
        if study in (FAILURE_MODE_SPRITES, DIFFUSION):
            continue
        plan = study.plan("laptop")
        for arm, treatment in study.arms.items():
            assert sum(a == arm for a, _ in plan) == (5 if treatment.headline else 3)
        assert min(seed for _, seed in plan) == 20  # earlier ones went into design and probe
    assert all(arm.headline for arm in FAILURE_MODE.arms.values())


def test_a_study_that_joined_later_shares_no_run_with_the_others():
    others = {
        config_hash(study.experiment("laptop", *run).config())
        for study in TRAINING.values()
        if study is not DIFFUSION
        for run in study.plan("laptop")
    }
    plan = DIFFUSION.plan("laptop")
    own = [config_hash(DIFFUSION.experiment("laptop", *run).config()) for run in plan]
    assert len(own) == 24 == len(set(own)) and not others & set(own)
    for arm in ("diffusion", "mixture_weak"):
        assert beta(DIFFUSION.experiment("laptop", arm, 40)) == pytest.approx(1 / 3)


def test_factors_act_on_the_base():
    quarter = DATA_SCARCE.experiment("laptop", "adainf_quarter", 10)
    whole = DATA_SCARCE.experiment("laptop", "adainf", 10)
    assert 4 * quarter.n_real == whole.n_real and beta(quarter) == pytest.approx(beta(whole))
    assert quarter.pretrain == whole.pretrain
    steps = {
        suffix: TRAINING_LENGTH.experiment("laptop", f"none{suffix}", 10).pretrain.steps
        for suffix in ("_quarter", "", "_fourfold")
    }
    assert steps == {"_quarter": 250, "": 1000, "_fourfold": 4000}
    assert DATASETS.experiment("laptop", "none_stl10", 10).world == "stl10"
    byol = METHODS.experiment("laptop", "adainf_byol", 10).pretrain
    assert byol.method.name == "byol"
    assert byol.policy == POLICIES["asymmetric_adainf"].for_image_size(16)
    online = CODE_TRAPS.experiment("laptop", "vanilla_online", 10).pretrain
    assert online.online_learning_rate == 2e-3


def test_largest_scale_does_not_exceed_the_wanted_one():
    assert FAILURE_MODE_SPRITES.largest_scale("quick") == "quick"
    assert FAILURE_MODE_SPRITES.largest_scale("paper") == "laptop"
    with pytest.raises(ValueError, match="starts at scale 'laptop'"):
        FAILURE_MODE.largest_scale("quick")


# ---- the code that decides a run

#: What a run passes through without being decided by it: checks, plumbing, files.
PLUMBING = {
    "__init__.py", "configuration.py", "devices.py", "files.py", "progress.py", "stopping.py",
    "tensor_files.py", "theory/validation.py",
    "generators/pipelines.py", "learning/__init__.py", "learning/checkpoints.py",
    "learning/distributed.py", "evidence/running.py", "evidence/study.py", "evidence/scales.py",
    "evidence/training_studies.py",
}  # fmt: skip


class Trace:
    """The package's source files that run something while a `with` block does, in any thread."""

    def __enter__(self) -> set[str]:
        self.files: set[str] = set()
        self.before = sys.getprofile()
        threading.setprofile(self._look)
        sys.setprofile(self._look)
        return self.files

    def __exit__(self, *_) -> None:
        sys.setprofile(self.before)
        threading.setprofile(None)

    def _look(self, frame, event, _) -> None:
        if event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                self.files.add(path.relative_to(PACKAGE).as_posix())


@pytest.fixture
def small(monkeypatch):
    """Shrinks an experiment to what takes no time, on noise in place of photographs."""
    rng = np.random.default_rng(0)
    noise = ImageSet(
        rng.integers(0, 256, (400, 3, 16, 16), dtype=np.uint8), rng.integers(0, 10, 400), "noise"
    )
    monkeypatch.setattr(experiments, "_small", lambda name, split, size: noise)

    def shrink(experiment):
        size = experiment.size if experiment.world == SPRITES else noise.images.shape[-1]
        images, made = min(experiment.n_generated, 40), experiment.generator
        if isinstance(made, Diluted):
            made = replace(made, share=0.5, other=replace(made.other, principal=2))
        elif isinstance(made, GaussianMixture | PCAGaussian):
            made = replace(made, principal=2)
        if isinstance(made, GaussianMixture):
            made = replace(made, components=2)
        elif isinstance(made, Diffusion):  # its model has 16 pixels a side
            made, images = replace(made, steps=2), 2
        pretrain = replace(experiment.pretrain, steps=1, batch_size=8, width=2, warmup=0)
        return replace(
            experiment, size=size, n_real=100, n_test=20, n_generated=images, generator=made,
            pretrain=pretrain,
        )  # fmt: skip

    return shrink


def files_of(study) -> set[str]:
    """Files that a study's code lists, whole or in part."""
    return {path.partition(":")[0] for path in study.code}


def test_code_names_every_module_that_makes_the_data(small):
    experiment_data(small(QUALITY.experiment("laptop", "diluted_50", 10)))  # imports untraced
    traced: dict[tuple, set[str]] = {}
    for study in TRAINING.values():
        scale = next(iter(study.layouts))
        for arm, treatment in study.arms.items():
            experiment = study.experiment(scale, arm, 10)
            makes = (experiment.world == SPRITES, treatment.generator, treatment.swapped)
            if makes not in traced:
                with Trace() as traced[makes]:
                    experiment_data(small(experiment))
            missing = traced[makes] - PLUMBING - files_of(study)
            assert missing == set(), f"{study.name}, arm {arm}"
    assert set.union(*traced.values()) >= {"generators/dilution.py", "generators/corruptions.py"}


@pytest.mark.parametrize(
    ("study", "arms"),
    [
        (METHODS, ("none", "weak_moco", "none_byol", "none_barlow")),
        (CODE_TRAPS, ("none_online",)),
        (FAILURE_MODE_SPRITES, ("weak",)),
    ],
    ids=["methods", "online", "sprites"],
)
def test_code_names_every_module_that_trains_and_probes(study, arms, small):
    small(CODE_TRAPS.experiment("laptop", "none_online", 10)).run()  # imports untraced
    scale, files = next(iter(study.layouts)), set()
    for arm in arms:
        with Trace() as found:
            small(study.experiment(scale, arm, 10)).run()
        files |= found
    assert "learning/methods/simclr.py" in files and "learning/probing.py" in files
    assert files - PLUMBING - files_of(study) == set()

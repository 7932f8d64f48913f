"""Experiments: arms that share what they should, and a run that can be stopped on the way."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from adainf_core.data.images import ImageSet
from adainf_core.evidence.runs.quantities import misplaced
from adainf_core.evidence.studies import training as experiments
from adainf_core.evidence.studies.training import (
    TrainingExperiment,
    experiment_data,
    probed_data,
    small_images,
)
from adainf_core.generators import published
from adainf_core.generators.dial import HeldOutSetting, Memorised
from adainf_core.generators.filtering import Filter
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.generators.published import PublishedSetting
from adainf_core.generators.variation_settings import MixtureVariations, NearestGenerated
from adainf_core.learning import pretraining
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.roles import Positive
from adainf_core.learning.scores import PANEL

pytestmark = pytest.mark.usefixtures("few_penalties")

CONFIG = PretrainConfig(
    steps=3, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu"
)
SPRITES = TrainingExperiment("sprites", size=16, n_real=60, n_test=40, pretrain=CONFIG)
FLAWED = replace(SPRITES, generator=FlawedSprites("background", 0.9), n_generated=50)
PHOTOGRAPHS = replace(SPRITES, world="cifar10", size=8, n_real=20, n_test=10)
PERFECT = replace(PHOTOGRAPHS, generator=HeldOutSetting(), n_generated=30)


@pytest.fixture(autouse=True)
def photographs(monkeypatch) -> dict[str, ImageSet]:
    """Fifty training and fifteen test images in place of every named set."""
    rng = np.random.default_rng(0)
    made = {
        split: ImageSet(
            rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8), rng.integers(0, 10, n), split
        )
        for split, n in (("train", 50), ("test", 15))
    }
    monkeypatch.setattr(
        experiments, "small_images", lambda name, split, size, jpeg=None: made[split]
    )
    return made


def keys(images: ImageSet) -> set[bytes]:
    return {image.tobytes() for image in images.images}


@pytest.mark.parametrize(
    "arms",
    [
        (SPRITES, FLAWED, replace(FLAWED, n_generated=80, swapped=True), replace(FLAWED, beta=0.5),
         replace(SPRITES, generator=HeldOutSetting(), n_generated=30)),
        (PHOTOGRAPHS, PERFECT, replace(PERFECT, generator=Memorised(), replication=3.0)),
    ],
    ids=["sprites", "photographs"],
)  # fmt: skip
def test_arms_of_one_seed_share_real_and_test_images(arms):
    real, _, test = experiment_data(arms[0])
    for arm in arms[1:]:
        other_real, generated, other_test = experiment_data(arm)
        assert np.array_equal(real.images, other_real.images)
        assert np.array_equal(real.labels, other_real.labels)
        assert np.array_equal(test.images, other_test.images)
        assert generated.labels is None and len(generated) == arm.n_generated
    another_real, _, same_test = experiment_data(replace(arms[0], seed=1))
    assert not np.array_equal(real.images, another_real.images)
    assert np.array_equal(test.images, same_test.images)


def test_held_out_photographs_are_all_the_others(photographs):
    real, held_out, test = experiment_data(PERFECT)
    assert keys(real) | keys(held_out) == keys(photographs["train"])
    assert keys(real).isdisjoint(keys(held_out)) and len(real) + len(held_out) == 50
    assert np.array_equal(test.images, photographs["test"].images[:10])


def test_all_photographs_may_be_real_where_nothing_is_held_out(photographs):
    whole = replace(PERFECT, n_real=len(photographs["train"]), generator=None, n_generated=0)
    real, generated, _ = experiment_data(whole)
    assert keys(real) == keys(photographs["train"]) and generated is None


def test_held_out_sprites_are_fresh_draws():
    generator = {"generator": HeldOutSetting(), "n_generated": 60}
    real, held_out, test = experiment_data(replace(SPRITES, **generator))
    # single sprites may coincide, the samples may not
    for other in (real, test):
        assert (held_out.images[: len(other)] != other.images).any(axis=(1, 2, 3)).mean() > 0.9


def test_swapped_exchanges_red_and_blue_of_the_generated_images_alone():
    real, plain, test = experiment_data(FLAWED)
    swapped_real, swapped, swapped_test = experiment_data(replace(FLAWED, swapped=True))
    assert np.array_equal(swapped.images, plain.images[:, [2, 1, 0]])
    assert not np.array_equal(swapped.images, plain.images)
    assert np.array_equal(real.images, swapped_real.images)
    assert np.array_equal(test.images, swapped_test.images)


def test_labels_are_of_real_images_whatever_is_generated():
    for changes in ({"swapped": True}, {"replication": 3.0}, {"beta": 0.5}):
        labelled, test = probed_data(replace(FLAWED, **changes))
        real, _, expected = experiment_data(FLAWED)
        assert np.array_equal(labelled.images, real.images), changes
        assert np.array_equal(test.images, expected.images)


def shares(experiment: TrainingExperiment, monkeypatch) -> float:
    """The share of real draws in a long sample of what `experiment` trains on."""
    seen = []

    def kept(config, data, **_):
        seen.append(data)
        raise InterruptedError

    monkeypatch.setattr(pretraining, "pretrain", kept)
    with pytest.raises(InterruptedError):
        experiment.run()
    rng = np.random.default_rng(0)
    indices, _ = seen[0].draw_indices(20_000, rng)
    return float(seen[0].is_real(indices).mean())


def test_weights_are_replication_or_beta(monkeypatch):
    # 60 real and 50 generated images; of 20,000 draws a share is off by 0.02 at six sigma
    assert shares(SPRITES, monkeypatch) == 1
    assert shares(FLAWED, monkeypatch) == pytest.approx(60 / 110, abs=0.02)
    assert shares(replace(FLAWED, replication=10.0), monkeypatch) == pytest.approx(
        600 / 650, abs=0.02
    )
    assert shares(replace(FLAWED, beta=0.25), monkeypatch) == pytest.approx(0.25, abs=0.02)
    assert shares(replace(FLAWED, beta=0.0), monkeypatch) == 0


def test_a_stopped_run_goes_on_to_the_same_end(tmp_path):
    undisturbed = replace(FLAWED, beta=0.0).run()
    assert undisturbed.beta == 0 and undisturbed.metrics.keys() == undisturbed.protocols.keys()
    assert all(0 <= value <= 100 for value in undisturbed.metrics.values())
    path, stops = tmp_path / "run.pt", 0
    while (outcome := replace(FLAWED, beta=0.0).resume(path, max_seconds=0)) is None:
        stops += 1
        assert path.is_file() and stops < CONFIG.steps
    # every call takes a step at least, so a run never stands still; the last one ends it
    assert stops == CONFIG.steps - 1
    assert outcome == undisturbed


def test_the_online_probe_is_an_extra():
    plain = SPRITES.run()
    online = replace(SPRITES, pretrain=replace(CONFIG, online_learning_rate=0.1)).run()
    assert plain.metrics.keys() == {"linear", "knn"}
    assert online.metrics.keys() == {"linear", "knn", "online"}
    # on detached features: the encoder, and with it the offline probes, stays as it is
    assert online.metrics["linear"] == plain.metrics["linear"]
    assert online.metrics["knn"] == plain.metrics["knn"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"world": "mars"}, "world='mars' is unknown; choose sprites, .*cifar10"),
        ({"world": "cifar10"}, "generator='flawed_sprites' makes no images of cifar10"),
        ({"n_generated": 0}, "n_generated=0: give both or neither"),
        ({"generator": None}, "with n_generated=50: give both or neither"),
        ({"generator": None, "n_generated": 0, "replication": 10.0}, "name a generator"),
        ({"generator": None, "n_generated": 0, "beta": 0.5}, "name a generator"),
        ({"replication": 10.0, "beta": 0.5}, r"replication=10.0 and beta=0.5: give one"),
    ],
)
def test_impossible_experiments_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        replace(FLAWED, **changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_real": 51}, "n_real=51 is more than the 50 images of cifar10"),
        ({"n_test": 16}, "n_test=16 is more than the 15 images of cifar10"),
        ({"n_generated": 31}, "31.*held-out images"),
    ],
)
def test_more_images_than_there_are_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        experiment_data(replace(PERFECT, **changes))


# ---- other people's generated images, more labels, one file format


def pool_of(monkeypatch, count: int) -> ImageSet:
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    pool = ImageSet(images, rng.integers(0, 10, count), f"cifake-train, {count} left")
    monkeypatch.setattr(published, "_pool", lambda dataset: pool)
    return pool


def test_published_images_are_handed_out_once_at_the_experiment_s_size(monkeypatch):
    pool = pool_of(monkeypatch, 40)
    arm = replace(PHOTOGRAPHS, generator=PublishedSetting(), n_generated=30)
    real, generated, _ = experiment_data(arm)
    averaged = pool.images.reshape(40, 3, 8, 2, 8, 2).mean((3, 5))
    assert generated.labels is None and generated.images.shape == (30, 3, 8, 8)
    away = np.abs(generated.images[:, None].astype(float) - averaged[None]).max((2, 3, 4))
    found = np.argwhere(away <= 0.5)
    assert len(found) == 30 == len(set(found[:, 1].tolist()))
    assert np.array_equal(real.images, experiment_data(PHOTOGRAPHS)[0].images)
    _, again, _ = experiment_data(replace(arm, n_generated=10))
    assert np.array_equal(again.images, generated.images[:10])
    _, other, _ = experiment_data(replace(arm, seed=1))
    assert not np.array_equal(other.images, generated.images)
    assert "40 left, without replacement, without labels" in arm.generator.origin()
    with pytest.raises(ValueError, match=r"41 .*40.*the images of cifake-train.*ask for fewer"):
        experiment_data(replace(arm, n_generated=41))


def test_probes_may_learn_from_more_labels_than_training_has(photographs):
    plain, more = (probed_data(replace(PERFECT, n_labelled=n)) for n in (None, 45))
    assert keys(plain[0]) == keys(experiment_data(PERFECT)[0])
    assert len(more[0]) == 45 and np.array_equal(more[0].images[:20], plain[0].images)
    assert np.array_equal(more[1].images, plain[1].images)
    # and training sees what it saw
    for one, other in zip(
        experiment_data(PERFECT), experiment_data(replace(PERFECT, n_labelled=45)), strict=True
    ):
        assert np.array_equal(one.images, other.images)
    with pytest.raises(ValueError, match="n_labelled=51 is more than the 50 images of cifar10"):
        experiment_data(replace(PERFECT, n_labelled=51))
    with pytest.raises(ValueError, match="n_labelled = 0 must"):
        replace(PERFECT, n_labelled=0)


def test_real_jpeg_is_pillow_s_of_all_photographs(monkeypatch):
    rng = np.random.default_rng(2)
    whole = {
        split: ImageSet(
            rng.integers(0, 256, (50, 3, 16, 16), dtype=np.uint8), rng.integers(0, 10, 50), split
        )
        for split in ("train", "test")
    }
    monkeypatch.setattr(experiments, "small_images", small_images)
    monkeypatch.setattr(experiments, "load_images", lambda name, split, download: whole[split])
    small_images.cache_clear()
    saved = {}
    for split, images in whole.items():
        files = [io.BytesIO() for _ in images.images]
        for file, image in zip(files, images.images, strict=True):
            Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=75)  # 4:2:0
        saved[split] = np.stack([np.asarray(Image.open(file)).transpose(2, 0, 1) for file in files])
    plain, jpeg = (replace(PERFECT, size=16, real_jpeg=quality) for quality in (None, 75))
    before, after = experiment_data(plain), experiment_data(jpeg)
    order = np.random.default_rng(jpeg.seed).permutation(50)
    assert np.array_equal(before[0].images, whole["train"].images[order[:20]])
    assert np.array_equal(after[0].images, saved["train"][order[:20]])
    assert np.array_equal(after[2].images, saved["test"][:10])
    assert keys(after[1]) <= {image.tobytes() for image in saved["train"]}
    assert np.array_equal(probed_data(jpeg)[0].images, after[0].images)
    # smaller images are averages of what the files hold
    half, _, _ = experiment_data(replace(jpeg, size=8))
    means = saved["train"][order[:20]].reshape(20, 3, 8, 2, 8, 2).mean((3, 5))
    assert np.abs(half.images - means).max() <= 0.5
    small_images.cache_clear()


def test_labels_and_formats_of_sprites_are_refused():
    for changes in ({"n_labelled": 70}, {"real_jpeg": 75}):
        with pytest.raises(ValueError, match="are for named image sets"):
            replace(SPRITES, **changes)
    with pytest.raises(ValueError, match="real_jpeg = 101"):
        replace(PHOTOGRAPHS, real_jpeg=101)


# ---- other roles of generated images

MADE = replace(SPRITES, generator=Memorised(), n_generated=40)


def source_of(experiment: TrainingExperiment):
    return experiment._source(experiment._inflation()[0])


def test_variations_are_of_the_run_s_own_images_and_leave_batches_as_they_are():
    varied = replace(
        SPRITES,
        variations=MixtureVariations(k=2, components=2, principal=5),
        pretrain=replace(CONFIG, generated_role=Positive()),
    )
    plain, source = source_of(SPRITES), source_of(varied)
    made = varied.variations.vary(plain.real, None, varied.seed)
    assert np.array_equal(source.pairs.images, made)
    for one, other in zip(plain.batch(1, 16, 0), source.batch(1, 16, 0), strict=True):
        assert np.array_equal(one, other)
    assert varied.run().beta == 1.0


def test_nearest_images_are_a_pool_that_need_not_be_trained_on():
    nearest = replace(
        MADE,
        beta=1.0,
        variations=NearestGenerated(2, principal=5),
        pretrain=replace(CONFIG, generated_role=Positive()),
    )
    source = source_of(nearest)
    ids, _, _ = source.batch(0, 200, 0)
    assert (ids < 60).all() and len(source.images[1]) == 40
    pool = keys(source.inflation.generated)
    assert {image.tobytes() for image in source.pairs.images.reshape(-1, 3, 16, 16)} <= pool


def test_a_filter_leaves_as_many_images_and_the_best_of_more():
    real, plain, _ = experiment_data(MADE)
    chosen = Filter(0.5, "distance", principal=5)
    filtered = experiment_data(replace(MADE, filtered=chosen))[1]
    assert len(filtered) == len(plain) == 40 and "50% left out by distance" in filtered.name
    made = MADE.generator.make(real, None, MADE.seed).sample(80, MADE.seed)
    assert np.array_equal(filtered.images, made.images[chosen.kept(made, real, MADE.seed)[:40]])


def test_a_schedule_is_of_the_steps():
    run = replace(
        MADE, schedule=((0.25, 0.0), (1.0, 1.0)), pretrain=replace(CONFIG, steps=8, warmup=0)
    )
    source = source_of(run)
    reals = [source.phases[0][1].is_real(source.batch(step, 16, 0)[0]).mean() for step in range(8)]
    assert reals == [0.0] * 2 + [1.0] * 6
    assert run.run().beta == 0.0


def test_scores_without_labels_stand_beside_the_probes():
    scored = replace(SPRITES, scored=True)
    outcome = scored.run()
    metrics, plain = outcome.metrics, SPRITES.run().metrics
    assert plain.items() <= metrics.items()
    names = {f"{prefix}_{name}" for prefix in ("score", "strong_score") for name in PANEL}
    assert metrics.keys() - plain.keys() == names | {"score_loss"}
    assert metrics["score_loss"] == outcome.history[-1]["loss"]
    # what reads single images does not see the augmentation
    assert metrics["score_rankme"] == metrics["strong_score_rankme"]
    assert not any(misplaced(TrainingExperiment, *item) for item in metrics.items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schedule": ((0.5, 0.0), (0.9, 1.0))}, "have to rise from above 0 to 1"),
        ({"schedule": ((0.6, 0.0), (0.5, 1.0), (1.0, 1.0))}, "have to rise"),
        ({"schedule": ((1.0, 0.3),), "beta": 0.2}, "drop replication and beta"),
        ({"generator": None, "n_generated": 0, "schedule": ((1.0, 0.3),)}, "name a generator"),
        ({"generator": None, "n_generated": 0, "filtered": Filter()}, "name a generator"),
        ({"variations": MixtureVariations()}, "give both, or neither"),
        ({"pretrain": replace(CONFIG, generated_role=Positive())}, "give both, or neither"),
        (
            {
                "schedule": ((1.0, 0.3),),
                "variations": MixtureVariations(),
                "pretrain": replace(CONFIG, generated_role=Positive()),
            },
            "give one of them",
        ),
    ],
)
def test_schedules_and_filters_that_mean_nothing_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(MADE, **changes)

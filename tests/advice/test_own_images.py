"""Planning and comparing on images of one's own: closed forms, splits, and the four arms."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from photo_tiles import saved, tiles
from PIL import Image
from scipy import stats

from adainf_core.advice.own_images import _read, own_images
from adainf_core.advice.own_study import SCALE, compared, own_study
from adainf_core.advice.planning import (
    ARMS,
    LEVEL,
    QUESTIONS,
    detectable,
    expected_copies,
    expected_pairs,
    found_difference,
    make_plan,
    noise_of_run,
    paired_noise,
    paper_replication,
    recorded_noise,
    seeds_needed,
    seeds_to_decide,
    seeds_to_find,
    weigh,
)
from adainf_core.configuration import differences, to_plain
from adainf_core.data.copies import find_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.labelled_pairs import numbered_as
from adainf_core.data.named_sets import load_images
from adainf_core.data.sprites import SpriteWorld
from adainf_core.evidence.judging.claims import MARGIN, Term
from adainf_core.evidence.judging.verdicts import by_seed, judge
from adainf_core.evidence.runs.one_run import run_one
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.statistics.intervals import Interval, paired_difference, smallest_detectable

pytestmark = pytest.mark.usefixtures("few_penalties")


@pytest.fixture(autouse=True, scope="module")
def _fewer_trees_and_blocks():
    """Of the bound on the gap, and of the blocks in which traces of JPEG are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adainf_core.gap.neighbour_classifier._MOST_TREES", 8)
        patch.setattr("adainf_core.gap.jpeg._SCANNED", 2**14)
        yield


def numbered(count: int, name: str) -> ImageSet:
    return ImageSet(np.zeros((count, 3, 2, 2), np.uint8), None, name)


@pytest.mark.parametrize("sampling", ["iid", "epoch"])
def test_pairs_of_copies_are_counted_over_all_pairs_of_places(sampling):
    n_real, n_generated, copies = 3, 4, 2
    entries = [*(i for i in range(n_real) for _ in range(copies)), *([None] * n_generated)]
    places = range(len(entries))
    pairs = [(i, j) for i in places for j in places if sampling == "iid" or i != j]
    alike = np.mean([entries[i] == entries[j] is not None for i, j in pairs])
    size = 5
    found = expected_pairs(n_real, n_generated, copies, size, sampling)
    assert found == pytest.approx(size * (size - 1) / 2 * alike)
    again = np.mean([entries[j] == 0 for i, j in pairs if i == 0])
    copied = expected_copies(n_real, n_generated, copies, size - 1, sampling)
    assert copied == pytest.approx((size - 1) * again)


@pytest.mark.parametrize("replication", [1, 3, 10])
@pytest.mark.parametrize("sampling", ["iid", "epoch"])
def test_weight_is_that_of_the_mixture(replication, sampling):
    mixed = Inflation(
        numbered(50, "r"), numbered(200, "g"), replication=replication, sampling=sampling
    )
    found = weigh(50, 200, replication, batch_size=16, steps=70, sampling=sampling)
    passes = mixed.exposures(70, 16)
    assert found.beta == pytest.approx(mixed.beta, rel=1e-12)
    assert (found.real_passes, found.generated_passes) == pytest.approx(passes, rel=1e-12)


@pytest.mark.parametrize(("sampling", "replication"), [("iid", 1), ("iid", 4), ("epoch", 4)])
def test_expected_copies_are_what_batches_hold(sampling, replication):
    n_real, n_generated, batch, steps = 15, 30, 24, 4000
    mixed = Inflation(
        numbered(n_real, "r"),
        numbered(n_generated, "g"),
        replication=replication,
        sampling=sampling,
    )
    others, draws = np.zeros(steps), np.zeros(steps)
    for step in range(steps):
        drawn = mixed.batch_indices(step, batch, seed=3)
        counts = np.bincount(drawn[drawn < n_real], minlength=n_real)
        others[step], draws[step] = (counts * (counts - 1)).sum(), counts.sum()
    expected = weigh(n_real, n_generated, replication, batch, steps, sampling).copies
    found = others.sum() / draws.sum()
    # a ratio of means over (nearly) independent batches: four standard errors
    error = (others - found * draws).std() / draws.mean() / np.sqrt(steps)
    assert abs(found - expected) < 4 * error < 0.1 * expected


@pytest.mark.parametrize("replication", [1, 4])
def test_expected_copies_in_a_queue_reach_over_the_start_of_an_epoch(replication):
    n_real, n_generated, places, epochs = 15, 30, 40, 3000
    rng, entries = np.random.default_rng(0), replication * n_real + n_generated
    order = [*np.repeat(np.arange(n_real), replication), *([-1] * n_generated)]
    drawn = np.concatenate([rng.permutation(order) == 0 for _ in range(epochs)])
    seen = np.concatenate([[0.0], np.cumsum(drawn)])
    at = np.flatnonzero(drawn)[replication:]
    found = seen[at] - seen[at - places]
    expected = expected_copies(n_real, n_generated, replication, places, "epoch", queue=True)
    batch = expected_copies(n_real, n_generated, replication, places, "epoch")
    # half a place more than the formula's continuous average, at most N / E of a copy
    error = 4 * found.std() / np.sqrt(epochs) + replication / (2 * entries)
    assert abs(found.mean() - expected) < error < expected - batch


def test_an_epoch_in_which_each_image_occurs_once_has_no_copies():
    assert weigh(40, 80, 1, 32, 10).copies == 0
    assert weigh(40, 80, 1, 32, 10, "iid").copies == pytest.approx(31 / 120)
    assert weigh(40, 0, 1, 32, 10).generated_passes == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"replication": 0.5}, "at least 1"),
        ({"replication": 2.5}, "whole in epochs"),
        ({"batch_size": 91}, "batch_size = 91 must be in 2..90, the images of an epoch"),
        ({"n_real": 0}, "n_real = 0"),
        ({"sampling": "twice"}, "sampling='twice' is unknown"),
    ],
)
def test_sizes_that_make_no_mixture_are_refused(change, says):
    sizes = {"n_real": 30, "n_generated": 60, "replication": 1, "batch_size": 8, "steps": 5}
    with pytest.raises(ValueError, match=says):
        weigh(**sizes | change)


@pytest.mark.parametrize("sizes", [(50_000, 1_000_000), (400, 3000), (100, 20), (7, 95), (3, 7)])
def test_the_papers_share_is_met_as_nearly_as_whole_copies_can(sizes):
    n_real, n_generated = sizes
    found = paper_replication(n_real, n_generated)
    distance = [abs(n * n_real / (n * n_real + n_generated) - 1 / 3) for n in range(1, 200)]
    assert distance[found - 1] == min(distance)
    assert (sizes != (50_000, 1_000_000)) or found == 10


@pytest.mark.parametrize("difference", [0.4, 1.0, 3.0, 50.0])
def test_seeds_are_the_fewest_that_suffice(difference):
    enough = (n for n in range(2, 201) if smallest_detectable(0.8, n, LEVEL) <= difference)
    assert seeds_needed(difference, 0.8) == next(enough)


@pytest.mark.parametrize("halfway", [False, True])
def test_seeds_to_decide_decide_as_often(halfway):
    # a claim of noise 1 over seeds, known: simulate the rule at the answer and a seed below it
    confidence, sd, runs = 0.98, 1.0, 40_000
    z = stats.norm.ppf((1 + confidence) / 2)
    now = Interval(0.4, 0.4 - z * sd / 2, 0.4 + z * sd / 2, 4, confidence=confidence)
    enough = seeds_to_decide(now, halfway)
    truth = MARGIN / 2 if halfway else 0.0
    means = truth + np.random.default_rng(0).normal(0, sd, runs)
    decided = []
    for n in (enough - 1, enough):
        half, mean = z * sd / np.sqrt(n), truth + (means - truth) / np.sqrt(n)
        above, below = mean - half > 0, mean + half < MARGIN
        decided.append(np.mean(above | below if halfway else below))
    # three standard errors of a share of 0.8 among 40,000
    assert decided[0] < 0.8 + 0.006 and decided[1] > 0.8 - 0.006
    assert decided[1] > decided[0]


def test_what_is_detectable_is_detected_as_often_and_noise_is_that_of_a_run():
    weights, sd, n, confidence, runs = (1, -1, -1, 1), 0.7, 5, 0.98, 100_000
    z, error = stats.norm.ppf((1 + confidence) / 2), 0.7 * np.sqrt(4 / 5)
    found = Interval(1.0, 1.0 - z * error, 1.0 + z * error, n, confidence=confidence)
    assert noise_of_run(found, weights) == pytest.approx(sd)
    truth = detectable(error, confidence)
    noise = np.random.default_rng(0).normal(0, sd, (runs, n, 4))
    means = truth + (noise @ np.array(weights)).mean(axis=1)
    # three standard errors of a share of 0.8 among 100,000
    assert np.mean(means - z * error > 0) == pytest.approx(0.8, abs=0.004)


def test_what_is_decided_already_asks_for_no_more_seeds():
    assert seeds_to_decide(Interval(3.0, 2.9, 3.1, 5)) == 5


def test_seeds_beyond_reach_are_none_and_no_difference_is_refused():
    assert seeds_needed(0.01, 1.0) is None
    with pytest.raises(ValueError, match="difference=0 has to be positive"):
        seeds_needed(0, 1.0)


def test_noise_is_the_pooled_deviation_of_the_differences(make_record):
    rng = np.random.default_rng(0)
    records = [make_record(arm, seed, 50 + 5 * rng.normal()) for seed in range(400) for arm in ARMS]
    # of independent arms, √2 times their own; five questions share 400 seeds: within 5 %
    assert paired_noise(records) == pytest.approx(5 * np.sqrt(2), rel=0.05)
    # and seeds that shift all arms alike are no noise
    alike = [make_record(arm, seed, 50.0 + seed) for seed in range(5) for arm in ARMS]
    assert paired_noise(alike) == 0
    assert paired_noise(alike[:4]) is None
    # two seeds: differences of 0 and 2 in each question have the deviation √2
    two = [
        make_record(arm, seed, float(rank * (1 + seed)))
        for seed in range(2)
        for arm, rank in (("none", 0), ("vanilla", 2))
    ]
    assert paired_noise(two) == pytest.approx(np.sqrt(2))


def test_recorded_noise_is_that_of_the_failure_mode(tmp_path):
    assert recorded_noise(tmp_path) is None
    found = recorded_noise()
    assert found is None or 0 < found < 10


def test_verdicts_are_of_the_differences(make_record):
    level = {"none": 50.0, "weak": 54.0, "vanilla": 47.0, "adainf": 54.2}
    rng = np.random.default_rng(1)
    records = [
        make_record(arm, seed, level[arm] + rng.normal(0, 0.2)) for seed in range(6) for arm in ARMS
    ]
    found = compared(records)
    words = {v.claim.key: v.outcome for v in found.verdicts}
    assert set(words) == {"harm", "cure", "rescue", "weak_harms", "beyond_weak"}
    assert words["harm"] == words["cure"] == words["rescue"] == "holds"
    assert words["weak_harms"] == "does not hold"
    assert words["beyond_weak"] in ("does not hold", "not decided", "holds, but negligible")
    harm = next(v for v in found.verdicts if v.claim.key == "harm")
    plain = paired_difference(by_seed(records, "none"), by_seed(records, "vanilla"))
    assert harm.difference.value == pytest.approx(plain.value)
    assert harm.difference.confidence == pytest.approx(LEVEL)
    assert len(QUESTIONS) * (1 - LEVEL) == pytest.approx(0.05)


def test_neighbours_answer_where_no_linear_probe_ran(make_record):
    records = [
        make_record(arm, seed, metrics={"knn": 30.0 + 10 * (arm == "none") + seed})
        for seed in range(3)
        for arm in ARMS
    ]
    harm = compared(records).verdicts[0]
    assert harm.outcome == "holds" and harm.difference.value == 10


# ---- images at paths


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """A folder of labelled sprites, flawed ones in an archive, and others to test on."""
    folder, world, rng = tmp_path_factory.mktemp("own"), SpriteWorld(), np.random.default_rng(0)
    real, test = (world.sample(world.real_distribution(), n, rng) for n in (200, 200))
    fakes = world.sample(world.generated_distribution("background", 0.9), 400, rng)
    found = find_copies(real.images, test.images, fakes.images).distinct
    real, test, fakes = (
        part.subset((found[(start <= found) & (found < start + len(part))] - start)[:count])
        for part, start, count in ((real, 0, 96), (test, 200, 80), (fakes, 400, 300))
    )
    for image, label, number in zip(real.images, real.labels, range(96), strict=True):
        path = folder / "real" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    np.savez(folder / "fakes.npz", images=fakes.images)
    np.savez(folder / "test.npz", images=test.images, labels=test.labels)
    np.savez(folder / "unlabelled.npz", images=real.images)
    return folder


def test_a_quarter_of_each_class_is_held_out_of_everything(sprites):
    own = own_images(str(sprites / "real"), str(sprites / "fakes.npz"))
    assert own.test_kept and own.generated.labels is None
    assert len(own.real) + len(own.test) == 96 and len(own.labelled) == len(own.real)
    every = ImageSet.from_folder(sprites / "real")
    for label in range(8):
        there = (every.labels == label).sum()
        assert (own.test.labels == label).sum() == max(1, there // 4)
    together = np.concatenate([own.real.images, own.test.images])

    def order(images):
        return np.sort(images.reshape(len(images), -1).astype(np.int64) @ np.arange(1, 769))

    assert (order(together) == order(every.images)).all()


def test_named_test_images_are_taken_and_nothing_is_held_out(sprites):
    own = own_images(*(str(sprites / n) for n in ("real", "fakes.npz")), None,
                     str(sprites / "test.npz"))  # fmt: skip
    assert len(own.real) == 96 and len(own.test) == 80 and not own.test_kept
    unlabelled = own_images(*(str(sprites / n) for n in ("unlabelled.npz", "fakes.npz")))
    assert unlabelled.labelled is None and unlabelled.test is None
    few = own_images(*(str(sprites / n) for n in ("unlabelled.npz", "fakes.npz", "test.npz")))
    assert len(few.real) == 96 and len(few.labelled) + len(few.test) == 80 and few.test_kept


def test_a_named_set_brings_its_own_test_images(tmp_path):
    digits = load_images("digits")
    np.savez(tmp_path / "fakes.npz", images=digits.images[:50])
    own = own_images("digits", str(tmp_path / "fakes.npz"))
    assert not own.test_kept and own.test.name == "digits-test"


def test_images_that_cannot_be_compared_are_refused(sprites, tmp_path):
    real = ImageSet.from_folder(sprites / "real")
    cases = {
        "large": ({"images": np.repeat(np.repeat(real.images, 2, 2), 2, 3)}, "would be enlarged"),
        "oblong": ({"images": real.images[:, :, :8]}, "not square"),
    }
    for name, (arrays, says) in cases.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(ValueError, match=says):
            own_images(str(sprites / "real"), str(tmp_path / f"{name}.npz"))
    with pytest.raises(FileNotFoundError, match="absent: there is no such file or folder: name a"):
        own_images(str(sprites / "real"), str(tmp_path / "absent"))
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match="no store of generated images, npz archive or folder"):
        own_images(str(sprites / "real"), str(tmp_path / "notes.txt"))
    np.savez(tmp_path / "odd.npz", images=real.images[:20], labels=np.full(20, 9))
    with pytest.raises(ValueError, match="odd has label 9, which real does not have"):
        own_images(*(str(sprites / n) for n in ("real", "fakes.npz")), None,
                   str(tmp_path / "odd.npz"))  # fmt: skip
    np.savez(tmp_path / "pair.npz", images=real.images[:4], labels=np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="label 0 has 2 images"):
        own_images(str(tmp_path / "pair.npz"), str(sprites / "fakes.npz"))


def test_classes_are_told_by_their_folders(sprites, tmp_path):
    real = ImageSet.from_folder(sprites / "real")

    def write(names):
        for name, label in names.items():
            folder = tmp_path / "test" / name
            folder.mkdir(parents=True, exist_ok=True)
            other = 255 - real.images[real.labels == label][0]  # a test image is no copy
            Image.fromarray(other.transpose(1, 2, 0)).save(folder / "0.png")

    paths = (*(str(sprites / n) for n in ("real", "fakes.npz")), None, str(tmp_path / "test"))
    write({str(label): label for label in range(1, 8)})
    # labels 0..6 are within range, and each would mean another class
    own = own_images(*paths)
    assert own.test.labels.tolist() == [*range(7)]
    assert numbered_as(own.labelled, own.test).labels.tolist() == [*range(1, 8)]
    write({"unheard of": 0})
    _read.cache_clear()
    with pytest.raises(ValueError, match="test has class 'unheard of', which real does not have"):
        own_images(*paths)


def test_fewer_generated_images_are_among_more_of_them(sprites):
    study = study_of(sprites, amounts=(1, 2))
    base = study.layout(SCALE).base
    own = own_images(base.real, base.generated)
    assert [arm for arm in study.arms if arm not in ARMS] == ["adainf_1x", "adainf_2x"]
    one, two, every = (
        study.experiment(SCALE, arm, 3).data(own).generated.images
        for arm in ("adainf_1x", "adainf_2x", "adainf")
    )
    assert (len(one), len(two), len(every)) == (len(own.real), 2 * len(own.real), 300)
    rows = [{image.tobytes() for image in images} for images in (one, two, every)]
    assert rows[0] < rows[1] < rows[2]


def test_nothing_is_tested_on_what_is_learnt_from(sprites):
    real, fakes = (str(sprites / n) for n in ("real", "fakes.npz"))
    with pytest.raises(ValueError, match="real and real are the same images"):
        own_images(real, fakes, None, real)


def test_swapped_colours_are_noticed(tmp_path):
    rng = np.random.default_rng(0)
    # red skies over dark ground: far from their own reversal
    images = rng.integers(0, 60, (200, 3, 8, 8)).astype(np.uint8)
    images[:, 0, :4] += np.uint8(150)
    np.savez(tmp_path / "real.npz", images=images[:100])
    np.savez(tmp_path / "bgr.npz", images=images[100:, ::-1])
    with pytest.raises(ValueError, match="red and blue swapped"):
        own_images(str(tmp_path / "real.npz"), str(tmp_path / "bgr.npz"))


@pytest.mark.parametrize(("seeds", "arms"), [(2, 4), (3, 5), (8, 4)])
def test_a_found_difference_is_found_as_often_as_said(seeds, arms):
    noise, trials = 0.8, 1500
    apart = found_difference(noise, seeds, arms)
    rng, found = np.random.default_rng(1), 0
    names = [*ARMS, "more"][:arms]
    claims = [
        *QUESTIONS,
        *([replace(QUESTIONS[0], key="x", terms=(Term("more", 1.0),))] * (arms - 4)),
    ]
    del claims[len(QUESTIONS) - (arms - 4) : len(QUESTIONS)]  # as many, over all arms
    first = claims[0]
    for runs in rng.normal(0, noise / 2**0.5, (trials, arms, seeds)):
        runs[names.index(first.arms[0])] += apart
        records = [
            SimpleNamespace(arm=arm, seed=seed, metrics={"linear": value})
            for arm, values in zip(names, runs, strict=True)
            for seed, value in enumerate(values)
        ]
        found += judge(claims, records)[0].difference.low > 0
    assert abs(found / trials - 0.8) < 4 * (0.16 / trials) ** 0.5
    assert seeds_to_find(apart * 1.001, noise, arms) == seeds


def study_of(sprites, **options):
    small = PretrainConfig(steps=2, batch_size=16, width=4, warmup=0, device="cpu")
    paths = [str(sprites / name) for name in ("real", "fakes.npz")]
    return own_study(*paths, **{"pretrain": small, "probe": "knn", "seeds": 2} | options)


def test_arms_differ_in_what_they_are_named_for(sprites):
    study = study_of(sprites)
    config = {arm: to_plain(study.experiment(SCALE, arm, 1)) for arm in study.arms}

    def differing(one, other):
        return {found.split("=")[0] for found in differences(config[one], config[other])}

    assert differing("none", "vanilla") == {"replication"}
    weaker = differing("none", "weak")
    assert weaker and all(key.startswith("pretrain.policy") for key in weaker)
    assert differing("vanilla", "adainf") == weaker | {"replication"}
    n_real = len(own_images(*(str(sprites / n) for n in ("real", "fakes.npz"))).real)
    assert config["adainf"]["replication"] == paper_replication(n_real, 300)


def test_the_comparison_runs_and_is_repeatable(sprites):
    study = study_of(sprites)
    records = [run_one(study, SCALE, *key) for key in study.plan(SCALE)]
    assert [v.outcome for v in compared(records).verdicts].count("not run") == 0
    again = run_one(study, SCALE, *study.plan(SCALE)[3])
    assert again.metrics == records[3].metrics and again.history == records[3].history
    n, base = study.arms["adainf"].changes["replication"], study.layout(SCALE).base
    beta = weigh(len(own_images(base.real, base.generated).real), 300, n, 16, 2).beta
    assert {r.arm: r.beta for r in records} == pytest.approx(
        {"none": 1, "weak": 1, "adainf": beta, "vanilla": beta / (n - (n - 1) * beta)}
    )
    assert [record.kind for record in records] == ["own"] * len(records)


def test_what_cannot_be_decided_is_refused_before_training(sprites):
    with pytest.raises(ValueError, match="batch_size = 500 must be in 2"):
        study_of(sprites, pretrain=PretrainConfig(batch_size=500))
    with pytest.raises(ValueError, match="seeds = 1"):
        study_of(sprites, seeds=1)
    with pytest.raises(ValueError, match="no labels to decide by"):
        own_study(*(str(sprites / n) for n in ("unlabelled.npz", "fakes.npz")),
                  pretrain=PretrainConfig())  # fmt: skip


def test_a_plan_holds_its_parts(sprites, monkeypatch):
    monkeypatch.setattr("adainf_core.gap.neighbour_classifier._MOST_TREES", 2)
    own = own_images(str(sprites / "real"), str(sprites / "fakes.npz"))
    plan = make_plan(own.real, own.generated, 32, 100, noise=0.8, gap_images=60)
    assert [w.replication for w in plan.weights] == sorted({1, 2, 5, 10, 20, 50, plan.replication})
    assert plan.weights[0] == weigh(len(own.real), 300, 1, 32, 100)
    assert plan.seeds[1] == (1.0, seeds_to_find(1.0, 0.8))
    assert plan.lasting(70).weights[0] == weigh(len(own.real), 300, 1, 32, 70)
    assert 0 <= plan.gap.lower <= 1 and plan.gap.estimate.n_real < 60
    with pytest.raises(ValueError, match="the real images"):
        make_plan(own.real, own.generated, 90, 100, noise=0.8)


# ---- copies


@pytest.fixture(scope="module")
def photographs():
    found = tiles()
    return found[np.random.default_rng(0).permutation(len(found))]


def written(path, images, labels=None):
    np.savez(path, images=images, **({} if labels is None else {"labels": labels}))
    return str(path)


def changed(images, kind):
    return {
        "exact": images,
        "mirrored": images[..., ::-1],
        "saved as JPEG": np.stack([saved(image, 95) for image in images]),
    }[kind]


@pytest.mark.parametrize("kind", ["exact", "mirrored", "saved as JPEG"])
def test_copies_are_left_out_before_anything_is_counted_or_split(photographs, tmp_path, kind):
    real = photographs[:80]
    together = np.concatenate([real, changed(real, kind), real, real])
    labels = np.tile(np.arange(80) % 4, 4)
    paths = (written(tmp_path / "real.npz", together, labels),
             written(tmp_path / "fakes.npz", photographs[80:]))  # fmt: skip
    own = own_images(*paths)
    again = find_copies(own.real.images, own.test.images)
    assert len(again.distinct) == len(again)  # no copy on both sides of the held-out quarter
    few = 4 if kind == "saved as JPEG" else 0  # which may be missed
    assert 80 <= len(own.real) + len(own.test) <= 80 + few
    assert sum(own.copies["real"].counts.values()) >= 240 - few
    plan = make_plan(own.real, own.generated, 16, 100, noise=1, gap_images=60, new=own.new)
    assert plan.n_real == len(own.real) and plan.gap.lower == 0
    assert plan.replication == paper_replication(len(own.real), len(own.generated))


def test_a_plan_of_images_with_copies_leaves_them_out_itself(photographs):
    real = photographs[:80]
    together = np.concatenate([real, changed(real, "saved as JPEG"), real, real[..., ::-1]])
    generated = ImageSet(photographs[80:], None, "fakes")
    raw = make_plan(ImageSet(together, None, "real"), generated, 16, 100, noise=1, gap_images=60)
    assert 80 <= raw.n_real <= 80 + 4 and raw.gap.lower == 0


@pytest.mark.parametrize("kind", ["exact", "mirrored", "saved as JPEG"])
def test_a_set_as_its_own_generator_has_no_distance(photographs, tmp_path, kind):
    paths = (written(tmp_path / "real.npz", photographs, np.arange(len(photographs)) % 4),
             written(tmp_path / "fakes.npz", changed(photographs, kind)))  # fmt: skip
    own = own_images(*paths)
    plan = make_plan(own.real, own.generated, 16, 100, noise=1, gap_images=60, new=own.new)
    assert plan.gap is None and plan.shared >= 0.95 * plan.n_generated
    if kind != "saved as JPEG":
        assert plan.shared == plan.n_generated


def test_too_few_images_have_no_bound(photographs):
    few, many = (ImageSet(part, None, "s") for part in (photographs[:40], photographs[40:]))
    for sides in ((few, many), (many, few)):
        plan = make_plan(*sides, 16, 100, noise=1)
        assert plan.gap is None and plan.shared == 0


def test_a_gap_is_of_the_generated_images_that_are_new(photographs, monkeypatch):
    looked = []
    monkeypatch.setattr(
        "adainf_core.gap.image_tv.image_tv", lambda *sides, **_: looked.append(sides) or "bound"
    )
    real = ImageSet(photographs[:80], None, "real")
    made = ImageSet(photographs[60:140], None, "made")
    plan = make_plan(real, made, 16, 100, noise=1)
    assert plan.shared == 20 and plan.gap == "bound"
    ((ours, theirs),) = looked
    assert len(ours) == len(theirs) == 60  # as many of either side
    assert len(find_copies(ours, theirs).distinct) == 120


def test_test_images_that_repeat_labelled_ones_are_left_out(photographs, tmp_path):
    labels = np.arange(40) % 4
    real = written(tmp_path / "real.npz", photographs[:40], labels)
    fakes = written(tmp_path / "fakes.npz", photographs[80:140])
    test = np.concatenate([changed(photographs[:12], "mirrored"), photographs[40:68]])
    own = own_images(real, fakes, None, written(tmp_path / "test.npz", test, labels))
    assert own.test_copied == 12 and np.array_equal(own.test.images, photographs[40:68])
    inside = written(tmp_path / "inside.npz", photographs[8:20], labels[8:20])
    with pytest.raises(ValueError, match="inside: all 12 images are copies of images of real"):
        own_images(real, fakes, None, inside)
    alone = written(tmp_path / "alone.npz", np.repeat(photographs[:1], 30, 0), np.arange(30) % 4)
    with pytest.raises(ValueError, match="alone: all 30 images are copies of one"):
        own_images(alone, fakes)

"""The mixture: the distribution of each way to sample, exact epochs, purity, and refusals."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation


def marked(n: int, channel: int, size: int = 4) -> ImageSet:
    """Images that carry their index in one channel."""
    images = np.zeros((n, 3, size, size), np.uint8)
    images[:, channel] = np.arange(1, n + 1, dtype=np.uint8)[:, None, None]
    return ImageSet(images, None, f"marked-{channel}")


REAL, GENERATED = marked(20, 0), marked(100, 1)


@pytest.mark.parametrize("replication", [1, 2, 10, 2.5])
def test_beta_is_the_share_of_the_papers_concatenation(replication):
    copies = int(2 * 20 * replication)  # twice over, so that 2.5 copies count too
    assert Inflation(REAL, GENERATED, replication=replication).beta == copies / (copies + 200)


def test_papers_ten_copies_are_one_third_not_ten_elevenths():
    # 50,000 real and 1,000,000 generated, scaled down by a thousand
    data = Inflation(marked(50, 0), marked(200, 1), replication=2)
    assert data.beta == pytest.approx(1 / 3)


def test_without_generated_images_everything_is_real():
    data = Inflation(REAL)
    images, is_real = data.draw(50, np.random.default_rng(0))
    assert data.beta == 1 and is_real.all() and (images[:, 1] == 0).all()


@pytest.mark.parametrize("weight", [{}, {"replication": 3}, {"beta": 0.375}])
@pytest.mark.parametrize("generated", [GENERATED, None])
def test_a_mixture_can_be_changed(weight, generated):
    if generated is None and "beta" in weight:
        weight = {"beta": 1.0}
    data = Inflation(REAL, generated, **weight)
    changed = replace(data, stratified=True)
    assert changed.stratified and changed.beta == data.beta
    assert changed.describe() == data.describe() + ", stratified batches"
    fresh = Inflation(REAL, generated, sampling="epoch", **weight)
    by_epoch = replace(data, sampling="epoch")
    assert np.array_equal(by_epoch.batch_indices(1, 8, 0), fresh.batch_indices(1, 8, 0))


def test_a_changed_weight_is_never_ignored():
    data = Inflation(REAL, GENERATED, replication=3)
    for change in ({"replication": 5}, {"beta": 0.5}, {"generated": marked(200, 1)}):
        with pytest.raises(ValueError, match=r"means beta=.*drop one"):
            replace(data, **change)
    with pytest.raises(ValueError, match="drop one"):
        replace(Inflation(REAL), generated=GENERATED)
    assert replace(data, replication=5, beta=None).beta == 0.5
    assert replace(data, replication=None, beta=0.25).beta == 0.25
    assert replace(data, generated=marked(200, 1), beta=None).beta == 60 / 260
    assert Inflation(REAL, marked(200, 1), beta=data.beta).beta == data.beta


def test_mixtures_are_equal_if_they_are_one():
    data = Inflation(REAL, GENERATED)
    assert data == data and data != Inflation(REAL, GENERATED) and hash(data)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_draws_follow_the_mixture(beta):
    data = Inflation(REAL, GENERATED, beta=beta)
    n = 20_000
    images, is_real = data.draw(n, np.random.default_rng(0))
    assert np.array_equal(is_real, images[:, 0, 0, 0] > 0)  # the mask tells the truth
    assert (
        stats.binomtest(int(is_real.sum()), n, beta).pvalue > 1e-4
        if 0 < beta < 1
        else (is_real.all() if beta else not is_real.any())
    )
    for channel, side in ((0, REAL), (1, GENERATED)):
        drawn = images[:, channel, 0, 0]
        if (drawn > 0).any():
            counts = np.bincount(drawn[drawn > 0], minlength=len(side) + 1)[1:]
            assert stats.chisquare(counts).pvalue > 1e-4


def test_indices_and_images_agree():
    data = Inflation(REAL, GENERATED, beta=0.5)
    indices, _ = data.draw_indices(64, np.random.default_rng(3))
    images, _ = data.draw(64, np.random.default_rng(3))
    assert np.array_equal(np.concatenate(data.images)[indices], images)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"beta": 1.2}, r"beta=1.2 is outside \[0, 1\]"),
        ({"beta": float("nan")}, "beta=nan"),
        ({"replication": 0.5}, r"replication=0.5 is outside \[1, inf\)"),
        ({"replication": float("nan")}, "replication=nan"),
        ({"replication": float("inf")}, "replication=inf"),
        ({"beta": 0.5, "replication": 2}, "drop one"),
        ({"sampling": "shuffle"}, "sampling='shuffle' is unknown; choose iid, epoch"),
        ({"sampling": "epoch", "replication": 2.6}, "replication=2.6 is not whole.*replication=3"),
        ({"sampling": "epoch", "beta": 0.3}, "beta=0.3 means replication=2.14.*take replication=2"),
        ({"sampling": "epoch", "beta": 1.0}, "beta=1 leaves no generated image"),
    ],
)
def test_wrong_weights_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        Inflation(REAL, GENERATED, **options)


def test_beta_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="none are given"):
        Inflation(REAL, beta=0.5)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="downsampled"):
        Inflation(REAL, marked(5, 1, size=8))


def test_replication_is_checked_even_without_a_generator():
    with pytest.raises(ValueError, match=r"replication=0.5"):
        Inflation(REAL, replication=0.5)


# ---- batches by step: the distribution of each mode

MODES = list(itertools.product(("iid", "epoch"), (False, True)))
modes = pytest.mark.parametrize(("sampling", "stratified"), MODES)


def mixed(sampling, stratified, **weight) -> Inflation:
    weight = weight or {"replication": 3}
    return Inflation(REAL, GENERATED, sampling=sampling, stratified=stratified, **weight)


def indices_of(data: Inflation, steps, batch_size=16, seed=0) -> np.ndarray:
    return np.stack([data.batch_indices(step, batch_size, seed) for step in steps])


@modes
def test_every_mode_draws_from_the_mixture(sampling, stratified):
    # the first batch under many seeds: its entries are exchangeable in every mode
    data = mixed(sampling, stratified)
    n = 4000
    drawn = np.stack([data.batch_indices(0, 8, seed) for seed in range(n)])
    assert drawn.dtype == np.int64 and drawn.min() >= 0 and drawn.max() < 120
    weights = np.r_[np.full(20, 3.0), np.ones(100)]
    for column in (0, 7):
        counts = np.bincount(drawn[:, column], minlength=120)
        assert stats.chisquare(counts, n * weights / weights.sum()).pvalue > 1e-4


def test_iid_batches_have_binomial_counts_of_real_images():
    data = mixed("iid", False)
    counts = data.is_real(indices_of(data, range(4000))).sum(1)
    expected = stats.binom.pmf(range(17), 16, 60 / 160)
    kept = 4000 * expected > 5
    observed = np.bincount(counts, minlength=17)
    observed = np.r_[observed[kept], observed[~kept].sum()]
    expected = 4000 * np.r_[expected[kept], expected[~kept].sum()]
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_epoch_batches_have_hypergeometric_counts_of_real_images():
    data = mixed("epoch", False)
    counts = np.array([data.is_real(data.batch_indices(0, 16, s)).sum() for s in range(4000)])
    distribution = stats.hypergeom(160, 60, 16)
    # less spread than the binomial's 3.75, by (160 - 16) / 159
    assert counts.mean() == pytest.approx(
        distribution.mean(), abs=5 * distribution.std() / 4000**0.5
    )
    assert counts.var() == pytest.approx(distribution.var(), rel=0.12)


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize(("batch_size", "left_over"), [(16, 0), (32, 0), (48, 16), (7, 6)])
def test_an_epoch_holds_real_images_n_times_and_generated_ones_once(
    stratified, batch_size, left_over
):
    data = mixed("epoch", stratified)
    steps = data.steps_per_epoch(batch_size)
    assert steps * batch_size + left_over == data.epoch_size == 160
    for epoch in (0, 1, 5):
        drawn = indices_of(data, range(epoch * steps, (epoch + 1) * steps), batch_size)
        counts = np.bincount(drawn.ravel(), minlength=120)
        most = np.r_[np.full(20, 3), np.ones(100, int)]
        assert (counts <= most).all()
        assert (most - counts).sum() == left_over


def test_epochs_differ_in_order_and_in_what_they_drop():
    data = mixed("epoch", False)
    first, second = (indices_of(data, range(3 * e, 3 * e + 3), 48) for e in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(np.sort(first, None), np.sort(second, None))


@pytest.mark.parametrize("sampling", ["iid", "epoch"])
@pytest.mark.parametrize("weight", [{"replication": 3}, {"replication": 1}, {"beta": 0.5}])
def test_stratified_counts_never_stray_by_a_whole_image(sampling, weight):
    data = mixed(sampling, True, **weight)
    for batch_size in (16, 7, 1):
        counts = data.is_real(indices_of(data, range(300), batch_size, seed=4)).sum(1)
        ideal = batch_size * data.beta
        assert set(counts) <= {int(np.floor(ideal)), int(np.ceil(ideal))}
        running = np.cumsum(counts) - ideal * np.arange(1, 301)
        assert np.abs(running).max() < 1 + 1e-9


def test_stratified_share_is_exactly_beta_over_the_random_offset():
    # 7 beta = 2.625, so a batch holds 2 or 3: over seeds 3 has probability 0.625
    data = mixed("epoch", True)
    for step in (0, 5, 60):
        counts = [data.is_real(data.batch_indices(step, 7, seed)).sum() for seed in range(2000)]
        assert stats.binomtest(counts.count(3), 2000, 0.625).pvalue > 1e-4


@pytest.mark.parametrize("sampling", ["iid", "epoch"])
def test_stratified_batches_are_mixed_within(sampling):
    # ranks take slices: each has to see its share
    data = mixed(sampling, True)
    where = data.is_real(indices_of(data, range(2000))).mean(0)
    assert np.abs(where - data.beta).max() < 5 * (data.beta * (1 - data.beta) / 2000) ** 0.5


@modes
def test_batches_depend_on_their_arguments_alone(sampling, stratified):
    data = mixed(sampling, stratified)
    steps = np.arange(40)
    forward = indices_of(data, steps)
    order = np.random.default_rng(1).permutation(40)
    fresh = indices_of(mixed(sampling, stratified), order)  # another object, another order
    assert np.array_equal(fresh, forward[order])
    assert np.array_equal(indices_of(data, steps), forward)
    assert not np.array_equal(indices_of(data, steps, seed=1), forward)
    assert len({batch.tobytes() for batch in forward}) == 40


@modes
def test_draw_follows_the_mode(sampling, stratified):
    data = mixed(sampling, stratified)
    rng = np.random.default_rng(0)
    first, is_real = data.draw(150, rng)
    second, _ = data.draw(150, rng)
    assert not np.array_equal(first, second)
    counts = np.unique(first[~is_real].reshape(-1, 48), axis=0, return_counts=True)[1]
    assert (counts.max() == 1) == (sampling == "epoch")
    if stratified:
        assert is_real.sum() in (56, 57)  # 150 beta = 56.25


def test_beta_that_means_whole_copies_makes_the_same_epoch():
    assert np.array_equal(
        indices_of(mixed("epoch", False, beta=3 * 20 / 160), range(10)),
        indices_of(mixed("epoch", False, replication=3), range(10)),
    )


def test_beta_zero_makes_an_epoch_of_generated_images():
    data = mixed("epoch", True, beta=0.0)
    assert sorted(indices_of(data, range(10), 10).ravel()) == list(range(20, 120))


@pytest.mark.parametrize("replication", [None, 2])
def test_an_epoch_without_generated_images(replication):
    data = Inflation(REAL, replication=replication, sampling="epoch")
    copies = replication or 1
    drawn = indices_of(data, range(copies * 5), 4)
    assert (np.bincount(drawn.ravel()) == copies).all()


def test_iid_counts_its_epochs_by_generated_images():
    assert mixed("iid", False).steps_per_epoch(16) == 10
    assert mixed("iid", False, beta=0.5).steps_per_epoch(10) == 20
    assert mixed("iid", False, beta=1.0).steps_per_epoch(10) == 2
    assert Inflation(REAL).steps_per_epoch(10) == 2


@modes
@pytest.mark.parametrize(
    ("arguments", "says"),
    [((-1, 4, 0), "step = -1"), ((0, 0, 0), "batch_size = 0"), ((0, 4, -2), "seed = -2")],
)
def test_wrong_batches_are_named(sampling, stratified, arguments, says):
    with pytest.raises(ValueError, match=says):
        mixed(sampling, stratified).batch_indices(*arguments)


def test_a_batch_beyond_the_epoch_is_refused():
    with pytest.raises(ValueError, match=r"batch_size = 161 must be in 1\.\.160"):
        mixed("epoch", False).batch_indices(0, 161, 0)
    assert len(mixed("iid", False).batch_indices(0, 161, 0)) == 161


def test_weights_go_by_name():
    with pytest.raises(TypeError, match="positional argument"):
        Inflation(REAL, GENERATED, 10)


@pytest.mark.parametrize("real", ["cifar10", Path("photos"), REAL.images, None])
def test_what_is_no_set_of_images_is_named(real):
    with pytest.raises(ValueError, match=r"real = .* must be an ImageSet: load one with"):
        Inflation(real)


@pytest.mark.parametrize("indices", [[0, 250], [-1], [0.5]])
def test_indices_outside_the_images_are_named(indices):
    with pytest.raises(ValueError, match="indices"):
        Inflation(REAL, GENERATED).gather(np.array(indices))


# ---- images and exposures


def test_gather_reads_memory_mapped_sides(tmp_path):
    rng = np.random.default_rng(0)
    sides = [rng.integers(0, 256, (n, 3, 4, 4), dtype=np.uint8) for n in (30, 200)]
    mapped = []
    for i, side in enumerate(sides):
        np.save(tmp_path / f"{i}.npy", side)
        mapped.append(ImageSet(np.load(tmp_path / f"{i}.npy", mmap_mode="r"), None, "mapped"))
    data = Inflation(*mapped, beta=0.4)
    indices = data.batch_indices(3, 100, 0)
    batch = data.gather(indices)
    assert type(batch) is np.ndarray and batch.dtype == np.uint8
    assert np.array_equal(batch, np.concatenate(sides)[indices])


@pytest.mark.parametrize(
    ("n_real", "n_generated", "replication", "real", "generated"),
    [
        # the paper's arms at 100k steps x 512: passes over each real and each generated image
        (50_000, 0, 1, 1024, 0),
        (50_000, 1_000_000, 1, 49, 49),
        (50_000, 1_000_000, 2, 93, 47),
        (50_000, 1_000_000, 5, 205, 41),
        (50_000, 1_000_000, 10, 341, 34),
        (50_000, 1_000_000, 20, 512, 26),
        (50_000, 1_000_000, 50, 731, 15),
        (50_000, 100_000, 1, 341, 341),
        (5_000, 500_000, 10, 931, 93),
        (100_000, 1_000_000, 10, 256, 26),
    ],
)
def test_exposures_are_the_papers(n_real, n_generated, replication, real, generated):
    def blank(n):
        return ImageSet(np.broadcast_to(np.uint8(0), (n, 3, 1, 1)), None, "blank")

    data = Inflation(
        blank(n_real), blank(n_generated) if n_generated else None, replication=replication
    )
    exposures = data.exposures(100_000, 512)
    assert (round(exposures.real), round(exposures.generated)) == (real, generated)


@modes
def test_exposures_are_what_sampling_gives(sampling, stratified):
    data = mixed(sampling, stratified)
    steps = 30 * data.steps_per_epoch(16)
    counts = np.bincount(indices_of(data, range(steps)).ravel(), minlength=120)
    expected = data.exposures(steps, 16)
    assert expected == pytest.approx((90, 30))
    assert counts[:20].mean() == pytest.approx(expected.real, rel=0.05)
    assert counts[20:].mean() == pytest.approx(expected.generated, rel=0.05)


def test_describe_is_one_line():
    assert mixed("epoch", True).describe() == (
        "20 real (weight 3) + 100 generated, beta = 0.3750, shuffled epochs, stratified batches"
    )


def test_what_the_docstring_says_of_shares_is_so():
    """Independent draws vary by as much as it says; the two settings it names do not."""
    assert "sqrt(beta (1 - beta) / B)" in Inflation.__doc__
    images = np.zeros((300, 3, 2, 2), np.uint8)
    sides = ImageSet(images[:60], None, "real"), ImageSet(images, None, "made")
    size, beta = 32, 120 / 420

    def shares(steps, **options):
        mixture = Inflation(*sides, replication=2, **options)
        drawn = (mixture.batch_indices(step, size, 0) for step in range(steps))
        return np.array([mixture.is_real(indices).mean() for indices in drawn])

    independent = shares(4000)
    # of 4,000 batches: the deviation is known to a ninetieth of itself
    assert independent.std() == pytest.approx((beta * (1 - beta) / size) ** 0.5, rel=0.05)
    assert '`sampling="epoch"`' in Inflation.__doc__
    whole = Inflation(*sides, replication=2, sampling="epoch")
    epoch = np.concatenate([whole.batch_indices(step, 42, 0) for step in range(10)])
    assert whole.is_real(epoch).mean() == pytest.approx(beta, abs=1e-12)
    assert '`sampling="epoch", stratified=True`' in Inflation.__doc__
    exact = shares(130, sampling="epoch", stratified=True)
    assert abs(exact - beta).max() < 1 / size

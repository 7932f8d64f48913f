"""View graphs: cells by brute force, spectra against enumeration, estimates against the truth."""

from itertools import permutations

import numpy as np
import pytest
import torch
from random_worlds import random_world
from torch import nn

from adainf_core.data.named_sets import load_images
from adainf_core.learning.features import extract_features
from adainf_core.learning.image_bootstrap import image_bootstrap
from adainf_core.learning.labeler import train_labeler
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.view_cells import (
    Landmarks,
    PixelPCA,
    UnitLength,
    sample_view_labels,
)
from adainf_core.learning.view_graph import ViewGraph, sample_view_graph, source_weights
from adainf_core.learning.view_statistics import augmentation_confusion, labeling_error
from adainf_core.theory.augmentation_graph import AugmentationGraph

STRONG = AugmentationPolicy.named("symmetric").for_image_size(8)
STILL = STRONG.scaled(0)


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture(scope="module")
def space(digits):
    encoder = PixelPCA.fit(digits.images[700:], 12)
    return encoder, Landmarks.from_views(digits.images[700:], [STILL, STRONG], encoder, 30, seed=1)


def clustered(rng, points=40, cells=12, classes=4):
    """A finite law of images and their laws of cells: (kernel, law, classes)."""
    labels = rng.integers(classes, size=points)
    base = rng.dirichlet(np.full(cells, 0.25), classes)[labels]
    kernel = 0.5 * base + 0.5 * np.array([rng.dirichlet(4 * row + 0.02) for row in base])
    return kernel, rng.dirichlet(np.full(points, 2.0)), labels


def draw(rng, kernel, images, views):
    """Cells (images, views) by inverting each image's law of cells."""
    steps = kernel.cumsum(axis=1)[images]
    cells = (rng.random((len(images), views, 1)) > steps[:, None, :]).sum(axis=2)
    return ViewGraph(np.minimum(cells, kernel.shape[1] - 1), kernel.shape[1])


# ---- cells


def test_nearest_landmark_is_that_of_all_distances():
    rng = np.random.default_rng(0)
    points, features = rng.normal(size=(17, 5)), rng.normal(size=(400, 5)).astype(np.float32)
    distances = ((features[:, None] - points.astype(np.float32)) ** 2).sum(axis=2)
    assert np.array_equal(Landmarks(points).nearest(features), distances.argmin(axis=1))


def test_landmarks_are_views_of_different_images(digits, space):
    encoder, _ = space
    still = Landmarks.from_views(digits.images[:50], [STILL], encoder, 50, seed=3).points
    plain = extract_features(encoder, digits.images[:50])
    # without augmentation and with as many landmarks as images, each image is one: the resampling
    # in between rounds in the seventh digit, whitening multiplies that by at most some tens
    distance = np.abs(still[:, None] - plain).max(axis=2)
    assert np.array_equal(np.sort(distance.argmin(axis=1)), np.arange(50))
    assert distance.min(axis=1).max() < 1e-3
    again = Landmarks.from_views(digits.images[:50], [STILL], encoder, 50, seed=3).points
    assert np.array_equal(still, again)


def test_principal_components_are_white(digits, space):
    encoder, _ = space
    features = extract_features(encoder, digits.images[700:]).astype(float)
    # float32 features of a sum over 192 pixels
    assert np.cov(features.T, bias=True) == pytest.approx(np.eye(12), abs=1e-3)
    assert np.abs(features.mean(axis=0)).max() < 1e-3


def test_unit_length(digits, space):
    features = extract_features(UnitLength(space[0]), digits.images[:20])
    assert np.linalg.norm(features, axis=1) == pytest.approx(np.ones(20), abs=1e-5)


def test_one_seed_is_one_set_of_views_and_more_views_leave_the_first(digits, space):
    encoder, landmarks = space

    class Nearness(nn.Module):
        def forward(self, images):
            return -torch.cdist(encoder(images), torch.tensor(np.array(landmarks.points)))

    images = digits.images[:60]
    cells = sample_view_graph(images, STRONG, encoder, landmarks, views=5, seed=4).cells
    classes = sample_view_labels(images, STRONG, Nearness(), views=3, seed=4)
    # distances by another formula may decide a tie within rounding the other way
    assert (cells[:, :3] == classes).mean() > 0.99
    other = sample_view_graph(images, STRONG, encoder, landmarks, views=5, seed=5).cells
    assert (cells != other).any()
    assert (cells[:, 0] != cells[:, 1]).any()


def test_without_augmentation_every_cell_is_an_island(digits, space):
    graph = sample_view_graph(digits.images[:90], STILL, *space, views=4)
    occupied = len(np.unique(graph.cells))
    assert graph.graph().component_count() == occupied > 11
    assert graph.spectral_gap(10) == 0 and graph.held_out_gap(10) == pytest.approx(0, abs=1e-9)


def test_strength_joins_and_inflation_is_a_weighting(digits, space):
    real, added = (
        sample_view_graph(digits.images[part], STRONG, *space, views=6, seed=seed)
        for seed, part in enumerate((slice(0, 80), slice(80, 400)))
    )
    joined = real.joined(added)
    assert real.graph().component_count() == 1 and len(joined) == 400
    # with all the weight on the real images the others might as well not be there
    alone = source_weights(80, 320, beta=1.0)
    assert joined.spectral_gap(9, alone) == pytest.approx(real.spectral_gap(9), abs=1e-9)
    assert joined.held_out_gap(9, alone) == pytest.approx(real.held_out_gap(9), abs=1e-9)


# ---- coarse and fine


@pytest.mark.parametrize("seed", range(30))
def test_a_channel_from_views_to_cells_lowers_no_eigenvalue(seed):
    rng = np.random.default_rng(seed)
    world = random_world(rng, points=8, views=10)
    merged = np.eye(4)[rng.integers(4, size=10)]
    noisy = rng.dirichlet(np.full(4, 0.3), size=10)
    fine = world.graph().eigenvalues()
    for channel in (merged, noisy):
        coarse = AugmentationGraph(world.kernel @ channel, world.p_real).eigenvalues()
        count = min(len(coarse), len(fine))
        assert (coarse[:count] >= fine[:count] - 1e-9).all()


# ---- spectra


def test_distinct_pairs_by_enumeration():
    rng = np.random.default_rng(1)
    kernel, *_ = clustered(rng, cells=7)
    graph = draw(rng, kernel, np.arange(15), 4)
    weights = rng.dirichlet(np.ones(15))
    adjacency = np.zeros((7, 7))
    for cells, weight in zip(graph.cells, weights, strict=True):
        for first, second in permutations(cells, 2):
            adjacency[first, second] += weight / 12  # ordered pairs of four views
    degrees = adjacency.sum(axis=1)
    used = degrees > 0
    root = np.sqrt(degrees[used])
    expected = 1 - np.linalg.eigvalsh(adjacency[np.ix_(used, used)] / np.outer(root, root))[::-1]
    # above the rank of the counts exact values would need all views: compare what both have
    found = graph.eigenvalues(int(used.sum()), weights)
    assert found == pytest.approx(expected, abs=1e-9)
    assert found.mean() != pytest.approx(graph.graph(weights).eigenvalues().mean(), abs=0.05)


def test_the_estimates_lie_on_both_sides_and_close_in():
    rng = np.random.default_rng(2)
    kernel, *_ = clustered(rng)
    truth = AugmentationGraph(kernel, np.full(40, 1 / 40)).spectral_gap(4)
    widths = []
    for views in (8, 64):
        graphs = [draw(rng, kernel, np.arange(40), views) for _ in range(30)]
        below, above = (
            np.array([f(g) for g in graphs])
            for f in (lambda g: g.spectral_gap(4), lambda g: g.held_out_gap(4))
        )
        # means of 30 with a standard error of at most 0.01
        assert below.mean() < truth + 0.01 < above.mean() + 0.02
        widths.append(above.mean() - below.mean())
    assert widths[1] < widths[0] / 3  # like 1 / V at best, 1 / √V at worst
    assert widths[1] < 0.1


def test_held_out_functions_are_judged_by_the_pairs_they_did_not_see():
    # all functions at once: their largest quotient is the judging half's largest eigenvalue
    rng = np.random.default_rng(3)
    graph = draw(rng, np.full((1, 5), 0.2), np.zeros(300, int), 6)
    second = graph.cells[:, 3:]
    pairs = np.zeros((5, 5))
    for cells in second:
        for first, other in permutations(cells, 2):
            pairs[first, other] += 1 / 1800
    root = np.sqrt(pairs.sum(axis=1))
    expected = 1 - np.linalg.eigvalsh(pairs / np.outer(root, root))[0]
    law = np.full(300, 1 / 300)
    found = ViewGraph(second, 5)._largest_quotient(np.eye(5), law)
    assert found == pytest.approx(expected, abs=1e-9)


def test_independent_views_have_nothing_left_to_tell():
    rng = np.random.default_rng(4)
    graph = draw(rng, np.full((1, 6), 1 / 6), np.zeros(4000, int), 8)
    # λ_2 = 1; pure noise errs by about (2 √(m/n) + m/n) / (V − 1) = 0.011
    assert 0.98 < graph.spectral_gap(1) < 1
    assert graph.held_out_gap(1) > 0.995


# ---- labeling error


def test_labeling_error_is_a_weighted_share():
    views = np.array([[0, 1], [1, 1], [2, 0]])
    found = labeling_error(views, [0, 1, 1], [0.5, 0.3, 0.2])
    assert found == pytest.approx(0.5 * 0.5 + 0.2)


def test_cells_that_know_nothing_are_not_credited_with_chance():
    rng = np.random.default_rng(5)
    labels = np.arange(400) % 4
    graph = ViewGraph(rng.integers(200, size=(400, 2)), 200)
    # in-sample majorities of some four views a cell would be right on every second view
    assert graph.cell_labeling_error(labels) == pytest.approx(0.75, abs=0.06)


def test_cells_that_know_the_class_make_no_error():
    rng = np.random.default_rng(6)
    labels = rng.integers(3, size=300)
    graph = ViewGraph(5 * labels[:, None] + rng.integers(5, size=(300, 4)), 15)
    assert graph.cell_labeling_error(labels + 7) == 0


def test_cell_labeling_error_nears_the_best_labeling_from_above():
    rng = np.random.default_rng(7)
    kernel, law, labels = clustered(rng)
    mass = np.stack([(law * (labels == c)) @ kernel for c in range(4)])
    least = 1 - mass.max(axis=0).sum()
    images = rng.choice(40, 6000, p=law)
    found = draw(rng, kernel, images, 4).cell_labeling_error(labels[images])
    # standard error of a share over 6,000 images: below 0.007
    assert least - 0.015 < found < least + 0.03


def test_weights_decide_votes_and_errors():
    cells = np.array([[0, 0]] * 8)
    graph, labels = ViewGraph(cells, 1), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    weights = np.array([0.02] * 6 + [0.44] * 2)
    errors = [graph.cell_labeling_error(labels, weights, seed) for seed in range(20)]
    # a fold with one heavy image votes for its class; unweighted, the light ones would win
    assert min(errors) == pytest.approx(0.12)


def test_confusion_of_clusters_of_one_cloud_and_of_copies():
    rng = np.random.default_rng(8)
    centres = 100 * rng.normal(size=(30, 1, 4))
    noise = rng.normal(size=(30, 5, 4))
    assert augmentation_confusion((centres + noise).astype(np.float32)) == 0
    # one cloud: 4 of the 149 others are of the same image
    found = np.mean([augmentation_confusion(rng.normal(size=(30, 5, 4))) for _ in range(20)])
    assert found == pytest.approx(145 / 149, abs=0.02)  # 3,000 nearly independent views
    assert augmentation_confusion(np.repeat(centres, 2, axis=1).astype(np.float32)) == 0


def test_a_labeler_learns_and_repeats_itself(digits):
    config = PretrainConfig(policy=None, steps=40, batch_size=32, width=4, warmup=0, device="cpu")
    train, test = digits.subset(np.arange(900)), digits.subset(np.arange(900, 1200))
    policies = [STILL, STRONG.scaled(0.1)]
    labeler = train_labeler(train, policies, config)
    scores = extract_features(labeler, test.images)
    assert (scores.argmax(axis=1) == test.labels).mean() > 0.5  # chance is 0.1
    again = extract_features(train_labeler(train, policies, config), test.images)
    assert np.array_equal(scores, again)


# ---- resampling


def test_resampling_draws_whole_images_and_keeps_the_strata():
    rng = np.random.default_rng(11)
    law = np.concatenate([0.25 * rng.dirichlet(np.ones(30)), 0.75 * rng.dirichlet(np.ones(70))])
    side = np.repeat([0, 1], [30, 70])
    seen = []

    def look(weights):
        seen.append(weights)
        return 0.0

    image_bootstrap(look, law, strata=side, resamples=50)
    drawn = np.array(seen[:50])
    assert drawn[:, :30].sum(axis=1) == pytest.approx(0.25)
    counts = drawn[:, :30] / law[:30]
    counts /= np.where(counts > 0, counts, np.inf).min(axis=1, keepdims=True)
    assert counts == pytest.approx(counts.round()) and counts.max() > 1 and counts.min() == 0
    assert seen[50] == pytest.approx(law)


def test_interval_of_a_mean_is_the_textbooks():
    rng = np.random.default_rng(9)
    values = rng.normal(size=500)
    found = image_bootstrap(lambda w: float(w @ values), np.full(500, 1 / 500), resamples=2000)
    half = 1.96 * values.std() / np.sqrt(500)
    # quantiles of 2,000 resamples: good to some 4 % of the half width
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("runs", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_bracketed_interval_covers_where_the_percentile_one_misses(runs):
    rng = np.random.default_rng(10)
    kernel, law, _ = clustered(np.random.default_rng(0), points=200, cells=30, classes=8)
    truth = AugmentationGraph(kernel, law).spectral_gap(10)
    uniform = np.full(120, 1 / 120)
    plain, bracketed = 0, 0
    for _ in range(runs):
        graph = draw(rng, kernel, rng.choice(200, 120, p=law), 8)
        below, above = (
            lambda w, g=graph: g.spectral_gap(10, w),
            lambda w, g=graph: g.held_out_gap(10, w),
        )
        found = image_bootstrap(below, uniform, above, resamples=15, confidence=0.9)
        bracketed += found.low <= truth <= found.high
        plain += found.low <= truth <= image_bootstrap(below, uniform, resamples=15).high
    assert bracketed >= 0.95 * runs and plain <= 0.2 * runs


# ---- bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ViewGraph(np.zeros((3, 1)), 2), r"shape \(3, 1\)"),
        (lambda: ViewGraph(np.full((3, 2), 5), 5), r"cell 5 is outside 0..4"),
        (lambda: ViewGraph(np.full((3, 2), -1), 5), r"cells\[0\] = -1"),
        (lambda: ViewGraph(np.zeros((3, 2)), 2).held_out_gap(1), r"2 views an image"),
        (lambda: ViewGraph(np.zeros((3, 4)), 2).held_out_gap(1), r"1 cells are in use"),
        (lambda: ViewGraph(np.zeros((3, 2)), 2).graph([0.5, 0.5]), r"weights has shape \(2,\)"),
        (lambda: ViewGraph(np.zeros((3, 2)), 2).first(3), r"views = 3"),
        (
            lambda: ViewGraph(np.zeros((3, 2)), 2).joined(ViewGraph(np.zeros((3, 2)), 3)),
            "2 cells and 2 views",
        ),
        (lambda: Landmarks(np.full((2, 2), np.nan)), r"points\[0\] is not finite"),
        (lambda: Landmarks(np.zeros((2, 2))).nearest(np.zeros((4, 3))), "have 2 features"),
        (lambda: PixelPCA.fit(np.zeros((9, 3, 4, 4), np.uint8), 4), "span only 0"),
        (lambda: source_weights(5, 5, beta=1.5), "beta = 1.5"),
        (lambda: labeling_error(np.zeros((3, 2)), [0, 1]), r"source_labels has shape \(2,\)"),
        (lambda: augmentation_confusion(np.zeros((1, 2, 3))), r"shape \(1, 2, 3\)"),
        (lambda: image_bootstrap(lambda w: 0.0, [0.5, 0.5], confidence=1), "confidence = 1 must"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_stratum_keeps_its_mass_where_some_of_its_images_have_none():
    """Of two images one alone has mass: a quarter of the resamples draw only the other."""
    weights, strata = [0.0, 0.5, 0.25, 0.25], [0, 0, 1, 1]
    found = image_bootstrap(lambda w: float(w[:2].sum()), weights, strata=strata, confidence=0.99)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))

"""Positive pairs across variations: the graph by enumeration, the bound and what it needs."""

import warnings
from functools import cache

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import AugmentationGraph, FiniteWorld
from adainf_core.theory.positive_pairs import PairGraph, PairReport, PositiveWorld
from adainf_core.theory.spectrum import DegenerateSpectrumWarning

EXACT = 1e-9
SHARES = 0.0, 0.3, 0.7, 1.0


def with_positives(rng, **shape) -> PositiveWorld:
    world = random_world(rng, **shape)
    n = len(world.natural_labels)
    positives = rng.exponential(size=(n, n)) * (rng.random((n, n)) < 0.4)
    positives[np.arange(n), rng.integers(n, size=n)] += 0.1
    return PositiveWorld(world, positives / positives.sum(axis=1, keepdims=True))


@cache
def reports() -> list[PairReport]:
    rng, found = np.random.default_rng(3), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)  # the bound covers ties
        for number in range(150):
            shape = {"points": int(rng.integers(2, 7)), "views": int(rng.integers(3, 8))}
            world = with_positives(rng, **shape)
            for sides in ("one", "both"):
                share, beta = SHARES[number % 4], float(rng.random())
                views = len(world.graph(beta, share, sides).views)
                if views > 1:
                    k = int(rng.integers(1, views))
                    found.append(world.report(beta, share, k, sides))
    return found


def enumerated(world: PositiveWorld, weights, share: float, sides: str) -> np.ndarray:
    """The pairs, by every way in which one comes about."""
    n, m = world.world.kernel.shape
    move = (1 - share) * np.eye(n) + share * np.asarray(world.positives)
    pairs = np.zeros((m, m))
    for image in range(n):
        for first in range(n):
            chance = move[image, first] if sides == "both" else float(first == image)
            for second in range(n):
                both = weights[image] * chance * move[image, second]
                rows = world.world.kernel[first], world.world.kernel[second]
                pairs += both * (np.outer(*rows) + np.outer(*rows[::-1])) / 2
    return pairs


@pytest.mark.parametrize("sides", ["one", "both"])
def test_the_graph_is_that_of_the_pairs_one_by_one(sides):
    rng = np.random.default_rng(0)
    for share in SHARES * 3:
        world = with_positives(rng, points=4, views=5)
        graph, weights = world.graph(0.6, share, sides), world.world.p_train(0.6)
        pairs = enumerated(world, weights, share, sides)
        np.testing.assert_allclose(graph.adjacency, pairs[np.ix_(graph.views, graph.views)])
        assert pairs.sum() == pytest.approx(1) and graph.degrees.sum() == pytest.approx(1)
        labels = world.world.view_labels
        phi = pairs[labels[:, None] != labels].sum()
        assert graph.pair_labeling_error(labels) == pytest.approx(phi, abs=EXACT)


def test_labeling_errors_are_told_by_the_label_of_the_image():
    rng = np.random.default_rng(1)
    for sides in ("one", "both"):
        world = with_positives(rng, points=4, views=6)
        base, share = world.world, 0.7
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)
            found = world.report(0.4, share, 2, sides)
        wrong = base.view_labels != base.natural_labels[:, None]
        own = base.p_train(0.4) @ (base.kernel * wrong).sum(axis=1)
        varied = base.p_train(0.4) @ ((world.positives @ base.kernel) * wrong).sum(axis=1)
        assert found.labeling_error == pytest.approx(own)
        assert found.varied_labeling_error == pytest.approx((1 - share) * own + share * varied)
        assert found.first_labeling_error == (
            found.labeling_error if sides == "one" else found.varied_labeling_error
        )


def test_without_variations_it_is_the_old_graph_and_the_old_bound():
    world = with_positives(np.random.default_rng(2))
    same = PositiveWorld(world.world, np.eye(len(world.positives)))
    old = world.world.graph(0.5)
    for positive, share in ((world, 0.0), (same, 0.8)):
        for sides in ("one", "both"):
            np.testing.assert_allclose(positive.graph(0.5, share, sides).adjacency, old.adjacency)
        bound = positive.composed_bound(0.5, share, 2)
        assert bound.bound == pytest.approx(world.world.transfer_bound(0.5, 2).bound)
        found = positive.report(0.5, share, 2)
        assert found.pair_train_bound == pytest.approx(bound.pair_train_bound)
        assert found.real_error == pytest.approx(bound.real_error)
    assert same.report(0.5, 0.0, 2).spectral_train_bound == pytest.approx(
        bound.spectral_train_bound
    )


def test_with_both_sides_varied_the_old_theorem_holds_with_the_composed_kernel():
    rng = np.random.default_rng(4)
    for _ in range(20):
        world = with_positives(rng)
        graph = world.graph(0.5, 0.6)
        assert isinstance(graph, AugmentationGraph)
        values = np.linalg.eigvalsh(np.asarray(graph.adjacency))
        assert values.min() > -EXACT  # 𝒜_pᵀ diag(P) 𝒜_p
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)
            found = world.composed_bound(0.5, 0.6, 1)
        every = (*found.steps, *found.consequences, *found.refinement, *found.spectral)
        assert all(each.slack >= -EXACT for each in every)


def own_views(positives, weights) -> PairGraph:
    """One side varied, each image with a view of its own: pairs of an image and a variation."""
    n = len(weights)
    world = FiniteWorld(np.eye(n), weights, weights, [0] * n, [0] * n)
    return PositiveWorld(world, positives).graph(1.0, 1.0, "one")


def test_one_varied_side_is_not_positive_semidefinite():
    # Two images that are always each other's variation: a view never meets its own like.
    graph = own_views([[0, 1], [1, 0]], [0.5, 0.5])
    np.testing.assert_allclose(graph.eigenvalues(), [0, 2])
    # Variations that are new images, which are never shown first, make it so at every share.
    for share in (0.05, 0.5, 1.0):
        world = FiniteWorld(np.eye(2), [1, 0], [1, 0], [0, 0], [0, 0])
        new = PositiveWorld(world, [[0, 1], [0, 1]]).graph(1.0, share, "one")
        assert new.eigenvalues()[-1] > 1 + 1e-3


def test_a_reversible_generator_used_in_at_most_every_other_pair_is():
    rng = np.random.default_rng(5)
    for share in (0.2, 0.5):
        for _ in range(20):
            world = random_world(rng)
            joint = rng.exponential(size=(6, 6)) * (rng.random((6, 6)) < 0.5) + 1e-3
            joint = joint + joint.T  # P(x̄) 𝒱(x'|x̄) is symmetric
            weights = joint.sum(axis=1) / joint.sum()
            labels = world.natural_labels, world.view_labels
            base = FiniteWorld(world.kernel, weights, weights, *labels)
            positive = PositiveWorld(base, joint / joint.sum(axis=1, keepdims=True))
            graph = positive.graph(1.0, share, "one")
            assert np.linalg.eigvalsh(np.asarray(graph.adjacency)).min() > -EXACT
            # and its variations are distributed as the images, so all views are shown as had
            assert positive.report(1.0, share, 1, "one").visibility == pytest.approx(1)


def test_every_step_holds_for_all_positive_pairs():
    assert {each.sides for each in reports()} == {"one", "both"}
    assert max(each.spectral_gap for each in reports()) > 1.2
    for found in reports():
        assert all(each.slack >= -EXACT for each in found.steps), found
        assert found.train_error <= found.pair_train_bound + EXACT
        assert found.pair_train_bound <= found.labeling_train_bound + EXACT
        assert found.train_error <= found.spectral_train_bound + EXACT
        assert found.real_error <= found.bound + EXACT
        least = 1 - found.share / (1 if found.sides == "both" else 2)
        assert least - EXACT <= found.visibility <= 1 + EXACT
    names = [each.name for each in found.steps]
    assert len(set(names)) == len(names) == 7


def test_the_variations_label_error_has_to_be_counted():
    # Each image is the other's variation, of another class; its own views are all right.
    world = FiniteWorld(np.eye(2), [0.46, 0.54], [0.46, 0.54], [0, 1], [0, 1])
    found = PositiveWorld(world, [[0, 1], [1, 0]]).report(1.0, 0.5, 1, "one")
    assert found.labeling_error == 0 and found.varied_labeling_error == pytest.approx(0.5)
    assert found.train_error == pytest.approx(0.46)  # 8 α / λ + 2 α is 0


def test_the_gap_must_not_count_beyond_one():
    # λ_3 is 1.8: a mode of λ = 1 … 1.8 among the first two is left out, and only divided by 1.
    world = FiniteWorld(
        [[0, 0.13, 0.87], [0.7, 0.3, 0]], [0.37, 0.63], [0.37, 0.63], [0, 1], [1, 1, 0]
    )
    found = PositiveWorld(world, [[0, 1], [1, 0]]).report(1.0, 1.0, 2, "one")
    assert found.spectral_gap > 1.5 and found.gap == 1
    assert found.probe_loss > found.pair_labeling_error / found.spectral_gap
    assert found.probe_loss <= found.pair_labeling_error


def test_views_that_training_never_shows_are_wrong_and_the_bound_says_so():
    # Only variations are shown, and they look like no image: no φ, no α, every image wrong.
    kernel = np.eye(4)
    world = FiniteWorld(kernel, [0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1])
    positive = PositiveWorld(world, np.eye(4)[[2, 3, 2, 3]])
    with pytest.warns(DegenerateSpectrumWarning):
        found = positive.report(1.0, 1.0, 1)
    assert found.pair_labeling_error == found.varied_labeling_error == found.labeling_error == 0
    assert found.real_error == 1 and found.visibility == 0 and found.bound == np.inf


def test_as_images_it_is_inflation_by_the_variations_of_real_images():
    world = with_positives(np.random.default_rng(6))
    nodes = world.as_images()
    np.testing.assert_allclose(nodes.p_generated, world.world.p_real @ world.positives)
    np.testing.assert_allclose(nodes.p_real, world.world.p_real)


def test_sparse_and_dense_agree():
    from scipy.sparse import csr_array

    rng = np.random.default_rng(7)
    for sides in ("one", "both"):
        world = with_positives(rng, points=7, views=9)
        base = world.world
        kernel = csr_array(base.kernel)
        labels = base.natural_labels, base.view_labels
        sparse = FiniteWorld(kernel, base.p_real, base.p_generated, *labels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)
            found = world.report(0.5, 0.4, 2, sides)
            for other in (
                PositiveWorld(sparse, csr_array(world.positives)),
                PositiveWorld(sparse, world.positives),
                PositiveWorld(base, csr_array(world.positives)),
            ):
                again = other.report(0.5, 0.4, 2, sides)
                assert again.pair_train_bound == pytest.approx(found.pair_train_bound)
                assert again.real_error == pytest.approx(found.real_error)


def test_bad_input_is_named():
    world = random_world(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"positives has shape \(2, 2\), expected \(6, 6\)"):
        PositiveWorld(world, np.eye(2))
    with pytest.raises(ValueError, match="positives: kernel row 0 sums to 2"):
        PositiveWorld(world, 2 * np.eye(6))
    positive = PositiveWorld(world, np.eye(6))
    with pytest.raises(ValueError, match="share"):
        positive.graph(0.5, 1.5)
    with pytest.raises(ValueError, match="sides"):
        positive.graph(0.5, 0.5, "none")
    with pytest.raises(ValueError, match="first has shape"):
        PairGraph(np.eye(2), np.ones((2, 1)), [0.5, 0.5])

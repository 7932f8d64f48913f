"""The optimal encoder and its probe: Eckart–Young, least squares, and the provable bound."""

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory import (
    AugmentationGraph,
    DegenerateSpectrumWarning,
    total_variation,
)

EXACT = 1e-10  # squares of a few dozen numbers of order one, through an eigendecomposition


def cases(count, seed):
    """Random worlds, their graph at a random β, and a k at which the encoder is unique."""
    rng = np.random.default_rng(seed)
    done = 0
    while done < count:
        sizes = {"points": rng.integers(3, 14), "views": rng.integers(3, 16)}
        world = random_world(rng, classes=int(rng.integers(2, 4)), **sizes)
        beta = float(rng.choice([0, 0.05, 1 / 3, 0.7, 1]))
        graph = world.graph(beta)
        k = int(rng.integers(1, 8))
        if k < len(graph.views) and not graph.is_degenerate(k):
            done += 1
            yield world, beta, graph, k


def reconstruction(graph, features):
    scaled = np.sqrt(graph.degrees)[:, None] * features
    return float(((graph.normalized_adjacency - scaled @ scaled.T) ** 2).sum())


def test_embedding_attains_the_eckart_young_value_and_no_perturbation_does_better():
    rng = np.random.default_rng(0)
    for _, _, graph, k in cases(60, 1):
        features = graph.embedding(k)
        assert features.shape == (len(graph.views), k)
        gammas = np.linalg.eigvalsh(graph.normalized_adjacency)[::-1]
        optimum = float((gammas[k:] ** 2).sum())
        assert reconstruction(graph, features) == pytest.approx(optimum, abs=EXACT)
        for scale in (1e-3, 1e-1, 1.0):
            moved = features + scale * rng.normal(size=features.shape)
            assert reconstruction(graph, moved) >= optimum - EXACT
        # Any rotation is as good.
        rotation, _ = np.linalg.qr(rng.normal(size=(k, k)))
        assert reconstruction(graph, features @ rotation) == pytest.approx(optimum, abs=EXACT)


def test_spectral_contrastive_loss_matches_its_expectations_and_the_matrix_form():
    rng = np.random.default_rng(2)
    for _, _, graph, k in cases(30, 3):
        f = rng.normal(size=(len(graph.views), k))
        inner = f @ f.T
        alignment = (graph.adjacency * inner).sum()
        spread = (np.outer(graph.degrees, graph.degrees) * inner**2).sum()
        loss = graph.spectral_contrastive_loss(f)
        assert loss == pytest.approx(spread - 2 * alignment, rel=1e-9, abs=EXACT)
        constant = float((graph.normalized_adjacency**2).sum())
        assert loss == pytest.approx(reconstruction(graph, f) - constant, rel=1e-9, abs=EXACT)
    with pytest.raises(ValueError, match="features has shape"):
        graph.spectral_contrastive_loss(np.zeros(3))


def test_dimensions_beyond_the_rank_are_zero():
    graph = AugmentationGraph([[0.5, 0.5, 0, 0], [0, 0.2, 0.3, 0.5]], [0.5, 0.5])
    features = graph.embedding(3)
    assert graph.spectral_gap(2) == graph.spectral_gap(3) == 1
    assert (features[:, 2] == 0).all()
    assert reconstruction(graph, features) == pytest.approx(0, abs=EXACT)


def test_a_tie_at_k_is_warned_of():
    # Four symmetric points: λ = 0, ½, ½, 1.
    kernel = (np.eye(4) + np.roll(np.eye(4), 1, axis=1)) / 2
    graph = AugmentationGraph(kernel, np.full(4, 0.25))
    assert [graph.is_degenerate(k) for k in (1, 2, 3)] == [False, True, False]
    with pytest.warns(DegenerateSpectrumWarning, match="2-dimensional encoder is not unique"):
        features = graph.embedding(2)
    # Whichever vector of the tied plane was taken, it is a minimiser: ½² + 0² is left over.
    assert reconstruction(graph, features) == pytest.approx(0.25, abs=EXACT)


def test_probe_is_the_weighted_least_squares_head():
    for world, _, graph, k in cases(80, 4):
        labels = world.view_labels[graph.views]
        indicator = np.eye(int(world.view_labels.max()) + 1)[labels]
        root = np.sqrt(graph.degrees)[:, None]
        features = graph.embedding(k)
        head = np.linalg.lstsq(root * features, root * indicator, rcond=1e-7)[0]
        scores = np.sort(features @ head, axis=1)
        predicted = (features @ head).argmax(axis=1)
        # Compare where the winner is clear of rounding.
        clear = scores[:, -1] - scores[:, -2] > 1e-6 if scores.shape[1] > 1 else slice(None)
        found = graph.probe_predictions(world.view_labels, k)
        np.testing.assert_array_equal(found[graph.views][clear], predicted[clear])
        unseen = np.setdiff1d(np.arange(world.kernel.shape[1]), graph.views)
        assert (found[unseen] == -1).all()


def test_majority_vote_by_hand():
    kernel = np.array([[0.5, 0.3, 0.2], [0.5, 0.25, 0.25], [0, 0, 1]])
    graph = AugmentationGraph(kernel, [0.4, 0.4, 0.2])
    np.testing.assert_array_equal(graph.majority_vote([3, 5, 5]), [-1, -1, 5])
    np.testing.assert_array_equal(graph.majority_vote([3, 5, -1]), [3, 3, -1])
    np.testing.assert_array_equal(graph.majority_vote([-1, -1, -1]), [-1, -1, -1])


def test_probe_error_separates_two_clusters_and_counts_unseen_points_as_wrong():
    kernel = np.kron(np.eye(3), [[0.5, 0.5]])
    graph = AugmentationGraph(kernel, [0.5, 0.5, 0])
    view_labels, natural_labels = [0, 0, 1, 1, 0, 0], [0, 1, 0]
    assert graph.probe_error(view_labels, natural_labels, 2) == 0
    elsewhere = graph.probe_error(view_labels, natural_labels, 2, weights=[0.3, 0.3, 0.4])
    assert elsewhere == pytest.approx(0.4)
    # the third point has no seen view: it may be decided by a coin, or be let off
    for tied in (0, 0.5):
        share = graph.probe_error(view_labels, natural_labels, 2, [0.3, 0.3, 0.4], tied=tied)
        assert share == pytest.approx(0.4 * tied)
    with pytest.raises(ValueError, match="tied"):
        graph.probe_error(view_labels, natural_labels, 2, tied=2)


def test_probe_error_does_not_depend_on_how_classes_are_numbered():
    for world, _, graph, k in cases(40, 5):
        names = np.array([7, 2, 4])
        error = graph.probe_error(world.view_labels, world.natural_labels, k)
        renamed = graph.probe_error(names[world.view_labels], names[world.natural_labels], k)
        assert renamed == error


def test_provable_bound_holds_in_random_worlds():
    """E_t ≤ 8 α / λ_{k+1} + 2 α and E_d ≤ min(E_t + (1 − β) TV, E_t / β), nowhere violated."""
    informative = 0
    for world, beta, graph, k in cases(400, 6):
        labels = world.view_labels, world.natural_labels
        gap = graph.spectral_gap(k)
        alpha = graph.labeling_error(world.natural_labels, world.view_labels)
        error = graph.probe_error(*labels, k)
        real_error = graph.probe_error(*labels, k, weights=world.p_real)
        bound = 8 * alpha / gap + 2 * alpha if gap > 0 else np.inf
        informative += bound < 1
        assert error <= bound + EXACT
        assert real_error <= error + (1 - beta) * world.total_variation + EXACT
        if beta > 0:
            assert real_error <= error / beta + EXACT
        drift = total_variation(world.p_train(beta), world.p_real)
        assert drift == pytest.approx((1 - beta) * world.total_variation, abs=EXACT)
    # The search is no empty exercise: the bound says something in a fair share of the worlds.
    assert informative > 20


def test_every_step_of_the_bound_holds_with_its_constant():
    for world, _, graph, k in cases(200, 7):
        gap = graph.spectral_gap(k)
        if gap == 0:
            continue
        phi = graph.pair_labeling_error(world.view_labels)
        alpha = graph.labeling_error(world.natural_labels, world.view_labels)
        predictions = graph.probe_predictions(world.view_labels, k)
        wrong = predictions[graph.views] != world.view_labels[graph.views]
        assert phi <= 2 * alpha + EXACT
        assert graph.degrees[wrong].sum() <= 2 * phi / gap + EXACT
        # Identity: Σ_c u_cᵀ L u_c = φ for u_c = √w · 1[label = c].
        indicator = np.eye(int(world.view_labels.max()) + 1)[world.view_labels[graph.views]]
        u = np.sqrt(graph.degrees)[:, None] * indicator
        assert np.trace(u.T @ graph.laplacian @ u) == pytest.approx(phi, abs=EXACT)

"""Scores against what is known of Gaussians and clusters, and against other ways to compute."""

import numpy as np
import pytest
from scipy.sparse.csgraph import laplacian
from scipy.spatial.distance import cdist

from adainf_core.learning.scores import PANEL, panel
from adainf_core.learning.scores.alpha_req import alpha_req, spectrum_decay
from adainf_core.learning.scores.clid import intrinsic_dimension, learnability
from adainf_core.learning.scores.clusters import silhouette, stability
from adainf_core.learning.scores.idest import tree_dimension, tree_length
from adainf_core.learning.scores.lidar import lidar
from adainf_core.learning.scores.neighbour_graph import cluster_error, neighbour_gap
from adainf_core.learning.scores.rankme import rankme


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def kinds(rng, n, d=8, k=4, spread=0.3, apart=6.0):
    """Points about `k` centres, and which each is about."""
    centres = apart * np.eye(max(k, d))[:k, :d]
    which = rng.integers(0, k, n)
    return centres[which] + spread * rng.standard_normal((n, d)), which


# ---- spectra


def test_rankme_counts_equal_directions_and_weighs_others(rng):
    q, _ = np.linalg.qr(rng.standard_normal((50, 6)))
    assert rankme(q) == pytest.approx(6)
    weighted = q * [3, 1, 1e-9, 1e-9, 1e-9, 1e-9]
    shares = np.array([0.75, 0.25])
    assert rankme(weighted) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-6)
    turn, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    assert rankme(5 * q @ turn) == pytest.approx(6)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_a_power_law_has_its_exponent(rng, alpha):
    left, _ = np.linalg.qr(rng.standard_normal((300, 40)))
    left -= left.mean(0)
    left, _ = np.linalg.qr(left)
    x = left * np.arange(1, 41) ** (-alpha / 2)
    assert spectrum_decay(x + 3.0) == pytest.approx(alpha, abs=1e-6)
    assert alpha_req(x) == pytest.approx(-abs(alpha - 1), abs=1e-6)


def test_lidar_counts_the_directions_that_tell_images_apart(rng):
    means = np.zeros((400, 10))
    means[:, :3] = rng.standard_normal((400, 3))
    views = means[:, None] + 0.01 * rng.standard_normal((400, 4, 10))
    assert lidar(views) == pytest.approx(3, abs=0.3)
    # what varies as much within as between counts for little
    noisy = views + [0, 0, 10, 0, 0, 0, 0, 0, 0, 0] * rng.standard_normal((400, 4, 10))
    assert lidar(noisy) == pytest.approx(2, abs=0.3)
    assert lidar(views) < rankme(views[:, 0] - views[:, 0].mean(0)) + 3


def test_lidar_is_the_generalised_eigenproblem(rng):
    from scipy.linalg import eigh

    x = rng.standard_normal((30, 3, 5)) + rng.standard_normal((30, 1, 5))
    means = x.mean(1)
    within = sum(np.outer(v, v) for v in (x - means[:, None]).reshape(-1, 5)) / 60
    between = np.cov(means.T)
    values = eigh(between, within + 1e-4 * np.eye(5), eigvals_only=True)
    shares = values / values.sum()
    assert lidar(x) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


# ---- clusters


def test_clusters_that_are_there_are_found_and_found_again(rng):
    x, _ = kinds(rng, 400)
    noise = rng.standard_normal((400, 8))
    for score in (silhouette, stability):
        assert score(x, 4) > 0.8 > 0.4 > score(noise, 4)
    assert stability(x, 4) == pytest.approx(1.0)
    # by the definition of the silhouette
    from adainf_core.learning.scores.clusters import kinds as found

    labels, distances = found(x, 4), cdist(x, x)
    values = []
    for i in range(len(x)):
        means = [distances[i, (labels == k) & (np.arange(len(x)) != i)].mean() for k in range(4)]
        a, b = means[labels[i]], min(m for k, m in enumerate(means) if k != labels[i])
        values.append((b - a) / max(a, b))
    assert silhouette(x, 4) == pytest.approx(np.mean(values))


def test_learnability_by_a_plain_loop(rng):
    x, _ = kinds(rng, 120, spread=2.5)
    from adainf_core.learning.scores.clusters import kinds as found

    order = np.random.default_rng(3).permutation(len(x))
    y, right = x[order], 0
    labels = found(y, 4, 3)
    for i in range(1, len(y)):
        nearest = np.argsort(np.linalg.norm(y[:i] - y[i], axis=1), kind="stable")[:5]
        right += np.bincount(labels[nearest], minlength=4).argmax() == labels[i]
    assert learnability(x, 4, seed=3) == pytest.approx(right / (len(x) - 1))
    assert learnability(kinds(rng, 300)[0], 4) > 0.95  # the first of a kind are not told


# ---- dimensions


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_dimensions_of_flat_pieces(rng, dimension):
    turn, _ = np.linalg.qr(rng.standard_normal((20, dimension)))
    x = rng.random((1500, dimension)) @ turn.T
    assert intrinsic_dimension(x) == pytest.approx(dimension, rel=0.12)
    assert tree_dimension(x) == pytest.approx(dimension, rel=0.2)


def test_a_tree_is_the_shortest(rng):
    # points on a line: from end to end
    x = rng.random((60, 1)) @ np.ones((1, 3)) / np.sqrt(3)
    assert tree_length(x) == pytest.approx(np.ptp(x @ np.ones(3) / np.sqrt(3)))
    # and by Prim's algorithm
    y = rng.standard_normal((40, 4))
    inside, length = {0}, 0.0
    distances = cdist(y, y)
    while len(inside) < len(y):
        outside = [i for i in range(len(y)) if i not in inside]
        edge = min((distances[i, j], j) for i in inside for j in outside)
        length, inside = length + edge[0], inside | {edge[1]}
    assert tree_length(y) == pytest.approx(length)


# ---- the graph


def test_a_graph_of_as_many_parts_as_kinds_has_no_gap(rng):
    images, which = kinds(rng, 60, k=4)
    views = images[:, None] + 0.1 * rng.standard_normal((60, 3, 8))
    assert neighbour_gap(views, k=3) == pytest.approx(0, abs=1e-9)  # four parts: λ_4 = 0
    assert neighbour_gap(views, k=4) > 0.01
    assert cluster_error(views, 4) == 0
    # a fifth of the views moved to another kind
    moved = views.copy()
    moved[:, 0] += 0.0
    chosen = rng.choice(60, 12, replace=False)
    moved[chosen, 0] = views[(which[:, None] != which[chosen]).argmax(0), 0]
    assert cluster_error(moved, 4) == pytest.approx(12 / 180)


def test_the_gap_is_that_of_the_dense_laplacian(rng):
    views = rng.standard_normal((20, 2, 6))
    flat = views.reshape(40, 6)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    order = np.argsort(-(unit @ unit.T) - 10 * np.eye(40) * -1, axis=1)[:, :10]
    joined = np.zeros((40, 40))
    np.put_along_axis(joined, order, 1.0, axis=1)
    joined = np.maximum(joined, joined.T)
    values = np.linalg.eigvalsh(laplacian(joined, normed=True))
    assert neighbour_gap(views, k=5) == pytest.approx(values[5])


# ---- the panel


@pytest.mark.parametrize("name", PANEL)
def test_a_score_does_not_see_the_unit_or_the_axes_of_features(name, rng):
    x, _ = kinds(rng, 120, spread=1.0)
    views = x[:, None] + 0.3 * rng.standard_normal((120, 3, 8))
    turn, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    score = PANEL[name]
    given = x if score.reads == "images" else views
    # LiDAR's ridge has the unit of the features
    factor = 1.0 if name == "lidar" else 7.0
    assert score.function(factor * given @ turn) == pytest.approx(
        score.function(given), rel=0.02, abs=0.02
    )


def test_the_panel_has_all_and_is_deterministic(rng):
    x, _ = kinds(rng, 120, spread=1.0)
    views = x[:, None] + 0.3 * rng.standard_normal((120, 3, 8))
    found = panel(x, views)
    assert found.keys() == PANEL.keys() and found == panel(x, views)
    assert all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize("name", PANEL)
def test_what_cannot_be_scored_is_refused_in_one_line(name, rng):
    score = PANEL[name]
    views = score.reads == "views"
    good = rng.standard_normal((60, 3, 6) if views else (60, 6))
    broken, collapsed = good.copy(), np.ones_like(good)
    broken.reshape(-1, 6)[7, 2] = np.nan
    for given, said in (
        (broken, "row 7 are not finite"),
        (collapsed, "the encoder has collapsed"),
        (good[:1], "give"),
        (good[..., 0], "give"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            score.function(given)
        assert "\n" not in str(error.value)

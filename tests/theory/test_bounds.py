"""The transfer bound: each line of its proof against brute force; the chapter shows these tests."""

import itertools
import math
import warnings
from functools import cache

import numpy as np
import pytest
from random_worlds import random_world

from adainf_core.theory.augmentation_graph import AugmentationGraph
from adainf_core.theory.bound_proof import CONSEQUENCES, REFINEMENT, SPECTRAL, STEPS, over
from adainf_core.theory.bound_worlds import random_batch
from adainf_core.theory.bounds import BoundReport, ProofStep, transfer_bound
from adainf_core.theory.spectrum import DegenerateSpectrumWarning
from adainf_core.theory.worlds import FiniteWorld, isolated_cluster_world, ring_world

# Sides are sums of at most a few hundred terms of order one; the worlds here have λ = 0 or above
# 1e-5, which magnifies the rounding of 1e-16 by 1e5.
EXACT = 1e-9


def report(world: FiniteWorld, beta: float, k: int) -> BoundReport:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)  # the bound covers ties
        return world.transfer_bound(beta, k)


@cache
def worlds() -> list[tuple[FiniteWorld, float, int, BoundReport]]:
    """Three hundred random worlds of two and three classes, all kinds of kernels."""
    rng = np.random.default_rng(7)
    found = []
    while len(found) < 300:
        batch = random_batch(rng, 10)
        for row in range(10):
            world, beta, k = batch.world(row), float(batch.beta[row]), int(batch.k[row])
            if k < len(world.graph(beta).views):
                found.append((world, beta, k, report(world, beta, k)))
    return found


def step(found: BoundReport, name: str) -> ProofStep:
    every = (*found.steps, *found.consequences, *found.refinement, *found.spectral)
    return next(each for each in every if each.name == name)


def dense(world, beta):
    """Laplacian L, its eigenpairs, indicators u and P_t 𝒜 of all seen views, from scratch."""
    joint = world.p_train(beta)[:, None] * world.kernel
    seen = joint.sum(axis=0) > 0
    joint, kernel = joint[:, seen], world.kernel[:, seen]
    root = np.sqrt(joint.sum(axis=0))
    laplacian = np.eye(len(root)) - (joint.T @ kernel) / np.outer(root, root)
    classes = np.arange(1 + max(world.view_labels.max(), world.natural_labels.max()))
    u = root[:, None] * (world.view_labels[seen][:, None] == classes)
    return laplacian, np.linalg.eigh(laplacian), u, joint


def test_identity():
    for world, beta, _, found in worlds()[:100]:
        laplacian, _, u, joint = dense(world, beta)
        pairs = (joint / joint.sum(axis=1, keepdims=True).clip(1e-300)).T @ joint
        unlike = u.argmax(axis=1)[:, None] != u.argmax(axis=1)
        phi = pairs[unlike].sum()
        assert np.trace(u.T @ laplacian @ u) == pytest.approx(phi, abs=EXACT)
        assert found.label_energy == pytest.approx(phi, abs=EXACT)
        assert found.pair_labeling_error == pytest.approx(phi, abs=EXACT)


def test_union_bound():
    for _, _, _, found in worlds():
        alpha, phi = found.labeling_error, found.pair_labeling_error
        assert phi <= 2 * alpha - alpha**2 + EXACT
        assert 2 * alpha - alpha**2 <= 2 * alpha


def test_union_bound_is_reached_in_the_limit():
    share = 1e-4  # one wrong view in ten thousand; its pair is right almost always
    world = two_views(share)
    found = report(world, 1.0, 1)
    assert found.pair_labeling_error == pytest.approx(2 * share * (1 - share), abs=1e-12)
    assert step(found, "union bound").ratio == pytest.approx(1 - share)


def test_left_out_energy():
    for world, beta, k, found in worlds():
        laplacian, (values, vectors), u, _ = dense(world, beta)
        left_out = u - vectors[:, :k] @ (vectors[:, :k].T @ u)
        energy = np.trace(left_out.T @ laplacian @ left_out)
        assert values[k] * (left_out**2).sum() <= energy + EXACT
        assert energy <= np.trace(u.T @ laplacian @ u) + EXACT
        if values[k] - values[k - 1] > 1e-6:  # else the two solvers may choose other eigenvectors
            assert found.probe_loss == pytest.approx((left_out**2).sum(), abs=1e-7)


def test_wrong_argmax():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.4, 0.5, size=(20_000, 3))
    loss = ((scores - np.array([1, 0, 0])) ** 2).sum(axis=1)
    not_elected = scores[:, 0] <= scores[:, 1:].max(axis=1)
    assert loss[not_elected].min() >= 1 / 2
    assert loss[~not_elected].min() < 1 / 2  # the right class may cost less
    tie = np.array([0.5, 0.5, 0])
    assert ((tie - np.array([1, 0, 0])) ** 2).sum() == 1 / 2
    for _, _, _, found in worlds():
        assert found.view_error <= 2 * found.probe_loss + EXACT


def test_label_swap():
    for g, y, source in itertools.product((-1, 0, 1, 2), (0, 1, 2), (0, 1, 2)):
        assert (g != source) <= (g != y) + (y != source)
    for _, _, _, found in worlds():
        assert found.source_error <= found.view_error + found.labeling_error + EXACT


def test_majority_vote():
    for world, beta, k, found in worlds()[:100]:
        graph = world.graph(beta)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateSpectrumWarning)
            predicted = graph.probe_predictions(world.view_labels, k)
        votes = graph.majority_vote(predicted)
        share = (world.kernel * (predicted != world.natural_labels[:, None])).sum(axis=1)
        lost = votes != world.natural_labels
        assert (share[lost] >= 1 / 2 - EXACT).all()
        assert found.train_error == pytest.approx(graph.weights[lost].sum(), abs=EXACT)
        assert found.source_error == pytest.approx(graph.weights @ share, abs=EXACT)


def test_change_of_measure():
    rng = np.random.default_rng(0)
    for _ in range(20):
        p_real, p_generated = rng.dirichlet(np.full(6, 0.5), size=2)
        beta = rng.random()
        p_train = beta * p_real + (1 - beta) * p_generated
        distance = np.abs(p_real - p_generated).sum() / 2
        excesses = []
        for event in itertools.product((False, True), repeat=6):
            chosen = np.array(event)
            real, train = p_real[chosen].sum(), p_train[chosen].sum()
            excesses.append(real - train)
            assert real <= train / beta + EXACT
        assert max(excesses) == pytest.approx((1 - beta) * distance, abs=1e-12)


def test_no_third_form_of_the_transfer_can_be_smaller():
    # Error e_g on generated points gives E_t = β e_d + (1 − β) e_g, and |e_d − e_g| ≤ D_TV.
    rng = np.random.default_rng(0)
    on_real, on_generated = np.meshgrid(np.linspace(0, 1, 401), np.linspace(0, 1, 401))
    for _ in range(30):
        beta, distance, level = 0.05 + 0.9 * rng.random(), rng.random(), rng.random()
        train = beta * on_real + (1 - beta) * on_generated
        allowed = (train <= level) & (on_real - on_generated <= distance)
        two_forms = min(level + (1 - beta) * distance, level / beta, 1)
        largest = on_real[allowed].max()
        assert two_forms - 2 / (400 * beta) <= largest <= two_forms + EXACT  # grid of 1/400


def test_every_step_holds_and_the_ladder_climbs():
    for _, _, _, found in worlds():
        for each in (*found.steps, *found.consequences, *found.refinement, *found.spectral):
            assert each.slack >= -EXACT, each
            assert -1e-6 <= each.ratio <= 1 + 1e-6  # rounding weighs more in small sides
        rungs = [value for _, value in found.ladder]
        assert rungs[0] == found.real_error and rungs[-1] == found.bound
        assert all(a <= b + EXACT for a, b in itertools.pairwise(rungs))


def test_the_constants_are_those_of_the_theorem():
    for _, beta, _, found in worlds():
        alpha, phi, gap = found.labeling_error, found.pair_labeling_error, found.spectral_gap
        if gap == 0:
            assert found.bound == found.refined_bound == found.smallest_bound == math.inf
            continue
        cosine = math.sqrt(1 - gap)
        away = (1 - beta) * found.total_variation
        for value, train in (
            (found.bound, 8 * alpha / gap + 2 * alpha),
            (found.transferred(found.pair_train_bound), 4 * phi / gap + 2 * alpha),
            (found.refined_bound, 4 * alpha / gap + 4 * alpha),
            (found.spectral_bound, 4 * alpha / gap * (1 + cosine)),
        ):
            assert value == pytest.approx(min(train + away, train / beta))
            assert found.real_error <= value + EXACT
        assert found.refined_bound <= found.bound
        assert found.pair_train_bound <= found.train_bound + EXACT
        if gap < 1:  # as it stands in the theorem
            assert found.spectral_train_bound == pytest.approx(4 * alpha / (1 - cosine), rel=1e-6)
        smaller = found.spectral_train_bound < found.refined_train_bound
        assert smaller == (alpha > 0 and gap > (math.sqrt(5) - 1) / 2)
        pair = 2 * phi / gap * (1 + 2 * gap) / (1 + gap) + 2 * alpha
        assert found.refined_pair_train_bound == pytest.approx(pair)
        assert pair - 2 * alpha <= 3 / 4 * (found.pair_train_bound - 2 * alpha) + EXACT
        forms = pair, found.refined_train_bound, found.spectral_train_bound
        assert found.smallest_train_bound == pytest.approx(min(forms))


def test_each_of_the_three_forms_is_the_smallest_somewhere():
    forms = "refined_pair_train_bound", "refined_train_bound", "spectral_train_bound"
    smallest = {
        name
        for name in forms
        for *_, found in worlds()
        if 0 < getattr(found, name) < min(getattr(found, other) for other in forms if other != name)
    }
    assert smallest == set(forms)


def test_modes():
    """2 α, the probe's loss and the spread of its scores, mode by mode of the graph."""
    for world, beta, k, found in worlds()[:150]:
        train = world.p_train(beta)
        kernel = world.kernel[train > 0]
        train, degrees = train[train > 0], train @ world.kernel
        kernel, degrees = kernel[:, degrees > 0], degrees[degrees > 0]
        factor = np.sqrt(train)[:, None] * kernel / np.sqrt(degrees)
        left, sigma, right = np.linalg.svd(factor)
        classes = np.arange(1 + max(world.view_labels.max(), world.natural_labels.max()))
        seen = world.view_labels[(world.p_train(beta) @ world.kernel) > 0]
        sources = world.natural_labels[world.p_train(beta) > 0]
        h = left.T @ (np.sqrt(train)[:, None] * (sources[:, None] == classes))
        u = right @ (np.sqrt(degrees)[:, None] * (seen[:, None] == classes))
        modes = max(len(h), len(u))
        h, u = (np.pad(a, ((0, modes - len(a)), (0, 0))) for a in (h, u))
        sigma = np.pad(sigma, (0, modes - len(sigma)))
        share = (h**2 + u**2).sum(axis=1) - 2 * sigma * (h * u).sum(axis=1)
        kept = np.arange(modes) < k
        assert share.sum() == pytest.approx(2 * found.labeling_error, abs=EXACT)
        assert (share >= (1 - sigma**2) * (h**2).sum(axis=1) - EXACT).all()
        last, gap = 1 - sigma[k - 1] ** 2, 1 - sigma[k] ** 2 if k < modes else 1.0
        if k < len(sigma) and gap - last > 1e-6:  # the kept modes are then unique
            loss = share[kept].sum() + (h[~kept] ** 2).sum()
            assert found.source_loss == pytest.approx(loss, abs=1e-7)
            spread = ((1 - sigma**2)[:, None] * u**2)[kept].sum()
            assert found.source_loss - found.vote_loss == pytest.approx(spread, abs=1e-7)


def test_cost_of_a_wrong_vote():
    rng = np.random.default_rng(0)
    label = np.array([1.0, 0, 0])
    tried = 0
    for _ in range(5000):
        gap = rng.uniform(0.01, 1)
        scores = label + rng.normal(size=(6, 3)) * rng.choice([0.1, 0.5, 1])
        masses = rng.dirichlet(np.ones(6))
        wrong = np.arange(6) < rng.integers(1, 7)
        scores[wrong] += rng.uniform(0, 1, size=(wrong.sum(), 1)) * (0.5 - label)
        wrong = scores[:, 0] <= scores[:, 1:].max(axis=1)
        if masses[wrong].sum() < 1 / 2:
            continue
        mean = masses @ scores
        spread = masses @ ((scores - mean) ** 2).sum(axis=1)
        cost = gap * ((label - mean) ** 2).sum() + spread
        assert cost >= gap / (2 + 2 * gap)
        tried += 1
    assert tried > 500
    # The floor is reached: half of the views tie, the mean lies at the best place on the way.
    gap, tie = 0.3, np.array([0.5, 0.5, 0])
    mean = (tie + gap * label) / (1 + gap)
    cost = gap * ((label - mean) ** 2).sum() + ((tie - mean) ** 2).sum()
    assert cost == pytest.approx(gap / (2 + 2 * gap))


def test_agreement_left_out():
    """1 − α = Σ_j σ_j h_j · u_j over all modes, of which f keeps a; each square on its own."""
    for world, beta, k, found in worlds()[:150]:
        train = world.p_train(beta)
        degrees = train @ world.kernel
        points, views = train > 0, degrees > 0
        factor = np.sqrt(train[points])[:, None] * world.kernel[np.ix_(points, views)]
        left, sigma, right = np.linalg.svd(factor / np.sqrt(degrees[views]))
        classes = np.arange(1 + max(world.view_labels.max(), world.natural_labels.max()))
        labels, sources = world.view_labels[views], world.natural_labels[points]
        h = left.T @ (np.sqrt(train[points])[:, None] * (sources[:, None] == classes))
        u = right @ (np.sqrt(degrees[views])[:, None] * (labels[:, None] == classes))
        shared = len(sigma)
        agreement = sigma * (h[:shared] * u[:shared]).sum(axis=1)
        assert agreement.sum() == pytest.approx(1 - found.labeling_error, abs=EXACT)
        last, gap = 1 - sigma[k - 1 :][:1] ** 2, found.spectral_gap
        if k < shared and gap - last > 1e-6:  # the kept modes are then unique
            assert found.source_score == pytest.approx(agreement[:k].sum(), abs=1e-7)
            assert found.score_energy == pytest.approx((u[:k] ** 2).sum(), abs=1e-7)
            lost = np.sqrt((h[k:] ** 2).sum() * (u[k:] ** 2).sum())
            assert agreement[k:].sum() <= found.correlation * lost + EXACT
            assert lost <= 1 - found.source_score + EXACT
            inner = found.source_score**2 / found.score_energy if found.score_energy else 0
            assert (h[k:] ** 2).sum() <= 1 - inner + EXACT


def test_cost_of_a_wrong_argmax_against_the_source():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.4, 0.5, size=(20_000, 3))
    room = 1 + (scores**2).sum(axis=1) - scores.max(axis=1) - scores[:, 0]
    wrong = scores[:, 0] <= scores[:, 1:].max(axis=1)
    assert room[wrong].min() >= 1 / 2 and 0 <= room[~wrong].min() < 1 / 2
    for scores, least in (((0.5, 0.5, 0), 1 / 2), ((1, 0, 0), 0)):  # where both are reached
        assert 1 + np.square(scores).sum() - max(scores) - scores[0] == least
    unscored = np.array([0, 0.5])  # a source whose class labels no view: score 0, always wrong
    assert 1 + (unscored**2).sum() - unscored.max() - 0 >= 1 / 2


def with_a_clean_image(share: float, clean: float) -> FiniteWorld:
    """`two_views`, and a third image of mass `clean` with a view of its own."""
    kernel = np.array([[1 - share, share, 0], [share, 1 - share, 0], [0, 0, 1]])
    distribution = np.array([(1 - clean) / 2, (1 - clean) / 2, clean])
    labels = np.array([0, 1, 0])
    return FiniteWorld(kernel, distribution, distribution, labels, labels)


@pytest.mark.parametrize("share", [0.5, 0.3, 0.1, 1e-3, 1e-6])  # λ from 1 down to 4e-6
@pytest.mark.parametrize("clean", [0.0, 0.4, 0.9])
def test_the_spectral_error_on_views_is_reached_at_every_alpha_and_gap(share, clean):
    world = with_a_clean_image(share, clean) if clean else two_views(share)
    found = report(world, 1.0, 2 if clean else 1)
    assert found.spectral_gap == pytest.approx(4 * share * (1 - share))
    assert found.labeling_error == pytest.approx((1 - clean) * share)
    assert found.source_error == found.train_error == pytest.approx(1 - clean)
    assert found.spectral_view_bound == pytest.approx(found.source_error, rel=1e-9)
    assert found.spectral_train_bound == pytest.approx(2 * found.train_error, rel=1e-9)
    for name in ("agreement left out", "one square", "largest score", "cost of a wrong argmax"):
        each = step(found, name)
        assert each.left == pytest.approx(each.right, abs=EXACT), each
    # wrong forms: any smaller constant, no square root, or the root of λ itself
    alpha, gap = found.labeling_error, found.spectral_gap
    assert 1.99 * alpha / (1 - math.sqrt(1 - gap)) < found.source_error
    assert 2 * alpha / gap < found.source_error or share == 0.5
    assert 2 * alpha / math.sqrt(gap) < found.source_error or share == 0.5
    assert 1.99 * alpha / (1 - math.sqrt(1 - gap)) < found.train_error


def test_four_is_needed_for_the_vote_at_a_gap_of_one():
    # A quarter of an image's views is mislabelled, and no mode tells the other half of their kind
    # from them; a rare second image has only views of the third kind, and k = 2 keeps it apart.
    tilt, rare = 1e-3, 1e-4
    kernel = np.array([[0.25 + tilt, 0.25, 0.5 - tilt], [0, 0, 1]])
    distribution = np.array([1 - rare, rare])
    labels = np.array([0, 0]), np.array([1, 0, 0])
    found = transfer_bound(kernel, distribution, distribution, 1.0, *labels, k=2)
    assert found.spectral_gap == 1
    assert found.train_error == pytest.approx(1 - rare)  # no tie, of scores or of votes
    assert 3.9 * found.labeling_error < found.train_error < found.spectral_train_bound
    assert found.spectral_train_bound == pytest.approx(4 * found.labeling_error)


def test_a_quarter_of_labeling_error_at_a_gap_of_one():
    # One clean image, and one whose two views are told apart by their labels alone: λ_3 = 1.
    world = FiniteWorld(
        kernel=np.array([[1, 0, 0], [0, 0.5, 0.5]]),
        p_real=np.array([0.5, 0.5]),
        p_generated=np.array([0.5, 0.5]),
        natural_labels=np.array([0, 1]),
        view_labels=np.array([0, 0, 1]),
    )
    found = report(world, 1.0, 2)
    assert found.spectral_gap == 1 and found.labeling_error == 0.25
    assert found.source_error == found.spectral_view_bound == 0.5
    assert found.smallest_train_bound == found.spectral_train_bound == 1
    assert found.refined_train_bound == 2


def test_cost_of_a_wrong_vote_on_right_labels():
    """λ times the misfit to the views' own labels, and the spread, of points voted wrong."""
    rng = np.random.default_rng(0)
    classes, tried, ratios = np.eye(3), 0, []
    for _ in range(8000):
        gap, masses = rng.uniform(0.01, 1), rng.dirichlet(np.ones(6))
        labels = classes[np.where(rng.random(6) < rng.choice([0, 0.2, 0.4]), rng.integers(1, 3), 0)]
        scores = labels + rng.normal(size=(6, 3)) * rng.choice([0.05, 0.3, 1])
        pulled = rng.random(6) < 0.6
        scores[pulled] += rng.uniform(0.8, 1.1) * (np.array([0.5, 0.5, 0]) - scores[pulled])
        wrong = scores[:, 0] <= scores[:, 1:].max(axis=1)
        if masses[wrong].sum() < 1 / 2:
            continue
        spread = masses @ ((scores - masses @ scores) ** 2).sum(axis=1)
        cost = gap * (masses @ ((labels - scores) ** 2).sum(axis=1)) + spread
        mislabelled = masses[labels[:, 0] == 0].sum()
        least = (1 - 2 * mislabelled) * gap * (1 + gap) / (2 + 4 * gap)
        assert cost >= least - EXACT
        ratios.append(least / cost)
        tried += 1
    assert tried > 500 and max(ratios) > 0.8
    # The floor is reached: half of the views tie, the others sit at the best place on the way.
    gap, tie, label = 0.3, np.array([0.5, 0.5, 0]), classes[0]
    other = label + (tie - label) / (1 + 2 * gap)
    misfit = (((label - tie) ** 2).sum() + ((label - other) ** 2).sum()) / 2
    cost = gap * misfit + ((tie - other) ** 2).sum() / 4
    assert cost == pytest.approx(gap * (1 + gap) / (2 + 4 * gap))


def two_views(share: float) -> FiniteWorld:
    """Two images with one view each, which augmentation confuses with probability `share`."""
    return FiniteWorld(
        kernel=np.array([[1 - share, share], [share, 1 - share]]),
        p_real=np.array([0.5, 0.5]),
        p_generated=np.array([0.5, 0.5]),
        natural_labels=np.array([0, 1]),
        view_labels=np.array([0, 1]),
    )


def test_four_is_sharp():
    for share in (0.1, 0.01, 0.001):
        found = report(two_views(share), 1.0, 1)
        assert found.labeling_error == pytest.approx(share)
        assert found.spectral_gap == pytest.approx(4 * share * (1 - share))
        assert found.train_error == 1  # one dimension: both views score 1/2, a tie
        assert found.refined_bound == pytest.approx(1 / (1 - share) + 4 * share)
        # whatever is added to it: with 3.9 α / λ the bound would be below one
        assert 3.9 * found.labeling_error / found.spectral_gap < 1 or share > 0.02


def test_four_is_sharp_without_a_tie():
    # Each class has a common image and a rare one; the rare ones leak less, so k = 3 keeps them.
    labels = np.array([0, 0, 1, 1])
    ratios = []
    for q, rare in ((1e-2, 0.05), (1e-3, 0.02), (1e-4, 0.01)):
        kernel = np.eye(4) * [[1 - q], [1 - q**2], [1 - q], [1 - q**2]]
        kernel[[0, 2], [2, 0]] = q
        kernel[1, 2] = kernel[3, 0] = q**2
        distribution = np.array([0.5 - rare, rare, 0.5 - rare, rare])
        found = transfer_bound(kernel, distribution, distribution, 1.0, labels, labels, k=3)
        assert found.train_error == pytest.approx(1 - 2 * rare)  # all common images, and only they
        ratios.append(found.train_error * found.spectral_gap / found.labeling_error)
    assert ratios == sorted(ratios) and 3.99 < ratios[-1] < 4


def test_the_pair_form_needs_its_alpha():
    # All views carry the other class's label: nothing differs within a pair.
    world = FiniteWorld(
        kernel=np.array([[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]),
        p_real=np.array([0.4, 0.3, 0.3]),
        p_generated=np.array([0.4, 0.3, 0.3]),
        natural_labels=np.array([0, 1, 1]),
        view_labels=np.array([1, 0, 0]),
    )
    found = report(world, 1.0, 2)
    assert found.pair_labeling_error == 0 and found.spectral_gap > 0
    assert found.train_error == found.labeling_error == 1


def test_with_majority_labels_phi_is_enough():
    for world, beta, k, found in worlds()[:100]:
        shares = world.kernel @ np.eye(3)[world.view_labels]
        voted = FiniteWorld(
            world.kernel, world.p_real, world.p_generated, shares.argmax(1), world.view_labels
        )
        ours = report(voted, beta, k)
        phi = found.pair_labeling_error
        assert ours.labeling_error <= phi + EXACT
        assert ours.train_error <= over(4 * phi, ours.spectral_gap) + 2 * phi + EXACT


def test_ties_unseen_views_and_classes_without_views_count_as_wrong():
    world = FiniteWorld(
        kernel=np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]]),
        p_real=np.array([0.5, 0.5, 0]),
        p_generated=np.array([0.5, 0.5, 0]),  # the last view has no mass at all
        natural_labels=np.array([0, 2, 1]),  # and class 2 labels no view
        view_labels=np.array([0, 0, 1, 1]),
    )
    found = report(world, 1.0, 2)
    assert found.labeling_error == 0.5 and found.spectral_gap == 1
    assert found.view_error == 0.5  # views 1 and 2 always come together: tied scores
    assert found.train_error == 0.5
    assert all(each.slack >= -EXACT for each in (*found.steps, *found.refinement, *found.spectral))


def test_more_dimensions_than_images():
    # λ_{k+1} = 1 as soon as k reaches the rank; the encoder's further dimensions are zero.
    rng = np.random.default_rng(0)
    for _ in range(20):
        world = random_world(rng, points=3, views=8)
        if len(world.graph(0.5).views) < 7:
            continue
        three, six = report(world, 0.5, 3), report(world, 0.5, 6)
        assert three.spectral_gap == six.spectral_gap == 1
        assert three.probe_loss == pytest.approx(six.probe_loss)
        assert six.bound == pytest.approx(three.bound)


def test_any_basis_of_a_tied_eigenspace_obeys_the_bound():
    # The ring at β = 1 has λ_2 = λ_3: turn the second eigenvector through their plane.
    world = ring_world(3)
    found = report(world, 1.0, 2)
    _, (values, vectors), u, _ = dense(world, 1.0)
    assert values[2] - values[1] < 1e-12 < found.spectral_gap
    for angle in np.linspace(0, np.pi, 50):
        turned = np.cos(angle) * vectors[:, 1] + np.sin(angle) * vectors[:, 2]
        basis = np.column_stack([vectors[:, 0], turned])
        left_out = u - basis @ (basis.T @ u)
        assert (left_out**2).sum() <= found.pair_labeling_error / found.spectral_gap + EXACT


def test_parts_are_those_of_the_graph_and_the_distributions():
    world, beta = ring_world(strength=3), 1 / 3
    ours, graph = report(world, beta, 2), world.graph(beta)
    assert ours.labeling_error == pytest.approx(world.labeling_error(beta))
    assert ours.spectral_gap == graph.spectral_gap(2)
    assert ours.total_variation == pytest.approx(0.55)
    labels = world.view_labels, world.natural_labels
    assert ours.train_error == pytest.approx(graph.probe_error(*labels, 2))
    assert ours.real_error == pytest.approx(graph.probe_error(*labels, 2, world.p_real))
    alpha, gap = ours.labeling_error, ours.spectral_gap
    assert ours.bound == pytest.approx(8 * alpha / gap + 2 * alpha + 2 / 3 * 0.55)
    assert ours.vacuous


def test_sparse_kernels_give_the_same_report():
    from scipy.sparse import csr_array

    for world, beta, k, found in worlds()[:30]:
        sparse = FiniteWorld(
            csr_array(world.kernel),
            world.p_real,
            world.p_generated,
            world.natural_labels,
            world.view_labels,
        )
        other = report(sparse, beta, k)
        assert other.bound == pytest.approx(found.bound, rel=1e-6)
        if not world.graph(beta).is_degenerate(k):
            assert other.source_loss == pytest.approx(found.source_loss, abs=1e-7)


def test_vacuous_from_a_tenth_of_labeling_error_and_spectral_from_a_quarter():
    speaking = [each for *_, each in worlds() if each.spectral_train_bound < 1]
    assert max(each.labeling_error for each in speaking) > 0.125
    for _, _, _, found in worlds():
        if found.labeling_error >= 0.25:
            assert found.spectral_train_bound >= 1
        if found.labeling_error >= 0.1:
            assert found.train_bound >= 1
        if found.labeling_error >= 0.125:
            assert found.refined_train_bound >= 1


def test_no_gap_is_an_infinite_bound_not_a_number():
    world = isolated_cluster_world()
    distributions, labels = (
        (world.p_real, world.p_generated),
        (world.natural_labels, world.view_labels),
    )
    with pytest.warns(DegenerateSpectrumWarning):
        found = transfer_bound(world.kernel, *distributions, 0.5, *labels, k=1)
    assert found.labeling_error == 0 and found.spectral_gap == 0  # 0 / 0
    assert found.bound == found.refined_bound == math.inf and found.vacuous
    assert not any(math.isnan(each.ratio) for each in (*found.steps, *found.spectral))


def test_beta_one_leaves_the_distance_out_and_beta_zero_the_ratio():
    world = ring_world(strength=4)
    found = report(world, 1.0, 2)
    alpha, gap = found.labeling_error, AugmentationGraph(world.kernel, world.p_real).spectral_gap(2)
    assert found.bound == pytest.approx(8 * alpha / gap + 2 * alpha)
    assert found.train_error == found.real_error
    unseen = report(world, 0.0, 2)
    assert step(unseen, "density ratio").right == math.inf
    assert unseen.bound == pytest.approx(unseen.train_bound + unseen.total_variation)


def test_a_report_can_be_read():
    found = report(ring_world(2), 0.5, 2)
    lines = str(found).splitlines()
    assert len(lines) == 9 and lines[1].startswith("union bound") and "0.0400" in lines[1]
    table = found._repr_markdown_().splitlines()
    assert len(table) == 11 and all(line.count("|") == 6 for line in table)
    assert [each.name for each in STEPS] == [each.name for each in found.steps]
    names = [each.name for each in (*STEPS, *CONSEQUENCES, *REFINEMENT, *SPECTRAL)]
    assert len(set(names)) == len(names)


def test_bad_input_is_named():
    world = ring_world()
    with pytest.raises(ValueError, match="beta"):
        report(world, 1.5, 2)
    with pytest.raises(ValueError, match="k"):
        report(world, 0.5, 99)

"""The search over random worlds: the numbers of world by world, and the verdicts it reports."""

import warnings
from dataclasses import fields

import numpy as np
import pytest
from scipy.stats import binom

from adainf_core.theory.bound_proof import CONSEQUENCES, REFINEMENT, SPECTRAL, STEPS
from adainf_core.theory.bound_search import (
    OPEN_FORMS,
    QUANTILES,
    WRONG_FORMS,
    clopper_pearson,
    search_bounds,
)
from adainf_core.theory.bound_worlds import (
    BATCH,
    WorldBatch,
    batch_terms,
    drawn_world,
    random_batch,
)
from adainf_core.theory.bounds import BoundTerms, transfer_bound
from adainf_core.theory.spectrum import DegenerateSpectrumWarning

WORLDS = 12_000  # enough for each wrong form to fail more than once


@pytest.fixture(scope="module")
def search():
    return search_bounds(WORLDS, seed=0)


def alone(world, beta, k):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateSpectrumWarning)
        return transfer_bound(
            world.kernel,
            world.p_real,
            world.p_generated,
            beta,
            world.natural_labels,
            world.view_labels,
            k,
        )


def test_a_batch_has_the_numbers_of_its_worlds():
    rng = np.random.default_rng(3)
    compared = 0
    for _ in range(12):
        batch = random_batch(rng, 30)
        terms, valid = batch_terms(batch)
        for row in range(30):
            world, beta, k = batch.world(row), float(batch.beta[row]), int(batch.k[row])
            graph = world.graph(beta)
            assert valid[row] == (k < len(graph.views))
            if not valid[row]:
                continue
            assert terms.tied[row] == graph.is_degenerate(k)
            assert terms.nodes[row] == len(graph.views) + (graph.weights > 0).sum()
            alpha_real = graph.kernel * (world.view_labels != world.natural_labels[:, None])
            assert terms.real_labeling_error[row] == pytest.approx(
                world.p_real @ alpha_real.sum(axis=1), abs=1e-12
            )
            following = graph.eigenvalues(k + 2)[-1] if k + 2 <= len(graph.views) else 1.0
            assert terms.next_gap[row] == pytest.approx(following, abs=1e-9)
            one = alone(world, beta, k)
            # in tied worlds each solver has its own encoder: only what does not depend on it
            names = [field.name for field in fields(BoundTerms)]
            unique = ("loss", "error", "score") if terms.tied[row] else ()
            for name in names:
                if name.endswith(unique) and name not in ("labeling_error", "pair_labeling_error"):
                    continue
                # the spectrum is exact to 1e-9, eigenvectors to rounding over the gap, above 1e-8
                assert getattr(terms, name)[row] == pytest.approx(getattr(one, name), abs=1e-9)
            if one.spectral_gap > 1e-6 or one.spectral_gap == 0:
                assert terms.bound[row] == pytest.approx(one.bound, rel=1e-9)
            compared += 1
    assert compared > 200


def test_a_batch_refuses_ties_and_drops_unseen_views():
    share = np.array([0.1, 0.3])  # two images, each with a view, confused now and then; k = 1
    confused = np.moveaxis(np.array([[1 - share, share], [share, 1 - share]]), 2, 0)
    kernel = np.concatenate([confused, np.zeros((2, 2, 1))], axis=2)
    distribution, labels = np.full((2, 2), 0.5), np.array([[0, 1], [0, 1]])
    views = np.array([[0, 1, 1], [0, 1, 1]])
    terms, valid = batch_terms(
        WorldBatch(kernel, distribution, distribution, labels, views, np.ones(2), np.array([1, 2]))
    )
    assert valid.tolist() == [True, False]  # the third view never occurs: λ_3 does not exist
    assert terms.view_error[0] == terms.train_error[0] == 1
    assert terms.spectral_gap[0] == pytest.approx(4 * 0.1 * 0.9)


def test_no_proven_step_is_violated(search):
    assert search.checked >= WORLDS
    assert [each.name for each in search.proven] == [
        each.name for each in (*STEPS, *CONSEQUENCES, *REFINEMENT, *SPECTRAL)
    ]
    for each in search.proven:
        assert each.violations == 0, each
        assert each.checked == search.checked and each.smallest_index is None
        assert each.worst_ratio <= 1 + 1e-6  # right sides go down to 1e-6


@pytest.mark.parametrize("form", WRONG_FORMS, ids=lambda form: form.name)
def test_a_wrong_form_is_violated_in_a_world_that_can_be_drawn_again(search, form):
    found = search.tally(form.name)
    assert found.violations >= 1 and found.worst_ratio > 1.01
    for index in (found.worst_index, found.smallest_index):
        world, beta, k = drawn_world(search.seed, index)
        one = alone(world, beta, k)
        assert one.real_error > 0
        assert one.real_error <= one.bound + 1e-9  # the proven form stands in the same world
        number, row = divmod(index, BATCH)
        terms, valid = batch_terms(random_batch(np.random.default_rng([search.seed, number])))
        left, right = (side[row] for side in form.sides(terms))
        assert valid[row] and not terms.tied[row] and left > right
        assert left == pytest.approx(one.real_error, abs=1e-9)


def test_open_forms_are_reported_and_not_violated_here(search):
    assert [each.name for each in search.open] == [each.name for each in OPEN_FORMS]
    assert [each.violations for each in search.open] == [0, 0, 0]


def test_counts_add_up(search):
    assert search.drawn % BATCH == 0
    assert search.drawn == search.checked + search.excluded + search.unresolved
    assert search.unresolved <= 1e-3 * search.drawn
    assert search.drawn - BATCH < WORLDS / search.checked * search.drawn
    assert 0 < search.unconnected <= search.tied < search.checked
    assert search.unconnected < search.smallest_vacuous < search.refined_vacuous
    assert search.refined_vacuous < search.vacuous < search.checked
    unique = search.checked - search.tied
    assert all(each.checked == unique for each in (*search.wrong, *search.open))
    for each in (*search.proven, *search.wrong, *search.open):
        ratios = [each.quantiles[q] for q in QUANTILES]
        assert ratios == sorted(ratios) and ratios[-1] <= each.worst_ratio
        assert 0 < each.informative <= each.checked


def test_worlds_cover_every_corner():
    batches = [random_batch(np.random.default_rng([1, number]), 50) for number in range(60)]
    shapes = np.array([batch.kernel.shape[1:] for batch in batches])
    assert set(shapes[:, 0]) == set(range(3, 14)) and set(shapes[:, 1]) == set(range(3, 16))
    assert {int(k) for batch in batches for k in batch.k} == set(range(1, 8))
    betas = np.concatenate([batch.beta for batch in batches])
    assert betas.min() < 0.001 and betas.max() > 0.999
    distances = np.concatenate(
        [np.abs(batch.p_real - batch.p_generated).sum(axis=1) / 2 for batch in batches]
    )
    assert (distances > 1 - 1e-9).mean() > 0.1 and (distances < 0.05).mean() > 0.1
    alphas, gaps, classes = [], [], set()
    for batch in batches:
        terms, valid = batch_terms(batch)
        alphas.extend(terms.labeling_error[valid])
        gaps.extend(terms.spectral_gap[valid])
        classes |= set(batch.natural_labels.ravel())
    assert classes == {0, 1, 2}
    for low, high in ((0, 1e-3), (1e-3, 0.1), (0.1, 0.5), (0.5, 1)):
        assert np.mean((np.array(alphas) >= low) & (np.array(alphas) < high)) > 0.02
    assert np.mean(np.array(gaps) == 0) > 0.05 and np.mean(np.array(gaps) > 0.5) > 0.1


def test_a_search_repeats_with_its_seed():
    first, again, other = (search_bounds(400, seed) for seed in (5, 5, 6))
    assert first == again and first.vacuous != other.vacuous


@pytest.mark.parametrize(("successes", "trials"), [(0, 50), (3, 50), (50, 50), (41, 59_661)])
def test_the_interval_is_the_one_whose_ends_are_just_not_rejected(successes, trials):
    low, high = clopper_pearson(successes, trials, 0.95)
    assert low == 0 or binom.sf(successes - 1, trials, low) == pytest.approx(0.025)
    assert high == 1 or binom.cdf(successes, trials, high) == pytest.approx(0.025)
    assert (low == 0) == (successes == 0) and (high == 1) == (successes == trials)


def test_bad_input_is_named(search):
    with pytest.raises(ValueError, match="worlds = 0"):
        search_bounds(0)
    with pytest.raises(ValueError, match="seed = -1"):
        search_bounds(10, seed=-1)
    with pytest.raises(ValueError, match="index = -3"):
        drawn_world(0, -3)
    with pytest.raises(ValueError, match="no inequality is called 'luck'"):
        search.tally("luck")

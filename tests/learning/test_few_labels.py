"""The few-label probe against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from adainf_core.learning.few_labels import few_label_error, nested_draws


def test_matches_nearest_centroids_on_the_sphere():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    features = rng.standard_normal((4, 6))[labels] + 1.2 * rng.standard_normal((120, 6))
    found = few_label_error(features, labels, 5, 30, np.random.default_rng(1))
    x = features - features.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    draws, errors = np.random.default_rng(1), []
    for _ in range(30):
        chosen = np.stack(
            [draws.permutation(np.flatnonzero(labels == c))[:5] for c in range(4)]
        ).ravel()
        # nearest on the sphere is nearest in cosine once the centroids have length one
        model = NearestCentroid().fit(x[chosen], labels[chosen])
        means = model.centroids_ / np.linalg.norm(model.centroids_, axis=1, keepdims=True)
        rest = np.setdiff1d(np.arange(120), chosen)
        nearest = ((x[rest, None] - means) ** 2).sum(2).argmin(1)
        errors.append((nearest != labels[rest]).mean())
    assert found == pytest.approx(np.mean(errors), abs=1e-12)
    assert 0.05 < found < 0.6


def test_perfect_and_useless_features():
    labels = np.repeat([0, 1, 2], 10)
    rng = np.random.default_rng(0)
    assert few_label_error(np.eye(3)[labels], labels, 1, 3, rng) == 0
    # all rows are equal, so all are called by the first class
    assert few_label_error(np.ones((30, 2)), labels, 1, 3, rng) == pytest.approx(2 / 3)


def test_scale_and_shift_of_the_features_do_not_matter():
    rng = np.random.default_rng(2)
    labels, features = np.repeat([0, 1], 20), rng.standard_normal((40, 3))
    errors = [
        few_label_error(x, labels, 3, 10, np.random.default_rng(5))
        for x in (features, 7 * features + 3)
    ]
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    ("features", "per_class", "message"),
    [
        (np.ones((3, 2)), 1, r"labels has shape \(4,\), expected \(3,\)"),
        (np.full((4, 2), np.nan), 1, "one finite row"),
        (np.ones((4, 2)), 2, "class 0 has 2 rows"),
        (np.ones((4, 2)), 0, "per_class = 0 must be at least 1"),
    ],
)
def test_bad_input_is_named(features, per_class, message):
    with pytest.raises(ValueError, match=message):
        few_label_error(features, np.array([0, 0, 1, 1]), per_class, 1, np.random.default_rng(0))


def test_no_copy_of_what_is_labelled_is_tested():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((40, 30)), np.arange(40) % 2
    twice, both = np.repeat(features, 2, 0), np.repeat(labels, 2)
    groups = np.repeat(2 * np.arange(40), 2)

    def error(*rows, **options):
        return few_label_error(*rows, 8, 40, np.random.default_rng(1), **options)

    # noise: half are wrong, unless their copies are among the labelled
    assert error(twice, both) < 0.45 < error(twice, both, groups=groups)
    # each image twice is each image once
    assert error(twice, both, groups=groups) == pytest.approx(error(features, labels), abs=1e-12)
    # and a row that is its own group is what it was
    assert error(twice, both, groups=np.arange(80)) == error(twice, both)
    with pytest.raises(ValueError, match="class 0 has 20 distinct rows: none is left"):
        few_label_error(twice, both, 20, 1, rng, groups=groups)


def test_draws_are_balanced_nested_and_functions_of_the_seed():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 12))
    draws = nested_draws(labels, (1, 3, 10), 4, np.random.default_rng(7))
    assert len(draws) == 4
    for draw in draws:
        for number, places in draw.items():
            assert len(np.unique(places)) == len(places)
            assert np.bincount(labels[places]).tolist() == [number] * 5
        assert set(draw[1]) < set(draw[3]) < set(draw[10])
    again = nested_draws(labels, (1, 3, 10), 4, np.random.default_rng(7))
    assert all(np.array_equal(a[3], b[3]) for a, b in zip(draws, again, strict=True))
    assert len({tuple(draw[3]) for draw in draws}) == 4
    # which numbers are asked for changes none of the choices
    alone = nested_draws(labels, (3,), 4, np.random.default_rng(7))
    assert all(np.array_equal(a[3], b[3]) for a, b in zip(draws, alone, strict=True))


def test_draws_are_uniform():
    labels = np.repeat(np.arange(2), 4)
    draws = nested_draws(labels, (1,), 4000, np.random.default_rng(1))
    counts = np.bincount(np.concatenate([draw[1] for draw in draws]), minlength=8)
    assert abs(counts - 1000).max() < 130  # 27 is the standard deviation


def test_more_labels_than_there_are_is_refused():
    labels = np.array([0, 0, 0, 1, 1])
    with pytest.raises(ValueError, match=r"class 1 has 2 rows: per_class=3 asks for more"):
        nested_draws(labels, (1, 3), 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="per_class"):
        nested_draws(labels, (0,), 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="draws"):
        nested_draws(labels, (1,), 0, np.random.default_rng(0))

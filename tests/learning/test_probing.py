"""Probes against scikit-learn and numpy on the same features, and where the answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from known_features import DEVICES, ENCODER, FLIP, PIXELS, STILL, coloured, digits, labelled
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies
from adainf_core.learning import probing, softmax_regression
from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.features import extract_features
from adainf_core.learning.probing import (
    PROBE_AUGMENTATION,
    ProbeResult,
    knn_probe,
    linear_probe,
    online_probe,
)

# Linear


@pytest.mark.parametrize("device", DEVICES)
def test_linear_probe_agrees_with_scikit_learn(device):
    train, test = digits()
    encoder = small_cnn(4).to(device)
    for probed in (PIXELS, encoder):
        ours = linear_probe(probed, train, test, penalties=(1e-1, 1e-2, 1e-3))
        x, x_test = (extract_features(probed, s.images).astype(float) for s in (train, test))
        mean, std = x.mean(0), x.std(0)
        x, x_test = ((part - mean) / np.where(std > 0, std, 1) for part in (x, x_test))
        penalty = ours.details["penalty"]
        theirs = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-7, max_iter=20000)
        theirs.fit(x, train.labels)
        assert ours.accuracy == pytest.approx(theirs.score(x_test, test.labels), abs=0.003)
        assert ours.accuracy > 0.4 and ours.details["converged"] == 1
    assert ours.n_train == len(train) and ours.n_test == len(test)
    assert "all 899 labelled images of digits-0" in ours.protocol


def test_penalty_is_the_best_in_cross_validation():
    train, test = digits()
    folds = probing._stratified_folds(train.labels, 0)
    x = extract_features(PIXELS, train.images).astype(float)
    x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    scores = dict.fromkeys((1.0, 1e-2), 0.0)
    for penalty in scores:
        for held in (folds == fold for fold in range(5)):
            theirs = LogisticRegression(C=1 / (penalty * (~held).sum()), tol=1e-5, max_iter=20000)
            theirs.fit(x[~held], train.labels[~held])
            scores[penalty] += theirs.score(x[held], train.labels[held]) * held.mean()
    found = linear_probe(PIXELS, train, test, penalties=(1e-2, 1.0)).details
    assert found["held_out_accuracy"] == pytest.approx(max(scores.values()), abs=0.003)
    assert scores[found["penalty"]] == pytest.approx(max(scores.values()), abs=0.003)
    assert max(scores.values()) - min(scores.values()) > 0.02


def test_penalty_at_the_edge_is_reported():
    train, test = digits()
    inside = linear_probe(PIXELS, train, test, penalties=(1e2, 1e-2, 1e-9)).details
    outside = linear_probe(PIXELS, train, test, penalties=(1e2, 1e-2)).details
    assert inside["penalty"] == outside["penalty"] == 1e-2
    assert (inside["penalty_at_edge"], outside["penalty_at_edge"]) == (0, 1)


@pytest.mark.parametrize(
    ("held_out", "tried", "chosen"),
    [
        ([0.5, 0.7, 0.6, 0.65, 0.9], 4, 1),
        ([0.5, 0.7, 0.6, 0.7, 0.6, 0.9], 6, 5),
        ([0.5, 0.5, 0.5, 0.5, 0.8], 5, 4),
    ],
)
def test_search_ends_after_two_worse_in_a_row(monkeypatch, held_out, tried, chosen):
    penalties = [10.0**-i for i in range(len(held_out))]
    seen = []

    def scripted_path(x, y, penalties, classes):
        real = softmax_regression.fit_softmax_regression(x, y, 1.0, classes)
        for penalty, accuracy in zip(penalties, held_out, strict=True):
            seen.append(penalty)
            yield SimpleNamespace(
                weight=real.weight, bias=real.bias, accuracy=lambda x, y, a=accuracy: a
            )

    monkeypatch.setattr(probing, "softmax_regression_path", scripted_path)
    result = linear_probe(ENCODER, coloured(60, 0, 1), coloured(30, 0, 2), penalties=penalties)
    found = result.details
    assert len(seen) == 5 * tried  # once a fold
    assert found["penalty"] == penalties[chosen]
    assert found["held_out_accuracy"] == pytest.approx(held_out[chosen])
    path = np.array(result.penalty_path)
    assert path[:, 0].tolist() == penalties[:tried]
    assert path[:, 1] == pytest.approx(held_out[:tried])
    assert f"penalty {penalties[chosen]:g} chosen, in cross-validation" in result.account
    assert f"{penalties[0]:g}: {100 * held_out[0]:.2f}, " in result.account
    assert result.account.startswith(result.protocol) and "chosen, in" not in result.protocol


def test_test_labels_decide_nothing():
    train, test = (side.subset(np.arange(400)) for side in digits())
    shuffled = replace(test, labels=np.random.default_rng(0).permutation(test.labels))
    honest, chance = (
        linear_probe(PIXELS, train, s, penalties=(1e-1, 1e-3)) for s in (test, shuffled)
    )
    assert honest.details == chance.details and chance.accuracy < 0.2 < honest.accuracy


def test_folds_are_stratified_and_depend_on_the_seed():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [50, 22, 2]))
    folds = probing._stratified_folds(labels, 0)
    counts = np.array([np.bincount(folds[labels == c], minlength=5) for c in range(3)])
    assert counts[0].tolist() == [10] * 5
    assert sorted(counts[1]) == [4, 4, 4, 5, 5] and sorted(counts[2]) == [0, 0, 0, 1, 1]
    assert np.ptp(counts.sum(0)) <= 1  # what is left over is spread as well
    again, other = (probing._stratified_folds(labels, seed) for seed in (0, 1))
    assert folds.tolist() == again.tolist() != other.tolist()


def test_no_view_of_a_held_out_image_is_fitted():
    # random labels, more pixels than images: what has been seen is known by heart, the rest guessed
    train = labelled(np.random.default_rng(1).integers(0, 3, 90).tolist(), 8)
    test = train.subset(np.arange(1, 90))
    result = linear_probe(PIXELS, train, test, augmentation=STILL, views=3)
    assert result.details["held_out_accuracy"] < 0.7
    weakest = linear_probe(PIXELS, train, test, augmentation=STILL, views=3, penalties=(1e-6,))
    assert weakest.accuracy == 1


def test_augmented_views_teach_what_they_vary():
    # in training the bright side tells the class, in the test set it is mirrored
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    images = rng.integers(0, 100, (200, 3, 4, 4))
    images[labels == 1, :, :, 0] += 80
    train = ImageSet(images.astype(np.uint8), labels, "one-sided")
    test = replace(train, images=np.ascontiguousarray(train.images[..., ::-1]), name="mirrored")
    plain = linear_probe(PIXELS, train, test, penalties=(1e-2,))
    taught = linear_probe(PIXELS, train, test, penalties=(1e-2,), augmentation=FLIP, views=2)
    assert plain.accuracy < 0.8 and taught.accuracy == 1
    assert "2 augmented views" in taught.protocol and "flip_p=0.5" in taught.protocol
    assert "augmented views" not in plain.protocol and taught.n_train == 200


def test_linear_probe_repeats_itself(tmp_path):
    train, test = (side.subset(np.arange(300)) for side in digits())
    one, two, cached, again = (
        linear_probe(
            PIXELS,
            train,
            test,
            penalties=(1e-1, 1e-2),
            augmentation=PROBE_AUGMENTATION,
            views=2,
            cache=cache,
        )
        for cache in (None, None, tmp_path, tmp_path)
    )
    assert one == two == cached == again
    assert len(list(tmp_path.iterdir())) == 4  # training images, two views of them, test images


def test_a_collapsed_encoder_is_at_chance():
    class Collapsed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 4), 0.3)

    train, test = labelled([0, 0, 0, 1, 1, 2, 2] * 5), labelled([0, 1, 2])
    assert linear_probe(Collapsed(), train, test).accuracy == pytest.approx(1 / 3)


def test_labels_need_not_be_consecutive():
    train, test = coloured(60, 0, 1), coloured(60, 0, 2)
    names = np.array([3, 7, 40])
    train, test = (replace(s, labels=names[s.labels]) for s in (train, test))
    assert linear_probe(ENCODER, train, test).accuracy == 1
    assert knn_probe(ENCODER, train, test, k=5).accuracy == 1


# Nearest neighbours


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("k", [1, 10])
def test_knn_agrees_with_scikit_learn(monkeypatch, k, device):
    monkeypatch.setattr(probing, "_SIMILARITIES", 50_000)  # several blocks
    train, test = digits()
    encoder = small_cnn(4).to(device)
    x, x_test = (extract_features(encoder, s.images) for s in (train, test))
    theirs = KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(x, train.labels)
    ours = knn_probe(encoder, train, test, k=k)
    assert ours.accuracy == pytest.approx(theirs.score(x_test, test.labels), abs=0.0012)
    assert ours.accuracy > 0.5 and f"{k}-nearest" in ours.protocol


@pytest.mark.parametrize("temperature", [0.1, 0.001])
def test_weighted_knn_agrees_with_brute_force(temperature):
    train, test = digits()
    x, x_test = (extract_features(PIXELS, s.images).astype(float) for s in (train, test))
    x, x_test = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (x, x_test))
    hits = 0
    for query, label in zip(x_test, test.labels, strict=True):
        similarity = x @ query
        near = np.argsort(-similarity)[:200]
        weights = np.exp((similarity[near] - similarity.max()) / temperature)
        votes = np.bincount(train.labels[near], weights, 10)
        hits += votes.argmax() == label
    ours = knn_probe(PIXELS, train, test, k=200, temperature=temperature)
    assert ours.accuracy == pytest.approx(hits / len(test), abs=0.0012)
    unweighted = knn_probe(PIXELS, train, test, k=200)
    assert ours.accuracy != unweighted.accuracy and ours.protocol != unweighted.protocol


def test_probes_separate_what_is_separable():
    train, test = coloured(60, 0, 1), coloured(60, 0, 2)
    assert linear_probe(ENCODER, train, test).accuracy == 1
    assert knn_probe(ENCODER, train, test, k=5).accuracy == 1


# Online


def test_online_probe_reads_raw_features_through_the_classifier():
    test = coloured(300, 20, 0)
    features = extract_features(ENCODER, test.images)
    classifier = nn.Linear(3, 3)
    with torch.no_grad():
        classifier.weight.copy_(torch.eye(3))
        classifier.bias.copy_(torch.tensor([0.2, 0.0, -0.3]))
    expected = ((features + [0.2, 0.0, -0.3]).argmax(1) == test.labels).mean()
    result = online_probe(ENCODER, classifier, test, "the 500 real images of a mixture")
    assert result.accuracy == pytest.approx(expected) and 0.5 < expected < 1
    assert result.protocol.startswith("ONLINE probe (not comparable")
    assert "the 500 real images of a mixture" in result.protocol
    assert result.n_train is None and result.n_test == 300


@pytest.mark.parametrize(
    ("classifier", "test", "message"),
    [
        (nn.Linear(3, 2), labelled([0, 2]), "label 2, the classifier's go to 1"),
        (nn.Linear(5, 3), labelled([0, 2]), "gives 3 features, the classifier takes 5"),
        (nn.Linear(3, 3), labelled([0, 2]).unlabelled(), "set-of-2 has no labels"),
    ],
)
def test_classifier_that_does_not_fit_is_refused(classifier, test, message):
    with pytest.raises(ValueError, match=message):
        online_probe(ENCODER, classifier, test, "anything")


# What both sides refuse


def test_standard_error_is_binomial():
    assert ProbeResult(0.75, "", 10, 48).standard_error == pytest.approx(0.0625)


@pytest.mark.parametrize("probe", [linear_probe, lambda *sets: knn_probe(*sets, k=1)])
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (labelled([0, 1] * 5).unlabelled(), labelled([0, 1]), "set-of-10 has no labels"),
        (labelled([0, 1] * 5), labelled([0, 1]).unlabelled(), "set-of-2 has no labels"),
        (labelled([4] * 5), labelled([4]), "set-of-5 has one class, 4"),
        (labelled([0, 1] * 5), labelled([0, 5]), "set-of-2 has label 5, which set-of-10 does not"),
        (labelled([0, 1] * 5), labelled([0], 8), "images of 4x4 pixels, set-of-1 of 8x8"),
    ],
)
def test_sets_that_cannot_be_probed_are_refused(probe, train, test, message):
    with pytest.raises(ValueError, match=message):
        probe(PIXELS, train, test)


def test_a_class_with_one_image_cannot_be_held_out():
    with pytest.raises(ValueError, match="label 7 has a single image in set-of-5"):
        linear_probe(PIXELS, labelled([0, 0, 7, 9, 9]), labelled([0]))


def test_views_have_to_be_positive():
    with pytest.raises(ValueError, match="views = 0"):
        linear_probe(PIXELS, labelled([0, 1] * 5), labelled([0]), augmentation=FLIP, views=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 0}, "k = 0 must be at least 1"),
        ({"k": 1.5}, r"k = 1\.5 must be an integer"),
        ({"k": 3, "temperature": 0.0}, "temperature = 0 must"),
    ],
)
def test_neighbours_that_do_not_exist_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        knn_probe(ENCODER, coloured(9, 0, 0), coloured(8, 0, 1), **wrong)


def test_more_neighbours_than_images_are_cut_to_all_of_them_and_it_says_so():
    train, test = coloured(90, 30, 1), coloured(80, 30, 2)
    for temperature in (None, 0.1):
        all_of_them = knn_probe(ENCODER, train, test, 90, temperature)
        cut = knn_probe(ENCODER, train, test, 200, temperature)
        assert cut.accuracy == all_of_them.accuracy
        assert "90-nearest-neighbour probe (k = 200 was cut to the 90 training" in cut.protocol
        assert "cut" not in all_of_them.protocol


@pytest.mark.parametrize("probe", [linear_probe, knn_probe])
def test_classes_are_matched_by_name_however_they_are_numbered(probe):
    train, test = (
        replace(part, class_names=("red", "green", "blue"))
        for part in (coloured(60, 0, 1), coloured(60, 0, 2))
    )
    order = np.array([2, 0, 1])
    renumbered = replace(test, labels=order[test.labels], class_names=("green", "blue", "red"))
    assert probe(ENCODER, train, renumbered).accuracy == probe(ENCODER, train, test).accuracy == 1
    with pytest.raises(ValueError, match="give both names"):
        probe(ENCODER, train, replace(renumbered, class_names=None))


@pytest.mark.parametrize("probe", [linear_probe, knn_probe])
def test_a_probe_is_not_tested_on_what_it_learns_from(probe):
    train = coloured(60, 20, 1)
    with pytest.raises(ValueError, match="are the same images"):
        probe(ENCODER, train, train.subset(np.arange(60)[::-1]))


def test_accuracy_on_some_test_images_is_that_of_a_probe_of_them():
    train, test = coloured(120, 60, 0), coloured(90, 60, 1)
    some = np.flatnonzero(np.random.default_rng(0).random(90) < 0.4)
    for probe in (linear_probe, knn_probe):
        whole, part = probe(ENCODER, train, test), probe(ENCODER, train, test.subset(some))
        found = whole.on(some)
        assert (found.accuracy, found.n_test) == (part.accuracy, len(some))
        assert found.standard_error == part.standard_error
        assert whole.right.mean() == whole.accuracy and whole.right.shape == (90,)


# Copies


def doubled(count=100):
    """Two classes by brightness, a fifth of the labels wrong: once, each image twice, others."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (2 * count, 3, 8, 8)).astype(np.uint8)
    labels = np.arange(2 * count) % 2
    pixels[labels == 1, :, :4] += 30
    labels = np.where(rng.random(2 * count) < 0.2, 1 - labels, labels)
    once = ImageSet(pixels[:count], labels[:count], "once")
    twice = ImageSet(np.repeat(once.images, 2, 0), np.repeat(once.labels, 2), "twice")
    return once, twice, ImageSet(pixels[count:], labels[count:], "test")


def test_copies_leak_between_folds_unless_they_are_held_out_together():
    once, twice, test = doubled()
    groups = known_copies(twice).group
    folds = probing._stratified_folds(twice.labels, 0)
    assert (folds[::2] != folds[1::2]).any()
    penalties = (1e2, 1e1, 1.0, 1e-1, 1e-2)
    leaking = linear_probe(PIXELS, twice, test, penalties=penalties)
    whole = linear_probe(PIXELS, twice, test, penalties=penalties, groups=groups)
    # a wrong label can be known by heart alone, from the copy: that takes a weak penalty
    assert leaking.details["held_out_accuracy"] > 0.9 > 0.85 > whole.details["held_out_accuracy"]
    assert leaking.details["penalty"] < whole.details["penalty"]
    # as of each image once, whose folds they are
    alone = linear_probe(PIXELS, once, test, penalties=penalties)
    assert whole.details["penalty"] == alone.details["penalty"]
    assert whole.details["held_out_accuracy"] == pytest.approx(
        alone.details["held_out_accuracy"], abs=0.04
    )
    assert "copies held out together" in whole.protocol and "copies" not in leaking.protocol


def test_images_that_are_their_own_groups_change_nothing():
    train, test = digits()
    plain = linear_probe(PIXELS, train, test, penalties=(1e-1, 1e-2))
    grouped = linear_probe(
        PIXELS, train, test, penalties=(1e-1, 1e-2), groups=np.arange(len(train))
    )
    assert plain == grouped and (plain.predicted == grouped.predicted).all()


def test_a_group_is_held_out_whole_whatever_its_number():
    labels = np.arange(90) % 3
    groups = np.random.default_rng(0).permutation(90)[np.arange(90) // 3 * 3]
    firsts, group = probing._grouped(groups, 90)
    assert firsts.tolist() == list(range(0, 90, 3))  # in the order of the images
    folds = probing._stratified_folds(labels[firsts], 3)[group]
    for name in np.unique(groups):
        assert len(set(folds[groups == name])) == 1


def test_a_class_of_copies_cannot_be_held_out():
    _, twice, test = doubled()
    alone = np.concatenate([[0, 0], 1 + np.arange(len(twice) - 2)])
    labels = np.concatenate([[2, 2], twice.labels[2:]])
    odd = ImageSet(twice.images, labels, "odd")
    with pytest.raises(ValueError, match="has a single image in odd, and copies of it: holding"):
        linear_probe(PIXELS, odd, test, groups=alone)
    with pytest.raises(ValueError, match=r"groups has shape \(3,\), expected \(200,\)"):
        linear_probe(PIXELS, twice, test, groups=np.arange(3))

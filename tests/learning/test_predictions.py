"""Predictions: what a probe told each image, kept whole and read without running anything."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.learning.predictions import (
    no_predictions,
    predictions_file,
    probed,
    protocol_name,
    read_predictions,
    trained_run,
    write_predictions,
)
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import load_pretrained, pretrain
from adainf_core.learning.probing import knn_probe, linear_probe

RNG = np.random.default_rng(0)
LABELS = np.repeat([3, 7, 8], 30)  # numbered with gaps
PIXELS = (RNG.integers(0, 120, (90, 3, 8, 8)) + 15 * LABELS[:, None, None, None]).astype(np.uint8)
TRAIN, TEST = (ImageSet(PIXELS[part::2], LABELS[part::2], name)
               for part, name in ((0, "some"), (1, "others")))  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.pt"
    config = PretrainConfig(steps=1, batch_size=8, width=4, warmup=0, device="cpu")
    pretrain(config, Inflation(TRAIN), checkpoint=path, made_of={"dataset": "some.npz"})
    return path


@pytest.fixture
def found(checkpoint):
    trained = load_pretrained(checkpoint)
    empty = no_predictions(trained_run(checkpoint), TRAIN, TEST)
    return empty.with_result("knn, k = 3", probed("knn", trained, TRAIN, TEST, k=3))


@pytest.mark.parametrize("probe", [partial(linear_probe, penalties=[0.1]), knn_probe])
def test_what_was_told_is_in_the_sets_own_numbers(probe):
    result = probe(nn.Flatten(), TRAIN, TEST)
    assert set(result.predicted) <= {3, 7, 8}
    assert np.array_equal(result.predicted == TEST.labels, result.right)
    some = result.on(np.array([2, 5, 11]))
    assert np.array_equal(some.predicted, result.predicted[[2, 5, 11]])


def test_neighbours_tell_what_scikit_learns_do():
    flat = [part.images.reshape(len(part), -1) / 255.0 for part in (TRAIN, TEST)]
    expected = KNeighborsClassifier(1, metric="cosine").fit(flat[0], TRAIN.labels).predict(flat[1])
    assert np.array_equal(knn_probe(nn.Flatten(), TRAIN, TEST, k=1).predicted, expected)


def same(one, other):
    arrays = [(one.labels, other.labels), (one.counted, other.counted)]
    arrays += [(one.predicted[name], other.predicted[name]) for name in one.protocols]
    plain = [(part.run, part.train, part.test, part.class_names, part.protocols)
             for part in (one, other)]  # fmt: skip
    return plain[0] == plain[1] and all(np.array_equal(*pair) for pair in arrays)


def test_what_is_written_is_read(found, checkpoint):
    place = predictions_file(checkpoint)
    assert place.name == "run.predictions.npz" and place.parent == checkpoint.parent
    write_predictions(found, place)
    assert same(read_predictions(place), found)
    assert found.run.made_of == {"dataset": "some.npz"} and found.run.seed == 0
    assert {path.name for path in place.parent.iterdir()} == {"run.pt", place.name}


def test_the_encoder_is_known_by_its_weights(checkpoint, tmp_path):
    copy = tmp_path / "copy.pt"
    copy.write_bytes(checkpoint.read_bytes())
    config = PretrainConfig(steps=1, batch_size=8, width=4, warmup=0, device="cpu", seed=1)
    pretrain(config, Inflation(TRAIN), checkpoint=tmp_path / "other.pt")
    runs = [trained_run(path) for path in (checkpoint, copy, tmp_path / "other.pt")]
    assert runs[0] == runs[1] and runs[0].encoder != runs[2].encoder


def test_copies_and_sets_are_told_apart(found):
    repeated = np.concatenate([TEST.images, TRAIN.images[:4], TEST.images[:2]])
    labels = np.concatenate([TEST.labels, TRAIN.labels[:4], TEST.labels[:2]])
    test = ImageSet(repeated, labels, "others")
    counted = no_predictions(found.run, TRAIN, test).counted
    assert counted[:45].all() and not counted[45:].any()
    told = {
        no_predictions(found.run, TRAIN, part).test.fingerprint
        for part in (
            TEST,
            test,
            replace(TEST, labels=TEST.labels[::-1].copy()),
            TEST.subset(np.arange(45)[::-1]),
        )
    }
    assert len(told) == 4
    renamed = no_predictions(found.run, TRAIN, replace(TEST, name="elsewhere")).test
    assert renamed.fingerprint == found.test.fingerprint


def test_more_protocols_join_those_of_the_same_run_and_sets(found):
    other = replace(found, predicted={"linear": found.labels}, protocols={"linear": "a probe"})
    assert set(other.joined(found).protocols) == {"linear", "knn, k = 3"}
    moved = replace(other, test=replace(other.test, fingerprint="x"))
    assert set(moved.joined(found).protocols) == {"linear"}


def spoilt(content, place):
    place.write_bytes(content)
    with pytest.raises(ValueError, match=place.name) as error:
        read_predictions(place)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_damage_is_one_line(found, tmp_path):
    place = tmp_path / "a.predictions.npz"
    write_predictions(found, place)
    whole = place.read_bytes()
    for at in range(40, len(whole) - 200, len(whole) // 9):
        bad = bytearray(whole)
        bad[at] ^= 0xFF
        place.write_bytes(bad)
        try:
            read = read_predictions(place)
        except ValueError as error:
            said = str(error)
        else:  # a byte that nothing is read from
            assert same(read, found)
            continue
        assert "\n" not in said and place.name in said
    spoilt(whole[: len(whole) // 2], place)
    with pytest.raises(FileNotFoundError, match="make it anew by adainf probe"):
        read_predictions(tmp_path / "gone.npz")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"about": None}, "holds no predictions"),
        ({"about": np.frombuffer(b"[1]", np.uint8)}, "format None"),
        ({"about": np.frombuffer(b"{", np.uint8)}, "holds no predictions"),
        ({"about": np.frombuffer(json.dumps({"format": 1}).encode(), np.uint8)}, "no whole"),
        ({"predicted_0": None}, "no whole predictions"),
        ({"labels": np.zeros(3, np.int64)}, "other lengths"),
        ({"labels": np.array([{}, 1], object)}, "no part of predictions"),
        ({"counted": np.zeros(45, bool)}, "other lengths"),
    ],
)
def test_what_holds_no_predictions_is_refused_and_never_unpickled(changes, says, found, tmp_path):
    place = tmp_path / "a.predictions.npz"
    write_predictions(found, place)
    with np.load(place) as arrays:
        content = dict(arrays) | changes
    np.savez(place, **{name: value for name, value in content.items() if value is not None})
    assert says in spoilt(place.read_bytes(), place)


def test_protocols_have_their_settings_in_their_names():
    assert protocol_name("knn") == "knn, k = 10" and protocol_name("knn", 3) == "knn, k = 3"
    assert protocol_name("knn-weighted") == "knn-weighted, k = 200"
    assert protocol_name("linear", 3) == "linear"
    with pytest.raises(ValueError, match="'best' is unknown"):
        protocol_name("best")

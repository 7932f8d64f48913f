"""`adainf probe MODEL`: what it prints is what the probes say by hand, and what it refuses."""

import re
import shutil

import numpy as np
import pytest

from adainf_core.cli import main
from adainf_core.data.images import ImageSet
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.pipelines import shipped_generators
from adainf_core.generators.unet_features import NOISES, UNetFeatures, depths_of
from adainf_core.learning.probing import knn_probe, linear_probe


def half_dark(n, seed):
    """Noise on dark or bright ground, labelled by which."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    ground = np.where(labels, 140, 110)[:, None, None, None]
    pixels = ground + rng.integers(-60, 61, (n, 3, 16, 16))
    return ImageSet(pixels.astype(np.uint8), labels.astype(np.int64), "ground")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    train, test = half_dark(40, 0), half_dark(30, 1)
    for name, part in (("train", train), ("test", test)):
        np.savez(folder / f"{name}.npz", images=part.images, labels=part.labels)
    return folder, train, test


def printed(capsys, folder, *options):
    paths = ("--dataset", str(folder / "train.npz"), "--test", str(folder / "test.npz"))
    assert main(["probe", "cifar10-16", *paths, *options]) == 0
    return capsys.readouterr().out


def test_a_named_block_is_probed_as_by_hand(sets, capsys):
    folder, train, test = sets
    out = printed(capsys, folder, "--block", "up0", "--noise", "0.1")
    encoder = UNetFeatures(DiffusionGenerator.load("cifar10-16"), "up0", 0.1)
    for name, probe in (("linear", linear_probe), ("knn", knn_probe)):
        expected = f"{100 * probe(encoder, train, test).accuracy:.2f} %"
        assert re.search(rf"^{name} +{re.escape(expected)}", out, re.MULTILINE)
    assert "block up0 of cifar10-16 at noise 0.1" in out and "held out" not in out


def test_a_model_s_folder_is_the_model(sets, capsys, tmp_path):
    folder, _, _ = sets
    place = tmp_path / "model"
    shutil.copytree(shipped_generators()["cifar10-16"], place)
    named = printed(capsys, folder, "--block", "mid", "--noise", "0.1", "--protocol", "knn")
    paths = ("--dataset", str(folder / "train.npz"), "--test", str(folder / "test.npz"))
    words = ["probe", str(place), *paths, "--block", "mid", "--noise", "0.1", "--protocol", "knn"]
    assert main(words) == 0
    found = re.search(r"^knn .*", capsys.readouterr().out, re.MULTILINE)[0]
    assert found in named


def test_without_a_block_the_training_labels_choose(sets, capsys):
    folder, train, test = sets
    out = printed(capsys, folder, "--protocol", "knn")
    generator = DiffusionGenerator.load("cifar10-16")
    found = {
        (block, noise): linear_probe(UNetFeatures(generator, block, noise), train, test).details[
            "held_out_accuracy"
        ]
        for block in depths_of(generator)
        for noise in NOISES
    }
    block, noise = max(found, key=found.get)
    assert f"block {block} of cifar10-16 at noise {noise:g}" in out
    for (block, noise), share in found.items():
        assert f"{100 * share:.2f} % of the training labels: block {block}, noise {noise:g}" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["cifar10-16"], "says nothing of labels: name the --dataset"),
        (["cifar10-16", "--dataset", "SET", "--block", "up9"], "block='up9' is unknown"),
        (["cifar10-16", "--dataset", "SET", "--protocol", "online"], "has learnt no classifier"),
        (["cifar10-16", "--dataset", "SET", "--predictions", "p.npz"], "none are kept"),
        (["run.pt", "--block", "mid"], "--block mid is for diffusion models"),
        (["run.pt", "--noise", "0.1"], "--noise 0.1 is for diffusion models"),
    ],
)
def test_what_it_refuses(sets, capsys, options, said):
    named = [str(sets[0] / "train.npz") if word == "SET" else word for word in options]
    more = ["--test", str(sets[0] / "test.npz")] if "SET" in options else []
    assert main(["probe", *named, *more]) != 0
    assert said in capsys.readouterr().err

"""`adainf probe --protocol label-free`: the panel of the run's encoder, and no label is read."""

import numpy as np
import pytest

from adainf_core.cli import main
from adainf_core.configuration import from_plain
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.learning.predictions import trained_run
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import load_pretrained
from adainf_core.learning.scores import PANEL
from adainf_core.learning.scores.of_encoder import panel_of


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run on the first hundred digits, kept without labels."""
    folder = tmp_path_factory.mktemp("run")
    digits = load_images("digits", split="train", download=False)
    np.savez(folder / "digits.npz", images=digits.images[:100])
    settings = ["pretrain.steps=4", "pretrain.warmup=1", "pretrain.batch_size=32"]
    command = ["pretrain", "--dataset", str(folder / "digits.npz"), "--scale", "laptop"]
    assert main([*command, "--checkpoint", str(folder / "run.pt"), *settings]) == 0
    return folder


def test_the_panel_is_printed_and_needs_neither_labels_nor_a_test_set(run, capsys):
    assert main(["probe", str(run / "run.pt"), "--protocol", "label-free"]) == 0
    out = capsys.readouterr().out
    trained = load_pretrained(run / "run.pt")
    with np.load(run / "digits.npz") as archive:
        images = ImageSet(archive["images"], None, "digits")
    policy = from_plain(PretrainConfig, trained_run(run / "run.pt").config).policy
    for name, value in panel_of(trained.encoder, images, policy).items():
        assert f"{value:10.4g}  {PANEL[name].label}" in out
    assert f"{trained.history[-1]['loss']:.4g}  loss at the end" in out
    assert not (run / "run.predictions.npz").exists()


def test_too_few_images_are_refused(run, capsys, tmp_path):
    np.savez(tmp_path / "few.npz", images=np.zeros((30, 8, 8, 3), np.uint8) + 7)
    place = str(tmp_path / "few.npz")
    command = ["probe", str(run / "run.pt"), "--dataset", place, "--protocol", "label-free"]
    assert main(command) != 0
    assert "want 40 or more" in capsys.readouterr().err

"""`adainf pretrain --pairs`: variations become positives, and pairs that do not fit are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.cli import main
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.data.paired import PairedImages
from adainf_core.data.varied import Varied
from adainf_core.learning.pretraining import load_pretrained, pretrain
from adainf_core.learning.recipes import recipe
from adainf_core.learning.roles import Multi, Positive

STEPS = ["pretrain.steps=3", "pretrain.warmup=1", "pretrain.batch_size=32"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two variations of every digit: the picture, a little brighter and a little darker."""
    folder = tmp_path_factory.mktemp("pairs")
    digits = load_images("digits", split="train", download=False)
    made = np.stack([digits.images // 2 + 40, digits.images // 2], 1).transpose(0, 1, 3, 4, 2)
    np.savez(folder / "made.npz", images=made)
    PairedImages.imported(folder / "made.npz", 2, digits, store=folder / "pairs.images")
    return folder / "pairs.images"


def run(pairs, checkpoint, *settings):
    command = ["pretrain", "--dataset", "digits", "--scale", "laptop", "--pairs", str(pairs)]
    return main([*command, "--checkpoint", str(checkpoint), *STEPS, *settings])


@pytest.mark.parametrize(
    ("settings", "role"),
    [
        ((), Positive()),
        (("pretrain.generated_role.weight=0.3",), Positive(0.3)),
        (("pretrain.generated_role=multi",), Multi()),
    ],
)
def test_the_command_trains_what_python_does(pairs, tmp_path, capsys, settings, role):
    assert run(pairs, tmp_path / "run.pt", *settings) == 0
    assert "2 variations of each of 1,442 images" in capsys.readouterr().out
    config = recipe("digits", scale="laptop").pretrain
    config = replace(config, steps=3, warmup=1, batch_size=32, generated_role=role)
    digits = load_images("digits", split="train", download=False)
    data = Varied(Inflation(digits, sampling="epoch"), PairedImages.open(pairs))
    expected, found = pretrain(config, data), load_pretrained(tmp_path / "run.pt")
    for one, other in zip(
        expected.encoder.state_dict().values(), found.encoder.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_a_dry_run_counts_the_third_view(pairs, capsys):
    command = ["pretrain", "--dataset", "digits", "--scale", "laptop", "--pairs", str(pairs)]
    assert main([*command, "--dry-run", *STEPS]) == 0
    out = capsys.readouterr().out
    assert "pretrain.generated_role.name = positive" in out and "time  " in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dataset", "digits", "pretrain.generated_role=positive"], "needs pairs"),
        (["--dataset", "digits", "--pairs", "STORE", "pretrain.generated_role=null"], "uses none"),
        (["--dataset", "digits", "--pairs", "STORE", "split=test"], "made of"),
        (["--dataset", "digits", "--pairs", "nowhere"], "nowhere"),
    ],
)
def test_what_does_not_fit_is_one_line_before_any_time_is_spent(pairs, capsys, words, said):
    given = [str(pairs) if word == "STORE" else word for word in words]
    assert main(["pretrain", "--scale", "laptop", *given, *STEPS]) != 0
    error = capsys.readouterr().err.strip()
    assert said in error.splitlines()[-1]

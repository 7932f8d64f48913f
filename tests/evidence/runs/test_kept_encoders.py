"""Kept encoders: the bits a run ended with, stopped or not, and nobody else's."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from adainf_core.evidence.runs import kept_encoders
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.runs.kept_encoders import encoder_path, kept_encoder
from adainf_core.evidence.runs.one_run import run_one
from adainf_core.evidence.runs.records import record_path, write_record
from adainf_core.evidence.studies.training import TrainingExperiment, probed_data
from adainf_core.learning.encoders import encoder_of
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.probing import linear_probe

pytestmark = pytest.mark.usefixtures("few_penalties")

PLACE = ("quick", "crop_0.2", 3)
BASE = TrainingExperiment(
    "sprites", size=16, n_real=60, n_test=40,
    pretrain=PretrainConfig(
        steps=3, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu"
    ),
)  # fmt: skip
ARMS = {"crop_0.2": Arm("crops"), "longer": Arm("longer", {"pretrain.steps": 4})}
LAYOUT = Layout(BASE, seeds=(1, 1), first_seed=3, keep_encoders=True)
STUDY = Study("kept", "Why?", ARMS, {"quick": LAYOUT})


def ran(store: Path, deadline: float = float("inf")):
    record = run_one(STUDY, *PLACE, store, deadline)
    if record is not None:
        write_record(record, store)
    return record


@pytest.fixture(scope="module")
def whole(tmp_path_factory, few_penalties):
    """The record of a run, and the folder that has it with its encoder."""
    store = tmp_path_factory.mktemp("whole")
    return ran(store), store


@pytest.fixture
def store(whole, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(whole[1], tmp_path / "store")


def test_what_is_kept_is_what_was_probed(whole):
    record, store = whole
    encoder = kept_encoder(STUDY, *PLACE, root=store)
    assert not encoder.training and record_path("kept", *PLACE, store).is_file()
    again = linear_probe(encoder, *probed_data(STUDY.experiment(*PLACE)))
    assert record.metrics["linear"] == pytest.approx(100 * again.accuracy, abs=1e-4)
    # and not what the run began with
    untrained = encoder_of(BASE.pretrain).state_dict()
    name = "backbone.0.0.weight"
    assert not torch.equal(encoder.state_dict()[name], untrained[name])


def test_a_run_that_was_stopped_keeps_the_same_bits(whole, tmp_path):
    stops = 0
    while ran(tmp_path, deadline=0.0) is None:
        stops += 1
        assert stops < 5
    assert stops
    bits = [encoder_path("kept", *PLACE, folder).read_bytes() for folder in (whole[1], tmp_path)]
    assert bits[0] == bits[1]


def test_nothing_is_kept_where_the_layout_does_not_ask(tmp_path):
    plain = replace(STUDY, layouts={"quick": replace(LAYOUT, keep_encoders=False)})
    record = run_one(plain, *PLACE, tmp_path)
    assert not encoder_path("kept", *PLACE, tmp_path).exists()
    assert "encoder" not in record.protocols
    with pytest.raises(FileNotFoundError, match=r"no encoder is kept at .*run the study 'kept'"):
        kept_encoder(STUDY, *PLACE, root=tmp_path)


def test_an_encoder_of_another_configuration_is_refused(whole):
    arms = {"crop_0.2": Arm("crops", {"pretrain.steps": 4})}
    with pytest.raises(ValueError, match=r"another configuration .*pretrain.steps=3 against 4"):
        kept_encoder(replace(STUDY, arms=arms), *PLACE, root=whole[1])


def _other_weights(path: Path) -> None:
    with safe_open(path, "pt") as file:
        said = file.metadata()
    save_file({name: value + 1 for name, value in load_file(path).items()}, path, metadata=said)


def _nobodys(path: Path) -> None:
    save_file(load_file(path), path, metadata={kept_encoders._CONFIG: json.dumps([1])})


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (_other_weights, "another file than its record speaks of"),
        (_nobodys, "holds no kept encoder"),
        (lambda path: save_file(load_file(path), path), "holds no kept encoder"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "holds no kept encoder"),
        (lambda path: path.write_bytes(b""), "holds no kept encoder"),
    ],
)
def test_a_file_that_is_not_the_run_s_is_named_in_one_line(store, damaged, says):
    path = encoder_path("kept", *PLACE, store)
    damaged(path)
    with pytest.raises(ValueError, match=says) as raised:
        kept_encoder(STUDY, *PLACE, root=store)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)

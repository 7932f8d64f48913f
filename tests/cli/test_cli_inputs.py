"""What a command is given to read: missing, empty, closed, or what another command takes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from adainf_core.cli import _parse, main
from adainf_core.cli.inputs import READ, check_inputs, kind_of
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.diffusion_training import train_diffusion
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain

# every kind of file that the commands write, and what its line says of it
KINDS = {
    "run-0.pt": "is a checkpoint of adainf pretrain, no ",
    "model.pt": "is a checkpoint of adainf generate train, no ",
    "run-0.predictions.npz": "is a file of predictions by adainf probe, no ",
    "records/failure-mode/laptop/weak-20.json": "is a record of a run, no ",
    "compare.json": "is a report of adainf compare, no ",
    "compare.csv": "is a table of adainf compare, no ",
    "gap.json": "is a report of adainf gap, no ",
    "gap.html": "is a page of adainf gap or adainf plan, no ",
    "plan.html": "is a page of adainf gap or adainf plan, no ",
    "plan.json": "is a report of adainf plan, no ",
    "records/design.json": "is the design of adainf plan, no ",
    "registrations.json": "is the registration of claims, no ",
    "replays.json": "is the list of replayed runs, no ",
    "store": "is a store of generated images, no ",
    "store/meta.json": "is a part of a store of generated images, no ",
    "model": "is a diffusion model, no ",
    "records": "is a folder of records, no ",
}
TAKEN = {
    "probe X": {"run-0.pt", "model"},
    "probe run-0.pt --dataset X --test test.npz": set(),
    "probe run-0.pt --test X": set(),
    "compare X run-1.pt": {"run-0.pt", "run-0.predictions.npz"}
    | {"records/failure-mode/laptop/weak-20.json"},
    "compare run-1.pt --against X": {"run-0.pt", "run-0.predictions.npz"}
    | {"records/failure-mode/laptop/weak-20.json"},
    "plan X fakes.npz": set(),
    "plan train.npz X": {"store"},
    "plan train.npz fakes.npz --labels X": set(),
    "plan train.npz fakes.npz --test X": set(),
    "gap X fakes.npz": set(),
    "gap train.npz X": {"store"},
    "gap train.npz fakes.npz --held-out X": set(),
    "gap train.npz fakes.npz --extractor ssl_encoder:X": {"run-0.pt"},
    "data show X": {"store"},
    "generate show X": {"store"},
    "generate train X --out made": set(),
    "generate import X": {"store"},
    "generate import fakes.npz --real X": set(),
    "generate sample X --store made": {"model"},
    "generate vary X train.npz --store made": {"model"},
    "generate vary model X --store made": set(),
    "generate pair X train.npz --store made": {"store"},
    "generate pair fakes.npz X --store made": set(),
    "pretrain --dataset X": set(),
    "pretrain --preset vanilla --generated X": {"store"},
    "pretrain --pairs X": {"store"},
    "pretrain --checkpoint X": {"run-0.pt"},
}
# what is there, of no kind that a command writes
OTHERS = ("absent", "empty.npz", "closed.npz", "folder", "picture.svg")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """One of everything, each written by the command that writes it or copied from the records."""
    folder, rng = tmp_path_factory.mktemp("zoo"), np.random.default_rng(0)
    before = os.getcwd()
    os.chdir(folder)
    try:
        labels = np.arange(240) % 2
        pixels = rng.integers(0, 200, (240, 3, 8, 8)).astype(np.uint8)
        pixels[labels == 1, :, :4] += 40
        np.savez("train.npz", images=pixels[:140], labels=labels[:140])
        np.savez("test.npz", images=pixels[140:], labels=labels[140:])
        np.savez("fakes.npz", images=rng.integers(0, 200, (140, 3, 8, 8)).astype(np.uint8))
        train = ImageSet.from_npz("train.npz")
        GeneratedImages.from_npz("fakes.npz", store="store")
        for seed in (0, 1):
            for name, width in (("run", 4), ("wide", 6)):
                config = PretrainConfig(
                    seed=seed, steps=1, batch_size=8, width=width, warmup=0, device="cpu"
                )
                pretrain(config, Inflation(train), checkpoint=folder / f"{name}-{seed}.pt")
        sets = ["--dataset", "train.npz", "--test", "test.npz", "--protocol", "knn"]
        runs = [f"{name}-{seed}.pt" for name in ("run", "wide") for seed in (0, 1)]
        told = ["--json", "compare.json", "--csv", "compare.csv"]
        assert main(["compare", *runs, *sets, *told]) == 0
        gap = ["gap", "train.npz", "fakes.npz", "--extractor", "pixels", "--n", "140"]
        assert main([*gap, "--json", "gap.json", "--html", "gap.html"]) == 0
        short = ["--steps", "1", "--seeds", "2", "--processes", "1", "--batch-size", "8"]
        plan = ["plan", "train.npz", "fakes.npz", "--without-labels", *short]
        assert main([*plan, "--html", "plan.html", "pretrain.width=4"]) == 0
        small = DiffusionConfig(widths=(32,), attention=(False,), batch_size=4)
        train_diffusion(train, small, 1, checkpoint=folder / "model.pt").generator.save(
            folder / "model"
        )
        kept = folder / "records" / "failure-mode" / "laptop"
        kept.mkdir(parents=True)
        record = RESULTS / "failure-mode" / "laptop" / "weak-20.json"
        (kept / record.name).write_bytes(record.read_bytes())
        for name in ("registrations.json", "replays.json"):
            (folder / name).write_bytes((RESULTS / name).read_bytes())
        (folder / "records" / "design.json").write_text(json.dumps({"design": {}}))
        (folder / "empty.npz").touch()
        (folder / "closed.npz").write_bytes((folder / "train.npz").read_bytes())
        (folder / "folder").mkdir()
        (folder / "picture.svg").write_text("<svg/>")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(zoo, monkeypatch):
    monkeypatch.chdir(zoo)
    # who runs the tests may be allowed everything
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "closed" not in str(path) and access(path, mode)
    )


def refused(command, name):
    """What is said of `name` in a command, None where it is taken as far as its kind goes."""
    words = [word.replace("X", name) for word in command.split()]
    try:
        check_inputs(_parse(words))
    except (ValueError, OSError) as error:
        return str(error)
    return None


def test_the_table_names_arguments_that_there_are():
    """Every path that a command of the table below reads is in the library's own table."""
    for command in TAKEN:
        options = vars(_parse(command.split()))
        named = [name for name, value in options.items() if "X" in str(value)]
        assert named and set(named) <= READ[options["command"]].keys()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", TAKEN)
def test_what_another_command_takes_is_named_with_that_command(command):
    for name, says in KINDS.items():
        found = refused(command, name)
        if name in TAKEN[command]:
            assert found is None
            continue
        assert f"{name} {says}" in found and "\n" not in found
        # which command takes it, or that none does
        assert "adainf " in found.partition(says)[2] or found.endswith(
            ("no command reads it", "a browser shows it", "name its folder")
        )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", TAKEN)
@pytest.mark.parametrize("name", OTHERS)
def test_what_cannot_be_read_is_said_with_what_may_stand_there(command, name):
    found = refused(command, name)
    made = command.startswith("pretrain --checkpoint")
    stored = "--generated X" in command or "--pairs X" in command  # a store, which is a folder
    images = command != "probe X" and not command.startswith("compare") and "ssl_" not in command
    if name == "closed.npz":
        assert f"{name} is closed to you" in found
    elif (
        name == "absent"
        and images
        and not (made or "sample X" in command or "vary X" in command or stored)
    ):
        assert "absent" in found and ("; known: " in found or ": name " in found)
    elif name == "empty.npz" and not made and not stored:
        assert "empty.npz is empty: name " in found
    elif name == "folder" and (made or not images) and not command.startswith("compare"):
        assert "folder is a folder: name " in found
    elif (
        name == "picture.svg"
        and images
        and not made
        and "sample" not in command
        and ("vary X" not in command)
    ):
        assert "picture.svg is a file" in found and ": name " in found
    if found is not None:
        assert "\n" not in found and any(word in found for word in ("known", "name ", "closed"))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["probe", "run-0.predictions.npz"], "adainf compare takes it"),
        (["probe", "absent"], "no checkpoint at absent: name a file that adainf pretrain wrote"),
        (["compare", "absent", "run-1.pt"], "no run at absent: name a checkpoint of adainf pre"),
        (["probe", "train.npz"], "train.npz is damaged or no checkpoint (it holds no tensors)"),
        (["plan", "train.npz", "absent"], "GENERATED: there is no file or folder absent: name a "),
        (["gap", "train.npz", "absent.npz"], "GENERATED: there is no file or folder absent.npz"),
        (["plan", "train.npz", "empty.npz"], "GENERATED: empty.npz is empty: name a store of "),
        (["generate", "vary", "model", "absent", "--store", "made"], "REAL: unknown image set"),
        (
            ["generate", "pair", "absent", "train.npz", "--store", "made"],
            "GENERATED: there is no file or folder absent",
        ),
        (["data", "show", "absent"], "NAME: unknown image set 'absent', and no file or folder"),
    ],
)
def test_the_commands_say_it_in_one_line(words, says, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.usefixtures("here")
def test_what_is_the_readers_own_has_no_kind():
    for name in ("train.npz", "store/images.npy", "folder", "empty.npz", "picture.svg", "absent"):
        assert kind_of(Path(name)) is None


@pytest.mark.usefixtures("here")
def test_what_the_system_refuses_is_said_without_its_numbers(monkeypatch, capsys):
    """A file below a folder that may be read, for example."""

    def closed(*_):
        raise PermissionError(13, "Permission denied", "photos/0001.png")

    monkeypatch.setattr("adainf_core.data.sources.read_rgb", closed)
    monkeypatch.setattr("adainf_core.data.sources.loose_images", lambda *_: [Path("a.png")])
    assert main(["data", "show", "folder"]) == 2
    assert capsys.readouterr().err == "adainf: photos/0001.png: permission denied\n"

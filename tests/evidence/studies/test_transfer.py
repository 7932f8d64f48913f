"""Transfer: the probes of the encoder that was kept, of no other, on the images that are named."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adainf_core.cli import main
from adainf_core.configuration import to_plain
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.evidence.judging.claims import Contrast, Ranking
from adainf_core.evidence.runs.fingerprints import code_fingerprint, reached
from adainf_core.evidence.runs.freshness import is_fresh
from adainf_core.evidence.runs.grid import Arm, Layout, Reading, Study
from adainf_core.evidence.runs.kept_encoders import encoder_path, kept_encoder, weights_digest
from adainf_core.evidence.runs.one_run import Run, run_one
from adainf_core.evidence.runs.quantities import misplaced
from adainf_core.evidence.runs.records import read_record, record_path, write_record
from adainf_core.evidence.runs.replay import verify
from adainf_core.evidence.runs.running import run_study
from adainf_core.evidence.runs.sending import run_sent, sent
from adainf_core.evidence.runs.status import status
from adainf_core.evidence.studies import catalogue, desktop, training, transfer
from adainf_core.evidence.studies.training import TrainingExperiment, probed_data
from adainf_core.evidence.studies.transfer import TransferExperiment
from adainf_core.learning.few_labels import nested_draws
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import untrained_encoder
from adainf_core.learning.probing import knn_probe, linear_probe

BASE = TrainingExperiment(
    "sprites", size=16, n_real=60, n_test=40,
    pretrain=PretrainConfig(
        steps=3, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0, device="cpu"
    ),
)  # fmt: skip
KEPT = Study(
    "kept",
    "Why?",
    {"none": Arm("none"), "longer": Arm("longer", {"pretrain.steps": 4})},
    {"quick": Layout(BASE, seeds=(1, 1), first_seed=3, keep_encoders=True)},
)
STUDY = Study(
    "moved",
    "Where to?",
    {"untrained": Arm("untrained", {"arm": None}), **{a: Arm(a, {"arm": a}) for a in KEPT.arms}},
    {
        "quick": Layout(
            TransferExperiment(
                "kept", "quick", None, others=("digits",), size=16, few=(1, 3), draws=3
            ),
            seeds=(1, 1), first_seed=3,
        )
    },
)  # fmt: skip
PLACE = ("quick", "none", 3)


def synthetic(name: str, split: str) -> ImageSet:
    """Images whose colours tell their class, half of the time; two sets number them differently."""
    names = {"cifar10": ("a", "b", "c"), "cinic10_imagenet": ("c", "a", "b")}[name]
    rng, n = np.random.default_rng(len(name) + len(split)), {"train": 60, "test": 31}[split]
    labels = rng.permutation(n) % 3
    images = rng.integers(0, 256, (n, 3, 16, 16), dtype=np.uint8)
    images[np.arange(n), ["abc".index(names[label]) for label in labels]] //= 2
    return ImageSet(images, labels.astype(np.int64), f"{name}-{split}", class_names=names)


def images_of(name: str, split: str = "train", download: bool = True) -> ImageSet:
    if name != "digits":
        return synthetic(name, split)
    return load_images(name, split=split).subset(np.arange(150))


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    named = catalogue.named_study
    monkeypatch.setattr(catalogue, "named_study", lambda n: KEPT if n == "kept" else named(n))
    monkeypatch.setattr(transfer, "load_images", images_of)
    monkeypatch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A results folder with the encoder of one arm."""
    root = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))
        write_record(run_one(KEPT, *PLACE, root), root)
    return root


@pytest.fixture
def outcome(store):
    return STUDY.experiment(*PLACE).with_inputs(store).run()


def test_numbers_are_those_of_the_probes_called_by_hand(store, outcome):
    encoder = kept_encoder(KEPT, *PLACE, root=store)
    train, test = (synthetic("cifar10", split) for split in ("train", "test"))
    train = train.subset(np.random.default_rng(3).permutation(60))
    tiles = synthetic("cinic10_imagenet", "train")
    digits = [images_of("digits", split).resized(16) for split in ("train", "test")]
    digits[0] = digits[0].subset(np.random.default_rng(3).permutation(150))
    expected = {}
    for name, sides in (
        ("", (train, test)), ("cinic10_imagenet_", (train, tiles)), ("digits_", digits)
    ):  # fmt: skip
        for how, probe in (("linear", linear_probe), ("knn", knn_probe)):
            expected[f"{name}{how}"] = 100 * probe(encoder, *sides).accuracy
    draws = nested_draws(train.labels, (1, 3), 3, np.random.default_rng(3))
    few = {number: [train.subset(draw[number]) for draw in draws] for number in (1, 3)}
    for number, sets in few.items():
        found = [knn_probe(encoder, part, test, number).accuracy for part in sets]
        expected[f"few_{number}_knn"] = 100 * np.mean(found)
    found = [100 * linear_probe(encoder, part, test).accuracy for part in few[3]]
    expected["few_3_linear"] = np.mean(found)
    assert outcome.metrics == pytest.approx(expected)
    assert outcome.protocols.keys() == expected.keys() | {"encoder"}
    assert outcome.probes["few_3_linear"] == pytest.approx(
        {
            "draws": 3,
            "lowest": min(found),
            "highest": max(found),
            "deviation": np.std(found, ddof=1),
        }
    )
    assert all(misplaced(TransferExperiment, *metric) == "" for metric in outcome.metrics.items())


def test_the_first_task_is_the_one_that_training_runs_are_probed_on(store, monkeypatch, outcome):
    monkeypatch.setattr(training, "small_images", lambda name, split, *rest: images_of(name, split))
    run = replace(BASE, world="cifar10", n_real=20, n_test=31, n_labelled=60, seed=3)
    labelled, test = probed_data(run)
    encoder = kept_encoder(KEPT, *PLACE, root=store)
    for how, probe in (("linear", linear_probe), ("knn", knn_probe)):
        assert outcome.metrics[how] == 100 * probe(encoder, labelled, test).accuracy


def test_every_arm_of_a_seed_gets_the_same_labels(store, monkeypatch):
    seen = []

    def draws(labels, per_class, count, rng):
        seen.append(nested_draws(labels, per_class, count, rng))
        return seen[-1]

    monkeypatch.setattr("adainf_core.learning.few_labels.nested_draws", draws)
    for arm, seed in (("none", 3), ("untrained", 3), ("untrained", 4)):
        replace(STUDY.experiment("quick", arm, seed), others=()).with_inputs(store).run()
    places = [np.concatenate([draw[3] for draw in found]) for found in seen]
    assert np.array_equal(places[0], places[1]) and not np.array_equal(places[1], places[2])


def test_the_untrained_network_is_what_the_study_s_runs_begin_with(store):
    experiment = STUDY.experiment("quick", "untrained", 3).with_inputs(store / "nowhere")
    begun = untrained_encoder(KEPT.experiment("quick", "longer", 3).pretrain)
    for name, value in begun.state_dict().items():
        assert torch.equal(experiment.given[1][name], value)
    assert experiment.given[2].endswith(weights_digest(begun))
    assert experiment.waits_for(store / "nowhere") == ""


def test_a_record_names_the_encoder_that_it_is_of(store):
    record = run_one(STUDY, *PLACE, store)
    kept = read_record(record_path("kept", *PLACE, store)).protocols["encoder"]
    assert record.protocols["encoder"] == kept and "SHA-256" in kept
    assert "given" not in record.config and record.config["arm"] == "none"
    assert is_fresh(record, STUDY.experiment(*PLACE), store)
    # where the encoder's record is not there, nobody can tell
    assert is_fresh(record, STUDY.experiment(*PLACE), store / "nowhere")
    other = replace(record, protocols=record.protocols | {"encoder": "kept, another one"})
    assert not is_fresh(other, STUDY.experiment(*PLACE), store)


def test_a_record_is_replayed_on_the_encoder_that_it_is_of(store, tmp_path):
    record = run_one(STUDY, *PLACE, store)
    for path in (record_path("kept", *PLACE, store), encoder_path("kept", *PLACE, store)):
        copy = tmp_path / path.relative_to(store)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    write_record(replace(record, code="0123456789abcdef"), tmp_path)
    found = verify(STUDY, "quick", tmp_path)
    assert (found.replayed, found.refuted) == (1, 0)
    assert found.comparisons[0].exact == len(record.rehearsal) > 5
    encoder_path("kept", *PLACE, tmp_path).unlink()
    gone = verify(STUDY, "quick", tmp_path, again=True)
    assert gone.replayed == 0 and "no encoder is kept at" in gone.unknown[0]


def test_an_encoder_of_another_configuration_is_refused_in_one_line(store, monkeypatch):
    changed = replace(KEPT, arms={"none": Arm("none", {"pretrain.steps": 5})})
    monkeypatch.setattr(catalogue, "named_study", lambda name: changed)
    with pytest.raises(
        ValueError, match=r"kept.*another configuration .*steps=3 against 5"
    ) as said:
        run_one(STUDY, *PLACE, store)
    assert "\n" not in str(said.value) and str(encoder_path("kept", *PLACE, store)) in str(
        said.value
    )


def test_runs_whose_encoders_are_not_there_yet_wait_and_say_so_once(store, tmp_path):
    for path in (record_path("kept", *PLACE, store), encoder_path("kept", *PLACE, store)):
        copy = tmp_path / path.relative_to(store)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    found = status(STUDY, "quick", tmp_path)
    assert found.left == ("untrained-3", "none-3", "longer-3")
    assert found.waiting == {"longer-3": "adainf study run kept --scale quick"}
    asked = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run_study(
            STUDY, "quick", store=tmp_path, wanted=lambda arm, seed: asked.append(arm) is not None
        )
    assert [str(one.message) for one in said] == [
        "moved: 1 of 3 runs need `adainf study run kept --scale quick` first"
    ]
    assert asked == ["untrained", "none"]  # none of them was wanted
    assert replace(found, seconds=1.0).within(100) == ("untrained-3", "none-3")
    with pytest.raises(FileNotFoundError, match=r"no encoder is kept at .*run the study 'kept'"):
        STUDY.experiment("quick", "longer", 3).with_inputs(tmp_path)
    with pytest.raises(ValueError, match="the encoder of 'kept' was not read"):
        STUDY.experiment(*PLACE).run()


def test_the_command_names_what_comes_first(tmp_path, capsys):
    where = ["--scale", "desktop", "--results", str(tmp_path)]
    assert main(["study", "status", "transfer", *where]) == 0
    assert "40 need `adainf study run desktop --scale desktop` first" in capsys.readouterr().out
    assert main(["study", "run", "transfer", "--budget", "0", *where]) == 0
    said = capsys.readouterr().err
    assert said == "transfer: 40 of 44 runs need `adainf study run desktop --scale desktop` first\n"


def test_a_worker_that_does_not_see_the_encoders_says_so(store):
    job = list(sent(Run.of(STUDY, *PLACE), store, float("inf")))
    job[-2] = (str(store / "elsewhere"), 1)
    with pytest.raises(ValueError, match=r"study 'moved' reads encoders in .*does not see"):
        run_sent(*job)


def test_neither_the_catalogue_nor_the_training_decides_what_a_run_gives():
    experiment = transfer.STUDY.experiment("desktop", "none", 20)
    found = reached(experiment)
    # a study, or a data set, may join without a word from here
    assert not {"MODULES", "LOADERS", "TrainingExperiment.run"} & found.keys()
    assert {"small_cnn", "Encoder.forward", "linear_probe", "nested_draws"} <= found.keys()
    given = replace(experiment, given=(BASE.pretrain, {}, "said"))
    assert given == experiment and to_plain(given) == to_plain(experiment)
    assert isinstance(experiment, Reading) and not isinstance(BASE, Reading)
    assert code_fingerprint(experiment) != code_fingerprint(replace(experiment, world="cifar100"))


def test_a_small_version_is_of_the_same_encoder(store, monkeypatch):
    monkeypatch.setattr(transfer, "_SMALL", 40)
    experiment = STUDY.experiment(*PLACE).with_inputs(store)
    small = experiment.small()
    assert small.given is experiment.given and (small.most, small.draws) == (40, 2)
    assert len(small._images("cifar10")) == 40 and len(small._images("cifar10", "test")) == 31


def test_arms_and_waves_are_those_of_the_study_whose_encoders_they_are():
    plan, theirs = (study.plan("desktop") for study in (transfer.STUDY, desktop.STUDY))
    assert [run for run in plan if run[0] != transfer.UNTRAINED] == theirs
    assert [seed for arm, seed in plan[:20] if arm == transfer.UNTRAINED] == [20, 21, 22, 23]
    for arm, seed in theirs:
        experiment = transfer.STUDY.experiment("desktop", arm, seed)
        assert (experiment.study, experiment.scale) == ("desktop", "desktop")
        assert (experiment.arm, experiment.seed) == (arm, seed)


def test_claims_are_of_each_task_and_rank_trained_arms_alone():
    metrics = list(transfer.TASKS)
    contrasts = [claim for claim in transfer.CLAIMS if isinstance(claim, Contrast)]
    assert [claim.terms[0].metric for claim in contrasts] == metrics
    assert all(
        [(t.arm, t.weight) for t in c.terms] == [("weak", 1), ("none", -1)] for c in contrasts
    )
    rankings = [claim for claim in transfer.CLAIMS if isinstance(claim, Ranking)]
    assert [claim.truth for claim in rankings] == metrics
    first_two_waves = {arm for arm, _ in desktop.STUDY.plan("desktop")[:32]}
    for claim in rankings:
        assert set(claim.ranked) == first_two_waves and claim.measure == "linear"


def test_what_is_unknown_is_refused():
    base = STUDY.layout("quick").base
    for change, says in (
        ({"world": "cifar11"}, "cifar11"), ({"others": ("digit",)}, "digit"),
        ({"draws": 0}, "draws"), ({"few": (0,)}, "few"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            replace(base, **change)


def test_the_encoders_folder_is_where_the_records_lie(store):
    assert (
        Path(encoder_path("kept", *PLACE, store)).parent
        == record_path("kept", *PLACE, store).parent
    )

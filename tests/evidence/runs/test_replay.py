"""Replay: the same code gives the same numbers, and a changed number is caught and named."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from adainf_core.evidence.runs import freshness, records, replay
from adainf_core.evidence.runs.freshness import is_fresh, replays
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.runs.one_run import run_one
from adainf_core.evidence.runs.quantities import misplaced, quantity_of
from adainf_core.evidence.runs.records import write_record
from adainf_core.evidence.runs.replay import verify
from adainf_core.evidence.runs.status import status
from adainf_core.evidence.studies.catalogue import named_study, studies
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.learning import augmentation, optimizers
from adainf_core.learning.methods import SimCLR, simclr
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.probing import PENALTIES, linear_probe

STUDY = Study(
    "tiny",
    "Is it the same?",
    {"none": Arm("none"), "weak": Arm("weak", {"pretrain.policy": POLICIES["symmetric_adainf"]})},
    {
        "quick": Layout(
            TrainingExperiment(
                "sprites", size=12, n_real=200, n_test=100,
                pretrain=PretrainConfig(
                    policy=POLICIES["symmetric"], steps=10, batch_size=32, width=4,
                    method=SimCLR(hidden=16, out=8), warmup=0, device="cpu",
                ),
            ),
            seeds=(1, 1),
        )
    },
)  # fmt: skip
OF_OLD = "0123456789abcdef"


@pytest.fixture(autouse=True, scope="module")
def _few_penalties():
    """Two to choose from: fitting all of them takes most of a run as short as these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(linear_probe.__kwdefaults__, "penalties", PENALTIES[4:6])
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Records of both arms, as if of older code."""
    root = tmp_path_factory.mktemp("made")
    return [replace(run_one(STUDY, "quick", arm, 0, root), code=OF_OLD) for arm in STUDY.arms]


@pytest.fixture
def root(made, tmp_path):
    for record in made:
        write_record(record, tmp_path)
    return tmp_path


def test_what_agrees_is_written_down_and_speaks_for_all_of_its_code(root):
    assert status(STUDY, "quick", root).stale == ("none-0", "weak-0")
    found = verify(STUDY, "quick", root)
    assert (found.fresh, found.replayed, found.refuted) == (0, 2, 0)
    (made,) = found.comparisons
    # two entries of the loss curve; two probes and the loss of the rehearsal
    assert made.exact == made.compared == 2 + 3 and made.differing == ()
    (note,) = replays(root)
    assert note.runs == (made.name,) and note.of == 2 and note.then == OF_OLD
    assert note.exact == note.compared == 5
    assert status(STUDY, "quick", root).stale == ()
    assert verify(STUDY, "quick", root).fresh == 2  # and it is not done twice


def test_a_record_keeps_what_its_probes_chose(made):
    for record in made:
        assert record.probes.keys() == {"linear"}
        assert record.probes["linear"]["penalty"] in PENALTIES
        assert 0 <= record.probes["linear"]["held_out_accuracy"] <= 1


def test_a_replay_is_of_one_code_alone(root, monkeypatch):
    verify(STUDY, "quick", root)
    experiment = STUDY.experiment("quick", "none", 0)
    (record,) = [r for r in records.load_records("tiny", "quick", root) if r.arm == "none"]
    assert is_fresh(record, experiment, root)
    assert not is_fresh(replace(record, code="older still"), experiment, root)
    monkeypatch.setattr(freshness, "code_fingerprint", lambda experiment: "changed again")
    assert not is_fresh(record, experiment, root)


def changed_temperature(patch):
    loss = simclr.nt_xent
    patch.setattr(simclr, "nt_xent", lambda a, b, t, *rest: loss(a, b, t + 0.01, *rest))


def changed_hue(patch):
    rotate = augmentation._rotate_hue
    patch.setattr(augmentation, "_rotate_hue", lambda x, turns: rotate(x, -turns))


def ignored_ratio(patch):
    boxes = augmentation._crop_boxes

    def square(*arguments):
        *rest, policy = arguments
        return boxes(*rest, replace(policy, crop_ratio=(1.0, 1.0)))

    patch.setattr(augmentation, "_crop_boxes", square)


def no_decay(patch):
    class WithoutDecay(torch.optim.AdamW):
        def __init__(self, groups, **settings):
            super().__init__(groups, **(settings | {"weight_decay": 0.0}))

    patch.setattr(
        optimizers, "torch",
        SimpleNamespace(**{**vars(torch), "optim": SimpleNamespace(AdamW=WithoutDecay)}),
    )  # fmt: skip


@pytest.mark.parametrize("change", [changed_temperature, changed_hue, ignored_ratio, no_decay])
def test_a_changed_number_is_caught_and_named(root, change, monkeypatch):
    change(monkeypatch)
    found = verify(STUDY, "quick", root)
    assert (found.replayed, found.refuted) == (0, 2) and replays(root) == []
    assert any("loss" in differing for made in found.comparisons for differing in made.differing)


def test_elsewhere_the_stated_tolerance_holds(root, made, monkeypatch):
    for record in made:
        begun = [entry | {"loss": entry["loss"] * 1.005} for entry in record.history]
        write_record(replace(record, device="another one", history=begun), root)
    found = verify(STUDY, "quick", root)
    # the rehearsal was made here
    assert found.replayed == 2 and (found.comparisons[0].exact, replays(root)[0].exact) == (3, 3)
    for record in made:
        begun = [entry | {"loss": entry["loss"] * 1.1} for entry in record.history]
        write_record(replace(record, device="another one", history=begun, code="other"), root)
    assert verify(STUDY, "quick", root).refuted == 2


#: Of each kind of experiment: a study, a metric of the rehearsal, by how much another machine may
#: move it, and by how much it may not.
MOVED = [
    ("failure-mode", "linear", 3.0, 9.0),
    ("failure-mode", "last_loss", 0.05, 0.5),
    ("theory-predicts", "alpha", 0.0, 0.01),
    ("theory-predicts", "trained", 3.0, 9.0),
    ("sprite-gap", "precision", 0.01, 0.1),
    ("sprite-gap", "tv_features", 0.03, 0.1),
    ("sprite-gap", "frechet_high", 1e-4, 0.1),
    ("sprite-gap", "kernel_distance", 1e-4, 0.1),
    ("cifar-graph", "alpha@strong", 0.15, 0.3),
    ("cifar-graph", "gap_low_10@strong", 0.1, 0.3),
    ("cifar-graph", "components@none", 1.0, 3.0),
]


@pytest.mark.parametrize(("study", "metric", "may", "may_not"), MOVED)
def test_elsewhere_each_kind_of_number_has_a_tolerance_of_its_own(
    study, metric, may, may_not, monkeypatch
):
    named = named_study(study)
    record = next(r for r in records.load_records(study, "laptop") if metric in r.rehearsal)
    away = replace(record, device="another", rehearsed_on="another", history=[])
    experiment = named.experiment("laptop", record.arm, record.seed)
    for moved, caught in ((may, 0), (may_not, 1)):
        again = record.rehearsal | {metric: record.rehearsal[metric] + moved}
        monkeypatch.setattr(replay, "rehearse", lambda experiment, again=again: again)
        found = replay.repeat(away, experiment)
        assert (found.exact, len(found.differing)) == (0, caught)
        assert all(f"{metric} of the rehearsal" in line for line in found.differing)
    gone = {name: value for name, value in record.rehearsal.items() if name != metric}
    monkeypatch.setattr(replay, "rehearse", lambda experiment: gone | {"renamed": 0.0})
    assert len(replay.repeat(away, experiment).differing) == 2


KINDS = ["failure-mode", "theory-predicts", "sprite-gap", "cifar-graph"]


@pytest.mark.parametrize("study", KINDS)
def test_every_recorded_number_is_of_a_known_kind_whose_tolerance_tells_some_apart(study):
    kind = type(next(iter(named_study(study).layouts.values())).base)
    found: dict[str, list[float]] = {}
    for each in studies().values():
        for record in records.load_records(each.name, "laptop"):
            if record.kind == kind.kind:
                for name, value in [*record.metrics.items(), *record.rehearsal.items()]:
                    assert misplaced(kind, name, value) == ""
                    quantity, _, _ = name.partition("@")
                    found.setdefault(quantity, []).append((value, name))
    assert found
    for values in found.values():
        (low, _), (high, name) = min(values), max(values)
        # real against real, and an upper end that is always 1, are alike everywhere
        if not name.startswith("mirrored_") and high > low:
            assert high - low > 2 * quantity_of(kind, name).tolerance(high)


def test_a_record_without_a_rehearsal_or_data_is_unknown(root, made, monkeypatch):
    for record in made:
        write_record(replace(record, rehearsal={}), root)
    found = verify(STUDY, "quick", root)
    assert found.replayed == 0 and "holds no rehearsal; run it again" in found.unknown[0]


def test_a_file_of_replays_that_is_none_is_named(root):
    (root / "replays.json").write_text('[{"study": "tiny"}]')
    with pytest.raises(ValueError, match=r"replays.json: not a list of replays .*study verify"):
        status(STUDY, "quick", root)


def test_replays_of_past_code_are_left_out(root):
    verify(STUDY, "quick", root)
    (note,) = replays(root)
    older = replace(note, now="of yesterday")
    elsewhere = replace(older, study="other")
    codes = [(note.then, note.now)]
    freshness.write_replays([older, elsewhere], root, "tiny", "quick", codes)
    assert sorted(entry.study for entry in replays(root)) == ["other", "tiny"]
    assert note in replays(root) and older not in replays(root)

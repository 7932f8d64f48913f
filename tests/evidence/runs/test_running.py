"""The runner: every run once, in order, whole or not at all, whatever stops it."""

from __future__ import annotations

import hashlib
import math
import os
import random
import signal
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from adainf_core import workers
from adainf_core.evidence.runs import one_run, running
from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.freshness import is_fresh
from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study, Times
from adainf_core.evidence.runs.one_run import UNFINISHED, Run, run_one, short_hash
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.evidence.runs.records import (
    began,
    load_records,
    read_record,
    record_path,
    source_commit,
    write_record,
)
from adainf_core.evidence.runs.running import default_processes, run_study, study_records
from adainf_core.evidence.studies import training
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.files import atomic_file, claim_output
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.generators.pipelines import DIGESTS, shipped_generators
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.probing import linear_probe
from adainf_core.stopping import stop_requests
from adainf_core.workers import Workers

# ---- a study whose runs take no time: what each adds up, and what else it does


@dataclass(frozen=True)
class Sum:
    number: int = 0
    seed: int = 0
    does: object = field(default=None, compare=False)

    kind: ClassVar[str] = "sum"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[dict[str, Quantity]] = {"linear": PERCENT}
    device: ClassVar[str] = "cpu"

    def run(self) -> Outcome:
        if self.does is not None:
            self.does(self)
        total = float(self.number + self.seed)
        return Outcome({"linear": total}, {"linear": "a sum"}, 1.0, [{"step": 1, "loss": total}])

    def small(self) -> Sum:
        return Sum(self.number)


def sums(arms: dict[str, int], name: str = "sums", does=None, scale: str = "quick") -> Study:
    grid = {arm: Arm(arm, {"number": number}) for arm, number in arms.items()}
    return Study(name, "What is the sum?", grid, {scale: Layout(Sum(does=does), seeds=(2, 2))})


class InPlace(Workers):
    """Does a job when it is handed in, in this process."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.ended = []

    @property
    def busy(self) -> int:
        return len(self.ended)

    def start(self, job) -> None:
        try:
            self.ended.append((job, self.function(*job), None))
        except Exception as error:
            self.ended.append((job, None, error))

    def next_ended(self):
        return self.ended.pop()


@pytest.fixture
def ran(monkeypatch) -> list[tuple[str, int]]:
    """Lets runs take place in this process; the (arm, seed) of each that was started.

    Probes have two penalties to choose from: all of them would take most of a run so short.
    """
    started = []

    def noted(study, scale, arm, seed, *rest):
        started.append((arm, seed))
        return run_one(study, scale, arm, seed, *rest)

    monkeypatch.setattr(running, "Workers", InPlace)
    monkeypatch.setattr(running, "run_one", noted)
    monkeypatch.setitem(linear_probe.__kwdefaults__, "penalties", (1e-2, 1e-3))
    return started


AB_ARMS = {"a": 1, "b": 2}
AB = sums(AB_ARMS)
PLAN = [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_what_has_a_record_does_not_run_again(ran, tmp_path):
    first = run_study(AB, "quick", store=tmp_path)
    assert ran == [(r.arm, r.seed) for r in first] == AB.plan("quick") == PLAN
    assert [r.metrics["linear"] for r in first] == [1, 2, 2, 3]
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert run_study(AB, "quick", store=tmp_path) == first == study_records(AB, "quick", tmp_path)
    assert ran == PLAN and stamps == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    record_path("sums", "quick", "b", 0, tmp_path).unlink()
    del ran[:]
    again = run_study(AB, "quick", store=tmp_path, seeds=3)
    assert ran == [("b", 0), ("a", 2), ("b", 2)]  # what is missing, in the plan's order
    assert [r.metrics for r in again[:4]] == [r.metrics for r in first]


def test_runs_of_other_code_than_the_first_seed_s_are_rehearsed(ran, tmp_path):
    """Replay needs one record of each code with a rehearsal, whichever seeds were left to run."""
    first = run_study(AB, "quick", seeds=1, store=tmp_path)
    assert all(record.rehearsal for record in first)
    write_record(replace(first[0], code="0" * 16), tmp_path)
    found = run_study(AB, "quick", store=tmp_path)
    assert {record.arm: bool(record.rehearsal) for record in found if record.seed} == {
        "a": True, "b": False,
    }  # fmt: skip


def test_a_record_says_what_it_is_of(ran, tmp_path):
    before, start = datetime.now().timestamp(), time.monotonic()
    (record,) = run_study(sums({"a": 1}), "quick", seeds=1, store=tmp_path)
    took = time.monotonic() - start
    assert read_record(tmp_path / "sums" / "quick" / "a-0.json") == record
    assert (record.study, record.scale, record.arm, record.seed) == ("sums", "quick", "a", 0)
    experiment = AB.experiment("quick", "a", 0)
    assert record.kind == "sum" and record.config == {"number": 1, "seed": 0}
    assert record.code == code_fingerprint(experiment) and is_fresh(record, experiment, tmp_path)
    assert (record.commit, record.clean) == source_commit()
    assert record.rehearsal == {"linear": 1.0, "last_loss": 1.0}
    assert record.protocols == {"linear": "a sum"} and record.history == [{"step": 1, "loss": 1.0}]
    finished = datetime.strptime(record.finished + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp()
    assert before - 1 <= finished <= datetime.now().timestamp()
    assert 0 <= record.wall_seconds <= took + 0.1  # which is rounded to a tenth


def test_a_record_names_the_model_whose_images_it_is_of(monkeypatch):
    study = named_study("diffusion")
    outcome = Outcome({"linear": 1.0}, {"linear": "a sum"}, 0.0, [])
    monkeypatch.setattr(TrainingExperiment, "resume", lambda *given: outcome)
    found = {arm: run_one(study, "laptop", arm, 40).protocols for arm in ("diffusion", "none")}
    noted = (shipped_generators()["cifar10-16"] / DIGESTS).read_bytes()
    said = f"cifar10-16, SHA-256 of its files: {hashlib.sha256(noted).hexdigest()}"
    assert found["diffusion"] == {"linear": "a sum", "generator": said}
    assert found["none"] == {"linear": "a sum"}


def test_a_run_is_shared_between_studies(ran, tmp_path):
    run_study(AB, "quick", store=tmp_path)
    other = sums({"c": 3, "two": 2}, name="other")
    del ran[:]
    found = run_study(other, "quick", store=tmp_path)
    assert ran == [("c", 0), ("c", 1)]
    assert [(r.study, r.arm, r.seed) for r in found] == [
        ("other", arm, seed) for arm, seed in other.plan("quick")
    ]
    assert [r.metrics["linear"] for r in found] == [3, 2, 4, 3]
    assert found == study_records(other, "quick", tmp_path)
    assert {r.arm for r in load_records("other", "quick", tmp_path)} == {"c"}
    # another scale is another matter
    large = sums({"c": 3, "two": 2}, name="other", scale="laptop")
    assert study_records(large, "laptop", tmp_path) == []


def test_what_somebody_else_runs_meanwhile_is_not_run_again(ran, tmp_path):
    def elsewhere(run: Sum) -> None:
        if run.number == 1:  # while this one goes on, another process finishes the next
            theirs = sums({"two": 2}, name="theirs")
            write_record(run_one(theirs, "quick", "two", run.seed), tmp_path)

    found = run_study(sums(AB_ARMS, does=elsewhere), "quick", store=tmp_path)
    assert ran == [("a", 0), ("a", 1)] and [(r.arm, r.seed) for r in found] == PLAN
    assert {r.study for r in found} == {"sums"}


def test_without_a_store_everything_runs_and_nothing_is_kept(ran, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (run_study(AB, "quick", seeds=1) for _ in range(2))
    timeless = {"finished": "", "wall_seconds": 0.0}
    assert [replace(r, **timeless) for r in first] == [replace(r, **timeless) for r in second]
    assert ran == PLAN[:2] * 2 and list(tmp_path.iterdir()) == []


def test_an_exhausted_budget_starts_nothing(tmp_path):
    assert run_study(AB, "quick", store=tmp_path, budget=0) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_budget_gives_a_beginning_of_the_plan(ran, tmp_path, monkeypatch, processes):
    clock = [0.0]
    for module in (running, one_run):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def takes_ten_seconds(_) -> None:
        clock[0] += 10

    study = sums(AB_ARMS, does=takes_ten_seconds)
    found = run_study(study, "quick", store=tmp_path, budget=25, processes=processes)
    assert ran == PLAN[:3] and {(r.arm, r.seed) for r in found} == set(PLAN[:3])
    assert {r.wall_seconds for r in found} == {10.0}
    assert len(run_study(study, "quick", store=tmp_path, budget=25)) == 4 and ran == PLAN


@pytest.mark.parametrize("kept", [True, False])
def test_each_run_is_asked_about_as_it_starts_and_told_as_it_ends(ran, tmp_path, kept):
    told = []

    def wanted(arm, seed):
        assert len(told) == len(ran)  # in this process the one before has ended
        return (arm, seed) != ("b", 0)

    store = tmp_path if kept else None
    found = run_study(AB, "quick", store=store, wanted=wanted, told=told.append)
    assert ran == [key for key in PLAN if key != ("b", 0)]
    assert told == found and [(r.arm, r.seed) for r in found] == ran
    if kept:  # what is there is not told again
        run_study(AB, "quick", store=store, told=told.append)
        assert [(r.arm, r.seed) for r in told[3:]] == [("b", 0)]


def test_a_failing_run_takes_no_other_along(ran, tmp_path):
    def fails(run: Sum) -> None:
        if run.number == 1:
            raise ZeroDivisionError("one is the unlucky number")

    says = r"a-0, a-1 failed, the other runs are done: ZeroDivisionError\('one is the unlucky"
    with pytest.raises(RuntimeError, match=says):
        run_study(sums(AB_ARMS, does=fails), "quick", store=tmp_path, processes=1)
    assert ran == PLAN
    done = [(r.arm, r.seed) for r in load_records("sums", "quick", tmp_path)]
    assert done == [("b", 0), ("b", 1)]


def test_a_run_without_its_data_is_left_out_with_a_warning(ran, tmp_path):
    def missing(run: Sum) -> None:
        if run.number == 1:
            raise FileNotFoundError("no images at nowhere")

    with pytest.warns(UserWarning, match="a-[01] is left out: no images at nowhere"):
        found = run_study(sums(AB_ARMS, does=missing), "quick", store=tmp_path)
    assert [(r.arm, r.seed) for r in found] == [("b", 0), ("b", 1)] and ran == PLAN


def test_a_record_of_another_configuration_is_refused(ran, tmp_path):
    run_study(AB, "quick", store=tmp_path)
    changed = sums({"a": 1, "b": 5})
    says = r"b-0.json: ran under another configuration than .* \(number=2 against 5\); move it away"
    for ask in (run_study, study_records):
        with pytest.raises(ValueError, match=says):
            ask(changed, "quick", **{"store" if ask is run_study else "root": tmp_path})
    assert ran == PLAN


def test_two_records_of_one_run_that_disagree_are_refused(ran, tmp_path):
    (record, _) = run_study(sums({"a": 1}), "quick", store=tmp_path)
    write_record(replace(record, study="copy", metrics={"linear": 1.5}), tmp_path)
    says = r"sums/quick/a-0.json and .*copy/quick/a-0.json .* disagree: metrics.linear=1.0 against"
    for ask in (run_study, study_records):
        with pytest.raises(ValueError, match=says):
            ask(AB, "quick", **{"store" if ask is run_study else "root": tmp_path})
    assert len(ran) == 2


def fresh(study: Study, record, root: Path) -> bool:
    return is_fresh(record, study.experiment("quick", record.arm, record.seed), root)


def test_stale_runs_are_repeated_where_that_is_asked(ran, tmp_path):
    for record in run_study(AB, "quick", store=tmp_path):
        if record.arm == "b":
            write_record(replace(record, code="of old"), tmp_path)
    del ran[:]
    found = run_study(AB, "quick", store=tmp_path)
    assert [fresh(AB, record, tmp_path) for record in found] == [True, False] * 2 and ran == []
    first = {record.name: began(record) for record in found}
    found = run_study(AB, "quick", store=tmp_path, stale=True)
    assert ran == [("b", 0), ("b", 1)] and all(fresh(AB, record, tmp_path) for record in found)
    # what was seen before is not seen for the first time again
    assert {record.name: began(record) for record in found} == first
    assert [bool(record.first_began) for record in found] == [False, True] * 2
    assert study_records(AB, "quick", tmp_path) == found


def test_a_stale_run_that_studies_share_is_repeated_once(ran, tmp_path):
    for record in run_study(AB, "quick", store=tmp_path):
        old = replace(record, code="of old", metrics={"linear": 99.0})
        write_record(old, tmp_path)
    two = sums({"two": 2}, name="two")
    del ran[:]
    # the new results stand beside old ones of other code, and count for both studies
    assert [r.metrics["linear"] for r in run_study(two, "quick", store=tmp_path, stale=True)] == [
        2, 3
    ]  # fmt: skip
    assert [r.metrics["linear"] for r in study_records(AB, "quick", tmp_path)] == [99, 2, 99, 3]
    found = run_study(AB, "quick", store=tmp_path, stale=True)
    assert [r.metrics["linear"] for r in found] == [1, 2, 2, 3]
    assert ran == [("two", 0), ("two", 1), ("a", 0), ("a", 1)]


def test_one_run_at_a_time_on_an_accelerator(monkeypatch):
    monkeypatch.setattr(running, "machine", lambda device: ({}, "cpu (of a kind), 1 thread(s)"))
    cores = len(os.sched_getaffinity(0))
    assert default_processes(AB, "quick") == cores
    monkeypatch.setattr(running, "machine", lambda device: ({}, "H200"))
    assert default_processes(AB, "quick") == 1


# ---- runs that are stopped on the way

STEPS = 24
TINY = Study(
    "tiny",
    "Does it survive?",
    {
        "none": Arm("none"),
        "flawed": Arm(
            "flawed",
            {
                "generator": FlawedSprites("background", 0.9),
                "n_generated": Times(2.0, of="n_real"),
            },
        ),
    },
    {
        "quick": Layout(
            TrainingExperiment(
                "sprites", size=12, n_real=60, n_test=40,
                pretrain=PretrainConfig(
                    policy=POLICIES["symmetric"], steps=STEPS, batch_size=16, width=2,
                    method=SimCLR(hidden=8, out=4), warmup=0, device="cpu",
                ),
            ),
            seeds=(2, 2),
        )
    },
)  # fmt: skip


def found_in(folder: Path) -> dict:
    """What the records in `folder` say was found, without when and how long."""
    return {
        (r.arm, r.seed): (r.config, r.beta, r.metrics, r.protocols, r.history)
        for r in load_records("tiny", "quick", folder)
    }


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def checkpoint(folder: Path, arm: str, seed: int) -> Path:
    """Where the run waits; a path without a file where it does not."""
    place = record_path("tiny", "quick", arm, seed, folder / UNFINISHED)
    return next(place.parent.glob(f"{place.stem}*.pt"), place)


def test_a_run_that_the_deadline_stops_goes_on_to_the_same_record(ran, tmp_path):
    now = time.monotonic()
    assert run_one(TINY, "quick", "none", 0, tmp_path, deadline=now) is None
    assert 0 < read_checkpoint(checkpoint(tmp_path, "none", 0)).step < STEPS
    assert study_records(TINY, "quick", tmp_path) == []
    (record,) = run_study(replace(TINY, arms={"none": TINY.arms["none"]}), "quick", seeds=1,
                          store=tmp_path)  # fmt: skip
    undisturbed = run_one(TINY, "quick", "none", 0)
    assert (record.metrics, record.history) == (undisturbed.metrics, undisturbed.history)
    assert record.beta == undisturbed.beta == 1
    assert files(tmp_path) == [record_path("tiny", "quick", "none", 0, tmp_path)]


def test_a_deadline_ends_a_run_that_nothing_is_kept_of(ran):
    assert run_one(TINY, "quick", "none", 0, None, deadline=time.monotonic()) is None
    assert run_study(TINY, "quick", seeds=1, budget=1e-9) == [] and ran == []


def test_what_another_process_is_at_is_left_to_it(ran, tmp_path):
    run = Run.of(TINY, "quick", "none", 0)

    def elsewhere() -> None:
        while True:
            with run.reserved(tmp_path) as ours:  # or whoever asks whether it is free
                time.sleep(60 * ours)

    assert run_one(TINY, "quick", "none", 0, tmp_path, deadline=time.monotonic()) is None
    step = read_checkpoint(checkpoint(tmp_path, "none", 0)).step
    other = get_context("fork").Process(target=elsewhere)
    other.start()
    wait_for(lambda: not free(run, tmp_path))
    assert run_one(TINY, "quick", "none", 0, tmp_path) is None
    assert read_checkpoint(checkpoint(tmp_path, "none", 0)).step == step
    other.kill()  # gives nothing back by itself
    other.join()
    assert run_one(TINY, "quick", "none", 0, tmp_path) is not None


def free(run: Run, store: Path) -> bool:
    with run.reserved(store) as is_free:
        return is_free


def test_a_checkpoint_of_other_code_is_not_gone_on_from(ran, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(one_run, "code_fingerprint", lambda experiment: "of old")
        assert run_one(TINY, "quick", "none", 0, tmp_path, deadline=time.monotonic()) is None
    old = checkpoint(tmp_path, "none", 0)
    assert run_one(TINY, "quick", "none", 0, tmp_path, deadline=time.monotonic()) is None
    assert old.is_file() and len(list(old.parent.glob("none-0.*.pt"))) == 2
    one = replace(TINY, arms={"none": TINY.arms["none"]})
    (record,) = run_study(one, "quick", seeds=1, store=tmp_path)
    assert fresh(one, record, tmp_path) and list(old.parent.iterdir()) == []


# a fork server that has imported everything and run nothing: lives begin in a fraction of a second
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["pytest", "torch", "adainf_core.evidence.studies.catalogue"])


def fork_workers() -> None:
    """Fork them from what has run nothing yet: as clean as spawned, and at once there."""
    workers._LOOK, workers._LAST = 0.02, 1.0
    workers.get_context = lambda _: get_context("fork")


def live(folder: Path) -> None:
    """Run the tiny study to its end, in a process group of its own, with checkpoints all along."""
    os.setsid()
    training._CHECKPOINT_SECONDS = 0.0
    fork_workers()
    run_study(TINY, "quick", store=folder, processes=2)


def begin(folder: Path, live=live):
    life = SERVER.Process(target=live, args=(folder,))
    life.start()
    wait_for(lambda: group_lives(life.pid))
    return life


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def progress(folder: Path) -> int:
    """Steps done, in records and checkpoints."""
    done = 0
    for arm, seed in TINY.plan("quick"):
        path = checkpoint(folder, arm, seed)
        if record_path("tiny", "quick", arm, seed, folder).is_file():
            done += STEPS
        elif path.is_file():
            try:
                done += read_checkpoint(path).step
            except FileNotFoundError:
                done += STEPS  # it has become a record just now
    return done


def wait_for(what, seconds: float = 60.0) -> None:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "nothing happens"
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_same_records(tmp_path):
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    rng, kills, total = random.Random(0), 20, STEPS * len(TINY.plan("quick"))
    fell = []
    for kill in range(kills):
        life = begin(killed)
        # two of three wherever they happen to be, often before their first step; the others later,
        # or nothing would ever be done; none so late that the study ends before the last kill
        end = time.monotonic() + (rng.uniform(0, 0.4) if kill % 3 else math.inf)
        wanted = total * kill // (kills + 4)
        wait_for(lambda: time.monotonic() >= end or progress(killed) >= wanted)  # noqa: B023
        time.sleep(rng.uniform(0, 0.03))
        os.killpg(life.pid, signal.SIGKILL)
        life.join()
        assert life.exitcode == -signal.SIGKILL  # it had not ended by itself
        fell.append(progress(killed))
    # no kill loses a step that was saved
    assert fell == sorted(fell) and 0 < fell[-1] < total and len(set(fell)) > kills // 5
    for folder in (killed, undisturbed):
        life = begin(folder)
        life.join()
        assert life.exitcode == 0
    assert found_in(killed) == found_in(undisturbed) and len(found_in(killed)) == 4


@pytest.mark.slow
def test_children_of_a_killed_parent_save_and_end_by_themselves(tmp_path):
    life = begin(tmp_path)
    wait_for(lambda: any(checkpoint(tmp_path, arm, 0).is_file() for arm in TINY.arms))
    os.kill(life.pid, signal.SIGKILL)
    life.join()
    written = found_in(tmp_path)
    wait_for(lambda: not group_lives(life.pid))
    assert progress(tmp_path) > STEPS * len(written)  # what was going on is kept
    assert found_in(tmp_path) == written  # who writes records is gone


# ---- whoever is killed


@dataclass(frozen=True)
class Count(Sum):
    """A sum that is begun again from its checkpoint, which it writes all along."""

    kind: ClassVar[str] = "count"

    def resume(self, checkpoint: Path, max_seconds: float) -> Outcome | None:
        with claim_output(checkpoint, "file"), stop_requests() as stop:
            step = int(checkpoint.read_bytes()) if checkpoint.is_file() else 0
            while step < STEPS:
                if stop:
                    return None
                time.sleep(0.01)
                step += 1
                with atomic_file(checkpoint) as file:
                    file.write(b"%d" % step)
        return self.run()


COUNTS = replace(AB, layouts={"quick": Layout(Count(), seeds=(3, 3))})


def count(folder: Path) -> None:
    """Run the counts to their end; a file beside `folder` names the workers as they start."""
    os.setsid()
    fork_workers()
    start = workers._work

    def work(*arguments) -> None:
        with folder.with_suffix(".workers").open("a") as started:
            started.write(f"{os.getpid()}\n")
        start(*arguments)

    workers._work = work
    run_study(COUNTS, "quick", store=folder, processes=2)


def counted(folder: Path) -> int:
    """Steps done, in records and checkpoints."""
    done = 0
    for path in files(folder):
        if path.suffix == ".pt":
            with suppress(FileNotFoundError):  # it has become a record just now
                done += int(path.read_bytes())
        done += STEPS * (path.suffix == ".json")
    return done


def killed_on_the_way(folder: Path, whom: str, how: signal.Signals, rng: random.Random) -> bool:
    """Kill the parent, the first or the last worker anywhere in a study; end the study.

    Whether the one killed was at work.
    """
    started = folder.with_suffix(".workers")
    life = begin(folder, count)
    wait_for(lambda: started.is_file() and started.read_text().count("\n") == 2)
    wanted = rng.random() * STEPS * len(COUNTS.plan("quick"))
    wait_for(lambda: counted(folder) >= wanted or not life.is_alive())
    time.sleep(rng.uniform(0, 0.02))
    first, last = map(int, started.read_text().split()[:2])
    with suppress(ProcessLookupError):  # it has ended by itself
        os.kill({"parent": life.pid, "first": first, "last": last}[whom], how)
    life.join()
    if whom != "parent":
        assert life.exitcode == 0
        return started.read_text().count("\n") == 3
    hit = life.exitcode == -how
    wait_for(lambda: not group_lives(life.pid))
    life = begin(folder, count)
    life.join()
    assert life.exitcode == 0
    return hit


def test_whoever_is_killed_every_run_is_recorded_once_and_equal(tmp_path):
    rng, kills, hits = random.Random(0), 9, 0
    runs = COUNTS.plan("quick")
    for kill in range(kills):
        folder, whom = tmp_path / str(kill), ("parent", "first", "last")[kill % 3]
        how = signal.SIGTERM if kill in (4, 8) else signal.SIGKILL  # to a worker alone
        hits += killed_on_the_way(folder, whom, how, rng)
        found = {(r.arm, r.seed): r.metrics for r in study_records(COUNTS, "quick", folder)}
        assert found == {(arm, s): {"linear": AB_ARMS[arm] + s} for arm, s in runs}, (kill, whom)
        records = [record_path("sums", "quick", *run, folder) for run in runs]
        assert files(folder) == sorted(records), (kill, whom)  # and nothing is left over
    assert hits > kills // 4  # the others had ended: a busy machine is late


# ---- runs that kill their process


@dataclass(frozen=True)
class Kills:
    """Kills the process of arm a, seed 0 at its first `times` tries, noted in `folder`."""

    folder: Path
    times: int

    def __call__(self, run: Sum) -> None:
        if (run.number, run.seed) == (1, 0):
            tries = len(list(self.folder.glob("try-*")))
            (self.folder / f"try-{tries}").touch()
            if tries < self.times:
                os.kill(os.getpid(), signal.SIGKILL)


def survive(folder: Path, times: int) -> None:
    fork_workers()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            run_study(sums(AB_ARMS, does=Kills(folder, times)), "quick", store=folder, processes=2)
        except RuntimeError as error:
            (folder / "failed").write_text(str(error))
    (folder / "said").write_text("".join(f"{warning.message}\n" for warning in said))


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_whose_process_dies_is_named_and_tried_once_more(tmp_path, times):
    life = SERVER.Process(target=survive, args=(tmp_path, times))
    life.start()
    life.join()
    assert life.exitcode == 0 and len(list(tmp_path.glob("try-*"))) == 2
    assert (tmp_path / "said").read_text() == (
        "sums a-0: a worker process was killed (SIGKILL); once more\n"
    )
    done = {(r.arm, r.seed): r.metrics["linear"] for r in load_records("sums", "quick", tmp_path)}
    expected = {("a", 0): 1, ("b", 0): 2, ("a", 1): 2, ("b", 1): 3}
    if times == 2:
        del expected["a", 0]
        assert (tmp_path / "failed").read_text() == (
            "sums: a-0 failed, the other runs are done: a worker process was killed "
            "(SIGKILL) at it twice; if memory ran out, take fewer processes"
        )
    assert done == expected and (times == 2) == (tmp_path / "failed").exists()


def test_what_killed_processes_left_of_a_finished_run_is_removed(ran, tmp_path):
    run_study(sums({"a": 1}), "quick", store=tmp_path)
    waiting, locks = (tmp_path / UNFINISHED / part for part in ("sums/quick", "quick"))
    waiting.mkdir(parents=True)
    version = f"{0:016x}.pt"
    lock = locks / f".{short_hash(AB.experiment('quick', 'a', 0))}.lock"
    left = [
        waiting / f"a-0.{version}",
        waiting / f".a-0.{version}.lock",
        waiting / f".a-0.{version}.0123abcd.partial",
        tmp_path / "sums" / "quick" / ".a-0.json.0123abcd.partial",
        lock,
    ]
    others = [waiting / f"a-0.5-0.{version}", waiting / f"a-5.{version}"]
    for path in left + others:
        path.touch()
    kept = set(files(tmp_path)) - set(left)
    run_study(sums({"a": 1}), "quick", store=tmp_path)
    assert set(files(tmp_path)) == kept and len(ran) == 2

"""The benchmarks run at all, and what they share is right."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from adainf_core.advice.own_study import arms_of_own
from adainf_core.data.images import ImageSet
from adainf_core.learning.pretrain_config import PretrainConfig

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def load() -> Iterator:
    """Imports a benchmark by its name, as running the script would find it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module


@pytest.fixture
def common(load, tmp_path, monkeypatch) -> ModuleType:
    module = load("common")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    return module


@pytest.fixture
def clock(common, monkeypatch) -> list[float]:
    """A clock in place of time.perf_counter, and its only entry: the seconds it shows."""
    now = [0.0]
    monkeypatch.setattr(common.time, "perf_counter", lambda: now[0])
    return now


class TestPaired:
    def test_rates_are_units_per_second(self, common, clock):
        def steady() -> int:
            clock[0] += 0.25
            return 10

        rates = common.paired({"steady": steady}, seconds=1.0, rounds=3)
        assert rates == {"steady": {"median": 40.0, "low": 40.0, "high": 40.0}}

    def test_contestants_take_turns(self, common, clock):
        calls = []

        def work(name: str) -> int:
            clock[0] += 0.5
            calls.append(name)
            return 1

        common.paired({name: lambda name=name: work(name) for name in "ab"}, 1.0, rounds=2)
        assert "".join(calls) == "ab" + 2 * "aabb"

    def test_the_first_call_does_not_count(self, common, clock):
        durations = iter([100.0] + [0.5] * 10)

        def warms_up() -> int:
            clock[0] += next(durations)
            return 1

        assert common.paired({"x": warms_up}, 1.0, rounds=3)["x"]["low"] == 2.0

    def test_a_slow_round_moves_a_quartile_and_not_the_median(self, common, clock):
        durations = iter([1.0, 1.0, 1.0, 4.0])

        def disturbed() -> int:
            clock[0] += next(durations)
            return 4

        rate = common.paired({"x": disturbed}, 1.0, rounds=3)["x"]
        assert rate["median"] == 4.0
        assert rate["low"] == np.percentile([4, 4, 1], 25)


FIGURES = {"x": {"median": 2.0, "low": 1.0, "high": 3.0}}


class TestReport:
    def test_what_the_file_holds(self, common, capsys):
        path = common.report("thing", FIGURES, "views/s", ("numpy", "no-such"), "cpu", n=3)
        record = json.loads(path.read_text())
        assert path.name == "thing.json"
        assert record["figures"] == FIGURES
        assert record["unit"] == "views/s" and record["n"] == 3
        assert record["versions"]["numpy"] == np.__version__
        assert record["versions"]["no-such"] == "missing"
        assert record["device"].startswith("cpu")
        assert {"commit", "finished"} <= record.keys()
        assert "views/s" in capsys.readouterr().out

    def test_a_file_that_cannot_be_written_leaves_the_old_one(self, common):
        path = common.report("thing", FIGURES, "views/s")
        before = path.read_bytes()
        with pytest.raises(TypeError):
            common.report("thing", FIGURES, "views/s", extra=object())
        assert path.read_bytes() == before


class TestTraining:
    @pytest.fixture
    def training(self, load) -> ModuleType:
        pytest.importorskip("torchvision")
        return load("training")

    @pytest.fixture
    def images(self) -> ImageSet:
        pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 8, 8), dtype=np.uint8)
        return ImageSet(pixels, None, "noise")

    @pytest.fixture
    def case(self, training):
        return training.Case("tiny", "small_cnn", 4, 8, 6)

    def test_our_step_returns_its_images(self, training, case, images):
        assert training.ours(case, images, "fp32")() == 6

    def test_breakdown_adds_up(self, training, case, images):
        parts = training.breakdown(case, images, "fp32", seconds=0.0)
        named = ("data_ms", "augmentation_ms", "model_ms")
        assert min(parts[name] for name in named) > 0
        assert max(parts[name] for name in named) < parts["step_ms"]
        assert 0 < parts["share_before_model"] < 1
        assert parts["steps"] >= 3

    def test_measure_without_peers(self, training, case, images, monkeypatch):
        monkeypatch.setitem(sys.modules, "lightly", None)
        monkeypatch.setattr(training, "load", lambda size: (images, "noise"))
        monkeypatch.setattr(training.torch, "set_num_threads", lambda threads: None)
        found = training.measure(case, 1, seconds=0.0, rounds=1, compiled=False)
        assert found["missing"]
        assert set(found["parts"]) == {name.removeprefix("ours, ") for name in found["figures"]}
        assert training.ratios(found["figures"]) == {}

    def test_the_best_way_to_share_counts(self, training):
        rates = {
            "ours, fp32": 30.0,
            "ours, bf16": 60.0,
            "lightly: 2 threads, 0 workers": 10.0,
            "lightly: 1 thread, 1 worker": 20.0,
            "lightly, tuned: 2 threads, 0 workers": 40.0,
        }
        figures = {name: {"median": rate} for name, rate in rates.items()}
        assert training.ratios(figures) == {"fp32": 1.5, "recommended": 3.0, "bf16": 1.5}


class TestFirstHour:
    @pytest.fixture
    def first_hour(self, load) -> ModuleType:
        return load("first_hour")

    @pytest.fixture
    def own(self, first_hour, tmp_path):
        rng = np.random.default_rng(0)
        for name, labels in (("real", np.arange(40) % 2), ("generated", None)):
            pixels = rng.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
            first_hour.save(ImageSet(pixels, labels, name), tmp_path / name)
        return first_hour.own_images(tmp_path / "real", tmp_path / "generated")

    def test_what_is_saved_is_what_the_command_reads(self, own):
        assert len(own.real) == len(own.labelled) == 30 and len(own.test) == 10
        assert len(own.generated) == 40

    def test_our_slices_are_of_all_arms_and_parts(self, first_hour, own):
        config = PretrainConfig(width=4, batch_size=8, steps=9, warmup=0, device="cpu")
        arms = list(arms_of_own(own, config).values())
        slices = first_hour.Slices(arms, own, {first_hour.OURS: 2})
        slices.warm_up(1)
        slices.turn()
        slices.probe()
        assert [run.run.step for run in slices.arms[first_hour.OURS]] == [3, 3, 3, 3]
        assert len(slices.steps[first_hour.OURS]) == 8
        assert min(slices.seconds(first_hour.OURS).values()) > 0

    def test_steps_are_scaled_and_probes_are_not(self, first_hour):
        parts = {"data and augmentation": 1.0, "model": 2.0, "probe": 3.0}
        assert first_hour.scaled(parts, runs=8, steps=10) == {
            "data and augmentation": 80.0,
            "model": 160.0,
            "probe": 24.0,
        }

    def test_the_childrens_time_counts(self, first_hour):
        burn = "import time\nwhile time.process_time() < 0.2: pass"
        child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
        processor, _ = first_hour.spent([sys.executable, "-c", child])
        assert processor >= 0.2


def _gpu(out: Path, *options: str) -> dict:
    command = [sys.executable, BENCHMARKS / "gpu.py", "--out", out, "--device", "cpu", "--tiny"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ADAINF_DATA": str(out / "none")}
    subprocess.run([*command, *options], check=True, env=environment, timeout=300)
    return json.loads((out / "gpu.json").read_text())


def _check_mode(found: dict, mode: str) -> None:
    section = found[mode]
    assert set(section["times"]) == {"step", "model", "augmentation"}
    assert section["images_per_second"] > 0
    verdict = found["verdicts"][mode]
    assert sum(isinstance(value, bool) for value in verdict.values()) == 2
    assert verdict["model_tflops"] > verdict["step_tflops"] > 0


@pytest.mark.slow
class TestGpu:
    def test_every_section_has_a_result(self, tmp_path):
        found = _gpu(tmp_path)
        broken = {name: part for name, part in found.items() if "error" in part}
        assert not broken
        _check_mode(found, "eager")
        assert found["operations"]["an_image"] > 0
        assert found["matmul"]["tflops"] > 0

    def test_out_of_time_names_what_was_left_out(self, tmp_path):
        found = _gpu(tmp_path, "--minutes", "0.001")
        assert "skipped" in found["eager"] and found["verdicts"] == {}


class TestScores:
    def test_scores_are_held_against_what_peers_there_are(self, load, monkeypatch):
        scores, rng = load("scores"), np.random.default_rng(0)
        images, views = rng.normal(size=(60, 5)), rng.normal(size=(60, 3, 5))
        for name in ("rankme", "lidar", "dimension"):
            monkeypatch.setattr(scores, f"their_{name}", lambda _: None)
        monkeypatch.setattr(scores, "their_lidar", lambda _: 4.0)
        found = scores.compared(images, views)
        assert found["rankme"]["relative_difference"] is None
        assert found["rankme"]["ours"] == pytest.approx(found["rankme"]["without_its_constant"])
        assert found["lidar"]["relative_difference"] == abs(4.0 / found["lidar"]["ours"] - 1)

    def test_every_score_of_the_panel_is_timed(self, load):
        scores = load("scores")
        assert list(scores.panel_seconds(120, 6)) == list(scores.PANEL)


class TestGpuVerdicts:
    def test_targets(self, load):
        gpu = load("gpu")
        times = {"step": {"median_ms": 100.0}, "model": {"median_ms": 80.0}}
        section = {
            "times": times, "batch": 10, "end_to_end_of_model": 0.8, "augmentation_of_step": 0.1
        }  # fmt: skip
        found = {"eager": section, "matmul": {"tflops": 2.0}, "operations": {"an_image": 1e10}}
        verdict = gpu.verdicts(found)["eager"]
        assert [value for value in verdict.values() if isinstance(value, bool)] == [False, True]
        assert verdict["step_tflops"] == pytest.approx(1.0)
        assert verdict["step_share_of_matmul"] == pytest.approx(0.5)


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_in_the_undisturbed_weights(load, tmp_path):
    found = load("resume").kill_and_resume(tmp_path)
    assert found["tensors"] > 30 and found["tensors_that_differ"] == []
    assert len(set(found["killed_at"])) == 20 and max(found["killed_at"]) < found["steps"]
    assert found["left_behind"] == []


@pytest.mark.parametrize(
    ("names", "kills"),
    [
        (["collect", "import", "pretrain"], 2),
        pytest.param(["plan", "sample", "study", "train"], 5, marks=pytest.mark.slow),
    ],
)
def test_a_killed_command_ends_as_an_undisturbed_one(names, kills):
    # in a process of its own, for its fork server has to begin before anything has run
    code = (
        "import json, sys; from pathlib import Path; import kills\n"
        "found = kills.killed(Path(sys.argv[1]), int(sys.argv[2]), names=sys.argv[3:])\n"
        "print(json.dumps({name: vars(of) for name, of in found.items()}))"
    )
    # in memory where the system has a folder there: flushing to a busy disk takes its time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, folder, str(kills), *names],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(ROOT)])},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sorted(found) == names
    for name, of in found.items():
        assert all(of["fell"].values()), (
            name,
            of,
        )  # the group, the parent, workers where there are
        assert of["differ"] == of["left_behind"] == [], (name, of)

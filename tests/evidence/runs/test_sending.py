"""Studies on a cluster: every run recorded once, whoever dies, and each fault in one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from toy_runs import naps

import adainf_core
from adainf_core.cluster import GPU, Slots, UnfitWorkerError, check_address, connected
from adainf_core.evidence.runs.one_run import Run, run_one
from adainf_core.evidence.runs.records import load_records
from adainf_core.evidence.runs.running import run_study
from adainf_core.evidence.runs.sending import run_sent, sent
from adainf_core.progress import RetryWarning

SOURCE = Path(adainf_core.__file__).parents[1]
HERE = Path(__file__).parent


def wait_for(what, seconds: float = 240.0):
    start = time.monotonic()
    while not (found := what()):
        assert time.monotonic() - start < seconds, "nothing happens"
        time.sleep(0.02)
    return found


class Engine:
    """A scheduler on loopback, and workers with a slot each, as one starts them by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, []
        place = folder / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place)
        )
        wait_for(place.is_file)
        self.address = wait_for(lambda: addressed(place.read_text()))

    def start(self, what: str, *options: str, source: Path = SOURCE, **env: str):
        path = os.pathsep.join(map(str, (source, HERE)))
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *options],
            env=os.environ | {"PYTHONPATH": path, "ADAINF_CACHE": str(self.folder / "cache")} | env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def worker(self, *options: str, source: Path = SOURCE, **env: str):
        return self.start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1",
            "--resources", "slot=1", "--local-directory", str(self.folder / "scratch"), *options,
            source=source, **env,
        )  # fmt: skip


def addressed(text: str) -> str:
    return text.split('"address": "')[1].split('"')[0] if '"address": "' in text else ""


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    started = Engine(folder)
    try:
        yield started
    finally:
        for process in started.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[Engine]:
    """Two workers; each test leaves them as they were."""
    with engine(tmp_path_factory.mktemp("engine")) as started:
        started.worker()
        started.worker()
        with connected(started.address) as cluster:
            cluster.wait_for_workers(2)
        yield started


@pytest.fixture
def marks(tmp_path) -> Path:
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


def tries(marks: Path, what: str = "try") -> dict[str, int]:
    """How often each run did something."""
    found: dict[str, int] = {}
    for path in marks.glob(f"{what}-*"):
        run = path.name.split("-", 1)[1].rsplit("-", 1)[0]
        found[run] = found.get(run, 0) + 1
    return dict(sorted(found.items()))


def recorded(store: Path) -> dict[str, float]:
    return {r.name: r.metrics["linear"] for r in load_records("naps", "quick", store)}


def left_over(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file() and path.suffix != ".json"]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


FOUR = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
EIGHT_TRIED = [f"{number}-{seed}" for number in (1, 2, 3, 4) for seed in (0, 1)]
EIGHT = {f"{arm}-{seed}": value + seed for arm, value in FOUR.items() for seed in (0, 1)}


@pytest.mark.slow
def test_eight_runs_one_killed_one_raising_twice_are_recorded_once(pair, marks, tmp_path):
    arms = {
        "a": {"does": "raise", "times": 2},
        "b": {"does": "kill worker", "times": 1},
        "c": {"does": "die", "times": 1},
        "d": {},
    }
    study, store = naps(marks, arms, steps=10), tmp_path / "store"
    with connected(pair.address) as cluster:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            run_study(study, "quick", store=store, cluster=cluster)
        assert recorded(store) == EIGHT and left_over(store) == []
        told = sorted(str(w.message) for w in said if w.category is RetryWarning)
        assert all(line.endswith("; once more") for line in told)
        # a run that was on its way to the killed worker is told of, too
        lost = [line for line in told if "lost its worker tcp://127.0.0.1:" in line]
        assert any(" b-0:" in line for line in lost)
        unlucky, again, died = (line for line in told if line not in lost)
        assert " a-0 " in unlucky and " a-0 " in again and "it is unlucky" in unlucky
        assert " c-0 " in died and "a worker process was killed (SIGKILL)" in died
        once, found = dict.fromkeys(EIGHT_TRIED, 1) | {"1-0": 3, "2-0": 2, "3-0": 2}, tries(marks)
        assert found.keys() == once.keys() and all(found[key] >= once[key] for key in once)
        # each goes on from its checkpoint: no step is done twice
        assert set(tries(marks, "step").values()) == {10}
        before = {path: path.stat().st_mtime_ns for path in store.rglob("*.json")}
        run_study(study, "quick", store=store, cluster=cluster)
        assert tries(marks) == found
        assert before == {path: path.stat().st_mtime_ns for path in store.rglob("*.json")}


@pytest.mark.slow
def test_two_clients_on_one_store_do_each_run_once(pair, marks, tmp_path):
    study, store = naps(marks, {arm: {} for arm in FOUR}, steps=20), tmp_path / "store"

    def client() -> None:
        with connected(pair.address) as cluster:
            run_study(study, "quick", store=store, cluster=cluster)

    clients = [threading.Thread(target=client) for _ in range(2)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert recorded(store) == EIGHT and left_over(store) == []
    assert set(tries(marks).values()) == {1}


@pytest.mark.slow
def test_a_worker_that_lacks_something_is_named_and_passed_over(pair, marks, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(SOURCE / "adainf_core", other / "adainf_core", ignore=lambda place, names: [
        name for name in names if name in ("__pycache__", "shipped")
    ])  # fmt: skip
    with (other / "adainf_core" / "workers.py").open("a") as code:
        code.write("# another version\n")
    arms = {"a": {"does": "no data", "times": 9}, "b": {"does": "full", "times": 9}}
    study = naps(marks, arms, seeds=1, steps=4)
    with connected(pair.address) as cluster:
        here = set(cluster.scheduler_info()["workers"])

        def alone(**how) -> tuple[str, list[str]]:
            """Let a late worker have the first tries; its address, and what is said of it."""
            process = pair.worker(**how)
            wait_for(lambda: len(cluster.scheduler_info()["workers"]) == 3)
            (late,) = set(cluster.scheduler_info()["workers"]) - here
            store = tmp_path / str(process.pid)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                with first_choice(late):
                    run_study(study, "quick", store=store, cluster=cluster)
            assert recorded(store) == {"a-0": 1, "b-0": 2} and left_over(store) == []
            os.killpg(process.pid, signal.SIGKILL)
            wait_for(lambda: late not in cluster.scheduler_info()["workers"])
            return late, sorted({str(w.message) for w in said if w.category is RetryWarning})

        late, said = alone(TOY_LACKS="yes")
        assert said == [
            f"worker {late}: [Errno 28] could not write there: free some space; "
            "its jobs go elsewhere",
            f"worker {late}: no images at nowhere; its jobs go elsewhere",
        ]
        late, said = alone(source=other)
        assert len(said) == 1 and said[0].startswith(f"worker {late}: has another adainf_core (0.1")


@contextmanager
def first_choice(worker: str) -> Iterator[None]:
    """Jobs that have not been tried yet are sent to this worker."""
    send = Slots._send

    def sends(self, job, tried, failures) -> None:
        if not tried:
            self._look()
            there, self._there = self._there, {worker: 1}
            send(self, job, {"nobody"}, failures)
            self._there = there
            next(reversed(self._tries.values())).tried.clear()
        else:
            send(self, job, tried, failures)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Slots, "_send", sends)
        yield


@pytest.mark.slow
def test_a_killed_scheduler_leaves_checkpoints_and_no_process(marks, tmp_path):
    study, store = naps(marks, {"a": {}}, seeds=1, steps=400), tmp_path / "store"
    with engine(tmp_path) as started, connected(started.address) as cluster:

        def meanwhile() -> None:
            time.sleep(1)
            started.worker()  # which comes late
            wait_for(lambda: tries(marks, "step"))
            started.scheduler.kill()

        others = threading.Thread(target=meanwhile)
        others.start()
        with (
            pytest.warns(RetryWarning, match="offers slot=1: waiting for one"),
            pytest.raises(ConnectionError, match="the scheduler is lost"),
        ):
            run_study(study, "quick", store=store, cluster=cluster)
        others.join()
        process, worker = map(int, next(marks.glob("try-*")).read_text().split())
        wait_for(lambda: not alive(process) and not alive(worker))
    done = tries(marks, "step")["1-0"]
    assert recorded(store) == {} and 0 < done < 400
    assert [path.suffix for path in left_over(store)] == [".pt"]
    record = run_one(study, "quick", "a", 0, store)  # the same work goes on without a cluster
    assert record is not None and tries(marks, "step") == {"1-0": 400}


CLIENT = """
import sys
from pathlib import Path
from toy_runs import naps
from adainf_core.cluster import connected
from adainf_core.evidence.runs.running import run_study

if __name__ == "__main__":
    marks, store = map(Path, sys.argv[1:])
    with connected("local:2") as cluster:
        run_study(naps(marks, {"a": {}, "b": {}}, seeds=1, steps=1000), "quick", store=store,
                  cluster=cluster)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_started_here_ends_with_the_client(marks, tmp_path, how):
    script, store = tmp_path / "client.py", tmp_path / "store"
    script.write_text(CLIENT)
    client = subprocess.Popen(
        [sys.executable, str(script), str(marks), str(store)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (SOURCE, HERE)))},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: tries(marks, "step").keys() == {"1-0", "2-0"})
    if how == signal.SIGINT:
        os.killpg(client.pid, how)  # as a terminal does
    else:
        client.kill()
    client.wait()
    for mark in marks.glob("try-*"):
        for process in map(int, mark.read_text().split()):
            wait_for(lambda: not alive(process))  # noqa: B023
    assert sum(path.suffix == ".pt" for path in left_over(store)) == 2  # both saved what they had


@pytest.mark.slow
def test_a_store_drawn_on_a_cluster_is_the_same(pair, tmp_path, capsys):
    from adainf_core.cli import main

    sample = [
        "generate",
        "sample",
        "kernel_density",
        "principal=9",
        "--real",
        "digits",
        "--count",
        "1100",
        "--store",
    ]
    for name, more in (("here", []), ("there", ["--on", pair.address])):
        assert main([*sample, str(tmp_path / name), *more]) == 0
    here, there = (tmp_path / name / "images.npy" for name in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


# ---- without a cluster


def test_what_is_sent_gives_the_record_that_it_would_give_here(marks, tmp_path, monkeypatch):
    study, store = naps(marks, {"a": {}}, seeds=2, steps=40), tmp_path / "store"
    for seed in (0, 1):
        job = sent(Run.of(study, "quick", "a", seed), store, np.inf)
        found, here = run_sent(*job), run_one(study, "quick", "a", seed, tmp_path / "here")
        timeless = {"finished": "", "wall_seconds": 0.0}
        assert found | timeless == vars(here) | timeless
        assert bool(found["rehearsal"]) == (seed == 0)
    # a worker that does not see the store waits in its cache, and takes away what is done with
    monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "cache"))
    job = list(sent(Run.of(study, "quick", "a", 0), store, 0.0))
    job[-2] = str(tmp_path / "elsewhere"), job[-2][1]
    assert run_sent(*job[:-1], 0.2) is None  # of 0.4 seconds
    (checkpoint,) = left_over(tmp_path / "cache")
    assert checkpoint.suffix == ".pt" and int(checkpoint.read_bytes()) > 0
    assert run_sent(*job[:-1], np.inf)["metrics"] == {"linear": 1.0}
    assert left_over(tmp_path / "cache") == []


@pytest.mark.parametrize("address", ["local:2", "tcp://127.0.0.1:8786", "tcp://localhost:1",
                                     "tcp://[::1]:8786", "tls://10.0.0.1:8786"])  # fmt: skip
def test_addresses_that_are_safe(address):
    assert check_address(address) == address


@pytest.mark.parametrize("address", ["local:0", "local", "local:two", "tcp://127.0.0.1", "10.0.0.1",
                                     "http://127.0.0.1:80", "tcp://:87", "tcp://h:8x"])  # fmt: skip
def test_what_is_no_address_is_named(address):
    with pytest.raises(ValueError, match="is no cluster: give local:N"):
        check_address(address)


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tcp://[2001:db8::1]:8786"])
def test_beyond_this_machine_tls_is_asked_for(address):
    with pytest.raises(ConnectionRefusedError, match=r"beyond this machine, .* use tls:// there"):
        check_address(address)


def test_tls_asks_for_certificates():
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match=r"tls://127.0.0.1:1: no certificates: name them"):
        connected("tls://127.0.0.1:1").__enter__()


def test_an_engine_that_is_not_installed_is_named(monkeypatch, capsys):
    from adainf_core.cli import main

    monkeypatch.setitem(sys.modules, "distributed", None)
    run = ["study", "run", "failure-mode", "--scale", "laptop", "--on", "local:2"]
    assert main(run) == 2
    said = capsys.readouterr().err
    assert said == (
        "adainf: local:2 needs Dask, which is not installed: pip install 'adainf-core[cluster]'\n"
    )


def test_the_engine_is_imported_by_nobody_who_does_not_ask():
    code = (
        "import sys; from adainf_core.cli import main; import adainf_core.evidence.runs.running; "
        "import adainf_core.cli.sampling; assert not {'dask', 'distributed'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Silent:
    """A client of a scheduler with these workers, which never answer."""

    status = "running"

    def __init__(self, *workers: str, scheduler: str = "tcp://127.0.0.1:1", **resources) -> None:
        self.there = {
            "address": scheduler,
            "workers": {w: {"resources": resources} for w in workers},
        }
        self.taken_back = 0

    def scheduler_info(self):
        return self.there

    def submit(self, *_, **__):
        return SimpleNamespace(add_done_callback=lambda what: None)

    def cancel(self, futures) -> None:
        self.taken_back += len(futures)

    def subscribe_topic(self, *_) -> None: ...

    def unsubscribe_topic(self, *_) -> None: ...


def test_slots_are_those_of_workers_that_offer_what_is_needed():
    two = Silent("tcp://127.0.0.1:2", "tcp://127.0.0.1:3", slot=2)
    with Slots(two, "m:f", str) as slots:
        assert slots.size == 4
        slots.start((1,))
        assert slots.busy == 1
    assert two.taken_back == 1
    slots = Slots(two, "m:f", str, needs=GPU, deadline=time.monotonic())
    with pytest.warns(RetryWarning, match='offers slot=1 GPU=1: .* --resources "slot=1 GPU=1"'):
        assert slots.size == 1  # to wait with
    slots.start((1,))
    assert slots.next_ended() == ((1,), None, None)  # not for ever


@pytest.mark.parametrize("there", [
    Silent("tcp://127.0.0.1:2", scheduler="tcp://10.0.0.1:8786", slot=1),
    Silent("tcp://127.0.0.1:2", "tcp://10.0.0.2:3", slot=1),
])  # fmt: skip
def test_workers_that_others_could_reach_are_refused(there):
    with pytest.raises(ConnectionRefusedError, match=r"tcp://10\.0\.0\.\d:\d+ lies beyond"):
        Slots(there, "m:f", str).size  # noqa: B018


def test_a_function_that_the_worker_does_not_have_is_another_version():
    from adainf_core.cluster import _not_begun

    pytest.importorskip("distributed")
    with pytest.raises(UnfitWorkerError, match=r"another adainf_core, or none \(No module"):
        _not_begun(ModuleNotFoundError("No module named 'adainf_core.cluster'"))

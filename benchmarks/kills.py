"""Commands killed at random moments against undisturbed ones: do they end in the same files?

`python benchmarks/kills.py` kills (SIGKILL) `study run`, `plan --run`, `study collect`, `generate
import`, `generate sample`, `generate train` and `pretrain` wherever they happen to be: the whole
process group, the parent alone, the worker that started first, the one that started last, and once
in a while a worker by SIGTERM. A command whose worker dies has to end well by itself; of a killed
parent nothing may live on for 5 seconds. The same command is then run to its end, and every file
compared with those of an undisturbed run, hidden ones too. Each command saves as often as it can.
Records are compared without times and commits, checkpoints by what they hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing.context
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import report

from adainf_core.cli import main as adainf
from adainf_core.configuration import override
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.collecting import pack
from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.studies import catalogue, training
from adainf_core.generators import diffusion_training
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.learning import pretraining
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.tensor_files import read_tensors

# a fork server that has imported everything and run nothing: commands start at once
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    ["diffusers", "sklearn.datasets", "adainf_core.evidence.studies.catalogue",
     "adainf_core.cli", "adainf_core.generators.diffusion_training", "kills"]
)  # fmt: skip

TINY = ["widths=[16]", "attention=[false]", "blocks=1", "batch_size=8", "precision=fp32",
        "device=cpu"]  # fmt: skip
SMALL = ["pretrain.encoder=small_cnn", "pretrain.width=2", "pretrain.method.hidden=16",
         "pretrain.method.out=8", "pretrain.optimizer=adamw", "pretrain.batch_size=32",
         "pretrain.warmup=2", "pretrain.device=cpu", "pretrain.precision=fp32",
         "pretrain.steps=60"]  # fmt: skip
STUDY = Study(
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
            training.TrainingExperiment(
                "sprites", size=12, n_real=60, n_test=40,
                pretrain=PretrainConfig(
                    steps=24, batch_size=16, width=2, method=SimCLR(hidden=8, out=4), warmup=0,
                    device="cpu",
                ),
            ),
            seeds=(2, 2),
        )
    },
)  # fmt: skip
#: Words of each command; GIVEN and OUT are folders.
COMMANDS = {
    "study": ["study", "run", "tiny", "--scale", "quick", "--results", "OUT", "--processes", "2"],
    "plan": ["plan", "GIVEN/real.npz", "GIVEN/fakes.npz", "--run", "--steps", "20", "--seeds", "2",
             "--batch-size", "16", "--probe", "knn", "--records", "OUT",
             "--processes", "2", "pretrain.width=4"],
    "collect": ["study", "collect", "GIVEN/away", "--results", "OUT"],
    "import": ["generate", "import", "GIVEN/made.npz", "--store", "OUT/store"],
    "sample": ["generate", "sample", "GIVEN/model", "--store", "OUT/store", "--count", "60",
               "steps=5", "batch_size=4"],
    "train": ["generate", "train", "GIVEN/made.npz", "--out", "OUT/model", "--steps", "30", *TINY],
    "pretrain": ["pretrain", "--dataset", "digits", "--checkpoint", "OUT/run.pt", *SMALL],
}  # fmt: skip
#: Who is killed, in turns; of a command without workers only the first two.
WHOM = ("group", "parent", "first worker", "last worker", "first worker, by SIGTERM")
OUTLIVES = 5.0  # seconds at most that a worker does its parent


def prepare(given: Path) -> None:
    """Write what the commands read."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20_000, 3, 8, 8), np.uint8)
    np.savez(given / "made.npz", images=images)
    for name, count in (("real", 60), ("fakes", 120)):
        pixels = rng.integers(0, 256, (count, 3, 12, 12), np.uint8)
        np.savez(given / f"{name}.npz", images=pixels, labels=np.arange(count) % 4)
    config = override(DiffusionConfig(), TINY)
    made = diffusion_training.train_diffusion(ImageSet(images[:64], None, "made"), config, 1)
    made.generator.save(given / "model")
    home = given / "home"
    for path in sorted(RESULTS.glob("failure-mode/laptop/*.json")):
        kept = home / path.relative_to(RESULTS)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(path.read_bytes())
    waiting = home / ".unfinished" / "failure-mode" / "laptop"
    waiting.mkdir(parents=True)
    pretraining.pretrain(
        PretrainConfig(method=SimCLR(8, 4), steps=1, warmup=0, batch_size=8, width=2, device="cpu"),
        Inflation(ImageSet(images[:64], None, "made")),
        checkpoint=waiting / "none-20.0123456789abcdef.pt",
    )
    pack(given / "away", home)


def carry_out(words: list[str]) -> None:
    """Run a command, in a process group of its own, that saves whenever it can."""
    os.setsid()
    torch.set_num_threads(1)
    for function in (pretraining.pretrain, diffusion_training.train_diffusion):
        assert function.__kwdefaults__ is not None
        function.__kwdefaults__["checkpoint_seconds"] = 0.0
    training._CHECKPOINT_SECONDS = 0.0

    def find(name: str) -> Any:
        return STUDY if name == "tiny" else named(name)

    named, catalogue.named_study = catalogue.named_study, find
    # runs are forked from what has run nothing yet: as clean as spawned, and at once there
    multiprocessing.context._concrete_contexts["spawn"] = get_context("fork")  # type: ignore[attr-defined]
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = adainf(words)
    if status:
        raise SystemExit(said.getvalue())


@dataclass
class Killed:
    """What kills of a command left: how far into it they fell, by whom, and which files differ."""

    seconds: float
    fell: dict[str, list[float]]
    differ: list[str]
    left_behind: list[str]

    @property
    def count(self) -> int:
        """How many kills fell."""
        return sum(map(len, self.fell.values()))


def kill(name: str, given: Path, folder: Path, kills: int, rng: random.Random) -> Killed:
    """Kill a command `kills` times at random moments, letting it end after each row of them."""

    def start(out: Path) -> BaseProcess:
        places = {"GIVEN": str(given), "OUT": str(out)}
        words = [_put(word, places) for word in COMMANDS[name]]
        return _started(carry_out, words)

    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    begun = time.monotonic()
    _finished(start(undisturbed), name)
    seconds = time.monotonic() - begun
    expected = contents(undisturbed)
    turns = WHOM if "--processes" in COMMANDS[name] else WHOM[:2]
    found = Killed(seconds, {whom: [] for whom in turns}, [], [])
    row = 0
    while found.count < kills:
        out = folder / f"killed-{row}"
        out.mkdir()
        row += 1
        for _ in range(1 + row % 3):  # one to three in a row
            whom = min(turns, key=lambda one: len(found.fell[one]))
            child, moment = start(out), rng.uniform(0, seconds)
            child.join(moment)
            if child.exitcode is not None or not _kill(child, whom):
                _finished(child, name)
                break
            found.fell[whom].append(round(moment, 3))
            if "worker" in whom:
                _finished(child, f"{name}, of which the {whom} was killed,")
                break
            child.join()
            _wait_for_group(child.pid)
        _finished(start(out), name)
        now = contents(out)
        found.left_behind += sorted(f"{out.name}/{part}" for part in now.keys() - expected.keys())
        found.differ += sorted(
            f"{out.name}/{part}" for part in expected if now.get(part) != expected[part]
        )
    return found


def _kill(child: BaseProcess, whom: str) -> bool:
    """Whether there was somebody to kill."""
    if whom == "group":
        try:
            assert child.pid is not None
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has no group yet
            child.kill()
    elif whom == "parent":
        child.kill()
    else:
        workers = _children(child.pid)
        if not workers:
            return False
        how = signal.SIGTERM if "SIGTERM" in whom else signal.SIGKILL
        try:
            os.kill(workers[-1 if "last" in whom else 0], how)
        except ProcessLookupError:
            return False
    return True


def _children(process: int | None) -> list[int]:
    """Of a process, in the order in which they were started."""
    try:
        return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]
    except OSError:  # it has ended
        return []


def _started(target: Callable[..., Any], *arguments: Any) -> BaseProcess:
    child = SERVER.Process(target=target, args=arguments)
    child.start()
    return child


def _wait_for_group(group: int | None) -> None:
    """Wait until the system has taken back what a killed process group held, its locks too."""
    start = time.monotonic()
    while time.monotonic() - start < OUTLIVES:
        try:
            os.killpg(group or 0, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise RuntimeError(f"a worker has outlived its parent by {OUTLIVES} seconds")


def _put(word: str, places: dict[str, str]) -> str:
    for short, place in places.items():
        word = word.replace(short, place)
    return word


def _finished(child: BaseProcess, name: str) -> None:
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"{name} ended with exit code {child.exitcode}")


def contents(folder: Path) -> dict[str, str]:
    """A hash of each file below `folder`, whatever its name, by its place there."""
    return {
        path.relative_to(folder).as_posix(): _hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _hash(path: Path) -> str:
    if path.suffix == ".pt":  # pickles of one content may differ
        return _digest(read_tensors(path))
    content = path.read_bytes()
    if path.suffix == ".json" and b'"wall_seconds"' in content:
        record = json.loads(content)
        for field in ("wall_seconds", "finished", "commit", "clean", "checksum"):
            record.pop(field)
        content = json.dumps(record).encode()
    return hashlib.sha256(content).hexdigest()


def _digest(content: Any) -> str:
    if isinstance(content, torch.Tensor):
        values = content.contiguous().numpy()
        return f"{values.dtype}{values.shape}{hashlib.sha256(values.tobytes()).hexdigest()}"
    if isinstance(content, dict):
        return str({key: _digest(content[key]) for key in sorted(content, key=str)})
    if isinstance(content, list | tuple):
        return str([_digest(part) for part in content])
    return repr(content)


def killed(
    folder: Path, kills: int, seed: int = 0, names: Iterable[str] = COMMANDS
) -> dict[str, Killed]:
    """What `kills` of each command left, by its name."""
    given = folder / "given"
    given.mkdir()
    _finished(_started(prepare, given), "the preparation")  # the fork server has all it imports
    found = {}
    for name in names:
        place = folder / name
        place.mkdir()
        found[name] = kill(name, given, place, kills, random.Random(f"{name} {seed}"))
        said = found[name].differ or "no file differs"
        print(f"{name:10} {found[name].count} kills, {said}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each command, at least")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = killed(Path(folder), options.kills)
    rates = {
        name: dict.fromkeys(("median", "low", "high"), float(of.count))
        for name, of in found.items()
    }
    report(
        "kills",
        rates,
        "kills",
        seconds={name: round(of.seconds, 2) for name, of in found.items()},
        fell={name: of.fell for name, of in found.items()},
        files_that_differ=[f"{n}: {file}" for n, of in found.items() for file in of.differ],
        left_behind=[f"{n}: {file}" for n, of in found.items() for file in of.left_behind],
    )


if __name__ == "__main__":
    main()

"""Runs killed at random steps against undisturbed ones: do they end in the same weights?

`python benchmarks/resume.py` trains MoCo with an online probe on stratified epochs of real and
generated digits, saves after every step, and kills the process (SIGKILL) twenty times, wherever it
happens to be: in a step or in the middle of a write. The file of results counts the tensors that
differ by a bit from those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import torch
from common import report

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.learning.checkpoints import Checkpoint, read_checkpoint
from adainf_core.learning.methods import MoCo
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain

# a fork server that has imported torch and run nothing: children start in a fraction of a second
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["numpy", "torch", "sklearn.datasets"])


def train(path: Path, steps: int) -> None:
    """Train for `steps` steps on one thread, saving to `path` after each."""
    torch.set_num_threads(1)
    real = load_images("digits")
    fake = ImageSet(np.roll(real.images, 1, axis=3), None, "shifted digits")
    data = Inflation(real, fake, replication=3, sampling="epoch", stratified=True)
    config = PretrainConfig(
        method=MoCo(16, 8, queue=50),
        steps=steps,
        batch_size=64,
        width=4,
        warmup=2,
        optimizer="lars",
        learning_rate=0.1,
        online_learning_rate=0.1,
        device="cpu",
    )
    pretrain(config, data, checkpoint=path, checkpoint_seconds=0)


def kill_and_resume(folder: Path, kills: int = 20, steps: int = 240, seed: int = 0) -> dict:
    """Train once undisturbed and once with `kills`; say where those fell and what differs."""
    undisturbed, killed = folder / "undisturbed.pt", folder / "killed.pt"
    _finished(_start(undisturbed, steps))
    rng = random.Random(seed)
    fell: list[int] = []
    for kill in range(kills):
        child = _start(killed, steps)
        # evenly spread, and each part takes a step at least, however fast the machine
        wanted = max(steps * (kill + 1) // (kills + 2), fell[-1] + 1 if fell else 1)
        written, step = 0, 0
        while step < wanted:
            if child.exitcode is not None:
                raise RuntimeError(f"the run ended by itself with exit code {child.exitcode}")
            time.sleep(0.01)
            # read once as it is written: reading it all the time would take more than the run
            if killed.is_file() and killed.stat().st_mtime_ns != written:
                written = killed.stat().st_mtime_ns
                step = read_checkpoint(killed).step
        time.sleep(0.02 * rng.random())
        child.kill()
        child.join()
        fell.append(read_checkpoint(killed).step)
    _finished(_start(killed, steps))
    one, other = (_tensors(read_checkpoint(path)) for path in (undisturbed, killed))
    return {
        "steps": steps,
        "killed_at": fell,
        "tensors": len(one),
        "tensors_that_differ": [n for n, v in one.items() if not torch.equal(v, other[n])],
        "left_behind": sorted(p.name for p in folder.iterdir() if p not in (undisturbed, killed)),
    }


def _start(path: Path, steps: int) -> BaseProcess:
    child = CONTEXT.Process(target=train, args=(path, steps))
    child.start()
    return child


def _finished(child: BaseProcess) -> None:
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"the run ended with exit code {child.exitcode}")


def _tensors(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Weights, buffers, queue, classifier, the optimiser's state and the losses, by name."""
    found = {f"model {name}": value for name, value in checkpoint.model.items()}
    found |= {f"classifier {name}": v for name, v in (checkpoint.classifier or {}).items()}
    for number, state in checkpoint.optimizer["state"].items():
        found |= {f"optimizer {number} {name}": torch.as_tensor(v) for name, v in state.items()}
    losses = [[entry["step"], entry["loss"]] for entry in checkpoint.history]
    return found | {"history": torch.tensor(losses, dtype=torch.float64)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=240)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = kill_and_resume(Path(folder), options.kills, options.steps)
    same = found["tensors"] - len(found["tensors_that_differ"])
    figures = {"tensors compared": found["tensors"], "equal to the bit": same}
    rates = {name: dict.fromkeys(("median", "low", "high"), v) for name, v in figures.items()}
    report("resume", rates, "tensors", **found)


if __name__ == "__main__":
    main()

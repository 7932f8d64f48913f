"""Images per second of whole SimCLR steps on a processor: this loop and lightly's.

    python benchmarks/training.py [--cores 1 2]      # peer: benchmarks/requirements.txt

Both sides train the same model (encoder, projector, temperature, AdamW) on the same images, by the
official symmetric policy, from bytes in memory to the stepped optimiser. Ours is `Run`, the loop
that `pretrain` drives. Theirs is what lightly documents: its `SimCLRTransform` on PIL images
behind a `LightlyDataset` and torch's `DataLoader`, its projection head and `NTXentLoss`, one
forward pass a view, float32. It gets as many ways to share the cores between torch threads and
workers as there are, and the best one counts.

Three ratios are reported. "fp32" is like for like: float32 on both sides. "recommended" takes what
each side recommends for this machine: ours in bfloat16 where the processor has instructions for
it, lightly as documented. "bf16" gives lightly's loop our model's precision and memory layout,
which its documentation does not: what is left is data, augmentation and the loop. Workers are
stopped while it is not their turn, so that they neither slow the others down nor work ahead.

A run of its own takes our step apart: the share of data (gathering the batch) and augmentation
(everything between the batch and the model) in the whole step.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from common import paired, report
from PIL import Image
from torch.utils.data import DataLoader

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.learning.encoders import build_encoder
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run

FOREVER = 1_000_000  # steps of a schedule that no benchmark comes to the end of
TARGET_RATIO, TARGET_SHARE = 2.0, 0.15


@dataclass(frozen=True)
class Case:
    """A model and the batches it is trained on."""

    name: str
    encoder: str
    width: int
    size: int
    batch: int

    def config(self, precision: str, compiled: bool = False) -> PretrainConfig:
        return PretrainConfig(
            policy=POLICIES["symmetric"].for_image_size(self.size),
            encoder=self.encoder,
            width=self.width,
            batch_size=self.batch,
            steps=FOREVER,
            precision=precision,
            compile=compiled,
            device="cpu",
        )


CASES = {
    case.name: case
    for case in (
        Case("small CNN 16, 32 px", "small_cnn", 16, 32, 256),
        Case("small CNN 24, 32 px", "small_cnn", 24, 32, 256),
        Case("small CNN 16, 16 px", "small_cnn", 16, 16, 256),
        Case("ResNet-18, 32 px", "resnet18", 16, 32, 64),
    )
}


def ours(case: Case, images: ImageSet, precision: str, compiled: bool = False) -> Callable[[], int]:
    """One step of this library's loop."""
    run = Run(case.config(precision, compiled), Inflation(images))

    def work() -> int:
        run.advance(1)
        return case.batch

    return work


def marked(run: Run, clock: Callable[[], float] = time.perf_counter) -> Callable[[], np.ndarray]:
    """A step of `run` that returns the seconds of its parts: data, augmentation and model."""
    marks: dict[str, float] = {}

    def batches(start: int, stop: int, inner: Callable = run.feed.batches) -> Iterator:
        for batch in inner(start, stop):
            marks["batch"] = clock()
            yield batch

    def before_model(*_: object) -> None:
        marks["model"] = clock()

    def step() -> np.ndarray:
        start = clock()
        run.advance(1)
        return np.diff([start, marks["batch"], marks["model"], clock()])

    run.feed.batches = batches  # type: ignore[method-assign]
    run.trainee.register_forward_pre_hook(before_model)
    return step


def breakdown(case: Case, images: ImageSet, precision: str, seconds: float) -> dict[str, float]:
    """Milliseconds of a step (medians over `seconds`), and the share before the model in it."""
    step = marked(Run(case.config(precision), Inflation(images)))
    step()
    parts, began = [], time.perf_counter()
    while len(parts) < 3 or time.perf_counter() - began < seconds:
        parts.append(1e3 * step())
    steps = np.array(parts)
    share = np.median(steps[:, :2].sum(1) / steps.sum(1))
    data, augmentation, model = np.median(steps, 0)
    return {
        "data_ms": float(data),
        "augmentation_ms": float(augmentation),
        "model_ms": float(model),
        "step_ms": float(np.median(steps.sum(1))),
        "share_before_model": float(share),
        "steps": len(steps),
    }


class Pictures(torch.utils.data.Dataset):
    """The images as torchvision's CIFAR10 gives them: one PIL image and its label at a time."""

    def __init__(self, images: ImageSet) -> None:
        self.pixels = np.ascontiguousarray(images.images.transpose(0, 2, 3, 1))
        self.transform: Callable | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple:
        picture = Image.fromarray(self.pixels[index])
        return (picture if self.transform is None else self.transform(picture)), 0


class Lightly:
    """One step of lightly's loop with `workers` processes; called, it returns the images seen.

    `tuned` gives it what its documentation does not mention: bfloat16 and channels last.
    """

    def __init__(
        self, case: Case, images: ImageSet, threads: int, workers: int = 0, tuned: bool = False
    ) -> None:
        from lightly.data import LightlyDataset
        from lightly.loss import NTXentLoss
        from lightly.models.modules import SimCLRProjectionHead
        from lightly.transforms import SimCLRTransform

        config = case.config("fp32")
        torch.manual_seed(0)
        # the encoder takes the pixels' mean and deviation out itself
        encoder = build_encoder(case.encoder, case.width)
        sizes = encoder.feature_dim, config.method.hidden, config.method.out
        self.model = torch.nn.Sequential(encoder, SimCLRProjectionHead(*sizes, batch_norm=False))
        self.layout = torch.channels_last if tuned else torch.contiguous_format
        self.model = self.model.to(memory_format=self.layout)
        self.criterion = NTXentLoss(temperature=config.method.temperature)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        transform = SimCLRTransform(
            input_size=case.size, sigmas=config.policy.blur_sigma, normalize=None
        )
        self.loader = DataLoader(
            LightlyDataset.from_torch_dataset(Pictures(images), transform=transform),
            batch_size=case.batch,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        self.threads, self.tuned = threads, tuned
        before = set(multiprocessing.active_children())
        self.batches = self._batches()
        first = next(self.batches)  # starts the workers
        self.workers = set(multiprocessing.active_children()) - before
        self._train(first)
        self._signal(signal.SIGSTOP)

    def __call__(self) -> int:
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        self._signal(signal.SIGCONT)
        images = self._train(next(self.batches))
        self._signal(signal.SIGSTOP)
        torch.set_num_threads(before)
        return images

    def close(self) -> None:
        """Let stopped workers end with their loader."""
        self._signal(signal.SIGCONT)
        self.batches.close()
        del self.batches, self.loader

    def _batches(self) -> Iterator[list[torch.Tensor]]:
        while True:
            for views, _, _ in self.loader:
                yield views

    def _train(self, views: list[torch.Tensor]) -> int:
        with torch.autocast("cpu", torch.bfloat16) if self.tuned else nullcontext():
            embeddings = [self.model(view.to(memory_format=self.layout)) for view in views]
        loss = self.criterion(*(embedding.float() for embedding in embeddings))
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return len(views[0])

    def _signal(self, number: signal.Signals) -> None:
        for worker in self.workers:
            if worker.pid is not None:
                os.kill(worker.pid, number)


def ways_to_share(cores: int) -> list[tuple[int, int]]:
    """Torch threads and workers for lightly on this many cores; the best of them counts."""
    if cores == 1:
        return [(1, 0)]
    return [(cores, 0), (1, cores - 1), (cores, cores)]


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16 products (Linux; elsewhere no)."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return platform.machine() == "x86_64" and ("avx512_bf16" in flags or "amx_bf16" in flags)


def load(size: int) -> tuple[ImageSet, str]:
    """CIFAR-10's training images at `size` x `size`, or bytes of noise, and a word on which."""
    try:
        images = load_images("cifar10", download=False)
        return (images if size == 32 else images.downsampled(size)).unlabelled(), "CIFAR-10"
    except FileNotFoundError:
        noise = np.random.default_rng(0).integers(0, 256, (10_000, 3, size, size), dtype=np.uint8)
        return ImageSet(noise, None, "noise"), "noise (no CIFAR-10 was found)"


def measure(case: Case, cores: int, seconds: float, rounds: int, compiled: bool) -> dict:
    """Everything about one case on `cores` cores of this process."""
    torch.set_num_threads(cores)
    images, what = load(case.size)
    precisions = ["fp32", "bf16"] if has_bfloat16() else ["fp32"]
    contestants: dict[str, Callable[[], int]] = {}
    for precision in precisions:
        contestants[f"ours, {precision}"] = ours(case, images, precision)
    if compiled:
        contestants["ours, compiled"] = ours(case, images, precisions[-1], compiled=True)
    peers: list[Lightly] = []
    missing = ""
    try:
        for threads, workers in ways_to_share(cores):
            name = f"{_count(threads, 'thread')}, {_count(workers, 'worker')}"
            for tuned in (False, True)[: len(precisions)]:
                try:
                    peers.append(Lightly(case, images, threads, workers, tuned))
                except ImportError as error:
                    missing = str(error)
                    continue
                contestants[f"lightly{', tuned' * tuned}: {name}"] = peers[-1]
        figures = paired(contestants, seconds, rounds)
    finally:
        for peer in peers:
            peer.close()
    parts = {p: breakdown(case, images, p, seconds * rounds / 2) for p in precisions}
    return {"figures": figures, "parts": parts, "images": what, "missing": missing}


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Ours over the best of lightly's, as the module's docstring defines the three."""
    rate = {name: figure["median"] for name, figure in figures.items()}
    plain = [value for name, value in rate.items() if name.startswith("lightly:")]
    tuned = [value for name, value in rate.items() if name.startswith("lightly, tuned:")]
    if not plain:
        return {}
    recommended = rate.get("ours, bf16", rate["ours, fp32"])
    found = {"fp32": rate["ours, fp32"] / max(plain), "recommended": recommended / max(plain)}
    if tuned:
        found["bf16"] = rate["ours, bf16"] / max(tuned)
    return {name: round(value, 2) for name, value in found.items()}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _child(case: str, cores: int, options: argparse.Namespace) -> dict:
    """`measure` in a process of its own, which keeps to its cores together with its workers."""
    command = [sys.executable, __file__, "--measure", case, "--cores", str(cores)]
    command += ["--seconds", str(options.seconds), "--rounds", str(options.rounds)]
    command += ["--compiled"] * options.compiled
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure every case on every number of cores and write results/training.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    available = len(os.sched_getaffinity(0))
    parser.add_argument("--cores", type=int, nargs="+", default=sorted({1, min(2, available)}))
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns each (default 5)")
    parser.add_argument("--compiled", action="store_true", help="also ours through torch.compile")
    parser.add_argument("--measure", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        cores = options.cores[0]
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
        case = CASES[options.measure]
        print(json.dumps(measure(case, cores, options.seconds, options.rounds, options.compiled)))
        return

    torch.set_num_threads(max(options.cores))  # what the report says of the device
    figures, times, shares, parts = {}, {}, {}, {}
    notes: dict[str, set[str]] = {"images": set(), "missing": set()}
    for cores in options.cores:
        for case in options.cases:
            found = _child(case, cores, options)
            where = f"{case}, {_count(cores, 'core')}"
            figures |= {f"{where}: {name}": rate for name, rate in found["figures"].items()}
            times[where], parts[where] = ratios(found["figures"]), found["parts"]
            shares[where] = {
                precision: round(part["share_before_model"], 3)
                for precision, part in found["parts"].items()
            }
            for note, values in notes.items():
                values.update({found[note]} - {""})
            print(f"{where}: times lightly {times[where]}; share before the model {shares[where]}")
    compared = all(times.values())
    met: dict[str, bool | None] = {
        f"at least {TARGET_RATIO:g} times lightly, {kind}": all(
            ratio[kind] >= TARGET_RATIO for ratio in times.values()
        )
        if compared
        else None
        for kind in ("fp32", "recommended")
    }
    met[f"data and augmentation at most {TARGET_SHARE:.0%} of the step"] = all(
        max(share.values()) <= TARGET_SHARE for share in shares.values()
    )
    report(
        "training", figures, "images/s", ("lightly", "pillow"), "cpu",
        times_lightly=times, share_before_model=shares, parts=parts, targets_met=met,
        batch={case: CASES[case].batch for case in options.cases}, cores=options.cores,
        bfloat16_instructions=has_bfloat16(), **{k: sorted(v) for k, v in notes.items()},
    )  # fmt: skip
    print("\ntargets met:", met)


if __name__ == "__main__":
    main()

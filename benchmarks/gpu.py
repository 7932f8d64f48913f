"""Contrastive pre-training on a GPU: what a step takes, and what in it is not the model.

    python benchmarks/gpu.py --out DIR [--minutes 6]      # needs adainf_core, torch, torchvision
    python benchmarks/gpu.py --out DIR --device cpu --tiny     # does it run at all?

ResNet-18 on 32 x 32 images, batch 512 (1024 views), SimCLR, AdamW, bfloat16, channels last. The
images (CIFAR-10 from ADAINF_DATA, or noise where there is none) stay on the device. Eager and
through torch.compile it measures

- "step": whole steps of `Run`, the loop that `pretrain` drives;
- "model": forward, backward and optimiser on views that are ready;
- "augmentation": the two views of ready images, noise and memory layout included;

taking turns, and besides them the card's rate of bf16 products of 8192 x 8192 matrices, the model's
operations and what share of that rate it reaches, peak memory, larger batches, cuDNN's own search
for algorithms, and where the time goes by kernel. Times lie between CUDA events on a queue that
never runs dry of its own accord: medians and quartiles after warm-up.

The file gpu.json in --out is rewritten after each section, so a run that is cut short keeps what it
has; sections that --minutes leaves no time for are named in it, and 90 seconds later all stops.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

STARTED = time.monotonic()  # before the imports that take seconds

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from adainf_core.data.images import ImageSet  # noqa: E402
from adainf_core.data.inflation import Inflation  # noqa: E402
from adainf_core.data.named_sets import load_images  # noqa: E402
from adainf_core.evidence.runs.records import source_commit  # noqa: E402
from adainf_core.learning.augmentation import view_noise  # noqa: E402
from adainf_core.learning.policies import POLICIES  # noqa: E402
from adainf_core.learning.pretrain_config import PretrainConfig  # noqa: E402
from adainf_core.learning.pretraining import Run  # noqa: E402

FOREVER = 1_000_000  # steps of a schedule that no benchmark comes to the end of
GRACE = 90.0  # seconds after --minutes until the process ends, whatever it is doing
END_TO_END, AUGMENTATION = 0.90, 0.10  # targets: at least, at most
Work = Callable[[], Any]


@dataclass
class Bench:
    """What is measured, on what, until when, and what has been found."""

    config: PretrainConfig
    data: Inflation
    out: Path
    minutes: float
    seconds: float  # of one contestant's turn
    modes: tuple[str, ...]
    matmul_size: int
    more_batches: tuple[int, ...]
    found: dict[str, Any] = field(default_factory=dict)
    kept: Parts | None = None  # of the section before, where the next one goes on with it

    @property
    def cuda(self) -> bool:
        return self.config.device == "cuda"

    @property
    def device(self) -> torch.device:
        return torch.device(self.config.device or "cpu")

    @property
    def left(self) -> float:
        """Seconds until no further section begins."""
        return 60 * self.minutes - (time.monotonic() - STARTED)

    def section(self, name: str, work: Callable[[], Any], needs: float = 5.0) -> None:
        """Do `work` and keep what it returns, or why there is nothing; then write the file."""
        if self.left < needs:
            self.found[name] = {"skipped": f"{self.left:.0f} s left, {needs:.0f} s needed"}
        else:
            began = time.monotonic()
            try:
                self.found[name] = work()
            except Exception as error:  # one section must not take the others along
                self.found[name] = {"error": f"{type(error).__name__}: {error}"[:2000]}
            self.found.setdefault("seconds", {})[name] = round(time.monotonic() - began, 1)
        self.found["verdicts"] = verdicts(self.found)
        self.write()
        print(
            f"[{time.monotonic() - STARTED:5.0f} s] {name}: {_short(self.found[name])}", flush=True
        )

    def write(self) -> None:
        """gpu.json, whole or not at all."""
        self.out.mkdir(parents=True, exist_ok=True)
        partial = self.out / "gpu.json.partial"
        partial.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, self.out / "gpu.json")

    def times(self, contestants: Mapping[str, Work], rounds: int = 3) -> dict[str, dict]:
        """Milliseconds a call, median and quartiles; the contestants take turns."""
        repeats = {}
        for name, work in contestants.items():
            for _ in range(3):
                work()
            self._synchronize()
            start = time.perf_counter()
            for _ in range(3):
                work()
            self._synchronize()
            each = (time.perf_counter() - start) / 3
            repeats[name] = int(np.clip(self.seconds / each, 5, 500))
        pooled: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, work in contestants.items():
                pooled[name] += self._turn(work, repeats[name])
        return {name: _quartiles(values) for name, values in pooled.items()}

    def _turn(self, work: Work, repeats: int) -> list[float]:
        if not self.cuda:
            marks = [time.perf_counter()]
            for _ in range(repeats):
                work()
                marks.append(time.perf_counter())
            return [1e3 * (b - a) for a, b in pairwise(marks)]
        for _ in range(2):
            work()  # so that the queue is full when the first event is met
        events = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]
        events[0].record()
        for event in events[1:]:
            work()
            event.record()
        torch.cuda.synchronize()
        return [a.elapsed_time(b) for a, b in pairwise(events)]

    def _synchronize(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()


class Parts:
    """A run in `mode` ("eager" or "compiled"), and its parts as pieces of work."""

    def __init__(self, bench: Bench, mode: str, batch: int | None = None) -> None:
        torch._dynamo.reset()  # no dynamic shapes left over from another batch size
        size = bench.config.batch_size if batch is None else batch
        config = replace(bench.config, compile=mode == "compiled", batch_size=size)
        self.run = Run(config, bench.data)
        self.run.model.train()
        indices, (self.first, self.second) = next(self.run.feed.batches(0, 1))
        self.ids = torch.from_numpy(indices).to(self.run.device)
        self.views = self.augmentation()
        self.steps: Iterator = self.run.train(count())

    def step(self) -> None:
        next(self.steps)

    def augmentation(self) -> torch.Tensor:
        noise = view_noise(2 * len(self.first), self.run.noise)
        views = self.run.two_views(self.first, self.second, self.run.config.policy, noise)
        return views.to(memory_format=torch.channels_last)

    def model(self) -> None:
        half = self.run.config.precision == "bf16"
        context = torch.autocast(self.run.device.type, torch.bfloat16) if half else nullcontext()
        with context:
            _, descended = self.run.model(self.views, self.ids, None, None)
        self.run.optimizer.zero_grad(set_to_none=True)
        descended.backward()
        self.run.optimizer.step()

    @property
    def work(self) -> dict[str, Work]:
        return {"step": self.step, "model": self.model, "augmentation": self.augmentation}


def machine(bench: Bench) -> dict[str, Any]:
    """What this runs on."""
    told = {
        "finished": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "commit": source_commit()[0],
        "images": f"{bench.data.real.name}, {len(bench.data.real)} of {bench.data.real.image_size}",
        "device": bench.config.device,
    }
    if bench.cuda:
        properties = torch.cuda.get_device_properties(0)
        told |= {
            "device": properties.name,
            "multiprocessors": properties.multi_processor_count,
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "cudnn": torch.backends.cudnn.version(),
        }
    return told


def matmul(bench: Bench) -> dict[str, Any]:
    """The rate of a large bf16 product, the card's practical ceiling."""
    n = bench.matmul_size
    a, b = (torch.randn(n, n, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    times = bench.times({"product": lambda: a @ b})["product"]
    return {"size": n, **times, "tflops": 2 * n**3 / times["median_ms"] / 1e9}


def operations(bench: Bench) -> dict[str, Any]:
    """Floating-point operations of forward and backward, a batch and an image (two views)."""
    parts = Parts(bench, "eager")
    with FlopCounterMode(display=False) as counter:
        parts.model()
    total = counter.get_total_flops()
    return {"a_step": total, "an_image": total / bench.config.batch_size}


def steps(bench: Bench, mode: str, batch: int | None = None) -> dict[str, Any]:
    """Step, model and augmentation in `mode`; peak memory of a step; the time to compile."""
    if bench.cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    parts = Parts(bench, mode, batch)
    parts.step()
    bench._synchronize()
    first = time.monotonic() - began
    result: dict[str, Any] = {"first_step_seconds": round(first, 1)}
    parts.step()
    if bench.cuda:
        resident = parts.run.feed.resident
        result["memory_gb"] = {
            "peak": torch.cuda.max_memory_allocated() / 1e9,
            "resident_images": 0.0 if resident is None else resident.nbytes / 1e9,
        }
    times = bench.times(parts.work)
    bench.kept = parts if batch is None else None
    n = parts.run.config.batch_size
    medians = {name: figure["median_ms"] for name, figure in times.items()}
    return result | {
        "batch": n,
        "times": times,
        "images_per_second": 1e3 * n / medians["step"],
        "end_to_end_of_model": medians["model"] / medians["step"],
        "augmentation_of_step": medians["augmentation"] / medians["step"],
    }


def searched(bench: Bench) -> dict[str, Any]:
    """The eager model where cuDNN tries its algorithms and keeps the fastest."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
    try:
        return bench.times({"model": Parts(bench, "eager").model})
    finally:
        torch.backends.cudnn.benchmark = before


def profile(bench: Bench, mode: str) -> dict[str, Any]:
    """The kernels (on CPU: the operators) that five steps spend most of their time in."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if bench.cuda:
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    parts, bench.kept = bench.kept or Parts(bench, mode), None
    result = {}
    for name in ("step", "augmentation"):
        work = parts.work[name]
        work()
        work()
        bench._synchronize()
        with torch.profiler.profile(activities=activities) as profiler:
            for _ in range(5):
                work()
            bench._synchronize()
        rows = []
        for entry in profiler.key_averages():
            spent = entry.self_device_time_total if bench.cuda else entry.self_cpu_time_total
            # on a GPU the operators carry the times of their kernels too: count kernels alone
            if spent and (not bench.cuda or entry.device_type == torch.autograd.DeviceType.CUDA):
                rows.append((spent / 5e3, entry.count / 5, entry.key[:110]))
        rows.sort(reverse=True)
        result[name] = {
            "ms": sum(row[0] for row in rows),
            "launches": sum(row[1] for row in rows),
            "top": [{"ms": ms, "calls": calls, "name": name} for ms, calls, name in rows[:20]],
        }
    return result


def verdicts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Each target with what was reached, as far as there is something."""
    result: dict[str, Any] = {}
    ceiling = found.get("matmul", {}).get("tflops")
    image = found.get("operations", {}).get("an_image")
    for name, section in found.items():
        if not (isinstance(section, dict) and "end_to_end_of_model" in section):
            continue
        whole, augmented = section["end_to_end_of_model"], section["augmentation_of_step"]
        result[name] = {
            f"end to end at least {END_TO_END:.0%} of the model alone": whole >= END_TO_END,
            f"augmentation at most {AUGMENTATION:.0%} of the step": augmented <= AUGMENTATION,
        }
        if image:
            for part in ("step", "model"):
                seconds = section["times"][part]["median_ms"] / 1e3
                tflops = section["batch"] * image / seconds / 1e12
                result[name][f"{part}_tflops"] = tflops
                if ceiling:
                    result[name][f"{part}_share_of_matmul"] = tflops / ceiling
    return result


def _quartiles(values: list[float]) -> dict[str, float]:
    low, median, high = np.percentile(values, (25, 50, 75))
    return {
        "median_ms": float(median), "low_ms": float(low), "high_ms": float(high), "n": len(values)
    }  # fmt: skip


def _short(section: Mapping[str, Any]) -> str:
    keep = {key: value for key, value in section.items() if key not in ("code", "step", "top")}
    return json.dumps(keep, default=str)[:700]


def _images(tiny: bool) -> ImageSet:
    try:
        images = load_images("cifar10", download=False).unlabelled()
    except FileNotFoundError:
        shape = (1000 if tiny else 50_000, 3, 32, 32)
        images = ImageSet(np.random.default_rng(0).integers(0, 256, shape, np.uint8), None, "noise")
    return images.subset(np.arange(1000)).downsampled(16) if tiny else images


def _bench(options: argparse.Namespace) -> Bench:
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    images = _images(options.tiny)
    config = PretrainConfig(
        policy=POLICIES["symmetric"].for_image_size(images.image_size),
        encoder="small_cnn" if options.tiny else "resnet18",
        width=8,
        steps=FOREVER,
        batch_size=16 if options.tiny else 512,
        precision="bf16",
        device=device,
    )
    return Bench(
        config=config,
        data=Inflation(images),
        out=options.out,
        minutes=options.minutes,
        seconds=0.05 if options.tiny else 2.0,
        modes=tuple(options.modes),
        matmul_size=256 if options.tiny else 8192,
        more_batches=(32,) if options.tiny else (1024, 2048),
    )


def main() -> None:
    """Measure section by section, the most important first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of gpu.json")
    parser.add_argument("--minutes", type=float, default=6.0, help="no section begins after them")
    parser.add_argument("--device", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true", help="sizes for a test")
    parser.add_argument(
        "--modes", nargs="+", choices=("eager", "compiled"),
        help="default: both, --tiny: eager, for compiling takes the better part of a minute",
    )  # fmt: skip
    options = parser.parse_args()
    if options.modes is None:
        options.modes = ["eager"] if options.tiny else ["eager", "compiled"]
    faulthandler.dump_traceback_later(60 * options.minutes + GRACE, exit=True)
    bench = _bench(options)
    big = not options.tiny
    bench.section("machine", lambda: machine(bench))
    bench.section("matmul", lambda: matmul(bench))
    bench.section("operations", lambda: operations(bench))
    for mode in bench.modes:
        needs = 20.0 if mode == "eager" else 90.0 * big
        bench.section(mode, lambda mode=mode: steps(bench, mode), needs)
        if bench.kept is not None:
            bench.section(f"profile, {mode}", lambda mode=mode: profile(bench, mode), 10.0)
    bench.section("cudnn search", lambda: searched(bench), 15.0)
    for mode in bench.modes:
        for batch in bench.more_batches:
            needs = 25.0 if mode == "eager" else 75.0 * big
            bench.section(
                f"{mode}, batch {batch}",
                lambda mode=mode, batch=batch: steps(bench, mode, batch),
                needs,
            )
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(bench.found["verdicts"], indent=1))


if __name__ == "__main__":
    main()

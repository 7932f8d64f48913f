"""Memory of an epoch at the paper's size: ours beside the concatenation of the official code.

    python benchmarks/memory.py [--real 50000] [--generated 1000000] [--copies 10] [--folder DIR]

Both sides draw one whole epoch of shuffled batches, every real image `copies` times and every
generated one once, each in a process of its own. What counts is anonymous memory (RssAnon in
/proc/self/status, so Linux): pages of memory-mapped files belong to the kernel's cache and are
given up when something else needs the room. The figure is the highest reading, taken after every
batch, less the reading after the imports. Images are uint8 noise, since memory does not depend on
what they show. The concatenation is the official one: both sets loaded into memory, as np.load
does for an npz, then np.concatenate([real] * copies + [generated]).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.sources import write_npy

BATCH = 512


def anonymous_mb() -> float:
    """Anonymous memory of this process, in MB of 10**6 bytes."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit("no RssAnon in /proc/self/status: this benchmark needs Linux")
    return int(found[1]) * 1024 / 1e6


def inflation(folder: Path, copies: int) -> Iterator[np.ndarray]:
    """The batches of one epoch, by `Inflation` over memory-mapped files."""
    real, generated = (
        ImageSet(np.load(folder / f"{side}.npy", mmap_mode="r"), None, side)
        for side in ("real", "generated")
    )
    data = Inflation(real, generated, replication=copies, sampling="epoch")
    for step in range(data.steps_per_epoch(BATCH)):
        yield data.gather(data.batch_indices(step, BATCH, seed=0))


def concatenation(folder: Path, copies: int) -> Iterator[np.ndarray]:
    """The batches of one epoch, by copying every image into one array."""
    real, generated = (np.load(folder / f"{side}.npy") for side in ("real", "generated"))
    images = np.concatenate([real] * copies + [generated])
    order = np.random.default_rng(0).permutation(len(images))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        yield images[order[start : start + BATCH]]


SIDES = {"inflation": inflation, "concatenation": concatenation}


def measure(side: str, folder: Path, copies: int) -> dict[str, float]:
    """Highest growth of anonymous memory in MB over one epoch, its seconds and batches."""
    before = highest = anonymous_mb()
    start, batches = time.perf_counter(), 0
    for _ in SIDES[side](folder, copies):
        highest = max(highest, anonymous_mb())
        batches += 1
    return {
        "megabytes": highest - before,
        "seconds": time.perf_counter() - start,
        "batches": batches,
    }


def write_noise(path: Path, count: int) -> None:
    """`count` noise images uint8 (count, 3, 32, 32) in an .npy file, a thousand at a time."""
    rng = np.random.default_rng(0)
    sizes = [min(1000, count - start) for start in range(0, count, 1000)]
    with path.open("wb") as file:
        noise = (rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8) for n in sizes)
        write_npy(file, (count, 3, 32, 32), noise)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=int, default=50_000)
    parser.add_argument("--generated", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3, help="processes a side")
    parser.add_argument("--folder", type=Path, help="where the noise is written for the while")
    parser.add_argument("--measure", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.folder, args.copies)))
        return

    from common import report

    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        write_noise(Path(folder) / "real.npy", args.real)
        write_noise(Path(folder) / "generated.npy", args.generated)
        for _ in range(args.repeats):
            for side, found in runs.items():
                command = [sys.executable, __file__, "--measure", side, "--folder", folder]
                command += ["--copies", str(args.copies)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                found.append(json.loads(done.stdout))
    figures = {}
    for side, found in runs.items():
        low, median, high = np.percentile([run["megabytes"] for run in found], (25, 50, 75))
        figures[side] = {"median": float(median), "low": float(low), "high": float(high)}
    report(
        "memory",
        figures,
        "MB of anonymous memory over the imports, for an epoch",
        device="cpu",
        images={"real": args.real, "generated": args.generated, "copies": args.copies},
        batch_size=BATCH,
        runs=runs,
    )


if __name__ == "__main__":
    main()

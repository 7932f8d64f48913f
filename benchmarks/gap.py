"""The gap report: processor seconds of `adainf gap`, from starting the command to its page.

    python benchmarks/gap.py [--count 1000 16000] [--size 32]

Real and generated images are two halves of CIFAR-10's training set, the generated ones with every
pixel off by up to 12 of 255 and saved as JPEG of quality 75, so that the file format is measured,
too (noise where there is no CIFAR-10). A command a count, with a cache of its own: a report is made
once, and its copies are searched. The targets are 10 and 90 processor seconds for 1,000 and 16,000
images a side of 32 pixels. Wall time is written down beside them and depends on what else runs;
`before` is what the command took before its passes were made to stay in the cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import report

from adainf_core.data.named_sets import load_images
from adainf_core.gap.jpeg import saved_as_jpeg

TARGETS = {1000: 10.0, 16_000: 90.0}
#: Commit 6f761f8 on the machine of the first results: Stable Diffusion's images of the same sizes
#: (JPEG) against CIFAR-10, no control of the format.
BEFORE = {1000: 10.6, 16_000: 129.1}


def images(size: int, count: int) -> tuple[np.ndarray, np.ndarray, str]:
    rng = np.random.default_rng(0)
    try:
        train = load_images("cifar10", download=False).downsampled(size).images
        real, made, source = train[:count], train[25_000 : 25_000 + count], "cifar10"
    except (FileNotFoundError, RuntimeError):
        noise = rng.integers(0, 256, (2 * count, 3, size, size), dtype=np.uint8)
        (real, made), source = np.split(noise, 2), "noise"
    changed = np.clip(made + rng.integers(-12, 13, made.shape), 0, 255).astype(np.uint8)
    return real, saved_as_jpeg(changed, 75), source


def command(folder: Path, real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """Wall and processor seconds of the command on these images."""
    np.savez(folder / "real.npz", images=real)
    np.savez(folder / "generated.npz", images=generated)
    words = ["gap", "real.npz", "generated.npz", "--n", str(len(real))]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "adainf_core.cli", *words],
        cwd=folder,
        env=os.environ | {"ADAINF_CACHE": str(folder / "cache")},
        check=True,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "processor": used}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, nargs="+", default=[1000, 16_000])
    parser.add_argument("--size", type=int, default=32)
    options = parser.parse_args()
    seconds, source = {}, ""
    for count in options.count:
        real, generated, source = images(options.size, count)
        with tempfile.TemporaryDirectory() as folder:
            seconds[count] = command(Path(folder), real, generated)
        print(
            f"{count:,} a side: {seconds[count]['processor']:.0f} s of processor time", flush=True
        )
    report(
        "gap",
        {
            f"{count:,} a side": dict.fromkeys(("median", "low", "high"), times["processor"])
            for count, times in seconds.items()
        },
        "processor seconds of the command",
        images=source,
        size=options.size,
        extractor="random convolution (width 64, seed 0)",
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        seconds=seconds,
        before=BEFORE,
        targets=TARGETS,
        targets_met={
            count: seconds[count]["processor"] <= target
            for count, target in TARGETS.items()
            if count in seconds
        },
    )


if __name__ == "__main__":
    main()

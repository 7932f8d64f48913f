"""The gap report: seconds for 10,000 real against 10,000 generated images, from pixels to table.

    python benchmarks/gap.py [--size 16 32] [--count 10000]

The real images are CIFAR-10's training set, the generated ones its test set with every pixel off by
up to 12 of 255, both averaged down to the size; noise where there is no CIFAR-10. One report a
size, after none: a report is made once. The target is at most 120 seconds on two cores. Wall and
processor time are both written down; on a busy machine the second is the one to compare.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
from common import report

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.gap.report import gap_report

TARGET = 120.0


def images(size: int, count: int) -> tuple[ImageSet, ImageSet, str]:
    rng = np.random.default_rng(0)
    try:
        real = load_images("cifar10", download=False).downsampled(size)
        test = load_images("cifar10", split="test", download=False).downsampled(size)
        source = "cifar10"
    except (FileNotFoundError, RuntimeError):
        noise = rng.integers(0, 256, (2 * count, 3, size, size), dtype=np.uint8)
        real, test = (ImageSet(part, None, "noise") for part in np.split(noise, 2))
        source = "noise"
    changed = test.images + rng.integers(-12, 13, test.images.shape)
    return real, ImageSet(np.clip(changed, 0, 255).astype(np.uint8), None, "noisy test"), source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    seconds, source = {}, ""
    for size in options.size:
        real, generated, source = images(size, options.count)
        wall, used = time.perf_counter(), time.process_time()
        found = gap_report(real, generated, n=options.count)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        seconds[f"{size} pixels"] = {"wall": wall, "processor": used}
        print(found)
        print(f"{size} pixels: {wall:.0f} s, {used:.0f} s of processor time", flush=True)
    report(
        "gap",
        {
            name: dict.fromkeys(("median", "low", "high"), times["wall"])
            for name, times in seconds.items()
        },
        "seconds a report",
        images=source,
        count=options.count,
        extractor=found.extractor,
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        seconds=seconds,
        target=TARGET,
        targets_met={name: times["wall"] <= TARGET for name, times in seconds.items()},
    )


if __name__ == "__main__":
    main()

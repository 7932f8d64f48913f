"""Packing a million generated images into a store, checked: from an npz archive and from PNG files.

    python benchmarks/packing.py [--images 1000000] [--files 100000] [--real 50000] [--folder DIR]

The images are noise over a coarse pattern, 32 pixels a side, which PNG shrinks about as it does
photographs; what they show does not matter otherwise. Each import runs in a process of its own and
is compared with `--real` other images (exact copies, colour order). Reported are the wall time, the
processor time (of its own processes too) and the highest anonymous memory (RssAnon in
/proc/PID/status, so Linux, of all its processes together, read every 20 ms) less what there was
before the import, real images included.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.images import ImageSet
from adainf_core.data.sources import npy_header

SECONDS, MEGABYTES = 120, 500
CHUNK = 1000


def pictures(count: int, seed: int) -> Iterator[np.ndarray]:
    """`count` images uint8 (m, 32, 32, 3), at most a thousand at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        coarse = rng.integers(0, 240, (size, 4, 4, 3), np.uint8)
        fine = coarse.repeat(8, axis=1).repeat(8, axis=2)
        yield fine + rng.integers(0, 16, fine.shape, np.uint8)


def write_npz(path: Path, count: int) -> None:
    """An archive with the keys and the layout of the released sets."""
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("image.npy", "w", force_zip64=True) as file:
            file.write(npy_header((count, 32, 32, 3)))
            for images in pictures(count, 0):
                file.write(images.tobytes())
        with archive.open("label.npy", "w") as file:
            np.lib.format.write_array(file, np.full(count, -1))


def write_folder(path: Path, count: int) -> None:
    """A folder of PNG files."""
    from PIL import Image

    path.mkdir()
    number = 0
    for images in pictures(count, 0):
        for image in images:
            Image.fromarray(image).save(path / f"{number:07}.png", compress_level=1)
            number += 1


def anonymous_mb() -> float:
    """Anonymous memory of this process and of those below it, in MB of 10**6 bytes."""
    kilobytes, waiting = 0, [os.getpid()]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        try:
            found = re.search(r"RssAnon:\s+(\d+) kB", (process / "status").read_text())
            kilobytes += int(found[1]) if found else 0
            for thread in (process / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except FileNotFoundError:  # gone meanwhile
            continue
    return kilobytes * 1024 / 1e6


def measure(source: Path, real: int) -> dict[str, float]:
    """Import `source` beside `real` images; seconds, processor seconds and memory."""
    training = np.concatenate(list(pictures(real, 1))).transpose(0, 3, 1, 2).copy()
    compared = ImageSet(training, None, "real")
    before = highest = anonymous_mb()
    over = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not over.wait(0.02):
            highest = max(highest, anonymous_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    took = GeneratedImages.from_folder if source.is_dir() else GeneratedImages.from_npz
    try:
        images = took(source, real=compared)
        seconds = time.perf_counter() - start
    finally:
        over.set()
        watcher.join()
    times = os.times()
    return {
        "images": len(images),
        "seconds": seconds,
        "images_per_second": len(images) / seconds,
        "processor_seconds": times.user + times.system + times.children_user,
        "megabytes": highest - before,
        "stored_megabytes": images.images.nbytes / 1e6,
    }


def apart(source: Path, real: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", str(source), "--real", str(real)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000, help="in the archive")
    parser.add_argument("--files", type=int, default=100_000, help="in the folder")
    parser.add_argument("--real", type=int, default=50_000, help="to compare with")
    parser.add_argument("--folder", type=Path, help="where to write for the while (7 GB)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.real)))
        return

    from common import report

    sides = {"npz": (write_npz, args.images), "png": (write_folder, args.files)}
    found = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for side, (write, count) in sides.items():
            source = Path(folder) / f"{side}.{side}"
            write(source, count)
            found[side] = apart(source, args.real)
            print(side, found[side], file=sys.stderr)
    rates = {side: run["images_per_second"] for side, run in found.items()}
    report(
        "packing",
        {side: dict.fromkeys(("median", "low", "high"), rate) for side, rate in rates.items()},
        "images per second, one run",
        device="cpu",
        real=args.real,
        runs=found,
        targets={"seconds": SECONDS, "megabytes": MEGABYTES, "of": "npz, 1,000,000 images"},
        targets_met={
            "seconds": found["npz"]["seconds"] <= SECONDS * args.images / 1e6,
            "megabytes": found["npz"]["megabytes"] <= MEGABYTES,
        },
    )


if __name__ == "__main__":
    main()

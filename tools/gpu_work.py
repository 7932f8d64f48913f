"""The most valuable work first, when a GPU is at hand for some minutes.

    python tools/gpu_work.py --out DIR --minutes 9.5              # the usual parts, in order
    python tools/gpu_work.py --out DIR --minutes 9.5 studies      # go on with the studies
    python tools/gpu_work.py --out DIR --minutes 3 --tiny         # does it run? (any machine)

Parts: "benchmark" (a minute: what a training step takes, gpu.json), "studies" (scale desktop, in
the order of STUDIES, each arm once before any twice, from the runs and checkpoints already in
--results, --processes of them side by side on the card), and, where it is named, "generator" (a
32-pixel diffusion model trained on, or begun: model, sheet, generator.json). It needs the
repository, Python with torch, torchvision, scipy, scikit-learn and diffusers, and CIFAR-10 under
ADAINF_DATA; no network. A part that fails takes no other along. In the end DIR/records.tar.gz holds
all records and unfinished runs in files of at most 15 MB; at home unpack it and say
`adainf study collect FOLDER`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS, USUAL = ("benchmark", "generator", "studies"), ("benchmark", "studies")
STUDIES, SEEDS = ("desktop",), 4
BENCHMARK = 60.0  # seconds
CLOSING = 20.0  # seconds kept for packing
GRACE = 30.0  # seconds that a part may take beyond its time


def commands(part: str, options: argparse.Namespace) -> list[list[str]]:
    """The commands of a part, without the time that each is given, which goes to its end."""
    tiny = ["--tiny"] if options.tiny else []
    device = ["--device", "cpu"] if options.tiny else []
    if part != "studies":
        script = {"benchmark": "gpu.py", "generator": "gpu_generator.py"}[part]
        call = [sys.executable, f"benchmarks/{script}", "--out", str(options.out)]
        return [[*call, *device, *tiny, "--minutes"]]
    names, scale = (("failure-mode-sprites",), "quick") if options.tiny else (STUDIES, "desktop")
    run = [sys.executable, "-m", "adainf_core.cli", "study", "run", *names, "--scale", scale]
    run += ["--results", str(options.results), "--processes", str(options.processes)]
    return [[*run, "--seeds", str(seeds), "--budget"] for seeds in range(1, SEEDS + 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(USUAL), metavar="part", help=str(PARTS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--processes", type=int, default=4, help="runs side by side")
    parser.add_argument("--tiny", action="store_true", help="sizes for a test")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}: choose {', '.join(PARTS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    options.out, options.results = options.out.resolve(), options.results.resolve()
    ends = time.monotonic() + 60 * options.minutes - CLOSING
    failed = []
    for part, command in [(p, c) for p in options.parts for c in commands(p, options)]:
        left = ends - time.monotonic()
        seconds = left - GRACE if part != "benchmark" else min(BENCHMARK, left - GRACE)
        if seconds <= 0:
            break
        given = seconds if part == "studies" else seconds / 60
        print(f"== {part}: {seconds:.0f} s", flush=True)
        try:
            done = subprocess.run(
                [*command, f"{given:.2f}"],
                cwd=ROOT,
                timeout=min(left, seconds + GRACE),
                check=False,
            )
            status = str(done.returncode)
        except subprocess.TimeoutExpired:
            status = "out of time"
        if status != "0":
            failed.append(f"{part} ({status})")
    keep(options.results, options.out / "records.tar.gz")
    print(f"failed: {', '.join(failed)}" if failed else "all parts ended well")
    return 1 if failed else 0


def keep(results: Path, archive: Path) -> None:
    """All records and unfinished runs in one archive, nothing in it larger than a piece."""
    sys.path.insert(0, str(ROOT))
    from adainf_core.evidence.collecting import pack

    with tempfile.TemporaryDirectory() as passing:
        folder = Path(passing) / "results"
        pack(folder, results)
        folder.mkdir(exist_ok=True)
        with tarfile.open(archive, "w:gz") as file:
            file.add(folder, "results")


if __name__ == "__main__":
    sys.exit(main())

"""The most valuable work first, when a GPU is at hand for ten to thirty minutes.

    python tools/gpu_work.py --out DIR --minutes 9.5              # all parts, in order
    python tools/gpu_work.py --out DIR --minutes 9.5 studies      # go on with the studies
    python tools/gpu_work.py --out DIR --minutes 3 --tiny         # does it run? (any machine)

Parts: "benchmark" (what a training step takes: gpu.json), "generator" (a 32-pixel diffusion model
trained on, or begun: model, sheet, generator.json), "studies" (at scale gpu, in the order of
STUDIES, from the runs and checkpoints already in --results). It needs the repository, Python with
torch, torchvision, scipy, scikit-learn and diffusers, and CIFAR-10 under ADAINF_DATA; no network.
Each part ends by itself when its time is up, so that a part which fails takes no other along. In
the end DIR/records.tar.gz holds all records and unfinished runs in files of at most 15 MB; at home
unpack it and say `adainf study collect FOLDER`.
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
PARTS = ("benchmark", "generator", "studies")
SHARES = {"benchmark": 0.3, "generator": 0.5, "studies": 1.0}  # of the time that is left
STUDIES = ("failure-mode", "ablation", "quality", "mixing-ratio", "data-scarce", "crop-strength")
CLOSING = 20.0  # seconds kept for packing
GRACE = 30.0  # seconds that a part may take beyond its time


def command(part: str, minutes: float, options: argparse.Namespace) -> list[str]:
    """The command of a part that is given `minutes`."""
    tiny = ["--tiny"] if options.tiny else []
    device = ["--device", "cpu"] if options.tiny else []
    if part == "benchmark":
        script = ["benchmarks/gpu.py", "--out", str(options.out), "--minutes", f"{minutes:.2f}"]
        return [sys.executable, *script, *device, *tiny]
    if part == "generator":
        script = ["benchmarks/gpu_generator.py", "--out", str(options.out)]
        return [sys.executable, *script, "--minutes", f"{minutes:.2f}", *device, *tiny]
    names = ["failure-mode-sprites"] if options.tiny else list(STUDIES)
    scale = "quick" if options.tiny else "gpu"
    run = ["-m", "adainf_core.cli", "study", "run", *names, "--scale", scale]
    budget = ["--budget", f"{60 * minutes:.0f}", "--results", str(options.results)]
    return [sys.executable, *run, *budget, "--processes", str(options.processes)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="part", help=str(PARTS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--processes", type=int, default=1, help="runs side by side")
    parser.add_argument("--tiny", action="store_true", help="sizes for a test")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}: choose {', '.join(PARTS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    options.out, options.results = options.out.resolve(), options.results.resolve()
    ends = time.monotonic() + 60 * options.minutes - CLOSING
    failed = []
    for number, part in enumerate(options.parts):
        left = ends - time.monotonic()
        last = number == len(options.parts) - 1
        seconds = (1.0 if last else SHARES[part]) * (left - GRACE)
        if seconds <= 0:
            break
        print(f"== {part}: {seconds:.0f} s", flush=True)
        try:
            done = subprocess.run(
                command(part, seconds / 60, options),
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

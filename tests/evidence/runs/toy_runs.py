"""A study whose runs take a while and fail as they are told, for workers that read it by name."""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from adainf_core.evidence.runs.grid import Arm, Layout, Outcome, Study
from adainf_core.evidence.runs.quantities import PERCENT, Quantity
from adainf_core.files import atomic_file, claim_output
from adainf_core.stopping import stop_requests


@dataclass(frozen=True)
class Nap:
    """`steps` of a hundredth of a second; every step and every try leaves a mark in `folder`.

    The first `times` tries of seed 0 do what `does` says, half-way; what a worker lacks, in an
    environment with TOY_LACKS.
    """

    number: int = 0
    seed: int = 0
    steps: int = 2
    folder: str = ""
    does: str = ""
    times: int = 0

    kind: ClassVar[str] = "nap"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[dict[str, Quantity]] = {"linear": PERCENT}
    device: ClassVar[str] = "cpu"

    def run(self) -> Outcome:
        total = float((self.number + self.seed) % 100)  # as a percentage may be
        return Outcome({"linear": total}, {"linear": "a sum"}, 1.0, [{"step": 1, "loss": total}])

    def small(self) -> Nap:
        return Nap(self.number)

    def resume(self, checkpoint: Path, max_seconds: float) -> Outcome | None:
        ends = time.monotonic() + max_seconds
        with claim_output(checkpoint, "file"), stop_requests() as stop:
            tries = self._mark("try")
            step = int(checkpoint.read_bytes()) if checkpoint.is_file() else 0
            while step < self.steps:
                if stop or time.monotonic() > ends:
                    return None
                if step >= self.steps // 2 and tries < self.times and self.seed == 0:
                    self._fail()
                time.sleep(0.01)
                step += 1
                self._mark("step")
                with atomic_file(checkpoint) as file:
                    file.write(b"%d" % step)
        return self.run()

    def _mark(self, what: str) -> int:
        """How often this was called before; the name says who did it."""
        before = len(list(Path(self.folder).glob(f"{what}-{self.number}-{self.seed}-*")))
        mark = Path(self.folder) / f"{what}-{self.number}-{self.seed}-{before}"
        mark.write_text(f"{os.getpid()} {os.getppid()}")
        return before

    def _fail(self) -> None:
        if self.does == "raise":
            raise ZeroDivisionError("it is unlucky")
        if self.does == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.does == "kill worker":
            with suppress(ProcessLookupError):
                os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        if "TOY_LACKS" not in os.environ:
            return
        if self.does == "no data":
            raise FileNotFoundError("no images at nowhere")
        if self.does == "full":
            raise OSError(errno.ENOSPC, "could not write there: free some space")


def naps(folder: Path, arms: dict[str, dict], seeds: int = 2, **base) -> Study:
    """A study of those arms, whose values change the base's."""
    grid = {
        arm: Arm(arm, {"number": number, **changes})
        for number, (arm, changes) in enumerate(arms.items(), 1)
    }
    return Study(
        "naps",
        "Does it sleep?",
        grid,
        {"quick": Layout(Nap(folder=str(folder), **base), seeds=(seeds, seeds))},
    )

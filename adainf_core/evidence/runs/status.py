"""Where a study stands: what is recorded, what is stale, what a budget would add."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from adainf_core.evidence.runs.freshness import is_fresh
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.runs.running import study_records


@dataclass(frozen=True)
class Status:
    """A study at one scale: `planned` runs, those `recorded`, of which `stale` by changed code.

    Stale is what is neither of the code as it is now nor replayed under it. `left` is what has no
    record, in the order of the plan. `seconds` is the median wall time of the recorded runs, None
    where there are none.
    """

    study: str
    scale: str
    planned: int
    recorded: int
    stale: tuple[str, ...]
    left: tuple[str, ...]
    seconds: float | None

    def within(self, budget: float, processes: int = 1) -> tuple[str, ...]:
        """Runs that `budget` seconds would add, `processes` at a time at the median wall time.

        A run is begun as long as there is time, and ends when it ends. Empty where no run has
        told how long it takes.
        """
        if self.seconds is None or budget <= 0:
            return ()
        rounds = int(-(-budget // max(self.seconds, 1e-9)))
        return self.left[: rounds * processes]


def status(study: Study, scale: str, root: Path = RESULTS) -> Status:
    """Where `study` stands at `scale`; runs shared with other studies count."""
    plan = study.plan(scale)
    records = {(record.arm, record.seed): record for record in study_records(study, scale, root)}
    return Status(
        study=study.name,
        scale=scale,
        planned=len(plan),
        recorded=len(records),
        stale=tuple(
            record.name
            for key, record in records.items()
            if not is_fresh(record, study.experiment(scale, *key), root)
        ),
        left=tuple(f"{arm}-{seed}" for arm, seed in plan if (arm, seed) not in records),
        seconds=median(r.wall_seconds for r in records.values()) if records else None,
    )

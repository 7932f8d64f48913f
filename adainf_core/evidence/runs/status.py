"""Where a study stands: what is recorded, what is stale, what a budget would add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from adainf_core.evidence.runs.freshness import is_fresh
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.evidence.runs.running import awaited, study_records


@dataclass(frozen=True)
class Status:
    """A study at one scale: `planned` runs, those `recorded`, of which `stale` by changed code.

    Stale is what is neither of the code as it is now nor replayed under it. `left` is what has no
    record, in the order of the plan; `waiting` maps those of it that read what another study has
    yet to leave to the command that has to run first. `seconds` is the median wall time of the
    recorded runs, None where there are none.
    """

    study: str
    scale: str
    planned: int
    recorded: int
    stale: tuple[str, ...]
    left: tuple[str, ...]
    seconds: float | None
    waiting: Mapping[str, str] = field(default_factory=dict)

    def within(self, budget: float, processes: int = 1) -> tuple[str, ...]:
        """Runs that `budget` seconds would add, `processes` at a time at the median wall time.

        A run is begun as long as there is time, and ends when it ends. Empty where no run has
        told how long it takes.
        """
        if self.seconds is None or budget <= 0:
            return ()
        rounds = int(-(-budget // max(self.seconds, 1e-9)))
        ready = tuple(name for name in self.left if name not in self.waiting)
        return ready[: rounds * processes]


def status(study: Study, scale: str, root: Path = RESULTS) -> Status:
    """Where `study` stands at `scale`; runs shared with other studies count."""
    plan = study.plan(scale)
    records = {(record.arm, record.seed): record for record in study_records(study, scale, root)}
    left = [key for key in plan if key not in records]
    waiting = awaited(study, scale, left, root)
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
        left=tuple(f"{arm}-{seed}" for arm, seed in left),
        seconds=median(r.wall_seconds for r in records.values()) if records else None,
        waiting={f"{arm}-{seed}": command for (arm, seed), command in waiting.items()},
    )
